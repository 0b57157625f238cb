//! The endpoint through its public interface: in memory, with virtual time.

mod chopping;
mod closing;
mod commands;
mod conversation;
mod deflate;
mod large;
mod messages;
mod pair;
mod requests;
mod responses;
mod violations;
