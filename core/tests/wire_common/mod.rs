//! Compares what two decoders made of the same bytes, by the `Debug` text of both.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kafka_protocol::protocol::VersionRange;
use minka::wire::kafka::field::Message;

/// A value as `Debug` shows it, without the names of types, newtypes and `Some`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shown {
    Struct(Vec<(String, Shown)>),
    List(Vec<Shown>),
    Other(String),
}

/// Panics unless `ours` and `theirs` have equal fields, where ours may be called otherwise and
/// theirs may have some that are not in the versions we speak.
pub(crate) fn assert_same_fields(ours: &impl Debug, theirs: &impl Debug, what: &str) {
    let (ours, theirs) = (shown(ours), shown(theirs));
    assert_eq!(ours, theirs, "{what}");
}

/// The versions of a message that we speak and they speak too.
pub(crate) fn versions_of<M: Message>(_: &[M], theirs: VersionRange) -> RangeInclusive<i16> {
    let (first, last) = M::API.accepted();
    assert!(first >= theirs.min && first <= theirs.max, "{theirs} and ours from {first}");
    first..=last.min(theirs.max)
}

fn shown(value: &impl Debug) -> Shown {
    let text = format!("{value:?}");
    let message = text.split(' ').next().unwrap_or_default();
    let mut parser = Parser { message, rest: &text };
    let shown = parser.value();
    assert_eq!(parser.rest, "", "left over of {text}");
    shown
}

/// Names under which we have fields of Kafka's message definitions.
const OTHER_NAMES: [(&str, &str); 4] = [
    ("topic_data", "topics"),
    ("partition_data", "partitions"),
    ("partition_responses", "partitions"),
    ("forgotten_topics_data", "forgotten_topics"),
];

/// Fields that exist only in versions that one of us does not speak: the name of the struct, or
/// of the whole message, and that of the field.
const NEWER: [(&str, &str); 20] = [
    ("DescribeClusterBroker", "is_fenced"),
    ("DescribeClusterRequest", "include_fenced_brokers"),
    ("DescribeShareGroupOffsetsResponse", "lag"),
    ("FetchPartition", "high_watermark"),
    ("InitProducerIdRequest", "enable_2_pc"),
    ("InitProducerIdRequest", "keep_prepared_txn"),
    ("InitProducerIdResponse", "ongoing_txn_producer_id"),
    ("InitProducerIdResponse", "ongoing_txn_producer_epoch"),
    ("OffsetCommitRequestTopic", "topic_id"),
    ("OffsetCommitResponseTopic", "topic_id"),
    ("OffsetFetchRequestTopics", "topic_id"),
    ("OffsetFetchResponseTopics", "topic_id"),
    // Fields of minka's own.
    ("ProducePartitionResponse", "first_record_id"),
    ("SharePartitionOffset", "in_flight"),
    ("SharePartitionOffset", "redelivered"),
    ("ShareAcknowledgeRequest", "is_renew_ack"),
    ("ShareAcknowledgeResponse", "acquisition_lock_timeout_ms"),
    ("ShareFetchRequest", "is_renew_ack"),
    ("ShareFetchRequest", "partition_max_bytes"),
    ("ShareFetchRequest", "share_acquire_mode"),
];

struct Parser<'t> {
    message: &'t str,
    rest: &'t str,
}

impl Parser<'_> {
    fn value(&mut self) -> Shown {
        if self.eat("[") {
            return Shown::List(self.list("]"));
        }
        if self.rest.starts_with("b\"") {
            self.rest = &self.rest[1..];
            return bytes(&self.quoted());
        }
        if self.rest.starts_with('"') {
            return Shown::Other(self.quoted());
        }
        let word_len = self.rest.find([' ', ',', '(', ')', '[', ']', '{', '}']);
        let (word, rest) = self.rest.split_at(word_len.unwrap_or(self.rest.len()));
        self.rest = rest;
        if self.eat(" { ") {
            return Shown::Struct(self.fields(word));
        }
        if self.eat("(") {
            let value = self.value();
            assert!(self.eat(")"), "no ) before {}", self.rest);
            return value;
        }
        if self.eat("{}") {
            return Shown::List(Vec::new());
        }
        Shown::Other(uuid(word))
    }

    fn list(&mut self, end: &str) -> Vec<Shown> {
        let mut values = Vec::new();
        while !self.eat(end) {
            values.push(self.value());
            self.eat(", ");
        }
        values
    }

    fn fields(&mut self, of: &str) -> Vec<(String, Shown)> {
        let mut fields = Vec::new();
        while !self.eat(" }") {
            let (name, rest) = self.rest.split_once(": ").expect("a field");
            self.rest = rest;
            let value = self.value();
            self.eat(", ");
            if name == "unknown_tagged_fields" {
                assert_eq!(value, Shown::List(Vec::new()), "unknown tagged fields in {of}");
            } else if !NEWER.contains(&(of, name)) && !NEWER.contains(&(self.message, name)) {
                let renamed = OTHER_NAMES.iter().find(|(theirs, _)| *theirs == name);
                fields.push((renamed.map_or(name, |(_, ours)| ours).to_owned(), value));
            }
        }
        fields
    }

    fn quoted(&mut self) -> String {
        let mut end = 1;
        while !self.rest[end..].starts_with('"') {
            end += if self.rest[end..].starts_with('\\') { 2 } else { 1 };
        }
        let (text, rest) = self.rest.split_at(end + 1);
        self.rest = rest;
        text.to_owned()
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// The crate `bytes` shows escaped text, a slice shows a list of numbers.
fn bytes(quoted: &str) -> Shown {
    let mut rest = quoted.trim_matches('"').bytes();
    let mut list = Vec::new();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'\\' => match rest.next() {
                Some(b'x') => {
                    let hex: Vec<u8> = rest.by_ref().take(2).collect();
                    let digits = std::str::from_utf8(&hex).expect("two digits");
                    u8::from_str_radix(digits, 16).expect("two digits")
                }
                Some(b'0') => 0,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                other => other.expect("an escaped character"),
            },
            byte => byte,
        };
        list.push(Shown::Other(byte.to_string()));
    }
    Shown::List(list)
}

/// The crate `uuid` shows 32 digits with four dashes between them; we show base64.
fn uuid(word: &str) -> String {
    let digits: String = word.chars().filter(|c| *c != '-').collect();
    if word.len() != 36 || digits.len() != 32 {
        return word.to_owned();
    }
    let id = u128::from_str_radix(&digits, 16).expect("32 digits");
    URL_SAFE_NO_PAD.encode(id.to_be_bytes())
}

/// A test that our message and the crate kafka-protocol's agree in every version that we speak,
/// for each of some values and for the default:
///
/// - what we write, they read completely, and the fields are the same as what we read,
/// - what they write is what we wrote,
/// - nothing shorter can be read.
#[macro_export]
macro_rules! agree {
    ($test:ident: $ours:ident, [$($value:expr),* $(,)?]) => {
        #[test]
        fn $test() {
            use kafka_protocol::protocol::{Decodable, Encodable};
            use minka::wire::kafka::{Reader, Writer};

            let values = [$($value,)* $ours::default()];
            let theirs =
                <kafka_protocol::messages::$ours as kafka_protocol::protocol::Message>::VERSIONS;
            for version in $crate::wire_common::versions_of(&values, theirs) {
                for (index, value) in values.iter().enumerate() {
                    let what = format!("version {version} of value {index}");
                    let mut bytes = Vec::new();
                    value.encode(&mut Writer::new(&mut bytes), version);

                    let mut rest = bytes::Bytes::from(bytes.clone());
                    let theirs = kafka_protocol::messages::$ours::decode(&mut rest, version);
                    let theirs = theirs.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert!(rest.is_empty(), "{what}: they leave {rest:?}");

                    let mut reader = Reader::new(&bytes);
                    let ours = $ours::decode(&mut reader, version).expect(&what);
                    assert_eq!(reader.remaining(), 0, "{what}");
                    $crate::wire_common::assert_same_fields(&ours, &theirs, &what);

                    let mut again = bytes::BytesMut::new();
                    theirs.encode(&mut again, version).expect(&what);
                    assert_eq!(again[..], bytes[..], "{what}");

                    for len in 0..bytes.len() {
                        let cut = $ours::decode(&mut Reader::new(&bytes[..len]), version);
                        assert!(cut.is_err(), "{what}: read from {len} bytes: {cut:?}");
                    }
                }
            }
        }
    };
}
