// What a test does to a broker: its clock, its faults, copies of it.
#include "check.hpp"

#include <filesystem>

static void the_clock_is_moved() {
    minka::Broker broker;
    minka::Admin admin(broker);
    admin.create_topic("t", 1, {{"retention.ms", "60000"}});
    minka::Producer(broker).send({"t", "v"});
    broker.advance_clock(1h);
    const minka::PartitionDescription partition = admin.describe_topic("t").partitions[0];
    CHECK(partition.start == 1 && partition.end == 1);
    CHECK(error_of([&] { broker.advance_clock(-1ms); }).code() == MINKA_INVALID_REQUEST);
}

static void faults_happen_when_they_are_asked_for() {
    minka::Broker broker;
    minka::Producer producer(broker, {{"delivery.timeout.ms", "1000"}});
    producer.send({"t", "first"});
    using Effect = minka::Broker::Effect;
    broker.fault("Produce", Effect::error(MINKA_POLICY_VIOLATION), 2);
    CHECK(producer.send({"t", "second"}).offset == 1);
    CHECK(error_of([&] { producer.send({"t", "third"}); }).code() == MINKA_POLICY_VIOLATION);
    CHECK(producer.send({"t", "fourth"}).offset == 2);
    broker.fault("Produce", Effect::delay(1h));
    broker.clear_faults();
    CHECK(producer.send({"t", "fifth"}).offset == 3);
    CHECK(error_of([&] { broker.fault("Tea", Effect::drop_request()); }).code() ==
          MINKA_INVALID_REQUEST);
    CHECK(!broker.try_fault("disk.sync", Effect::drop_answer()));
    broker.drop_connections();
}

static void a_copy_goes_its_own_way(const std::string &directory) {
    minka::Broker broker;
    minka::Producer(broker).send({"t", "v"});
    broker.snapshot(directory);
    minka::Producer(broker).send({"t", "w"});
    minka::Broker copy({{"copy-of", directory}});
    CHECK(minka::Admin(copy).describe_topic("t").partitions[0].end == 1);
    CHECK(minka::Producer(copy).send({"t", "x"}).offset == 1);
    CHECK(error_of([&] { broker.snapshot(directory); }).code() == MINKA_INVALID_CONFIG);
    CHECK(error_of([&] { broker.wait_until_idle(0ms, "nobody"); }).code() == MINKA_GROUP_NOT_FOUND);
}

static void a_door_is_opened_later() {
    minka::Broker broker;
    CHECK(broker.bootstrap_servers().empty());
    broker.listen("127.0.0.1:0");
    minka::Producer producer(broker.bootstrap_servers());
    CHECK(producer.send({"t", "v"}, patience).offset == 0);
    CHECK(error_of([&] { broker.listen("127.0.0.1:0"); }).code() == MINKA_INVALID_REQUEST);
}

// The argument is a directory that is empty.
int main(int, char **argv) {
    the_clock_is_moved();
    faults_happen_when_they_are_asked_for();
    a_copy_goes_its_own_way(std::string(argv[1]) + "/copy");
    a_door_is_opened_later();
}
