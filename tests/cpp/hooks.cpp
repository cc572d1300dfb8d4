// Hooks are functions of C++: what they throw does not cross C, and they are freed in the end.
#include "check.hpp"

#include <atomic>
#include <memory>

static void a_hook_changes_and_refuses() {
    minka::Hooks hooks;
    hooks.admission = [](const minka::Passing &record, minka::Verdict &verdict) {
        CHECK(record.topic() == "t" && record.partition() == 0 && !record.offset());
        CHECK(record.client_id() == "cook" && !record.user() && !record.address());
        if (record.value() == "rotten") verdict.refuse("nobody eats that");
        if (record.value() == "small") {
            CHECK(record.headers()[0].key() == "size");
            std::vector<minka::Header> headers(record.headers().begin(), record.headers().end());
            headers.push_back(minka::header("stamp", "s"));
            verdict.set_key("k");
            verdict.set_value("large");
            verdict.set_headers(headers);
        }
    };
    hooks.delivery = [](const minka::Passing &record, minka::Verdict &verdict) {
        CHECK(record.offset());
        if (record.value() == "secret") verdict.refuse("not for you");
        if (record.value() == "null") verdict.set_value(std::nullopt);
    };
    minka::Broker broker({}, hooks);
    minka::Producer producer(broker, {{"client.id", "cook"}});
    const minka::Error error = error_of([&] { producer.send({"t", "rotten"}); });
    CHECK(!error.retriable() && error.what() == std::string("nobody eats that"));
    const minka::Header size = minka::header("size", "1");
    producer.send(minka::Message("t", "small").with_headers(&size, 1));
    for (const char *value : {"secret", "null", "plain"}) producer.send({"t", value});

    minka::Consumer consumer(broker);
    consumer.assign("t", 0, minka::StartAt::earliest());
    const minka::Batch first = consumer.poll(patience);
    const minka::Record changed = *first.begin();
    CHECK(changed.key() == "k" && changed.value() == "large" && changed.headers().size() == 2);
    CHECK(changed.headers()[1].value() == "s");
    consumer.seek("t", 0, minka::StartAt::offset(1));
    const std::vector<Copy> rest = read(consumer, 2);
    CHECK(!rest[0].value && rest[1].value == "plain" && rest[1].offset == 3);
}

static void what_a_hook_throws_refuses() {
    minka::Hooks hooks;
    hooks.admission = [](const minka::Passing &record, minka::Verdict &verdict) {
        if (record.value() == "exception") throw std::runtime_error("thrown by a hook");
        if (record.value() == "number") throw 7;
        if (record.value() == "not UTF-8") throw std::runtime_error("\xff");
        if (record.value() == "bad header") {
            verdict.set_headers(std::vector{minka::header("\xff", "")});
        }
    };
    hooks.authentication = [](const minka::Login &login, minka::Verdict &) -> bool {
        if (login.user() == "thrower") throw std::runtime_error("thrown at a login");
        return !login.address().empty() && login.password() == "right";
    };
    minka::Broker broker({{"kafka", "127.0.0.1:0"}}, std::move(hooks));
    minka::Producer producer(broker);
    CHECK(error_of([&] { producer.send({"t", "exception"}); }).what() ==
          std::string("thrown by a hook"));
    for (const char *value : {"number", "not UTF-8", "bad header"}) {
        CHECK(!producer.try_send({"t", value}));
    }
    CHECK(producer.send({"t", "good"}).offset == 0);

    const std::string door = broker.bootstrap_servers();
    const auto login = [&](const char *user, const char *password) {
        minka::Admin admin(door, {{"sasl.username", user},
                                  {"sasl.password", password},
                                  {"default.api.timeout.ms", "5000"}});
        return admin.try_topics();
    };
    CHECK(login("somebody", "right"));
    CHECK(!login("somebody", "wrong"));
    const minka::Error thrown = login("thrower", "right").error();
    CHECK(std::string(thrown.what()).find("thrown at a login") != std::string::npos);
}

static void hooks_are_freed_with_their_broker() {
    const auto alive = std::make_shared<int>();
    minka::Hooks hooks;
    hooks.admission = [alive](const minka::Passing &, minka::Verdict &) {};
    hooks.delivery = hooks.admission;
    hooks.authentication = [alive](const minka::Login &, minka::Verdict &) { return true; };
    {
        minka::Broker broker({}, hooks);
        minka::Producer producer(broker);
        CHECK(producer.send({"t", "v"}).offset == 0);
        CHECK(alive.use_count() == 7);
    }
    CHECK(alive.use_count() == 4);
    CHECK(!minka::Broker::try_open({{"no.such.setting", "1"}}, hooks));
    CHECK(alive.use_count() == 4);
    hooks = {};
    CHECK(alive.use_count() == 1);
}

int main() {
    a_hook_changes_and_refuses();
    what_a_hook_throws_refuses();
    hooks_are_freed_with_their_broker();
}
