// Sending a record and going through a batch allocate nothing in C++, however many there are.
#include "check.hpp"

#include <new>

static thread_local std::size_t allocations = 0;

void *operator new(std::size_t size) {
    ++allocations;
    if (void *memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}

void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

int main() {
    minka::Broker broker;
    minka::Producer producer(broker);
    minka::Consumer consumer(broker, {{"max.poll.records", "1000"}});
    const minka::Header header = minka::header("h", "v");
    producer.send({"t", "first"});
    consumer.assign("t", 0, minka::StartAt::earliest());

    allocations = 0;
    for (int at = 0; at < 99; ++at) {
        producer.send(minka::Message("t", "v").with_key("k").with_headers(&header, 1), patience);
        producer.send_async(minka::Message("t", "w"));
    }
    producer.flush(patience);
    std::size_t seen = 0, bytes = 0;
    while (seen < 199) {
        const minka::Batch batch = consumer.poll(patience);
        for (const minka::Record &record : batch) {
            bytes += record.topic().size() + record.key().value_or("").size();
            for (minka::HeaderView one : record.headers()) bytes += one.key().size();
            ++seen;
        }
    }
    CHECK(bytes == 199 + 99 + 99);
    CHECK(allocations == 0);
}
