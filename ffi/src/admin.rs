//! Managing topics and groups.

use std::sync::{Arc, Mutex, PoisonError};

use minka_core::Result;
use minka_core::client::{Admin, AdminConfig, NewTopic, ResetTo, StartAt};

use crate::boundary;
use crate::broker::{minka_broker, target};
use crate::bytes::{minka_bytes, partition};
use crate::cluster::minka_cluster;
use crate::config::minka_config;
use crate::consumer::minka_start;
use crate::groups::{minka_group_description, minka_groups};
use crate::handle::{Handle, Life, free, give, invalid, open, output, pointed, slice};
use crate::status::minka_status;
use crate::topics::{minka_topic_description, minka_topics};

/// Creates, describes, changes and deletes topics and groups. Any number of threads may use it.
/// Changes hold when their call returns.
#[derive(Debug)]
pub struct minka_admin {
    life: Life,
    admin: Mutex<Option<Arc<Admin>>>,
}

/// A setting of a topic or group that is to be given.
#[repr(C)]
#[derive(Debug)]
pub struct minka_change {
    /// Its name.
    pub name: minka_bytes,
    /// Its value; NULL goes back to the default.
    pub value: minka_bytes,
}

/// Opens an admin: of a broker in this process, or, with `broker` NULL, of those behind
/// `bootstrap_servers`, "HOST:PORT" with commas between several. It connects to nothing yet.
///
/// Its settings have their Kafka names: client.id, default.api.timeout.ms (how long a call may
/// take), request.timeout.ms, retry.backoff.ms, retry.backoff.max.ms, security.protocol,
/// sasl.mechanism, sasl.username, sasl.password. `config` may be NULL. MINKA_INVALID_CONFIG names
/// what cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_open(
    broker: *const minka_broker,
    bootstrap_servers: minka_bytes,
    config: *const minka_config,
    admin: *mut *mut minka_admin,
) -> minka_status {
    boundary::status(|| {
        let mut settings = AdminConfig::default();
        // SAFETY: the header says what callers must keep to.
        let (out, target) =
            unsafe { (output(admin, "admin")?, target(broker, bootstrap_servers)?) };
        // SAFETY: as above.
        unsafe { minka_config::of_client(config, |name, value| settings.set(name, value)) }?;
        let life = Life::begin("admin")?;
        let admin = Arc::new(Admin::open(target, settings)?);
        give(out, minka_admin { life, admin: Mutex::new(Some(admin)) });
        Ok(())
    })
}

/// Creates a topic, with -1 for the broker's default number of partitions. What `settings` does
/// not name has its default. MINKA_TOPIC_EXISTS, MINKA_INVALID_TOPIC, MINKA_INVALID_PARTITIONS,
/// MINKA_INVALID_CONFIG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_create_topic(
    admin: *const minka_admin,
    name: minka_bytes,
    partitions: i32,
    settings: *const minka_change,
    setting_count: usize,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name, settings) = unsafe {
            (open(admin, "admin")?, name.text("name")?, slice(settings, setting_count, "settings")?)
        };
        let settings = settings.iter().map(|setting| {
            // SAFETY: as above.
            let (name, value) = unsafe {
                (setting.name.text("settings[].name")?, setting.value.text("settings[].value")?)
            };
            Ok((name.to_owned(), value.to_owned()))
        });
        let partitions = match partitions {
            -1 => None,
            given => Some(partition(given)?),
        };
        let settings = settings.collect::<Result<_>>()?;
        admin.inner()?.create_topic(&NewTopic { name: name.to_owned(), partitions, settings })
    })
}

/// Deletes a topic with its records. MINKA_UNKNOWN_TOPIC_OR_PARTITION.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_delete_topic(
    admin: *const minka_admin,
    name: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name) = unsafe { (open(admin, "admin")?, name.text("name")?) };
        admin.inner()?.delete_topic(name)
    })
}

/// All topics, by name in order. Freed by minka_topics_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_topics(
    admin: *const minka_admin,
    topics: *mut *mut minka_topics,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, out) = unsafe { (open(admin, "admin")?, output(topics, "topics")?) };
        give(out, minka_topics::new(admin.inner()?.topics()?));
        Ok(())
    })
}

/// A topic with its partitions and settings. Freed by minka_topic_description_free().
/// MINKA_UNKNOWN_TOPIC_OR_PARTITION.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_describe_topic(
    admin: *const minka_admin,
    name: minka_bytes,
    description: *mut *mut minka_topic_description,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name, out) = unsafe {
            (open(admin, "admin")?, name.text("name")?, output(description, "description")?)
        };
        give(out, minka_topic_description::new(admin.inner()?.describe_topic(name)?));
        Ok(())
    })
}

/// Gives a topic more partitions: `count` is how many it then has. The keys of its records are
/// spread anew from there on. MINKA_INVALID_PARTITIONS where it has as many already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_add_partitions(
    admin: *const minka_admin,
    name: minka_bytes,
    count: i32,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name) = unsafe { (open(admin, "admin")?, name.text("name")?) };
        let count = u32::try_from(count).map_err(|_| invalid("count", "is negative"))?;
        admin.inner()?.add_partitions(name, count)
    })
}

/// Changes settings of a topic, all or none. MINKA_INVALID_CONFIG,
/// MINKA_UNKNOWN_TOPIC_OR_PARTITION.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_alter_topic(
    admin: *const minka_admin,
    name: minka_bytes,
    changes: *const minka_change,
    change_count: usize,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name, changes) = unsafe {
            (open(admin, "admin")?, name.text("name")?, read_changes(changes, change_count)?)
        };
        admin.inner()?.alter_topic(name, &changes)
    })
}

/// All groups, by name in order. Freed by minka_groups_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_groups(
    admin: *const minka_admin,
    groups: *mut *mut minka_groups,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, out) = unsafe { (open(admin, "admin")?, output(groups, "groups")?) };
        give(out, minka_groups::new(admin.inner()?.groups()?));
        Ok(())
    })
}

/// A group with its members and where it is. Freed by minka_group_description_free().
/// MINKA_GROUP_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_describe_group(
    admin: *const minka_admin,
    name: minka_bytes,
    description: *mut *mut minka_group_description,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name, out) = unsafe {
            (open(admin, "admin")?, name.text("name")?, output(description, "description")?)
        };
        give(out, minka_group_description::new(admin.inner()?.describe_group(name)?));
        Ok(())
    })
}

/// Has a group go on elsewhere in all partitions of a topic. It must have no members; it may be
/// new. MINKA_NON_EMPTY_GROUP, MINKA_UNKNOWN_TOPIC_OR_PARTITION.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_reset_group(
    admin: *const minka_admin,
    name: minka_bytes,
    topic: minka_bytes,
    to: minka_start,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name, topic) =
            unsafe { (open(admin, "admin")?, name.text("name")?, topic.text("topic")?) };
        let to = match to.read()? {
            StartAt::Earliest => ResetTo::Earliest,
            StartAt::Latest => ResetTo::Latest,
            StartAt::Time(time) => ResetTo::Time(time),
            StartAt::Offset(offset) => ResetTo::Offset(offset),
        };
        admin.inner()?.reset_group(name, topic, to)
    })
}

/// Changes settings of a group, all or none. The group may come later. MINKA_INVALID_CONFIG,
/// MINKA_INVALID_GROUP_ID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_alter_group(
    admin: *const minka_admin,
    name: minka_bytes,
    changes: *const minka_change,
    change_count: usize,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name, changes) = unsafe {
            (open(admin, "admin")?, name.text("name")?, read_changes(changes, change_count)?)
        };
        admin.inner()?.alter_group(name, &changes)
    })
}

/// Deletes a group that has no members, with what it has committed. MINKA_GROUP_NOT_FOUND,
/// MINKA_NON_EMPTY_GROUP.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_delete_group(
    admin: *const minka_admin,
    name: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, name) = unsafe { (open(admin, "admin")?, name.text("name")?) };
        admin.inner()?.delete_group(name)
    })
}

/// The cluster and its brokers. Freed by minka_cluster_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_cluster(
    admin: *const minka_admin,
    cluster: *mut *mut minka_cluster,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (admin, out) = unsafe { (open(admin, "admin")?, output(cluster, "cluster")?) };
        give(out, minka_cluster::new(admin.inner()?.cluster()?));
        Ok(())
    })
}

/// Closes an admin. Calls that wait for a broker to come back end with MINKA_CLOSED; one that waits
/// for an answer ends with it. Closing again does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_close(admin: *mut minka_admin) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let admin = unsafe { pointed(admin, "admin") }?;
        if admin.life.end()? {
            let inner = admin.admin.lock().unwrap_or_else(PoisonError::into_inner).take();
            inner.iter().for_each(|inner| inner.close());
        }
        Ok(())
    })
}

/// Frees an admin, and closes it if need be; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_admin_free(admin: *mut minka_admin) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free(admin) }
}

impl Handle for minka_admin {
    fn life(&self) -> &Life {
        &self.life
    }
}

impl minka_admin {
    /// What is called. Who is in a call keeps it until that ends.
    fn inner(&self) -> Result<Arc<Admin>> {
        let inner = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clone().ok_or_else(|| self.life.closed())
    }
}

/// The changes that a caller gave.
///
/// # Safety
/// As [`slice`] and [`minka_bytes::text`].
unsafe fn read_changes<'a>(
    changes: *const minka_change,
    count: usize,
) -> Result<Vec<(&'a str, Option<&'a str>)>> {
    // SAFETY: the caller says so.
    let changes = unsafe { slice(changes, count, "changes") }?;
    let changes = changes.iter().map(|change| {
        // SAFETY: as above.
        let pair = unsafe {
            (change.name.text("changes[].name")?, change.value.nullable_text("changes[].value")?)
        };
        Ok(pair)
    });
    changes.collect()
}
