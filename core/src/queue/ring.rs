//! The queue itself: a fixed number of cells, used in turn, behind one lock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most bytes that a cell may have.
pub const CELL_BYTES: usize = 256;

/// A bounded first-in, first-out queue for many threads.
///
/// What one thread pushes comes out in the order in which it pushed it, and what it pushes
/// at once ([`Self::push_all`]) comes out together. The cells are allocated once. All methods may
/// be called from any thread.
pub struct Ring<T> {
    cells: Mutex<Cells<T>>,
    /// Signalled when cells become free, and when the ring is closed.
    room: Condvar,
    /// How many cells are in use, to be read without the lock. Written under the lock only.
    len: AtomicUsize,
    capacity: usize,
}

struct Cells<T> {
    /// Never grows beyond its first allocation: a push looks at the capacity before.
    queue: VecDeque<T>,
    closed: bool,
    /// How many threads wait for room: nobody is woken where nobody waits.
    waiting: usize,
}

impl<T> Ring<T> {
    /// A ring of `capacity` cells, at least one.
    ///
    /// A `T` of more than [`CELL_BYTES`] does not compile.
    pub fn new(capacity: usize) -> Self {
        const { assert!(size_of::<T>() <= CELL_BYTES, "a cell has at most 256 bytes") };
        let capacity = capacity.max(1);
        let queue = VecDeque::with_capacity(capacity);
        Self {
            cells: Mutex::new(Cells { queue, closed: false, waiting: 0 }),
            room: Condvar::new(),
            len: AtomicUsize::new(0),
            capacity,
        }
    }

    /// Puts `item` behind the others, or gives it back where the ring is full or closed.
    pub fn try_push(&self, item: T) -> Result<(), T> {
        let mut cells = self.lock();
        if !self.has_room(&cells) {
            return Err(item);
        }
        cells.queue.push_back(item);
        self.publish(&cells);
        Ok(())
    }

    /// Moves as many of `items` as there is room for, from the front, without another thread's
    /// between them, and returns how many. Those that are left stay in `items`, in order.
    pub fn push_all(&self, items: &mut Vec<T>) -> usize {
        let mut cells = self.lock();
        if cells.closed {
            return 0;
        }
        let count = items.len().min(self.capacity - cells.queue.len());
        cells.queue.extend(items.drain(..count));
        self.publish(&cells);
        count
    }

    /// Puts `item` behind the others and waits for room up to `timeout`.
    ///
    /// Gives `item` back where there still is none then, or where the ring is or becomes closed
    /// ([`Self::is_closed`] tells which).
    pub fn push_wait(&self, item: T, timeout: Duration) -> Result<(), T> {
        let mut cells = self.lock();
        if !self.has_room(&cells) && !cells.closed {
            cells = self.wait_for_room(cells, timeout);
        }
        if !self.has_room(&cells) {
            return Err(item);
        }
        cells.queue.push_back(item);
        self.publish(&cells);
        Ok(())
    }

    /// Takes up to `max` items from the front, appends them to `out`, and returns how many.
    ///
    /// A closed ring can still be drained.
    pub fn drain_into(&self, out: &mut Vec<T>, max: usize) -> usize {
        let mut cells = self.lock();
        let count = max.min(cells.queue.len());
        out.extend(cells.queue.drain(..count));
        self.publish(&cells);
        let waiting = cells.waiting;
        drop(cells);
        match count.min(waiting) {
            0 => {}
            1 => self.room.notify_one(),
            _ => self.room.notify_all(),
        }
        count
    }

    /// How many items are queued.
    pub fn len(&self) -> usize {
        // SYNC: pairs with publish(). Who pushes and then fails to get a lock, and who releases
        // that lock and then looks here, cannot both miss each other: the two fences are ordered.
        fence(Ordering::SeqCst);
        self.len.load(Ordering::Acquire)
    }

    /// Whether nothing is queued. Takes no lock.
    ///
    /// Whoever pushes before he finds some lock taken is seen here by the one that held it, if
    /// he asks after releasing it: so one of the two always drains what was pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items have room.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Refuses all further items, and gives those back that are waiting for room.
    pub fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }

    /// Whether the ring has been closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn has_room(&self, cells: &Cells<T>) -> bool {
        !cells.closed && cells.queue.len() < self.capacity
    }

    fn wait_for_room<'a>(
        &self,
        mut cells: MutexGuard<'a, Cells<T>>,
        timeout: Duration,
    ) -> MutexGuard<'a, Cells<T>> {
        // A timeout beyond what the clock can count is no timeout.
        let deadline = Instant::now().checked_add(timeout);
        cells.waiting += 1;
        while cells.queue.len() >= self.capacity && !cells.closed {
            let Some(deadline) = deadline else {
                cells = self.room.wait(cells).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.room.wait_timeout(cells, left);
            cells = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        cells.waiting -= 1;
        cells
    }

    /// Makes the number of items known to those that do not take the lock.
    fn publish(&self, cells: &Cells<T>) {
        self.len.store(cells.queue.len(), Ordering::Release);
        // SYNC: pairs with len().
        fence(Ordering::SeqCst);
    }

    /// Nothing under the lock runs foreign code that could leave the cells half changed, so a
    /// panic of a thread that holds it is no reason to refuse everybody else.
    fn lock(&self) -> MutexGuard<'_, Cells<T>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("len", &self.len()).field("capacity", &self.capacity).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_first_comes_out_first_around_the_ring() {
        let ring = Ring::new(3);
        let mut out = Vec::new();
        for round in 0..10 {
            assert_eq!(ring.try_push(round * 2), Ok(()));
            assert_eq!(ring.try_push(round * 2 + 1), Ok(()));
            assert_eq!(ring.drain_into(&mut out, 10), 2);
        }
        assert_eq!(out, (0..20).collect::<Vec<_>>());
        assert!(ring.is_empty());
    }

    #[test]
    fn a_full_ring_gives_the_item_back() {
        let ring = Ring::new(0);
        assert_eq!(ring.capacity(), 1);
        assert_eq!(ring.try_push('a'), Ok(()));
        assert_eq!(ring.try_push('b'), Err('b'));
        assert_eq!(ring.push_wait('c', Duration::ZERO), Err('c'));
        assert_eq!(ring.push_wait('d', Duration::from_millis(1)), Err('d'));
        assert_eq!(ring.len(), 1);
    }

    #[test]
    fn as_many_as_fit_are_moved_and_the_rest_stays_in_order() {
        let ring = Ring::new(4);
        assert_eq!(ring.try_push(0), Ok(()));
        let mut items = vec![1, 2, 3, 4, 5];
        assert_eq!(ring.push_all(&mut items), 3);
        assert_eq!(items, [4, 5]);
        assert_eq!(ring.push_all(&mut items), 0);
        let mut out = Vec::new();
        assert_eq!(ring.drain_into(&mut out, 3), 3);
        assert_eq!(ring.push_all(&mut items), 2);
        assert!(items.is_empty());
        assert_eq!(ring.drain_into(&mut out, usize::MAX), 3);
        assert_eq!(out, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_closed_ring_refuses_items_and_gives_out_those_it_has() {
        let ring = Ring::new(4);
        assert_eq!(ring.try_push(1), Ok(()));
        assert!(!ring.is_closed());
        ring.close();
        assert!(ring.is_closed());
        assert_eq!(ring.try_push(2), Err(2));
        assert_eq!(ring.push_all(&mut vec![3]), 0);
        assert_eq!(ring.push_wait(4, Duration::from_secs(3_600)), Err(4));
        let mut out = Vec::new();
        assert_eq!(ring.drain_into(&mut out, 9), 1);
        assert_eq!(out, [1]);
    }

    #[test]
    fn the_cells_are_never_allocated_anew() {
        let ring = Ring::new(5);
        let at_first = ring.lock().queue.capacity();
        for _ in 0..20 {
            let room = 5 - ring.len();
            assert_eq!(ring.push_all(&mut (0..9).collect()), room);
            assert_eq!(ring.try_push(9), Err(9));
            assert_eq!(ring.drain_into(&mut Vec::new(), 3), 3);
        }
        assert_eq!(ring.lock().queue.capacity(), at_first);
    }
}
