/* A consumer, or events, are used by two threads at once: the second is told, and may try again. */

#include "../scenarios/harness.h"

static minka_consumer *consumer;
static minka_events *events;

static void *poll_for_long(void *status)
{
    /* It may be the one that comes second. */
    do
        *(minka_status *)status = poll_count(consumer, PATIENCE, NULL);
    while (*(minka_status *)status == MINKA_INVALID_REQUEST);
    return NULL;
}

static void *wait_for_long(void *status)
{
    minka_event event;
    do
        *(minka_status *)status = minka_events_next(events, PATIENCE, &event);
    while (*(minka_status *)status == MINKA_OK || *(minka_status *)status == MINKA_INVALID_REQUEST);
    return NULL;
}

int main(void)
{
    struct world world = world_open(IN_PROCESS, NULL);
    topic(&world, "t", 1);
    consumer = reader(&world, "t");
    OK(minka_events_open(world.broker, 10, &events));
    minka_status polled = -1, waited = -1;
    pthread_t polling = spawn(poll_for_long, &polled);
    pthread_t waiting = spawn(wait_for_long, &waited);
    int64_t position = 0;
    minka_event event;
    minka_status status;
    /* Until the other thread has come to it, this one is alone. */
    while ((status = minka_consumer_position(consumer, STR("t"), 0, &position)) == MINKA_OK)
        ;
    CHECK(status == MINKA_INVALID_REQUEST);
    SAYS("another thread");
    IS(MINKA_INVALID_REQUEST, minka_consumer_commit(consumer));
    IS(MINKA_INVALID_REQUEST, poll_count(consumer, 0, NULL));
    while ((status = minka_events_next(events, 0, &event)) != MINKA_INVALID_REQUEST)
        CHECK(status == MINKA_OK || status == MINKA_TIMEOUT);
    SAYS("another thread");
    OK(minka_consumer_wake(consumer));
    join(polling);
    CHECK(polled == MINKA_INTERRUPTED);
    OK(minka_consumer_position(consumer, STR("t"), 0, &position));
    OK(minka_events_close(events));
    join(waiting);
    CHECK(waited == MINKA_CLOSED);
    minka_events_free(events);
    leave(consumer);
    world_close(&world);
    return 0;
}
