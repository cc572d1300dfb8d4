/* Ends, and what they do to calls that wait. */

#include "harness.h"

struct polling {
    minka_consumer *consumer;
    int64_t timeout_ms;
    minka_status status;
    size_t count;
};

static void *poll_once(void *argument)
{
    struct polling *polling = argument;
    polling->status = poll_count(polling->consumer, polling->timeout_ms, &polling->count);
    return NULL;
}

void scenario_close_ends_a_blocked_poll(enum place place)
{
    const char *types[] = { "queue", "partitions" };
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    for (int at = 0; at < 2; at++) {
        minka_consumer *consumer =
            consumer_open(&world, "group.id", types[at], "group.type", types[at], NULL);
        subscribe(consumer, "t");
        struct polling polling = { consumer, PATIENCE, MINKA_OK, 0 };
        pthread_t thread = spawn(poll_once, &polling);
        wait_for_members(&world, types[at], 1);
        OK(minka_consumer_close(consumer));
        join(thread);
        CHECK(polling.status == MINKA_CLOSED);
        CHECK(members(&world, types[at]) == 0);
        minka_consumer_free(consumer);
    }
    world_close(&world);
}

void scenario_wake_ends_a_blocked_poll(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_consumer *consumer = reader(&world, "t");
    struct polling polling = { consumer, PATIENCE, MINKA_OK, 0 };
    pthread_t thread = spawn(poll_once, &polling);
    OK(minka_consumer_wake(consumer));
    join(thread);
    CHECK(polling.status == MINKA_INTERRUPTED);
    send_values(&world, "t", "a", NULL);
    expect(consumer, "a", NULL);
    /* Waking before a poll ends that one, and twice is once. */
    OK(minka_consumer_wake(consumer));
    OK(minka_consumer_wake(consumer));
    IS(MINKA_INTERRUPTED, poll_count(consumer, PATIENCE, NULL));
    send_values(&world, "t", "b", NULL);
    expect(consumer, "b", NULL);
    minka_consumer_free(consumer);
    world_close(&world);
}

struct sending {
    minka_producer *producer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int sent;
    int told;
    minka_status status;
};

static void told(void *userdata, minka_status status, const minka_receipt *receipt)
{
    struct sending *sending = userdata;
    CHECK(status == MINKA_OK || status == MINKA_CLOSED);
    CHECK((status == MINKA_OK) == (receipt != NULL));
    pthread_mutex_lock(&sending->lock);
    sending->told++;
    pthread_mutex_unlock(&sending->lock);
}

static void *send_until_closed(void *argument)
{
    static const uint8_t bytes[900];
    struct sending *sending = argument;
    minka_message one = message("t", NULL);
    one.value.data = bytes;
    one.value.len = sizeof bytes;
    do {
        pthread_mutex_lock(&sending->lock);
        sending->sent++;
        pthread_cond_signal(&sending->changed);
        pthread_mutex_unlock(&sending->lock);
        sending->status = minka_producer_send_async(sending->producer, &one, told, sending);
    } while (sending->status == MINKA_OK);
    return NULL;
}

void scenario_close_ends_a_blocked_send(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_fault slow = { STR("disk.sync"), 1, UINT64_MAX, MINKA_EFFECT_DELAY, 2000 };
    OK(minka_broker_fault(world.broker, &slow));
    struct sending sending = { .lock = PTHREAD_MUTEX_INITIALIZER,
                               .changed = PTHREAD_COND_INITIALIZER };
    sending.producer = producer_open(&world, "batch.size", "1000", "buffer.memory", "4000", NULL);
    pthread_t thread = spawn(send_until_closed, &sending);
    pthread_mutex_lock(&sending.lock);
    /* The fifth does not fit. */
    while (sending.sent < 5)
        pthread_cond_wait(&sending.changed, &sending.lock);
    pthread_mutex_unlock(&sending.lock);
    /* Nothing is acknowledged in so short a time. */
    IS(MINKA_TIMEOUT, minka_producer_close(sending.producer, MOMENT));
    OK(minka_broker_clear_faults(world.broker));
    join(thread);
    CHECK(sending.status == MINKA_CLOSED);
    minka_producer_free(sending.producer);
    CHECK(sending.told == sending.sent - 1);
    world_close(&world);
}

static void use_closed_producer(const struct world *world)
{
    minka_producer *producer = producer_open(world, NULL);
    OK(minka_producer_close(producer, PATIENCE));
    minka_message one = message("t", "v");
    minka_status status = MINKA_OK;
    IS(MINKA_CLOSED, minka_producer_send(producer, &one, PATIENCE, NULL));
    SAYS("closed");
    IS(MINKA_CLOSED, minka_producer_send_async(producer, &one, NULL, NULL));
    IS(MINKA_CLOSED, minka_producer_send_many(producer, &one, 1, PATIENCE, NULL, &status));
    IS(MINKA_CLOSED, minka_producer_flush(producer, PATIENCE));
    minka_producer_free(producer);
}

static void use_closed_consumer(const struct world *world)
{
    minka_consumer *consumer = reader(world, "t");
    OK(minka_consumer_close(consumer));
    minka_bytes topic = STR("t");
    minka_start start = { MINKA_START_EARLIEST, 0 };
    minka_partition_start from = { STR("t"), 0, start };
    minka_assignment *assignment = NULL;
    int64_t place = -7;
    uint64_t count = 7;
    IS(MINKA_CLOSED, minka_consumer_subscribe(consumer, &topic, 1));
    IS(MINKA_CLOSED, minka_consumer_assign(consumer, &from, 1));
    IS(MINKA_CLOSED, poll_count(consumer, PATIENCE, NULL));
    IS(MINKA_CLOSED, minka_consumer_wake(consumer));
    IS(MINKA_CLOSED, minka_consumer_commit(consumer));
    IS(MINKA_CLOSED, minka_consumer_committed(consumer, topic, 0, &place));
    IS(MINKA_CLOSED, minka_consumer_acknowledge(consumer, topic, 0, 0, MINKA_ACCEPT));
    IS(MINKA_CLOSED, minka_consumer_seek(consumer, topic, 0, start));
    IS(MINKA_CLOSED, minka_consumer_pause(consumer, topic, 0));
    IS(MINKA_CLOSED, minka_consumer_resume(consumer, topic, 0));
    IS(MINKA_CLOSED, minka_consumer_position(consumer, topic, 0, &place));
    IS(MINKA_CLOSED, minka_consumer_assignment(consumer, &assignment));
    IS(MINKA_CLOSED, minka_consumer_acknowledged_too_late(consumer, &count));
    /* Nothing is written unless it works. */
    CHECK(place == -7 && count == 7 && assignment == NULL);
    minka_consumer_free(consumer);
}

static void use_admin(minka_admin *admin)
{
    minka_bytes name = STR("t");
    minka_start start = { MINKA_START_EARLIEST, 0 };
    minka_topics *topics = NULL;
    minka_topic_description *topic = NULL;
    minka_groups *groups = NULL;
    minka_group_description *group = NULL;
    minka_cluster *cluster = NULL;
    IS(MINKA_CLOSED, minka_admin_create_topic(admin, STR("u"), -1, NULL, 0));
    IS(MINKA_CLOSED, minka_admin_delete_topic(admin, name));
    IS(MINKA_CLOSED, minka_admin_topics(admin, &topics));
    IS(MINKA_CLOSED, minka_admin_describe_topic(admin, name, &topic));
    IS(MINKA_CLOSED, minka_admin_add_partitions(admin, name, 2));
    IS(MINKA_CLOSED, minka_admin_alter_topic(admin, name, NULL, 0));
    IS(MINKA_CLOSED, minka_admin_groups(admin, &groups));
    IS(MINKA_CLOSED, minka_admin_describe_group(admin, name, &group));
    IS(MINKA_CLOSED, minka_admin_reset_group(admin, name, name, start));
    IS(MINKA_CLOSED, minka_admin_alter_group(admin, name, NULL, 0));
    IS(MINKA_CLOSED, minka_admin_delete_group(admin, name));
    IS(MINKA_CLOSED, minka_admin_cluster(admin, &cluster));
    CHECK(topics == NULL && topic == NULL && groups == NULL && group == NULL && cluster == NULL);
}

static void use_closed_broker(const struct world *world)
{
    struct directory directory = directory_new();
    minka_fault fault = { STR("Produce"), 1, 1, MINKA_EFFECT_DELAY, 1 };
    minka_bytes servers;
    minka_broker *broker = world->broker;
    minka_events *events = NULL;
    minka_producer *producer = NULL;
    IS(MINKA_CLOSED, minka_broker_listen(broker, STR("127.0.0.1:0")));
    IS(MINKA_CLOSED, minka_broker_bootstrap_servers(broker, &servers));
    IS(MINKA_CLOSED, minka_broker_advance_clock(broker, 1));
    IS(MINKA_CLOSED, minka_broker_fault(broker, &fault));
    IS(MINKA_CLOSED, minka_broker_clear_faults(broker));
    IS(MINKA_CLOSED, minka_broker_drop_connections(broker));
    IS(MINKA_CLOSED, minka_broker_snapshot(broker, STR(directory.path)));
    IS(MINKA_CLOSED, minka_broker_wait_until_idle(broker, MINKA_NULL, MOMENT));
    IS(MINKA_CLOSED, minka_events_open(broker, 10, &events));
    IS(MINKA_CLOSED, minka_producer_open(broker, MINKA_NULL, NULL, &producer));
    CHECK(events == NULL && producer == NULL);
    directory_remove(&directory);
}

void scenario_use_after_close(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    use_closed_producer(&world);
    use_closed_consumer(&world);
    minka_admin *admin = admin_open(&world);
    OK(minka_admin_close(admin));
    use_admin(admin);
    minka_admin_free(admin);
    minka_events *events = NULL;
    OK(minka_events_open(world.broker, 10, &events));
    OK(minka_events_close(events));
    minka_event event;
    IS(MINKA_CLOSED, minka_events_next(events, PATIENCE, &event));
    IS(MINKA_CLOSED, minka_events_wake(events));
    minka_events_free(events);
    /* Clients that are open when their broker is closed. */
    admin = admin_open(&world);
    OK(minka_broker_close(world.broker));
    use_closed_broker(&world);
    if (place == IN_PROCESS)
        use_admin(admin);
    minka_admin_free(admin);
    world_close(&world);
}

void scenario_close_twice(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    OK(send_one(producer, message("t", "v"), NULL));
    minka_consumer *consumer = reader(&world, "t");
    minka_admin *admin = admin_open(&world);
    minka_events *events = NULL;
    OK(minka_events_open(world.broker, 10, &events));
    for (int turn = 0; turn < 2; turn++) {
        OK(minka_producer_close(producer, PATIENCE));
        OK(minka_consumer_close(consumer));
        OK(minka_admin_close(admin));
        OK(minka_events_close(events));
        OK(minka_broker_close(world.broker));
    }
    minka_broker_free(world.broker);
    minka_producer_free(producer);
    minka_consumer_free(consumer);
    minka_admin_free(admin);
    minka_events_free(events);
    minka_broker_free(NULL);
    minka_producer_free(NULL);
    minka_consumer_free(NULL);
    minka_admin_free(NULL);
    minka_events_free(NULL);
    minka_config_free(NULL);
    minka_batch_free(NULL);
}

static void *poll_until_over(void *argument)
{
    struct polling *polling = argument;
    int64_t deadline = now() + polling->timeout_ms;
    /* What goes wrong between two connections is told once, and tried again. */
    do
        poll_once(polling);
    while (polling->status != MINKA_CLOSED && now() < deadline);
    return NULL;
}

void scenario_broker_closes_under_clients(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer =
        producer_open(&world, "delivery.timeout.ms", "2000", "max.block.ms", "2000", NULL);
    OK(send_one(producer, message("t", "v"), NULL));
    minka_consumer *one = consumer_open(&world, "request.timeout.ms", "2000", NULL);
    minka_partition_start from = { STR("t"), 0, { MINKA_START_LATEST, 0 } };
    OK(minka_consumer_assign(one, &from, 1));
    minka_consumer *two =
        consumer_open(&world, "group.id", "g", "request.timeout.ms", "2000", NULL);
    subscribe(two, "t");
    /* In this process a poll is ended by the broker. Over a socket it hopes for a new one. */
    int64_t patience = place == IN_PROCESS ? PATIENCE : 2000;
    struct polling polling[] = { { one, patience, MINKA_OK, 0 }, { two, patience, MINKA_OK, 0 } };
    pthread_t threads[2];
    for (int at = 0; at < 2; at++)
        threads[at] = spawn(poll_until_over, &polling[at]);
    wait_for_members(&world, "g", 1);
    OK(minka_broker_close(world.broker));
    for (int at = 0; at < 2; at++) {
        join(threads[at]);
        minka_status status = polling[at].status;
        if (place == IN_PROCESS)
            CHECK(status == MINKA_CLOSED);
        else if (status != MINKA_OK)
            CHECK(minka_status_is_retriable(status));
        /* It may have something to tell that nobody hears any more. */
        minka_consumer_close(polling[at].consumer);
        minka_consumer_free(polling[at].consumer);
    }
    minka_status status = send_one(producer, message("t", "v"), NULL);
    CHECK(place == IN_PROCESS ? status == MINKA_CLOSED : minka_status_is_retriable(status));
    minka_producer_free(producer);
    world_close(&world);
}
