//! wsspec-endpoint.
