//! Who comes to a group and who goes, for those who want to be told.

use std::sync::Arc;

/// A member came to a group, or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// The group.
    pub group: Arc<str>,
    /// The member's ID.
    pub member_id: String,
    /// What its client calls itself.
    pub client_id: String,
    /// Whether it came.
    pub joined: bool,
}
