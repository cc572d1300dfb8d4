// Topics and groups are managed and described; brokers tell what happens in them.
#include "check.hpp"

static void topics_are_managed() {
    minka::Broker broker;
    minka::Admin admin(broker);
    CHECK(admin.topics().empty());
    admin.create_topic("b", 2, {{"retention.ms", "1000"}});
    admin.create_topic("a");
    CHECK(error_of([&] { admin.create_topic("a"); }).code() == MINKA_TOPIC_EXISTS);
    const std::vector<minka::TopicListing> topics = admin.topics();
    CHECK(topics.size() == 2 && topics[0].name == "a" && topics[1].name == "b");
    CHECK(topics[1].partition_count == 2 && topics[1].id.size() == 22);

    admin.add_partitions("b", 3);
    admin.alter_topic("b", {{"retention.ms", std::nullopt}, {"max.message.bytes", "2000"}});
    minka::Producer(broker).send(minka::Message("b", "v").with_partition(2));
    const minka::TopicDescription topic = admin.describe_topic("b");
    CHECK(topic.name == "b" && topic.id == topics[1].id && topic.partitions.size() == 3);
    CHECK(topic.partitions[2].index == 2 && topic.partitions[2].start == 0);
    CHECK(topic.partitions[2].end == 1 && topic.partitions[0].end == 0);
    for (const minka::Setting &setting : topic.settings) {
        if (setting.name == "retention.ms") CHECK(setting.is_default);
        if (setting.name != "max.message.bytes") continue;
        CHECK(!setting.is_default && setting.value == "2000");
    }
    CHECK(!topic.settings.empty());
    admin.delete_topic("b");
    CHECK(error_of([&] { admin.describe_topic("b"); }).code() == MINKA_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK(admin.cluster().brokers.size() <= 1 && !admin.cluster().id.empty());
}

static void groups_are_managed() {
    minka::Broker broker;
    minka::Producer producer(broker);
    for (const char *value : {"a", "b", "c"}) producer.send({"t", value});
    minka::Admin admin(broker);
    admin.reset_group("g", "t", minka::StartAt::offset(1));
    minka::Consumer consumer(broker, {{"group.id", "g"},
                                      {"group.type", "partitions"},
                                      {"client.id", "reader"}});
    consumer.subscribe({"t"});
    CHECK(read(consumer, 2).front().value == "b");
    CHECK(error_of([&] { admin.delete_group("g"); }).code() == MINKA_NON_EMPTY_GROUP);
    const minka::GroupDescription group = admin.describe_group("g");
    CHECK(group.name == "g" && group.kind == minka::GroupKind::partitions);
    CHECK(group.members.size() == 1 && group.members[0].client_id == "reader");
    CHECK(!group.members[0].instance_id && group.members[0].assigned.size() == 1);
    CHECK(group.members[0].assigned[0].topic == "t");
    CHECK(group.partitions.size() == 1 && group.partitions[0].committed == 1);
    CHECK(group.partitions[0].end == 3 && group.partitions[0].lag == 2);
    CHECK(!group.partitions[0].in_flight);
    consumer.close();
    const std::vector<minka::GroupListing> groups = admin.groups();
    CHECK(groups.size() == 1 && groups[0].name == "g" && groups[0].state == "Empty");
    admin.delete_group("g");
    CHECK(admin.groups().empty());
    CHECK(error_of([&] { admin.describe_group("g"); }).code() == MINKA_GROUP_NOT_FOUND);
}

static void events_tell_what_happens() {
    minka::Broker broker;
    minka::Events events = broker.events();
    CHECK(!events.next(0ms));
    minka::Admin(broker).create_topic("t", 4);
    const std::optional<minka::Event> created = events.next(patience);
    CHECK(created && created->kind == minka::EventKind::topic_created);
    CHECK(created->topic == "t" && created->partition == 4 && !created->offset && !created->group);
    events.wake();
    CHECK(error_of([&] { events.next(patience); }).code() == MINKA_INTERRUPTED);
    broker.close();
    CHECK(events.next(patience)->kind == minka::EventKind::closing);
    CHECK(error_of([&] { events.next(patience); }).code() == MINKA_CLOSED);
    events.close();
    CHECK(error_of([&] { events.next(0ms); }).code() == MINKA_CLOSED);
    CHECK(error_of([&] { broker.events(); }).code() == MINKA_CLOSED);
}

int main() {
    topics_are_managed();
    groups_are_managed();
    events_tell_what_happens();
}
