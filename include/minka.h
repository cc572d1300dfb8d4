/*
 * minka.h: a durable message broker that speaks Kafka's protocol, inside your program; and clients
 * for it, and for any Kafka broker. C11 and C++; link with -lminka (pkg-config minka).
 *
 *     minka_broker *broker = NULL;
 *     minka_producer *producer = NULL;
 *     minka_message message = MINKA_MESSAGE_INIT;
 *     message.topic = minka_string("orders");
 *     message.value = minka_string("an order");
 *     if (minka_broker_open(NULL, &broker) != MINKA_OK
 *         || minka_producer_open(broker, MINKA_NULL, NULL, &producer) != MINKA_OK
 *         || minka_producer_send(producer, &message, -1, NULL) != MINKA_OK)
 *         fprintf(stderr, MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
 *     minka_producer_free(producer);
 *     minka_broker_free(broker);
 *
 * Results. What can fail answers with a minka_status: MINKA_OK, which is 0, or what went wrong.
 * minka_last_error() has the sentence to it. Results go where the last arguments point to, and are
 * written only if the answer is MINKA_OK. An argument that cannot be, such as NULL where something
 * is needed or a string that is not UTF-8, is MINKA_INVALID_REQUEST, whose sentence names it.
 *
 * Handles. What _open gives is ended in two steps, where the second alone is enough. _close says
 * whether all went well; it may be called by any thread while others are in calls, which then end
 * with MINKA_CLOSED, as does every call after it. _free takes the memory; after it, and while it
 * runs, nobody may use the handle. What is only read, such as a batch or a list, has only _free.
 *
 * Memory. The library reads arguments during the call and copies what it keeps; only a userdata is
 * kept as it is. What it gives belongs to the handle that it came from; each function says for how
 * long it is valid. Structs with visible fields never grow: what may grow is behind functions.
 *
 * Times are in milliseconds. A timeout that is negative waits without end, 0 not at all.
 *
 * Threads. A broker, a producer and an admin may be used by any number of threads; a consumer,
 * events, a config and a batch belong to one thread at a time, and say what others may do. Nothing
 * is started or changed in the process when the library is loaded; a broker or client that is open
 * has threads, which end when it is closed. No signal handler is set, and SIGPIPE does not come.
 *
 * Names. The shared library has no other symbols than those of this header, and needs nothing but
 * the C library. The static one also brings those of Rust, which are mangled, and of zstd.
 *
 * fork(). What was opened before belongs to the parent: in the child its calls are MINKA_CLOSED,
 * and _free does nothing, so that memory stays. The child may open its own, except that the data
 * directory of a broker is the parent's for as long as the child is there and has not called exec.
 */

#ifndef MINKA_H
#define MINKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
#include <cstring>
#else
#include <string.h>
#endif

#define MINKA_VERSION_MAJOR 0
#define MINKA_VERSION_MINOR 1
#define MINKA_VERSION_PATCH 0
/** The version of this header, as minka_version() has that of the library. */
#define MINKA_VERSION_STRING "0.1.0"
/** The version of this header as a number that can be compared: 1.2.3 is 10203. */
#define MINKA_VERSION_NUMBER \
    (MINKA_VERSION_MAJOR * 10000 + MINKA_VERSION_MINOR * 100 + MINKA_VERSION_PATCH)

/**
 * What a program and the library must agree on: programs that were built with a header of one
 * number run with every library of that number. It is part of the library's soname.
 */
#define MINKA_ABI_VERSION 0

/** It worked. */
#define MINKA_OK 0

/** A bug in minka, or a panic caught at a boundary. */
#define MINKA_INTERNAL 1

/** The request cannot be understood or contradicts itself. */
#define MINKA_INVALID_REQUEST 2

/** An operation took longer than its caller allows. */
#define MINKA_TIMEOUT 3

/** The circular queue stayed full for as long as the caller was willing to wait. */
#define MINKA_QUEUE_FULL 4

/** The broker or handle has been closed. */
#define MINKA_CLOSED 5

/** Reading or writing a file failed; the log refuses appends until it is opened again. */
#define MINKA_STORAGE_FAILED 6

/** Stored bytes do not match their checksum. */
#define MINKA_DAMAGED 7

/** Another process, or another broker of this one, has the data directory open. */
#define MINKA_DIRECTORY_LOCKED 8

/** The data was written by a newer minka. */
#define MINKA_FORMAT_TOO_NEW 9

/** A value of the configuration is not acceptable. */
#define MINKA_INVALID_CONFIG 10

/** A socket could not be bound, or a connection failed. */
#define MINKA_NETWORK 11

/** Another thread ended the wait. */
#define MINKA_INTERRUPTED 12

/** The broker does not speak what is needed for this. */
#define MINKA_UNSUPPORTED 13

/** The broker that was asked does not lead the partition, or nobody does at present. */
#define MINKA_NOT_LEADER 14

/** The group's coordinator is not available, or has moved. */
#define MINKA_COORDINATOR_UNAVAILABLE 15

/** No broker could be reached. */
#define MINKA_BROKER_UNAVAILABLE 16

/** No topic has this name, or the topic has no such partition. */
#define MINKA_UNKNOWN_TOPIC_OR_PARTITION 20

/** No topic has this ID. */
#define MINKA_UNKNOWN_TOPIC_ID 21

/** A topic of this name exists. */
#define MINKA_TOPIC_EXISTS 22

/** The name is not a legal topic name. */
#define MINKA_INVALID_TOPIC 23

/** The number of partitions is out of range. */
#define MINKA_INVALID_PARTITIONS 24

/** More replicas are asked for than there are brokers. */
#define MINKA_INVALID_REPLICATION_FACTOR 25

/** The offset is before the log start offset or past the end. */
#define MINKA_OFFSET_OUT_OF_RANGE 26

/** The leader epoch is older than the broker's. */
#define MINKA_FENCED_LEADER_EPOCH 27

/** The leader epoch is newer than the broker's. */
#define MINKA_UNKNOWN_LEADER_EPOCH 28

/** The topic may not be changed in this way. */
#define MINKA_POLICY_VIOLATION 29

/** Partitions are assigned to brokers in a way that cannot be. */
#define MINKA_INVALID_REPLICA_ASSIGNMENT 30

/** A record batch fails its checksum or its lengths. */
#define MINKA_CORRUPT_BATCH 40

/** A record batch is well formed but breaks a rule. */
#define MINKA_INVALID_RECORD 41

/** A timestamp is out of the range that the topic accepts. */
#define MINKA_INVALID_TIMESTAMP 42

/** A record batch is larger than the topic accepts. */
#define MINKA_MESSAGE_TOO_LARGE 43

/** The compression is unknown, or not allowed in this version of the request. */
#define MINKA_UNSUPPORTED_COMPRESSION 44

/** The batch is in a format older than version 2. */
#define MINKA_UNSUPPORTED_FORMAT 45

/** `acks` is none of 0, 1 and -1. */
#define MINKA_INVALID_REQUIRED_ACKS 46

/** A producer's sequence number leaves a gap. */
#define MINKA_OUT_OF_ORDER_SEQUENCE 47

/** A newer producer has taken over this producer ID. */
#define MINKA_INVALID_PRODUCER_EPOCH 48

/** The group ID is empty or not legal. */
#define MINKA_INVALID_GROUP_ID 60

/** The member does not belong to the group. */
#define MINKA_UNKNOWN_MEMBER 61

/** The member's generation is not the group's. */
#define MINKA_ILLEGAL_GENERATION 62

/** The group is rebalancing: the member has to join again. */
#define MINKA_REBALANCE_IN_PROGRESS 63

/** The member shares no protocol with the group. */
#define MINKA_INCONSISTENT_PROTOCOL 64

/** The member must join again with the ID that it was just given. */
#define MINKA_MEMBER_ID_REQUIRED 65

/** Another member has taken over this static member's instance ID. */
#define MINKA_FENCED_INSTANCE 66

/** The session timeout is outside the broker's limits. */
#define MINKA_INVALID_SESSION_TIMEOUT 67

/** The group has as many members as it may have. */
#define MINKA_GROUP_FULL 68

/** The offset's metadata is too large. */
#define MINKA_OFFSET_METADATA_TOO_LARGE 69

/** The member's epoch is not its newest. */
#define MINKA_STALE_MEMBER_EPOCH 70

/** The broker does not know the assignor that a member asks for. */
#define MINKA_UNSUPPORTED_ASSIGNOR 71

/** Another member holds the instance ID and has not given it up. */
#define MINKA_UNRELEASED_INSTANCE 72

/** The regular expression of a subscription is not valid. */
#define MINKA_INVALID_REGULAR_EXPRESSION 73

/** There is no such group, or it is of another kind. */
#define MINKA_GROUP_NOT_FOUND 74

/** The member does not hold the record, or not any more. */
#define MINKA_INVALID_RECORD_STATE 80

/** The share session is not known. */
#define MINKA_SHARE_SESSION_NOT_FOUND 81

/** The share session's epoch is not the next one. */
#define MINKA_INVALID_SHARE_SESSION_EPOCH 82

/** There are as many share sessions as there may be. */
#define MINKA_SHARE_SESSION_LIMIT_REACHED 83

/** The member's epoch is not the one that the group knows: it has to join again. */
#define MINKA_FENCED_MEMBER_EPOCH 84

/** The group has members, and what was asked for needs a group without. */
#define MINKA_NON_EMPTY_GROUP 85

/** The broker did not let the user in. */
#define MINKA_AUTHENTICATION_FAILED 90

/** The broker does not let anybody in by this SASL mechanism. */
#define MINKA_UNSUPPORTED_MECHANISM 91

/** The broker wants a login, and the client has no user name and password. */
#define MINKA_AUTHENTICATION_REQUIRED 92

/** A hook of the program that embeds the broker failed. */
#define MINKA_HOOK_FAILED 93

/**
 * The call does nothing and fails with the error `value`. On the disk this is an I/O error
 * whatever the number.
 */
#define MINKA_EFFECT_ERROR 1

/** The call takes `value` milliseconds longer. */
#define MINKA_EFFECT_DELAY 2

/** The connection ends before the request is looked at. In this process: MINKA_NETWORK. */
#define MINKA_EFFECT_DROP_REQUEST 3

/** The request is handled, and the connection ends in place of the answer. */
#define MINKA_EFFECT_DROP_ANSWER 4

/** With the first record that is there. */
#define MINKA_START_EARLIEST 0

/** With the next record that comes. */
#define MINKA_START_LATEST 1

/**
 * With the first record of the time `value` or later, in milliseconds since 1970-01-01 UTC; where
 * there is none, with the next that comes.
 */
#define MINKA_START_TIME 2

/** With the record of the offset `value`, or the nearest that is there. */
#define MINKA_START_OFFSET 3

/** The message has been dealt with: no member of the group gets it again. */
#define MINKA_ACCEPT 1

/**
 * The message is for somebody else, or for later: it is delivered again, to any member, with a
 * higher delivery count.
 */
#define MINKA_RELEASE 2

/** The message cannot be dealt with: no member gets it again. */
#define MINKA_REJECT 3

/**
 * The message takes longer: its lock begins anew. It is held until something else is said of
 * it.
 */
#define MINKA_RENEW 4

/** In a way that this version does not know. */
#define MINKA_GROUP_OTHER 0

/** Each message goes to one member (a share group, KIP-932). */
#define MINKA_GROUP_QUEUE 1

/** Each partition belongs to one member; the broker assigns them (KIP-848). */
#define MINKA_GROUP_PARTITIONS 2

/** Each partition belongs to one member; a member assigns them. */
#define MINKA_GROUP_CLASSIC 3

/** Events were lost: nobody took them in time. `text` says how many. */
#define MINKA_EVENT_MISSED 1

/** The broker is closing: the last event. */
#define MINKA_EVENT_CLOSING 2

/** A topic was created; `partition` is how many partitions it has. */
#define MINKA_EVENT_TOPIC_CREATED 10

/** A topic was deleted. */
#define MINKA_EVENT_TOPIC_DELETED 11

/** The settings of a topic were changed. */
#define MINKA_EVENT_TOPIC_CHANGED 12

/** A topic got more partitions; `partition` is how many it has. */
#define MINKA_EVENT_PARTITIONS_ADDED 13

/** A member joined a group, of any kind. */
#define MINKA_EVENT_MEMBER_JOINED 20

/** A member left a group, or was silent for too long. */
#define MINKA_EVENT_MEMBER_LEFT 21

/** A group was deleted. */
#define MINKA_EVENT_GROUP_DELETED 22

/**
 * A record of a queue group went to its dead-letter topic. Topic, partition and offset are the
 * record's; `text` says why.
 */
#define MINKA_EVENT_DEAD_LETTERED 30

/** A client connected to a door. */
#define MINKA_EVENT_CONNECTED 40

/** The connection of a client ended. */
#define MINKA_EVENT_DISCONNECTED 41

/** A client was refused by the authentication hook; `text` is the reason. */
#define MINKA_EVENT_LOGIN_REFUSED 42

/**
 * Creates, describes, changes and deletes topics and groups. Any number of threads may use it.
 * Changes hold when their call returns.
 */
typedef struct minka_admin minka_admin;

/** The partitions that a consumer reads. May be read by several threads at once. */
typedef struct minka_assignment minka_assignment;

/**
 * The records that a poll returned, and a cursor through them. Belongs to one thread at a time. It
 * may outlive its consumer and its broker, and be used in a child of fork().
 */
typedef struct minka_batch minka_batch;

/** A broker in this process. Any number of threads may use it. */
typedef struct minka_broker minka_broker;

/** A cluster, as it was when it was asked for. May be read by several threads at once. */
typedef struct minka_cluster minka_cluster;

/**
 * Settings by name, and hooks: what a broker or client is opened with. It is read by `_open`
 * and can be used for several. Belongs to one thread at a time.
 */
typedef struct minka_config minka_config;

/**
 * Consumes records. Belongs to one thread at a time: a call while another thread is in one is
 * MINKA_INVALID_REQUEST. Only minka_consumer_wake() and minka_consumer_close() may be called at
 * any time by any thread.
 */
typedef struct minka_consumer minka_consumer;

/**
 * The events of a broker from when this was opened. Belongs to one thread at a time: a call while
 * another thread is in one is MINKA_INVALID_REQUEST. Only minka_events_wake() and
 * minka_events_close() may be called at any time by any thread.
 */
typedef struct minka_events minka_events;

/** A group with its members and where it is. May be read by several threads at once. */
typedef struct minka_group_description minka_group_description;

/** A list of groups. May be read by several threads at once. */
typedef struct minka_groups minka_groups;

/** Sends records. Any number of threads may use one at the same time. */
typedef struct minka_producer minka_producer;

/** A topic with its partitions and settings. May be read by several threads at once. */
typedef struct minka_topic_description minka_topic_description;

/** A list of topics. May be read by several threads at once. */
typedef struct minka_topics minka_topics;

/**
 * What becomes of what a hook is asked about. It belongs to the call of the hook and ends with
 * it.
 */
typedef struct minka_verdict minka_verdict;

/**
 * Some bytes, which belong to somebody else. As an argument they are read during the call only;
 * as a result they belong to what they were asked of, and each function says for how long. A
 * string is bytes in UTF-8, without a NUL at the end; minka_string() makes one from C's.
 *
 * Where there is nothing, `data` is NULL: a key or value that is null, a setting that goes back
 * to its default. That differs from an empty one, whose `data` points somewhere and whose `len`
 * is 0.
 */
typedef struct minka_bytes {
    /** The first byte, or NULL. */
    const uint8_t *data;
    /** How many there are. */
    size_t len;
} minka_bytes;

/**
 * What a call answers: MINKA_OK, or what went wrong. The numbers never change their meaning; new
 * ones may be added.
 */
typedef int32_t minka_status;

/** A fault to come. */
typedef struct minka_fault {
    /**
     * What it happens to: an API by its Kafka name ("Produce", "Fetch", "OffsetCommit", ...), or
     * the disk: "disk.write", "disk.sync", "disk.read".
     */
    minka_bytes at;
    /** The call from now on with which it begins: 1 is the next. */
    uint64_t nth;
    /** How many calls it happens to from there on; UINT64_MAX for all. */
    uint64_t times;
    /** What happens: MINKA_EFFECT_... */
    int32_t effect;
    /** The error, or the milliseconds. */
    int64_t value;
} minka_fault;

/**
 * A header of a record. Its key is a string and may occur more than once; its value may be
 * null.
 */
typedef struct minka_header {
    /** Its key. */
    minka_bytes key;
    /** Its value, or null. */
    minka_bytes value;
} minka_header;

/** A record to be sent. Begin with MINKA_MESSAGE_INIT: then what is not set is as it should be. */
typedef struct minka_message {
    /** The topic. */
    minka_bytes topic;
    /** The partition; -1 to choose it by the key. */
    int32_t partition;
    /** The key, or null. Records with the same key go to the same partition. */
    minka_bytes key;
    /** The value, or null. */
    minka_bytes value;
    /** The headers, in order. */
    const minka_header *headers;
    /** How many headers there are. */
    size_t header_count;
    /** In milliseconds since 1970-01-01 UTC; -1 for now. */
    int64_t timestamp;
} minka_message;

/** Where a record ended up. */
typedef struct minka_receipt {
    /** The topic: the bytes of the message itself; in a delivery report, valid until it returns. */
    minka_bytes topic;
    /** The partition. */
    int32_t partition;
    /**
     * The offset in the partition; -1 where the broker did not tell it: with acks=0, and for a
     * record that it knew already.
     */
    int64_t offset;
    /** The record's unique ID in minka's log; -1 where the broker does not tell it. */
    int64_t id;
    /**
     * The record's timestamp as it is stored: its own, or the time of the append where the topic
     * keeps that.
     */
    int64_t timestamp;
} minka_receipt;

/**
 * Told once what became of a record: with MINKA_OK where it was stored; else `receipt` is NULL and
 * minka_last_error() has the sentence.
 *
 * It is called on the producer's own thread or, on a broker in this process, also on a thread that
 * is in a call of this producer. Others wait meanwhile, so it should be short. It may send: then a
 * full buffer is an error at once. It may not wait for a record, flush or close: that is
 * MINKA_INVALID_REQUEST. It may not leave by longjmp or an exception.
 */
typedef void (*minka_delivery_fn)(void *userdata,
                                  minka_status status,
                                  const minka_receipt *receipt);

/** A partition of a topic. */
typedef struct minka_topic_partition {
    /** The topic. */
    minka_bytes topic;
    /** The partition. */
    int32_t partition;
} minka_topic_partition;

/** A record. Its bytes are valid until its batch is freed. */
typedef struct minka_record {
    /** The topic. */
    minka_bytes topic;
    /** The partition. */
    int32_t partition;
    /**
     * How often the record was delivered to a member of a queue group, this time included; 1
     * without one.
     */
    uint32_t delivery_count;
    /** The offset in the partition. */
    int64_t offset;
    /**
     * The producer's time or the time of the append, as the topic is set, in milliseconds since
     * 1970-01-01 UTC.
     */
    int64_t timestamp;
    /** The key, or null. */
    minka_bytes key;
    /** The value, or null. */
    minka_bytes value;
    /** The headers, in the order in which the producer gave them. */
    const minka_header *headers;
    /** How many headers there are. */
    size_t header_count;
} minka_record;

/** Where to begin. */
typedef struct minka_start {
    /** MINKA_START_... */
    int32_t kind;
    /** The time or the offset, if `kind` asks for one. */
    int64_t value;
} minka_start;

/** A partition, and where to begin in it. */
typedef struct minka_partition_start {
    /** The topic. */
    minka_bytes topic;
    /** The partition. */
    int32_t partition;
    /** Where to begin. */
    minka_start start;
} minka_partition_start;

/** A setting of a topic or group that is to be given. */
typedef struct minka_change {
    /** Its name. */
    minka_bytes name;
    /** Its value; NULL goes back to the default. */
    minka_bytes value;
} minka_change;

/**
 * A broker of a cluster, which can be reached over the network. Its bytes are valid until the
 * cluster is freed.
 */
typedef struct minka_cluster_broker {
    /** Its ID. */
    int32_t id;
    /** Its host. */
    minka_bytes host;
    /** Its port. */
    uint16_t port;
} minka_cluster_broker;

/** A group. Its bytes are valid until what it was asked of is freed. */
typedef struct minka_group {
    /** Its name. */
    minka_bytes name;
    /** How it shares out its topics: MINKA_GROUP_... */
    int32_t kind;
    /** What it is doing, as Kafka calls it: "Stable", "Empty", ... */
    minka_bytes state;
} minka_group;

/** A member of a group. Its bytes are valid until the description is freed. */
typedef struct minka_member {
    /** Its ID. */
    minka_bytes id;
    /** Its instance ID, if it is a static member; else NULL. */
    minka_bytes instance_id;
    /** What the client calls itself. */
    minka_bytes client_id;
    /** Where the client is. */
    minka_bytes host;
    /** The partitions that it has, by topic and number. */
    const minka_topic_partition *assigned;
    /** How many partitions it has. */
    size_t assigned_count;
} minka_member;

/** Where a group is in a partition. Its bytes are valid until the description is freed. */
typedef struct minka_group_partition {
    /** The topic. */
    minka_bytes topic;
    /** The partition. */
    int32_t partition;
    /**
     * The offset that was committed: the next to be read. In a queue group everything before it is
     * settled. -1 if none.
     */
    int64_t committed;
    /** The offset of the next record to become visible; -1 where there is no such partition. */
    int64_t end;
    /**
     * How many records lie between the two; in a queue group without those that are settled. -1
     * where one of them is.
     */
    int64_t lag;
    /** How many records are with members of a queue group; -1 where the broker does not tell it. */
    int64_t in_flight;
    /**
     * How many records of a queue group wait for another delivery; -1 where the broker does not
     * tell it.
     */
    int64_t redelivered;
} minka_group_partition;

/** A topic. Its bytes are valid until what it was asked of is freed. */
typedef struct minka_topic {
    /** Its name. */
    minka_bytes name;
    /** Its ID, as Kafka shows it: 22 characters. */
    minka_bytes id;
    /** How many partitions it has. */
    int32_t partition_count;
} minka_topic;

/** A partition of a topic. */
typedef struct minka_partition {
    /** Its number. */
    int32_t index;
    /** The first offset that can be read. */
    int64_t start;
    /** The offset of the next record to become visible. */
    int64_t end;
} minka_partition;

/** A setting of a topic. Its bytes are valid until the description is freed. */
typedef struct minka_setting {
    /** Its name. */
    minka_bytes name;
    /** Its value; empty where the broker keeps it secret. */
    minka_bytes value;
    /** Whether the topic was given none of its own. */
    bool is_default;
} minka_setting;

/**
 * Something that happened. What does not apply is NULL or -1. Its bytes are valid until the next
 * call of minka_events_next(), or minka_events_free().
 */
typedef struct minka_event {
    /** What: MINKA_EVENT_...; there may be others in later versions. */
    int32_t kind;
    /** The partition, or how many there are. */
    int32_t partition;
    /** When, in milliseconds since 1970-01-01 UTC. */
    int64_t time;
    /** The record's offset. */
    int64_t offset;
    /** The topic. */
    minka_bytes topic;
    /** The group. */
    minka_bytes group;
    /** The member's ID. */
    minka_bytes member;
    /**
     * The client: its address for a connection, the user for a login, its client ID for a
     * member.
     */
    minka_bytes client;
    /** More, for people. */
    minka_bytes text;
} minka_event;

/** A record that passes a hook. Valid until the hook returns. */
typedef struct minka_passing {
    /** What the client calls itself. */
    minka_bytes client_id;
    /** The user that was let in; NULL where nobody has to be. */
    minka_bytes user;
    /** Where the client is, as "HOST:PORT"; NULL for one in this process. */
    minka_bytes address;
    /** The topic. */
    minka_bytes topic;
    /** The partition. */
    int32_t partition;
    /** The offset; -1 at admission, where it has none yet. */
    int64_t offset;
    /** In milliseconds since 1970-01-01 UTC. */
    int64_t timestamp;
    /** The key, or null. */
    minka_bytes key;
    /** The value, or null. */
    minka_bytes value;
    /** The headers. */
    const minka_header *headers;
    /** How many headers there are. */
    size_t header_count;
} minka_passing;

/**
 * Looks at a record on its way. Where it says nothing of it by minka_verdict_refuse() and its
 * like, the record goes on as it is.
 */
typedef void (*minka_record_fn)(void *userdata,
                                const minka_passing *record,
                                minka_verdict *verdict);

/**
 * Told once that a userdata will not be used any more, and may be freed. Called from any
 * thread.
 */
typedef void (*minka_release_fn)(void *userdata);

/** Somebody who wants to be let in. Valid until the hook returns. */
typedef struct minka_login {
    /** The user's name. */
    minka_bytes user;
    /** The password. */
    minka_bytes password;
    /** Where the client is, as "HOST:PORT". */
    minka_bytes address;
} minka_login;

/**
 * Says whether somebody may connect: true lets him in. Where it does not, it may give the client
 * a reason by minka_verdict_refuse(), after which nothing lets him in.
 */
typedef bool (*minka_login_fn)(void *userdata,
                               const minka_login *login,
                               minka_verdict *verdict);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/** The version of the library, such as "0.1.0". It ends with a NUL and is valid for ever. */
const char *minka_version(void);

/** The library's MINKA_ABI_VERSION. A program that loads the library by itself compares it. */
uint32_t minka_abi_version(void);

/**
 * What went wrong in the last call of this thread that failed, as a sentence for people: what
 * happened, and what to do. In a delivery report, what became of its record. Valid until this
 * thread's next call of a function of this library; empty if none has failed yet.
 */
minka_bytes minka_last_error(void);

/**
 * What a status is called, such as "TIMEOUT" for MINKA_TIMEOUT, or "OK". It ends with a NUL, and
 * is never NULL: of a number that this version does not know it is "UNKNOWN".
 */
const char *minka_status_name(minka_status status);

/** Whether the same call may succeed later without anything being changed. */
bool minka_status_is_retriable(minka_status status);

/** Whether what answered so will not work again: it has to be opened anew. */
bool minka_status_is_fatal(minka_status status);

/** Makes an empty config: everything has its default. Never NULL. */
minka_config *minka_config_new(void);

/**
 * Sets `name` to `value`, instead of what it was set to before: "linger.ms" to "5". Whether there
 * is such a setting, and whether it can have this value, is said by the `_open` that takes the
 * config: MINKA_INVALID_CONFIG.
 */
minka_status minka_config_set(minka_config *config,
                              minka_bytes name,
                              minka_bytes value);

/** Frees a config; NULL is let be. What was opened with it goes on, hooks included. */
void minka_config_free(minka_config *config);

/**
 * Opens a broker. Its settings are those of the program `broker`, by the same names, such as
 * "num.partitions", and:
 *
 *   data       the data directory; without it everything is in memory, and gone when it is closed
 *   copy-of    a data directory that a broker in memory begins with a copy of
 *   kafka      HOST:PORT of the Kafka door; port 0 takes a free one; without it there is none
 *   advertise  HOST:PORT that clients are told
 *   log-level  what broker.log tells: error, warn, info or debug
 *
 * `config` may be NULL: a broker in memory. MINKA_INVALID_CONFIG names the setting;
 * MINKA_DIRECTORY_LOCKED, MINKA_STORAGE_FAILED, MINKA_DAMAGED, MINKA_NETWORK.
 */
minka_status minka_broker_open(const minka_config *config, minka_broker **broker);

/**
 * Opens the Kafka door, at `address` as "HOST:PORT", of a broker that has none. Port 0 takes a
 * free one; minka_broker_bootstrap_servers() says which.
 */
minka_status minka_broker_listen(const minka_broker *broker, minka_bytes address);

/**
 * Where Kafka clients connect to, as "HOST:PORT"; NULL without a Kafka door. Valid until the
 * broker is freed.
 */
minka_status minka_broker_bootstrap_servers(const minka_broker *broker,
                                            minka_bytes *servers);

/**
 * Moves the broker's clock forward by `by_ms`. When this returns, everything that was due by then
 * has happened: locks, sessions, rests and retention that ran out, dead letters. Only the
 * broker's own time moves: how long a client waits for an answer does not.
 */
minka_status minka_broker_advance_clock(const minka_broker *broker, int64_t by_ms);

/**
 * Has a fault happen. Clients on the network and in this process see it alike.
 * MINKA_INVALID_REQUEST for a place that is none, or an effect that it cannot have.
 */
minka_status minka_broker_fault(const minka_broker *broker, const minka_fault *fault);

/** Takes back all faults that are to come. */
minka_status minka_broker_clear_faults(const minka_broker *broker);

/** Ends all connections of the Kafka door; it goes on accepting new ones. */
minka_status minka_broker_drop_connections(const minka_broker *broker);

/**
 * Copies what the broker holds into a directory, which must be empty or absent: a data directory
 * as any other. Others may use the broker meanwhile; what was acknowledged before the call is in
 * the copy.
 */
minka_status minka_broker_snapshot(const minka_broker *broker, minka_bytes directory);

/**
 * Waits until the lag of `group`, or with NULL of all groups, is zero: everything that is visible
 * is committed, or settled in a queue group. MINKA_TIMEOUT, whose sentence says what is left;
 * MINKA_GROUP_NOT_FOUND.
 */
minka_status minka_broker_wait_until_idle(const minka_broker *broker,
                                          minka_bytes group,
                                          int64_t timeout_ms);

/**
 * Closes the Kafka door, then the broker: what was acknowledged is on the disk. Calls of its
 * clients in this process end with MINKA_CLOSED. Closing again does nothing. May be called while
 * other threads are in calls of this broker.
 */
minka_status minka_broker_close(minka_broker *broker);

/**
 * Frees a broker, and closes it if need be; NULL is let be. Its clients in this process may be
 * freed before or after it.
 */
void minka_broker_free(minka_broker *broker);

/**
 * Opens a producer: of a broker in this process, or, with `broker` NULL, of those behind
 * `bootstrap_servers`, "HOST:PORT" with commas between several. It connects to nothing yet.
 *
 * Its settings have their Kafka names: client.id, acks, enable.idempotence, linger.ms, batch.size,
 * compression.type, buffer.memory, max.block.ms, delivery.timeout.ms, request.timeout.ms,
 * retry.backoff.ms, retry.backoff.max.ms, security.protocol, sasl.mechanism, sasl.username,
 * sasl.password. `config` may be NULL. MINKA_INVALID_CONFIG names what cannot be.
 */
minka_status minka_producer_open(const minka_broker *broker,
                                 minka_bytes bootstrap_servers,
                                 const minka_config *config,
                                 minka_producer **producer);

/**
 * Sends a record and waits until it is stored. `receipt` may be NULL. After MINKA_TIMEOUT the
 * record may still be stored; after any other error it is not. Part of the time, but no longer
 * than max.block.ms, may be waiting for room in the buffer, or to hear of the topic.
 */
minka_status minka_producer_send(const minka_producer *producer,
                                 const minka_message *message,
                                 int64_t timeout_ms,
                                 minka_receipt *receipt);

/**
 * Sends many records and waits until they are stored: they go in batches, so this takes little
 * longer than sending one. Those of a partition are stored in the order in which they stand.
 *
 * `receipts` and `statuses` have room for `count`, or are NULL. Each record has its status, and a
 * receipt where that is MINKA_OK. Answers MINKA_OK where all are, else the status of the first one
 * that is not. `timeout_ms` is for all together.
 */
minka_status minka_producer_send_many(const minka_producer *producer,
                                      const minka_message *messages,
                                      size_t count,
                                      int64_t timeout_ms,
                                      minka_receipt *receipts,
                                      minka_status *statuses);

/**
 * Sends a record without waiting for it, and has `callback` told what becomes of it, once, unless
 * this fails. `callback` may be NULL. Everything in `message` is copied. Waits for max.block.ms at
 * most: for room in the buffer, or to hear of a topic that was not sent to before.
 */
minka_status minka_producer_send_async(const minka_producer *producer,
                                       const minka_message *message,
                                       minka_delivery_fn callback,
                                       void *userdata);

/**
 * Waits until every record that was sent before is stored or has failed, and its callback has
 * returned. MINKA_TIMEOUT if that takes longer; that records failed is told by their own reports.
 */
minka_status minka_producer_flush(const minka_producer *producer, int64_t timeout_ms);

/**
 * Takes no more records, waits as minka_producer_flush() does, and ends the producer. What is not
 * stored by then fails with MINKA_CLOSED. May be called while other threads are in calls of this
 * producer; closing again does nothing.
 */
minka_status minka_producer_close(minka_producer *producer, int64_t timeout_ms);

/**
 * Frees a producer; NULL is let be. One that was not closed is closed first, for 5 seconds at
 * most.
 */
void minka_producer_free(minka_producer *producer);

/** How many there are; 0 for NULL. */
size_t minka_assignment_count(const minka_assignment *assignment);

/** One of them; its bytes are valid until the assignment is freed. */
minka_status minka_assignment_get(const minka_assignment *assignment,
                                  size_t index,
                                  minka_topic_partition *partition);

/** Frees an assignment; NULL is let be. */
void minka_assignment_free(minka_assignment *assignment);

/** How many records there are, passed or not; 0 for NULL. */
size_t minka_batch_count(const minka_batch *batch);

/**
 * Goes to the next record. False when there is none, or an argument is NULL; then nothing is
 * written. Records of a partition come in the order of their offsets.
 */
bool minka_batch_next(minka_batch *batch, minka_record *record);

/**
 * Goes on by as many records as there are, `capacity` at most, and writes them to `records`.
 * Answers how many.
 */
size_t minka_batch_next_many(minka_batch *batch,
                             minka_record *records,
                             size_t capacity);

/** Goes back to before the first record. Records that were read stay valid. */
void minka_batch_rewind(minka_batch *batch);

/** Frees a batch, and with it the bytes of its records; NULL is let be. */
void minka_batch_free(minka_batch *batch);

/**
 * Opens a consumer: of a broker in this process, or, with `broker` NULL, of those behind
 * `bootstrap_servers`, "HOST:PORT" with commas between several. It connects to nothing yet, and
 * reads nothing until minka_consumer_subscribe() or minka_consumer_assign().
 *
 * Its settings have their Kafka names: client.id, group.id, auto.offset.reset (earliest, latest,
 * or a time as time:1700000000000), max.poll.records, fetch.max.bytes,
 * max.partition.fetch.bytes, fetch.max.wait.ms, enable.auto.commit, auto.commit.interval.ms,
 * max.poll.interval.ms, request.timeout.ms, retry.backoff.ms, retry.backoff.max.ms,
 * security.protocol, sasl.mechanism, sasl.username, sasl.password; and group.type: queue (each
 * message goes to one member, which acknowledges it), as it is by default, or partitions (each
 * partition belongs to one member). `config` may be NULL. MINKA_INVALID_CONFIG names what cannot
 * be.
 */
minka_status minka_consumer_open(const minka_broker *broker,
                                 minka_bytes bootstrap_servers,
                                 const minka_config *config,
                                 minka_consumer **consumer);

/**
 * Joins the group of the setting group.id, to read these topics with its other members. A topic
 * that does not exist is waited for; it is not created. Who is a member already wants these topics
 * from now on, instead of those before.
 */
minka_status minka_consumer_subscribe(minka_consumer *consumer,
                                      const minka_bytes *topics,
                                      size_t topic_count);

/**
 * Reads these partitions, each from where it says, instead of those before. What does not exist is
 * waited for; it is not created.
 */
minka_status minka_consumer_assign(minka_consumer *consumer,
                                   const minka_partition_start *partitions,
                                   size_t partition_count);

/**
 * Waits for records: at most max.poll.records of them; none when the time is over. The batch is
 * freed by minka_batch_free().
 *
 * What the poll before returned counts as done now, unless enable.auto.commit is false: its
 * positions are committed, its messages accepted in a queue group. MINKA_INTERRUPTED after
 * minka_consumer_wake(), MINKA_CLOSED when the consumer or its broker is closed meanwhile; any
 * other error concerns one partition: the next poll tries it again and returns what others have.
 */
minka_status minka_consumer_poll(minka_consumer *consumer,
                                 int64_t timeout_ms,
                                 minka_batch **batch);

/**
 * Ends the poll that waits with MINKA_INTERRUPTED; if none does, the next one ends so at once. May
 * be called at any time by any thread until the consumer is freed.
 */
minka_status minka_consumer_wake(const minka_consumer *consumer);

/** Says that what was returned is done, and waits until the broker has that. */
minka_status minka_consumer_commit(minka_consumer *consumer);

/** The position that the group has committed for a partition of this member; -1 if none. */
minka_status minka_consumer_committed(minka_consumer *consumer,
                                      minka_bytes topic,
                                      int32_t partition,
                                      int64_t *committed);

/**
 * Says what becomes of a message of a queue group: MINKA_ACCEPT, MINKA_RELEASE, MINKA_REJECT or
 * MINKA_RENEW. The broker is told with the next poll or commit. MINKA_INVALID_RECORD_STATE where
 * this consumer does not hold the message, or not any more.
 */
minka_status minka_consumer_acknowledge(minka_consumer *consumer,
                                        minka_bytes topic,
                                        int32_t partition,
                                        int64_t offset,
                                        int32_t what);

/** Goes on elsewhere in a partition. What was fetched of it is dropped. */
minka_status minka_consumer_seek(minka_consumer *consumer,
                                 minka_bytes topic,
                                 int32_t partition,
                                 minka_start start);

/** Returns no more records of a partition until minka_consumer_resume(). */
minka_status minka_consumer_pause(minka_consumer *consumer,
                                  minka_bytes topic,
                                  int32_t partition);

/** Goes on with a partition where it was paused. */
minka_status minka_consumer_resume(minka_consumer *consumer,
                                   minka_bytes topic,
                                   int32_t partition);

/**
 * The offset of the next record that a poll will return of a partition; -1 until the broker has
 * said where it begins.
 */
minka_status minka_consumer_position(minka_consumer *consumer,
                                     minka_bytes topic,
                                     int32_t partition,
                                     int64_t *position);

/** The partitions that are read at present. Freed by minka_assignment_free(). */
minka_status minka_consumer_assignment(minka_consumer *consumer,
                                       minka_assignment **assignment);

/**
 * How many acknowledgements came too late, or over a connection that was lost, since this consumer
 * subscribed to a queue group: those messages are delivered again.
 */
minka_status minka_consumer_acknowledged_too_late(minka_consumer *consumer, uint64_t *count);

/**
 * Closes a consumer: what was returned is done, unless enable.auto.commit is false, and a member
 * leaves its group at once. A poll in which another thread waits ends with MINKA_CLOSED, and this
 * waits for it. Closing again does nothing.
 */
minka_status minka_consumer_close(minka_consumer *consumer);

/**
 * Frees a consumer; NULL is let be. One that was not closed is closed first, for 2 seconds at
 * most.
 */
void minka_consumer_free(minka_consumer *consumer);

/**
 * Opens an admin: of a broker in this process, or, with `broker` NULL, of those behind
 * `bootstrap_servers`, "HOST:PORT" with commas between several. It connects to nothing yet.
 *
 * Its settings have their Kafka names: client.id, default.api.timeout.ms (how long a call may
 * take), request.timeout.ms, retry.backoff.ms, retry.backoff.max.ms, security.protocol,
 * sasl.mechanism, sasl.username, sasl.password. `config` may be NULL. MINKA_INVALID_CONFIG names
 * what cannot be.
 */
minka_status minka_admin_open(const minka_broker *broker,
                              minka_bytes bootstrap_servers,
                              const minka_config *config,
                              minka_admin **admin);

/**
 * Creates a topic, with -1 for the broker's default number of partitions. What `settings` does
 * not name has its default. MINKA_TOPIC_EXISTS, MINKA_INVALID_TOPIC, MINKA_INVALID_PARTITIONS,
 * MINKA_INVALID_CONFIG.
 */
minka_status minka_admin_create_topic(const minka_admin *admin,
                                      minka_bytes name,
                                      int32_t partitions,
                                      const minka_change *settings,
                                      size_t setting_count);

/** Deletes a topic with its records. MINKA_UNKNOWN_TOPIC_OR_PARTITION. */
minka_status minka_admin_delete_topic(const minka_admin *admin, minka_bytes name);

/** All topics, by name in order. Freed by minka_topics_free(). */
minka_status minka_admin_topics(const minka_admin *admin, minka_topics **topics);

/**
 * A topic with its partitions and settings. Freed by minka_topic_description_free().
 * MINKA_UNKNOWN_TOPIC_OR_PARTITION.
 */
minka_status minka_admin_describe_topic(const minka_admin *admin,
                                        minka_bytes name,
                                        minka_topic_description **description);

/**
 * Gives a topic more partitions: `count` is how many it then has. The keys of its records are
 * spread anew from there on. MINKA_INVALID_PARTITIONS where it has as many already.
 */
minka_status minka_admin_add_partitions(const minka_admin *admin,
                                        minka_bytes name,
                                        int32_t count);

/**
 * Changes settings of a topic, all or none. MINKA_INVALID_CONFIG,
 * MINKA_UNKNOWN_TOPIC_OR_PARTITION.
 */
minka_status minka_admin_alter_topic(const minka_admin *admin,
                                     minka_bytes name,
                                     const minka_change *changes,
                                     size_t change_count);

/** All groups, by name in order. Freed by minka_groups_free(). */
minka_status minka_admin_groups(const minka_admin *admin, minka_groups **groups);

/**
 * A group with its members and where it is. Freed by minka_group_description_free().
 * MINKA_GROUP_NOT_FOUND.
 */
minka_status minka_admin_describe_group(const minka_admin *admin,
                                        minka_bytes name,
                                        minka_group_description **description);

/**
 * Has a group go on elsewhere in all partitions of a topic. It must have no members; it may be
 * new. MINKA_NON_EMPTY_GROUP, MINKA_UNKNOWN_TOPIC_OR_PARTITION.
 */
minka_status minka_admin_reset_group(const minka_admin *admin,
                                     minka_bytes name,
                                     minka_bytes topic,
                                     minka_start to);

/**
 * Changes settings of a group, all or none. The group may come later. MINKA_INVALID_CONFIG,
 * MINKA_INVALID_GROUP_ID.
 */
minka_status minka_admin_alter_group(const minka_admin *admin,
                                     minka_bytes name,
                                     const minka_change *changes,
                                     size_t change_count);

/**
 * Deletes a group that has no members, with what it has committed. MINKA_GROUP_NOT_FOUND,
 * MINKA_NON_EMPTY_GROUP.
 */
minka_status minka_admin_delete_group(const minka_admin *admin, minka_bytes name);

/** The cluster and its brokers. Freed by minka_cluster_free(). */
minka_status minka_admin_cluster(const minka_admin *admin, minka_cluster **cluster);

/**
 * Closes an admin. Calls that wait for a broker to come back end with MINKA_CLOSED; one that waits
 * for an answer ends with it. Closing again does nothing.
 */
minka_status minka_admin_close(minka_admin *admin);

/** Frees an admin, and closes it if need be; NULL is let be. */
void minka_admin_free(minka_admin *admin);

/** The cluster's ID; valid until the cluster is freed. */
minka_status minka_cluster_id(const minka_cluster *cluster, minka_bytes *id);

/**
 * How many brokers it has that can be reached over the network; 0 for NULL. A broker in this
 * process is not asked whether it can be.
 */
size_t minka_cluster_broker_count(const minka_cluster *cluster);

/** One of them, which are in the order of their IDs. */
minka_status minka_cluster_get_broker(const minka_cluster *cluster,
                                      size_t index,
                                      minka_cluster_broker *broker);

/** Frees a cluster; NULL is let be. */
void minka_cluster_free(minka_cluster *cluster);

/** How many there are; 0 for NULL. */
size_t minka_groups_count(const minka_groups *groups);

/** One of them. */
minka_status minka_groups_get(const minka_groups *groups,
                              size_t index,
                              minka_group *group);

/** Frees a list of groups; NULL is let be. */
void minka_groups_free(minka_groups *groups);

/** The group itself. */
minka_status minka_group_description_group(const minka_group_description *description,
                                           minka_group *group);

/** How many members it has; 0 for NULL. */
size_t minka_group_description_member_count(const minka_group_description *description);

/** One of its members. */
minka_status minka_group_description_member(const minka_group_description *description,
                                            size_t index,
                                            minka_member *member);

/**
 * In how many partitions it has committed something or a member has them, or, in a queue group,
 * has begun to read; 0 for NULL.
 */
size_t minka_group_description_partition_count(const minka_group_description *description);

/** Where it is in one of those partitions, which are in order. */
minka_status minka_group_description_partition(const minka_group_description *description,
                                               size_t index,
                                               minka_group_partition *partition);

/** Frees a description of a group; NULL is let be. */
void minka_group_description_free(minka_group_description *description);

/** How many there are; 0 for NULL. */
size_t minka_topics_count(const minka_topics *topics);

/** One of them. */
minka_status minka_topics_get(const minka_topics *topics,
                              size_t index,
                              minka_topic *topic);

/** Frees a list of topics; NULL is let be. */
void minka_topics_free(minka_topics *topics);

/** The topic itself. */
minka_status minka_topic_description_topic(const minka_topic_description *description,
                                           minka_topic *topic);

/** One of its partitions, of which it has as many as minka_topic_description_topic() says. */
minka_status minka_topic_description_partition(const minka_topic_description *description,
                                               size_t index,
                                               minka_partition *partition);

/** How many settings there are; 0 for NULL. */
size_t minka_topic_description_setting_count(const minka_topic_description *description);

/** One of its settings, which are in the order of their names. */
minka_status minka_topic_description_setting(const minka_topic_description *description,
                                             size_t index,
                                             minka_setting *setting);

/** Frees a description of a topic; NULL is let be. */
void minka_topic_description_free(minka_topic_description *description);

/**
 * The events of a broker from now on, of which `capacity` are kept until they are taken, at least
 * one; of those behind that only the number is told. A broker of which nobody has events makes
 * none.
 */
minka_status minka_events_open(const minka_broker *broker,
                               size_t capacity,
                               minka_events **events);

/**
 * Waits for the next event. MINKA_TIMEOUT when the time is over, MINKA_INTERRUPTED after
 * minka_events_wake(), MINKA_CLOSED behind MINKA_EVENT_CLOSING or when it is closed meanwhile.
 */
minka_status minka_events_next(minka_events *events,
                               int64_t timeout_ms,
                               minka_event *event);

/**
 * Ends the call that waits with MINKA_INTERRUPTED; if none does, the next one ends so at once. May
 * be called at any time by any thread until the events are freed.
 */
minka_status minka_events_wake(const minka_events *events);

/**
 * Ends the stream: events are kept no longer. A call in which another thread waits ends with
 * MINKA_CLOSED. Closing again does nothing.
 */
minka_status minka_events_close(minka_events *events);

/**
 * Frees events, and closes them if need be; NULL is let be. They may be freed before or after
 * their broker.
 */
void minka_events_free(minka_events *events);

/**
 * Has a broker ask `hook` about each record before it is appended. Where one record of a batch is
 * refused, so is the batch, as Kafka does it; the client is told the reason of each.
 *
 * A hook is called on the thread that carries the record: one of the broker's for a client on the
 * network, else the thread that is in a call of a client in this process, or that client's own.
 * Whoever else that thread serves waits meanwhile. It may be called by several threads at once.
 * It may use clients, but not wait for what needs the hook itself, and close neither the broker
 * nor the client that it is called for. It may not leave by longjmp or an exception.
 *
 * `release` may be NULL; else it is called with `userdata` when the config and all brokers that
 * were opened with it have been freed, and with the last client of those in this process. It is
 * not called when this fails. A `hook` that is NULL takes back the one that was set.
 */
minka_status minka_config_on_admission(minka_config *config,
                                       minka_record_fn hook,
                                       void *userdata,
                                       minka_release_fn release);

/**
 * Has a broker ask `hook` about each record before a consumer gets it, each time. A record that
 * is refused is left out; in a queue group it counts as accepted. As minka_config_on_admission().
 */
minka_status minka_config_on_delivery(minka_config *config,
                                      minka_record_fn hook,
                                      void *userdata,
                                      minka_release_fn release);

/**
 * Has a broker ask `hook` about the user name and password (SASL/PLAIN) of each connection from
 * the network; nobody is served whom it has not let in. Clients in this process are not asked.
 * As minka_config_on_admission().
 */
minka_status minka_config_on_authentication(minka_config *config,
                                            minka_login_fn hook,
                                            void *userdata,
                                            minka_release_fn release);

/**
 * Refuses: a record does not go on, somebody is not let in. The client is told `reason`, a
 * string, which is copied. It refuses whatever the reason is: one that is NULL or not UTF-8 is
 * told as well as it can be.
 */
minka_status minka_verdict_refuse(minka_verdict *verdict, minka_bytes reason);

/**
 * Says that the hook cannot decide, and tells why; `reason` is as in minka_verdict_refuse. At
 * admission and at a login that refuses. At delivery nothing is decided: a fetch ends before the
 * record with MINKA_HOOK_FAILED, a queue group takes the record back, and both are tried again.
 */
minka_status minka_verdict_fail(minka_verdict *verdict, minka_bytes reason);

/**
 * Gives a record another key, which is copied; NULL for none. Where this fails, so has the hook:
 * the record must not go on without the change that somebody wanted.
 */
minka_status minka_verdict_set_key(minka_verdict *verdict, minka_bytes key);

/**
 * Gives a record another value, which is copied; NULL for none. It fails as
 * minka_verdict_set_key does.
 */
minka_status minka_verdict_set_value(minka_verdict *verdict, minka_bytes value);

/**
 * Gives a record other headers instead of all that it has. They are copied. It fails as
 * minka_verdict_set_key does.
 */
minka_status minka_verdict_set_headers(minka_verdict *verdict,
                                       const minka_header *headers,
                                       size_t header_count);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** No bytes: null. */
#define MINKA_NULL (minka_none())

/** A message of which nothing is said yet: by its key, now, null. */
#define MINKA_MESSAGE_INIT { { NULL, 0 }, -1, { NULL, 0 }, { NULL, 0 }, NULL, 0, -1 }

/** Prints minka_bytes: printf("value: " MINKA_FORMAT "\n", MINKA_ARGS(record.value)). */
#define MINKA_FORMAT "%.*s"
/** See MINKA_FORMAT. It looks at its argument twice. */
#define MINKA_ARGS(bytes) (int)(bytes).len, (const char *)(bytes).data

/** No bytes: null. */
static inline minka_bytes minka_none(void)
{
    minka_bytes bytes = { NULL, 0 };
    return bytes;
}

/** The bytes of C's string, without its NUL; null for NULL. */
static inline minka_bytes minka_string(const char *text)
{
    minka_bytes bytes = { (const uint8_t *)text, text == NULL ? 0 : strlen(text) };
    return bytes;
}

#endif /* MINKA_H */
