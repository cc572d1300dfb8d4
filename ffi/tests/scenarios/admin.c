/* Topics and groups are managed. */

#include "harness.h"

/* Whether a topic's retention is its own, and this. */
static bool has_retention(minka_admin *admin, const char *expected)
{
    minka_topic_description *found = NULL;
    OK(minka_admin_describe_topic(admin, STR("t"), &found));
    size_t count = minka_topic_description_setting_count(found);
    bool has = false;
    for (size_t at = 0; at < count; at++) {
        minka_setting setting;
        OK(minka_topic_description_setting(found, at, &setting));
        if (is_text(setting.name, "retention.ms"))
            has = expected == NULL ? setting.is_default
                                   : !setting.is_default && is_text(setting.value, expected);
    }
    minka_topic_description_free(found);
    return has;
}

static void check_partitions(minka_admin *admin)
{
    minka_topic_description *found = NULL;
    OK(minka_admin_describe_topic(admin, STR("t"), &found));
    minka_topic topic;
    OK(minka_topic_description_topic(found, &topic));
    TEXT("t", topic.name);
    CHECK(topic.partition_count == 2 && topic.id.len == 22);
    for (int32_t at = 0; at < 2; at++) {
        minka_partition partition;
        OK(minka_topic_description_partition(found, (size_t)at, &partition));
        CHECK(partition.index == at && partition.start == 0 && partition.end == at);
    }
    minka_partition none;
    IS(MINKA_INVALID_REQUEST, minka_topic_description_partition(found, 2, &none));
    SAYS("index");
    minka_topic_description_free(found);
}

static size_t count_topics(minka_admin *admin, const char *name, int32_t partitions)
{
    minka_topics *topics = NULL;
    OK(minka_admin_topics(admin, &topics));
    size_t count = minka_topics_count(topics);
    for (size_t at = 0; at < count; at++) {
        minka_topic topic;
        OK(minka_topics_get(topics, at, &topic));
        TEXT(name, topic.name);
        CHECK(topic.partition_count == partitions);
    }
    minka_topics_free(topics);
    return count;
}

void scenario_admin_topics(enum place place)
{
    struct world world = world_open(place, NULL);
    minka_admin *admin = admin_open(&world);
    CHECK(count_topics(admin, "", 0) == 0);
    minka_change retention = { STR("retention.ms"), STR("60000") };
    OK(minka_admin_create_topic(admin, STR("t"), 2, &retention, 1));
    IS(MINKA_TOPIC_EXISTS, minka_admin_create_topic(admin, STR("t"), 2, &retention, 1));
    CHECK(count_topics(admin, "t", 2) == 1);
    minka_producer *producer = producer_open(&world, NULL);
    minka_message one = message("t", "v");
    one.partition = 1;
    OK(send_one(producer, one, NULL));
    minka_producer_free(producer);
    check_partitions(admin);
    CHECK(has_retention(admin, "60000"));
    retention.value = STR("70000");
    OK(minka_admin_alter_topic(admin, STR("t"), &retention, 1));
    CHECK(has_retention(admin, "70000"));
    retention.value = MINKA_NULL;
    OK(minka_admin_alter_topic(admin, STR("t"), &retention, 1));
    CHECK(has_retention(admin, NULL));

    OK(minka_admin_add_partitions(admin, STR("t"), 3));
    CHECK(count_topics(admin, "t", 3) == 1);
    IS(MINKA_INVALID_PARTITIONS, minka_admin_add_partitions(admin, STR("t"), 3));
    OK(minka_admin_delete_topic(admin, STR("t")));
    minka_topic_description *found = NULL;
    IS(MINKA_UNKNOWN_TOPIC_OR_PARTITION,
       minka_admin_describe_topic(admin, STR("t"), &found));
    IS(MINKA_UNKNOWN_TOPIC_OR_PARTITION, minka_admin_delete_topic(admin, STR("t")));
    CHECK(count_topics(admin, "", 0) == 0);

    minka_cluster *cluster = NULL;
    OK(minka_admin_cluster(admin, &cluster));
    minka_bytes id;
    OK(minka_cluster_id(cluster, &id));
    CHECK(id.len > 0);
    CHECK(minka_cluster_broker_count(cluster) == (place == SOCKET ? 1 : 0));
    minka_cluster_broker broker;
    if (place == SOCKET) {
        OK(minka_cluster_get_broker(cluster, 0, &broker));
        TEXT("127.0.0.1", broker.host);
        CHECK(broker.port != 0);
    }
    IS(MINKA_INVALID_REQUEST, minka_cluster_get_broker(cluster, 1, &broker));
    minka_cluster_free(cluster);
    minka_admin_free(admin);
    world_close(&world);
}

static void check_group(minka_admin *admin)
{
    minka_groups *groups = NULL;
    OK(minka_admin_groups(admin, &groups));
    CHECK(minka_groups_count(groups) == 1);
    minka_group group;
    OK(minka_groups_get(groups, 0, &group));
    TEXT("g", group.name);
    CHECK(group.kind == MINKA_GROUP_PARTITIONS);
    IS(MINKA_INVALID_REQUEST, minka_groups_get(groups, 1, &group));
    minka_groups_free(groups);

    minka_group_description *found = NULL;
    OK(minka_admin_describe_group(admin, STR("g"), &found));
    OK(minka_group_description_group(found, &group));
    TEXT("g", group.name);
    CHECK(group.state.len > 0);
    CHECK(minka_group_description_member_count(found) == 1);
    minka_member member;
    OK(minka_group_description_member(found, 0, &member));
    TEXT("minka", member.client_id);
    CHECK(member.id.len > 0 && member.instance_id.data == NULL);
    CHECK(member.assigned_count == 1 && member.assigned[0].partition == 0);
    TEXT("t", member.assigned[0].topic);
    CHECK(minka_group_description_partition_count(found) == 1);
    minka_group_partition partition;
    OK(minka_group_description_partition(found, 0, &partition));
    TEXT("t", partition.topic);
    CHECK(partition.partition == 0 && partition.committed == 2);
    CHECK(partition.end == 3 && partition.lag == 1);
    minka_group_description_free(found);
}

void scenario_admin_groups(enum place place)
{
    struct world world = world_open(place, NULL);
    minka_admin *admin = admin_open(&world);
    topic(&world, "t", 1);
    send_values(&world, "t", "a", "b", NULL);
    minka_consumer *one = member(&world, "g", "t");
    expect(one, "a", "b", NULL);
    OK(minka_consumer_commit(one));
    send_values(&world, "t", "c", NULL);
    check_group(admin);

    minka_start start = { MINKA_START_EARLIEST, 0 };
    IS(MINKA_NON_EMPTY_GROUP, minka_admin_reset_group(admin, STR("g"), STR("t"), start));
    IS(MINKA_NON_EMPTY_GROUP, minka_admin_delete_group(admin, STR("g")));
    expect(one, "c", NULL);
    leave(one);
    OK(minka_admin_reset_group(admin, STR("g"), STR("t"), start));
    one = member(&world, "g", "t");
    expect(one, "a", "b", "c", NULL);
    leave(one);
    OK(minka_admin_delete_group(admin, STR("g")));
    minka_group_description *found = NULL;
    IS(MINKA_GROUP_NOT_FOUND, minka_admin_describe_group(admin, STR("g"), &found));
    IS(MINKA_GROUP_NOT_FOUND, minka_admin_delete_group(admin, STR("g")));
    minka_groups *groups = NULL;
    OK(minka_admin_groups(admin, &groups));
    CHECK(minka_groups_count(groups) == 0);
    minka_groups_free(groups);
    minka_admin_free(admin);
    world_close(&world);
}
