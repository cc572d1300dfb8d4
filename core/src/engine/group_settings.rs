//! The settings of groups: in memory, in the log, and how they change.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::queues::queue_config;
use super::{Broker, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::Event;
use crate::state::group_config::GroupSettings;
use crate::state::setting::ConfigChange;
use crate::sys::event_log::Level;

/// The settings of the groups that have some of their own.
#[derive(Debug, Default)]
pub(super) struct GroupConfigs {
    by_group: RwLock<BTreeMap<String, GroupSettings>>,
}

impl GroupConfigs {
    /// What the log has.
    pub(super) fn recovered(stored: BTreeMap<String, Vec<(String, String)>>) -> Self {
        let settings = |(group, given): (String, Vec<_>)| (group, GroupSettings::stored(&given));
        Self { by_group: RwLock::new(stored.into_iter().map(settings).collect()) }
    }

    fn get(&self, group: &str) -> Option<GroupSettings> {
        self.by_group.read().unwrap_or_else(PoisonError::into_inner).get(group).cloned()
    }

    fn put(&self, group: &str, settings: GroupSettings) {
        let mut by_group = self.by_group.write().unwrap_or_else(PoisonError::into_inner);
        if settings.overrides().is_empty() {
            by_group.remove(group);
        } else {
            by_group.insert(group.to_owned(), settings);
        }
    }

    /// The settings of all these groups.
    pub(super) fn all(&self) -> Vec<(String, GroupSettings)> {
        let by_group = self.by_group.read().unwrap_or_else(PoisonError::into_inner);
        by_group.iter().map(|(group, settings)| (group.clone(), settings.clone())).collect()
    }

    fn groups(&self) -> Vec<String> {
        let by_group = self.by_group.read().unwrap_or_else(PoisonError::into_inner);
        by_group.keys().cloned().collect()
    }
}

impl Broker {
    /// The settings of a group, which are the defaults where it was given none. The group need
    /// not exist.
    pub fn group_settings(&self, group: &str) -> GroupSettings {
        self.shared.group_settings(group)
    }

    /// The groups that were given settings, by ID in order.
    pub fn configured_groups(&self) -> Vec<String> {
        self.shared.group_configs.groups()
    }

    /// Changes the settings of a group, all or none; the group need not exist. When this returns,
    /// they hold and survive a power cut. With `validate_only` nothing is changed.
    ///
    /// # Errors
    /// `InvalidGroupId` where the ID is empty; `InvalidConfig`.
    pub fn configure_group(
        &self,
        group: &str,
        changes: &[ConfigChange<'_>],
        validate_only: bool,
    ) -> Result<()> {
        if group.is_empty() {
            let text = "settings are for one group: give its ID";
            return Err(Error::new(ErrorKind::InvalidGroupId, text));
        }
        let shared = &*self.shared;
        let _admin = shared.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shared.group_settings(group);
        let settings = before.altered(changes)?;
        if validate_only || settings == before {
            return Ok(());
        }
        let config = settings.overrides().to_vec();
        shared.append_events(&[Event::GroupConfigured { group: group.to_owned(), config }])?;
        let config = (!settings.overrides().is_empty()).then(|| queue_config(&settings));
        shared.group_configs.put(group, settings);
        shared.with_queues(|queues, _, _| queues.queues.set_config(group, config));
        shared.events.log(Level::Info, format_args!("changed the settings of group {group}"));
        Ok(())
    }
}

impl Shared {
    /// The settings of a group.
    pub(super) fn group_settings(&self, group: &str) -> GroupSettings {
        self.group_configs.get(group).unwrap_or_default()
    }
}
