//! Settings by name, as every `_open` takes them.

use minka_core::engine::Hooks;
use minka_core::{Error, ErrorKind, Result};

use crate::boundary;
use crate::bytes::minka_bytes;
use crate::handle::{changed, free_memory, pointed};
use crate::status::minka_status;

/// Settings by name, and hooks: what a broker or client is opened with. It is read by `_open`
/// and can be used for several. Belongs to one thread at a time.
#[derive(Debug, Default)]
pub struct minka_config {
    settings: Vec<(String, String)>,
    pub(crate) hooks: Hooks,
}

/// Makes an empty config: everything has its default. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minka_config_new() -> *mut minka_config {
    Box::into_raw(Box::default())
}

/// Sets `name` to `value`, instead of what it was set to before: "linger.ms" to "5". Whether there
/// is such a setting, and whether it can have this value, is said by the `_open` that takes the
/// config: MINKA_INVALID_CONFIG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_config_set(
    config: *mut minka_config,
    name: minka_bytes,
    value: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let config = unsafe { changed(config, "config") }?;
        // SAFETY: as above.
        let (name, value) = unsafe { (name.text("name")?, value.text("value")?) };
        match config.settings.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => config.settings.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    })
}

/// Frees a config; NULL is let be. What was opened with it goes on, hooks included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_config_free(config: *mut minka_config) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(config) }
}

impl minka_config {
    /// The settings and hooks of a broker.
    ///
    /// # Safety
    /// As [`pointed`].
    pub(crate) unsafe fn of_broker<'a>(
        config: *const Self,
    ) -> Result<(Vec<(&'a str, &'a str)>, Hooks)> {
        if config.is_null() {
            return Ok(Default::default());
        }
        // SAFETY: the caller says so.
        let config = unsafe { pointed(config, "config") }?;
        Ok((config.pairs().collect(), config.hooks.clone()))
    }

    /// Sets what a client's config has.
    ///
    /// # Safety
    /// As [`pointed`].
    pub(crate) unsafe fn of_client(
        config: *const Self,
        mut set: impl FnMut(&str, &str) -> Result<()>,
    ) -> Result<()> {
        if config.is_null() {
            return Ok(());
        }
        // SAFETY: the caller says so.
        let config = unsafe { pointed(config, "config") }?;
        let hooks = &config.hooks;
        let hooked = hooks.admission.is_some() || hooks.delivery.is_some();
        if hooked || hooks.authentication.is_some() {
            let text = "hooks are a broker's: a client is opened with a config without any";
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        config.pairs().try_for_each(|(name, value)| set(name, value))
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
