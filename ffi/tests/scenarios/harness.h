/* What a scenario stands on: checks, a broker and the way to it, and what every second one does. */

#ifndef HARNESS_H
#define HARNESS_H

#include <minka.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nothing takes that long; a test that waits longer fails instead of hanging. */
#define PATIENCE 30000
/* How long something is waited for that must not come. */
#define MOMENT 50

/* Fails the test unless it is so. */
#define CHECK(CONDITION) check((CONDITION), __FILE__, __LINE__, #CONDITION)
/* Fails the test unless a call works. */
#define OK(CALL) is(MINKA_OK, (CALL), __FILE__, __LINE__, #CALL)
/* Fails the test unless a call answers so. */
#define IS(STATUS, CALL) is((STATUS), (CALL), __FILE__, __LINE__, #CALL)
/* Fails the test unless bytes are this text. */
#define TEXT(EXPECTED, BYTES) CHECK(is_text((BYTES), (EXPECTED)))
/* Fails the test unless the last sentence has these words. */
#define SAYS(WORDS) says((WORDS), __FILE__, __LINE__)
/* The bytes of C's string. */
#define STR(TEXT) minka_string(TEXT)

void check(bool condition, const char *file, int line, const char *text);
void is(minka_status expected, minka_status found, const char *file, int line, const char *call);
void says(const char *words, const char *file, int line);
bool is_text(minka_bytes bytes, const char *expected);
bool has_words(minka_bytes bytes, const char *words);
bool equal(minka_bytes a, minka_bytes b);
/* In milliseconds, from some time on. */
int64_t now(void);

/* The way that clients take. */
enum place { IN_PROCESS, SOCKET };

/* A broker in memory, and the way to it. */
struct world {
    enum place place;
    minka_broker *broker;
};

/* Pairs of names and values, up to a NULL. */
minka_config *config(const char *name, ...);
struct world world_open(enum place place, const char *name, ...);
/* With a config that has hooks; it is freed. */
struct world world_hooked(enum place place, minka_config *config);
void world_close(struct world *world);
/* The two arguments that clients are opened on. */
#define TARGET(WORLD) target_broker(WORLD), target_servers(WORLD)
const minka_broker *target_broker(const struct world *world);
minka_bytes target_servers(const struct world *world);

minka_producer *producer_open(const struct world *world, const char *name, ...);
minka_consumer *consumer_open(const struct world *world, const char *name, ...);
minka_admin *admin_open(const struct world *world);
/* A consumer that reads partition 0 of a topic from the start. */
minka_consumer *reader(const struct world *world, const char *topic);
/* A member of a queue group that has subscribed to a topic, and says what is done itself. */
minka_consumer *worker(const struct world *world, const char *group, const char *topic);
/* A member of a partition group that has subscribed to a topic. */
minka_consumer *member(const struct world *world, const char *group, const char *topic);
void subscribe(minka_consumer *consumer, const char *topic);
void leave(minka_consumer *consumer);

void topic(const struct world *world, const char *name, int32_t partitions);
/* Has a queue group begin with the first record, and redeliver at once. */
void queue_group(const struct world *world, const char *name, const char *setting, ...);
/* Sends records with these values to partition 0, each in a batch of its own. */
void send_values(const struct world *world, const char *topic, const char *value, ...);
minka_message message(const char *topic, const char *value);
minka_status send_one(minka_producer *producer, minka_message message, int64_t *offset);

/* How many members a group has; none if there is no such group. */
size_t members(const struct world *world, const char *group);
void wait_for_members(const struct world *world, const char *group, size_t count);

/* Records that were polled, which are freed together. */
struct taken {
    minka_record *records;
    size_t count;
    minka_batch **batches;
    size_t batch_count;
};
/* Polls until there are `count` records. */
struct taken take(minka_consumer *consumer, size_t count);
void taken_free(struct taken *taken);
/* Polls until these values have come, in this order, up to a NULL. */
void expect(minka_consumer *consumer, const char *value, ...);
/* Fails if something comes. */
void nothing_comes(minka_consumer *consumer);
/* Polls, and frees what came. */
minka_status poll_count(minka_consumer *consumer, int64_t timeout_ms, size_t *count);
minka_status acknowledge(minka_consumer *consumer, const minka_record *record, int32_t what);

/* Has something happen to calls from the nth on. */
void inject(const struct world *world, const char *at, uint64_t nth, int32_t effect, int64_t value);

/* A new directory, and its end. */
struct directory {
    char path[64];
};
struct directory directory_new(void);
void directory_remove(const struct directory *directory);
size_t directory_count(const char *path);

/* Waits until there is no thread but this one: none is left behind by what was closed. */
void threads_end(void);
/* A thread that runs `body`; joining waits for its end. */
pthread_t spawn(void *(*body)(void *), void *argument);
void join(pthread_t thread);

#endif
