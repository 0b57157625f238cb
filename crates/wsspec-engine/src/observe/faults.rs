//! The rules that a peer can break, one function each; `None` if it is kept.

use wsspec_wire::{FrameHeader, LengthForm, Opcode, Rsv};

use crate::observation::{PeerFault, TesterRole};
use crate::settings::Conduct;

/// RFC 6455 5.2, RFC 7692 6.
pub(super) fn reserved_bits(header: &FrameHeader, deflate: bool) -> Option<PeerFault> {
    let first_of_message = header.opcode.is_data();
    let lawful = header.rsv.is_none() || deflate && first_of_message && header.rsv == Rsv::RSV1;
    let misplaced = deflate && !first_of_message && header.rsv == Rsv::RSV1;
    let (id, section) = match misplaced {
        true => ("frame.rsv1", "RFC 7692 section 6.1"),
        false => ("frame.rsv", "RFC 6455 section 5.2"),
    };
    (!lawful).then(|| PeerFault {
        id,
        section,
        text: format!("a {} frame has the reserved bits {:03b}", name(header.opcode), header.rsv.bits()),
    })
}

/// RFC 6455 5.1.
pub(super) fn masking(header: &FrameHeader, role: TesterRole, conduct: &Conduct) -> Option<PeerFault> {
    let text = match (role, header.mask) {
        (TesterRole::Client, Some(_)) if !conduct.accept_masked_server_frames => "the server masks a frame",
        (TesterRole::Server, None) if conduct.require_masked_client_frames => {
            "the client does not mask a frame"
        }
        _ => return None,
    };
    Some(PeerFault { id: "frame.mask", section: "RFC 6455 section 5.1", text: text.into() })
}

/// RFC 6455 5.2 and 5.4.
pub(super) fn opcode(header: &FrameHeader, inside_message: bool) -> Option<PeerFault> {
    let (opcode, number) = (header.opcode, header.opcode.bits());
    let (id, section, text) = if opcode.is_reserved() {
        ("frame.opcode", "RFC 6455 section 5.2", format!("a frame has the reserved opcode {number}"))
    } else if opcode.is_continuation() && !inside_message {
        let text = "a continuation frame comes while no message is open".to_string();
        ("frame.continuation", "RFC 6455 section 5.4", text)
    } else if opcode.is_data() && inside_message {
        let text = format!("a {} frame comes while a message is open", name(opcode));
        ("frame.interleaved", "RFC 6455 section 5.4", text)
    } else {
        return None;
    };
    Some(PeerFault { id, section, text })
}

/// RFC 6455 5.5.
pub(super) fn control(header: &FrameHeader) -> Option<PeerFault> {
    if !header.opcode.is_control() {
        return None;
    }
    let (opcode, len) = (name(header.opcode), header.length);
    let (id, section, text) = if !header.fin {
        ("frame.control.fin", "RFC 6455 section 5.5", format!("a {opcode} frame is fragmented"))
    } else if len > 125 {
        let text = format!("a {opcode} frame has {len} octets of payload");
        ("frame.control.length", "RFC 6455 section 5.5", text)
    } else if header.opcode == Opcode::CLOSE && len == 1 {
        let text = "a Close frame has a body of one octet".to_string();
        ("close.body", "RFC 6455 section 5.5.1", text)
    } else {
        return None;
    };
    Some(PeerFault { id, section, text })
}

/// RFC 6455 5.2.
pub(super) fn length(header: &FrameHeader) -> Option<PeerFault> {
    let text = if header.length > i64::MAX as u64 {
        format!("a frame has the length {:#018X}, whose first bit is set", header.length)
    } else if !header.is_minimal() {
        let bits = if header.length_form == LengthForm::Bits64 { 64 } else { 16 };
        format!("a frame writes the length {} with {bits} bits", header.length)
    } else {
        return None;
    };
    Some(PeerFault { id: "frame.length", section: "RFC 6455 section 5.2", text })
}

/// RFC 6455 7.4, with the registry of codes: 1012 to 1014 were registered later.
pub(super) fn close_code(code: u16) -> Option<PeerFault> {
    let lawful = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    (!lawful).then(|| PeerFault {
        id: "close.code.unlawful",
        section: "RFC 6455 section 7.4",
        text: format!("a Close frame has the code {code}"),
    })
}

/// RFC 6455 5.5.1.
pub(super) fn close_reason(offset: u64) -> PeerFault {
    PeerFault {
        id: "close.utf8",
        section: "RFC 6455 section 5.5.1",
        text: format!("the reason of a Close frame is no UTF-8 from octet {offset} on"),
    }
}

/// RFC 6455 8.1.
pub(super) fn text(offset: u64) -> PeerFault {
    PeerFault {
        id: "text.utf8",
        section: "RFC 6455 section 8.1",
        text: format!("a text message is no UTF-8 from octet {offset} on"),
    }
}

/// RFC 6455 10.4: the tester was told to take no more.
pub(super) fn too_large(what: &str, length: u64, limit: u64) -> PeerFault {
    PeerFault {
        id: "limit",
        section: "RFC 6455 section 10.4",
        text: format!("a {what} has {length} octets, more than {limit}"),
    }
}

/// RFC 7692 7.2.2.
pub(super) fn compressed_data(why: impl ToString) -> PeerFault {
    PeerFault {
        id: "deflate.data",
        section: "RFC 7692 section 7.2.2",
        text: format!("a compressed message cannot be decompressed as agreed: {}", why.to_string()),
    }
}

/// RFC 7692 7.2.3.4.
pub(super) fn compressed_end(why: impl ToString) -> PeerFault {
    PeerFault { id: "deflate.end", section: "RFC 7692 section 7.2.3.4", text: why.to_string() }
}

/// RFC 7692 7.1.1.
pub(super) fn takeover(reach: u32) -> PeerFault {
    PeerFault {
        id: "deflate.takeover",
        section: "RFC 7692 section 7.1.1",
        text: format!(
            "a compressed message refers {reach} octets back before its beginning, though no context takeover \
             was agreed on"
        ),
    }
}

/// RFC 7692 7.1.2.
pub(super) fn window(distance: u32) -> PeerFault {
    PeerFault {
        id: "deflate.window",
        section: "RFC 7692 section 7.1.2",
        text: format!("a compressed message refers {distance} octets back, beyond the agreed window"),
    }
}

const fn name(opcode: Opcode) -> &'static str {
    opcode.name()
}
