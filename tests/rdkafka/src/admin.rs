//! Creating, deleting and listing topics.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};

use crate::Outcome;
use crate::request::Request;

/// Creates a topic.
pub(crate) fn create_topic(request: &Request) -> Outcome {
    let admin: AdminClient<DefaultClientContext> = request.config().create()?;
    let topic = NewTopic::new(&request.topic, request.partitions, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(request.timeout()));
    done(wait(admin.create_topics([&topic], &options))?)
}

/// Deletes a topic.
pub(crate) fn delete_topic(request: &Request) -> Outcome {
    let admin: AdminClient<DefaultClientContext> = request.config().create()?;
    let options = AdminOptions::new().operation_timeout(Some(request.timeout()));
    done(wait(admin.delete_topics(&[&request.topic], &options))?)
}

/// All topics with their numbers of partitions.
pub(crate) fn list_topics(request: &Request) -> Outcome {
    let consumer: BaseConsumer = request.consumer_config().create()?;
    let metadata = consumer.fetch_metadata(None, request.timeout())?;
    let topics = metadata.topics().iter();
    let counts = topics.map(|topic| (topic.name().to_owned(), json!(topic.partitions().len())));
    Ok(Value::Object(counts.collect()))
}

fn done(results: Vec<TopicResult>) -> Outcome {
    for result in results {
        result.map_err(|(topic, code)| -> Box<dyn Error> { format!("{topic}: {code}").into() })?;
    }
    Ok(Value::Null)
}

/// Runs one future on this thread: the admin client wakes it from a thread of its own, so that
/// this driver needs no async runtime.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
