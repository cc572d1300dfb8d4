//! Writes a batch anew of which some records change or are left out.

use super::builder::{write_header, write_record};
use super::compression::{Codec, compress};
use super::header::{BatchHeader, CONTROL, HEADER_BYTES, LOG_APPEND_TIME, TRANSACTIONAL};
use super::records::{Header, Record};
use crate::error::Result;
use crate::limits::DECOMPRESSED_BYTES_MAX;

/// The key of a record that ends a transaction well: its version, and which end it is.
const COMMIT: &[u8] = &[0, 0, 0, 1];
/// Its value: a version, and the epoch of who has coordinated the transaction.
const NOBODY: &[u8] = &[0; 6];

/// A batch that is written anew, record by record.
///
/// It keeps everything that is not a record: offsets, timestamps, the producer and its sequence,
/// the attributes. Records that are not taken over leave a hole, as compaction does.
///
/// A batch of which all are left out still covers its offsets, so that consumers go on behind it.
/// It becomes the end of a transaction that nobody was part of, which all clients pass over: of a
/// batch without any records, librdkafka believes that the records were too large to be fetched.
#[derive(Debug)]
pub struct Rewrite {
    header: BatchHeader,
    /// Room for the header, then the records as they come.
    plain: Vec<u8>,
    count: i32,
}

impl Rewrite {
    /// A batch with `header`, and no records yet.
    pub fn new(header: BatchHeader) -> Self {
        Self { header, plain: vec![0; HEADER_BYTES], count: 0 }
    }

    /// Takes records over as they are: `count` of them, as they lie in the uncompressed batch.
    pub fn keep(&mut self, records: &[u8], count: i32) {
        self.plain.extend_from_slice(records);
        self.count += count;
    }

    /// Takes a record over with another key, value and headers.
    ///
    /// Fails with `MessageTooLarge` where the records would be more than
    /// [`DECOMPRESSED_BYTES_MAX`].
    pub fn change(
        &mut self,
        record: &Record<'_>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<()> {
        let deltas = (record.timestamp_delta, record.offset_delta);
        write_record(&mut self.plain, deltas, (key, value), headers, DECOMPRESSED_BYTES_MAX)?;
        self.count += 1;
        Ok(())
    }

    /// The batch, compressed as it was. Fails where the codec does.
    pub fn finish(self) -> Result<Vec<u8>> {
        let Self { mut header, mut plain, count } = self;
        header.record_count = count;
        let codec = header.codec()?;
        if count == 0 {
            header.attributes = header.attributes & LOG_APPEND_TIME | CONTROL | TRANSACTIONAL;
            (header.producer_id, header.producer_epoch, header.base_sequence) = (-1, -1, -1);
            header.record_count = 1;
            let (deltas, marker) = ((0, header.last_offset_delta), (Some(COMMIT), Some(NOBODY)));
            write_record(&mut plain, deltas, marker, &[], DECOMPRESSED_BYTES_MAX)?;
        } else if codec != Codec::None {
            let packed = compress(codec, &plain[HEADER_BYTES..])?;
            plain.truncate(HEADER_BYTES);
            plain.extend_from_slice(&packed);
        }
        write_header(&mut plain, header)?;
        Ok(plain)
    }
}
