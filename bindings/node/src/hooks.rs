//! Hooks that are functions of JavaScript: a thread of the broker asks and waits, JavaScript's
//! thread answers when its event loop comes by.
//!
//! So JavaScript's thread must never wait for the broker itself: nothing in this crate does. A
//! question that is not answered in time is refused, and so is one that JavaScript cannot answer
//! any more.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use minka::client::Record;
use minka::engine::{Changed, Hooks, Login, Passing, Verdict};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use crate::messages::Messages;
use crate::packed::{Packed, Polled};
use crate::settled::Bell;

/// How often a thread that waits looks whether JavaScript is still there.
const LOOK: Duration = Duration::from_millis(50);

/// How long a broker that closes waits for an answer.
const GRACE: Duration = Duration::from_secs(1);

/// Which hooks there are.
#[derive(Debug, Clone, Copy)]
#[napi(object, object_to_js = false)]
pub struct HookSet {
    /// Whether records are looked at before they are appended.
    pub admission: bool,
    /// Whether records are looked at before a consumer gets them.
    pub delivery: bool,
    /// Whether users and passwords are looked at.
    pub authentication: bool,
    /// How long an answer may take, in ms.
    pub timeout_ms: f64,
}

/// What a hook is asked.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Question {
    /// What the answer is given with.
    pub token: u32,
    /// Which hook.
    #[napi(ts_type = "'admission' | 'delivery' | 'authentication'")]
    pub hook: &'static str,
    /// The record, unless somebody wants to be let in.
    pub record: Option<Polled>,
    /// What the client calls itself.
    pub client_id: String,
    /// The user.
    pub user: Option<String>,
    /// The password, where somebody wants to be let in.
    pub password: Option<String>,
    /// Where the client is; null for one in this process.
    pub address: Option<String>,
}

/// Between the threads of a broker and JavaScript.
pub(crate) struct Bridge {
    state: Mutex<State>,
    answered: Condvar,
}

struct State {
    bell: Option<Bell>,
    rung: bool,
    timeout: Duration,
    last_token: u32,
    asked: VecDeque<Asked>,
    /// Who waits, and the answer when there is one.
    waiting: HashMap<u32, Option<Verdict>>,
}

/// A question, as it lies here until JavaScript takes it.
struct Asked {
    token: u32,
    hook: &'static str,
    record: Option<Packed>,
    client_id: String,
    user: Option<String>,
    password: Option<String>,
    address: Option<String>,
}

impl Bridge {
    pub(crate) fn new(bell: Bell, timeout: Duration) -> Arc<Self> {
        let state = State {
            bell: Some(bell),
            rung: false,
            timeout,
            last_token: 0,
            asked: VecDeque::new(),
            waiting: HashMap::new(),
        };
        Arc::new(Self { state: Mutex::new(state), answered: Condvar::new() })
    }

    /// The hooks that a broker is opened with.
    pub(crate) fn hooks(self: &Arc<Self>, which: HookSet) -> Hooks {
        let mut hooks = Hooks::default();
        if which.admission {
            let bridge = self.clone();
            hooks.admission = Some(Arc::new(move |passing| bridge.pass("admission", passing)));
        }
        if which.delivery {
            let bridge = self.clone();
            hooks.delivery = Some(Arc::new(move |passing| bridge.pass("delivery", passing)));
        }
        if which.authentication {
            let bridge = self.clone();
            hooks.authentication = Some(Arc::new(move |login| bridge.let_in(login)));
        }
        hooks
    }

    /// The next question. If there is none, the bell rings again with the next.
    pub(crate) fn next(&self) -> Option<Question> {
        let mut state = self.lock();
        let asked = state.asked.pop_front();
        state.rung = asked.is_some();
        asked.map(|asked| Question {
            token: asked.token,
            hook: asked.hook,
            record: asked.record.map(Packed::into_polled),
            client_id: asked.client_id,
            user: asked.user,
            password: asked.password,
            address: asked.address,
        })
    }

    /// Answers a question, unless that is too late.
    pub(crate) fn answer(&self, token: u32, verdict: Verdict) {
        if let Some(answer) = self.lock().waiting.get_mut(&token) {
            *answer = Some(verdict);
        }
        self.answered.notify_all();
    }

    /// Has those who wait be answered soon: the broker is closing.
    pub(crate) fn hurry(&self) {
        let mut state = self.lock();
        state.timeout = state.timeout.min(GRACE);
        drop(state);
        self.answered.notify_all();
    }

    /// Lets go of JavaScript: from now on everything is refused.
    pub(crate) fn end(&self) {
        let bell = self.lock().bell.take();
        self.answered.notify_all();
        drop(bell);
    }

    fn pass(&self, hook: &'static str, passing: &Passing<'_>) -> Verdict {
        let record = Record {
            topic: passing.topic,
            partition: passing.partition,
            offset: passing.offset.unwrap_or(u64::MAX),
            timestamp: passing.timestamp,
            key: passing.key,
            value: passing.value,
            headers: passing.headers,
            delivery_count: 0,
        };
        let peer = &passing.peer;
        self.ask(Asked {
            token: 0,
            hook,
            record: Some(Packed::of(&record)),
            client_id: peer.client_id.to_owned(),
            user: peer.user.map(str::to_owned),
            password: None,
            address: peer.address.map(|address| address.to_string()),
        })
    }

    fn let_in(&self, login: &Login<'_>) -> Result<(), String> {
        let verdict = self.ask(Asked {
            token: 0,
            hook: "authentication",
            record: None,
            client_id: String::new(),
            user: Some(login.user.to_owned()),
            password: Some(login.password.to_owned()),
            address: Some(login.address.to_string()),
        });
        match verdict {
            Verdict::Refuse(reason) | Verdict::Fail(reason) => Err(reason),
            Verdict::Pass | Verdict::Change(_) => Ok(()),
        }
    }

    /// Asks JavaScript, and waits for its answer.
    fn ask(&self, mut asked: Asked) -> Verdict {
        let began = Instant::now();
        let mut state = self.lock();
        let token = state.last_token.wrapping_add(1);
        state.last_token = token;
        asked.token = token;
        state.waiting.insert(token, None);
        state.asked.push_back(asked);
        state.ring();
        loop {
            if let Some(Some(verdict)) = state.waiting.remove(&token) {
                return verdict;
            }
            let timeout = state.timeout;
            if !state.can_answer() || began.elapsed() >= timeout {
                state.asked.retain(|asked| asked.token != token);
                let why = "the hook did not answer in time, or its thread has ended";
                return Verdict::Fail(why.to_owned());
            }
            state.waiting.insert(token, None);
            let left = timeout.saturating_sub(began.elapsed()).min(LOOK);
            let woken = self.answered.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever holds it changes one thing; a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ring(&mut self) {
        if !self.rung
            && let Some(bell) = &self.bell
        {
            bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
            self.rung = true;
        }
    }

    /// Whether JavaScript is there to answer.
    fn can_answer(&self) -> bool {
        self.bell.as_ref().is_some_and(|bell| !bell.aborted())
    }
}

/// A verdict that changes a record into the one message in `bytes`.
pub(crate) fn change(bytes: &[u8]) -> Verdict {
    let messages = Messages { topics: vec![String::new()], bytes: bytes.to_vec(), count: 1 };
    let mut verdict = None;
    messages.for_each(|_, message| {
        verdict = message.ok().map(|message| {
            let headers = message.headers.iter();
            let headers = headers.map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec)));
            Verdict::Change(Changed {
                key: message.key.map(<[u8]>::to_vec),
                value: message.value.map(<[u8]>::to_vec),
                headers: headers.collect(),
            })
        });
    });
    verdict.unwrap_or_else(|| Verdict::Fail("the hook gave no record".to_owned()))
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the password.
        f.debug_struct("Question").field("hook", &self.hook).finish_non_exhaustive()
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").finish_non_exhaustive()
    }
}
