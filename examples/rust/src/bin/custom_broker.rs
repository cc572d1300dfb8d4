//! A broker with rules of its own: what may come in, what goes out, and who may connect.

use std::sync::Arc;
use std::time::Duration;

use minka::Embedded;
use minka::client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, Credentials, Message, Producer, ProducerConfig,
    StartAt,
};
use minka::engine::{Changed, EventKind, Hooks, Login, Passing, Verdict};

const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> minka::Result<()> {
    let hooks = Hooks {
        admission: Some(Arc::new(admit)),
        delivery: Some(Arc::new(deliver)),
        authentication: Some(Arc::new(authenticate)),
    };
    let broker = Embedded::open(&[("kafka", "127.0.0.1:0")], hooks)?;
    let address = broker.bootstrap_servers().unwrap_or_default();
    let mut events = broker.broker().watch_events(100);
    let shop =
        |password: &str| Some(Credentials { user: "shop".into(), password: password.into() });

    let credentials = shop("secret");
    let config = ProducerConfig { credentials: credentials.clone(), ..ProducerConfig::default() };
    let producer = Producer::open(&*address, config)?;
    let card = Message::new("orders", b"order 1, card 4111111111111111").with_key(b"shop");
    let receipt = producer.send(card)?.wait(PATIENCE)?;
    let offset = receipt.offset.unwrap_or_default();
    println!("sent: {}/{}@{offset}", receipt.topic, receipt.partition);
    if let Err(error) = producer.send(Message::new("orders", b"order 2"))?.wait(PATIENCE) {
        println!("refused: {error}");
    }

    let config = ConsumerConfig { credentials, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(&*address, config)?;
    consumer.assign(&[("orders", 0, StartAt::Earliest)])?;
    for record in &consumer.poll(PATIENCE)? {
        println!("received: {}", String::from_utf8_lossy(record.value.unwrap_or_default()));
        for header in record.headers.filter(|header| header.key == b"stamped-by") {
            println!("stamped by: {}", String::from_utf8_lossy(header.value.unwrap_or_default()));
        }
    }

    let timeout = Duration::from_secs(5);
    let config = AdminConfig { credentials: shop("guess"), timeout, ..AdminConfig::default() };
    if let Err(error) = Admin::open(&*address, config)?.topics() {
        println!("login refused: {error}");
    }

    consumer.close()?;
    producer.close(PATIENCE)?;
    broker.close()?;
    while let Some(event) = events.next(PATIENCE)? {
        match event.kind {
            EventKind::TopicCreated => {
                println!("event: topic created: {}", event.topic.unwrap_or_default());
            }
            EventKind::LoginRefused => {
                println!("event: login refused: {}", event.client.unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Orders have keys, and get a stamp.
fn admit(record: &Passing<'_>) -> Verdict {
    if record.key.is_none() {
        return Verdict::Refuse("an order needs a key".to_owned());
    }
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let mut headers: Vec<_> = record.headers.map(|h| (h.key.to_vec(), owned(h.value))).collect();
    headers.push((b"stamped-by".to_vec(), Some(b"custom_broker".to_vec())));
    Verdict::Change(Changed { key: owned(record.key), value: owned(record.value), headers })
}

/// Nobody sees the number of a card.
fn deliver(record: &Passing<'_>) -> Verdict {
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let Some(mut value) = owned(record.value) else { return Verdict::Pass };
    let Some(at) = value.windows(5).position(|word| word == b"card ") else {
        return Verdict::Pass;
    };
    value[at..].iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'*');
    let headers = record.headers.map(|h| (h.key.to_vec(), owned(h.value))).collect();
    Verdict::Change(Changed { key: owned(record.key), value: Some(value), headers })
}

fn authenticate(login: &Login<'_>) -> Result<(), String> {
    match (login.user, login.password) {
        ("shop", "secret") => Ok(()),
        _ => Err("wrong password".to_owned()),
    }
}
