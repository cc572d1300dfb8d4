/* Reads a topic from the start, from an offset and from a time: replay [HOST:PORT] */
#include <minka.h>
#include <stdio.h>
#include <stdlib.h>

#define NOON 1700000000000
#define MINUTE 60000

static void check(minka_status status)
{
    if (status == MINKA_OK)
        return;
    fprintf(stderr, "replay: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    exit(1);
}

/* Makes the topic anew and sends five temperatures, one a minute. */
static void measure(const minka_broker *broker, minka_bytes address, minka_bytes topic)
{
    minka_admin *admin = NULL;
    check(minka_admin_open(broker, address, NULL, &admin));
    minka_status deleted = minka_admin_delete_topic(admin, topic);
    if (deleted != MINKA_UNKNOWN_TOPIC_OR_PARTITION)
        check(deleted);
    check(minka_admin_create_topic(admin, topic, 1, NULL, 0));
    minka_admin_free(admin);

    minka_producer *producer = NULL;
    check(minka_producer_open(broker, address, NULL, &producer));
    for (int minute = 0; minute < 5; minute++) {
        char value[12];
        snprintf(value, sizeof value, "%d", 20 + minute);
        minka_message message = MINKA_MESSAGE_INIT;
        message.topic = topic;
        message.partition = 0;
        message.value = minka_string(value);
        message.timestamp = NOON + (int64_t)minute * MINUTE;
        check(minka_producer_send(producer, &message, 10000, NULL));
    }
    check(minka_producer_close(producer, 10000));
    minka_producer_free(producer);
}

/* Prints the values from here to the end, which is offset 5. */
static void read_to_the_end(minka_consumer *consumer, const char *title)
{
    int64_t next = 0;
    printf("%s:", title);
    while (next < 5) {
        minka_batch *batch = NULL;
        minka_record record;
        check(minka_consumer_poll(consumer, 10000, &batch));
        if (minka_batch_count(batch) == 0) {
            fprintf(stderr, "replay: nothing came within 10 s\n");
            exit(1);
        }
        while (minka_batch_next(batch, &record)) {
            printf(" " MINKA_FORMAT, MINKA_ARGS(record.value));
            next = record.offset + 1;
        }
        minka_batch_free(batch);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    minka_broker *broker = NULL;
    minka_bytes address = argc > 1 ? minka_string(argv[1]) : MINKA_NULL;
    minka_bytes topic = minka_string("temperatures");
    if (argc < 2)
        check(minka_broker_open(NULL, &broker));
    measure(broker, address, topic);

    minka_consumer *consumer = NULL;
    check(minka_consumer_open(broker, address, NULL, &consumer));
    minka_start start = { MINKA_START_EARLIEST, 0 };
    minka_partition_start partition = { topic, 0, start };
    check(minka_consumer_assign(consumer, &partition, 1));
    read_to_the_end(consumer, "from the start");

    minka_start third = { MINKA_START_OFFSET, 3 };
    check(minka_consumer_seek(consumer, topic, 0, third));
    read_to_the_end(consumer, "from offset 3");

    minka_start time = { MINKA_START_TIME, NOON + 2 * MINUTE };
    check(minka_consumer_seek(consumer, topic, 0, time));
    read_to_the_end(consumer, "from time 1700000120000");

    minka_consumer_free(consumer);
    minka_broker_free(broker);
    return 0;
}
