// Sends a record and reads it back: hello [HOST:PORT]
#include <iostream>
#include <optional>

#include <minka.hpp>

using namespace std::chrono_literals;

int main(int argc, char **argv) try {
    // A broker of our own, in memory, unless there is one at an address.
    std::optional<minka::Broker> broker;
    if (argc < 2) broker.emplace();
    minka::Target target = broker ? minka::Target(*broker) : minka::Target(argv[1]);

    minka::Producer producer(target);
    minka::Message message("greetings", "hello from cpp");
    minka::Receipt sent = producer.send(message.with_key("cpp"));
    std::cout << "sent: greetings/" << sent.partition << "@" << sent.offset.value() << std::endl;

    minka::Consumer consumer(target);
    consumer.assign("greetings", sent.partition, minka::StartAt::offset(*sent.offset));
    minka::Batch batch = consumer.poll(10s);
    for (const minka::Record &record : batch) {
        std::cout << "received: " << record.value().value_or("(null)") << std::endl;
        break;  // others may have sent behind us
    }

    consumer.close();
    producer.close();
    if (broker) broker->close();
    return batch.empty();
} catch (const minka::Error &error) {
    std::cerr << "hello: " << error.what() << std::endl;
    return 1;
}
