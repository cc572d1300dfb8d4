//! The `rdkafka` crate behind the drivers' protocol of `tests/clients`: one JSON request a line on
//! stdin, one JSON answer a line on stdout.

mod admin;
mod consumer;
mod member;
mod producer;
mod request;

use std::error::Error;
use std::io::{BufRead, stdin};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

use crate::request::Request;

/// What an operation answers, or the reason why it could not.
pub(crate) type Outcome = Result<Value, Box<dyn Error>>;

fn main() {
    let requests = read_requests();
    while let Ok(request) = requests.recv() {
        if request.op == "join" {
            match member::run(&request, &requests) {
                Ok(()) => return,
                Err(error) => say(&json!({ "error": error.to_string() })),
            }
            continue;
        }
        match answer(&request) {
            Ok(value) => say(&json!({ "ok": value })),
            Err(error) => say(&json!({ "error": error.to_string() })),
        }
    }
}

/// Writes one answer.
pub(crate) fn say(answer: &Value) {
    println!("{answer}");
}

/// Reads requests in a thread, so that a group member can poll meanwhile.
fn read_requests() -> Receiver<Request> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            let request = serde_json::from_str(&line).expect("tests write valid requests");
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    receiver
}

fn answer(request: &Request) -> Outcome {
    match request.op.as_str() {
        "produce" => producer::produce(request),
        "consume" => consumer::consume(request),
        "offset_for_time" => consumer::offset_for_time(request),
        "committed" => consumer::committed(request),
        "unknown_topic" => consumer::unknown_topic(request),
        "create_topic" => admin::create_topic(request),
        "delete_topic" => admin::delete_topic(request),
        "list_topics" => admin::list_topics(request),
        other => Err(format!("unknown operation {other}").into()),
    }
}
