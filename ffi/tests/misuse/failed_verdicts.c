/* A hook that wants to refuse or change a record, and fails at that: the record must not pass. */

#include "../scenarios/harness.h"

static const uint8_t latin1[] = { 'n', 0xe9, 'e' };

static void admit(void *userdata, const minka_passing *record, minka_verdict *verdict)
{
    (void)userdata;
    minka_bytes foreign = { latin1, sizeof latin1 };
    minka_header header = { foreign, MINKA_NULL };
    if (is_text(record->value, "no text"))
        OK(minka_verdict_refuse(verdict, foreign));
    if (is_text(record->value, "no reason"))
        OK(minka_verdict_refuse(verdict, MINKA_NULL));
    if (is_text(record->value, "no header"))
        IS(MINKA_INVALID_REQUEST, minka_verdict_set_headers(verdict, &header, 1));
}

static void run(enum place place)
{
    minka_config *settings = minka_config_new();
    OK(minka_config_on_admission(settings, admit, NULL, NULL));
    struct world world = world_hooked(place, settings);
    topic(&world, "t", 1);
    minka_producer *producer = producer_open(&world, NULL);
    IS(MINKA_INVALID_RECORD, send_one(producer, message("t", "no text"), NULL));
    IS(MINKA_INVALID_RECORD, send_one(producer, message("t", "no reason"), NULL));
    SAYS("no reason was given");
    IS(MINKA_INVALID_RECORD, send_one(producer, message("t", "no header"), NULL));
    SAYS("UTF-8");
    OK(send_one(producer, message("t", "good"), NULL));
    minka_producer_free(producer);
    minka_consumer *consumer = reader(&world, "t");
    expect(consumer, "good", NULL);
    minka_consumer_free(consumer);
    world_close(&world);
}

int main(void)
{
    run(IN_PROCESS);
    run(SOCKET);
    threads_end();
    return 0;
}
