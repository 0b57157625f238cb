//! What Linux says about processes in `/proc`. Elsewhere nothing is known, and nothing is said.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use wsspec_engine::Resources;

/// The living members of a process group: number and name.
pub(super) fn members(group: i32) -> BTreeSet<(i32, String)> {
    let all = processes().filter_map(|(pid, folder)| {
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        // The name, in brackets, may hold anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let (state, _parent, of) = (fields.next()?, fields.next()?, fields.next()?);
        (state != "Z" && of.parse() == Ok(group)).then(|| (pid, name(&folder)))
    });
    all.collect()
}

/// What the processes of a group hold together; `None` where that cannot be seen.
pub(crate) fn held(group: i32) -> Option<Resources> {
    let page = rustix::param::page_size() as u64;
    let mut held = Resources::default();
    for (pid, _) in members(group) {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let memory = fs::read_to_string(folder.join("statm")).ok()?;
        held.octets += memory.split(' ').nth(1)?.parse::<u64>().ok()? * page;
        held.descriptors += fs::read_dir(folder.join("fd")).ok()?.count() as u64;
    }
    (held.octets > 0).then_some(held)
}

/// Where the system put the core of this process, which has ended.
pub(super) fn core_of(pid: i32) -> Option<String> {
    let system = |name: &str| fs::read_to_string(Path::new("/proc/sys/kernel").join(name));
    let pattern = system("core_pattern").ok()?;
    let with_pid = system("core_uses_pid").is_ok_and(|digit| digit.trim() == "1");
    Some(core_path(pattern.trim_end(), with_pid, pid))
}

/// What a pattern for cores means (core(5)): a path, or the program that is given the core. What is not known here is a `*`.
fn core_path(pattern: &str, with_pid: bool, pid: i32) -> String {
    if let Some(program) = pattern.strip_prefix('|') {
        let program = program.split_whitespace().next().unwrap_or_default();
        return format!("given to {program}");
    }
    let (mut path, mut has_pid) = (String::new(), false);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match (character, (character == '%').then(|| characters.next()).flatten()) {
            ('%', Some('%')) => path.push('%'),
            ('%', Some('p' | 'P')) => {
                path.push_str(&pid.to_string());
                has_pid = true;
            }
            ('%', Some(_)) => path.push('*'),
            ('%', None) => {}
            (other, _) => path.push(other),
        }
    }
    let ending = if with_pid && !has_pid { format!(".{pid}") } else { String::new() };
    let place = if path.starts_with('/') { "" } else { ", in the folder where it ran" };
    format!("{path}{ending}{place}")
}

/// What a file descriptor of this process is: `pipe:[123]`.
pub(super) fn name_of(descriptor: i32) -> Option<String> {
    link(&PathBuf::from(format!("/proc/self/fd/{descriptor}")))
}

/// The processes that write to a pipe: number and name.
pub(super) fn holders(pipe: &str) -> BTreeSet<(i32, String)> {
    let writes =
        |folder: &Path| ["fd/1", "fd/2"].iter().any(|fd| link(&folder.join(fd)).as_deref() == Some(pipe));
    processes().filter(|(_, folder)| writes(folder)).map(|(pid, folder)| (pid, name(&folder))).collect()
}

/// The living processes that were started with this variable set so: number and name. Also whether these are all; that
/// cannot be told while a process that is as young is between two programs, when the system shows none of its variables.
pub(super) fn marked(variable: &str, value: &str, since: Option<u64>) -> (BTreeSet<(i32, String)>, bool) {
    let setting = format!("{variable}={value}");
    let (mut found, mut are_all) = (BTreeSet::new(), true);
    for (pid, folder) in processes() {
        let Ok(all) = fs::read(folder.join("environ")) else { continue };
        if all.split(|octet| *octet == 0).any(|one| one == setting.as_bytes()) {
            found.insert((pid, name(&folder)));
        }
        let is_young = || since.is_some_and(|since| started(&folder).is_some_and(|ticks| ticks >= since));
        are_all &= !(all.is_empty() && is_young() && link(&folder.join("exe")).is_some());
    }
    (found, are_all)
}

/// When a process was started, in the ticks of the system.
pub(super) fn started_at(pid: i32) -> Option<u64> {
    started(&PathBuf::from(format!("/proc/{pid}")))
}

fn started(process: &Path) -> Option<u64> {
    /// The number of the field by proc(5), which counts from 1, less those up to the name.
    const START_TIME: usize = 22 - 3;
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(START_TIME)?.parse().ok()
}

/// The process that listens at an address: `process 48213 "docker-proxy"`.
pub(super) fn listener(address: SocketAddr) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let socket =
        tables.iter().flat_map(|table| table.lines()).find_map(|line| listening(line, address.port()))?;
    let socket = format!("socket:[{socket}]");
    let holds = |folder: &Path| {
        let descriptors = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        descriptors.take(4096).any(|entry| link(&entry.path()).as_deref() == Some(&socket))
    };
    let (pid, folder) = processes().find(|(_, folder)| holds(folder))?;
    Some(format!("process {pid} {:?}", name(&folder)))
}

/// The inode of the socket, if this line of the table is about one that listens on the port.
fn listening(line: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, local) = fields.get(1)?.rsplit_once(':')?;
    let is_meant = u16::from_str_radix(local, 16) == Ok(port) && fields.get(3) == Some(&LISTEN);
    is_meant.then(|| fields.get(9).copied()).flatten()
}

fn processes() -> impl Iterator<Item = (i32, PathBuf)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}

/// The name of the program, without its folder.
fn name(process: &Path) -> String {
    let text = fs::read_to_string(process.join("comm")).unwrap_or_default();
    wsspec_report::Untrusted::from(text.trim()).for_terminal(40)
}

fn link(path: &Path) -> Option<String> {
    fs::read_link(path).ok().map(|target| target.to_string_lossy().into_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let found = listener(socket.local_addr().unwrap()).unwrap();
        assert!(found.starts_with(&format!("process {} ", std::process::id())), "{found}");
    }

    /// Under load, a child that was between `setsid` and `sleep` was not seen, and counted as ended.
    #[test]
    fn a_young_process_that_shows_no_variables_leaves_it_open() {
        let mut child = std::process::Command::new("sleep").arg("60").env_clear().spawn().unwrap();
        let started = started_at(child.id().try_into().unwrap()).unwrap();
        let (_, are_all) = marked("WSSPEC_PROCESS", "nobody", Some(started));
        let (_, are_all_of_later) = marked("WSSPEC_PROCESS", "nobody", Some(started + 1_000_000));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((are_all, are_all_of_later), (false, true));
    }

    #[test]
    fn patterns_for_cores_are_read() {
        for (pattern, with_pid, path) in [
            ("core", true, "core.7, in the folder where it ran"),
            ("/var/core/%e-%p%%", true, "/var/core/*-7%"),
            ("|/usr/lib/systemd/systemd-coredump %P %u", false, "given to /usr/lib/systemd/systemd-coredump"),
        ] {
            assert_eq!(core_path(pattern, with_pid, 7), path);
        }
    }
}
