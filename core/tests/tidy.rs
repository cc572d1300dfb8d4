//! The rules of the house that no compiler checks, on every source file:
//! floors, sizes, characters, forgotten words and files, and calls that have a better way here.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of core by floor: a file imports from lower floors and from its own module.
const FLOORS: [&[&str]; 7] = [
    &["error", "limits", "clock", "checksum"],
    &["sys", "setting"],
    &["batch", "queue"],
    &["state", "log"],
    &["engine", "wire"],
    &["server", "client"],
    &["embedded"],
];
/// The directories that are looked at, and the files in them at which a compiler begins.
const CRATES: [(&str, &[&str]); 5] = [
    ("core/src", &["lib.rs"]),
    ("ffi/src", &["lib.rs"]),
    ("bindings/python/src", &["lib.rs"]),
    ("bindings/node/src", &["lib.rs"]),
    ("broker/src", &["lib.rs", "main.rs", "bin/consumer.rs", "bin/minka.rs", "bin/producer.rs"]),
];
const LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

/// Words that no file may have.
const WORDS: [&str; 6] = ["TODO", "FIXME", "XXX", "dbg!(", "todo!(", "unimplemented!("];

/// Calls, the paths under which they are banned, those where they are not, and what to do.
const BANNED: [(&str, &str, &str, &str); 13] = [
    ("println!(", "core/", "-", "say it in the event log"),
    ("thread::sleep(", "core/", "-", "wait for a condition, with a deadline"),
    ("process::exit(", "core/", "-", "return an Error"),
    ("process::abort(", "", "-", "return an Error"),
    ("_ne_bytes(", "", "-", "files and wires have a byte order: to_be_bytes or to_le_bytes"),
    ("SystemTime::now(", "core/", "core/src/clock.rs", "take a Clock"),
    ("Instant::now(", "core/src/state/", "-", "time is an argument"),
    ("File::open(", "core/", "core/src/sys/", "go through sys::storage"),
    ("File::create(", "core/", "core/src/sys/", "go through sys::storage"),
    ("OpenOptions::", "core/", "core/src/sys/", "go through sys::storage"),
    ("fs::rename(", "core/", "core/src/sys/", "go through sys::storage"),
    ("fs::remove_file(", "core/", "core/src/sys/", "go through sys::storage"),
    ("#[allow(", "", "core/src/wire/kafka/macros.rs", "say #[expect(..., reason = \"...\")]"),
];

#[test]
fn every_source_file_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut findings = Vec::new();
    for (directory, starts) in CRATES {
        let directory = root.join(directory);
        let mut reached = BTreeSet::new();
        for start in starts {
            reach(&directory.join(start), &mut reached);
        }
        for file in sources(&directory) {
            let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            check(&path, &fs::read_to_string(&file).unwrap(), &mut findings);
            if !reached.contains(&file) {
                findings.push(format!("{path}: no `mod` leads here"));
            }
        }
    }
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// All `.rs` files below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Follows `mod name;` from file to file.
fn reach(file: &Path, reached: &mut BTreeSet<PathBuf>) {
    let Ok(text) = fs::read_to_string(file) else {
        return;
    };
    if !reached.insert(file.to_path_buf()) {
        return;
    }
    let stem = file.file_stem().unwrap();
    let beside = file.parent().unwrap();
    let below = if ["lib", "main", "mod"].iter().any(|name| stem == *name) {
        beside.to_path_buf()
    } else {
        beside.join(stem)
    };
    for name in text.lines().filter_map(module_of) {
        reach(&below.join(format!("{name}.rs")), reached);
        reach(&below.join(name).join("mod.rs"), reached);
    }
}

/// The name in a line like `pub mod name;`.
fn module_of(line: &str) -> Option<&str> {
    let (before, name) = line.trim().strip_suffix(';')?.rsplit_once(' ')?;
    (before == "mod" || before.starts_with("pub") && before.ends_with(" mod")).then_some(name)
}

fn check(path: &str, text: &str, findings: &mut Vec<String>) {
    let lines: Vec<&str> = text.lines().collect();
    let tests = if path.ends_with("/tests.rs") { 0 } else { tests_from(&lines) };
    if tests > LINES_MAX {
        findings.push(format!("{path}: {tests} lines before the tests, {LINES_MAX} are allowed"));
    }
    for (at, line) in lines.iter().enumerate() {
        let mut find = |what: String| findings.push(format!("{path}:{}: {what}", at + 1));
        if line.chars().count() > COLUMNS_MAX {
            find(format!("more than {COLUMNS_MAX} columns"));
        }
        if !line.is_ascii() {
            find("not ASCII".into());
        }
        for word in WORDS.iter().filter(|word| line.contains(*word)) {
            find(format!("`{word}` is something unfinished"));
        }
        let code = !line.trim_start().starts_with("//") && at < tests;
        for (call, under, except, instead) in BANNED {
            let here = path.starts_with(under) && !path.starts_with(except);
            if code && here && line.contains(call) {
                find(format!("`{call}` is not for here: {instead}"));
            }
        }
        let length = function_length(&lines[at..]);
        if code && length > FUNCTION_LINES_MAX {
            find(format!("a function of {length} lines, {FUNCTION_LINES_MAX} are allowed"));
        }
    }
    if let Some(inside) = path.strip_prefix("core/src/").filter(|inside| *inside != "lib.rs") {
        check_floors(path, inside, &lines, tests, findings);
    }
}

/// The index of the line at which the test module begins.
fn tests_from(lines: &[&str]) -> usize {
    let begins = |two: &[&str]| two[0] == "#[cfg(test)]" && two[1].starts_with("mod ");
    let found = lines.windows(2).position(begins);
    found.filter(|at| lines[at + 1].ends_with('{')).unwrap_or(lines.len())
}

/// How many lines the function has that begins with the first line; 0 where none does.
///
/// It relies on rustfmt, which puts the closing brace under the first letter of the function.
fn function_length(lines: &[&str]) -> usize {
    let first = lines[0];
    let words = first.trim_start();
    let is_function = words.split(['(', '<']).next().is_some_and(|start| {
        let words: Vec<_> = start.split_whitespace().collect();
        words.contains(&"fn") && !words.iter().any(|word| word.starts_with(['/', '"', '!']))
    }) || words.starts_with("pub(") && words.contains(") fn ");
    if !is_function || first.ends_with('}') || first.ends_with(';') {
        return 0;
    }
    let end = format!("{}}}", &first[..first.len() - words.len()]);
    let opens = lines.iter().position(|line| line.ends_with('{')).unwrap_or(lines.len());
    if lines[..opens].iter().any(|line| line.ends_with(';')) {
        return 0;
    }
    lines.iter().position(|line| *line == end).map_or(0, |at| at + 1)
}

fn check_floors(
    path: &str,
    inside: &str,
    lines: &[&str],
    tests: usize,
    findings: &mut Vec<String>,
) {
    let floor_of = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let module = inside.split(['/', '.']).next().unwrap();
    let Some(floor) = floor_of(module) else {
        findings.push(format!("{path}: `{module}` has no floor: give it one in tidy.rs"));
        return;
    };
    let depth = inside.trim_end_matches("/mod.rs").matches('/').count();
    let up = "super::".repeat(depth + 1);
    for (at, line) in lines[..tests].iter().enumerate() {
        let mut find = |what: String| findings.push(format!("{path}:{}: {what}", at + 1));
        if line.trim_start().starts_with("//") {
            continue;
        }
        if line.contains(&up) {
            find(format!("`{up}` leaves its module: write `crate::`"));
        }
        for (start, _) in line.match_indices("crate::") {
            let rest = &line[start + "crate::".len()..];
            let other: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            match floor_of(&other) {
                _ if other == module => {}
                Some(below) if below < floor => {}
                Some(_) => find(format!("`{module}` may not import from `{other}`: see FLOORS")),
                None => find(format!("name the module after `crate::`, not `{other}`")),
            }
        }
    }
}

#[test]
fn it_finds_what_is_wrong() {
    let long = format!("fn f() {{\n{}}}", "    g();\n".repeat(69));
    let signature =
        format!("    pub(crate) fn f(\n    ) {{\n{}    }}", "        g();\n".repeat(68));
    let wide = format!("// {}", "a".repeat(98));
    let many = "\n".repeat(501);
    for (path, text, expected) in [
        ("core/src/batch/a.rs", "use crate::log::Entry;", "may not import from `log`"),
        ("core/src/batch/a.rs", "use crate::queue::Ring;", "may not import from `queue`"),
        ("core/src/clock.rs", "use crate::error::Error;", "may not import from `error`"),
        ("core/src/log/a.rs", "fn f() -> crate::engine::E {}", "may not import from `engine`"),
        ("core/src/log/a.rs", "use crate::{Error, engine};", "name the module"),
        ("core/src/log/a.rs", "use crate::Error;", "name the module"),
        ("core/src/log/a.rs", "use super::super::engine::E;", "leaves its module"),
        ("core/src/attic/a.rs", "", "has no floor"),
        ("core/src/log/a.rs", &long, "a function of 71 lines"),
        ("core/src/log/a.rs", &signature, "a function of 71 lines"),
        ("core/src/log/a.rs", &wide, "more than 100 columns"),
        ("broker/src/a.rs", &many, "501 lines before the tests"),
        ("broker/src/a.rs", "// caf\u{e9}", "not ASCII"),
        ("broker/src/a.rs", "// TODO later", "unfinished"),
        ("broker/src/a.rs", "    dbg!(1);", "unfinished"),
        ("core/src/log/a.rs", "    eprintln!(\"\");", "event log"),
        ("core/src/log/a.rs", "    std::thread::sleep(long);", "a condition"),
        ("core/src/log/a.rs", "    let b = 1u32.to_ne_bytes();", "byte order"),
        ("core/src/log/a.rs", "    let f = File::open(path)?;", "sys::storage"),
        ("core/src/state/a.rs", "    let now = Instant::now();", "time is an argument"),
        ("broker/src/a.rs", "#[allow(dead_code)]", "#[expect"),
    ] {
        let mut findings = Vec::new();
        check(path, text, &mut findings);
        let found = findings.iter().filter(|finding| finding.contains(expected)).count();
        assert_eq!(found, 1, "{path}: {text}\n{findings:?}");
    }
}

#[test]
fn it_lets_pass_what_is_right() {
    let function = format!("fn f() {{\n{}}}", "    g();\n".repeat(68));
    let declared = format!("trait T {{\n    fn f(\n    );\n{}}}", "    // More.\n".repeat(99));
    let tested = format!("#[cfg(test)]\nmod tests {{\n{}}}", "    println!();\n".repeat(600));
    for (path, text) in [
        ("core/src/log/a.rs", "use crate::batch::BatchHeader;\nuse crate::log::b::B;"),
        ("core/src/log/a.rs", "// Unlike crate::engine, this calls no println!(\"\")."),
        ("core/src/log/a.rs", "use super::b::B;\npub(crate) use super::c::C;"),
        ("core/src/log/a/b.rs", "use super::super::c::C;"),
        ("core/src/log/a.rs", &function),
        ("core/src/log/a.rs", &declared),
        ("core/src/log/a.rs", &tested),
        ("core/src/sys/disk.rs", "    let f = File::open(path)?;"),
        ("broker/src/main.rs", "    println!(\"ready\");"),
    ] {
        let mut findings = Vec::new();
        check(path, text, &mut findings);
        assert_eq!(findings, [""; 0], "{path}");
    }
    assert_eq!(module_of("pub(crate) mod a;"), Some("a"));
    assert_eq!(module_of("mod a;"), Some("a"));
    assert_eq!(module_of("use a::b;"), None);
}
