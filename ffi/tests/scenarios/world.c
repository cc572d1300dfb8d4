/* A broker, and clients of it by either way. */

#include "harness.h"

#include <stdarg.h>
#include <stdlib.h>

static void set_all(minka_config *config, const char *name, va_list rest)
{
    while (name != NULL) {
        OK(minka_config_set(config, STR(name), STR(va_arg(rest, const char *))));
        name = va_arg(rest, const char *);
    }
}

minka_config *config(const char *name, ...)
{
    minka_config *config = minka_config_new();
    va_list rest;
    va_start(rest, name);
    set_all(config, name, rest);
    va_end(rest);
    return config;
}

struct world world_open(enum place place, const char *name, ...)
{
    minka_config *config = minka_config_new();
    va_list rest;
    va_start(rest, name);
    set_all(config, name, rest);
    va_end(rest);
    return world_hooked(place, config);
}

struct world world_hooked(enum place place, minka_config *config)
{
    struct world world = { place, NULL };
    if (place == SOCKET)
        OK(minka_config_set(config, STR("kafka"), STR("127.0.0.1:0")));
    OK(minka_broker_open(config, &world.broker));
    minka_config_free(config);
    return world;
}

void world_close(struct world *world)
{
    OK(minka_broker_close(world->broker));
    minka_broker_free(world->broker);
}

const minka_broker *target_broker(const struct world *world)
{
    return world->place == IN_PROCESS ? world->broker : NULL;
}

minka_bytes target_servers(const struct world *world)
{
    minka_bytes servers = MINKA_NULL;
    if (world->place == SOCKET)
        OK(minka_broker_bootstrap_servers(world->broker, &servers));
    return servers;
}

minka_producer *producer_open(const struct world *world, const char *name, ...)
{
    minka_config *config = minka_config_new();
    va_list rest;
    va_start(rest, name);
    set_all(config, name, rest);
    va_end(rest);
    minka_producer *producer = NULL;
    OK(minka_producer_open(TARGET(world), config, &producer));
    minka_config_free(config);
    return producer;
}

minka_consumer *consumer_open(const struct world *world, const char *name, ...)
{
    minka_config *config = minka_config_new();
    va_list rest;
    va_start(rest, name);
    set_all(config, name, rest);
    va_end(rest);
    minka_consumer *consumer = NULL;
    OK(minka_consumer_open(TARGET(world), config, &consumer));
    minka_config_free(config);
    return consumer;
}

minka_admin *admin_open(const struct world *world)
{
    minka_admin *admin = NULL;
    OK(minka_admin_open(TARGET(world), NULL, &admin));
    return admin;
}

minka_consumer *reader(const struct world *world, const char *topic)
{
    minka_consumer *consumer = consumer_open(world, NULL);
    minka_partition_start from = { STR(topic), 0, { MINKA_START_EARLIEST, 0 } };
    OK(minka_consumer_assign(consumer, &from, 1));
    return consumer;
}

minka_consumer *worker(const struct world *world, const char *group, const char *topic)
{
    minka_consumer *consumer = consumer_open(world, "group.id", group, "group.type", "queue",
                                             "enable.auto.commit", "false", NULL);
    subscribe(consumer, topic);
    return consumer;
}

minka_consumer *member(const struct world *world, const char *group, const char *topic)
{
    minka_consumer *consumer =
        consumer_open(world, "group.id", group, "group.type", "partitions", NULL);
    subscribe(consumer, topic);
    return consumer;
}

void subscribe(minka_consumer *consumer, const char *topic)
{
    minka_bytes topics[] = { STR(topic) };
    OK(minka_consumer_subscribe(consumer, topics, 1));
}

void leave(minka_consumer *consumer)
{
    OK(minka_consumer_close(consumer));
    minka_consumer_free(consumer);
}

void topic(const struct world *world, const char *name, int32_t partitions)
{
    minka_admin *admin = admin_open(world);
    OK(minka_admin_create_topic(admin, STR(name), partitions, NULL, 0));
    minka_admin_free(admin);
}

void queue_group(const struct world *world, const char *name, const char *setting, ...)
{
    minka_change changes[8] = {
        { STR("share.auto.offset.reset"), STR("earliest") },
        { STR("minka.retry.backoff.ms"), STR("0") },
    };
    size_t count = 2;
    va_list rest;
    va_start(rest, setting);
    while (setting != NULL) {
        CHECK(count < 8);
        changes[count].name = STR(setting);
        changes[count++].value = STR(va_arg(rest, const char *));
        setting = va_arg(rest, const char *);
    }
    va_end(rest);
    minka_admin *admin = admin_open(world);
    OK(minka_admin_alter_group(admin, STR(name), changes, count));
    minka_admin_free(admin);
}

minka_message message(const char *topic, const char *value)
{
    minka_message message = MINKA_MESSAGE_INIT;
    message.topic = STR(topic);
    message.value = STR(value);
    return message;
}

minka_status send_one(minka_producer *producer, minka_message message, int64_t *offset)
{
    minka_receipt receipt;
    minka_status status = minka_producer_send(producer, &message, PATIENCE, &receipt);
    if (status == MINKA_OK && offset != NULL)
        *offset = receipt.offset;
    return status;
}

void send_values(const struct world *world, const char *topic, const char *value, ...)
{
    minka_producer *producer = producer_open(world, NULL);
    va_list rest;
    va_start(rest, value);
    for (; value != NULL; value = va_arg(rest, const char *)) {
        minka_message one = message(topic, value);
        one.partition = 0;
        OK(send_one(producer, one, NULL));
    }
    va_end(rest);
    minka_producer_free(producer);
}

size_t members(const struct world *world, const char *group)
{
    minka_admin *admin = admin_open(world);
    minka_group_description *found = NULL;
    minka_status status = minka_admin_describe_group(admin, STR(group), &found);
    CHECK(status == MINKA_OK || status == MINKA_GROUP_NOT_FOUND);
    size_t count = status == MINKA_OK ? minka_group_description_member_count(found) : 0;
    minka_group_description_free(found);
    minka_admin_free(admin);
    return count;
}

void wait_for_members(const struct world *world, const char *group, size_t count)
{
    int64_t deadline = now() + PATIENCE;
    while (members(world, group) != count)
        CHECK(now() < deadline);
}

void inject(const struct world *world, const char *at, uint64_t nth, int32_t effect, int64_t value)
{
    minka_fault fault = { STR(at), nth, 1, effect, value };
    OK(minka_broker_fault(world->broker, &fault));
}

struct taken take(minka_consumer *consumer, size_t count)
{
    struct taken taken = { calloc(count, sizeof(minka_record)), 0, NULL, 0 };
    int64_t deadline = now() + PATIENCE;
    while (taken.count < count) {
        CHECK(now() < deadline);
        minka_batch *batch = NULL;
        OK(minka_consumer_poll(consumer, 1000, &batch));
        size_t more = minka_batch_count(batch);
        CHECK(taken.count + more <= count);
        CHECK(minka_batch_next_many(batch, taken.records + taken.count, more) == more);
        taken.count += more;
        taken.batches = realloc(taken.batches, ++taken.batch_count * sizeof(minka_batch *));
        taken.batches[taken.batch_count - 1] = batch;
    }
    return taken;
}

void taken_free(struct taken *taken)
{
    for (size_t at = 0; at < taken->batch_count; at++)
        minka_batch_free(taken->batches[at]);
    free(taken->batches);
    free(taken->records);
}

void expect(minka_consumer *consumer, const char *value, ...)
{
    const char *values[64];
    size_t count = 0;
    va_list rest;
    va_start(rest, value);
    for (; value != NULL; value = va_arg(rest, const char *))
        values[count++] = value;
    va_end(rest);
    struct taken taken = take(consumer, count);
    for (size_t at = 0; at < count; at++)
        TEXT(values[at], taken.records[at].value);
    taken_free(&taken);
}

void nothing_comes(minka_consumer *consumer)
{
    size_t count = 1;
    OK(poll_count(consumer, MOMENT, &count));
    CHECK(count == 0);
}

minka_status poll_count(minka_consumer *consumer, int64_t timeout_ms, size_t *count)
{
    minka_batch *batch = NULL;
    minka_status status = minka_consumer_poll(consumer, timeout_ms, &batch);
    CHECK((status == MINKA_OK) == (batch != NULL));
    if (count != NULL && status == MINKA_OK)
        *count = minka_batch_count(batch);
    minka_batch_free(batch);
    return status;
}

minka_status acknowledge(minka_consumer *consumer, const minka_record *record, int32_t what)
{
    return minka_consumer_acknowledge(consumer, record->topic, record->partition, record->offset,
                                      what);
}
