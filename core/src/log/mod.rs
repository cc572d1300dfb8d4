//! The one log, `mensajes.log`: entries, segments, index, recovery, snapshots and the cleaner.
