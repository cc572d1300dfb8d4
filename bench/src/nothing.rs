//! The broker that does nothing: the ceiling for what a broker can do with a connection.
//!
//! It reads Produce requests from one connection, takes their checksum, appends all that one read
//! brought with one write, syncs that if it is to, and answers it with one write.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use minka::checksum::crc32c;
use minka::limits::FRAME_BYTES_MAX;
use minka::wire::kafka::frame::{next_frame, write_response};
use minka::wire::kafka::produce::{
    ProducePartitionResponse, ProduceResponse, ProduceTopicResponse,
};

use crate::Outcome;
use crate::client::PRODUCE_VERSION;

const BUFFER_BYTES: usize = 256 << 10;
/// Where the correlation ID lies in a request, and in an answer behind its length.
const REQUEST_ID: std::ops::Range<usize> = 4..8;
const ANSWER_ID: std::ops::Range<usize> = 4..8;

/// How the broker that does nothing keeps what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Keeping {
    /// With one write for all that one read brought.
    Gathered,
    /// With one write for each request.
    Each,
    /// As gathered, and synced before it is answered.
    Synced,
}

impl Keeping {
    /// Its name on the command line.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::Gathered => "gathered",
            Self::Each => "each",
            Self::Synced => "synced",
        }
    }
}

/// Serves one connection after another until it is killed.
pub(crate) fn serve(file: &Path, keeping: Keeping) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("ready kafka={}", listener.local_addr()?);
    let mut file = File::create(file)?;
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        connection(stream, &mut file, keeping)?;
    }
    Ok(())
}

fn connection(mut stream: TcpStream, file: &mut File, keeping: Keeping) -> Outcome<()> {
    let answer = answer()?;
    let (mut buffer, mut held) = (vec![0; BUFFER_BYTES], 0);
    let (mut answers, mut sums) = (Vec::new(), 0);
    loop {
        if held == buffer.len() {
            buffer.resize(held * 2, 0);
        }
        match stream.read(&mut buffer[held..])? {
            0 => return Ok(()),
            length => held += length,
        }
        let mut done = 0;
        while let Some(range) = next_frame(&buffer[done..held], FRAME_BYTES_MAX)? {
            let frame = &buffer[done + range.start..done + range.end];
            sums ^= crc32c(frame);
            if keeping == Keeping::Each {
                file.write_all(frame)?;
            }
            let at = answers.len();
            answers.extend_from_slice(&answer);
            answers[at..][ANSWER_ID].copy_from_slice(&frame[REQUEST_ID]);
            done += range.end;
        }
        if done == 0 {
            continue;
        }
        // The checksum has to be used for something.
        std::hint::black_box(sums);
        if keeping != Keeping::Each {
            file.write_all(&buffer[..done])?;
        }
        if keeping == Keeping::Synced {
            file.sync_data()?;
        }
        stream.write_all(&answers)?;
        answers.clear();
        buffer.copy_within(done..held, 0);
        held -= done;
    }
}

/// An answer that says that all went well, with its length in front.
fn answer() -> Outcome<Vec<u8>> {
    let partition = ProducePartitionResponse::default();
    let topic = ProduceTopicResponse {
        name: "bench".into(),
        partitions: vec![partition],
        ..ProduceTopicResponse::default()
    };
    let response = ProduceResponse { responses: vec![topic], ..ProduceResponse::default() };
    let mut bytes = Vec::new();
    write_response(&mut bytes, PRODUCE_VERSION, 0, &response)?;
    Ok(bytes)
}
