/* Several threads send with one producer, and another one closes it: nothing is lost or hangs. */

#include "../scenarios/harness.h"

enum { THREADS = 4 };

struct sender {
    minka_producer *producer;
    int64_t stored;
    minka_status last;
};

static void *send_until_closed(void *argument)
{
    struct sender *sender = argument;
    minka_message one = message("t", "v");
    while ((sender->last = minka_producer_send(sender->producer, &one, PATIENCE, NULL)) == MINKA_OK)
        sender->stored++;
    return NULL;
}

static void run(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    struct sender senders[THREADS];
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++) {
        senders[at] = (struct sender){ producer, 0, MINKA_OK };
        threads[at] = spawn(send_until_closed, &senders[at]);
    }
    minka_consumer *consumer = reader(&world, "t");
    size_t came = 0;
    while (came < 1000) {
        size_t count = 0;
        OK(poll_count(consumer, PATIENCE, &count));
        came += count;
    }
    OK(minka_producer_close(producer, PATIENCE));
    int64_t stored = 0;
    for (int at = 0; at < THREADS; at++) {
        join(threads[at]);
        CHECK(senders[at].last == MINKA_CLOSED);
        stored += senders[at].stored;
    }
    while ((int64_t)came < stored) {
        size_t count = 0;
        OK(poll_count(consumer, PATIENCE, &count));
        came += count;
    }
    minka_producer_free(producer);
    leave(consumer);
    world_close(&world);
}

int main(void)
{
    run(IN_PROCESS);
    run(SOCKET);
    threads_end();
    return 0;
}
