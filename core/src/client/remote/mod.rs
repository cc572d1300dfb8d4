//! What stands on the Kafka protocol: connections, and what is known of the cluster.

pub(crate) mod answer;
pub(crate) mod cluster;
pub(crate) mod connection;
mod frame;
pub(crate) mod login;
pub(crate) mod topic_meta;

#[cfg(test)]
mod tests;
