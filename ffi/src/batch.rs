//! Records that a poll returned, and a cursor through them.

use std::ptr::NonNull;

use minka_core::client::{Iter, Record, Records};

use crate::boundary;
use crate::bytes::{minka_bytes, minka_header, number, signed};
use crate::handle::{changed, free_memory, output, pointed};

/// The records that a poll returned, and a cursor through them. Belongs to one thread at a time. It
/// may outlive its consumer and its broker, and be used in a child of fork().
#[derive(Debug)]
pub struct minka_batch {
    /// Borrows from `records`, so it stands before it: what stands first is dropped first.
    cursor: Iter<'static>,
    /// The headers of the records that have any, in their order, as far as they were read.
    headers: Vec<Box<[minka_header]>>,
    /// How many records with headers the cursor has passed.
    passed: usize,
    records: Owned,
}

/// Records that stay where they are, whatever happens to who owns them.
#[derive(Debug)]
struct Owned(NonNull<Records>);

/// A record. Its bytes are valid until its batch is freed.
#[repr(C)]
#[derive(Debug)]
pub struct minka_record {
    /// The topic.
    pub topic: minka_bytes,
    /// The partition.
    pub partition: i32,
    /// How often the record was delivered to a member of a queue group, this time included; 1
    /// without one.
    pub delivery_count: u32,
    /// The offset in the partition.
    pub offset: i64,
    /// The producer's time or the time of the append, as the topic is set, in milliseconds since
    /// 1970-01-01 UTC.
    pub timestamp: i64,
    /// The key, or null.
    pub key: minka_bytes,
    /// The value, or null.
    pub value: minka_bytes,
    /// The headers, in the order in which the producer gave them.
    pub headers: *const minka_header,
    /// How many headers there are.
    pub header_count: usize,
}

/// How many records there are, passed or not; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_batch_count(batch: *const minka_batch) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        let batch = unsafe { pointed(batch, "batch") }?;
        // SAFETY: the records are there until the batch is dropped.
        Ok(unsafe { batch.records.0.as_ref() }.len())
    })
}

/// Goes to the next record. False when there is none, or an argument is NULL; then nothing is
/// written. Records of a partition come in the order of their offsets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_batch_next(
    batch: *mut minka_batch,
    record: *mut minka_record,
) -> bool {
    boundary::value(false, || {
        // SAFETY: the header says what callers must keep to.
        let (batch, out) = unsafe { (changed(batch, "batch")?, output(record, "record")?) };
        Ok(batch.next().map(|record| out.write(record)).is_some())
    })
}

/// Goes on by as many records as there are, `capacity` at most, and writes them to `records`.
/// Answers how many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_batch_next_many(
    batch: *mut minka_batch,
    records: *mut minka_record,
    capacity: usize,
) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        let (batch, _) = unsafe { (changed(batch, "batch")?, output(records, "records")?) };
        let mut count = 0;
        while count < capacity
            && let Some(record) = batch.next()
        {
            // SAFETY: as above.
            unsafe { records.add(count).write(record) };
            count += 1;
        }
        Ok(count)
    })
}

/// Goes back to before the first record. Records that were read stay valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_batch_rewind(batch: *mut minka_batch) {
    boundary::value((), || {
        // SAFETY: the header says what callers must keep to.
        let batch = unsafe { changed(batch, "batch") }?;
        // SAFETY: the records are there until the batch is dropped, the cursor before them.
        batch.cursor = unsafe { batch.records.0.as_ref() }.iter();
        batch.passed = 0;
        Ok(())
    });
}

/// Frees a batch, and with it the bytes of its records; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_batch_free(batch: *mut minka_batch) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(batch) }
}

impl minka_batch {
    pub(crate) fn new(records: Records) -> Self {
        let records = NonNull::from(Box::leak(Box::new(records)));
        // SAFETY: the records stay where they are until the batch is dropped, the cursor before
        // them, and nobody changes them.
        let cursor = unsafe { records.as_ref() }.iter();
        Self { cursor, headers: Vec::new(), passed: 0, records: Owned(records) }
    }

    #[inline]
    fn next(&mut self) -> Option<minka_record> {
        let record = self.cursor.next()?;
        let headers = self.headers_of(&record);
        Some(minka_record {
            topic: minka_bytes::of(record.topic.as_bytes()),
            partition: number(record.partition),
            delivery_count: record.delivery_count,
            offset: signed(Some(record.offset)),
            timestamp: record.timestamp,
            key: minka_bytes::of_option(record.key),
            value: minka_bytes::of_option(record.value),
            headers: minka_header::pointer(headers),
            header_count: headers.len(),
        })
    }

    /// The headers of the record that the cursor has just passed, read once.
    fn headers_of(&mut self, record: &Record<'_>) -> &[minka_header] {
        if record.headers.count_left() == 0 {
            return &[];
        }
        if self.passed == self.headers.len() {
            self.headers.push(record.headers.map(|header| minka_header::of(&header)).collect());
        }
        self.passed += 1;
        self.headers.get(self.passed - 1).map_or(&[], |headers| headers)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: they were leaked by `minka_batch::new`, and nobody borrows them any more.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
