//! One file per section. The list below is the table of contents.

mod s01_framing;
mod s02_pings_pongs;
mod s03_reserved_bits;
mod s04_opcodes;
mod s05_fragmentation;
mod s06_utf8;
mod s07_closing;
mod s09_limits;
mod s10_auto_fragmentation;
mod s12_deflate_payloads;
mod s13_deflate_parameters;
mod s14_masking;
mod s15_lengths;
mod s16_headers;
mod s17_messages;
mod s18_closing;
mod s21_deflate;
mod s22_deflate_window;

use crate::suite::Suite;

/// Fills the suite. Numbers 8 and 11 were never used.
pub(crate) fn declare(suite: &mut Suite) {
    s01_framing::declare(suite);
    s02_pings_pongs::declare(suite);
    s03_reserved_bits::declare(suite);
    s04_opcodes::declare(suite);
    s05_fragmentation::declare(suite);
    s06_utf8::declare(suite);
    s07_closing::declare(suite);
    s09_limits::declare(suite);
    s10_auto_fragmentation::declare(suite);
    s12_deflate_payloads::declare(suite);
    s13_deflate_parameters::declare(suite);
    s14_masking::declare(suite);
    s15_lengths::declare(suite);
    s16_headers::declare(suite);
    s17_messages::declare(suite);
    s18_closing::declare(suite);
    s21_deflate::declare(suite);
    s22_deflate_window::declare(suite);
}
