//! The thread that finds out who leads partitions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::state::{Follow, Outcome, Shared};
use crate::client::remote::login::is_refused;
use crate::client::remote::topic_meta::TopicMeta;
use crate::error::{Error, ErrorKind, Result};

/// Starts the thread.
pub(super) fn start(shared: &Arc<Shared>) {
    let mut state = shared.lock();
    if !shared.spawn(&mut state, "minka-leaders", run) {
        let tickets: Vec<_> = state.follows.values().map(|follow| follow.want.ticket).collect();
        for ticket in tickets {
            let text = "no thread could be started: the system has no room for more";
            let error = Error::new(ErrorKind::Internal, text);
            shared.settle(&mut state, ticket, Outcome::Failed(error));
        }
    }
}

fn run(shared: &Arc<Shared>) {
    while let Some(lost) = next(shared) {
        let names: BTreeSet<&str> = lost.iter().map(|follow| &*follow.want.topic).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let deadline = Instant::now() + shared.config.request_timeout;
        let found = shared.cluster.refresh(&names, deadline);
        let mut state = shared.lock();
        for follow in &lost {
            let place = names.binary_search(&&*follow.want.topic);
            let topic = match (&found, place) {
                (Ok(topics), Ok(place)) => topics.get(place),
                _ => None,
            };
            let ticket = follow.want.ticket;
            if let Err(error) = &found
                && is_refused(error.kind())
            {
                shared.settle(&mut state, ticket, Outcome::Failed(error.clone()));
                continue;
            }
            match topic.map(retriable) {
                Some(Ok(Some(meta))) => shared.lead(&mut state, ticket, meta),
                Some(Err(error)) => shared.settle(&mut state, ticket, Outcome::Failed(error)),
                None | Some(Ok(None)) => shared.settle(&mut state, ticket, Outcome::Later),
            }
        }
        drop(state);
        shared.changed();
    }
}

/// Waits until leaders are to be looked for; `None` at the end.
fn next(shared: &Shared) -> Option<Vec<Follow>> {
    let mut state = shared.lock();
    loop {
        if state.closed {
            return None;
        }
        match state.due(|follow| follow.leader.is_none()) {
            Ok(lost) => return Some(lost),
            Err(when) => state = shared.wait(state, when),
        }
    }
}

/// What is known of a topic, `None` if it may be known later: it may still be created.
fn retriable(found: &Result<Arc<TopicMeta>>) -> Result<Option<&TopicMeta>> {
    match found {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind().is_retriable() => Ok(None),
        Err(error) if error.kind() == ErrorKind::UnknownTopicOrPartition => Ok(None),
        Err(error) => Err(error.clone()),
    }
}
