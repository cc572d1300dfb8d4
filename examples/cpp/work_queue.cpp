// Two workers share ten jobs; one is tried twice, one refused: work_queue [HOST:PORT]
#include <atomic>
#include <future>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <minka.hpp>

using namespace std::chrono_literals;

struct Tally {
    std::atomic<int> done{0}, released{0}, rejected{0};
    std::mutex output;

    void say(const char *what, std::string_view job) {
        std::lock_guard<std::mutex> lock(output);
        std::cout << what << ": " << job << std::endl;
    }
};

void work(const minka::Target &target, Tally &tally) {
    minka::Consumer worker(target, {{"group.id", "workers"}, {"enable.auto.commit", "false"}});
    worker.subscribe({"jobs"});
    while (tally.done + tally.rejected < 10) {
        minka::Batch batch = worker.poll(100ms);
        for (const minka::Record &record : batch) {
            std::string_view job = record.value().value_or("");
            if (job == "job 7") {
                worker.reject(record);  // nobody can do it
                tally.say("rejected", job);
                ++tally.rejected;
            } else if (job == "job 3" && record.delivery_count() == 1) {
                worker.release(record);  // somebody else may, or we may later
                tally.say("released", job);
                ++tally.released;
            } else {
                worker.accept(record);
                tally.say("done", job);
                ++tally.done;
            }
        }
        worker.commit();
    }
    worker.close();
}

int main(int argc, char **argv) try {
    std::optional<minka::Broker> broker;
    if (argc < 2) broker.emplace();
    minka::Target target = broker ? minka::Target(*broker) : minka::Target(argv[1]);

    minka::Admin admin(target);
    minka::Result<void> created = admin.try_create_topic("jobs", 1);
    if (!created && created.error().code() != MINKA_TOPIC_EXISTS) throw created.error();
    admin.alter_group("workers", {{"share.auto.offset.reset", "earliest"},
                                  {"minka.retry.backoff.ms", "1"}});

    std::vector<std::string> values;
    for (int job = 0; job < 10; ++job) values.push_back("job " + std::to_string(job));
    std::vector<minka::Message> jobs;
    for (const std::string &value : values) jobs.emplace_back("jobs", value);
    minka::Producer producer(target);
    producer.send_many(jobs);

    Tally tally;
    auto colleague = std::async(std::launch::async, work, std::cref(target), std::ref(tally));
    work(target, tally);
    colleague.get();
    std::cout << "settled: " << tally.done << " done, " << tally.released << " released, "
              << tally.rejected << " rejected" << std::endl;
    return 0;
} catch (const minka::Error &error) {
    std::cerr << "work_queue: " << error.what() << std::endl;
    return 1;
}
