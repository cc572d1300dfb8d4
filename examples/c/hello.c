/* Sends a record and reads it back: hello [HOST:PORT] */
#include <minka.h>
#include <stdio.h>
#include <stdlib.h>

static void check(minka_status status)
{
    if (status == MINKA_OK)
        return;
    fprintf(stderr, "hello: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    exit(1);
}

int main(int argc, char **argv)
{
    /* A broker of our own, in memory, unless there is one at an address. */
    minka_broker *broker = NULL;
    minka_bytes address = argc > 1 ? minka_string(argv[1]) : MINKA_NULL;
    if (argc < 2)
        check(minka_broker_open(NULL, &broker));

    minka_producer *producer = NULL;
    check(minka_producer_open(broker, address, NULL, &producer));
    minka_message message = MINKA_MESSAGE_INIT;
    message.topic = minka_string("greetings");
    message.key = minka_string("c");
    message.value = minka_string("hello from c");
    minka_receipt sent;
    check(minka_producer_send(producer, &message, 10000, &sent));
    printf("sent: greetings/%d@%lld\n", (int)sent.partition, (long long)sent.offset);

    minka_consumer *consumer = NULL;
    check(minka_consumer_open(broker, address, NULL, &consumer));
    minka_start here = { MINKA_START_OFFSET, sent.offset };
    minka_partition_start partition = { message.topic, sent.partition, here };
    check(minka_consumer_assign(consumer, &partition, 1));
    minka_batch *batch = NULL;
    check(minka_consumer_poll(consumer, 10000, &batch));
    minka_record record;
    bool found = minka_batch_next(batch, &record);
    if (found)
        printf("received: " MINKA_FORMAT "\n", MINKA_ARGS(record.value));

    minka_batch_free(batch);
    check(minka_consumer_close(consumer));
    check(minka_producer_close(producer, 10000));
    minka_consumer_free(consumer);
    minka_producer_free(producer);
    minka_broker_free(broker);
    return found ? 0 : 1;
}
