// A broker on the disk, in this process and on a socket at once; what it keeps outlives it.
#include <stdlib.h>

#include <filesystem>
#include <iostream>

#include <minka.hpp>

using namespace std::chrono_literals;

minka::Broker open(const std::string &directory) {
    minka::Broker broker({{"data", directory}, {"kafka", "127.0.0.1:0"}});
    std::cout << "ready: " << broker.bootstrap_servers() << std::endl;
    return broker;
}

// Reads so many records as a member of the group `readers`, and commits them by closing.
void read(const minka::Target &target, std::size_t count) {
    minka::Consumer consumer(target, {{"group.id", "readers"},
                                      {"group.type", "partitions"},
                                      {"auto.offset.reset", "earliest"}});
    consumer.subscribe({"events"});
    while (count > 0) {
        minka::Batch batch = consumer.poll(10s);
        if (batch.empty()) throw minka::Error(MINKA_TIMEOUT, "nothing came within 10 s");
        for (const minka::Record &record : batch) {
            std::cout << "received: " << record.value().value_or("(null)") << std::endl;
        }
        count -= std::min(count, batch.size());
    }
    consumer.close();
}

int main() try {
    std::string directory = std::filesystem::temp_directory_path() / "minka-XXXXXX";
    if (!mkdtemp(directory.data())) throw minka::Error(MINKA_STORAGE_FAILED, "no directory");
    {
        minka::Broker broker = open(directory);
        minka::Producer(broker).send({"events", "in process"});
        minka::Producer(broker.bootstrap_servers()).send({"events", "over a socket"});
        read(broker, 2);
        broker.close();
    }
    {
        minka::Broker broker = open(directory);
        minka::Producer(broker).send({"events", "after a restart"});
        read(broker, 1);
        broker.close();
    }
    std::filesystem::remove_all(directory);
    return 0;
} catch (const minka::Error &error) {
    std::cerr << "broker_in_process: " << error.what() << std::endl;
    return 1;
}
