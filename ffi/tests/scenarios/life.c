/* Where a broker's data is, and for how long. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scenario_ephemeral_leaves_nothing(enum place place)
{
    struct directory directory = directory_new();
    CHECK(chdir(directory.path) == 0);
    CHECK(setenv("TMPDIR", directory.path, 1) == 0 && setenv("HOME", directory.path, 1) == 0);
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    static const uint8_t bytes[100000];
    minka_message one = message("t", NULL);
    one.value.data = bytes;
    one.value.len = sizeof bytes;
    for (int at = 0; at < 50; at++)
        OK(send_one(producer, one, NULL));
    minka_consumer *consumer = reader(&world, "t");
    struct taken taken = take(consumer, 50);
    CHECK(directory_count(directory.path) == 0);
    taken_free(&taken);
    minka_consumer_free(consumer);
    minka_producer_free(producer);
    world_close(&world);
    CHECK(directory_count(directory.path) == 0);
    directory_remove(&directory);
}

void scenario_durable_across_a_reopen(enum place place)
{
    struct directory directory = directory_new();
    struct world world = world_open(place, "data", directory.path, NULL);
    topic(&world, "t", 1);
    send_values(&world, "t", "a", "b", NULL);
    minka_consumer *one = member(&world, "g", "t");
    expect(one, "a", "b", NULL);
    leave(one);
    queue_group(&world, "q", NULL);
    minka_consumer *two = worker(&world, "q", "t");
    struct taken taken = take(two, 2);
    OK(acknowledge(two, &taken.records[0], MINKA_ACCEPT));
    OK(minka_consumer_commit(two));
    taken_free(&taken);
    leave(two);
    minka_config *settings = config("data", directory.path, NULL);
    minka_broker *again = NULL;
    IS(MINKA_DIRECTORY_LOCKED, minka_broker_open(settings, &again));
    minka_config_free(settings);
    world_close(&world);

    world = world_open(place, "data", directory.path, NULL);
    one = reader(&world, "t");
    expect(one, "a", "b", NULL);
    minka_consumer_free(one);
    send_values(&world, "t", "c", NULL);
    one = member(&world, "g", "t");
    expect(one, "c", NULL);
    minka_consumer_free(one);
    two = worker(&world, "q", "t");
    expect(two, "b", "c", NULL);
    minka_consumer_free(two);
    world_close(&world);
    directory_remove(&directory);
}

void scenario_snapshot_and_copy(enum place place)
{
    struct directory directory = directory_new();
    char copied[sizeof directory.path + 8];
    snprintf(copied, sizeof copied, "%s/copy", directory.path);
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    send_values(&world, "t", "a", "b", NULL);
    minka_consumer *one = member(&world, "g", "t");
    expect(one, "a", "b", NULL);
    leave(one);
    OK(minka_broker_snapshot(world.broker, STR(copied)));
    IS(MINKA_INVALID_CONFIG, minka_broker_snapshot(world.broker, STR(copied)));
    send_values(&world, "t", "after", NULL);

    struct world copy = world_open(place, "copy-of", copied, NULL);
    one = reader(&copy, "t");
    expect(one, "a", "b", NULL);
    minka_consumer_free(one);
    send_values(&copy, "t", "of the copy", NULL);
    one = member(&copy, "g", "t");
    expect(one, "of the copy", NULL);
    minka_consumer_free(one);
    world_close(&copy);
    one = reader(&world, "t");
    expect(one, "a", "b", "after", NULL);
    minka_consumer_free(one);
    world_close(&world);

    /* A snapshot is a data directory as any other. */
    world = world_open(place, "data", copied, NULL);
    one = reader(&world, "t");
    expect(one, "a", "b", NULL);
    minka_consumer_free(one);
    world_close(&world);
    directory_remove(&directory);
}

struct idling {
    minka_broker *broker;
    minka_status status;
};

static void *wait_for_g(void *argument)
{
    struct idling *idling = argument;
    idling->status = minka_broker_wait_until_idle(idling->broker, STR("g"), PATIENCE);
    return NULL;
}

void scenario_wait_until_idle(enum place place)
{
    struct world world = world_open(place, NULL);
    OK(minka_broker_wait_until_idle(world.broker, MINKA_NULL, PATIENCE));
    IS(MINKA_GROUP_NOT_FOUND, minka_broker_wait_until_idle(world.broker, STR("g"), MOMENT));
    topic(&world, "orders", 1);
    send_values(&world, "orders", "a", "b", "c", NULL);
    minka_admin *admin = admin_open(&world);
    minka_start start = { MINKA_START_EARLIEST, 0 };
    OK(minka_admin_reset_group(admin, STR("g"), STR("orders"), start));
    minka_admin_free(admin);
    minka_bytes groups[] = { STR("g"), MINKA_NULL };
    for (int at = 0; at < 2; at++) {
        IS(MINKA_TIMEOUT, minka_broker_wait_until_idle(world.broker, groups[at], MOMENT));
        SAYS("g");
        SAYS("orders");
        SAYS("3");
    }
    struct idling idling = { world.broker, -1 };
    pthread_t thread = spawn(wait_for_g, &idling);
    minka_consumer *one = member(&world, "g", "orders");
    expect(one, "a", "b", "c", NULL);
    OK(minka_consumer_commit(one));
    join(thread);
    CHECK(idling.status == MINKA_OK);
    minka_consumer_free(one);

    /* In a queue group, when each message is settled. */
    queue_group(&world, "q", NULL);
    minka_consumer *two = worker(&world, "q", "orders");
    struct taken taken = take(two, 3);
    OK(acknowledge(two, &taken.records[0], MINKA_ACCEPT));
    OK(acknowledge(two, &taken.records[1], MINKA_REJECT));
    OK(minka_consumer_commit(two));
    IS(MINKA_TIMEOUT, minka_broker_wait_until_idle(world.broker, STR("q"), MOMENT));
    OK(acknowledge(two, &taken.records[2], MINKA_ACCEPT));
    OK(minka_consumer_commit(two));
    OK(minka_broker_wait_until_idle(world.broker, STR("q"), PATIENCE));
    OK(minka_broker_wait_until_idle(world.broker, MINKA_NULL, PATIENCE));
    taken_free(&taken);
    minka_consumer_free(two);
    world_close(&world);
}

static void open_and_close(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    OK(send_one(producer, message("t", "v"), NULL));
    minka_consumer *one = member(&world, "g", "t");
    expect(one, "v", NULL);
    leave(one);
    minka_producer_free(producer);
    world_close(&world);
}

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file != NULL);
    char line[256];
    long kib = -1;
    while (kib < 0 && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "VmRSS: %ld", &kib);
    fclose(file);
    CHECK(kib > 0);
    return kib;
}

void scenario_thousand_opens_and_closes(enum place place)
{
    for (int turn = 0; turn < 100; turn++)
        open_and_close(place);
    size_t threads = directory_count("/proc/self/task");
    size_t descriptors = directory_count("/proc/self/fd");
    long before = resident_kib();
    for (int turn = 0; turn < 900; turn++)
        open_and_close(place);
    /* A thread that has ended is still there for a moment. */
    int64_t deadline = now() + PATIENCE;
    while (directory_count("/proc/self/task") > threads)
        CHECK(now() < deadline);
    CHECK(directory_count("/proc/self/fd") == descriptors);
    /* A broker of each turn would be far more; a sanitizer keeps what was freed. */
#ifdef CHECKED
    before = resident_kib();
#endif
    CHECK(resident_kib() - before < 8192);
}
