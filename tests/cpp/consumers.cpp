// Consumers: positions, queue groups, and other threads that wake and close them.
#include "check.hpp"

#include <thread>

static void positions_are_where_they_are_put() {
    minka::Broker broker;
    minka::Producer producer(broker);
    const minka::Time begin{1700000000000ms};
    for (int minute = 0; minute < 5; ++minute) {
        const std::string value = std::to_string(minute);
        producer.send(minka::Message("t", value).with_timestamp(begin + minute * 1min));
    }
    minka::Consumer consumer(broker);
    consumer.assign({{"t", 0, minka::StartAt::time(begin + 2min)}});
    CHECK(read(consumer, 3).front().value == "2");
    CHECK(consumer.position("t", 0) == 5);
    consumer.seek("t", 0, minka::StartAt::offset(4));
    CHECK(read(consumer, 1).front().value == "4");
    consumer.seek("t", 0, minka::StartAt::earliest());
    consumer.pause("t", 0);
    CHECK(consumer.poll(50ms).empty());
    consumer.resume("t", 0);
    CHECK(read(consumer, 5).size() == 5);
    consumer.seek("t", 0, minka::StartAt::latest());
    CHECK(consumer.poll(0ms).empty());
    const std::vector<minka::TopicPartition> assignment = consumer.assignment();
    CHECK(assignment.size() == 1 && assignment[0].topic == "t" && assignment[0].partition == 0);
    CHECK(error_of([&] { consumer.commit(); }).code() == MINKA_INVALID_REQUEST);
}

static void a_partition_group_commits() {
    minka::Broker broker;
    minka::Producer producer(broker);
    for (const char *value : {"a", "b"}) producer.send({"t", value});
    const minka::Settings member{{"group.id", "g"}, {"group.type", "partitions"}};
    minka::Consumer first(broker, member);
    first.subscribe({"t"});
    CHECK(read(first, 2).back().value == "b");
    first.commit();
    CHECK(first.committed("t", 0) == 2);
    first.close();
    producer.send({"t", "c"});
    minka::Consumer second(broker, member);
    second.subscribe({"t"});
    CHECK(read(second, 1).front().value == "c");
}

static void a_queue_group_is_told_what_becomes_of_each_message() {
    minka::Broker broker;
    minka::Admin(broker).alter_group("g", {{"share.auto.offset.reset", "earliest"},
                                           {"minka.retry.backoff.ms", "1"}});
    minka::Producer producer(broker);
    for (const char *value : {"accept", "release", "reject"}) producer.send({"t", value});
    minka::Consumer consumer(broker, {{"group.id", "g"}, {"enable.auto.commit", "false"}});
    consumer.subscribe({"t"});
    int seen = 0;
    while (seen < 4) {
        const minka::Batch batch = consumer.poll(patience);
        CHECK(!batch.empty());
        for (const minka::Record &record : batch) {
            ++seen;
            consumer.renew(record);
            if (record.value() == "reject") {
                consumer.reject(record);
            } else if (record.value() == "release" && record.delivery_count() == 1) {
                consumer.release(record);
            } else {
                CHECK(record.delivery_count() == (record.value() == "release" ? 2u : 1u));
                consumer.accept(record);
            }
        }
        consumer.commit();
        for (const minka::Record &record : batch) {
            CHECK(consumer.try_accept(record).error().code() == MINKA_INVALID_RECORD_STATE);
        }
    }
    broker.wait_until_idle(patience, "g");
    CHECK(consumer.acknowledged_too_late() == 0);
}

static void another_thread_wakes_and_closes() {
    minka::Broker broker;
    minka::Admin(broker).create_topic("t", 1);
    minka::Consumer consumer(broker);
    consumer.assign("t", 0, minka::StartAt::earliest());
    consumer.wake();
    CHECK(error_of([&] { consumer.poll(patience); }).code() == MINKA_INTERRUPTED);
    std::thread waker([&] { consumer.wake(); });
    CHECK(error_of([&] { consumer.poll(minka::forever); }).code() == MINKA_INTERRUPTED);
    waker.join();
    CHECK(consumer.poll(0ms).empty());
    std::thread closer([&] { consumer.close(); });
    CHECK(error_of([&] { consumer.poll(minka::forever); }).code() == MINKA_CLOSED);
    closer.join();
}

static void a_consumer_is_for_one_thread_at_a_time() {
    minka::Broker broker;
    minka::Admin(broker).create_topic("t", 1);
    minka::Consumer consumer(broker);
    consumer.assign("t", 0, minka::StartAt::earliest());
    minka_status code = MINKA_OK;
    std::thread poller([&] { code = consumer.try_poll(minka::forever).error().code(); });
    // The other thread is in its poll sooner or later.
    while (consumer.try_poll(0ms)) std::this_thread::yield();
    CHECK(consumer.try_poll(0ms).error().code() == MINKA_INVALID_REQUEST);
    consumer.close();
    poller.join();
    CHECK(code == MINKA_CLOSED || code == MINKA_INVALID_REQUEST);
}

int main() {
    positions_are_where_they_are_put();
    a_partition_group_commits();
    a_queue_group_is_told_what_becomes_of_each_message();
    another_thread_wakes_and_closes();
    a_consumer_is_for_one_thread_at_a_time();
}
