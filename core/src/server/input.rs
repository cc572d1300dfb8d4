//! What has arrived on a connection, and the frames in it.
//!
//! A thread reads into one chunk that all its connections share, and a frame that arrived in one
//! piece stays where it is: [`Bytes`] refer to the chunk. Only what is not a whole frame yet is
//! kept by its connection, so that a silent connection keeps nothing.

use std::io::{self, IoSliceMut, Read};

use bytes::{Buf, Bytes, BytesMut};

use crate::wire::kafka::frame::{self, FrameError};

/// How large the chunk of a thread is.
const CHUNK_BYTES: usize = 256 << 10;
/// The least room to read into.
const ROOM_BYTES_MIN: usize = 32 << 10;
/// The start of a frame is copied before what follows it, as long as it is no longer than this.
const COPY_BYTES_MAX: usize = 4 << 10;
/// The length before a frame.
const LENGTH_BYTES: usize = 4;

/// Where a thread reads into. All of it is initialised.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    room: BytesMut,
}

/// What a connection has received and not handled yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Frames, and perhaps the start of another one.
    received: Bytes,
    /// Whether `received` is a copy, not a part of the chunk.
    is_copy: bool,
    /// The frame that is arriving. Of these bytes `filled` have arrived; they grow with them,
    /// never by what the frame announces.
    partial: BytesMut,
    filled: usize,
    /// Where the frame that is arriving will end, once that is known; else 0.
    end: usize,
}

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrived {
    /// How many bytes. 0 is the end.
    pub(super) bytes: usize,
    /// Whether there may be more.
    pub(super) more: bool,
}

impl Chunk {
    fn room(&mut self) -> &mut [u8] {
        if self.room.len() < ROOM_BYTES_MIN + COPY_BYTES_MAX {
            self.room.clear();
            if self.room.try_reclaim(CHUNK_BYTES) {
                self.room.resize(CHUNK_BYTES, 0);
            } else {
                self.room = BytesMut::zeroed(CHUNK_BYTES);
            }
        }
        &mut self.room
    }

    fn take(&mut self, bytes: usize) -> Bytes {
        self.room.split_to(bytes).freeze()
    }
}

impl Input {
    /// Reads once. All frames that arrived before must have been taken out.
    pub(super) fn receive(
        &mut self,
        source: &mut impl Read,
        chunk: &mut Chunk,
    ) -> io::Result<Arrived> {
        debug_assert!(self.received.is_empty(), "frames are left");
        if self.filled > COPY_BYTES_MAX {
            return self.receive_more(source, chunk);
        }
        let room = chunk.room();
        let (start, rest) = room.split_at_mut(self.filled);
        let bytes = source.read(rest)?;
        let more = bytes == rest.len();
        if bytes > 0 {
            start.copy_from_slice(&self.partial[..self.filled]);
            self.received = chunk.take(self.filled + bytes);
            self.is_copy = false;
            self.forget_partial();
        }
        Ok(Arrived { bytes, more })
    }

    /// Reads into a large frame, and what follows it into the chunk.
    fn receive_more(&mut self, source: &mut impl Read, chunk: &mut Chunk) -> io::Result<Arrived> {
        if self.filled == self.partial.len() {
            let grown = self.filled.saturating_mul(2).min(self.end);
            self.partial.resize(grown, 0);
        }
        let is_whole = self.partial.len() == self.end;
        let own = &mut self.partial[self.filled..];
        let own_len = own.len();
        if !is_whole {
            let bytes = source.read(own)?;
            self.filled += bytes;
            let more = bytes == own_len;
            return Ok(Arrived { bytes, more });
        }
        let room = chunk.room();
        let room_len = room.len();
        let bytes = source.read_vectored(&mut [IoSliceMut::new(own), IoSliceMut::new(room)])?;
        let behind = bytes.saturating_sub(own_len);
        self.filled += bytes - behind;
        self.received = chunk.take(behind);
        self.is_copy = false;
        let more = bytes == own_len + room_len;
        Ok(Arrived { bytes, more })
    }

    /// Takes the next frame out, without its length, if all of it is here.
    pub(super) fn next_frame(&mut self, bytes_max: usize) -> Result<Option<Bytes>, FrameError> {
        if self.end > 0 {
            if self.filled < self.end {
                return Ok(None);
            }
            let mut frame = std::mem::take(&mut self.partial).freeze();
            self.forget_partial();
            frame.advance(LENGTH_BYTES);
            return Ok(Some(frame));
        }
        match frame::next_frame(&self.received, bytes_max)? {
            Some(content) => {
                let mut frame = self.received.split_to(content.end);
                frame.advance(content.start);
                Ok(Some(frame))
            }
            None => {
                self.keep_start();
                Ok(None)
            }
        }
    }

    /// Whether there may be a whole frame.
    pub(super) fn may_have_frame(&self) -> bool {
        !self.received.is_empty() || (self.end > 0 && self.filled == self.end)
    }

    /// Whether nothing is here, not even a part of a frame.
    pub(super) fn is_empty(&self) -> bool {
        self.received.is_empty() && self.filled == 0
    }

    /// Nothing will be taken out for a while: lets go of the chunk, so that the rest of it is
    /// not kept for the sake of these bytes.
    pub(super) fn settle(&mut self) {
        if !self.received.is_empty() && !self.is_copy {
            self.received = Bytes::copy_from_slice(&self.received);
            self.is_copy = true;
        }
    }

    /// Keeps the start of a frame until its rest arrives.
    fn keep_start(&mut self) {
        let start = std::mem::take(&mut self.received);
        if start.is_empty() {
            return;
        }
        self.partial = BytesMut::from(&start[..]);
        self.filled = start.len();
        if let Some(length) = start.first_chunk::<LENGTH_BYTES>() {
            // The length has been checked: it is not negative and not too large.
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or_default();
            self.end = LENGTH_BYTES.saturating_add(length);
        }
    }

    fn forget_partial(&mut self) {
        if !self.partial.is_empty() {
            self.partial = BytesMut::new();
        }
        (self.filled, self.end) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it has in portions of a given size.
    struct Portions<'a> {
        rest: &'a [u8],
        size: usize,
    }

    impl Read for Portions<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.read_vectored(&mut [IoSliceMut::new(buf)])
        }

        fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
            let size = self.size.min(self.rest.len());
            let (mut portion, rest) = self.rest.split_at(size);
            let mut read = 0;
            for buf in bufs {
                let bytes = portion.read(buf)?;
                read += bytes;
            }
            self.rest = &self.rest[read..];
            debug_assert_eq!(rest.len() + size - read, self.rest.len());
            Ok(read)
        }
    }

    fn stream(lengths: &[usize]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut stream = Vec::new();
        let mut frames = Vec::new();
        for (n, &length) in lengths.iter().enumerate() {
            let frame: Vec<u8> = (0..length).map(|at| (at * 7 + n) as u8).collect();
            stream.extend((length as i32).to_be_bytes());
            stream.extend(&frame);
            frames.push(frame);
        }
        (stream, frames)
    }

    #[test]
    fn frames_come_out_whole_whatever_the_portions_they_arrive_in() {
        let lengths = [0, 1, 5, 4091, 4092, 4093, 9000, 0, 600_000, 3, 70_000, 300_000, 17];
        let (stream, frames) = stream(&lengths);
        for size in [1, 3, 1000, 4096, 5000, 40_000, 65_536, 1 << 20] {
            let mut source = Portions { rest: &stream, size };
            let (mut input, mut chunk) = (Input::default(), Chunk::default());
            let mut found = Vec::new();
            loop {
                while let Some(frame) = input.next_frame(1 << 20).unwrap() {
                    found.push(frame);
                }
                if input.receive(&mut source, &mut chunk).unwrap().bytes == 0 {
                    break;
                }
                if size == 1000 {
                    input.settle();
                }
            }
            assert!(input.is_empty());
            assert_eq!(found.len(), frames.len(), "portions of {size}");
            assert!(found == frames, "portions of {size}");
        }
    }

    #[test]
    fn memory_grows_with_what_arrives_and_not_by_what_is_announced() {
        let mut start = 90_000_000_i32.to_be_bytes().to_vec();
        start.resize(10_000, 1);
        let mut source = Portions { rest: &start, size: 5000 };
        let (mut input, mut chunk) = (Input::default(), Chunk::default());
        while input.receive(&mut source, &mut chunk).unwrap().bytes > 0 {
            assert_eq!(input.next_frame(100_000_000), Ok(None));
        }
        assert!(input.partial.capacity() <= 20_000, "{}", input.partial.capacity());
        assert!(!input.is_empty() && !input.may_have_frame());
    }

    #[test]
    fn a_connection_that_waits_does_not_hold_the_chunk() {
        let (stream, _) = stream(&[10, 10]);
        let mut source = Portions { rest: &stream, size: 100 };
        let (mut input, mut chunk) = (Input::default(), Chunk::default());
        input.receive(&mut source, &mut chunk).unwrap();
        drop(input.next_frame(100));
        input.settle();
        assert!(input.may_have_frame());
        chunk.room.clear();
        assert!(chunk.room.try_reclaim(CHUNK_BYTES), "the chunk is still held");
    }
}
