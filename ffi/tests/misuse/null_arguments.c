/* Every function is given NULL for what it is called on: it says so, and nothing happens. */

#include "../scenarios/harness.h"

#define REFUSED(CALL) IS(MINKA_INVALID_REQUEST, (CALL)), SAYS("is NULL")

static const minka_bytes NONE = { NULL, 0 };
static const minka_start START = { MINKA_START_EARLIEST, 0 };

static void clients(void)
{
    minka_message one = message("t", "v");
    minka_batch *batch = NULL;
    minka_assignment *assignment = NULL;
    int64_t place = 0;
    uint64_t count = 0;
    REFUSED(minka_producer_send(NULL, &one, 0, NULL));
    REFUSED(minka_producer_send_many(NULL, &one, 1, 0, NULL, NULL));
    REFUSED(minka_producer_send_async(NULL, &one, NULL, NULL));
    REFUSED(minka_producer_flush(NULL, 0));
    REFUSED(minka_producer_close(NULL, 0));
    REFUSED(minka_consumer_subscribe(NULL, NULL, 0));
    REFUSED(minka_consumer_assign(NULL, NULL, 0));
    REFUSED(minka_consumer_poll(NULL, 0, &batch));
    REFUSED(minka_consumer_wake(NULL));
    REFUSED(minka_consumer_commit(NULL));
    REFUSED(minka_consumer_committed(NULL, STR("t"), 0, &place));
    REFUSED(minka_consumer_acknowledge(NULL, STR("t"), 0, 0, MINKA_ACCEPT));
    REFUSED(minka_consumer_seek(NULL, STR("t"), 0, START));
    REFUSED(minka_consumer_pause(NULL, STR("t"), 0));
    REFUSED(minka_consumer_resume(NULL, STR("t"), 0));
    REFUSED(minka_consumer_position(NULL, STR("t"), 0, &place));
    REFUSED(minka_consumer_assignment(NULL, &assignment));
    REFUSED(minka_consumer_acknowledged_too_late(NULL, &count));
    REFUSED(minka_consumer_close(NULL));
    minka_record record;
    CHECK(minka_batch_count(NULL) == 0 && !minka_batch_next(NULL, &record));
    CHECK(minka_batch_next_many(NULL, &record, 1) == 0);
    minka_batch_rewind(NULL);
}

static void brokers(void)
{
    minka_fault fault = { STR("Produce"), 1, 1, MINKA_EFFECT_DROP_ANSWER, 0 };
    minka_bytes servers;
    minka_events *events = NULL;
    minka_event event;
    REFUSED(minka_broker_open(NULL, NULL));
    REFUSED(minka_broker_listen(NULL, STR("127.0.0.1:0")));
    REFUSED(minka_broker_bootstrap_servers(NULL, &servers));
    REFUSED(minka_broker_advance_clock(NULL, 1));
    REFUSED(minka_broker_fault(NULL, &fault));
    REFUSED(minka_broker_clear_faults(NULL));
    REFUSED(minka_broker_drop_connections(NULL));
    REFUSED(minka_broker_snapshot(NULL, STR("/nowhere")));
    REFUSED(minka_broker_wait_until_idle(NULL, NONE, 0));
    REFUSED(minka_broker_close(NULL));
    REFUSED(minka_events_open(NULL, 1, &events));
    REFUSED(minka_events_next(NULL, 0, &event));
    REFUSED(minka_events_wake(NULL));
    REFUSED(minka_events_close(NULL));
    REFUSED(minka_config_set(NULL, STR("a"), STR("b")));
    REFUSED(minka_config_on_admission(NULL, NULL, NULL, NULL));
    REFUSED(minka_config_on_delivery(NULL, NULL, NULL, NULL));
    REFUSED(minka_config_on_authentication(NULL, NULL, NULL, NULL));
    REFUSED(minka_verdict_refuse(NULL, STR("no")));
    REFUSED(minka_verdict_set_key(NULL, NONE));
    REFUSED(minka_verdict_set_value(NULL, NONE));
    REFUSED(minka_verdict_set_headers(NULL, NULL, 0));
}

static void admins(void)
{
    minka_topics *topics = NULL;
    minka_topic_description *topic_found = NULL;
    minka_groups *groups = NULL;
    minka_group_description *group_found = NULL;
    minka_cluster *cluster = NULL;
    REFUSED(minka_admin_create_topic(NULL, STR("t"), 1, NULL, 0));
    REFUSED(minka_admin_delete_topic(NULL, STR("t")));
    REFUSED(minka_admin_topics(NULL, &topics));
    REFUSED(minka_admin_describe_topic(NULL, STR("t"), &topic_found));
    REFUSED(minka_admin_add_partitions(NULL, STR("t"), 2));
    REFUSED(minka_admin_alter_topic(NULL, STR("t"), NULL, 0));
    REFUSED(minka_admin_groups(NULL, &groups));
    REFUSED(minka_admin_describe_group(NULL, STR("g"), &group_found));
    REFUSED(minka_admin_reset_group(NULL, STR("g"), STR("t"), START));
    REFUSED(minka_admin_alter_group(NULL, STR("g"), NULL, 0));
    REFUSED(minka_admin_delete_group(NULL, STR("g")));
    REFUSED(minka_admin_cluster(NULL, &cluster));
    REFUSED(minka_admin_close(NULL));
}

static void lists(void)
{
    minka_topic topic;
    minka_partition partition;
    minka_setting setting;
    minka_group group;
    minka_member member;
    minka_group_partition at;
    minka_topic_partition assigned;
    minka_cluster_broker broker;
    minka_bytes id;
    REFUSED(minka_topics_get(NULL, 0, &topic));
    REFUSED(minka_topic_description_topic(NULL, &topic));
    REFUSED(minka_topic_description_partition(NULL, 0, &partition));
    REFUSED(minka_topic_description_setting(NULL, 0, &setting));
    REFUSED(minka_groups_get(NULL, 0, &group));
    REFUSED(minka_group_description_group(NULL, &group));
    REFUSED(minka_group_description_member(NULL, 0, &member));
    REFUSED(minka_group_description_partition(NULL, 0, &at));
    REFUSED(minka_assignment_get(NULL, 0, &assigned));
    REFUSED(minka_cluster_id(NULL, &id));
    REFUSED(minka_cluster_get_broker(NULL, 0, &broker));
    CHECK(minka_topics_count(NULL) == 0 && minka_groups_count(NULL) == 0);
    CHECK(minka_topic_description_setting_count(NULL) == 0);
    CHECK(minka_group_description_member_count(NULL) == 0);
    CHECK(minka_group_description_partition_count(NULL) == 0);
    CHECK(minka_assignment_count(NULL) == 0 && minka_cluster_broker_count(NULL) == 0);
    minka_topics_free(NULL);
    minka_topic_description_free(NULL);
    minka_groups_free(NULL);
    minka_group_description_free(NULL);
    minka_assignment_free(NULL);
    minka_cluster_free(NULL);
}

int main(void)
{
    clients();
    brokers();
    admins();
    lists();
    return 0;
}
