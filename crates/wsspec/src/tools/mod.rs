//! Tools beside the tests: a client that drives a tester, test vectors, many connections, a broadcast.

pub mod broadcast;
pub mod driver;
pub mod massconnect;
pub mod serializer;
