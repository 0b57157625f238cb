//! How the C library keeps memory that was freed.

/// Lets all threads take memory from as many arenas as there are cores. By default nearly every thread has its own, and
/// what one has freed is of no use to the others: those that write the reports would not get what the cases had.
///
/// It is for the start of a program, before it has threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn share_between_threads() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let arenas = i32::try_from(cores).unwrap_or(i32::MAX);
    // SAFETY: it takes and returns plain numbers, and sets a limit that the allocator looks at when it makes an arena.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, arenas) };
}

/// Other C libraries have nothing to be told.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) const fn share_between_threads() {}
