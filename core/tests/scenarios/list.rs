//! What `tests/scenarios/LIST` says.

const LIST: &str = include_str!("../../../tests/scenarios/LIST");

/// The scenarios: name, and where it is run.
pub(crate) fn scenarios() -> impl Iterator<Item = (&'static str, &'static str)> {
    lines("scenario").map(|words| (words[0], words[1]))
}

/// The errors: number, name, and whether to try again.
pub(crate) fn errors() -> impl Iterator<Item = (i32, &'static str, bool)> {
    lines("error").map(|words| {
        let is_retriable = match words[2] {
            "retriable" => true,
            "final" => false,
            other => panic!("{other} is neither retriable nor final"),
        };
        (words[0].parse().unwrap(), words[1], is_retriable)
    })
}

/// What follows the first word on the lines that begin with it.
fn lines(first: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let words = LIST.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(move |words| words.first() == Some(&first)).map(|words| words[1..].to_vec())
}
