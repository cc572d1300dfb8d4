/* Partition groups, and reading partitions by hand. */

#include "harness.h"

#include <stdio.h>

void scenario_partition_group_commits(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    send_values(&world, "t", "a", "b", NULL);
    minka_consumer *one = member(&world, "g", "t");
    expect(one, "a", "b", NULL);
    int64_t committed = 0;
    OK(minka_consumer_committed(one, STR("t"), 0, &committed));
    CHECK(committed == -1);
    OK(minka_consumer_commit(one));
    OK(minka_consumer_committed(one, STR("t"), 0, &committed));
    CHECK(committed == 2);
    leave(one);
    send_values(&world, "t", "c", NULL);
    one = member(&world, "g", "t");
    expect(one, "c", NULL);
    /* Closing commits what was returned. */
    leave(one);
    send_values(&world, "t", "d", NULL);
    one = member(&world, "g", "t");
    expect(one, "d", NULL);
    leave(one);
    world_close(&world);
}

static minka_start at(int32_t kind, int64_t value)
{
    minka_start start = { kind, value };
    return start;
}

static int64_t position(minka_consumer *consumer)
{
    int64_t position = -2;
    OK(minka_consumer_position(consumer, STR("t"), 0, &position));
    return position;
}

void scenario_assign_seek_pause(enum place place)
{
    const int64_t time = 1700000000000;
    const char *values[] = { "a", "b", "c", "d" };
    struct world world = world_open(place, NULL);
    topic(&world, "t", 2);
    minka_producer *producer = producer_open(&world, NULL);
    for (int number = 0; number < 4; number++) {
        minka_message one = message("t", values[number]);
        one.partition = 0;
        one.timestamp = time + 1000 * number;
        OK(send_one(producer, one, NULL));
    }
    minka_message other = message("t", "other");
    other.partition = 1;
    OK(send_one(producer, other, NULL));
    minka_producer_free(producer);

    minka_consumer *consumer = consumer_open(&world, NULL);
    minka_partition_start from = { STR("t"), 0, at(MINKA_START_OFFSET, 2) };
    OK(minka_consumer_assign(consumer, &from, 1));
    minka_assignment *assignment = NULL;
    OK(minka_consumer_assignment(consumer, &assignment));
    CHECK(minka_assignment_count(assignment) == 1);
    minka_topic_partition assigned;
    OK(minka_assignment_get(assignment, 0, &assigned));
    TEXT("t", assigned.topic);
    CHECK(assigned.partition == 0);
    IS(MINKA_INVALID_REQUEST, minka_assignment_get(assignment, 1, &assigned));
    minka_assignment_free(assignment);
    CHECK(position(consumer) == 2);
    expect(consumer, "c", "d", NULL);
    CHECK(position(consumer) == 4);
    OK(minka_consumer_seek(consumer, STR("t"), 0, at(MINKA_START_TIME, time + 1000)));
    expect(consumer, "b", "c", "d", NULL);
    OK(minka_consumer_seek(consumer, STR("t"), 0, at(MINKA_START_OFFSET, 3)));
    expect(consumer, "d", NULL);
    OK(minka_consumer_seek(consumer, STR("t"), 0, at(MINKA_START_LATEST, 0)));
    nothing_comes(consumer);

    minka_partition_start both[] = { { STR("t"), 0, at(MINKA_START_EARLIEST, 0) },
                                     { STR("t"), 1, at(MINKA_START_EARLIEST, 0) } };
    OK(minka_consumer_assign(consumer, both, 2));
    OK(minka_consumer_pause(consumer, STR("t"), 0));
    expect(consumer, "other", NULL);
    nothing_comes(consumer);
    OK(minka_consumer_resume(consumer, STR("t"), 0));
    expect(consumer, "a", "b", "c", "d", NULL);
    IS(MINKA_INVALID_REQUEST, minka_consumer_pause(consumer, STR("t"), 2));
    minka_consumer_free(consumer);
    world_close(&world);
}

void scenario_replay_from_the_start(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    char values[50][16];
    for (int number = 0; number < 50; number++) {
        snprintf(values[number], sizeof values[number], "%d", number);
        OK(send_one(producer, message("t", values[number]), NULL));
    }
    minka_producer_free(producer);
    minka_consumer *consumers[] = { reader(&world, "t"), reader(&world, "t") };
    for (int turn = 0; turn < 2; turn++) {
        for (int who = 0; who < 2; who++) {
            struct taken taken = take(consumers[who], 50);
            for (int number = 0; number < 50; number++)
                TEXT(values[number], taken.records[number].value);
            taken_free(&taken);
            nothing_comes(consumers[who]);
            OK(minka_consumer_seek(consumers[who], STR("t"), 0, at(MINKA_START_EARLIEST, 0)));
        }
    }
    for (int who = 0; who < 2; who++)
        minka_consumer_free(consumers[who]);
    world_close(&world);
}
