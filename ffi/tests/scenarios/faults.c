/* Faults that a test asks for. */

#include "harness.h"

void scenario_fault_fails_the_nth_produce(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    inject(&world, "Produce", 2, MINKA_EFFECT_ERROR, MINKA_POLICY_VIOLATION);
    int64_t offset = -1;
    OK(send_one(producer, message("t", "first"), &offset));
    CHECK(offset == 0);
    IS(MINKA_POLICY_VIOLATION, send_one(producer, message("t", "second"), &offset));
    OK(send_one(producer, message("t", "third"), &offset));
    CHECK(offset == 1);
    minka_consumer *consumer = reader(&world, "t");
    expect(consumer, "first", "third", NULL);
    minka_consumer_free(consumer);
    /* One that is taken back does not happen. */
    inject(&world, "Produce", 1, MINKA_EFFECT_ERROR, MINKA_POLICY_VIOLATION);
    OK(minka_broker_clear_faults(world.broker));
    OK(send_one(producer, message("t", "fourth"), &offset));
    CHECK(offset == 2);
    /* What can be tried again is over a socket, and the application hears nothing of it. */
    if (place == SOCKET) {
        inject(&world, "Produce", 1, MINKA_EFFECT_ERROR, MINKA_NOT_LEADER);
        OK(send_one(producer, message("t", "fifth"), &offset));
        CHECK(offset == 3);
    }
    minka_producer_free(producer);
    world_close(&world);
}

void scenario_fault_delays(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    send_values(&world, "t", "a", NULL);
    inject(&world, "Fetch", 1, MINKA_EFFECT_DELAY, 300);
    int64_t since = now();
    minka_consumer *consumer = reader(&world, "t");
    expect(consumer, "a", NULL);
    CHECK(now() - since >= 299);
    minka_consumer_free(consumer);
    world_close(&world);
}

void scenario_fault_drops_connections(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    int64_t offset = -1;
    OK(send_one(producer, message("t", "first"), &offset));
    inject(&world, "Produce", 1, MINKA_EFFECT_DROP_ANSWER, 0);
    OK(send_one(producer, message("t", "answer lost"), &offset));
    CHECK(offset == 1);
    inject(&world, "Produce", 1, MINKA_EFFECT_DROP_REQUEST, 0);
    OK(send_one(producer, message("t", "request lost"), &offset));
    CHECK(offset == 2);
    OK(minka_broker_drop_connections(world.broker));
    OK(send_one(producer, message("t", "last"), &offset));
    CHECK(offset == 3);
    minka_consumer *consumer = reader(&world, "t");
    expect(consumer, "first", "answer lost", "request lost", "last", NULL);
    /* A consumer comes back too. */
    OK(minka_broker_drop_connections(world.broker));
    OK(send_one(producer, message("t", "more"), &offset));
    size_t count = 0;
    for (int64_t deadline = now() + PATIENCE; count == 0;) {
        CHECK(now() < deadline);
        minka_status status = poll_count(consumer, 1000, &count);
        CHECK(status == MINKA_OK || minka_status_is_retriable(status));
    }
    CHECK(count == 1);
    nothing_comes(consumer);
    minka_consumer_free(consumer);
    minka_producer_free(producer);
    world_close(&world);
}

void scenario_fault_fails_the_disk(enum place place)
{
    struct directory directory = directory_new();
    struct world world = world_open(place, "data", directory.path, NULL);
    topic(&world, "t", 1);
    send_values(&world, "t", "before", NULL);
    inject(&world, "disk.sync", 1, MINKA_EFFECT_ERROR, MINKA_STORAGE_FAILED);
    minka_producer *producer = producer_open(&world, NULL);
    IS(MINKA_STORAGE_FAILED, send_one(producer, message("t", "failed"), NULL));
    CHECK(minka_status_is_fatal(MINKA_STORAGE_FAILED));
    IS(MINKA_STORAGE_FAILED, send_one(producer, message("t", "refused"), NULL));
    minka_producer_free(producer);
    /* It may say that not everything is on the disk. */
    minka_broker_close(world.broker);
    minka_broker_free(world.broker);
    world = world_open(place, "data", directory.path, NULL);
    send_values(&world, "t", "after", NULL);
    minka_consumer *consumer = reader(&world, "t");
    /* Whether a record is there whose sync failed is not known. */
    minka_admin *admin = admin_open(&world);
    minka_topic_description *found = NULL;
    minka_partition partition;
    OK(minka_admin_describe_topic(admin, STR("t"), &found));
    OK(minka_topic_description_partition(found, 0, &partition));
    minka_topic_description_free(found);
    minka_admin_free(admin);
    CHECK(partition.end == 2 || partition.end == 3);
    struct taken taken = take(consumer, (size_t)partition.end);
    TEXT("before", taken.records[0].value);
    TEXT("after", taken.records[partition.end - 1].value);
    if (partition.end == 3)
        TEXT("failed", taken.records[1].value);
    taken_free(&taken);
    minka_consumer_free(consumer);
    world_close(&world);
    directory_remove(&directory);
}
