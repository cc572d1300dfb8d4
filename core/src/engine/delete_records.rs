//! Deleting records by request.

use std::sync::Arc;

use super::{Broker, Partition};
use crate::error::{Error, ErrorKind, Result};

impl Broker {
    /// Deletes the records of partitions before an offset each, or all that are visible where
    /// there is none. Returns each partition's log start offset; when it does, that survives a
    /// power cut. Deleting what is gone already changes nothing.
    ///
    /// # Errors
    /// `OffsetOutOfRange` for an offset behind the high watermark.
    pub fn delete_records(&self, wanted: &[(Arc<Partition>, Option<u64>)]) -> Vec<Result<u64>> {
        let shared = &*self.shared;
        let planned: Vec<Result<u64>> = wanted.iter().map(plan).collect();
        let moves = wanted.iter().zip(&planned).filter_map(|((partition, _), planned)| {
            let offset = *planned.as_ref().ok()?;
            (offset > partition.log_start()).then(|| (partition.clone(), offset))
        });
        let moves: Vec<_> = moves.collect();
        if moves.is_empty() {
            return planned;
        }
        if let Err(error) = shared.move_log_starts(moves) {
            return planned.into_iter().map(|planned| planned.and(Err(error.clone()))).collect();
        }
        shared.keeper.clean_soon();
        let now = wanted.iter().map(|(partition, _)| partition.log_start());
        planned.into_iter().zip(now).map(|(planned, now)| planned.map(|_| now)).collect()
    }
}

/// Where the partition is to begin.
fn plan((partition, before): &(Arc<Partition>, Option<u64>)) -> Result<u64> {
    let end = partition.high_watermark();
    let before = before.unwrap_or(end);
    if before > end {
        return Err(Error::new(
            ErrorKind::OffsetOutOfRange,
            format!(
                "the records before offset {before} cannot be deleted: the partition ends at {end}"
            ),
        ));
    }
    Ok(before.max(partition.log_start()))
}
