//! A broker in this process.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use minka::engine::{Effect, Fault, Hooks, Verdict};
use minka::{Embedded, Error, ErrorKind};
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Function, Object};
use napi_derive::napi;

use crate::error::{Result, closed, invalid, thrown};
use crate::events::NativeEvents;
use crate::hooks::{Bridge, HookSet, Question, change};
use crate::promise::Promised;
use crate::settings::{duration, pairs};
use crate::settled::bell;
use crate::worker::{call, spawn, start};

/// The brokers that are open, for all threads of JavaScript.
static OPEN: LazyLock<Mutex<HashMap<u32, Weak<Embedded>>>> = LazyLock::new(Mutex::default);
static LAST_TOKEN: AtomicU32 = AtomicU32::new(0);

/// A broker in this process. `lib/broker.js` gives it its face.
#[derive(Debug)]
#[napi]
pub struct NativeBroker {
    embedded: Arc<Embedded>,
    bridge: Option<Arc<Bridge>>,
    token: u32,
    /// Whether it was opened here, and is to be closed here.
    is_owner: bool,
    hold: Option<Arc<Promised<()>>>,
}

/// A fault to come.
#[derive(Debug)]
#[napi(object, object_to_js = false)]
pub struct FaultSpec {
    /// An API by its Kafka name, or `disk.write`, `disk.sync`, `disk.read`.
    pub at: String,
    /// The call from now on with which it begins; 1 is the next.
    pub nth: f64,
    /// How many calls it happens to; endless for all.
    pub times: f64,
    /// The name of the kind of error that the call fails with.
    pub error: Option<String>,
    /// How much longer the call takes, in ms.
    pub delay_ms: Option<f64>,
    /// What is lost with the connection: `request` or `answer`.
    pub drop: Option<String>,
}

#[napi]
impl NativeBroker {
    /// Opens a broker. `asked` is called when there is something for `nextQuestion`.
    #[napi(ts_return_type = "Promise<NativeBroker>")]
    pub fn open<'env>(
        env: &'env Env,
        settings: Vec<String>,
        hooks: HookSet,
        asked: Function<'_, (), ()>,
    ) -> napi::Result<Object<'env>> {
        let has_hooks = hooks.admission || hooks.delivery || hooks.authentication;
        let bridge = if has_hooks {
            Some(Bridge::new(bell(&asked)?, duration(hooks.timeout_ms)))
        } else {
            None
        };
        let (promised, promise) = Promised::<Self>::new(env)?;
        start(&promised, move || {
            let called = bridge.as_ref().map_or_else(Hooks::default, |bridge| bridge.hooks(hooks));
            let embedded = Arc::new(Embedded::open(&pairs(&settings), called)?);
            let token = LAST_TOKEN.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            open_brokers(|open| open.insert(token, Arc::downgrade(&embedded)));
            Ok(Self { embedded, bridge, token, is_owner: true, hold: None })
        });
        Ok(promise)
    }

    /// The broker that another thread of JavaScript has opened and shares by this number.
    #[napi(factory)]
    pub fn attach(token: u32) -> Result<Self> {
        let embedded = open_brokers(|open| open.get(&token).and_then(Weak::upgrade));
        let embedded = embedded.ok_or_else(|| thrown(closed("broker")))?;
        Ok(Self { embedded, bridge: None, token, is_owner: false, hold: None })
    }

    /// The number by which other threads of JavaScript find it.
    #[napi(getter)]
    pub fn token(&self) -> u32 {
        self.token
    }

    /// Where Kafka clients connect to.
    #[napi(getter, ts_return_type = "string | null")]
    pub fn bootstrap_servers(&self) -> Option<String> {
        self.embedded.bootstrap_servers()
    }

    /// Opens the Kafka door.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn listen<'env>(&self, env: &'env Env, address: String) -> napi::Result<Object<'env>> {
        let embedded = self.embedded.clone();
        call(env, None, move || embedded.listen(&address).map(|address| address.to_string()))
    }

    /// Moves the clock.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn advance_clock<'env>(&self, env: &'env Env, ms: f64) -> napi::Result<Object<'env>> {
        let embedded = self.embedded.clone();
        call(env, None, move || embedded.broker().advance_clock(duration(ms)))
    }

    /// Has a fault happen.
    #[napi]
    pub fn fault(&self, spec: FaultSpec) -> Result<()> {
        let effect = effect(&spec).map_err(thrown)?;
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float is clamped")]
        #[expect(clippy::cast_sign_loss, reason = "checked by lib/broker.js")]
        let (nth, times) = (spec.nth as u64, spec.times as u64);
        let fault = Fault { at: spec.at, nth, times, effect };
        self.embedded.broker().inject(fault).map_err(thrown)
    }

    /// Takes back all faults that are to come.
    #[napi]
    pub fn clear_faults(&self) {
        self.embedded.broker().clear_faults();
    }

    /// Ends all connections.
    #[napi]
    pub fn drop_connections(&self) {
        self.embedded.drop_connections();
    }

    /// Copies what the broker holds into a directory.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn snapshot<'env>(&self, env: &'env Env, directory: String) -> napi::Result<Object<'env>> {
        let embedded = self.embedded.clone();
        call(env, None, move || embedded.broker().snapshot(Path::new(&directory)))
    }

    /// Waits until the lag of a group, or of all, is zero.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn wait_until_idle<'env>(
        &self,
        env: &'env Env,
        group: Option<String>,
        timeout_ms: f64,
    ) -> napi::Result<Object<'env>> {
        let embedded = self.embedded.clone();
        call(env, None, move || {
            embedded.broker().wait_until_idle(group.as_deref(), duration(timeout_ms))
        })
    }

    /// The events from now on.
    #[napi]
    pub fn events(&self, capacity: u32) -> NativeEvents {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        NativeEvents::new(self.embedded.broker().watch_events(capacity))
    }

    /// The next question to a hook.
    #[napi(ts_return_type = "Question | null")]
    pub fn next_question(&self) -> Option<Question> {
        self.bridge.as_ref().and_then(|bridge| bridge.next())
    }

    /// Answers a question: the record or the client passes, or is refused for a reason.
    #[napi]
    pub fn answer(&self, token: u32, refused: Option<String>) {
        if let Some(bridge) = &self.bridge {
            bridge.answer(token, refused.map_or(Verdict::Pass, Verdict::Refuse));
        }
    }

    /// Answers a question: the hook failed, for this reason.
    #[napi]
    pub fn answer_failed(&self, token: u32, reason: String) {
        if let Some(bridge) = &self.bridge {
            bridge.answer(token, Verdict::Fail(reason));
        }
    }

    /// Answers a question: the record goes on as the message in `bytes`.
    #[napi]
    pub fn answer_changed(&self, token: u32, bytes: BufferSlice<'_>) {
        if let Some(bridge) = &self.bridge {
            bridge.answer(token, change(&bytes));
        }
    }

    /// Whether the event loop goes on because the broker is open.
    #[napi]
    pub fn hold_loop(&mut self, env: &Env, hold: bool) -> napi::Result<()> {
        if !hold {
            if let Some(held) = self.hold.take() {
                held.settle(Ok(()));
            }
        } else if self.hold.is_none() {
            self.hold = Some(Promised::new(env)?.0);
        }
        Ok(())
    }

    /// Closes it. Where it was not opened here, only lets go of it.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&mut self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.hold_loop(env, false)?;
        let (embedded, bridge) = (self.embedded.clone(), self.bridge.clone());
        let is_owner = std::mem::take(&mut self.is_owner);
        let token = self.token;
        call(env, None, move || if is_owner { end(token, &embedded, bridge) } else { Ok(()) })
    }
}

impl NativeBroker {
    pub(crate) fn embedded(&self) -> &Embedded {
        &self.embedded
    }
}

impl Drop for NativeBroker {
    fn drop(&mut self) {
        if self.is_owner {
            let (token, embedded, bridge) = (self.token, self.embedded.clone(), self.bridge.take());
            // Nobody is left to be told what went wrong.
            let _ = spawn(move || drop(end(token, &embedded, bridge)));
        }
    }
}

fn end(token: u32, embedded: &Embedded, bridge: Option<Arc<Bridge>>) -> minka::Result<()> {
    open_brokers(|open| open.remove(&token));
    if let Some(bridge) = &bridge {
        bridge.hurry();
    }
    let closed = embedded.close();
    if let Some(bridge) = &bridge {
        bridge.end();
    }
    closed
}

fn open_brokers<R>(with: impl FnOnce(&mut HashMap<u32, Weak<Embedded>>) -> R) -> R {
    with(&mut OPEN.lock().unwrap_or_else(PoisonError::into_inner))
}

fn effect(spec: &FaultSpec) -> minka::Result<Effect> {
    match (&spec.error, spec.delay_ms, spec.drop.as_deref()) {
        (Some(name), None, None) => {
            let kind = ErrorKind::from_name(name);
            let kind = kind.ok_or_else(|| invalid(format!("{name} is no kind of error")))?;
            Ok(Effect::Error(kind))
        }
        (None, Some(ms), None) => Ok(Effect::Delay(duration(ms))),
        (None, None, Some("request")) => Ok(Effect::DropRequest),
        (None, None, Some("answer")) => Ok(Effect::DropAnswer),
        _ => Err(Error::new(
            ErrorKind::InvalidRequest,
            "a fault has one of error, delay and drop ('request' or 'answer')",
        )),
    }
}
