//! What is to be sent on a connection: bytes, and regions of files.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use mio::net::TcpStream;

use crate::log::Piece;
use crate::sys::storage::StoredFile;

/// What one turn of a connection sends at most, so that others get theirs.
const BYTES_PER_TURN: usize = 1 << 20;
/// How many buffers one write takes.
const BUFFERS_PER_WRITE: usize = 64;
/// What is read from a file at once where the system cannot send from it.
const COPY_BYTES: usize = 64 << 10;
/// A silent connection keeps a buffer of at most this many bytes.
const KEPT_BYTES_MAX: usize = 1 << 10;
const KEPT_PARTS_MAX: usize = 8;

/// The answers of a connection that are on their way. Small ones are gathered in one buffer.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    parts: VecDeque<Part>,
    /// How many bytes of memory `parts` hold.
    parts_bytes: usize,
    /// What follows the parts, of which `sent` bytes have been sent.
    tail: Vec<u8>,
    sent: usize,
}

#[derive(Debug)]
enum Part {
    Bytes(Bytes),
    Region { file: Arc<dyn StoredFile>, position: u64, length: usize },
}

/// Pieces that belong at a position of the buffer they were left out of.
#[derive(Debug)]
pub(super) struct Gap {
    /// The position in the buffer.
    pub(super) position: usize,
    /// Which of the pieces.
    pub(super) pieces: Range<usize>,
}

/// How far sending has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Everything is sent.
    All,
    /// The peer has to make room first.
    Blocked,
    /// It is the turn of others.
    Paused,
}

impl Outbox {
    /// The buffer that answers are appended to.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Puts `pieces` into the gaps, in order, that were left in what was appended last.
    pub(super) fn fill(&mut self, gaps: &[Gap], pieces: &[Piece]) {
        if gaps.is_empty() {
            return;
        }
        let mut buffer = Bytes::from(std::mem::take(&mut self.tail));
        let mut taken = std::mem::take(&mut self.sent);
        buffer.advance(taken);
        for gap in gaps {
            let before = buffer.split_to(gap.position - taken);
            taken = gap.position;
            self.push(Part::Bytes(before));
            for piece in &pieces[gap.pieces.clone()] {
                self.push(part(piece));
            }
        }
        self.push(Part::Bytes(buffer));
    }

    /// How much memory waits to be sent: bytes, and a little for each part.
    pub(super) fn memory(&self) -> usize {
        self.parts_bytes + self.parts.len() * size_of::<Part>() + self.tail.len() - self.sent
    }

    /// Whether everything is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.tail.len() == self.sent
    }

    /// Sends as much as the peer takes now. Adds to `count` what has been sent.
    pub(super) fn send(&mut self, socket: &mut TcpStream, count: &mut usize) -> io::Result<Sent> {
        let mut left = BYTES_PER_TURN;
        while !self.is_empty() {
            if left == 0 {
                return Ok(Sent::Paused);
            }
            match self.send_some(socket, left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    *count += bytes;
                    left = left.saturating_sub(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Sent::Blocked);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.shrink();
        Ok(Sent::All)
    }

    fn send_some(&mut self, socket: &mut TcpStream, limit: usize) -> io::Result<usize> {
        match self.parts.front_mut() {
            None => {
                let bytes = socket.write(&self.tail[self.sent..])?;
                self.sent += bytes;
                Ok(bytes)
            }
            Some(Part::Bytes(_)) => self.send_bytes(socket),
            Some(Part::Region { file, position, length }) => {
                let wanted = limit.min(*length);
                let Some(bytes) = send_region(socket, &**file, *position, wanted)? else {
                    self.load_region()?;
                    return self.send_bytes(socket);
                };
                *position += bytes as u64;
                *length -= bytes;
                if *length == 0 {
                    self.parts.pop_front();
                }
                Ok(bytes)
            }
        }
    }

    /// Sends the bytes up to the next region with one call.
    fn send_bytes(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); BUFFERS_PER_WRITE];
        let mut count = 0;
        let bytes_of = |part: &Part| match part {
            Part::Bytes(bytes) => Some(bytes.len()),
            Part::Region { .. } => None,
        };
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            let Part::Bytes(bytes) = part else { break };
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        if count == self.parts.len() && count < BUFFERS_PER_WRITE {
            slices[count] = IoSlice::new(&self.tail[self.sent..]);
            count += 1;
        }
        let bytes = socket.write_vectored(&slices[..count])?;
        let mut left = bytes;
        while let Some(length) = self.parts.front().and_then(bytes_of) {
            let whole = length <= left;
            let gone = length.min(left);
            left -= gone;
            self.parts_bytes -= gone;
            if whole {
                self.parts.pop_front();
            } else {
                if let Some(Part::Bytes(bytes)) = self.parts.front_mut() {
                    bytes.advance(gone);
                }
                break;
            }
        }
        self.sent += left;
        Ok(bytes)
    }

    /// Reads a little of the region at the front into memory.
    fn load_region(&mut self) -> io::Result<()> {
        let Some(Part::Region { file, position, length }) = self.parts.front_mut() else {
            return Ok(());
        };
        let mut bytes = vec![0; COPY_BYTES.min(*length)];
        file.read_exact_at(&mut bytes, *position)?;
        *position += bytes.len() as u64;
        *length -= bytes.len();
        if *length == 0 {
            self.parts.pop_front();
        }
        self.parts_bytes += bytes.len();
        self.parts.push_front(Part::Bytes(bytes.into()));
        Ok(())
    }

    fn push(&mut self, part: Part) {
        match &part {
            Part::Bytes(bytes) if bytes.is_empty() => return,
            Part::Region { length: 0, .. } => return,
            Part::Bytes(bytes) => self.parts_bytes += bytes.len(),
            Part::Region { .. } => {}
        }
        self.parts.push_back(part);
    }

    fn shrink(&mut self) {
        self.tail.clear();
        self.sent = 0;
        self.tail.shrink_to(KEPT_BYTES_MAX);
        if self.parts.capacity() > KEPT_PARTS_MAX {
            self.parts = VecDeque::new();
        }
    }
}

fn part(piece: &Piece) -> Part {
    match piece {
        Piece::Bytes(bytes) => Part::Bytes(bytes.clone()),
        Piece::Region { file, position, length } => {
            Part::Region { file: file.clone(), position: *position, length: *length }
        }
    }
}

/// Sends from a file directly; `None` where the system cannot.
#[cfg(target_os = "linux")]
fn send_region(
    socket: &TcpStream,
    file: &dyn StoredFile,
    position: u64,
    length: usize,
) -> io::Result<Option<usize>> {
    let Some(file) = file.as_file() else {
        return Ok(None);
    };
    let mut offset = i64::try_from(position).map_err(io::Error::other)?;
    match nix::sys::sendfile::sendfile64(socket, file, Some(&mut offset), length)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        bytes => Ok(Some(bytes)),
    }
}

#[cfg(not(target_os = "linux"))]
fn send_region(_: &TcpStream, _: &dyn StoredFile, _: u64, _: usize) -> io::Result<Option<usize>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream as StdStream};
    use std::thread;

    /// A file that is an operating system's file only if it is told so.
    #[derive(Debug)]
    struct Stored {
        bytes: Vec<u8>,
        file: Option<File>,
    }

    impl StoredFile for Stored {
        fn size(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
            let bytes = self.bytes.get(position as usize..).unwrap_or_default();
            (&mut &*bytes).read_exact(buf)
        }

        fn write_all_at(&self, _: &[&[u8]], _: u64) -> io::Result<()> {
            unreachable!("nothing writes here")
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }

        fn set_size(&self, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn as_file(&self) -> Option<&File> {
            self.file.as_ref()
        }
    }

    fn stored(length: usize, is_file: bool) -> Arc<dyn StoredFile> {
        let bytes: Vec<u8> = (0..length).map(|at| (at / 7) as u8).collect();
        let file = is_file.then(|| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            file
        });
        Arc::new(Stored { bytes, file })
    }

    fn pair() -> (TcpStream, StdStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = StdStream::connect(listener.local_addr().unwrap()).unwrap();
        near.set_nonblocking(true).unwrap();
        (TcpStream::from_std(near), listener.accept().unwrap().0)
    }

    fn region(file: &Arc<dyn StoredFile>, position: u64, length: usize) -> Piece {
        Piece::Region { file: file.clone(), position, length }
    }

    /// The bytes of a piece, which need be no batches here.
    fn plain(piece: &Piece) -> Vec<u8> {
        match piece {
            Piece::Bytes(bytes) => bytes.to_vec(),
            Piece::Region { file, position, length } => {
                let mut bytes = vec![0; *length];
                file.read_exact_at(&mut bytes, *position).unwrap();
                bytes
            }
        }
    }

    #[test]
    fn pieces_arrive_where_they_were_left_out() {
        for is_file in [true, false] {
            let file = stored(3_000_000, is_file);
            let pieces = [
                Piece::Bytes(Bytes::from_static(b"one")),
                region(&file, 5, 2_500_000),
                Piece::Bytes(Bytes::from(vec![9; 300_000])),
                region(&file, 0, 10),
            ];
            let bytes_of: Vec<u8> = pieces.iter().flat_map(plain).collect();
            let mut outbox = Outbox::default();
            let mut expected = Vec::new();
            for round in 0..3 {
                outbox.buffer().extend_from_slice(b"before[][]after");
                let start = outbox.buffer().len() - 15;
                let gap = |position, pieces| Gap { position, pieces };
                outbox.fill(&[gap(start + 7, 0..3), gap(start + 9, 3..4)], &pieces);
                outbox.buffer().push(round);
                expected.extend_from_slice(b"before[");
                expected.extend_from_slice(&bytes_of[..bytes_of.len() - 10]);
                expected.extend_from_slice(b"][");
                expected.extend_from_slice(&bytes_of[bytes_of.len() - 10..]);
                expected.extend_from_slice(b"]after");
                expected.push(round);
            }
            assert!(outbox.memory() < 1_000_000, "{}", outbox.memory());

            let (mut near, mut far) = pair();
            let reader = thread::spawn(move || {
                let mut received = Vec::new();
                far.read_to_end(&mut received).unwrap();
                received
            });
            let mut count = 0;
            while outbox.send(&mut near, &mut count).unwrap() != Sent::All {
                thread::yield_now();
            }
            drop(near);
            assert_eq!((count, outbox.memory()), (expected.len(), 0));
            assert!(reader.join().unwrap() == expected, "file: {is_file}");
        }
    }

    #[test]
    fn a_turn_ends_before_everything_is_sent() {
        let (mut near, mut far) = pair();
        let mut outbox = Outbox::default();
        outbox.buffer().extend(vec![1; BYTES_PER_TURN * 40]);
        let mut count = 0;
        // Nobody reads: what does not fit into the sockets stays here.
        while outbox.send(&mut near, &mut count).unwrap() == Sent::Paused {}
        assert_eq!(outbox.memory(), BYTES_PER_TURN * 40 - count);
        assert!(!outbox.is_empty());
        let mut some = vec![0; 1000];
        far.read_exact(&mut some).unwrap();
        assert!(some.iter().all(|byte| *byte == 1));
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        for is_file in [true, false] {
            let (mut near, _far) = pair();
            let mut outbox = Outbox::default();
            outbox.buffer().push(1);
            let gap = Gap { position: 1, pieces: 0..1 };
            outbox.fill(&[gap], &[region(&stored(100, is_file), 50, 100)]);
            let error = outbox.send(&mut near, &mut 0).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "file: {is_file}");
        }
    }
}
