/* A broker on the disk, in this process and on a socket at once; what it keeps outlives it. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <minka.h>
#include <stdio.h>
#include <stdlib.h>

static void check(minka_status status)
{
    if (status == MINKA_OK)
        return;
    fprintf(stderr, "broker_in_process: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    exit(1);
}

static minka_broker *open_broker(const char *directory, minka_bytes *address)
{
    minka_broker *broker = NULL;
    minka_config *config = minka_config_new();
    check(minka_config_set(config, minka_string("data"), minka_string(directory)));
    check(minka_config_set(config, minka_string("kafka"), minka_string("127.0.0.1:0")));
    check(minka_broker_open(config, &broker));
    minka_config_free(config);
    check(minka_broker_bootstrap_servers(broker, address));
    printf("ready: " MINKA_FORMAT "\n", MINKA_ARGS(*address));
    return broker;
}

/* To a broker of this process, or to those at an address. */
static void send_value(const minka_broker *broker, minka_bytes address, const char *value)
{
    minka_producer *producer = NULL;
    minka_message message = MINKA_MESSAGE_INIT;
    message.topic = minka_string("events");
    message.value = minka_string(value);
    check(minka_producer_open(broker, address, NULL, &producer));
    check(minka_producer_send(producer, &message, 10000, NULL));
    check(minka_producer_close(producer, 10000));
    minka_producer_free(producer);
}

/* Reads so many records as a member of the group `readers`, and commits them by closing. */
static void read_records(const minka_broker *broker, int count)
{
    minka_consumer *consumer = NULL;
    minka_config *config = minka_config_new();
    minka_bytes topic = minka_string("events");
    check(minka_config_set(config, minka_string("group.id"), minka_string("readers")));
    check(minka_config_set(config, minka_string("group.type"), minka_string("partitions")));
    check(minka_config_set(config, minka_string("auto.offset.reset"), minka_string("earliest")));
    check(minka_consumer_open(broker, MINKA_NULL, config, &consumer));
    minka_config_free(config);
    check(minka_consumer_subscribe(consumer, &topic, 1));
    while (count > 0) {
        minka_batch *batch = NULL;
        minka_record record;
        check(minka_consumer_poll(consumer, 10000, &batch));
        if (minka_batch_count(batch) == 0) {
            fprintf(stderr, "broker_in_process: nothing came within 10 s\n");
            exit(1);
        }
        for (; minka_batch_next(batch, &record); count--)
            printf("received: " MINKA_FORMAT "\n", MINKA_ARGS(record.value));
        minka_batch_free(batch);
    }
    check(minka_consumer_close(consumer));
    minka_consumer_free(consumer);
}

static int delete_file(const char *path, const struct stat *stat, int type, struct FTW *at)
{
    (void)stat, (void)type, (void)at;
    return remove(path);
}

int main(void)
{
    char directory[] = "/tmp/minka-XXXXXX";
    minka_bytes address;
    if (mkdtemp(directory) == NULL)
        return perror(directory), 1;

    minka_broker *broker = open_broker(directory, &address);
    send_value(broker, MINKA_NULL, "in process");
    send_value(NULL, address, "over a socket");
    read_records(broker, 2);
    check(minka_broker_close(broker));
    minka_broker_free(broker);

    broker = open_broker(directory, &address);
    send_value(broker, MINKA_NULL, "after a restart");
    read_records(broker, 1);
    check(minka_broker_close(broker));
    minka_broker_free(broker);
    return nftw(directory, delete_file, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
