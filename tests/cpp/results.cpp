// Errors are thrown or returned, and objects that are closed or moved from answer with them.
#include "check.hpp"

#include <type_traits>

static_assert(!std::is_copy_constructible_v<minka::Broker>);
static_assert(!std::is_copy_constructible_v<minka::Producer>);
static_assert(!std::is_copy_constructible_v<minka::Consumer>);
static_assert(!std::is_copy_constructible_v<minka::Admin>);
static_assert(!std::is_copy_constructible_v<minka::Batch>);
static_assert(std::is_nothrow_move_constructible_v<minka::Broker>);
static_assert(std::is_nothrow_move_assignable_v<minka::Consumer>);
static_assert(std::is_base_of_v<std::runtime_error, minka::Error>);

static void an_error_has_a_code_and_a_sentence() {
    const minka::Error error = error_of([] { minka::Broker broker({{"no.such.setting", "1"}}); });
    CHECK(error.code() == MINKA_INVALID_CONFIG);
    CHECK(std::string(error.name()) == "INVALID_CONFIG");
    CHECK(std::string(error.what()).find("no.such.setting") != std::string::npos);
    CHECK(!error.retriable() && !error.fatal());
    CHECK(minka::Error(MINKA_TIMEOUT, "").retriable());
    CHECK(minka::Error(MINKA_CLOSED, "").fatal());
}

static void a_result_has_a_value_or_an_error() {
    minka::Result<minka::Broker> refused = minka::Broker::try_open({{"no.such.setting", "1"}});
    CHECK(!refused && !refused.ok());
    CHECK(refused.error().code() == MINKA_INVALID_CONFIG);
    CHECK(error_of([&] { refused.value(); }).code() == MINKA_INVALID_CONFIG);
    CHECK(error_of([&] { *refused; }).code() == MINKA_INVALID_CONFIG);

    minka::Result<minka::Broker> opened = minka::Broker::try_open();
    CHECK(opened.ok() && opened.error().code() == MINKA_OK);
    minka::Broker broker = *std::move(opened);
    CHECK(broker.bootstrap_servers().empty());
    CHECK(broker.try_close().ok());
    CHECK(minka::Result<void>().error().code() == MINKA_OK);
}

static void closing_twice_is_fine_and_use_after_it_is_an_error() {
    minka::Broker broker;
    minka::Producer producer(broker);
    minka::Consumer consumer(broker);
    minka::Admin admin(broker);
    for (int turn = 0; turn < 2; ++turn) {
        producer.close();
        consumer.close();
        admin.close();
    }
    const minka::Message message("t", "v");
    CHECK(error_of([&] { producer.send(message); }).code() == MINKA_CLOSED);
    CHECK(error_of([&] { producer.send_async(message); }).code() == MINKA_CLOSED);
    CHECK(producer.try_send_many(std::vector{message})[0].error().code() == MINKA_CLOSED);
    CHECK(error_of([&] { producer.flush(); }).code() == MINKA_CLOSED);
    CHECK(error_of([&] { consumer.poll(0s); }).code() == MINKA_CLOSED);
    CHECK(error_of([&] { consumer.subscribe({"t"}); }).code() == MINKA_CLOSED);
    CHECK(error_of([&] { admin.topics(); }).code() == MINKA_CLOSED);
    broker.close();
    broker.close();
    CHECK(error_of([&] { broker.bootstrap_servers(); }).code() == MINKA_CLOSED);
    CHECK(error_of([&] { minka::Producer late(broker); }).code() == MINKA_CLOSED);
}

static void what_was_moved_from_answers_with_an_error() {
    minka::Broker broker;
    minka::Broker moved = std::move(broker);
    CHECK(error_of([&] { broker.bootstrap_servers(); }).code() == MINKA_INVALID_REQUEST);
    CHECK(error_of([&] { broker.close(); }).code() == MINKA_INVALID_REQUEST);
    CHECK(error_of([&] { minka::Producer producer(broker); }).code() == MINKA_INVALID_REQUEST);

    minka::Producer producer(moved);
    minka::Producer other(std::move(producer));
    CHECK(error_of([&] { producer.send({"t", "v"}); }).code() == MINKA_INVALID_REQUEST);
    CHECK(other.send({"t", "v"}).offset == 0);

    minka::Consumer consumer(moved);
    consumer.assign("t", 0, minka::StartAt::earliest());
    minka::Batch batch = consumer.poll(patience);
    minka::Batch taken = std::move(batch);
    CHECK(batch.empty() && batch.begin() == batch.end());
    CHECK(taken.size() == 1);
    taken = std::move(batch);
    CHECK(taken.empty());
}

static void clients_outlive_their_broker() {
    std::optional<minka::Broker> broker(std::in_place);
    minka::Producer producer(*broker);
    minka::Consumer consumer(*broker);
    CHECK(producer.send({"t", "v"}).offset == 0);
    consumer.assign("t", 0, minka::StartAt::earliest());
    broker.reset();
    CHECK(error_of([&] { producer.send({"t", "v"}, patience); }).code() == MINKA_CLOSED);
}

static void arguments_that_cannot_be_are_named() {
    minka::Broker broker;
    minka::Consumer consumer(broker);
    minka::Error error = error_of([&] { consumer.assign("t", -1, minka::StartAt::latest()); });
    CHECK(error.code() == MINKA_INVALID_REQUEST);
    CHECK(std::string(error.what()).find("partition") != std::string::npos);
    error = error_of([&] { minka::Producer(broker).send({"not \xff UTF-8", "v"}); });
    CHECK(error.code() == MINKA_INVALID_REQUEST);
    error = error_of([&] { minka::Producer producer(""); });
    CHECK(error.code() == MINKA_INVALID_CONFIG || error.code() == MINKA_INVALID_REQUEST);
    CHECK(error_of([&] { consumer.poll(0s); }).code() == MINKA_INVALID_REQUEST);
}

int main() {
    an_error_has_a_code_and_a_sentence();
    a_result_has_a_value_or_an_error();
    closing_twice_is_fine_and_use_after_it_is_an_error();
    what_was_moved_from_answers_with_an_error();
    clients_outlive_their_broker();
    arguments_that_cannot_be_are_named();
}
