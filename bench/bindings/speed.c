/*
 * How fast C is with minka.
 *
 * start             seconds of minka_broker_open()
 * run RECORDS       seconds of sending records of 100 bytes and of reading them, on a broker in
 *                   this process
 */
#define _POSIX_C_SOURCE 200809L

#include <minka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* So many are sent, and then waited for. */
enum { BATCH = 100000, SIZE = 100 };

static void check(minka_status status)
{
    if (status != MINKA_OK) {
        fprintf(stderr, MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
        exit(1);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void start(void)
{
    minka_broker *broker = NULL;
    double since = seconds();
    check(minka_broker_open(NULL, &broker));
    printf("broker=%f\n", seconds() - since);
    minka_broker_free(broker);
}

static double produce(const minka_broker *broker, long count)
{
    static uint8_t value[SIZE];
    static minka_message messages[BATCH];
    minka_producer *producer = NULL;
    minka_message message = MINKA_MESSAGE_INIT;
    long batch = count < BATCH ? count : BATCH;
    double since;

    message.topic = minka_string("speed");
    message.value.data = value;
    message.value.len = SIZE;
    for (int at = 0; at < BATCH; at++)
        messages[at] = message;
    check(minka_producer_open(broker, MINKA_NULL, NULL, &producer));
    check(minka_producer_send(producer, &message, -1, NULL));
    since = seconds();
    for (long sent = 0; sent < count; sent += batch)
        check(minka_producer_send_many(producer, messages, (size_t)batch, -1, NULL, NULL));
    since = seconds() - since;
    minka_producer_free(producer);
    return since;
}

static double consume(const minka_broker *broker, long count)
{
    minka_config *config = minka_config_new();
    minka_consumer *consumer = NULL;
    minka_partition_start from = { minka_string("speed"), 0, { MINKA_START_EARLIEST, 0 } };
    minka_record records[256];
    size_t size = 0;
    double since;

    check(minka_config_set(config, minka_string("max.poll.records"), minka_string("10000")));
    check(minka_consumer_open(broker, MINKA_NULL, config, &consumer));
    since = seconds();
    check(minka_consumer_assign(consumer, &from, 1));
    for (long left = count; left > 0;) {
        minka_batch *batch = NULL;
        size_t got;
        check(minka_consumer_poll(consumer, 10000, &batch));
        while ((got = minka_batch_next_many(batch, records, 256)) > 0) {
            left -= (long)got;
            for (size_t at = 0; at < got; at++)
                size += records[at].value.len;
        }
        minka_batch_free(batch);
    }
    since = seconds() - since;
    if (size < (size_t)count * SIZE)
        exit(1);
    minka_consumer_free(consumer);
    minka_config_free(config);
    return since;
}

int main(int count, char **words)
{
    minka_broker *broker = NULL;

    if (count < 3) {
        start();
        return 0;
    }
    check(minka_broker_open(NULL, &broker));
    double produced = produce(broker, atol(words[2]));
    double consumed = consume(broker, atol(words[2]));
    printf("produced=%f consumed=%f\n", produced, consumed);
    minka_broker_free(broker);
    return 0;
}
