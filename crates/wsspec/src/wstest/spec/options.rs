use std::time::Duration;

use super::Notes;
use crate::wstest::fields::Fields;
use crate::wstest::json::{Fault, Node};

/// The `options` of a spec: how the tester behaves as a WebSocket endpoint. `None`: as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Time for the opening handshake; 0 for no limit.
    pub(crate) open_handshake_timeout: Option<Duration>,
    /// Time for the peer's Close frame; 0 for no limit.
    pub(crate) close_handshake_timeout: Option<Duration>,
    /// Time for the server to end TCP after the closing handshake; 0 for no limit.
    pub(crate) server_connection_drop_timeout: Option<Duration>,
    /// Fail a connection by dropping TCP instead of by a Close frame.
    pub(crate) fail_by_drop: Option<bool>,
    /// Answer a Close frame with its own code and reason instead of 1000.
    pub(crate) echo_close_code_reason: Option<bool>,
    /// Mask what the tester sends as a client.
    pub(crate) mask_client_frames: Option<bool>,
    /// Mask what the tester sends as a server.
    pub(crate) mask_server_frames: Option<bool>,
    /// As a client, take masked frames from a server.
    pub(crate) accept_masked_server_frames: Option<bool>,
    /// As a server, insist on masked frames.
    pub(crate) require_masked_client_frames: Option<bool>,
    /// Check that what comes as text is UTF-8.
    pub utf8_validate_incoming: Option<bool>,
    /// The largest payload of a frame that is taken, in octets; 0 for no limit.
    pub(crate) max_frame_payload_size: Option<u32>,
    /// The largest message that is taken, in octets; 0 for no limit.
    pub(crate) max_message_payload_size: Option<u32>,
    /// Send messages in frames of this payload length; 0 for whole.
    pub(crate) auto_fragment_size: Option<u32>,
    /// Set TCP_NODELAY.
    pub(crate) tcp_no_delay: Option<bool>,
    /// As a server, take pages of these origins only; `*` is any text.
    pub(crate) allowed_origins: Option<Vec<String>>,
    /// As a server, so many connections at once; 0 for no limit.
    pub(crate) max_connections: Option<u32>,
    /// As a server, answer a plain request with the page.
    pub(crate) web_status: Option<bool>,
}

impl Options {
    pub(super) fn read(node: &Node, notes: &mut Notes) -> Result<Self, Fault> {
        const LARGEST: u32 = 1 << 31;
        let mut fields = Fields::of(node)?;
        if let Some(version) = fields.count("version", 255)?.filter(|version| !(13..=18).contains(version)) {
            notes.text(format!(
                "version {version} has no effect: only the protocol of RFC 6455 is spoken, known as 13 to 18"
            ));
        }
        let options = Self {
            open_handshake_timeout: fields.seconds("openHandshakeTimeout")?,
            close_handshake_timeout: fields.seconds("closeHandshakeTimeout")?,
            server_connection_drop_timeout: fields.seconds("serverConnectionDropTimeout")?,
            fail_by_drop: fields.flag("failByDrop")?,
            echo_close_code_reason: fields.flag("echoCloseCodeReason")?,
            mask_client_frames: fields.flag("maskClientFrames")?,
            mask_server_frames: fields.flag("maskServerFrames")?,
            accept_masked_server_frames: fields.flag("acceptMaskedServerFrames")?,
            require_masked_client_frames: fields.flag("requireMaskedClientFrames")?,
            utf8_validate_incoming: fields.flag("utf8validateIncoming")?,
            max_frame_payload_size: fields.count("maxFramePayloadSize", LARGEST)?,
            max_message_payload_size: fields.count("maxMessagePayloadSize", LARGEST)?,
            auto_fragment_size: fields.count("autoFragmentSize", LARGEST)?,
            tcp_no_delay: fields.flag("tcpNoDelay")?,
            allowed_origins: fields.texts("allowedOrigins")?,
            max_connections: fields.count("maxConnections", LARGEST)?,
            web_status: fields.flag("webStatus")?,
        };
        notes.unknown(fields.unknown());
        Ok(options)
    }

    /// These options where they say something, the others where they do not.
    pub(super) fn over(self, other: &Self) -> Self {
        Self {
            open_handshake_timeout: self.open_handshake_timeout.or(other.open_handshake_timeout),
            close_handshake_timeout: self.close_handshake_timeout.or(other.close_handshake_timeout),
            server_connection_drop_timeout: self
                .server_connection_drop_timeout
                .or(other.server_connection_drop_timeout),
            fail_by_drop: self.fail_by_drop.or(other.fail_by_drop),
            echo_close_code_reason: self.echo_close_code_reason.or(other.echo_close_code_reason),
            mask_client_frames: self.mask_client_frames.or(other.mask_client_frames),
            mask_server_frames: self.mask_server_frames.or(other.mask_server_frames),
            accept_masked_server_frames: self
                .accept_masked_server_frames
                .or(other.accept_masked_server_frames),
            require_masked_client_frames: self
                .require_masked_client_frames
                .or(other.require_masked_client_frames),
            utf8_validate_incoming: self.utf8_validate_incoming.or(other.utf8_validate_incoming),
            max_frame_payload_size: self.max_frame_payload_size.or(other.max_frame_payload_size),
            max_message_payload_size: self.max_message_payload_size.or(other.max_message_payload_size),
            auto_fragment_size: self.auto_fragment_size.or(other.auto_fragment_size),
            tcp_no_delay: self.tcp_no_delay.or(other.tcp_no_delay),
            allowed_origins: self.allowed_origins.or_else(|| other.allowed_origins.clone()),
            max_connections: self.max_connections.or(other.max_connections),
            web_status: self.web_status.or(other.web_status),
        }
    }
}
