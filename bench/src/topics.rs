//! Creating topics through the Kafka door.

use minka::wire::kafka::create_topics::{
    CreatableTopic, CreateTopicsRequest, CreateTopicsResponse,
};

use crate::Outcome;
use crate::client::{Client, refuse};

const VERSION: i16 = 7;

/// Creates topics with one request.
pub(crate) fn create<N: AsRef<str>>(
    client: &mut Client,
    names: &[N],
    partitions: usize,
) -> Outcome<()> {
    let num_partitions = i32::try_from(partitions)?;
    let topic = |name| CreatableTopic {
        name,
        num_partitions,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: names.iter().map(|name| topic(name.as_ref())).collect(),
        ..CreateTopicsRequest::default()
    };
    client.call(VERSION, &request, |reader| {
        let answer = CreateTopicsResponse::decode(reader, VERSION)?;
        for topic in &answer.topics {
            refuse(topic.error_code, topic.error_message.as_deref())?;
        }
        Ok(())
    })
}
