//! What people read: every function here turns values into text; only [`Console`] prints.

mod console;
pub mod detail;
mod diagram;
pub mod failure;
mod frames;
mod heads;
pub mod keys;
pub mod lines;
pub mod opening;
mod style;
pub mod summary;

#[cfg(test)]
mod tests;

pub use console::Console;
pub(crate) use console::in_ci;
pub use style::{Style, Tone};
