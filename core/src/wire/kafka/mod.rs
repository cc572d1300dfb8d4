//! The Kafka protocol: frames, headers and the messages of every API that minka serves.
//!
//! One file per API holds its request and its response, each as a table of fields with the
//! versions that carry them (after the message definitions of Apache Kafka 4.2). Requests
//! borrow their strings and bytes from the frame; responses hold `Cow`s, so that a handler may
//! echo what the request said, lend what it has, or hand over what it made.
//!
//! A frame, from its arrival to its answer:
//!
//! 1. [`frame::next_frame`] finds it in what has arrived,
//! 2. [`header::RequestHeader::decode`] says which API and version it is; what
//!    [`api::ApiKey::accepts`] refuses closes the connection, except for `ApiVersions`, which is
//!    answered by [`api_versions::write_unsupported_version`],
//! 3. [`request::Request::decode`] reads the rest from the same [`reader::Reader`],
//! 4. [`frame::write_response`] appends the answer to what is to be sent.

#[macro_use]
mod macros;

pub mod api;
pub mod error_code;
pub mod field;
pub mod frame;
pub mod header;
pub mod reader;
pub mod uuid;
pub mod writer;

pub mod alter_configs;
pub mod alter_share_group_offsets;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_share_group_offsets;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_share_group_offsets;
pub mod fetch;
pub mod fetch_writer;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod produce_view;
pub mod produce_writer;
pub mod request;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod share_acknowledge;
pub mod share_fetch;
pub mod share_fetch_writer;
pub mod share_group_describe;
pub mod share_group_heartbeat;
pub mod sync_group;
mod topics_writer;

pub use api::ApiKey;
pub use error_code::ErrorCode;
pub use reader::{DecodeError, Reader};
pub use uuid::Uuid;
pub use writer::{EncodeError, Writer};
