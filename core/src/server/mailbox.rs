//! How others reach a thread of the server: wakes, new connections, and the word to end.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::Waker;
use mio::net::TcpStream;

use crate::engine::Wake;

/// A thread's mailbox. What is put in while the thread is awake costs it no system call: it looks
/// before it sleeps.
#[derive(Debug)]
pub(super) struct Mailbox {
    letters: Mutex<Letters>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Letters {
    tokens: Vec<usize>,
    sockets: Vec<TcpStream>,
    /// Who wants all connections to end, and waits for it.
    drops: Vec<Sender<()>>,
    end: bool,
    /// Whether the thread waits for its poller, or is just about to.
    asleep: bool,
    /// Whether the thread has ended, in whatever way.
    gone: bool,
}

impl Mailbox {
    /// A mailbox whose thread polls what `waker` belongs to.
    pub(super) fn new(waker: Waker) -> Self {
        Self { letters: Mutex::default(), waker }
    }

    /// Hands a connection over; gives it back where the thread has ended.
    pub(super) fn deliver(&self, socket: TcpStream) -> Result<(), TcpStream> {
        let mut letters = self.lock();
        if letters.gone {
            return Err(socket);
        }
        letters.sockets.push(socket);
        self.notify(letters);
        Ok(())
    }

    /// Tells the thread to end its connections. What is returned ends when that is done.
    pub(super) fn drop_connections(&self) -> Receiver<()> {
        let (done, waits) = channel();
        let mut letters = self.lock();
        if !letters.gone {
            letters.drops.push(done);
            self.notify(letters);
        }
        waits
    }

    /// Who wants all connections to end.
    pub(super) fn take_drops(&self) -> Vec<Sender<()>> {
        std::mem::take(&mut self.lock().drops)
    }

    /// Tells the thread to end.
    pub(super) fn end(&self) {
        let mut letters = self.lock();
        letters.end = true;
        self.notify(letters);
    }

    /// Says that the thread has ended, and closes what nobody will serve.
    pub(super) fn gone(&self) {
        let mut letters = self.lock();
        letters.gone = true;
        letters.sockets.clear();
        letters.drops.clear();
    }

    /// The thread is going to sleep; `false` if it must not, since there is something here.
    pub(super) fn sleep(&self) -> bool {
        let mut letters = self.lock();
        let nothing = letters.tokens.is_empty() && letters.sockets.is_empty();
        letters.asleep = nothing && letters.drops.is_empty() && !letters.end;
        letters.asleep
    }

    /// The thread is awake and takes everything out. Returns whether it is to end its connections,
    /// or itself.
    pub(super) fn empty(
        &self,
        tokens: &mut Vec<usize>,
        sockets: &mut Vec<TcpStream>,
    ) -> (bool, bool) {
        let mut letters = self.lock();
        letters.asleep = false;
        tokens.append(&mut letters.tokens);
        sockets.append(&mut letters.sockets);
        (!letters.drops.is_empty(), letters.end)
    }

    fn notify(&self, mut letters: MutexGuard<'_, Letters>) {
        let wake = std::mem::take(&mut letters.asleep);
        drop(letters);
        if wake {
            // It fails only where the thread's poller is gone, and with it the thread.
            let _ = self.waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        // Nothing panics while it holds the lock.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Mailbox {
    fn wake(&self, token: usize) {
        let mut letters = self.lock();
        // The requests of a connection are often done one after another.
        if letters.tokens.last() != Some(&token) {
            letters.tokens.push(token);
        }
        self.notify(letters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_a_thread_that_sleeps_is_woken() {
        let mut poll = mio::Poll::new().unwrap();
        let mailbox = Mailbox::new(Waker::new(poll.registry(), mio::Token(7)).unwrap());
        let mut events = mio::Events::with_capacity(4);
        let (mut tokens, mut sockets) = (Vec::new(), Vec::new());

        mailbox.wake(1);
        mailbox.wake(1);
        mailbox.wake(2);
        assert!(!mailbox.sleep(), "it may not sleep over a wake");
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "an awake thread was woken");
        assert_eq!(mailbox.empty(&mut tokens, &mut sockets), (false, false));
        assert_eq!(tokens, [1, 2]);

        assert!(mailbox.sleep());
        mailbox.end();
        poll.poll(&mut events, None).unwrap();
        assert_eq!(events.iter().count(), 1);
        assert_eq!(mailbox.empty(&mut tokens, &mut sockets), (false, true));
    }
}
