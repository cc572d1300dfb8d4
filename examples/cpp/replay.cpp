// Reads a topic from the start, from an offset and from a time: replay [HOST:PORT]
#include <iostream>
#include <optional>

#include <minka.hpp>

using namespace std::chrono_literals;

// Prints the values of partition 0 of `temperatures` from here to the end, which is offset 5.
void read_to_the_end(minka::Consumer &consumer) {
    std::uint64_t next = 0;
    while (next < 5) {
        minka::Batch batch = consumer.poll(10s);
        if (batch.empty()) throw minka::Error(MINKA_TIMEOUT, "nothing came within 10 s");
        for (const minka::Record &record : batch) {
            std::cout << " " << record.value().value_or("(null)");
            next = record.offset() + 1;
        }
    }
    std::cout << std::endl;
}

int main(int argc, char **argv) try {
    std::optional<minka::Broker> broker;
    if (argc < 2) broker.emplace();
    minka::Target target = broker ? minka::Target(*broker) : minka::Target(argv[1]);

    minka::Admin admin(target);
    minka::Result<void> deleted = admin.try_delete_topic("temperatures");
    if (!deleted && deleted.error().code() != MINKA_UNKNOWN_TOPIC_OR_PARTITION) {
        throw deleted.error();
    }
    admin.create_topic("temperatures", 1);

    minka::Time noon{1700000000000ms};
    minka::Producer producer(target);
    for (int minute = 0; minute < 5; ++minute) {
        std::string value = std::to_string(20 + minute);
        producer.send(minka::Message("temperatures", value)
                          .with_partition(0)
                          .with_timestamp(noon + minute * 1min));
    }

    minka::Consumer consumer(target);
    consumer.assign("temperatures", 0, minka::StartAt::earliest());
    std::cout << "from the start:";
    read_to_the_end(consumer);

    consumer.seek("temperatures", 0, minka::StartAt::offset(3));
    std::cout << "from offset 3:";
    read_to_the_end(consumer);

    consumer.seek("temperatures", 0, minka::StartAt::time(noon + 2min));
    std::cout << "from time 1700000120000:";
    read_to_the_end(consumer);
    return 0;
} catch (const minka::Error &error) {
    std::cerr << "replay: " << error.what() << std::endl;
    return 1;
}
