//! What people read: every function here turns values into text; only [`Console`] prints.

mod console;
pub mod detail;
mod diagram;
pub mod failure;
pub mod lines;
mod octets;
mod style;
pub mod summary;

pub use console::Console;
pub use style::{Style, Tone};
