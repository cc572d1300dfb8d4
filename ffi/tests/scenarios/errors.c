/* What is wrong is said, and nothing breaks. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const minka_bytes NOT_UTF8 = { (const uint8_t *)"\xff", 1 };
static const minka_bytes NO_DATA = { NULL, 1 };

static void wrong_messages(minka_producer *producer)
{
    char long_name[251];
    memset(long_name, 'n', 250);
    long_name[250] = '\0';
    const char *names[] = { "", "no name", "..", "a/b", long_name };
    for (int at = 0; at < 5; at++)
        IS(MINKA_INVALID_TOPIC, send_one(producer, message(names[at], "v"), NULL));
    minka_message one = message("t", "v");
    IS(MINKA_INVALID_REQUEST, minka_producer_send(NULL, &one, 0, NULL));
    SAYS("producer is NULL");
    IS(MINKA_INVALID_REQUEST, minka_producer_send(producer, NULL, 0, NULL));
    SAYS("message is NULL");
    one.topic = MINKA_NULL;
    IS(MINKA_INVALID_REQUEST, send_one(producer, one, NULL));
    SAYS("message.topic is NULL");
    one.topic = NOT_UTF8;
    IS(MINKA_INVALID_REQUEST, send_one(producer, one, NULL));
    SAYS("message.topic is not UTF-8");
    one = message("t", "v");
    one.partition = 1;
    IS(MINKA_UNKNOWN_TOPIC_OR_PARTITION, send_one(producer, one, NULL));
    one.partition = -2;
    IS(MINKA_INVALID_REQUEST, send_one(producer, one, NULL));
    SAYS("message.partition is negative");
    one = message("t", "v");
    one.timestamp = -2;
    IS(MINKA_INVALID_REQUEST, send_one(producer, one, NULL));
    SAYS("message.timestamp");
    one = message("t", "v");
    one.value = NO_DATA;
    IS(MINKA_INVALID_REQUEST, send_one(producer, one, NULL));
    SAYS("message.value is NULL, and its count is not 0");
    one = message("t", "v");
    one.header_count = 1;
    IS(MINKA_INVALID_REQUEST, send_one(producer, one, NULL));
    SAYS("message.headers");
    minka_header header = { MINKA_NULL, MINKA_NULL };
    one.headers = &header;
    IS(MINKA_INVALID_REQUEST, send_one(producer, one, NULL));
    SAYS("headers[].key");
    IS(MINKA_INVALID_REQUEST, minka_producer_send_many(producer, NULL, 1, 0, NULL, NULL));
    SAYS("messages is NULL");
}

static void wrong_consumers(const struct world *world)
{
    minka_consumer *consumer = consumer_open(world, NULL);
    minka_partition_start twice[] = { { STR("t"), 0, { MINKA_START_EARLIEST, 0 } },
                                      { STR("t"), 0, { MINKA_START_LATEST, 0 } } };
    minka_bytes topics[] = { STR("t"), NOT_UTF8 };
    IS(MINKA_INVALID_REQUEST, poll_count(consumer, MOMENT, NULL));
    IS(MINKA_INVALID_REQUEST, minka_consumer_poll(consumer, MOMENT, NULL));
    SAYS("batch is NULL");
    IS(MINKA_INVALID_CONFIG, minka_consumer_subscribe(consumer, topics, 1));
    IS(MINKA_INVALID_REQUEST, minka_consumer_subscribe(consumer, topics, 2));
    SAYS("topics[] is not UTF-8");
    IS(MINKA_INVALID_REQUEST, minka_consumer_commit(consumer));
    IS(MINKA_INVALID_REQUEST, minka_consumer_assign(consumer, twice, 2));
    OK(minka_consumer_assign(consumer, twice, 1));
    twice[0].partition = -1;
    IS(MINKA_INVALID_REQUEST, minka_consumer_assign(consumer, twice, 1));
    SAYS("partition is negative");
    twice[0].partition = 0;
    twice[0].start.kind = 9;
    IS(MINKA_INVALID_REQUEST, minka_consumer_assign(consumer, twice, 1));
    SAYS("start.kind");
    minka_start start = { MINKA_START_OFFSET, -1 };
    IS(MINKA_INVALID_REQUEST, minka_consumer_seek(consumer, STR("t"), 0, start));
    SAYS("offset is negative");
    start.value = 0;
    IS(MINKA_INVALID_REQUEST, minka_consumer_seek(consumer, STR("t"), 1, start));
    IS(MINKA_INVALID_REQUEST, minka_consumer_acknowledge(consumer, STR("t"), 0, 0, 5));
    SAYS("what");
    IS(MINKA_INVALID_REQUEST, minka_consumer_position(consumer, STR("t"), 0, NULL));
    minka_consumer_free(consumer);
    minka_consumer *queue = worker(world, "g", "t");
    IS(MINKA_INVALID_REQUEST, minka_consumer_pause(queue, STR("t"), 0));
    minka_consumer_free(queue);
}

static minka_status consumer_with(const struct world *world, const char *name, const char *value)
{
    minka_config *settings = config("group.id", "g", name, value, NULL);
    minka_consumer *consumer = NULL;
    minka_status status = minka_consumer_open(TARGET(world), settings, &consumer);
    CHECK((status == MINKA_OK) == (consumer != NULL));
    minka_consumer_free(consumer);
    minka_config_free(settings);
    return status;
}

static void wrong_settings(const struct world *world)
{
    const char *wrong[][2] = {
        { "no.such.setting", "1" }, { "num.partitions", "x" }, { "kafka", "nowhere" }
    };
    for (int at = 0; at < 3; at++) {
        minka_config *settings = config(wrong[at][0], wrong[at][1], NULL);
        minka_broker *broker = NULL;
        IS(MINKA_INVALID_CONFIG, minka_broker_open(settings, &broker));
        SAYS(wrong[at][0]);
        CHECK(broker == NULL);
        minka_config_free(settings);
    }
    IS(MINKA_INVALID_CONFIG, consumer_with(world, "group.id", ""));
    IS(MINKA_INVALID_CONFIG, consumer_with(world, "group.type", "pair"));
    IS(MINKA_INVALID_CONFIG, consumer_with(world, "max.poll.records", "many"));
    IS(MINKA_INVALID_CONFIG, consumer_with(world, "linger.ms", "5"));
    SAYS("linger.ms");
    OK(consumer_with(world, "max.poll.records", "1"));
    minka_config *settings = minka_config_new();
    IS(MINKA_INVALID_REQUEST, minka_config_set(NULL, STR("acks"), STR("1")));
    IS(MINKA_INVALID_REQUEST, minka_config_set(settings, MINKA_NULL, STR("1")));
    IS(MINKA_INVALID_REQUEST, minka_config_set(settings, STR("acks"), NOT_UTF8));
    minka_config_free(settings);
    minka_producer *producer = NULL;
    IS(MINKA_INVALID_REQUEST, minka_producer_open(NULL, MINKA_NULL, NULL, &producer));
    IS(MINKA_INVALID_CONFIG, minka_producer_open(NULL, STR("nowhere"), NULL, &producer));
    IS(MINKA_INVALID_REQUEST, minka_producer_open(world->broker, STR("a:1"), NULL, &producer));
    SAYS("not both");
    IS(MINKA_INVALID_REQUEST, minka_producer_open(world->broker, MINKA_NULL, NULL, NULL));
    CHECK(producer == NULL);
}

static void wrong_brokers(const struct world *world)
{
    minka_fault fault = { STR("Brew"), 1, 1, MINKA_EFFECT_DROP_ANSWER, 0 };
    IS(MINKA_INVALID_REQUEST, minka_broker_fault(world->broker, &fault));
    fault.at = STR("disk.sync");
    IS(MINKA_INVALID_REQUEST, minka_broker_fault(world->broker, &fault));
    fault.at = STR("Produce");
    fault.effect = 17;
    IS(MINKA_INVALID_REQUEST, minka_broker_fault(world->broker, &fault));
    SAYS("fault.effect");
    fault.effect = MINKA_EFFECT_ERROR;
    fault.value = 19;
    IS(MINKA_INVALID_REQUEST, minka_broker_fault(world->broker, &fault));
    SAYS("fault.value");
    IS(MINKA_INVALID_REQUEST, minka_broker_open(NULL, NULL));
    IS(MINKA_INVALID_REQUEST, minka_broker_close(NULL));
    IS(MINKA_INVALID_REQUEST, minka_broker_advance_clock(world->broker, -1));
    IS(MINKA_INVALID_REQUEST, minka_broker_snapshot(world->broker, STR("")));
    minka_admin *admin = admin_open(world);
    minka_change odd = { STR("no.such.setting"), STR("1") };
    IS(MINKA_INVALID_CONFIG, minka_admin_create_topic(admin, STR("u"), 1, &odd, 1));
    IS(MINKA_INVALID_PARTITIONS, minka_admin_create_topic(admin, STR("u"), 0, NULL, 0));
    IS(MINKA_INVALID_REQUEST, minka_admin_create_topic(admin, STR("u"), -2, NULL, 0));
    IS(MINKA_INVALID_TOPIC, minka_admin_create_topic(admin, STR(""), 1, NULL, 0));
    IS(MINKA_INVALID_REQUEST, minka_admin_create_topic(admin, MINKA_NULL, 1, NULL, 0));
    minka_admin_free(admin);
}

void scenario_wrong_arguments(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    wrong_messages(producer);
    wrong_consumers(&world);
    wrong_settings(&world);
    wrong_brokers(&world);
    int64_t offset = -1;
    OK(send_one(producer, message("t", "v"), &offset));
    CHECK(offset == 0);
    minka_consumer *consumer = reader(&world, "t");
    expect(consumer, "v", NULL);
    minka_consumer_free(consumer);
    minka_producer_free(producer);
    world_close(&world);
}

/* The table of LIST, which MINKA_SCENARIOS names. */
static void check_list(void)
{
    const char *path = getenv("MINKA_SCENARIOS");
    FILE *file = fopen(path == NULL ? "tests/scenarios/LIST" : path, "r");
    CHECK(file != NULL);
    char line[512], name[64], retry[16];
    int count = 0, number = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "error %d %63s %15s", &number, name, retry) != 3)
            continue;
        CHECK(strcmp(minka_status_name(number), name) == 0);
        CHECK(minka_status_is_retriable(number) == (strcmp(retry, "retriable") == 0));
        count++;
    }
    fclose(file);
    CHECK(count >= 10);
}

void scenario_errors_are_the_same(enum place place)
{
    check_list();
    CHECK(strcmp(minka_status_name(MINKA_OK), "OK") == 0);
    CHECK(strcmp(minka_status_name(-5), "UNKNOWN") == 0);
    CHECK(!minka_status_is_retriable(MINKA_OK) && !minka_status_is_fatal(MINKA_OK));
    CHECK(minka_status_is_fatal(MINKA_CLOSED) && !minka_status_is_fatal(MINKA_TIMEOUT));
    /* A few of them, as they come from a broker. */
    struct world world = world_open(place, NULL);
    minka_admin *admin = admin_open(&world);
    minka_topic_description *topic_found = NULL;
    minka_group_description *group_found = NULL;
    CHECK(minka_admin_describe_topic(admin, STR("missing"), &topic_found) == 20);
    topic(&world, "t", 1);
    CHECK(minka_admin_create_topic(admin, STR("t"), 1, NULL, 0) == 22);
    CHECK(minka_admin_describe_group(admin, STR("missing"), &group_found) == 74);
    minka_admin_free(admin);
    world_close(&world);
}
