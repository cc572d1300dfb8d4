//! Keys and values, which are bytes, on a terminal, in a pipe and in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minka::batch::records::Headers;
use serde_json::{Map, Value};

/// The bytes as text on one line that cannot drive a terminal: control characters and what is not
/// UTF-8 are written as escapes.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' => text.push('\t'),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                other if other.is_control() || is_invisible(other) => {
                    text.extend(other.escape_unicode());
                }
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Whether a character changes the direction of what is around it, so that a person is shown
/// something else than what is there.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The bytes as they are, on one line: only line breaks are escaped.
pub(crate) fn push_line(out: &mut Vec<u8>, bytes: &[u8]) {
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\\n");
        }
        out.extend_from_slice(line);
    }
    out.push(b'\n');
}

/// Puts what the producer gave into a record's object: key, value and headers.
pub(crate) fn insert_content(
    object: &mut Map<String, Value>,
    (key, value): (Option<&[u8]>, Option<&[u8]>),
    headers: Headers<'_>,
) {
    insert(object, "key", key);
    insert(object, "value", value);
    let headers = headers.map(|header| {
        let mut object = Map::new();
        insert(&mut object, "key", Some(header.key));
        insert(&mut object, "value", header.value);
        Value::Object(object)
    });
    object.insert("headers".into(), headers.collect());
}

/// Puts a key or value under its name: as text, as base64 under `NAME_base64` where it is no
/// UTF-8, as null where it is none.
fn insert(object: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => object.insert(name.to_owned(), Value::Null),
        Some((_, Ok(text))) => object.insert(name.to_owned(), text.into()),
        Some((bytes, Err(_))) => {
            object.insert(format!("{name}_base64"), STANDARD.encode(bytes).into())
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_nothing_that_drives_it() {
        assert_eq!(printable(b"plain \xc3\xa9\tok"), "plain \u{e9}\tok");
        assert_eq!(printable(b"a\nb\r\x1b[31m\xff\x7f"), "a\\nb\\r\\u{1b}[31m\\xff\\u{7f}");
        assert_eq!(printable("\u{202e}evil\u{9b}".as_bytes()), "\\u{202e}evil\\u{9b}");
    }

    #[test]
    fn a_pipe_gets_one_line_with_all_bytes() {
        let mut out = Vec::new();
        push_line(&mut out, b"a\nb\xff\x1b\r");
        push_line(&mut out, b"");
        assert_eq!(out, b"a\\nb\xff\x1b\r\n\n");
    }

    #[test]
    fn json_tells_text_from_bytes_and_from_nothing() {
        let mut object = Map::new();
        insert(&mut object, "key", None);
        insert(&mut object, "text", Some(b"a\n"));
        insert(&mut object, "value", Some(b"\xff"));
        let text = serde_json::to_string(&object).unwrap();
        assert_eq!(text, r#"{"key":null,"text":"a\n","value_base64":"/w=="}"#);
    }
}
