/* Delivery reports come once for each record; what they may not do is refused, and does not hang. */

#include "../scenarios/harness.h"

static minka_producer *producer;
/* Counted by several threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int stored, failed;

static void count(void *userdata, minka_status status, const minka_receipt *receipt)
{
    CHECK(userdata == &lock);
    if (status == MINKA_OK)
        CHECK(receipt->offset >= 0 && is_text(receipt->topic, "t"));
    else {
        CHECK(receipt == NULL);
        SAYS("larger than");
    }
    pthread_mutex_lock(&lock);
    status == MINKA_OK ? stored++ : failed++;
    pthread_mutex_unlock(&lock);
}

static void misbehave(void *userdata, minka_status status, const minka_receipt *receipt)
{
    count(userdata, status, receipt);
    minka_message one = message("t", "from a report");
    IS(MINKA_INVALID_REQUEST, minka_producer_flush(producer, PATIENCE));
    SAYS("callback");
    IS(MINKA_INVALID_REQUEST, minka_producer_send(producer, &one, PATIENCE, NULL));
    OK(minka_producer_send_async(producer, &one, count, &lock));
}

static void run(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    producer = producer_open(&world, NULL);
    stored = failed = 0;
    minka_message one = message("t", "v");
    for (int at = 0; at < 100; at++)
        OK(minka_producer_send_async(producer, &one, count, &lock));
    OK(minka_producer_flush(producer, PATIENCE));
    CHECK(stored == 100 && failed == 0);

    OK(minka_producer_send_async(producer, &one, misbehave, &lock));
    /* Sent by the report, that waits for the first flush. */
    OK(minka_producer_flush(producer, PATIENCE));
    OK(minka_producer_flush(producer, PATIENCE));
    CHECK(stored >= 102);

    minka_admin *admin = admin_open(&world);
    minka_change limit = { STR("max.message.bytes"), STR("100") };
    OK(minka_admin_alter_topic(admin, STR("t"), &limit, 1));
    minka_admin_free(admin);
    static const uint8_t bytes[1000];
    one.value.data = bytes;
    one.value.len = sizeof bytes;
    minka_status status = minka_producer_send_async(producer, &one, count, &lock);
    CHECK(status == MINKA_OK || status == MINKA_MESSAGE_TOO_LARGE);
    OK(minka_producer_close(producer, PATIENCE));
    CHECK(failed == (status == MINKA_OK));
    minka_producer_free(producer);
    world_close(&world);
}

int main(void)
{
    run(IN_PROCESS);
    run(SOCKET);
    threads_end();
    return 0;
}
