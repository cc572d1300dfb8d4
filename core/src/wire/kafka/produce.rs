//! Produce (key 0): appends record batches.
//!
//! Version 3 brings record batches of format 2, 7 zstd, 8 errors of single records, 9 is
//! flexible, 10 tells the new leader, 13 names topics by ID. Versions 0 to 2 are advertised for
//! the sake of old clients, and refused.
//!
//! A broker reads requests through [`ProduceView`](super::produce_view::ProduceView) and writes
//! answers through [`ProduceResponseWriter`](super::produce_writer::ProduceResponseWriter),
//! which allocate nothing; these structs are the client's side.

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Record batches to append.
    pub struct ProduceRequest<'a> for Produce {
        /// The transactional ID, if the producer has one.
        transactional_id: Option<&'a str>, [3..];
        /// When to answer: 0 never, 1 when written, -1 when safe.
        acks: i16, [3..];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [3..];
        /// The topics to append to.
        topics: Vec<ProduceTopic<'a>>, [3..];
    }
}

message! {
    /// A topic to append to.
    pub struct ProduceTopic<'a> {
        /// Its name.
        name: &'a str, [3..=12];
        /// Its ID.
        topic_id: Uuid, [13..];
        /// The partitions to append to.
        partitions: Vec<ProducePartition<'a>>, [3..];
    }
}

message! {
    /// A partition to append to.
    pub struct ProducePartition<'a> {
        /// The partition's number.
        index: i32, [3..];
        /// One record batch.
        records: Option<&'a [u8]>, [3..];
    }
}

message! {
    /// What became of the record batches.
    pub struct ProduceResponse<'a> for Produce {
        /// The topics that were appended to.
        responses: Vec<ProduceTopicResponse<'a>>, [3..];
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [3..];
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<NodeEndpoint<'a>>, [10..] tag 0;
    }
}

message! {
    /// What became of a topic's record batches.
    pub struct ProduceTopicResponse<'a> {
        /// Its name.
        name: Cow<'a, str>, [3..=12];
        /// Its ID.
        topic_id: Uuid, [13..];
        /// The partitions that were appended to.
        partitions: Vec<ProducePartitionResponse<'a>>, [3..];
    }
}

message! {
    /// What became of a partition's record batch.
    pub struct ProducePartitionResponse<'a> {
        /// The partition's number.
        index: i32, [3..];
        /// The error, or 0.
        error_code: i16, [3..];
        /// The offset of the batch's first record, or -1.
        base_offset: i64, [3..];
        /// The time of the append in milliseconds, if the topic keeps that, or -1.
        log_append_time_ms: i64, [3..] = -1;
        /// The partition's first offset, or -1.
        log_start_offset: i64, [5..] = -1;
        /// The records because of which the batch was refused.
        record_errors: Vec<RecordError<'a>>, [8..];
        /// Why the batch was refused.
        error_message: Option<Cow<'a, str>>, [8..];
        /// The partition's leader, if it is another broker.
        current_leader: LeaderIdAndEpoch, [10..] tag 0;
        /// The unique ID of the batch's first record, or -1 where that is not known. The others
        /// follow it. This field is minka's own and not Kafka's, which is why its tag is so far
        /// from the others: a broker sends it only to clients that call themselves
        /// [`MINKA`](super::api_versions::MINKA).
        first_record_id: i64, [9..] tag 10_000 = -1;
    }
}

message! {
    /// A record because of which a batch was refused.
    pub struct RecordError<'a> {
        /// Its place in the batch, from 0.
        batch_index: i32, [8..];
        /// What is wrong with it.
        batch_index_error_message: Option<Cow<'a, str>>, [8..];
    }
}

message! {
    /// The leader of a partition.
    #[derive(Copy, Eq)]
    pub struct LeaderIdAndEpoch {
        /// The broker's ID, or -1.
        leader_id: i32, [0..] = -1;
        /// The leader epoch, or -1.
        leader_epoch: i32, [0..] = -1;
    }
}

message! {
    /// The address of a broker.
    pub struct NodeEndpoint<'a> {
        /// The broker's ID.
        node_id: i32, [0..];
        /// The host to connect to.
        host: Cow<'a, str>, [0..];
        /// The port to connect to.
        port: i32, [0..];
        /// The rack the broker is in.
        rack: Option<Cow<'a, str>>, [0..];
    }
}
