//! Being a member of a queue group: each message goes to one member, which acknowledges it.

mod held;
mod local;
mod member;
mod source;

pub(super) use held::Marks;
pub(super) use local::LocalQueue;
pub(super) use member::QueueMember;
pub(super) use source::{Acquired, QueueNews, QueueSource, Refused};
