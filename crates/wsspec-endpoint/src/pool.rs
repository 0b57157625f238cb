//! Large buffers that are used again.
//!
//! Fresh memory comes from the system page by page, which can cost more than all that is done with it; and
//! memory that was just used is still in the cache. So every thread keeps some buffers, and no connection
//! has to keep its own.
//!
//! Buffers are kept with what is in them: who reads to a buffer needs octets that are there, of any value.

use std::cell::RefCell;

use bytes::Bytes;

/// Smaller buffers are not worth keeping, larger ones too large to be kept.
const WORTH_KEEPING: std::ops::RangeInclusive<usize> = LEAST..=4 << 20;
pub(crate) const LEAST: usize = 8 << 10;

/// How many buffers a thread keeps, and how many octets they have at most.
const KEPT: usize = 64;
const KEPT_OCTETS: usize = 64 << 20;

/// Requests that differ little are served with the same buffer.
const GRAIN: usize = 8 << 10;

thread_local! {
    static BUFFERS: RefCell<Kept> = const { RefCell::new(Kept { buffers: Vec::new(), octets: 0 }) };
}

/// The buffers of a thread, the one that was used last at the end.
struct Kept {
    buffers: Vec<Vec<u8>>,
    /// Their capacities together.
    octets: usize,
}

impl Kept {
    /// The smallest that is large enough, so that each use gets back what it used before, filled as far as it needs; of
    /// several the one that was used last.
    fn take(&mut self, capacity: usize) -> Option<Vec<u8>> {
        let fits = |(_, buffer): &(usize, &Vec<u8>)| buffer.capacity() >= capacity;
        let best =
            self.buffers.iter().enumerate().rev().filter(fits).min_by_key(|(_, buffer)| buffer.capacity());
        let buffer = self.buffers.remove(best?.0);
        self.octets -= buffer.capacity();
        Some(buffer)
    }

    fn put(&mut self, buffer: Vec<u8>) {
        self.octets += buffer.capacity();
        self.buffers.push(buffer);
        while self.buffers.len() > KEPT || self.octets > KEPT_OCTETS {
            let smallest = (0..self.buffers.len()).min_by_key(|&index| self.buffers[index].capacity());
            let dropped = self.buffers.remove(smallest.unwrap_or(0));
            self.octets -= dropped.capacity();
        }
    }
}

/// An empty buffer.
pub(crate) fn take(capacity: usize) -> Vec<u8> {
    let mut buffer = take_used(capacity);
    buffer.clear();
    buffer
}

/// A buffer of that capacity, with octets of no meaning in it: none, if it is new.
pub(crate) fn take_used(capacity: usize) -> Vec<u8> {
    if !WORTH_KEEPING.contains(&capacity) {
        return Vec::with_capacity(capacity);
    }
    let kept = BUFFERS.try_with(|kept| kept.borrow_mut().take(capacity)).ok().flatten();
    kept.unwrap_or_else(|| Vec::with_capacity(capacity.next_multiple_of(GRAIN)))
}

/// Makes room for so many more octets behind the first `len`, which stay.
pub(crate) fn grow(buffer: &mut Vec<u8>, len: usize, additional: usize) {
    if buffer.capacity() - len < additional {
        let mut larger = take_used((len + additional).max(2 * buffer.capacity()));
        put(&mut larger, 0, &buffer[..len]);
        give_back(std::mem::replace(buffer, larger));
    }
}

/// Writes octets behind the first `at`, whatever was there.
pub(crate) fn put(buffer: &mut Vec<u8>, at: usize, octets: &[u8]) {
    let (over, new) = octets.split_at(octets.len().min(buffer.len() - at));
    buffer[at..at + over.len()].copy_from_slice(over);
    buffer.extend_from_slice(new);
}

/// The octets of a buffer, which comes back when they are dropped.
pub(crate) fn into_bytes(buffer: Vec<u8>) -> Bytes {
    if WORTH_KEEPING.contains(&buffer.capacity()) {
        Bytes::from_owner(Lent(buffer))
    } else {
        Bytes::from(buffer)
    }
}

struct Lent(Vec<u8>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.0));
    }
}

/// Keeps a buffer for later, if it is worth it.
pub(crate) fn give_back(buffer: Vec<u8>) {
    if WORTH_KEEPING.contains(&buffer.capacity()) {
        // Fails only while the thread ends, when nothing needs to be kept.
        let _ = BUFFERS.try_with(|kept| kept.borrow_mut().put(buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_buffers_are_used_again() {
        let mut buffer = take(100_000);
        buffer.extend_from_slice(b"abc");
        let address = buffer.as_ptr();
        let bytes = into_bytes(buffer);
        assert_eq!(bytes, b"abc"[..]);
        let part = bytes.slice(1..);
        drop(bytes);
        let other = take(100_000);
        assert_ne!(other.as_ptr(), address);
        drop(part);
        let again = take(100_001);
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
    }

    #[test]
    fn a_use_gets_its_own_buffer_back_whatever_was_dropped_since() {
        let sizes = [20, 10, 30].map(|grains| grains * GRAIN);
        let lent = sizes.map(|size| into_bytes(take(size)));
        let addresses = lent.each_ref().map(|bytes| bytes.as_ptr());
        drop(lent);
        let again = sizes.map(take);
        assert_eq!(again.each_ref().map(|buffer| buffer.as_ptr()), addresses);
    }

    #[test]
    fn few_buffers_are_kept_and_large_ones_first() {
        let sizes = (1..=2 * KEPT).map(|number| number * GRAIN);
        let lent: Vec<Bytes> = sizes.map(|size| into_bytes(take(size))).collect();
        drop(lent);
        let kept = |of: fn(&Kept) -> usize| BUFFERS.with_borrow(of);
        assert_eq!(kept(|kept| kept.buffers.len()), KEPT);
        let smallest = |kept: &Kept| kept.buffers.iter().map(Vec::capacity).min().unwrap_or(0);
        assert!(kept(smallest) > KEPT * GRAIN);
        drop(into_bytes(Vec::with_capacity(5 << 20)));
        assert_eq!(kept(|kept| kept.buffers.len()), KEPT);
        drop((0..KEPT).map(|_| into_bytes(take(2 << 20))).collect::<Vec<_>>());
        let octets = |kept: &Kept| kept.buffers.iter().map(Vec::capacity).sum();
        assert_eq!(kept(octets), kept(|kept| kept.octets));
        assert!(kept(octets) <= KEPT_OCTETS);
    }

    #[test]
    fn a_buffer_that_grows_keeps_what_counts() {
        let mut buffer = take(10_000);
        buffer.extend_from_slice(&[7; 10_000]);
        grow(&mut buffer, 9_000, 50_000);
        assert!(buffer.capacity() >= 59_000);
        assert_eq!(buffer[..9_000], [7; 9_000]);
    }

    #[test]
    fn octets_are_put_over_what_is_there_and_behind_it() {
        let mut buffer = vec![1, 2, 3, 4];
        put(&mut buffer, 1, &[7]);
        assert_eq!(buffer, [1, 7, 3, 4]);
        put(&mut buffer, 3, &[8, 9]);
        assert_eq!(buffer, [1, 7, 3, 8, 9]);
    }
}
