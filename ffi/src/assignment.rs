//! The partitions that a consumer reads.

use crate::boundary;
use crate::bytes::{minka_bytes, number};
use crate::handle::{free_memory, invalid, output, pointed};
use crate::status::minka_status;
use minka_core::Result;

/// The partitions that a consumer reads. May be read by several threads at once.
#[derive(Debug)]
pub struct minka_assignment {
    partitions: Vec<(String, u32)>,
}

/// A partition of a topic.
#[repr(C)]
#[derive(Debug)]
pub struct minka_topic_partition {
    /// The topic.
    pub topic: minka_bytes,
    /// The partition.
    pub partition: i32,
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_assignment_count(assignment: *const minka_assignment) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        Ok(unsafe { pointed(assignment, "assignment") }?.partitions.len())
    })
}

/// One of them; its bytes are valid until the assignment is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_assignment_get(
    assignment: *const minka_assignment,
    index: usize,
    partition: *mut minka_topic_partition,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (assignment, out) =
            unsafe { (pointed(assignment, "assignment")?, output(partition, "partition")?) };
        out.write(minka_topic_partition::of(at(&assignment.partitions, index)?));
        Ok(())
    })
}

/// Frees an assignment; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_assignment_free(assignment: *mut minka_assignment) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(assignment) }
}

impl minka_assignment {
    pub(crate) fn new(partitions: Vec<(String, u32)>) -> Self {
        Self { partitions }
    }
}

impl minka_topic_partition {
    pub(crate) fn of((topic, partition): &(String, u32)) -> Self {
        Self { topic: minka_bytes::of(topic.as_bytes()), partition: number(*partition) }
    }
}

/// What a list has at an index.
pub(crate) fn at<T>(list: &[T], index: usize) -> Result<&T> {
    list.get(index).ok_or_else(|| {
        invalid("index", &format!("is {index}, and there are {} to be had", list.len()))
    })
}
