//! What every section file needs.

pub(crate) use wsspec_wire::LengthForm;
pub(crate) use wsspec_wire::close_code::{
    GOING_AWAY, INTERNAL_ERROR, INVALID_PAYLOAD, MESSAGE_TOO_BIG, NORMAL, POLICY_VIOLATION, PROTOCOL_ERROR,
};

pub(crate) use crate::case::Case;
pub(crate) use crate::close_rule::EndOfTcp;
pub(crate) use crate::profile::{Closes, Fails, PeerCloses, Tolerance};
pub(crate) use crate::rule::Rfc::{Rfc6455, Rfc7692};
pub(crate) use crate::rule::Rule;
pub(crate) use crate::series::Footprint;
pub(crate) use crate::step::{Awaited, FrameSpec};
pub(crate) use crate::suite::{Declaration, Suite};
pub(crate) use crate::words::*;
