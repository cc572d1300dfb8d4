//! InitProducerId (key 22): gives out a producer ID, which makes a producer idempotent.
//!
//! Version 2 is flexible, 3 lets a producer ask for its next epoch, 4 brings the error
//! PRODUCER_FENCED, 5 goes with the newer transaction protocol.

message! {
    /// Asks for a producer ID.
    pub struct InitProducerIdRequest<'a> for InitProducerId {
        /// The transactional ID, if the producer has one.
        transactional_id: Option<&'a str>, [0..];
        /// After how many milliseconds an open transaction is aborted.
        transaction_timeout_ms: i32, [0..];
        /// The producer ID that the producer has, or -1.
        producer_id: i64, [3..] = -1;
        /// The epoch that the producer has, or -1.
        producer_epoch: i16, [3..] = -1;
    }
}

message! {
    /// A producer ID.
    #[derive(Copy, Eq)]
    pub struct InitProducerIdResponse for InitProducerId {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The producer ID, or -1.
        producer_id: i64, [0..] = -1;
        /// The producer's epoch.
        producer_epoch: i16, [0..];
    }
}
