// minka in C++17: a thin layer over minka.h, in this one header.
//
// Errors. Every function that can fail has two forms. `try_send(..)` returns a Result<Receipt>,
// which is a value or an Error; `send(..)` returns the Receipt and throws the Error. Only the
// first form exists where exceptions are turned off (-fno-exceptions), which is for a whole program
// or not at all. A Result that nobody looks at is a warning.
//
// Ownership. Broker, Producer, Consumer, Admin, Events and Batch own what they stand for: they can
// be moved but not copied, and end it when they go. `close()` before that tells what went wrong,
// and may be called by another thread, whose blocked calls it ends with MINKA_CLOSED. An object
// that was closed or moved from answers with an error, never with undefined behaviour.
//
// Bytes and texts are std::string_view; std::nullopt is a null key or value. What a function
// takes is only read while it runs. What a Batch, Record, Passing or Login shows lives as long as
// that Batch, or as the call of the hook. Nothing is copied and nothing is allocated per record.
//
// Threads. Any number of them may use a Broker, Producer or Admin. A Consumer, Events or Batch
// belongs to one thread at a time; only wake() and close() may come from others. Moving and
// destroying are for a time when nobody else uses the object, as everywhere in C++.
#ifndef MINKA_HPP
#define MINKA_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "minka.h"

#if defined(__cpp_exceptions)
#define MINKA_HPP_EXCEPTIONS 1
#else
#define MINKA_HPP_EXCEPTIONS 0
#endif

namespace minka {

/// Times are counted in milliseconds, since 1970 where they are points in time.
using Duration = std::chrono::milliseconds;
using Time = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// Waits as long as it takes.
inline constexpr Duration forever = Duration::max();

/// What went wrong: a code for programs and a sentence for people.
class Error : public std::runtime_error {
public:
    Error(minka_status code, const std::string &sentence)
        : std::runtime_error(sentence), code_(code) {}

    /// One of the MINKA_ constants of minka.h, such as MINKA_UNKNOWN_TOPIC_OR_PARTITION.
    minka_status code() const noexcept { return code_; }
    /// The code in letters: "UNKNOWN_TOPIC_OR_PARTITION".
    const char *name() const noexcept { return minka_status_name(code_); }
    /// Whether the same call may succeed later without anything being changed.
    bool retriable() const noexcept { return minka_status_is_retriable(code_); }
    /// Whether this object will not work again.
    bool fatal() const noexcept { return minka_status_is_fatal(code_); }

private:
    minka_status code_;
};

namespace detail {

[[noreturn]] inline void fail(const Error &error) {
#if MINKA_HPP_EXCEPTIONS
    throw error;
#else
    std::fprintf(stderr, "minka: %s\n", error.what());
    std::abort();
#endif
}

}  // namespace detail

/// A value, or why there is none.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    /// The value. Without one this throws the error, or ends the program where exceptions are
    /// turned off.
    T &value() & { return check(), *std::get_if<0>(&state_); }
    const T &value() const & { return check(), *std::get_if<0>(&state_); }
    /// Of a Result that is gone after this, the value comes out of it: a loop over
    /// `*consumer.try_poll(..)` keeps its Batch.
    T value() && { return check(), std::move(*std::get_if<0>(&state_)); }
    T &operator*() & { return value(); }
    const T &operator*() const & { return value(); }
    T operator*() && { return std::move(*this).value(); }
    T *operator->() { return &value(); }
    const T *operator->() const { return &value(); }

    /// Why there is no value; MINKA_OK where there is one.
    Error error() const { return ok() ? Error(MINKA_OK, "success") : *std::get_if<1>(&state_); }

private:
    void check() const {
        if (!ok()) detail::fail(error());
    }

    std::variant<T, Error> state_;
};

/// Success, or what went wrong.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return ok(); }
    /// Throws the error if there is one, or ends the program where exceptions are turned off.
    void value() const {
        if (error_) detail::fail(*error_);
    }
    /// What went wrong; MINKA_OK where nothing did.
    Error error() const { return error_.value_or(Error(MINKA_OK, "success")); }

private:
    std::optional<Error> error_;
};

namespace detail {

inline minka_bytes bytes(std::string_view text) noexcept {
    // An empty view may have no address, and a null address means null.
    const char *data = text.data() ? text.data() : "";
    return {reinterpret_cast<const std::uint8_t *>(data), text.size()};
}

inline minka_bytes nullable(const std::optional<std::string_view> &text) noexcept {
    return text ? bytes(*text) : minka_bytes{nullptr, 0};
}

inline std::string_view text(minka_bytes bytes) noexcept {
    return {reinterpret_cast<const char *>(bytes.data), bytes.len};
}

inline std::optional<std::string_view> maybe(minka_bytes bytes) noexcept {
    if (!bytes.data) return std::nullopt;
    return text(bytes);
}

inline std::string owned(minka_bytes bytes) { return std::string(text(bytes)); }

inline std::optional<std::string> maybe_owned(minka_bytes bytes) {
    if (!bytes.data) return std::nullopt;
    return owned(bytes);
}

inline std::int64_t ms(Duration timeout) noexcept {
    return timeout == forever ? -1 : (timeout.count() < 0 ? 0 : timeout.count());
}

/// The error that a call of minka.h on this thread has just returned.
inline Error last(minka_status code) { return Error(code, std::string(text(minka_last_error()))); }

inline Result<void> result(minka_status code) {
    if (code == MINKA_OK) return {};
    return last(code);
}

template <class T, class V>
Result<T> result(minka_status code, V &&value) {
    if (code == MINKA_OK) return T(std::forward<V>(value));
    return last(code);
}

template <class T, void (*Free)(T *)>
struct Freed {
    void operator()(T *handle) const noexcept { Free(handle); }
};

template <class T, void (*Free)(T *)>
using Handle = std::unique_ptr<T, Freed<T, Free>>;

/// Neighbouring structs of C, each shown as a View.
template <class View, class Raw>
class Range {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = View;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = View;

        iterator() = default;
        explicit iterator(const Raw *at) noexcept : at_(at) {}
        View operator*() const noexcept { return View(at_); }
        iterator &operator++() noexcept { return ++at_, *this; }
        iterator operator++(int) noexcept { return iterator(at_++); }
        bool operator==(const iterator &other) const noexcept { return at_ == other.at_; }
        bool operator!=(const iterator &other) const noexcept { return at_ != other.at_; }

    private:
        const Raw *at_ = nullptr;
    };

    Range() = default;
    Range(const Raw *first, std::size_t count) noexcept : first_(first), count_(count) {}

    iterator begin() const noexcept { return iterator(first_); }
    iterator end() const noexcept { return iterator(first_ + count_); }
    std::size_t size() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    View operator[](std::size_t index) const noexcept { return View(first_ + index); }
    const Raw *data() const noexcept { return first_; }

private:
    const Raw *first_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace detail

/// A header to send: a key, which may occur more than once, and a value.
using Header = minka_header;

/// Makes a header. It reads the texts when it is sent, and does not keep them.
inline Header header(std::string_view key, std::optional<std::string_view> value) noexcept {
    return {detail::bytes(key), detail::nullable(value)};
}

/// A header of a record.
class HeaderView {
public:
    explicit HeaderView(const minka_header *raw) noexcept : raw_(raw) {}

    std::string_view key() const noexcept { return detail::text(raw_->key); }
    std::optional<std::string_view> value() const noexcept { return detail::maybe(raw_->value); }
    /// The same, to send it on.
    operator Header() const noexcept { return *raw_; }

private:
    const minka_header *raw_;
};

/// The headers of a record, in the order in which the producer gave them.
using Headers = detail::Range<HeaderView, minka_header>;

/// A record to send. It only points at what it is made of, which has to live until it is sent.
class Message {
public:
    /// `value` may be std::nullopt: a tombstone where the topic is compacted.
    Message(std::string_view topic, std::optional<std::string_view> value) noexcept {
        raw_.topic = detail::bytes(topic);
        raw_.value = detail::nullable(value);
    }

    /// Records with the same key go to the same partition.
    Message &with_key(std::optional<std::string_view> key) noexcept {
        raw_.key = detail::nullable(key);
        return *this;
    }
    /// The partition; without this it is chosen by the key.
    Message &with_partition(std::int32_t partition) noexcept {
        raw_.partition = partition;
        return *this;
    }
    /// The record's time; without this it is now.
    Message &with_timestamp(Time time) noexcept {
        raw_.timestamp = time.time_since_epoch().count();
        return *this;
    }
    Message &with_headers(const Header *headers, std::size_t count) noexcept {
        raw_.headers = headers;
        raw_.header_count = count;
        return *this;
    }
    /// Takes an array, a std::vector or a Headers of another record.
    template <class Range>
    Message &with_headers(const Range &headers) noexcept {
        return with_headers(std::data(headers), std::size(headers));
    }

    /// The struct of minka.h.
    const minka_message &raw() const noexcept { return raw_; }

private:
    minka_message raw_ = MINKA_MESSAGE_INIT;
};

/// Where a record ended up.
struct Receipt {
    std::int32_t partition = 0;
    /// None where the broker did not tell it: with acks=0, and for a record that it knew already.
    std::optional<std::int64_t> offset;
    /// The record's unique ID in minka's log, where the broker tells it.
    std::optional<std::int64_t> id;
    /// As it is stored: its own, or the time of the append where the topic keeps that.
    Time timestamp;
};

namespace detail {

inline std::optional<std::int64_t> known(std::int64_t number) noexcept {
    if (number < 0) return std::nullopt;
    return number;
}

inline Time time(std::int64_t ms) noexcept { return Time(Duration(ms)); }

inline Receipt receipt(const minka_receipt &raw) noexcept {
    return {raw.partition, known(raw.offset), known(raw.id), time(raw.timestamp)};
}

using OnDelivery = std::function<void(Result<Receipt>)>;

extern "C" inline void minka_hpp_on_delivery(void *done, minka_status code,
                                             const minka_receipt *raw) noexcept {
    std::unique_ptr<OnDelivery> owned(static_cast<OnDelivery *>(done));
    if (code == MINKA_OK) {
        (*owned)(receipt(*raw));
    } else {
        (*owned)(last(code));
    }
}

}  // namespace detail

/// Settings by name, as what is opened has them: {{"linger.ms", "5"}, {"acks", "all"}}.
class Settings {
public:
    Settings() = default;
    Settings(std::initializer_list<std::pair<std::string_view, std::string_view>> settings) {
        for (const auto &setting : settings) set(setting.first, setting.second);
    }

    Settings &set(std::string_view name, std::string_view value) {
        settings_.emplace_back(name, value);
        return *this;
    }

    auto begin() const noexcept { return settings_.begin(); }
    auto end() const noexcept { return settings_.end(); }

private:
    std::vector<std::pair<std::string, std::string>> settings_;
};

/// A record that passes a hook. Lives until the hook returns.
class Passing {
public:
    explicit Passing(const minka_passing *raw) noexcept : raw_(raw) {}

    /// What the client calls itself.
    std::string_view client_id() const noexcept { return detail::text(raw_->client_id); }
    /// The user that was let in, where somebody has to be.
    std::optional<std::string_view> user() const noexcept { return detail::maybe(raw_->user); }
    /// Where the client is, as HOST:PORT; none for one in this process.
    std::optional<std::string_view> address() const noexcept {
        return detail::maybe(raw_->address);
    }
    std::string_view topic() const noexcept { return detail::text(raw_->topic); }
    std::int32_t partition() const noexcept { return raw_->partition; }
    /// None at admission, where it has none yet.
    std::optional<std::int64_t> offset() const noexcept { return detail::known(raw_->offset); }
    Time timestamp() const noexcept { return detail::time(raw_->timestamp); }
    std::optional<std::string_view> key() const noexcept { return detail::maybe(raw_->key); }
    std::optional<std::string_view> value() const noexcept { return detail::maybe(raw_->value); }
    Headers headers() const noexcept { return {raw_->headers, raw_->header_count}; }

private:
    const minka_passing *raw_;
};

/// Somebody who wants to be let in. Lives until the hook returns.
class Login {
public:
    explicit Login(const minka_login *raw) noexcept : raw_(raw) {}

    std::string_view user() const noexcept { return detail::text(raw_->user); }
    std::string_view password() const noexcept { return detail::text(raw_->password); }
    /// Where the client is, as HOST:PORT.
    std::string_view address() const noexcept { return detail::text(raw_->address); }

private:
    const minka_login *raw_;
};

/// What a hook says. Where it says nothing, a record goes on as it is. Everything is copied; where
/// a change cannot be made, the hook has failed.
class Verdict {
public:
    explicit Verdict(minka_verdict *raw) noexcept : raw_(raw) {}
    Verdict(const Verdict &) = delete;
    Verdict &operator=(const Verdict &) = delete;

    /// It does not go on, or is not let in; the client is told this reason.
    void refuse(std::string_view reason) noexcept {
        minka_verdict_refuse(raw_, detail::bytes(reason));
    }
    /// The hook cannot say. At admission and at a login that refuses; at delivery nothing is
    /// decided, and it is tried again.
    void fail(std::string_view reason) noexcept {
        minka_verdict_fail(raw_, detail::bytes(reason));
    }
    /// It goes on with another key, which may be null.
    void set_key(std::optional<std::string_view> key) noexcept {
        minka_verdict_set_key(raw_, detail::nullable(key));
    }
    /// It goes on with another value, which may be null.
    void set_value(std::optional<std::string_view> value) noexcept {
        minka_verdict_set_value(raw_, detail::nullable(value));
    }
    /// It goes on with these headers instead of its own: an array, a std::vector or Headers.
    template <class Range>
    void set_headers(const Range &headers) noexcept {
        minka_verdict_set_headers(raw_, std::data(headers), std::size(headers));
    }

private:
    minka_verdict *raw_;
};

/// What a broker asks. Each may be empty, and then costs nothing.
///
/// A hook is called on the thread that carries the record: one of the broker's for a client on
/// the network, else the thread that is in a call of a client in this process, or that client's
/// own. Whoever else that thread serves waits meanwhile. It may be called by several threads at
/// once. It may use clients, but not wait for what needs the hook itself, and close neither the
/// broker nor the client that it is called for. An exception in it is a failure (Verdict::fail),
/// with its what() as the reason.
struct Hooks {
    using OnRecord = std::function<void(const Passing &, Verdict &)>;
    using OnLogin = std::function<bool(const Login &, Verdict &)>;

    /// Asked about each record before it is appended. Where one record of a batch is refused, so
    /// is the batch; the client is told the reason of each.
    OnRecord admission = {};
    /// Asked about each record before a consumer gets it, each time. A record that is refused is
    /// left out; in a queue group it counts as accepted.
    OnRecord delivery = {};
    /// Asked about the user name and password (SASL/PLAIN) of each connection from the network:
    /// true lets him in. Clients in this process are not asked.
    OnLogin authentication = {};
};

namespace detail {

// Functions that C calls have C's linkage, whatever namespace they are in.
extern "C" {

inline void minka_hpp_on_record(void *hook, const minka_passing *record, minka_verdict *raw) {
    Verdict verdict(raw);
#if MINKA_HPP_EXCEPTIONS
    try {
        (*static_cast<Hooks::OnRecord *>(hook))(Passing(record), verdict);
    } catch (const std::exception &error) {
        verdict.fail(error.what());
    } catch (...) {
        verdict.fail("a hook threw something that is no std::exception");
    }
#else
    (*static_cast<Hooks::OnRecord *>(hook))(Passing(record), verdict);
#endif
}

inline bool minka_hpp_on_login(void *hook, const minka_login *login, minka_verdict *raw) {
    Verdict verdict(raw);
#if MINKA_HPP_EXCEPTIONS
    try {
        return (*static_cast<Hooks::OnLogin *>(hook))(Login(login), verdict);
    } catch (const std::exception &error) {
        verdict.fail(error.what());
    } catch (...) {
        verdict.fail("a hook threw something that is no std::exception");
    }
    return false;
#else
    return (*static_cast<Hooks::OnLogin *>(hook))(Login(login), verdict);
#endif
}

inline void minka_hpp_release_on_record(void *hook) { delete static_cast<Hooks::OnRecord *>(hook); }
inline void minka_hpp_release_on_login(void *hook) { delete static_cast<Hooks::OnLogin *>(hook); }

}  // extern "C"

using Config = Handle<minka_config, minka_config_free>;

inline Result<Config> config(const Settings &settings) {
    Config config(minka_config_new());
    for (const auto &setting : settings) {
        const minka_bytes name = bytes(setting.first), value = bytes(setting.second);
        const minka_status code = minka_config_set(config.get(), name, value);
        if (code != MINKA_OK) return last(code);
    }
    return config;
}

/// Hands a hook to C, which says when it is needed no more.
template <class Hook, class Set, class Call, class Release>
minka_status give(minka_config *config, Hook &&hook, Set set, Call call, Release release) {
    if (!hook) return MINKA_OK;
    auto owned = std::make_unique<std::decay_t<Hook>>(std::forward<Hook>(hook));
    minka_status code = set(config, call, owned.get(), release);
    if (code == MINKA_OK) owned.release();
    return code;
}

}  // namespace detail

class Events;

/// A broker in this process. Any number of threads may use it. Its clients may outlive it: their
/// calls then end with MINKA_CLOSED.
class Broker {
public:
    /// Opens a broker. Its settings are those of the program `broker`, by the same names, such as
    /// "num.partitions", and: `data`, the data directory, without which everything is in memory and
    /// gone when it is closed; `copy-of`, a data directory that a broker in memory begins with a
    /// copy of; `kafka`, HOST:PORT of the door for Kafka clients (port 0 takes a free one), without
    /// which there is none; `advertise`; `log-level`.
    static Result<Broker> try_open(const Settings &settings = {}, Hooks hooks = {}) {
        Result<detail::Config> config = detail::config(settings);
        if (!config) return config.error();
        minka_config *raw = config->get();
        minka_status code = detail::give(raw, std::move(hooks.admission), minka_config_on_admission,
                                         detail::minka_hpp_on_record,
                                         detail::minka_hpp_release_on_record);
        if (code != MINKA_OK) return detail::last(code);
        code = detail::give(raw, std::move(hooks.delivery), minka_config_on_delivery,
                            detail::minka_hpp_on_record, detail::minka_hpp_release_on_record);
        if (code != MINKA_OK) return detail::last(code);
        code = detail::give(raw, std::move(hooks.authentication), minka_config_on_authentication,
                            detail::minka_hpp_on_login, detail::minka_hpp_release_on_login);
        if (code != MINKA_OK) return detail::last(code);
        minka_broker *broker = nullptr;
        code = minka_broker_open(raw, &broker);
        return detail::result<Broker>(code, broker);
    }

    /// Opens the door for Kafka clients of a broker that has none, at HOST:PORT.
    Result<void> try_listen(std::string_view address) {
        return detail::result(minka_broker_listen(handle(), detail::bytes(address)));
    }

    /// Where Kafka clients connect to, as HOST:PORT; empty without a door.
    Result<std::string> try_bootstrap_servers() const {
        minka_bytes servers{};
        const minka_status code = minka_broker_bootstrap_servers(handle(), &servers);
        return detail::result<std::string>(code, detail::text(servers));
    }

    /// Moves the broker's clock forward. When this returns, everything that was due by then has
    /// happened: locks, sessions, rests and retention that ran out, dead letters.
    Result<void> try_advance_clock(Duration by) {
        return detail::result(minka_broker_advance_clock(handle(), by.count()));
    }

    /// What a fault does.
    class Effect {
    public:
        /// The call does nothing and fails with this error.
        static Effect error(minka_status code) noexcept { return {MINKA_EFFECT_ERROR, code}; }
        /// The call takes this much longer.
        static Effect delay(Duration by) noexcept { return {MINKA_EFFECT_DELAY, by.count()}; }
        /// The connection ends before the request is looked at.
        static Effect drop_request() noexcept { return {MINKA_EFFECT_DROP_REQUEST, 0}; }
        /// The request is handled, and the connection ends in place of the answer.
        static Effect drop_answer() noexcept { return {MINKA_EFFECT_DROP_ANSWER, 0}; }

    private:
        friend class Broker;
        Effect(std::int32_t kind, std::int64_t value) noexcept : kind_(kind), value_(value) {}

        std::int32_t kind_;
        std::int64_t value_;
    };

    /// Has a fault happen, at an API by its Kafka name ("Produce", "Fetch", ...) or at the disk
    /// ("disk.write", "disk.sync", "disk.read"): to the n-th call from now on (1 is the next), and
    /// so many times from there on (UINT64_MAX for all).
    Result<void> try_fault(std::string_view at, Effect effect, std::uint64_t nth = 1,
                           std::uint64_t times = 1) {
        minka_fault fault{};
        fault.at = detail::bytes(at);
        fault.nth = nth;
        fault.times = times;
        fault.effect = effect.kind_;
        fault.value = effect.value_;
        return detail::result(minka_broker_fault(handle(), &fault));
    }

    /// Takes back all faults that are to come.
    Result<void> try_clear_faults() { return detail::result(minka_broker_clear_faults(handle())); }

    /// Ends all connections of the door for Kafka clients; it goes on accepting new ones.
    Result<void> try_drop_connections() {
        return detail::result(minka_broker_drop_connections(handle()));
    }

    /// Copies what the broker holds into a directory, which must be empty or absent: a data
    /// directory as any other.
    Result<void> try_snapshot(std::string_view directory) {
        return detail::result(minka_broker_snapshot(handle(), detail::bytes(directory)));
    }

    /// Waits until everything that is visible is committed by the group, or by all groups, or
    /// settled in a queue group. MINKA_TIMEOUT says what is left.
    Result<void> try_wait_until_idle(Duration timeout,
                                     std::optional<std::string_view> group = std::nullopt) {
        return detail::result(
            minka_broker_wait_until_idle(handle(), detail::nullable(group), detail::ms(timeout)));
    }

    /// What happens in the broker from now on. So many events are kept until they are taken; of
    /// those behind that only the number is told.
    Result<Events> try_events(std::size_t capacity = 1000) const;

    /// Closes the door, then the broker: what was acknowledged is on the disk. The second time
    /// nothing is left to do.
    Result<void> try_close() { return detail::result(minka_broker_close(handle())); }

#if MINKA_HPP_EXCEPTIONS
    // The same, with exceptions.
    explicit Broker(const Settings &settings = {}, Hooks hooks = {})
        : Broker(try_open(settings, std::move(hooks)).value()) {}
    void listen(std::string_view address) { try_listen(address).value(); }
    std::string bootstrap_servers() const { return try_bootstrap_servers().value(); }
    void advance_clock(Duration by) { try_advance_clock(by).value(); }
    void fault(std::string_view at, Effect effect, std::uint64_t nth = 1,
               std::uint64_t times = 1) {
        try_fault(at, effect, nth, times).value();
    }
    void clear_faults() { try_clear_faults().value(); }
    void drop_connections() { try_drop_connections().value(); }
    void snapshot(std::string_view directory) { try_snapshot(directory).value(); }
    void wait_until_idle(Duration timeout, std::optional<std::string_view> group = std::nullopt) {
        try_wait_until_idle(timeout, group).value();
    }
    Events events(std::size_t capacity = 1000) const;
    void close() { try_close().value(); }
#endif

    /// Takes over what a function of minka.h has opened.
    explicit Broker(minka_broker *owned) noexcept : handle_(owned) {}
    /// For functions of minka.h.
    minka_broker *handle() const noexcept { return handle_.get(); }

private:
    detail::Handle<minka_broker, minka_broker_free> handle_;
};

/// What happened.
enum class EventKind : std::int32_t {
    /// Events were lost: nobody took them in time. `text` says how many.
    missed = MINKA_EVENT_MISSED,
    /// The broker is closing: the last event.
    closing = MINKA_EVENT_CLOSING,
    /// A topic was created; `partition` is how many partitions it has.
    topic_created = MINKA_EVENT_TOPIC_CREATED,
    topic_deleted = MINKA_EVENT_TOPIC_DELETED,
    /// The settings of a topic were changed.
    topic_changed = MINKA_EVENT_TOPIC_CHANGED,
    /// A topic got more partitions; `partition` is how many it has.
    partitions_added = MINKA_EVENT_PARTITIONS_ADDED,
    /// A member joined a group, of any kind.
    member_joined = MINKA_EVENT_MEMBER_JOINED,
    /// A member left a group, or was silent for too long.
    member_left = MINKA_EVENT_MEMBER_LEFT,
    group_deleted = MINKA_EVENT_GROUP_DELETED,
    /// A record of a queue group went to its dead-letter topic; `text` says why.
    dead_lettered = MINKA_EVENT_DEAD_LETTERED,
    /// A client connected to a door.
    connected = MINKA_EVENT_CONNECTED,
    disconnected = MINKA_EVENT_DISCONNECTED,
    /// A client was refused by the authentication hook; `text` is the reason.
    login_refused = MINKA_EVENT_LOGIN_REFUSED,
};

/// Something that happened. There may be kinds that this version does not name.
struct Event {
    EventKind kind;
    Time time;
    std::optional<std::string> topic;
    /// Which, or how many there are.
    std::optional<std::int32_t> partition;
    /// The record's.
    std::optional<std::int64_t> offset;
    std::optional<std::string> group;
    /// The member's ID.
    std::optional<std::string> member;
    /// Its address for a connection, the user for a login, its client ID for a member.
    std::optional<std::string> client;
    /// More, for people.
    std::string text;
};

/// The events of a broker. Belongs to one thread at a time; only wake() and close() may be called
/// at any time by any thread.
class Events {
public:
    /// Waits for the next event; none when the time is over. MINKA_INTERRUPTED after wake(),
    /// MINKA_CLOSED behind the last event of a broker or when this is closed meanwhile.
    Result<std::optional<Event>> try_next(Duration timeout) {
        minka_event raw{};
        const minka_status code = minka_events_next(handle(), detail::ms(timeout), &raw);
        if (code == MINKA_TIMEOUT) return std::optional<Event>();
        if (code != MINKA_OK) return detail::last(code);
        Event event;
        event.kind = static_cast<EventKind>(raw.kind);
        event.time = detail::time(raw.time);
        event.topic = detail::maybe_owned(raw.topic);
        if (raw.partition >= 0) event.partition = raw.partition;
        event.offset = detail::known(raw.offset);
        event.group = detail::maybe_owned(raw.group);
        event.member = detail::maybe_owned(raw.member);
        event.client = detail::maybe_owned(raw.client);
        event.text = detail::owned(raw.text);
        return std::optional<Event>(std::move(event));
    }

    /// Ends the call that waits; if none does, the next one ends at once.
    Result<void> try_wake() { return detail::result(minka_events_wake(handle())); }

    /// Events are kept no longer.
    Result<void> try_close() { return detail::result(minka_events_close(handle())); }

#if MINKA_HPP_EXCEPTIONS
    // The same, with exceptions.
    std::optional<Event> next(Duration timeout) { return try_next(timeout).value(); }
    void wake() { try_wake().value(); }
    void close() { try_close().value(); }
#endif

    /// Takes over what a function of minka.h has opened.
    explicit Events(minka_events *owned) noexcept : handle_(owned) {}
    /// For functions of minka.h.
    minka_events *handle() const noexcept { return handle_.get(); }

private:
    detail::Handle<minka_events, minka_events_free> handle_;
};

inline Result<Events> Broker::try_events(std::size_t capacity) const {
    minka_events *events = nullptr;
    const minka_status code = minka_events_open(handle(), capacity, &events);
    return detail::result<Events>(code, events);
}

#if MINKA_HPP_EXCEPTIONS
inline Events Broker::events(std::size_t capacity) const { return try_events(capacity).value(); }
#endif

/// What a client is opened on: a broker of this process, or those behind HOST:PORT, with commas
/// between several. It is read by the call that takes it.
class Target {
public:
    Target(const Broker &broker) noexcept : broker_(broker.handle()) {}
    Target(std::string_view servers) noexcept : servers_(detail::bytes(servers)) {}
    Target(const std::string &servers) noexcept : Target(std::string_view(servers)) {}
    Target(const char *servers) noexcept : Target(std::string_view(servers)) {}

    const minka_broker *broker() const noexcept { return broker_; }
    minka_bytes servers() const noexcept { return servers_; }

private:
    const minka_broker *broker_ = nullptr;
    minka_bytes servers_ = {nullptr, 0};
};

/// Sends records. Any number of threads may use one at the same time.
///
/// A record goes into a batch of its partition; what can be tried again is tried again, until
/// delivery.timeout.ms. Records of a partition are stored in the order in which they were sent.
/// One that goes without close() waits for up to 5 seconds for what it has sent.
class Producer {
public:
    /// Told what became of a record. Called on the producer's own thread or, with a broker of this
    /// process, also on a thread that is in a call of this producer. It should be short; it may
    /// send, but not wait, flush or close. An exception in it ends the program, as in a thread.
    using OnDelivery = detail::OnDelivery;

    /// Connects to nothing yet. Its settings have their Kafka names, such as "linger.ms"; minka.h
    /// lists them at minka_producer_open().
    static Result<Producer> try_open(const Target &target, const Settings &settings = {}) {
        Result<detail::Config> config = detail::config(settings);
        if (!config) return config.error();
        minka_producer *producer = nullptr;
        const minka_status code =
            minka_producer_open(target.broker(), target.servers(), config->get(), &producer);
        return detail::result<Producer>(code, producer);
    }

    /// Sends a record and waits until it is stored. After MINKA_TIMEOUT it may still be stored.
    Result<Receipt> try_send(const Message &message, Duration timeout = forever) {
        minka_receipt receipt{};
        const minka_status code =
            minka_producer_send(handle(), &message.raw(), detail::ms(timeout), &receipt);
        if (code != MINKA_OK) return detail::last(code);
        return detail::receipt(receipt);
    }

    /// Sends a record and does not wait for what becomes of it. It is copied. Waits for
    /// max.block.ms at most: for room in the buffer, or to hear of a topic.
    Result<void> try_send_async(const Message &message) {
        return detail::result(
            minka_producer_send_async(handle(), &message.raw(), nullptr, nullptr));
    }

    /// As above, and has `done` told what becomes of the record, once, unless this fails.
    Result<void> try_send_async(const Message &message, OnDelivery done) {
        auto owned = std::make_unique<OnDelivery>(std::move(done));
        const minka_status code = minka_producer_send_async(
            handle(), &message.raw(), detail::minka_hpp_on_delivery, owned.get());
        if (code != MINKA_OK) return detail::last(code);
        // It has taken itself along, and may already be gone.
        static_cast<void>(owned.release());
        return {};
    }

    /// Sends many records (an array, a std::vector, ...) and waits until they are stored: what
    /// became of each, in their order.
    template <class Messages>
    std::vector<Result<Receipt>> try_send_many(const Messages &messages,
                                               Duration timeout = forever) {
        Many many = send_all(messages, timeout);
        std::vector<Result<Receipt>> results;
        results.reserve(many.receipts.size());
        for (std::size_t at = 0; at < many.receipts.size(); ++at) {
            if (many.statuses[at] == MINKA_OK) {
                results.emplace_back(detail::receipt(many.receipts[at]));
            } else if (many.first && many.statuses[at] == many.first->code()) {
                results.emplace_back(*many.first);
            } else {
                results.emplace_back(Error(many.statuses[at], "the record was not stored"));
            }
        }
        return results;
    }

    /// Waits until every record that was sent before is stored or has failed.
    Result<void> try_flush(Duration timeout = forever) {
        return detail::result(minka_producer_flush(handle(), detail::ms(timeout)));
    }

    /// Takes no more records, waits as try_flush() does, and ends the producer.
    Result<void> try_close(Duration timeout = forever) {
        return detail::result(minka_producer_close(handle(), detail::ms(timeout)));
    }

#if MINKA_HPP_EXCEPTIONS
    // The same, with exceptions.
    explicit Producer(const Target &target, const Settings &settings = {})
        : Producer(try_open(target, settings).value()) {}
    Receipt send(const Message &message, Duration timeout = forever) {
        return try_send(message, timeout).value();
    }
    void send_async(const Message &message) { try_send_async(message).value(); }
    void send_async(const Message &message, OnDelivery done) {
        try_send_async(message, std::move(done)).value();
    }
    /// Throws the first error, whatever became of the others.
    template <class Messages>
    std::vector<Receipt> send_many(const Messages &messages, Duration timeout = forever) {
        Many many = send_all(messages, timeout);
        if (many.first) throw *many.first;
        std::vector<Receipt> receipts;
        receipts.reserve(many.receipts.size());
        for (const auto &raw : many.receipts) receipts.push_back(detail::receipt(raw));
        return receipts;
    }
    void flush(Duration timeout = forever) { try_flush(timeout).value(); }
    void close(Duration timeout = forever) { try_close(timeout).value(); }
#endif

    /// Takes over what a function of minka.h has opened.
    explicit Producer(minka_producer *owned) noexcept : handle_(owned) {}
    /// For functions of minka.h.
    minka_producer *handle() const noexcept { return handle_.get(); }

private:
    struct Many {
        std::vector<minka_receipt> receipts;
        std::vector<minka_status> statuses;
        std::optional<Error> first;
    };

    template <class Messages>
    Many send_all(const Messages &messages, Duration timeout) {
        std::vector<minka_message> raw;
        raw.reserve(std::size(messages));
        for (const Message &message : messages) raw.push_back(message.raw());
        Many many{std::vector<minka_receipt>(raw.size()),
                  std::vector<minka_status>(raw.size(), MINKA_CLOSED), std::nullopt};
        const minka_status code =
            minka_producer_send_many(handle(), raw.data(), raw.size(), detail::ms(timeout),
                                     many.receipts.data(), many.statuses.data());
        if (code != MINKA_OK) many.first = detail::last(code);
        return many;
    }

    detail::Handle<minka_producer, minka_producer_free> handle_;
};

/// A record. What it shows lives as long as its Batch.
class Record {
public:
    Record() = default;
    explicit Record(const minka_record &raw) noexcept : raw_(raw) {}

    std::string_view topic() const noexcept { return detail::text(raw_.topic); }
    std::int32_t partition() const noexcept { return raw_.partition; }
    std::int64_t offset() const noexcept { return raw_.offset; }
    /// The producer's time or the time of the append, as the topic is set.
    Time timestamp() const noexcept { return detail::time(raw_.timestamp); }
    std::optional<std::string_view> key() const noexcept { return detail::maybe(raw_.key); }
    std::optional<std::string_view> value() const noexcept { return detail::maybe(raw_.value); }
    Headers headers() const noexcept { return {raw_.headers, raw_.header_count}; }
    /// How often it was delivered to a member of a queue group, this time included; 1 without one.
    std::uint32_t delivery_count() const noexcept { return raw_.delivery_count; }

private:
    friend class Batch;

    minka_record raw_{};
};

/// The records that a poll returned: `for (const minka::Record &record : batch)`. Records of a
/// partition come in the order of their offsets. Belongs to one thread at a time; it may outlive
/// its consumer and its broker.
class Batch {
public:
    /// Goes through the records once. Another begin() goes back to the start, for all iterators of
    /// this batch; records that were read stay valid.
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Record;
        using difference_type = std::ptrdiff_t;
        using pointer = const Record *;
        using reference = const Record &;

        iterator() = default;
        reference operator*() const noexcept { return record_; }
        pointer operator->() const noexcept { return &record_; }
        iterator &operator++() noexcept {
            if (!minka_batch_next(batch_, &record_.raw_)) batch_ = nullptr;
            return *this;
        }
        void operator++(int) noexcept { ++*this; }
        bool operator==(const iterator &other) const noexcept { return batch_ == other.batch_; }
        bool operator!=(const iterator &other) const noexcept { return batch_ != other.batch_; }

    private:
        friend class Batch;
        explicit iterator(minka_batch *batch) noexcept : batch_(batch) { ++*this; }

        minka_batch *batch_ = nullptr;
        Record record_;
    };

    iterator begin() const noexcept {
        minka_batch_rewind(handle());
        return iterator(handle());
    }
    iterator end() const noexcept { return {}; }
    std::size_t size() const noexcept { return minka_batch_count(handle()); }
    bool empty() const noexcept { return size() == 0; }

    /// Takes over what a function of minka.h has returned.
    explicit Batch(minka_batch *owned) noexcept : handle_(owned) {}
    /// For functions of minka.h.
    minka_batch *handle() const noexcept { return handle_.get(); }

private:
    detail::Handle<minka_batch, minka_batch_free> handle_;
};

/// Where to begin in a partition.
class StartAt {
public:
    /// With the first record that is there.
    static StartAt earliest() noexcept { return {MINKA_START_EARLIEST, 0}; }
    /// With the next record that comes.
    static StartAt latest() noexcept { return {MINKA_START_LATEST, 0}; }
    /// With the first record of this time or later, or the next that comes.
    static StartAt time(Time time) noexcept {
        return {MINKA_START_TIME, time.time_since_epoch().count()};
    }
    /// With the record of this offset, or the nearest that is there.
    static StartAt offset(std::int64_t offset) noexcept { return {MINKA_START_OFFSET, offset}; }

    /// The struct of minka.h.
    minka_start raw() const noexcept { return raw_; }

private:
    StartAt(std::int32_t kind, std::int64_t value) noexcept : raw_{kind, value} {}

    minka_start raw_;
};

/// A partition, and where to begin in it.
struct PartitionStart {
    std::string_view topic;
    std::int32_t partition;
    StartAt start;
};

/// A partition of a topic.
struct TopicPartition {
    std::string topic;
    std::int32_t partition;
};

/// Consumes records. Belongs to one thread at a time: a call while another thread is in one is
/// MINKA_INVALID_REQUEST. Only wake() and close() may be called at any time by any thread.
class Consumer {
public:
    /// Connects to nothing yet. Its settings have their Kafka names, such as "group.id"; minka.h
    /// lists them at minka_consumer_open().
    static Result<Consumer> try_open(const Target &target, const Settings &settings = {}) {
        Result<detail::Config> config = detail::config(settings);
        if (!config) return config.error();
        minka_consumer *consumer = nullptr;
        const minka_status code =
            minka_consumer_open(target.broker(), target.servers(), config->get(), &consumer);
        return detail::result<Consumer>(code, consumer);
    }

    /// Joins the group of the setting group.id, to read these topics with its other members. A
    /// topic that does not exist is waited for.
    Result<void> try_subscribe(const std::vector<std::string_view> &topics) {
        std::vector<minka_bytes> raw;
        for (std::string_view topic : topics) raw.push_back(detail::bytes(topic));
        return detail::result(minka_consumer_subscribe(handle(), raw.data(), raw.size()));
    }

    /// Reads these partitions, each from where it says, instead of those before.
    Result<void> try_assign(const std::vector<PartitionStart> &partitions) {
        std::vector<minka_partition_start> raw;
        for (const PartitionStart &one : partitions) {
            raw.push_back({detail::bytes(one.topic), one.partition, one.start.raw()});
        }
        return detail::result(minka_consumer_assign(handle(), raw.data(), raw.size()));
    }
    /// Reads one partition.
    Result<void> try_assign(std::string_view topic, std::int32_t partition, StartAt start) {
        minka_partition_start raw{detail::bytes(topic), partition, start.raw()};
        return detail::result(minka_consumer_assign(handle(), &raw, 1));
    }

    /// Waits for records: at most max.poll.records of them; none when the time is over.
    ///
    /// What the poll before returned counts as done now, unless enable.auto.commit is false.
    /// MINKA_INTERRUPTED after wake(), MINKA_CLOSED when the consumer or its broker is closed
    /// meanwhile; any other error concerns one partition: the next poll tries it again and
    /// returns what others have.
    Result<Batch> try_poll(Duration timeout) {
        minka_batch *batch = nullptr;
        const minka_status code = minka_consumer_poll(handle(), detail::ms(timeout), &batch);
        return detail::result<Batch>(code, batch);
    }

    /// Ends the poll that waits; if none does, the next one ends at once.
    Result<void> try_wake() { return detail::result(minka_consumer_wake(handle())); }

    /// The message has been dealt with: no member of the queue group gets it again. The broker is
    /// told with the next poll or commit. MINKA_INVALID_RECORD_STATE where this consumer does not
    /// hold the record, or not any more, as of the three below.
    Result<void> try_accept(const Record &record) { return acknowledge(record, MINKA_ACCEPT); }
    /// The message is for somebody else, or for later: it is delivered again.
    Result<void> try_release(const Record &record) { return acknowledge(record, MINKA_RELEASE); }
    /// The message cannot be dealt with: no member gets it again.
    Result<void> try_reject(const Record &record) { return acknowledge(record, MINKA_REJECT); }
    /// The message takes longer: its lock begins anew.
    Result<void> try_renew(const Record &record) { return acknowledge(record, MINKA_RENEW); }

    /// Says that what was returned is done, and waits until the broker has that.
    Result<void> try_commit() { return detail::result(minka_consumer_commit(handle())); }

    /// What the group has committed for a partition of this member, if anything.
    Result<std::optional<std::int64_t>> try_committed(std::string_view topic,
                                                      std::int32_t partition) {
        std::int64_t offset = -1;
        const minka_status code =
            minka_consumer_committed(handle(), detail::bytes(topic), partition, &offset);
        return detail::result<std::optional<std::int64_t>>(code, detail::known(offset));
    }

    /// Goes on elsewhere in a partition. What was fetched of it is dropped.
    Result<void> try_seek(std::string_view topic, std::int32_t partition, StartAt start) {
        return detail::result(
            minka_consumer_seek(handle(), detail::bytes(topic), partition, start.raw()));
    }

    /// Returns no more records of a partition until it is resumed.
    Result<void> try_pause(std::string_view topic, std::int32_t partition) {
        return detail::result(minka_consumer_pause(handle(), detail::bytes(topic), partition));
    }
    /// Goes on with a partition where it was paused.
    Result<void> try_resume(std::string_view topic, std::int32_t partition) {
        return detail::result(minka_consumer_resume(handle(), detail::bytes(topic), partition));
    }

    /// The offset of the next record that a poll will return; none until the broker has said where
    /// the partition begins.
    Result<std::optional<std::int64_t>> try_position(std::string_view topic,
                                                     std::int32_t partition) {
        std::int64_t offset = -1;
        const minka_status code =
            minka_consumer_position(handle(), detail::bytes(topic), partition, &offset);
        return detail::result<std::optional<std::int64_t>>(code, detail::known(offset));
    }

    /// The partitions that are read at present.
    Result<std::vector<TopicPartition>> try_assignment() {
        minka_assignment *raw = nullptr;
        minka_status code = minka_consumer_assignment(handle(), &raw);
        if (code != MINKA_OK) return detail::last(code);
        const detail::Handle<minka_assignment, minka_assignment_free> owned(raw);
        std::vector<TopicPartition> partitions;
        for (std::size_t at = 0; at < minka_assignment_count(raw); ++at) {
            minka_topic_partition one{};
            code = minka_assignment_get(raw, at, &one);
            if (code != MINKA_OK) return detail::last(code);
            partitions.push_back({std::string(detail::text(one.topic)), one.partition});
        }
        return partitions;
    }

    /// How many acknowledgements came too late, or over a connection that was lost: those messages
    /// are delivered again.
    Result<std::uint64_t> try_acknowledged_too_late() {
        std::uint64_t count = 0;
        const minka_status code = minka_consumer_acknowledged_too_late(handle(), &count);
        return detail::result<std::uint64_t>(code, count);
    }

    /// What was returned is done, unless enable.auto.commit is false, and a member leaves its group
    /// at once.
    Result<void> try_close() { return detail::result(minka_consumer_close(handle())); }

#if MINKA_HPP_EXCEPTIONS
    // The same, with exceptions.
    explicit Consumer(const Target &target, const Settings &settings = {})
        : Consumer(try_open(target, settings).value()) {}
    void subscribe(const std::vector<std::string_view> &topics) { try_subscribe(topics).value(); }
    void assign(const std::vector<PartitionStart> &partitions) { try_assign(partitions).value(); }
    void assign(std::string_view topic, std::int32_t partition, StartAt start) {
        try_assign(topic, partition, start).value();
    }
    Batch poll(Duration timeout) { return try_poll(timeout).value(); }
    void wake() { try_wake().value(); }
    void accept(const Record &record) { try_accept(record).value(); }
    void release(const Record &record) { try_release(record).value(); }
    void reject(const Record &record) { try_reject(record).value(); }
    void renew(const Record &record) { try_renew(record).value(); }
    void commit() { try_commit().value(); }
    std::optional<std::int64_t> committed(std::string_view topic, std::int32_t partition) {
        return try_committed(topic, partition).value();
    }
    void seek(std::string_view topic, std::int32_t partition, StartAt start) {
        try_seek(topic, partition, start).value();
    }
    void pause(std::string_view topic, std::int32_t partition) {
        try_pause(topic, partition).value();
    }
    void resume(std::string_view topic, std::int32_t partition) {
        try_resume(topic, partition).value();
    }
    std::optional<std::int64_t> position(std::string_view topic, std::int32_t partition) {
        return try_position(topic, partition).value();
    }
    std::vector<TopicPartition> assignment() { return try_assignment().value(); }
    std::uint64_t acknowledged_too_late() { return try_acknowledged_too_late().value(); }
    void close() { try_close().value(); }
#endif

    /// Takes over what a function of minka.h has opened.
    explicit Consumer(minka_consumer *owned) noexcept : handle_(owned) {}
    /// For functions of minka.h.
    minka_consumer *handle() const noexcept { return handle_.get(); }

private:
    Result<void> acknowledge(const Record &record, std::int32_t what) {
        const minka_bytes topic = detail::bytes(record.topic());
        return detail::result(minka_consumer_acknowledge(handle(), topic, record.partition(),
                                                         record.offset(), what));
    }

    detail::Handle<minka_consumer, minka_consumer_free> handle_;
};

/// A setting of a topic or group that is to be given; a null value goes back to the default.
struct Change {
    std::string_view name;
    std::optional<std::string_view> value;
};

/// A topic in a list of topics.
struct TopicListing {
    std::string name;
    /// As Kafka shows it: 22 characters.
    std::string id;
    std::int32_t partition_count;
};

/// A partition of a topic that is described.
struct PartitionDescription {
    std::int32_t index;
    /// The first offset that can be read.
    std::int64_t start;
    /// The offset of the next record to become visible.
    std::int64_t end;
};

/// A setting of a topic.
struct Setting {
    std::string name;
    /// Empty where the broker keeps it secret.
    std::string value;
    /// Whether the topic was given none of its own.
    bool is_default;
};

/// A topic with its partitions and settings.
struct TopicDescription {
    std::string name;
    std::string id;
    std::vector<PartitionDescription> partitions;
    std::vector<Setting> settings;
};

/// How a group shares out its topics.
enum class GroupKind : std::int32_t {
    /// In a way that minka does not know.
    other = MINKA_GROUP_OTHER,
    /// Each message goes to one member (a share group, KIP-932).
    queue = MINKA_GROUP_QUEUE,
    /// Each partition belongs to one member; the broker assigns them (KIP-848).
    partitions = MINKA_GROUP_PARTITIONS,
    /// Each partition belongs to one member; a member assigns them.
    classic = MINKA_GROUP_CLASSIC,
};

/// A group in a list of groups.
struct GroupListing {
    std::string name;
    GroupKind kind;
    /// What it is doing, as Kafka calls it: "Stable", "Empty", ...
    std::string state;
};

/// A member of a group.
struct MemberDescription {
    std::string id;
    /// Of a static member.
    std::optional<std::string> instance_id;
    /// What the client calls itself.
    std::string client_id;
    /// Where the client is.
    std::string host;
    /// The partitions that it has.
    std::vector<TopicPartition> assigned;
};

/// Where a group is in a partition.
struct GroupPartition {
    std::string topic;
    std::int32_t partition;
    /// The next offset to be read. In a queue group everything before it is settled.
    std::optional<std::int64_t> committed;
    /// The offset of the next record to become visible; none where there is no such partition.
    std::optional<std::int64_t> end;
    /// How many records lie between the two; in a queue group without those that are settled.
    std::optional<std::int64_t> lag;
    /// How many records are with members of a queue group, where the broker tells it.
    std::optional<std::int64_t> in_flight;
    /// How many records of a queue group wait for another delivery, where the broker tells it.
    std::optional<std::int64_t> redelivered;
};

/// A group with its members and where it is.
struct GroupDescription {
    std::string name;
    GroupKind kind;
    std::string state;
    std::vector<MemberDescription> members;
    std::vector<GroupPartition> partitions;
};

/// A broker of a cluster that can be reached over the network.
struct BrokerDescription {
    std::int32_t id;
    std::string host;
    std::uint16_t port;
};

/// A cluster.
struct ClusterDescription {
    std::string id;
    std::vector<BrokerDescription> brokers;
};

namespace detail {

inline std::vector<minka_change> changes(const std::vector<Change> &changes) {
    std::vector<minka_change> raw;
    raw.reserve(changes.size());
    for (const Change &one : changes) raw.push_back({bytes(one.name), nullable(one.value)});
    return raw;
}

/// What a list of minka.h has at each index, as `make` shows it. The list is there, so that
/// nothing can go wrong.
template <class Raw, class List, class Get, class Make>
auto all(const List *list, std::size_t count, Get get, Make make) {
    std::vector<decltype(make(std::declval<const Raw &>()))> things;
    things.reserve(count);
    for (std::size_t at = 0; at < count; ++at) {
        Raw raw{};
        if (get(list, at, &raw) == MINKA_OK) things.push_back(make(raw));
    }
    return things;
}

inline TopicPartition topic_partition(const minka_topic_partition &raw) {
    return {owned(raw.topic), raw.partition};
}

inline MemberDescription member(const minka_member &raw) {
    MemberDescription member{owned(raw.id), maybe_owned(raw.instance_id), owned(raw.client_id),
                             owned(raw.host), {}};
    for (std::size_t at = 0; at < raw.assigned_count; ++at) {
        member.assigned.push_back(topic_partition(raw.assigned[at]));
    }
    return member;
}

inline GroupPartition group_partition(const minka_group_partition &raw) {
    return {owned(raw.topic), raw.partition,  known(raw.committed),  known(raw.end),
            known(raw.lag),   known(raw.in_flight), known(raw.redelivered)};
}

}  // namespace detail

/// Creates, describes, changes and deletes topics and groups. Any number of threads may use it.
/// Changes hold when their call returns.
class Admin {
public:
    /// Connects to nothing yet. Its settings have their Kafka names, such as
    /// "default.api.timeout.ms"; minka.h lists them at minka_admin_open().
    static Result<Admin> try_open(const Target &target, const Settings &settings = {}) {
        Result<detail::Config> config = detail::config(settings);
        if (!config) return config.error();
        minka_admin *admin = nullptr;
        const minka_status code =
            minka_admin_open(target.broker(), target.servers(), config->get(), &admin);
        return detail::result<Admin>(code, admin);
    }

    /// Creates a topic; without a number, it has the broker's default number of partitions.
    Result<void> try_create_topic(std::string_view name,
                                  std::optional<std::int32_t> partitions = std::nullopt,
                                  const std::vector<Change> &settings = {}) {
        const std::vector<minka_change> raw = detail::changes(settings);
        return detail::result(minka_admin_create_topic(
            handle(), detail::bytes(name), partitions.value_or(-1), raw.data(), raw.size()));
    }

    /// Deletes a topic with its records.
    Result<void> try_delete_topic(std::string_view name) {
        return detail::result(minka_admin_delete_topic(handle(), detail::bytes(name)));
    }

    /// All topics, by name in order.
    Result<std::vector<TopicListing>> try_topics() {
        minka_topics *raw = nullptr;
        const minka_status code = minka_admin_topics(handle(), &raw);
        if (code != MINKA_OK) return detail::last(code);
        const detail::Handle<minka_topics, minka_topics_free> owned(raw);
        return detail::all<minka_topic>(
            raw, minka_topics_count(raw), minka_topics_get, [](const minka_topic &one) {
                return TopicListing{detail::owned(one.name), detail::owned(one.id),
                                    one.partition_count};
            });
    }

    /// A topic with its partitions and settings.
    Result<TopicDescription> try_describe_topic(std::string_view name) {
        minka_topic_description *raw = nullptr;
        minka_status code = minka_admin_describe_topic(handle(), detail::bytes(name), &raw);
        if (code != MINKA_OK) return detail::last(code);
        const detail::Handle<minka_topic_description, minka_topic_description_free> owned(raw);
        minka_topic topic{};
        code = minka_topic_description_topic(raw, &topic);
        if (code != MINKA_OK) return detail::last(code);
        TopicDescription description{detail::owned(topic.name), detail::owned(topic.id), {}, {}};
        description.partitions = detail::all<minka_partition>(
            raw, static_cast<std::size_t>(topic.partition_count), minka_topic_description_partition,
            [](const minka_partition &one) {
                return PartitionDescription{one.index, one.start, one.end};
            });
        description.settings = detail::all<minka_setting>(
            raw, minka_topic_description_setting_count(raw), minka_topic_description_setting,
            [](const minka_setting &one) {
                return Setting{detail::owned(one.name), detail::owned(one.value), one.is_default};
            });
        return description;
    }

    /// Gives a topic more partitions: `count` is how many it then has.
    Result<void> try_add_partitions(std::string_view name, std::int32_t count) {
        return detail::result(minka_admin_add_partitions(handle(), detail::bytes(name), count));
    }

    /// Changes settings of a topic, all or none.
    Result<void> try_alter_topic(std::string_view name, const std::vector<Change> &changes) {
        const std::vector<minka_change> raw = detail::changes(changes);
        return detail::result(
            minka_admin_alter_topic(handle(), detail::bytes(name), raw.data(), raw.size()));
    }

    /// All groups, by name in order.
    Result<std::vector<GroupListing>> try_groups() {
        minka_groups *raw = nullptr;
        const minka_status code = minka_admin_groups(handle(), &raw);
        if (code != MINKA_OK) return detail::last(code);
        const detail::Handle<minka_groups, minka_groups_free> owned(raw);
        return detail::all<minka_group>(
            raw, minka_groups_count(raw), minka_groups_get, [](const minka_group &one) {
                return GroupListing{detail::owned(one.name), static_cast<GroupKind>(one.kind),
                                    detail::owned(one.state)};
            });
    }

    /// A group with its members and where it is.
    Result<GroupDescription> try_describe_group(std::string_view name) {
        minka_group_description *raw = nullptr;
        minka_status code = minka_admin_describe_group(handle(), detail::bytes(name), &raw);
        if (code != MINKA_OK) return detail::last(code);
        const detail::Handle<minka_group_description, minka_group_description_free> owned(raw);
        minka_group group{};
        code = minka_group_description_group(raw, &group);
        if (code != MINKA_OK) return detail::last(code);
        return GroupDescription{
            detail::owned(group.name),
            static_cast<GroupKind>(group.kind),
            detail::owned(group.state),
            detail::all<minka_member>(raw, minka_group_description_member_count(raw),
                                      minka_group_description_member, detail::member),
            detail::all<minka_group_partition>(raw, minka_group_description_partition_count(raw),
                                               minka_group_description_partition,
                                               detail::group_partition)};
    }

    /// Has a group go on elsewhere in all partitions of a topic. It must have no members.
    Result<void> try_reset_group(std::string_view name, std::string_view topic, StartAt to) {
        return detail::result(minka_admin_reset_group(handle(), detail::bytes(name),
                                                      detail::bytes(topic), to.raw()));
    }

    /// Changes settings of a group, all or none. The group may come later.
    Result<void> try_alter_group(std::string_view name, const std::vector<Change> &changes) {
        const std::vector<minka_change> raw = detail::changes(changes);
        return detail::result(
            minka_admin_alter_group(handle(), detail::bytes(name), raw.data(), raw.size()));
    }

    /// Deletes a group that has no members, with what it has committed.
    Result<void> try_delete_group(std::string_view name) {
        return detail::result(minka_admin_delete_group(handle(), detail::bytes(name)));
    }

    /// The cluster and its brokers.
    Result<ClusterDescription> try_cluster() {
        minka_cluster *raw = nullptr;
        minka_status code = minka_admin_cluster(handle(), &raw);
        if (code != MINKA_OK) return detail::last(code);
        const detail::Handle<minka_cluster, minka_cluster_free> owned(raw);
        minka_bytes id{};
        code = minka_cluster_id(raw, &id);
        if (code != MINKA_OK) return detail::last(code);
        return ClusterDescription{
            detail::owned(id),
            detail::all<minka_cluster_broker>(
                raw, minka_cluster_broker_count(raw), minka_cluster_get_broker,
                [](const minka_cluster_broker &one) {
                    return BrokerDescription{one.id, detail::owned(one.host), one.port};
                })};
    }

    /// Ends the admin.
    Result<void> try_close() { return detail::result(minka_admin_close(handle())); }

#if MINKA_HPP_EXCEPTIONS
    // The same, with exceptions.
    explicit Admin(const Target &target, const Settings &settings = {})
        : Admin(try_open(target, settings).value()) {}
    void create_topic(std::string_view name, std::optional<std::int32_t> partitions = std::nullopt,
                      const std::vector<Change> &settings = {}) {
        try_create_topic(name, partitions, settings).value();
    }
    void delete_topic(std::string_view name) { try_delete_topic(name).value(); }
    std::vector<TopicListing> topics() { return try_topics().value(); }
    TopicDescription describe_topic(std::string_view name) {
        return try_describe_topic(name).value();
    }
    void add_partitions(std::string_view name, std::int32_t count) {
        try_add_partitions(name, count).value();
    }
    void alter_topic(std::string_view name, const std::vector<Change> &changes) {
        try_alter_topic(name, changes).value();
    }
    std::vector<GroupListing> groups() { return try_groups().value(); }
    GroupDescription describe_group(std::string_view name) {
        return try_describe_group(name).value();
    }
    void reset_group(std::string_view name, std::string_view topic, StartAt to) {
        try_reset_group(name, topic, to).value();
    }
    void alter_group(std::string_view name, const std::vector<Change> &changes) {
        try_alter_group(name, changes).value();
    }
    void delete_group(std::string_view name) { try_delete_group(name).value(); }
    ClusterDescription cluster() { return try_cluster().value(); }
    void close() { try_close().value(); }
#endif

    /// Takes over what a function of minka.h has opened.
    explicit Admin(minka_admin *owned) noexcept : handle_(owned) {}
    /// For functions of minka.h.
    minka_admin *handle() const noexcept { return handle_.get(); }

private:
    detail::Handle<minka_admin, minka_admin_free> handle_;
};

}  // namespace minka

#endif  // MINKA_HPP
