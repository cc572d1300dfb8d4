// Records come back as they were sent.
#include "check.hpp"

#include <array>
#include <atomic>

using namespace std::string_view_literals;

static void a_record_comes_back_byte_for_byte() {
    minka::Broker broker;
    minka::Producer producer(broker);
    const minka::Time time{1700000000123ms};
    const std::array headers{minka::header("a", "1"), minka::header("a", ""),
                             minka::header("null", std::nullopt)};
    const minka::Receipt receipt = producer.send(minka::Message("t", "v\0v"sv)
                                                     .with_key("k\0"sv)
                                                     .with_partition(0)
                                                     .with_timestamp(time)
                                                     .with_headers(headers));
    CHECK(receipt.partition == 0 && receipt.offset == 0 && receipt.id && receipt.timestamp == time);
    producer.send({"t", std::nullopt});
    producer.send(minka::Message("t", "").with_key(""));

    minka::Consumer consumer(broker);
    consumer.assign({{"t", 0, minka::StartAt::earliest()}});
    const minka::Batch batch = consumer.poll(patience);
    std::vector<minka::Record> records(batch.begin(), batch.end());
    CHECK(batch.size() == 3 && records.size() == 3);

    const minka::Record &full = records[0];
    CHECK(full.topic() == "t" && full.partition() == 0 && full.offset() == 0);
    CHECK(full.key() == "k\0"sv && full.value() == "v\0v"sv && full.timestamp() == time);
    CHECK(full.delivery_count() == 1);
    const minka::Headers found = full.headers();
    CHECK(found.size() == 3 && !found.empty());
    CHECK(found[0].key() == "a" && found[0].value() == "1");
    CHECK(found[1].key() == "a" && found[1].value() == "");
    CHECK(found[2].key() == "null" && !found[2].value());

    CHECK(!records[1].key() && !records[1].value() && records[1].headers().empty());
    CHECK(records[2].key() == "" && records[2].value() == "" && records[2].offset() == 2);
}

static void a_batch_outlives_consumer_and_broker_and_is_read_again() {
    std::optional<minka::Broker> broker(std::in_place);
    std::optional<minka::Producer> producer(std::in_place, *broker);
    for (const char *value : {"a", "b", "c"}) producer->send({"t", value});
    std::optional<minka::Consumer> consumer(std::in_place, *broker);
    consumer->assign("t", 0, minka::StartAt::earliest());
    const minka::Batch batch = consumer->poll(patience);
    consumer.reset();
    producer.reset();
    broker.reset();
    for (int turn = 0; turn < 2; ++turn) {
        std::string values;
        for (const minka::Record &record : batch) values += record.value().value();
        CHECK(values == "abc");
    }
    minka::Broker other;
    minka::Producer(other).send({"t", "d"});
    minka::Consumer reader(other);
    reader.assign("t", 0, minka::StartAt::earliest());
    for (const minka::Record &record : *reader.try_poll(patience)) CHECK(record.value() == "d");
}

static void headers_are_sent_on_as_they_came() {
    minka::Broker broker;
    minka::Producer producer(broker);
    const minka::Header header = minka::header("h", "v");
    producer.send(minka::Message("from", "x").with_headers(&header, 1));
    minka::Consumer consumer(broker);
    consumer.assign("from", 0, minka::StartAt::earliest());
    const minka::Batch batch = consumer.poll(patience);
    for (const minka::Record &record : batch) {
        producer.send(minka::Message("to", record.value()).with_headers(record.headers()));
    }
    consumer.assign("to", 0, minka::StartAt::earliest());
    const minka::Batch sent_on = consumer.poll(patience);
    CHECK(sent_on.begin()->headers()[0].value() == "v");
}

static void many_are_sent_and_each_is_told() {
    minka::Broker broker;
    minka::Admin(broker).create_topic("t", 1, {{"max.message.bytes", "50000"}});
    minka::Producer producer(broker);
    std::vector<minka::Message> messages(1000, minka::Message("t", "v"));
    const std::vector<minka::Receipt> receipts = producer.send_many(messages, patience);
    CHECK(receipts.size() == 1000);
    for (std::int64_t at = 0; at < 1000; ++at) {
        CHECK(receipts[static_cast<std::size_t>(at)].offset == at);
    }

    const std::string large(100000, 'x');
    messages = {minka::Message("t", "v"), minka::Message("t", large), minka::Message("t", "w")};
    const std::vector<minka::Result<minka::Receipt>> results = producer.try_send_many(messages);
    CHECK(results.size() == 3 && results[0] && !results[1] && results[2]);
    CHECK(results[1].error().code() == MINKA_MESSAGE_TOO_LARGE);
    CHECK(error_of([&] { producer.send_many(messages); }).code() == MINKA_MESSAGE_TOO_LARGE);
    CHECK(producer.send_many(std::vector<minka::Message>()).empty());
}

static void a_callback_is_told_once() {
    minka::Broker broker({{"auto.create.topics.enable", "false"}});
    minka::Admin(broker).create_topic("t", 1);
    minka::Producer producer(broker);
    std::atomic<int> calls{0};
    auto alive = std::make_shared<int>();
    for (std::int64_t offset = 0; offset < 100; ++offset) {
        const auto done = [&calls, offset, alive](minka::Result<minka::Receipt> told) {
            CHECK(told && told->offset == offset);
            ++calls;
        };
        producer.send_async({"t", "v"}, done);
    }
    producer.flush(patience);
    CHECK(calls == 100 && alive.use_count() == 1);
    minka::Result<void> refused = producer.try_send_async(
        {"unknown", "v"}, [alive](minka::Result<minka::Receipt>) { CHECK(false); });
    CHECK(refused.error().code() == MINKA_UNKNOWN_TOPIC_OR_PARTITION && alive.use_count() == 1);
    producer.send_async({"t", "nobody asks"});
    producer.close(patience);
    CHECK(minka::Admin(broker).describe_topic("t").partitions[0].end == 101);
}

int main() {
    a_record_comes_back_byte_for_byte();
    a_batch_outlives_consumer_and_broker_and_is_read_again();
    headers_are_sent_on_as_they_came();
    many_are_sent_and_each_is_told();
    a_callback_is_told_once();
}
