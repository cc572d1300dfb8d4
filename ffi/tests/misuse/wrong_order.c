/* Things are freed in an order that nobody would choose, and some are not closed first. */

#include "../scenarios/harness.h"

static void run(enum place place)
{
    struct world world = world_open(place, NULL);
    topic(&world, "t", 1);
    send_values(&world, "t", "v", NULL);
    minka_config *settings = config("request.timeout.ms", "500", "delivery.timeout.ms", "500",
                                    "max.block.ms", "500", NULL);
    minka_producer *producer = NULL;
    OK(minka_producer_open(TARGET(&world), settings, &producer));
    minka_config_free(settings);
    settings = config("request.timeout.ms", "500", "group.id", "g", NULL);
    minka_consumer *consumer = NULL;
    OK(minka_consumer_open(TARGET(&world), settings, &consumer));
    minka_config_free(settings);
    minka_admin *admin = admin_open(&world);
    minka_events *events = NULL;
    OK(minka_events_open(world.broker, 10, &events));
    queue_group(&world, "g", NULL);
    subscribe(consumer, "t");
    struct taken taken = take(consumer, 1);
    minka_topics *topics = NULL;
    OK(minka_admin_topics(admin, &topics));
    OK(send_one(producer, message("t", "w"), NULL));
    /* The broker first, and without closing it. */
    minka_broker_free(world.broker);
    CHECK(send_one(producer, message("t", "x"), NULL) != MINKA_OK);
    minka_event event;
    minka_status status;
    while ((status = minka_events_next(events, PATIENCE, &event)) == MINKA_OK)
        ;
    CHECK(status == MINKA_CLOSED);
    minka_events_free(events);
    minka_producer_free(producer);
    minka_admin_free(admin);
    minka_consumer_free(consumer);
    /* What was read stays. */
    TEXT("v", taken.records[0].value);
    taken_free(&taken);
    minka_topic found;
    OK(minka_topics_get(topics, 0, &found));
    TEXT("t", found.name);
    minka_topics_free(topics);
}

int main(void)
{
    run(IN_PROCESS);
    run(SOCKET);
    threads_end();
    return 0;
}
