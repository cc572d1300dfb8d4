// A broker with rules of its own: what may come in, what goes out, and who may connect.
#include <iostream>
#include <string>
#include <vector>

#include <minka.hpp>

using namespace std::chrono_literals;

// Orders have a key, and get a header.
void admit(const minka::Passing &order, minka::Verdict &verdict) {
    if (!order.key()) return verdict.refuse("an order needs a key");
    std::vector<minka::Header> headers(order.headers().begin(), order.headers().end());
    headers.push_back(minka::header("stamped-by", "custom_broker"));
    verdict.set_headers(headers);
}

// Consumers do not see the numbers of cards.
void deliver(const minka::Passing &order, minka::Verdict &verdict) {
    std::string value(order.value().value_or(""));
    std::size_t at = value.find("card ");
    if (at == std::string::npos) return;
    for (at += 5; at < value.size() && value[at] >= '0' && value[at] <= '9'; ++at) value[at] = '*';
    verdict.set_value(value);
}

bool let_in(const minka::Login &login, minka::Verdict &verdict) {
    if (login.user() == "shop" && login.password() == "secret") return true;
    verdict.refuse("wrong password");
    return false;
}

int main() try {
    minka::Broker broker({{"kafka", "127.0.0.1:0"}}, minka::Hooks{admit, deliver, let_in});
    minka::Events events = broker.events();
    std::string door = broker.bootstrap_servers();
    minka::Settings shop{{"sasl.username", "shop"}, {"sasl.password", "secret"}};

    minka::Producer producer(door, shop);
    minka::Message order("orders", "order 1, card 4111111111111111");
    minka::Receipt sent = producer.send(order.with_key("shop"));
    std::cout << "sent: orders/" << sent.partition << "@" << sent.offset.value() << std::endl;
    minka::Result<minka::Receipt> refused = producer.try_send({"orders", "order 2"});
    if (!refused) std::cout << "refused: " << refused.error().what() << std::endl;

    minka::Consumer consumer(door, shop);
    consumer.assign("orders", 0, minka::StartAt::earliest());
    minka::Batch batch = consumer.poll(10s);
    for (const minka::Record &record : batch) {
        std::cout << "received: " << record.value().value_or("") << std::endl;
        for (minka::HeaderView header : record.headers()) {
            if (header.key() != "stamped-by") continue;
            std::cout << "stamped by: " << header.value().value_or("") << std::endl;
        }
    }

    minka::Admin burglar(door, {{"sasl.username", "shop"},
                                {"sasl.password", "guess"},
                                {"default.api.timeout.ms", "5000"}});
    minka::Result<std::vector<minka::TopicListing>> topics = burglar.try_topics();
    if (!topics) std::cout << "login refused: " << topics.error().what() << std::endl;

    while (std::optional<minka::Event> event = events.next(0s)) {
        if (event->kind == minka::EventKind::topic_created) {
            std::cout << "event: topic created: " << *event->topic << std::endl;
        } else if (event->kind == minka::EventKind::login_refused) {
            std::cout << "event: login refused: " << *event->client << std::endl;
        }
    }
    return 0;
} catch (const minka::Error &error) {
    std::cerr << "custom_broker: " << error.what() << std::endl;
    return 1;
}
