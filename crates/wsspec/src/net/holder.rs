//! Who listens on a port of this machine, as far as the system tells.

use std::collections::HashSet;
use std::path::Path;

use wsspec_report::Untrusted;

/// `process 48213 "docker-proxy"`; none where the system does not tell.
pub(crate) fn holder(port: u16) -> Option<String> {
    let mut inodes = HashSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        inodes.extend(text.lines().filter_map(|line| listening(line, port)));
    }
    if inodes.is_empty() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let id: u32 = process.file_name().to_str()?.parse().ok()?;
        has_socket(&process.path(), &inodes).then(|| {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            format!("process {id} \"{}\"", Untrusted::from(name.trim()).for_terminal(40))
        })
    })
}

/// The inode of the socket in a line of the table, if it listens on that port.
fn listening(line: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let (_, found) = local.rsplit_once(':')?;
    let same = u16::from_str_radix(found, 16) == Ok(port);
    fields.nth(5).filter(|_| same && state == LISTEN).map(str::to_owned)
}

fn has_socket(process: &Path, inodes: &HashSet<String>) -> bool {
    let files = std::fs::read_dir(process.join("fd"));
    files.into_iter().flatten().flatten().any(|file| {
        let link = std::fs::read_link(file.path()).unwrap_or_default();
        let inode = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.contains(inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_sockets_are_read_from_the_table() {
        let line =
            "   0: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 41873 1";
        assert_eq!(listening(line, 9001).as_deref(), Some("41873"));
        assert_eq!(listening(line, 9002), None);
        assert_eq!(listening(&line.replace(" 0A ", " 01 "), 9001), None);
        assert_eq!(listening("  sl  local_address rem_address   st", 9001), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wanted = format!("process {} ", std::process::id());
        assert!(holder(port).unwrap().starts_with(&wanted));
        drop(listener);
    }
}
