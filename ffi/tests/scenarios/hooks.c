/* Brokers with rules of their own, and what they tell. */

#include "harness.h"

#include <stdio.h>
#include <string.h>

static void count_release(void *userdata)
{
    ++*(int *)userdata;
}

static void admit(void *userdata, const minka_passing *record, minka_verdict *verdict)
{
    (void)userdata;
    CHECK(record->offset == -1 && is_text(record->topic, "t"));
    if (is_text(record->value, "rotten"))
        OK(minka_verdict_refuse(verdict, STR("nobody eats that")));
    if (is_text(record->value, "small")) {
        char value[64];
        snprintf(value, sizeof value, "large, from " MINKA_FORMAT, MINKA_ARGS(record->client_id));
        minka_header stamp = { STR("stamp"), record->topic };
        OK(minka_verdict_set_value(verdict, STR(value)));
        OK(minka_verdict_set_headers(verdict, &stamp, 1));
    }
}

void scenario_admission_changes_and_rejects(enum place place)
{
    int released = 0;
    minka_config *settings = minka_config_new();
    OK(minka_config_on_admission(settings, admit, &released, count_release));
    struct world world = world_hooked(place, settings);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, "client.id", "cook", NULL);
    OK(send_one(producer, message("t", "plain"), NULL));
    minka_status status = send_one(producer, message("t", "rotten"), NULL);
    CHECK(status != MINKA_OK && !minka_status_is_retriable(status));
    SAYS("nobody eats that");
    minka_message small = message("t", "small");
    small.key = STR("k");
    OK(send_one(producer, small, NULL));
    minka_consumer *consumer = reader(&world, "t");
    struct taken taken = take(consumer, 2);
    TEXT("plain", taken.records[0].value);
    TEXT("large, from cook", taken.records[1].value);
    TEXT("k", taken.records[1].key);
    CHECK(taken.records[1].offset == 1 && taken.records[1].header_count == 1);
    TEXT("stamp", taken.records[1].headers[0].key);
    TEXT("t", taken.records[1].headers[0].value);
    taken_free(&taken);
    minka_consumer_free(consumer);
    minka_producer_free(producer);
    CHECK(released == 0);
    world_close(&world);
    CHECK(released == 1);
}

static void deliver(void *userdata, const minka_passing *record, minka_verdict *verdict)
{
    (void)userdata;
    if (is_text(record->value, "secret") && record->offset == 1)
        OK(minka_verdict_refuse(verdict, STR("not for you")));
    if (is_text(record->value, "card 4111"))
        OK(minka_verdict_set_value(verdict, STR("card ****")));
}

void scenario_delivery_hides_and_changes(enum place place)
{
    const char *values[] = { "a", "secret", "card 4111", "b" };
    int released = 0;
    minka_config *settings = minka_config_new();
    OK(minka_config_on_delivery(settings, deliver, &released, count_release));
    struct world world = world_hooked(place, settings);
    topic(&world, "t", 1);
    /* One batch for all: what is left out lies between others. */
    minka_producer *producer = producer_open(&world, "linger.ms", "1000", NULL);
    for (int at = 0; at < 4; at++) {
        minka_message one = message("t", values[at]);
        OK(minka_producer_send_async(producer, &one, NULL, NULL));
    }
    OK(minka_producer_flush(producer, PATIENCE));
    minka_producer_free(producer);
    minka_consumer *consumer = reader(&world, "t");
    expect(consumer, "a", "card ****", "b", NULL);
    int64_t position = 0;
    OK(minka_consumer_position(consumer, STR("t"), 0, &position));
    CHECK(position == 4);
    nothing_comes(consumer);
    minka_consumer_free(consumer);

    /* In a queue group, what is left out counts as accepted. */
    queue_group(&world, "g", NULL);
    minka_consumer *one = worker(&world, "g", "t");
    struct taken taken = take(one, 3);
    TEXT("card ****", taken.records[1].value);
    for (int at = 0; at < 3; at++)
        OK(acknowledge(one, &taken.records[at], MINKA_ACCEPT));
    taken_free(&taken);
    OK(minka_consumer_commit(one));
    OK(minka_broker_wait_until_idle(world.broker, STR("g"), PATIENCE));
    minka_consumer_free(one);
    world_close(&world);
    CHECK(released == 1);
}

static bool log_in(void *userdata, const minka_login *login, minka_verdict *verdict)
{
    CHECK(strcmp(userdata, "the door") == 0 && login->address.len > 0);
    IS(MINKA_INVALID_REQUEST, minka_verdict_set_key(verdict, STR("k")));
    if (!is_text(login->user, "anna")) {
        OK(minka_verdict_refuse(verdict, STR("nobody knows you")));
        return true;
    }
    return is_text(login->password, "right");
}

static minka_status ask(const struct world *world, const char *user, const char *password)
{
    minka_config *settings = config("default.api.timeout.ms", "2000", NULL);
    if (user != NULL) {
        OK(minka_config_set(settings, STR("sasl.username"), STR(user)));
        OK(minka_config_set(settings, STR("sasl.password"), STR(password)));
    }
    minka_admin *admin = NULL;
    OK(minka_admin_open(TARGET(world), settings, &admin));
    minka_topics *topics = NULL;
    minka_status status = minka_admin_topics(admin, &topics);
    minka_topics_free(topics);
    minka_admin_free(admin);
    minka_config_free(settings);
    return status;
}

void scenario_authentication(enum place place)
{
    char userdata[] = "the door";
    minka_config *settings = minka_config_new();
    OK(minka_config_on_authentication(settings, log_in, userdata, NULL));
    struct world world = world_hooked(place, settings);
    minka_producer *producer =
        producer_open(&world, "sasl.username", "anna", "sasl.password", "right", NULL);
    OK(send_one(producer, message("t", "v"), NULL));
    minka_producer_free(producer);
    minka_consumer *consumer =
        consumer_open(&world, "sasl.username", "anna", "sasl.password", "right", NULL);
    minka_partition_start from = { STR("t"), 0, { MINKA_START_EARLIEST, 0 } };
    OK(minka_consumer_assign(consumer, &from, 1));
    expect(consumer, "v", NULL);
    minka_consumer_free(consumer);
    OK(ask(&world, "anna", "right"));
    IS(MINKA_AUTHENTICATION_FAILED, ask(&world, "anna", "wrong"));
    SAYS("wrong user name or password");
    IS(MINKA_AUTHENTICATION_FAILED, ask(&world, "otto", "right"));
    SAYS("nobody knows you");
    IS(MINKA_AUTHENTICATION_REQUIRED, ask(&world, NULL, NULL));
    /* Clients in this process are not asked. */
    struct world inside = { IN_PROCESS, world.broker };
    OK(ask(&inside, NULL, NULL));
    world_close(&world);
}

static minka_event next(minka_events *events, int32_t kind)
{
    minka_event event;
    do
        /* Others are told of between these: connections, the topic of dead letters. */
        OK(minka_events_next(events, PATIENCE, &event));
    while (event.kind != kind);
    return event;
}

void scenario_event_stream(enum place place)
{
    struct world world = world_open(place, NULL);
    minka_events *events = NULL;
    OK(minka_events_open(world.broker, 100, &events));
    topic(&world, "t", 1);
    queue_group(&world, "g", "minka.dead.letter.enable", "true", NULL);
    send_values(&world, "t", "bad", NULL);
    minka_consumer *one = worker(&world, "g", "t");
    struct taken taken = take(one, 1);
    OK(acknowledge(one, &taken.records[0], MINKA_REJECT));
    OK(minka_consumer_commit(one));
    taken_free(&taken);
    minka_event event = next(events, MINKA_EVENT_TOPIC_CREATED);
    TEXT("t", event.topic);
    CHECK(event.partition == 1 && event.offset == -1 && event.group.data == NULL);
    int64_t time = event.time;
    event = next(events, MINKA_EVENT_MEMBER_JOINED);
    TEXT("g", event.group);
    TEXT("minka", event.client);
    CHECK(event.member.len > 0 && event.time >= time);
    event = next(events, MINKA_EVENT_DEAD_LETTERED);
    TEXT("t", event.topic);
    TEXT("g", event.group);
    CHECK(event.partition == 0 && event.offset == 0);
    leave(one);
    event = next(events, MINKA_EVENT_MEMBER_LEFT);
    TEXT("g", event.group);
    OK(minka_events_wake(events));
    minka_status status;
    while ((status = minka_events_next(events, PATIENCE, &event)) == MINKA_OK)
        ;
    CHECK(status == MINKA_INTERRUPTED);
    while ((status = minka_events_next(events, 0, &event)) == MINKA_OK)
        ;
    CHECK(status == MINKA_TIMEOUT);
    world_close(&world);
    next(events, MINKA_EVENT_CLOSING);
    IS(MINKA_CLOSED, minka_events_next(events, PATIENCE, &event));
    minka_events_free(events);
}
