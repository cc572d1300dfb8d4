/* Queue groups: each message goes to one member, until somebody has accepted it. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

void scenario_queue_group_shares(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 2);
    queue_group(&world, "g", NULL);
    minka_consumer *both[2];
    for (int at = 0; at < 2; at++) {
        both[at] = consumer_open(&world, "group.id", "g", "max.poll.records", "5", NULL);
        subscribe(both[at], "t");
    }
    wait_for_members(&world, "g", 2);
    minka_producer *producer = producer_open(&world, NULL);
    for (int number = 0; number < 100; number++) {
        char value[16];
        snprintf(value, sizeof value, "%d", number);
        OK(send_one(producer, message("t", value), NULL));
    }
    minka_producer_free(producer);
    int times[100] = { 0 };
    int64_t deadline = now() + PATIENCE;
    for (int came = 0; came < 100;) {
        CHECK(now() < deadline);
        for (int at = 0; at < 2; at++) {
            minka_batch *batch = NULL;
            OK(minka_consumer_poll(both[at], MOMENT, &batch));
            minka_record record;
            while (minka_batch_next(batch, &record)) {
                char value[16];
                snprintf(value, sizeof value, MINKA_FORMAT, MINKA_ARGS(record.value));
                CHECK(++times[atoi(value)] == 1);
                came++;
            }
            minka_batch_free(batch);
        }
    }
    for (int at = 0; at < 2; at++)
        leave(both[at]);
    minka_admin *admin = admin_open(&world);
    minka_group_description *found = NULL;
    OK(minka_admin_describe_group(admin, STR("g"), &found));
    size_t partitions = minka_group_description_partition_count(found);
    CHECK(partitions > 0);
    for (size_t at = 0; at < partitions; at++) {
        minka_group_partition partition;
        OK(minka_group_description_partition(found, at, &partition));
        CHECK(partition.lag == 0);
    }
    minka_group_description_free(found);
    minka_admin_free(admin);
    world_close(&world);
}

void scenario_queue_release_and_reject(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    queue_group(&world, "g", NULL);
    send_values(&world, "t", "accepted", "released", "rejected", NULL);
    minka_consumer *one = worker(&world, "g", "t");
    struct taken taken = take(one, 3);
    for (int at = 0; at < 3; at++)
        CHECK(taken.records[at].delivery_count == 1);
    OK(acknowledge(one, &taken.records[0], MINKA_ACCEPT));
    OK(acknowledge(one, &taken.records[1], MINKA_RELEASE));
    OK(acknowledge(one, &taken.records[2], MINKA_REJECT));
    OK(minka_consumer_commit(one));
    taken_free(&taken);
    taken = take(one, 1);
    TEXT("released", taken.records[0].value);
    CHECK(taken.records[0].delivery_count == 2);
    OK(acknowledge(one, &taken.records[0], MINKA_ACCEPT));
    OK(minka_consumer_commit(one));
    /* What is done cannot be undone. */
    IS(MINKA_INVALID_RECORD_STATE, acknowledge(one, &taken.records[0], MINKA_RELEASE));
    uint64_t too_late = 1;
    OK(minka_consumer_acknowledged_too_late(one, &too_late));
    CHECK(too_late == 0);
    taken_free(&taken);
    nothing_comes(one);
    leave(one);
    minka_consumer *other = worker(&world, "g", "t");
    nothing_comes(other);
    minka_consumer_free(other);
    world_close(&world);
}

void scenario_queue_renew(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    /* Sessions are longer than all that the clock is moved by: only the lock can run out. */
    queue_group(&world, "g", "share.session.timeout.ms", "600000", NULL);
    send_values(&world, "t", "slow", NULL);
    minka_consumer *first = worker(&world, "g", "t");
    struct taken taken = take(first, 1);
    minka_consumer *other = worker(&world, "g", "t");
    wait_for_members(&world, "g", 2);
    for (int turn = 0; turn < 3; turn++) {
        /* The lock is 30 s long. */
        OK(minka_broker_advance_clock(world.broker, 20000));
        nothing_comes(other);
        OK(acknowledge(first, &taken.records[0], MINKA_RENEW));
        OK(minka_consumer_commit(first));
    }
    OK(acknowledge(first, &taken.records[0], MINKA_ACCEPT));
    OK(minka_consumer_commit(first));
    OK(minka_broker_advance_clock(world.broker, 31000));
    nothing_comes(other);
    taken_free(&taken);
    minka_consumer_free(first);
    minka_consumer_free(other);
    world_close(&world);
}

void scenario_queue_dead_letters(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    queue_group(&world, "g", "minka.dead.letter.enable", "true", "share.delivery.count.limit", "2",
                NULL);
    send_values(&world, "t", "too hard", "bad", NULL);
    minka_consumer *one = worker(&world, "g", "t");
    struct taken taken = take(one, 2);
    OK(acknowledge(one, &taken.records[0], MINKA_RELEASE));
    OK(acknowledge(one, &taken.records[1], MINKA_REJECT));
    OK(minka_consumer_commit(one));
    taken_free(&taken);
    taken = take(one, 1);
    CHECK(taken.records[0].delivery_count == 2);
    OK(acknowledge(one, &taken.records[0], MINKA_RELEASE));
    OK(minka_consumer_commit(one));
    taken_free(&taken);
    nothing_comes(one);
    minka_consumer_free(one);
    /* A consumer waits for the topic, too. */
    minka_consumer *dead = reader(&world, "t.dlq");
    taken = take(dead, 2);
    bool in_order = is_text(taken.records[0].value, "bad");
    TEXT("bad", taken.records[in_order ? 0 : 1].value);
    TEXT("too hard", taken.records[in_order ? 1 : 0].value);
    taken_free(&taken);
    minka_consumer_free(dead);
    world_close(&world);
}
