/* Calls wait for a broker that is not there, and what they are called on is closed meanwhile. */

#include "../scenarios/harness.h"

/* Nobody listens there: only root could. */
#define NOWHERE STR("127.0.0.1:1")

static minka_admin *admin;
static minka_producer *producer;
static minka_consumer *consumer;
static minka_broker *broker;

static void *ask(void *argument)
{
    (void)argument;
    minka_topics *topics = NULL;
    IS(MINKA_CLOSED, minka_admin_topics(admin, &topics));
    return NULL;
}

static void *send_one_record(void *argument)
{
    (void)argument;
    IS(MINKA_CLOSED, send_one(producer, message("t", "v"), NULL));
    return NULL;
}

static void *poll_until_closed(void *argument)
{
    (void)argument;
    minka_status status;
    /* That no broker can be reached is told in between. */
    do
        status = poll_count(consumer, PATIENCE, NULL);
    while (status != MINKA_CLOSED && (status == MINKA_OK || minka_status_is_retriable(status)));
    CHECK(status == MINKA_CLOSED);
    return NULL;
}

static void *wait_for_group(void *argument)
{
    (void)argument;
    IS(MINKA_CLOSED, minka_broker_wait_until_idle(broker, STR("g"), PATIENCE));
    return NULL;
}

int main(void)
{
    OK(minka_admin_open(NULL, NOWHERE, NULL, &admin));
    OK(minka_producer_open(NULL, NOWHERE, NULL, &producer));
    OK(minka_consumer_open(NULL, NOWHERE, NULL, &consumer));
    minka_partition_start from = { STR("t"), 0, { MINKA_START_EARLIEST, 0 } };
    OK(minka_consumer_assign(consumer, &from, 1));
    struct world world = world_open(IN_PROCESS, NULL);
    broker = world.broker;
    topic(&world, "t", 1);
    send_values(&world, "t", "v", NULL);
    minka_admin *inside = admin_open(&world);
    minka_start start = { MINKA_START_EARLIEST, 0 };
    OK(minka_admin_reset_group(inside, STR("g"), STR("t"), start));
    minka_admin_free(inside);

    pthread_t threads[] = { spawn(ask, NULL), spawn(send_one_record, NULL),
                            spawn(poll_until_closed, NULL), spawn(wait_for_group, NULL) };
    OK(minka_admin_close(admin));
    minka_status status = minka_producer_close(producer, 0);
    CHECK(status == MINKA_OK || status == MINKA_TIMEOUT);
    OK(minka_consumer_close(consumer));
    OK(minka_broker_close(broker));
    for (int at = 0; at < 4; at++)
        join(threads[at]);
    minka_admin_free(admin);
    minka_producer_free(producer);
    minka_consumer_free(consumer);
    minka_broker_free(broker);
    threads_end();
    return 0;
}
