/* A broker with rules of its own: what may come in, what goes out, and who may connect. */
#include <minka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(minka_status status)
{
    if (status == MINKA_OK)
        return;
    fprintf(stderr, "custom_broker: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    exit(1);
}

static bool is(minka_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

/* Orders have a key, and get a header. */
static void admit(void *userdata, const minka_passing *order, minka_verdict *verdict)
{
    (void)userdata;
    if (order->key.data == NULL) {
        check(minka_verdict_refuse(verdict, minka_string("an order needs a key")));
        return;
    }
    minka_header *headers = calloc(order->header_count + 1, sizeof *headers);
    if (headers == NULL)
        abort();
    for (size_t i = 0; i < order->header_count; i++)
        headers[i] = order->headers[i];
    headers[order->header_count].key = minka_string("stamped-by");
    headers[order->header_count].value = minka_string("custom_broker");
    check(minka_verdict_set_headers(verdict, headers, order->header_count + 1));
    free(headers);
}

/* Consumers do not see the numbers of cards. */
static void deliver(void *userdata, const minka_passing *order, minka_verdict *verdict)
{
    (void)userdata;
    char *value = calloc(order->value.len + 1, 1);
    if (value == NULL)
        abort();
    if (order->value.len > 0)
        memcpy(value, order->value.data, order->value.len);
    char *card = strstr(value, "card ");
    if (card != NULL) {
        for (card += 5; *card >= '0' && *card <= '9'; card++)
            *card = '*';
        check(minka_verdict_set_value(verdict, minka_string(value)));
    }
    free(value);
}

static bool let_in(void *userdata, const minka_login *login, minka_verdict *verdict)
{
    (void)userdata;
    if (is(login->user, "shop") && is(login->password, "secret"))
        return true;
    check(minka_verdict_refuse(verdict, minka_string("wrong password")));
    return false;
}

static minka_config *login_as(const char *user, const char *password)
{
    minka_config *config = minka_config_new();
    check(minka_config_set(config, minka_string("sasl.username"), minka_string(user)));
    check(minka_config_set(config, minka_string("sasl.password"), minka_string(password)));
    return config;
}

static void send_orders(minka_bytes door, const minka_config *shop)
{
    minka_producer *producer = NULL;
    minka_message order = MINKA_MESSAGE_INIT;
    minka_receipt sent;
    check(minka_producer_open(NULL, door, shop, &producer));
    order.topic = minka_string("orders");
    order.key = minka_string("shop");
    order.value = minka_string("order 1, card 4111111111111111");
    check(minka_producer_send(producer, &order, 10000, &sent));
    printf("sent: orders/%d@%lld\n", (int)sent.partition, (long long)sent.offset);
    order.key = MINKA_NULL;
    order.value = minka_string("order 2");
    if (minka_producer_send(producer, &order, 10000, NULL) != MINKA_OK)
        printf("refused: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    minka_producer_free(producer);
}

static void read_orders(minka_bytes door, const minka_config *shop)
{
    minka_consumer *consumer = NULL;
    minka_batch *batch = NULL;
    minka_record record;
    minka_start start = { MINKA_START_EARLIEST, 0 };
    minka_partition_start partition = { minka_string("orders"), 0, start };
    check(minka_consumer_open(NULL, door, shop, &consumer));
    check(minka_consumer_assign(consumer, &partition, 1));
    check(minka_consumer_poll(consumer, 10000, &batch));
    while (minka_batch_next(batch, &record)) {
        printf("received: " MINKA_FORMAT "\n", MINKA_ARGS(record.value));
        for (size_t i = 0; i < record.header_count; i++)
            if (is(record.headers[i].key, "stamped-by"))
                printf("stamped by: " MINKA_FORMAT "\n", MINKA_ARGS(record.headers[i].value));
    }
    minka_batch_free(batch);
    minka_consumer_free(consumer);
}

static void guess_the_password(minka_bytes door)
{
    minka_admin *admin = NULL;
    minka_topics *topics = NULL;
    minka_config *guess = login_as("shop", "guess");
    check(minka_config_set(guess, minka_string("default.api.timeout.ms"), minka_string("5000")));
    check(minka_admin_open(NULL, door, guess, &admin));
    if (minka_admin_topics(admin, &topics) != MINKA_OK)
        printf("login refused: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    minka_topics_free(topics);
    minka_admin_free(admin);
    minka_config_free(guess);
}

static void tell_events(minka_events *events)
{
    minka_event event;
    while (minka_events_next(events, 0, &event) == MINKA_OK) {
        if (event.kind == MINKA_EVENT_TOPIC_CREATED)
            printf("event: topic created: " MINKA_FORMAT "\n", MINKA_ARGS(event.topic));
        if (event.kind == MINKA_EVENT_LOGIN_REFUSED)
            printf("event: login refused: " MINKA_FORMAT "\n", MINKA_ARGS(event.client));
    }
}

int main(void)
{
    minka_broker *broker = NULL;
    minka_events *events = NULL;
    minka_bytes door;
    minka_config *rules = minka_config_new();
    check(minka_config_set(rules, minka_string("kafka"), minka_string("127.0.0.1:0")));
    check(minka_config_on_admission(rules, admit, NULL, NULL));
    check(minka_config_on_delivery(rules, deliver, NULL, NULL));
    check(minka_config_on_authentication(rules, let_in, NULL, NULL));
    check(minka_broker_open(rules, &broker));
    minka_config_free(rules);
    check(minka_events_open(broker, 1000, &events));
    check(minka_broker_bootstrap_servers(broker, &door));

    minka_config *shop = login_as("shop", "secret");
    send_orders(door, shop);
    read_orders(door, shop);
    minka_config_free(shop);
    guess_the_password(door);
    tell_events(events);

    minka_events_free(events);
    minka_broker_free(broker);
    return 0;
}
