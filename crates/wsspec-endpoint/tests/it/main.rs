//! The endpoint through its public interface: in memory, with virtual time.

mod closing;
mod messages;
mod pair;
mod violations;
