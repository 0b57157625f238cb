//! Memory stays bounded whatever the peer sends.

use std::process::Command;

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::finish;

/// Address space in KiB. Stacks and arenas of the threads take most of it.
const LIMIT: u32 = 600_000;

/// Runs in a shell that limits the address space: a program that keeps what it receives dies of it.
#[test]
fn floods_do_not_fill_the_memory() {
    for octets in [&b"\x81\x05flood"[..], b"\x89\x01x", b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffxxxxxx"] {
        let folder = tempdir().unwrap();
        let peer =
            Peer::start(move |n| if n < 2 { Manner::Echo } else { Manner::Upgrade(octets, Then::Repeat) });
        let mut shell = Command::new("sh");
        let script = format!(
            "ulimit -v {LIMIT}; exec \"$0\" run \"$1\" 1.1.2 9.8.1 12.1.1 15.3.3 17.1.12 21.2.17 --no-confirm --case-timeout 2s"
        );
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_wsspec"), &peer.url()]).current_dir(folder.path());
        let done = finish(shell);
        // A case that is cut short may wait longer by itself; then not all of them could be run.
        assert!(matches!(done.code, 1 | 6), "{done:#?}");
    }
}
