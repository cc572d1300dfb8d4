// What the tests share. A test is a function; the first one that fails ends the program.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <minka.hpp>

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                           \
        }                                                                           \
    } while (false)

using namespace std::chrono_literals;

constexpr minka::Duration patience = 20s;

#if MINKA_HPP_EXCEPTIONS
// The error that a call throws; the test fails where it throws none.
template <class Call>
minka::Error error_of(Call call) {
    try {
        call();
    } catch (const minka::Error &error) {
        return error;
    }
    std::fprintf(stderr, "a call succeeded that should not have\n");
    std::exit(1);
}

// A copy of a record, which outlives its batch.
struct Copy {
    explicit Copy(const minka::Record &record)
        : offset(record.offset()), key(record.key()), value(record.value()),
          delivery_count(record.delivery_count()) {}

    std::int64_t offset;
    std::optional<std::string> key, value;
    std::uint32_t delivery_count;
};

// Polls until so many records have come.
inline std::vector<Copy> read(minka::Consumer &consumer, std::size_t count) {
    std::vector<Copy> copies;
    while (copies.size() < count) {
        const minka::Batch batch = consumer.poll(patience);
        CHECK(!batch.empty());
        for (const minka::Record &record : batch) copies.emplace_back(record);
    }
    return copies;
}
#endif
