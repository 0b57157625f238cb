//! The engine from outside: cases against peers in memory and virtual time.

mod closing;
mod common;
mod golden;
mod hostile;
mod incoming;
mod judging;
mod life;
mod malformed_deflate;
mod opening;
mod outgoing;
mod passive;
mod suite;
