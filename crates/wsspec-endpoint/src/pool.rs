//! Large buffers that are used again.
//!
//! Fresh memory comes from the system page by page, which can cost more than all that is done with it; and
//! memory that was just used is still in the cache. So every thread keeps a few buffers, and no connection
//! has to keep its own.

use std::cell::RefCell;

use bytes::Bytes;

/// Smaller buffers are not worth keeping, larger ones too large to be kept.
const WORTH_KEEPING: std::ops::RangeInclusive<usize> = 8 << 10..=4 << 20;

/// How many buffers a thread keeps.
const KEPT: usize = 4;

/// Requests that differ little are served with the same buffer.
const GRAIN: usize = 8 << 10;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer.
pub(crate) fn take(capacity: usize) -> Vec<u8> {
    if !WORTH_KEEPING.contains(&capacity) {
        return Vec::with_capacity(capacity);
    }
    let kept = BUFFERS.try_with(|buffers| {
        let mut buffers = buffers.borrow_mut();
        let last = buffers.iter().rposition(|buffer| buffer.capacity() >= capacity)?;
        Some(buffers.remove(last))
    });
    kept.ok().flatten().unwrap_or_else(|| Vec::with_capacity(capacity.next_multiple_of(GRAIN)))
}

/// Makes room for so many more octets.
pub(crate) fn reserve(buffer: &mut Vec<u8>, additional: usize) {
    if buffer.capacity() - buffer.len() < additional {
        let mut larger = take((buffer.len() + additional).max(2 * buffer.capacity()));
        larger.extend_from_slice(buffer);
        give_back(std::mem::replace(buffer, larger));
    }
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

fn give_back(mut buffer: Vec<u8>) {
    if !WORTH_KEEPING.contains(&buffer.capacity()) {
        return;
    }
    buffer.clear();
    // Fails only while the thread ends, when nothing needs to be kept.
    let _ = BUFFERS.try_with(|buffers| {
        let mut buffers = buffers.borrow_mut();
        buffers.push(buffer);
        if buffers.len() > KEPT {
            let smallest = (0..buffers.len()).min_by_key(|&index| buffers[index].capacity());
            buffers.remove(smallest.unwrap_or(0));
        }
    });
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
    fn few_buffers_are_kept_and_large_ones_first() {
        let sizes = [10_000, 200_000, 20_000, 300_000, 400_000, 100_000];
        let lent: Vec<Bytes> = sizes.iter().map(|&size| into_bytes(take(size))).collect();
        drop(lent);
        let kept = BUFFERS.with_borrow(|buffers| buffers.iter().map(Vec::capacity).collect::<Vec<_>>());
        assert_eq!(kept.len(), KEPT);
        assert!(kept.iter().all(|&capacity| capacity >= 100_000), "{kept:?}");
        drop(into_bytes(Vec::with_capacity(5 << 20)));
        assert_eq!(BUFFERS.with_borrow(Vec::len), KEPT);
    }

    #[test]
    fn reserve_keeps_what_is_there() {
        let mut buffer = take(10_000);
        buffer.extend_from_slice(&[7; 10_000]);
        reserve(&mut buffer, 50_000);
        assert!(buffer.capacity() >= 60_000);
        assert_eq!(buffer, [7; 10_000]);
    }
}
