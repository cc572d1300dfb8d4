/* A clock that the test moves: what was due has happened when the call returns. */

#include "harness.h"

#include <time.h>

static int64_t start_of(const struct world *world)
{
    minka_admin *admin = admin_open(world);
    minka_topic_description *found = NULL;
    OK(minka_admin_describe_topic(admin, STR("t"), &found));
    minka_partition partition;
    OK(minka_topic_description_partition(found, 0, &partition));
    minka_topic_description_free(found);
    minka_admin_free(admin);
    return partition.start;
}

void scenario_clock_expires_retention(enum place place)
{
    struct world world = world_open(place, NULL);
    minka_admin *admin = admin_open(&world);
    minka_change retention = { STR("retention.ms"), STR("60000") };
    OK(minka_admin_create_topic(admin, STR("t"), 1, &retention, 1));
    minka_admin_free(admin);
    topic(&world, "kept", 1);
    send_values(&world, "t", "old", "older", NULL);
    send_values(&world, "kept", "old", NULL);
    OK(minka_broker_advance_clock(world.broker, 50000));
    CHECK(start_of(&world) == 0);
    /* The time of a record is that of its producer, whose clock nobody has moved. */
    minka_message new = message("t", "new");
    new.timestamp = (int64_t)time(NULL) * 1000 + 50000;
    minka_producer *producer = producer_open(&world, NULL);
    OK(send_one(producer, new, NULL));
    minka_producer_free(producer);
    OK(minka_broker_advance_clock(world.broker, 20000));
    CHECK(start_of(&world) == 2);
    minka_consumer *consumer = reader(&world, "t");
    expect(consumer, "new", NULL);
    minka_consumer_free(consumer);
    consumer = reader(&world, "kept");
    expect(consumer, "old", NULL);
    minka_consumer_free(consumer);
    world_close(&world);
}

void scenario_clock_expires_locks(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    /* Sessions are longer than the lock: only that can run out. */
    queue_group(&world, "g", "share.record.lock.duration.ms", "60000",
                "share.session.timeout.ms", "600000", NULL);
    send_values(&world, "t", "a", NULL);
    minka_consumer *slow = worker(&world, "g", "t");
    struct taken taken = take(slow, 1);
    CHECK(taken.records[0].delivery_count == 1);
    taken_free(&taken);
    minka_consumer *other = worker(&world, "g", "t");
    wait_for_members(&world, "g", 2);
    nothing_comes(other);
    OK(minka_broker_advance_clock(world.broker, 60000));
    taken = take(other, 1);
    TEXT("a", taken.records[0].value);
    CHECK(taken.records[0].delivery_count == 2);
    OK(acknowledge(other, &taken.records[0], MINKA_ACCEPT));
    OK(minka_consumer_commit(other));
    taken_free(&taken);
    minka_consumer_free(slow);
    minka_consumer_free(other);
    world_close(&world);
}

void scenario_clock_expires_sessions(enum place place)
{
    const char *groups[] = { "partitions", "queue" };
    /* A member that has just joined is silent for longer than this test takes. */
    struct world world = world_open(place, "group.consumer.heartbeat.interval.ms", "40000",
                                    "group.consumer.session.timeout.ms", "45000", NULL);
    topic(&world, "t", 1);
    send_values(&world, "t", "a", NULL);
    queue_group(&world, "queue", "share.heartbeat.interval.ms", "40000",
                "share.session.timeout.ms", "45000", NULL);
    minka_consumer *consumers[] = { member(&world, "partitions", "t"),
                                    worker(&world, "queue", "t") };
    for (int at = 0; at < 2; at++) {
        expect(consumers[at], "a", NULL);
        CHECK(members(&world, groups[at]) == 1);
    }
    OK(minka_broker_advance_clock(world.broker, 46000));
    for (int at = 0; at < 2; at++)
        CHECK(members(&world, groups[at]) == 0);
    /* What they had goes to others. */
    minka_consumer *others[] = { member(&world, "partitions", "t"), worker(&world, "queue", "t") };
    for (int at = 0; at < 2; at++) {
        expect(others[at], "a", NULL);
        minka_consumer_free(others[at]);
        minka_consumer_free(consumers[at]);
    }
    world_close(&world);
}
