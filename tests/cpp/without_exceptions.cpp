// The same without exceptions, by which calls return their errors.
#include "check.hpp"

#if MINKA_HPP_EXCEPTIONS
#error this is built with -fno-exceptions
#endif

int main() {
    minka::Result<minka::Broker> broker = minka::Broker::try_open();
    CHECK(broker);
    minka::Result<minka::Producer> producer = minka::Producer::try_open(*broker);
    CHECK(producer);
    minka::Result<minka::Receipt> receipt = producer->try_send({"t", "v"}, patience);
    CHECK(receipt && receipt->offset == 0);
    CHECK(producer->try_send_many(std::vector{minka::Message("t", "w")})[0]);
    CHECK(producer->try_send_async({"t", "x"}, [](minka::Result<minka::Receipt> told) {
        CHECK(told && told->offset == 2);
    }));
    CHECK(producer->try_flush(patience));

    minka::Result<minka::Consumer> consumer = minka::Consumer::try_open(*broker);
    CHECK(consumer && consumer->try_assign("t", 0, minka::StartAt::earliest()));
    minka::Result<minka::Batch> batch = consumer->try_poll(patience);
    CHECK(batch && batch->size() == 3);
    std::string values;
    for (const minka::Record &record : *batch) values += record.value().value_or("");
    CHECK(values == "vwx");

    minka::Result<minka::Admin> admin = minka::Admin::try_open(*broker);
    CHECK(admin && admin->try_topics()->size() == 1);
    minka::Result<void> refused = admin->try_delete_topic("unknown");
    CHECK(!refused && refused.error().code() == MINKA_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK(broker->try_close() && broker->try_close());
    CHECK(producer->try_send({"t", "y"}, patience).error().code() == MINKA_CLOSED);
}
