//! Logging in at the Kafka door, request by request and with clients.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_common;
mod server_common;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use client_common::{Bed, PATIENCE, Way};
use kafka_protocol::messages::{
    ApiVersionsRequest, MetadataRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use minka::client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, Credentials, Group, Message, Producer,
    ProducerConfig, StartAt,
};
use minka::engine::{EventKind, Login, Verdict};
use minka::{Error, ErrorKind};
use server_common::{Client, text};

const WRONG: &str = "there is no such user, or the password is wrong";

fn check(login: &Login<'_>) -> Result<(), String> {
    assert_ne!(login.user, "panic", "this hook fails on purpose");
    assert!(login.address.ip().is_loopback());
    let known = [("alice", "wonderland"), ("bob", "builder")];
    match known.contains(&(login.user, login.password)) {
        true => Ok(()),
        false => Err(WRONG.to_owned()),
    }
}

fn bed() -> Bed {
    Bed::with(Way::Socket, |config| config.hooks.authentication = Some(Arc::new(check)))
}

fn client(bed: &Bed) -> Client {
    Client::connect(bed.address())
}

/// Error and mechanisms of the answer to a handshake.
fn shake_hands(client: &mut Client, version: i16, mechanism: &str) -> (i16, Vec<String>) {
    let request = SaslHandshakeRequest::default().with_mechanism(text(mechanism));
    let answer = client.call(version, &request);
    (answer.error_code, answer.mechanisms.iter().map(|one| one.to_string()).collect())
}

fn authenticate(client: &mut Client, version: i16, token: &'static str) -> (i16, Option<String>) {
    let token = Bytes::from_static(token.as_bytes());
    let request = SaslAuthenticateRequest::default().with_auth_bytes(token);
    let answer = client.call(version, &request);
    assert_eq!((answer.session_lifetime_ms, answer.auth_bytes.len()), (0, 0));
    (answer.error_code, answer.error_message.map(|words| words.to_string()))
}

fn is_served(client: &mut Client) -> bool {
    client.call(9, &MetadataRequest::default()).brokers.len() == 1
}

#[test]
fn who_logs_in_is_served() {
    let bed = bed();
    for version in 0..=2 {
        let mut client = client(&bed);
        let served = client.call(2, &ApiVersionsRequest::default());
        let sasl = served.api_keys.iter().filter(|api| [17, 36].contains(&api.api_key));
        let sasl: Vec<_> = sasl.map(|a| (a.api_key, a.min_version, a.max_version)).collect();
        assert_eq!(sasl, [(17, 0, 1), (36, 0, 2)]);
        assert_eq!(shake_hands(&mut client, 1, "PLAIN"), (0, vec!["PLAIN".to_owned()]));
        assert_eq!(authenticate(&mut client, version, "\0alice\0wonderland"), (0, None));
        assert!(is_served(&mut client));
    }
}

#[test]
fn tokens_may_come_without_headers() {
    let bed = bed();
    let mut client = client(&bed);
    assert_eq!(shake_hands(&mut client, 0, "PLAIN").0, 0);
    let token = b"\0alice\0wonderland";
    // In two portions, to see that a token may arrive like anything else.
    client.stream.write_all(&[&[0, 0, 0, token.len() as u8], &token[..3]].concat()).unwrap();
    client.stream.write_all(&token[3..]).unwrap();
    assert!(client.receive_frame().is_empty());
    assert!(is_served(&mut client));
    assert_eq!(shake_hands(&mut client, 0, "PLAIN").0, 34, "again only by requests");
    assert!(is_served(&mut client));

    let mut other = self::client(&bed);
    assert_eq!(shake_hands(&mut other, 0, "PLAIN").0, 0);
    other.stream.write_all(b"\0\0\0\x08\0alice\0x").unwrap();
    assert!(other.read_to_end().is_empty());
}

#[test]
fn who_does_not_is_sent_away() {
    let bed = bed();
    let mut stream = bed.broker.watch_events(100);
    let mut silent = client(&bed);
    silent.send(9, &MetadataRequest::default());
    assert!(silent.read_to_end().is_empty());
    assert!(bed.log().contains("asked for Metadata before it logged in"), "{}", bed.log());

    for (token, reason) in [
        ("\0alice\0builder", WRONG),
        ("\0panic\0x", "the authentication hook failed"),
        ("\0alice\0", "a login needs a user and a password"),
        ("bob\0alice\0wonderland", "nobody can act for another user here"),
        ("alice", "the login is not what SASL/PLAIN asks for"),
    ] {
        let mut client = client(&bed);
        assert_eq!(shake_hands(&mut client, 1, "PLAIN").0, 0);
        let began = Instant::now();
        let refused = authenticate(&mut client, 2, token);
        assert_eq!(refused, (58, Some(reason.to_owned())), "{token:?}");
        // It is kept for a while, and nothing is done for it.
        client.send(9, &MetadataRequest::default());
        assert!(client.read_to_end().is_empty());
        assert!(began.elapsed() >= Duration::from_millis(90), "trying passwords takes time");
    }
    let line = format!("a login was refused: {WRONG}");
    assert!(bed.log().contains(&line), "{}", bed.log());
    assert!(!bed.log().contains("builder"), "no password is ever written");
    let mut refused = Vec::new();
    while let Some(event) = stream.next(Duration::ZERO).unwrap() {
        if event.kind == EventKind::LoginRefused {
            refused.push((event.client.unwrap().to_string(), event.text));
        }
    }
    let expected = [("alice", WRONG), ("panic", "the authentication hook failed")];
    assert_eq!(refused, expected.map(|(user, text)| (user.to_owned(), text.to_owned())));
}

#[test]
fn the_order_of_a_login_is_kept() {
    let bed = bed();
    let mut client = client(&bed);
    assert_eq!(shake_hands(&mut client, 1, "GSSAPI"), (33, vec!["PLAIN".to_owned()]));
    assert_eq!(shake_hands(&mut client, 1, "PLAIN").0, 0);
    assert_eq!(authenticate(&mut client, 1, "\0alice\0wonderland").0, 0);
    // Again, as the same user (KIP-368); without a handshake; as somebody else.
    assert_eq!(shake_hands(&mut client, 1, "PLAIN").0, 0);
    assert_eq!(authenticate(&mut client, 1, "\0alice\0wonderland").0, 0);
    assert!(is_served(&mut client));
    assert_eq!(authenticate(&mut client, 1, "\0alice\0wonderland").0, 34);
    assert!(is_served(&mut client));
    assert_eq!(shake_hands(&mut client, 1, "PLAIN").0, 0);
    let (error, words) = authenticate(&mut client, 1, "\0bob\0builder");
    assert_eq!((error, words.unwrap().contains("cannot change its user")), (58, true));
    assert!(client.read_to_end().is_empty());

    let mut early = self::client(&bed);
    assert_eq!(authenticate(&mut early, 2, "\0alice\0wonderland").0, 34);
    assert!(early.read_to_end().is_empty());

    let mut large = self::client(&bed);
    large.stream.write_all(&(1i32 << 20).to_be_bytes()).unwrap();
    assert!(large.read_to_end().is_empty(), "nobody outside needs so much");
}

#[test]
fn a_broker_without_the_hook_knows_no_login() {
    let bed = Bed::new(Way::Socket);
    let mut client = client(&bed);
    let served = client.call(2, &ApiVersionsRequest::default());
    assert!(!served.api_keys.iter().any(|api| [17, 36].contains(&api.api_key)));
    client.send(1, &SaslHandshakeRequest::default().with_mechanism(text("PLAIN")));
    assert!(client.read_to_end().is_empty());
}

fn credentials(user: &str, password: &str) -> Option<Credentials> {
    Some(Credentials { user: user.to_owned(), password: password.to_owned() })
}

fn produce(bed: &Bed, credentials: Option<Credentials>) -> minka::Result<()> {
    let config = ProducerConfig { credentials, ..ProducerConfig::default() };
    let producer = Producer::open(bed.target(), config)?;
    producer.send(Message::new("t", b"a"))?.wait(PATIENCE).map(drop)
}

fn consume(
    bed: &Bed,
    credentials: Option<Credentials>,
    group: Option<Group>,
) -> minka::Result<u64> {
    let config = ConsumerConfig { credentials, group, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(bed.target(), config.clone())?;
    match config.group {
        Some(_) => consumer.subscribe(&["t"])?,
        None => consumer.assign(&[("t", 0, StartAt::Earliest)])?,
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "neither records nor an error came");
        let records = consumer.poll(Duration::from_millis(100))?;
        if let Some(record) = records.iter().next() {
            return Ok(record.offset);
        }
    }
}

fn topics(bed: &Bed, credentials: Option<Credentials>) -> minka::Result<usize> {
    let admin = Admin::open(bed.target(), AdminConfig { credentials, ..AdminConfig::default() })?;
    admin.topics().map(|topics| topics.len())
}

#[test]
fn clients_log_in_or_are_told_why_not() {
    let bed = bed();
    let good = || credentials("alice", "wonderland");
    produce(&bed, good()).unwrap();
    assert_eq!(consume(&bed, good(), None).unwrap(), 0);
    let partitions = Some(Group::Partitions("g".to_owned()));
    assert_eq!(consume(&bed, good(), partitions.clone()).unwrap(), 0);
    assert_eq!(topics(&bed, good()).unwrap(), 1);

    let queue = Some(Group::Queue("q".to_owned()));
    let wrong = || credentials("alice", "no");
    let refusals = |credentials: &dyn Fn() -> Option<Credentials>| -> Vec<Error> {
        vec![
            produce(&bed, credentials()).unwrap_err(),
            consume(&bed, credentials(), None).unwrap_err(),
            consume(&bed, credentials(), partitions.clone()).unwrap_err(),
            consume(&bed, credentials(), queue.clone()).unwrap_err(),
            topics(&bed, credentials()).unwrap_err(),
        ]
    };
    for error in refusals(&wrong) {
        assert_eq!(error.kind(), ErrorKind::AuthenticationFailed, "{error}");
        assert!(error.to_string().contains(WRONG), "{error}");
        assert!(error.to_string().contains("logging in as alice"), "{error}");
        assert!(!error.kind().is_retriable());
    }
    for error in refusals(&|| None) {
        assert_eq!(error.kind(), ErrorKind::AuthenticationRequired, "{error}");
    }
    let open = Bed::new(Way::Socket);
    let error = produce(&open, good()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthenticationFailed, "{error}");
    assert!(error.to_string().contains("wants no login"), "{error}");
    assert!(error.to_string().contains("logging in as alice"), "{error}");
}

#[test]
fn hooks_see_who_logged_in() {
    type Seen = Mutex<Vec<(Option<String>, Option<u64>)>>;
    let seen: Arc<Seen> = Arc::default();
    let hook = |seen: Arc<Seen>| {
        move |passing: &minka::engine::Passing<'_>| {
            let user = passing.peer.user.map(str::to_owned);
            seen.lock().unwrap().push((user, passing.offset));
            Verdict::Pass
        }
    };
    let bed = Bed::with(Way::Socket, |config| {
        config.hooks.authentication = Some(Arc::new(check));
        config.hooks.admission = Some(Arc::new(hook(seen.clone())));
        config.hooks.delivery = Some(Arc::new(hook(seen.clone())));
    });
    produce(&bed, credentials("alice", "wonderland")).unwrap();
    consume(&bed, credentials("bob", "builder"), None).unwrap();
    let expected = [(Some("alice".to_owned()), None), (Some("bob".to_owned()), Some(0))];
    assert_eq!(*seen.lock().unwrap(), expected);
    // Nobody asks clients of this process.
    let local = Producer::open(&bed.broker, ProducerConfig::default()).unwrap();
    local.send(Message::new("other", b"b")).unwrap().wait(PATIENCE).unwrap();
    assert_eq!(seen.lock().unwrap().last(), Some(&(None, None)));
}
