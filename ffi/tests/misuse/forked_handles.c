/*
 * A process forks while it has handles open. In the child each call says so, and freeing neither
 * hangs nor crashes; the parent goes on. The child may open its own.
 */

#include "../scenarios/harness.h"

#include <sys/wait.h>
#include <unistd.h>

static struct world world;
static minka_producer *producer;
static minka_consumer *consumer;
static minka_admin *admin;
static minka_events *events;
static minka_batch *batch;

static void in_the_child(void)
{
    minka_message one = message("t", "v");
    minka_topics *topics = NULL;
    minka_event event;
    minka_bytes servers;
    minka_producer *other = NULL;
    IS(MINKA_CLOSED, minka_producer_send(producer, &one, PATIENCE, NULL));
    SAYS("the producer was opened before fork()");
    IS(MINKA_CLOSED, minka_producer_flush(producer, PATIENCE));
    IS(MINKA_CLOSED, minka_producer_close(producer, PATIENCE));
    IS(MINKA_CLOSED, poll_count(consumer, PATIENCE, NULL));
    SAYS("the consumer was opened before fork()");
    IS(MINKA_CLOSED, minka_consumer_wake(consumer));
    IS(MINKA_CLOSED, minka_consumer_close(consumer));
    IS(MINKA_CLOSED, minka_admin_topics(admin, &topics));
    IS(MINKA_CLOSED, minka_admin_close(admin));
    IS(MINKA_CLOSED, minka_events_next(events, PATIENCE, &event));
    IS(MINKA_CLOSED, minka_events_close(events));
    IS(MINKA_CLOSED, minka_broker_bootstrap_servers(world.broker, &servers));
    IS(MINKA_CLOSED, minka_broker_close(world.broker));
    IS(MINKA_CLOSED, minka_producer_open(world.broker, MINKA_NULL, NULL, &other));
    /* What is only memory is the child's, too. */
    minka_record record;
    CHECK(minka_batch_next(batch, &record) && is_text(record.value, "before"));
    minka_batch_free(batch);
    minka_producer_free(producer);
    minka_consumer_free(consumer);
    minka_admin_free(admin);
    minka_events_free(events);
    minka_broker_free(world.broker);
    struct world own = world_open(IN_PROCESS, NULL);
    topic(&own, "t", 1);
    send_values(&own, "t", "the child's", NULL);
    minka_consumer *mine = reader(&own, "t");
    expect(mine, "the child's", NULL);
    leave(mine);
    world_close(&own);
}

int main(void)
{
    world = world_open(SOCKET, NULL);
    struct world inside = { IN_PROCESS, world.broker };
    topic(&world, "t", 1);
    send_values(&world, "t", "before", NULL);
    producer = producer_open(&world, NULL);
    consumer = reader(&inside, "t");
    admin = admin_open(&world);
    OK(minka_events_open(world.broker, 10, &events));
    OK(minka_consumer_poll(consumer, PATIENCE, &batch));
    CHECK(minka_batch_count(batch) == 1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        in_the_child();
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    OK(send_one(producer, message("t", "after"), NULL));
    expect(consumer, "after", NULL);
    minka_batch_free(batch);
    leave(consumer);
    OK(minka_producer_close(producer, PATIENCE));
    minka_producer_free(producer);
    minka_admin_free(admin);
    minka_events_free(events);
    world_close(&world);
    threads_end();
    return 0;
}
