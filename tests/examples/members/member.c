/*
 * A broker, a producer or a consumer in C, for tests with other languages.
 *
 * serve [SETTING=VALUE]...              a broker in memory; prints `ready HOST:PORT`
 * produce ADDRESS TOPIC NAME COUNT      sends messages
 * consume ADDRESS TOPIC GROUP KIND      prints `KEY VALUE` of each message in hexadecimal
 *
 * `serve` and `consume` end when their standard input does.
 */
#define _POSIX_C_SOURCE 200809L

#include <minka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void check(minka_status status)
{
    if (status != MINKA_OK) {
        fprintf(stderr, MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
        exit(1);
    }
}

/* Whether standard input is at its end; it waits for that for `milliseconds`, -1 for ever. */
static bool input_ends(int milliseconds)
{
    struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
    char byte;
    while (poll(&input, 1, milliseconds) > 0)
        if (read(STDIN_FILENO, &byte, 1) <= 0)
            return true;
    return false;
}

static void set(minka_config *config, const char *name, const char *value)
{
    check(minka_config_set(config, minka_string(name), minka_string(value)));
}

static void serve(int count, char **settings)
{
    minka_config *config = minka_config_new();
    minka_broker *broker = NULL;
    minka_bytes address;

    for (int at = 0; at < count; at++) {
        char *value = strchr(settings[at], '=');
        *value = '\0';
        set(config, settings[at], value + 1);
    }
    set(config, "kafka", "127.0.0.1:0");
    check(minka_broker_open(config, &broker));
    check(minka_broker_bootstrap_servers(broker, &address));
    printf("ready " MINKA_FORMAT "\n", MINKA_ARGS(address));
    fflush(stdout);
    input_ends(-1);
    check(minka_broker_close(broker));
    minka_broker_free(broker);
    minka_config_free(config);
}

static void produce(char **words)
{
    int count = atoi(words[3]);
    minka_producer *producer = NULL;
    minka_message *messages = calloc((size_t)count, sizeof *messages);
    char(*keys)[64] = calloc((size_t)count, sizeof *keys);
    char(*values)[64] = calloc((size_t)count, sizeof *values);

    for (int number = 0; number < count; number++) {
        const uint8_t odd[4] = { 0, 255, (uint8_t)(number % 9 + 1), 0xC3 };
        minka_message message = MINKA_MESSAGE_INIT;
        int length = snprintf(values[number], 60, "%d from %s ", number, words[2]);
        memcpy(values[number] + length, odd, sizeof odd);
        snprintf(keys[number], sizeof keys[number], "%s-%d", words[2], number);
        message.topic = minka_string(words[1]);
        message.key = minka_string(keys[number]);
        message.value.data = (const uint8_t *)values[number];
        message.value.len = (size_t)length + sizeof odd;
        messages[number] = message;
    }
    check(minka_producer_open(NULL, minka_string(words[0]), NULL, &producer));
    check(minka_producer_send_many(producer, messages, (size_t)count, -1, NULL, NULL));
    check(minka_producer_close(producer, -1));
    minka_producer_free(producer);
    free(messages);
    free(keys);
    free(values);
}

static void print_hex(minka_bytes bytes, char end)
{
    for (size_t at = 0; at < bytes.len; at++)
        printf("%02x", bytes.data[at]);
    putchar(end);
}

static void consume(char **words)
{
    minka_config *config = minka_config_new();
    minka_consumer *consumer = NULL;
    minka_bytes topic = minka_string(words[1]);

    set(config, "group.id", words[2]);
    set(config, "group.type", words[3]);
    set(config, "client.id", "c");
    check(minka_consumer_open(NULL, minka_string(words[0]), config, &consumer));
    check(minka_consumer_subscribe(consumer, &topic, 1));
    while (!input_ends(0)) {
        minka_batch *batch = NULL;
        minka_record record;
        check(minka_consumer_poll(consumer, 100, &batch));
        while (minka_batch_next(batch, &record)) {
            print_hex(record.key, ' ');
            print_hex(record.value, '\n');
        }
        fflush(stdout);
        minka_batch_free(batch);
    }
    check(minka_consumer_close(consumer));
    minka_consumer_free(consumer);
    minka_config_free(config);
}

int main(int count, char **words)
{
    if (count >= 2 && strcmp(words[1], "serve") == 0)
        serve(count - 2, words + 2);
    else if (count == 6 && strcmp(words[1], "produce") == 0)
        produce(words + 2);
    else if (count == 6 && strcmp(words[1], "consume") == 0)
        consume(words + 2);
    else
        return 2;
    return 0;
}
