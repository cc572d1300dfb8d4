//! Functions of the program that a broker asks: about records, and about who connects.

use std::ffi::c_void;
use std::sync::Arc;

use minka_core::engine::{Login, Passing, RecordHook, Verdict};

use crate::boundary;
use crate::bytes::{minka_bytes, minka_header, number, signed};
use crate::config::minka_config;
use crate::handle::changed;
use crate::status::minka_status;
use crate::verdict::minka_verdict;

/// A record that passes a hook. Valid until the hook returns.
#[repr(C)]
#[derive(Debug)]
pub struct minka_passing {
    /// What the client calls itself.
    pub client_id: minka_bytes,
    /// The user that was let in; NULL where nobody has to be.
    pub user: minka_bytes,
    /// Where the client is, as "HOST:PORT"; NULL for one in this process.
    pub address: minka_bytes,
    /// The topic.
    pub topic: minka_bytes,
    /// The partition.
    pub partition: i32,
    /// The offset; -1 at admission, where it has none yet.
    pub offset: i64,
    /// In milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// The key, or null.
    pub key: minka_bytes,
    /// The value, or null.
    pub value: minka_bytes,
    /// The headers.
    pub headers: *const minka_header,
    /// How many headers there are.
    pub header_count: usize,
}

/// Somebody who wants to be let in. Valid until the hook returns.
#[repr(C)]
#[derive(Debug)]
pub struct minka_login {
    /// The user's name.
    pub user: minka_bytes,
    /// The password.
    pub password: minka_bytes,
    /// Where the client is, as "HOST:PORT".
    pub address: minka_bytes,
}

/// Looks at a record on its way. Where it says nothing of it by minka_verdict_refuse() and its
/// like, the record goes on as it is.
pub type minka_record_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        record: *const minka_passing,
        verdict: *mut minka_verdict,
    ),
>;

/// Says whether somebody may connect: true lets him in. Where it does not, it may give the client
/// a reason by minka_verdict_refuse(), after which nothing lets him in.
pub type minka_login_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        login: *const minka_login,
        verdict: *mut minka_verdict,
    ) -> bool,
>;

/// Told once that a userdata will not be used any more, and may be freed. Called from any
/// thread.
pub type minka_release_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// Has a broker ask `hook` about each record before it is appended. Where one record of a batch is
/// refused, so is the batch, as Kafka does it; the client is told the reason of each.
///
/// A hook is called on the thread that carries the record: one of the broker's for a client on the
/// network, else the thread that is in a call of a client in this process, or that client's own.
/// Whoever else that thread serves waits meanwhile. It may be called by several threads at once.
/// It may use clients, but not wait for what needs the hook itself, and close neither the broker
/// nor the client that it is called for. It may not leave by longjmp or an exception.
///
/// `release` may be NULL; else it is called with `userdata` when the config and all brokers that
/// were opened with it have been freed, and with the last client of those in this process. It is
/// not called when this fails. A `hook` that is NULL takes back the one that was set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_config_on_admission(
    config: *mut minka_config,
    hook: minka_record_fn,
    userdata: *mut c_void,
    release: minka_release_fn,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let config = unsafe { changed(config, "config") }?;
        config.hooks.admission = record_hook(hook, userdata, release);
        Ok(())
    })
}

/// Has a broker ask `hook` about each record before a consumer gets it, each time. A record that
/// is refused is left out; in a queue group it counts as accepted. As minka_config_on_admission().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_config_on_delivery(
    config: *mut minka_config,
    hook: minka_record_fn,
    userdata: *mut c_void,
    release: minka_release_fn,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let config = unsafe { changed(config, "config") }?;
        config.hooks.delivery = record_hook(hook, userdata, release);
        Ok(())
    })
}

/// Has a broker ask `hook` about the user name and password (SASL/PLAIN) of each connection from
/// the network; nobody is served whom it has not let in. Clients in this process are not asked.
/// As minka_config_on_admission().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_config_on_authentication(
    config: *mut minka_config,
    hook: minka_login_fn,
    userdata: *mut c_void,
    release: minka_release_fn,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let config = unsafe { changed(config, "config") }?;
        config.hooks.authentication = hook.map(|hook| {
            let hook = Hook { function: hook, userdata, release };
            Arc::new(move |login: &Login<'_>| hook.ask(login)) as _
        });
        Ok(())
    })
}

type RecordFunction = unsafe extern "C" fn(*mut c_void, *const minka_passing, *mut minka_verdict);
type LoginFunction =
    unsafe extern "C" fn(*mut c_void, *const minka_login, *mut minka_verdict) -> bool;

/// The hook that a function of the program is, if there is one.
fn record_hook(
    hook: minka_record_fn,
    userdata: *mut c_void,
    release: minka_release_fn,
) -> Option<Arc<RecordHook>> {
    let hook = Hook { function: hook?, userdata, release };
    Some(Arc::new(move |record: &Passing<'_>| hook.look_at(record)))
}

/// A function of the program, with what it was given.
struct Hook<F> {
    function: F,
    userdata: *mut c_void,
    release: minka_release_fn,
}

// SAFETY: the pointer is only handed to the program's functions, which the header says are called
// from any thread.
unsafe impl<F: Send> Send for Hook<F> {}
// SAFETY: as above, and by several threads at once.
unsafe impl<F: Sync> Sync for Hook<F> {}

impl<F> Drop for Hook<F> {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the header asks for a function that can be called with this userdata; it is
            // called once, when nobody has the hook any more.
            unsafe { release(self.userdata) }
        }
    }
}

impl Hook<RecordFunction> {
    fn look_at(&self, record: &Passing<'_>) -> Verdict {
        let address = record.peer.address.map(|address| address.to_string());
        let headers: Vec<minka_header> =
            record.headers.map(|header| minka_header::of(&header)).collect();
        let passing = minka_passing {
            client_id: minka_bytes::of_text(Some(record.peer.client_id)),
            user: minka_bytes::of_text(record.peer.user),
            address: minka_bytes::of_text(address.as_deref()),
            topic: minka_bytes::of_text(Some(record.topic)),
            partition: number(record.partition),
            offset: signed(record.offset),
            timestamp: record.timestamp,
            key: minka_bytes::of_option(record.key),
            value: minka_bytes::of_option(record.value),
            headers: minka_header::pointer(&headers),
            header_count: headers.len(),
        };
        let mut verdict = minka_verdict::default();
        // SAFETY: everything that it is given is there until it returns.
        unsafe { (self.function)(self.userdata, &raw const passing, &raw mut verdict) };
        verdict.into_verdict(record)
    }
}

impl Hook<LoginFunction> {
    fn ask(&self, login: &Login<'_>) -> Result<(), String> {
        let address = login.address.to_string();
        let asking = minka_login {
            user: minka_bytes::of_text(Some(login.user)),
            password: minka_bytes::of_text(Some(login.password)),
            address: minka_bytes::of_text(Some(&address)),
        };
        let mut verdict = minka_verdict::on_login();
        // SAFETY: everything that it is given is there until it returns.
        let let_in = unsafe { (self.function)(self.userdata, &raw const asking, &raw mut verdict) };
        match verdict.into_refusal() {
            Some(reason) => Err(reason),
            None if let_in => Ok(()),
            None => Err("wrong user name or password".to_owned()),
        }
    }
}
