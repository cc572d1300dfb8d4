//! The languages that minka is used from, and their programs in `bench/bindings`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

/// A program of `bench/bindings`, ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    words: Vec<OsString>,
    environment: Vec<(&'static str, PathBuf)>,
}

/// A file or directory of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

impl Program {
    /// This program itself.
    pub(crate) fn rust() -> Outcome<Self> {
        Ok(Self::new([env::current_exe()?.as_os_str(), OsStr::new("speed")]))
    }

    /// Built into `directory`, with the library that is beside this program or installed in
    /// `MINKA_PREFIX`.
    pub(crate) fn c(directory: &Path) -> Outcome<Self> {
        let (library, include) = match env::var_os("MINKA_PREFIX") {
            Some(prefix) => {
                let prefix = PathBuf::from(prefix);
                (prefix.join("lib"), prefix.join("include"))
            }
            None => (env::current_exe()?.with_file_name(""), repository("include")),
        };
        let library = library.join("libminka.a");
        if !library.exists() {
            return Err(format!("there is no {}", library.display()).into());
        }
        let out = directory.join("speed");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c11", "-O2", "-I"]).arg(include).arg(source("speed.c"));
        compiler.arg(library).args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&out);
        finish(&mut compiler)?;
        Ok(Self::new([out.as_os_str(), OsStr::new("run")]))
    }

    /// With the interpreter of the tests, or that of `MINKA_PYTHON`.
    pub(crate) fn python(file: &str) -> Outcome<Self> {
        let interpreter = env::var_os("MINKA_PYTHON").map(PathBuf::from);
        let interpreter = interpreter.unwrap_or_else(|| repository(".venv/bin/python"));
        let program = source(file);
        Ok(Self::new([interpreter.as_os_str(), program.as_os_str(), OsStr::new("run")]))
    }

    /// With the package in `bindings/node`, and the packages of the tests.
    pub(crate) fn node(file: &str) -> Outcome<Self> {
        let program = source(file);
        let mut node = Self::new([OsStr::new("node"), program.as_os_str(), OsStr::new("run")]);
        node.environment.push(("MINKA_NODE", repository("bindings/node").canonicalize()?));
        node.environment.push(("MINKA_KAFKAJS", repository("tests/clients").canonicalize()?));
        Ok(node)
    }

    fn new<const N: usize>(words: [&OsStr; N]) -> Self {
        let words = words.map(OsStr::to_owned).into();
        Self { words, environment: Vec::new() }
    }

    /// Sends and reads records. How many of them in a second.
    pub(crate) fn run(&self, records: usize, address: Option<&str>) -> Outcome<[f64; 2]> {
        let mut command = self.command(self.words.len());
        let said = finish(command.arg(records.to_string()).args(address))?;
        let speed = |name| {
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>({
                records as f64 / figure(&said, name)?
            })
        };
        Ok([speed("produced")?, speed("consumed")?])
    }

    /// Starts, opens a broker and ends. The seconds that something of this took.
    pub(crate) fn start(&self, names: &[&str]) -> Outcome<Vec<f64>> {
        let mut command = self.command(self.words.len() - 1);
        let said = finish(command.arg("start"))?;
        names.iter().map(|name| figure(&said, name)).collect()
    }

    fn command(&self, words: usize) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..words]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn source(file: &str) -> PathBuf {
    repository("bench/bindings").join(file)
}

/// Runs a program to its end, which must be a good one. What it prints.
pub(crate) fn finish(command: &mut Command) -> Outcome<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("starting {name}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let telling = said.lines().rfind(|line| line.contains("rror")).unwrap_or(&said);
        return Err(format!("{name} ended with {}: {}", output.status, telling.trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The number behind `name=`.
fn figure(said: &str, name: &str) -> Outcome<f64> {
    let found = said.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let found = found.ok_or_else(|| format!("{name} is not in {said:?}"))?;
    Ok(found.parse()?)
}
