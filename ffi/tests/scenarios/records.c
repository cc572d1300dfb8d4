/* What is sent comes back. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A time that is not now. */
#define TIME 1700000000000

void scenario_produce_and_consume(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    uint8_t all_bytes[256];
    for (int at = 0; at < 256; at++)
        all_bytes[at] = (uint8_t)at;
    minka_bytes all = { all_bytes, sizeof all_bytes };
    minka_header headers[] = {
        { STR("h"), STR("first") }, { STR("h"), MINKA_NULL }, { STR(""), STR("") }
    };
    minka_message messages[4] = {
        message("t", "v"), message("t", NULL), message("t", ""), message("t", NULL)
    };
    messages[0].key = STR("k");
    messages[0].headers = headers;
    messages[0].header_count = 3;
    messages[1].key = messages[1].value = all;
    messages[3].key = STR("");
    int64_t times[] = { TIME, TIME, TIME + 1, 0 };
    minka_producer *producer = producer_open(&world, NULL);
    for (int at = 0; at < 4; at++) {
        messages[at].timestamp = times[at];
        minka_receipt receipt;
        OK(minka_producer_send(producer, &messages[at], PATIENCE, &receipt));
        TEXT("t", receipt.topic);
        CHECK(receipt.partition == 0 && receipt.offset == at);
        CHECK(receipt.timestamp == times[at]);
    }
    minka_consumer *consumer = reader(&world, "t");
    struct taken taken = take(consumer, 4);
    /* The records stay when all else is gone. */
    minka_consumer_free(consumer);
    minka_producer_free(producer);
    world_close(&world);
    for (int at = 0; at < 4; at++) {
        minka_record *record = &taken.records[at];
        TEXT("t", record->topic);
        CHECK(record->partition == 0 && record->offset == at && record->delivery_count == 1);
        CHECK(record->timestamp == times[at]);
        CHECK(equal(record->key, messages[at].key) && equal(record->value, messages[at].value));
        CHECK(record->header_count == messages[at].header_count);
        for (size_t header = 0; header < record->header_count; header++) {
            CHECK(equal(record->headers[header].key, headers[header].key));
            CHECK(equal(record->headers[header].value, headers[header].value));
        }
    }
    taken_free(&taken);
}

void scenario_order_within_a_partition(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 3);
    minka_producer *producer = producer_open(&world, NULL);
    for (int number = 0; number < 1000; number++) {
        char value[16];
        snprintf(value, sizeof value, "%d", number);
        minka_message one = message("t", value);
        one.key = STR("one");
        OK(minka_producer_send_async(producer, &one, NULL, NULL));
    }
    OK(minka_producer_flush(producer, PATIENCE));
    minka_consumer *consumer = member(&world, "g", "t");
    struct taken taken = take(consumer, 1000);
    for (int number = 0; number < 1000; number++) {
        char value[16];
        snprintf(value, sizeof value, "%d", number);
        minka_record *record = &taken.records[number];
        TEXT(value, record->value);
        CHECK(record->offset == number && record->partition == taken.records[0].partition);
    }
    taken_free(&taken);
    leave(consumer);
    minka_producer_free(producer);
    world_close(&world);
}

static int by_number(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

void scenario_batches_and_receipts(enum place place)
{
    enum { COUNT = 1000 };
    struct world world = world_open(place, NULL);
    topic(&world, "t", 3);
    minka_producer *producer = producer_open(&world, NULL);
    minka_message *messages = calloc(COUNT, sizeof *messages);
    minka_receipt *receipts = calloc(COUNT, sizeof *receipts);
    minka_status *statuses = malloc(COUNT * sizeof *statuses);
    for (int at = 0; at < COUNT; at++) {
        messages[at] = message("t", "a value");
        messages[at].partition = at % 3;
        statuses[at] = -1;
    }
    OK(minka_producer_send_many(producer, messages, COUNT, PATIENCE, receipts, statuses));
    int64_t next[3] = { 0, 0, 0 };
    int64_t ids[COUNT];
    for (int at = 0; at < COUNT; at++) {
        CHECK(statuses[at] == MINKA_OK);
        CHECK(receipts[at].partition == at % 3);
        CHECK(receipts[at].offset == next[at % 3]++);
        CHECK(receipts[at].id >= 0);
        ids[at] = receipts[at].id;
    }
    qsort(ids, COUNT, sizeof *ids, by_number);
    for (int at = 1; at < COUNT; at++)
        CHECK(ids[at - 1] < ids[at]);
    /* One that cannot be sent does not keep the others from it. */
    messages[1].partition = 7;
    messages[2].topic = MINKA_NULL;
    IS(MINKA_UNKNOWN_TOPIC_OR_PARTITION,
       minka_producer_send_many(producer, messages, 4, PATIENCE, receipts, statuses));
    CHECK(statuses[0] == MINKA_OK && statuses[3] == MINKA_OK);
    CHECK(statuses[1] == MINKA_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK(statuses[2] == MINKA_INVALID_REQUEST);
    CHECK(receipts[0].offset == 334 && receipts[3].offset == 335);
    OK(minka_producer_send_many(producer, NULL, 0, PATIENCE, NULL, NULL));
    free(messages);
    free(receipts);
    free(statuses);
    minka_producer_free(producer);
    world_close(&world);
}

void scenario_large_and_compressed_records(enum place place)
{
    enum { LEN = 1000000 };
    const char *codecs[] = { "none", "gzip", "snappy", "lz4", "zstd" };
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    uint8_t *bytes = malloc(LEN);
    for (uint32_t at = 0; at < LEN; at++)
        bytes[at] = (uint8_t)(at * at / 7 % 251);
    minka_message large = message("t", NULL);
    large.value.data = bytes;
    large.value.len = LEN;
    for (int codec = 0; codec < 5; codec++) {
        minka_producer *producer = producer_open(&world, "compression.type", codecs[codec], NULL);
        OK(send_one(producer, large, NULL));
        OK(minka_producer_close(producer, PATIENCE));
        minka_producer_free(producer);
    }
    minka_consumer *consumer = reader(&world, "t");
    struct taken taken = take(consumer, 5);
    for (int codec = 0; codec < 5; codec++)
        CHECK(equal(taken.records[codec].value, large.value));
    taken_free(&taken);
    minka_consumer_free(consumer);

    minka_producer *producer = producer_open(&world, NULL);
    minka_admin *admin = admin_open(&world);
    minka_change limit = { STR("max.message.bytes"), STR("2000") };
    OK(minka_admin_alter_topic(admin, STR("t"), &limit, 1));
    minka_admin_free(admin);
    IS(MINKA_MESSAGE_TOO_LARGE, send_one(producer, large, NULL));
    int64_t offset = -1;
    OK(send_one(producer, message("t", "small"), &offset));
    CHECK(offset == 5);
    minka_producer_free(producer);
    free(bytes);
    world_close(&world);
}

void scenario_unknown_topic(enum place place)
{
    struct world world = world_open(place, "auto.create.topics.enable", "false", NULL);
    /* A producer waits for a topic to come, but not for ever. */
    minka_producer *producer =
        producer_open(&world, "max.block.ms", "500", "delivery.timeout.ms", "500", NULL);
    IS(MINKA_UNKNOWN_TOPIC_OR_PARTITION, send_one(producer, message("missing", "v"), NULL));
    SAYS("missing");
    minka_producer_free(producer);
    minka_admin *admin = admin_open(&world);
    minka_topic_description *found = NULL;
    IS(MINKA_UNKNOWN_TOPIC_OR_PARTITION,
       minka_admin_describe_topic(admin, STR("missing"), &found));
    SAYS("missing");
    CHECK(found == NULL);
    minka_topics *topics = NULL;
    OK(minka_admin_topics(admin, &topics));
    CHECK(minka_topics_count(topics) == 0);
    minka_topics_free(topics);
    minka_admin_free(admin);
    world_close(&world);
}
