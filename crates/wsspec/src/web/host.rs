//! Which names a browser may know this server by.

use std::net::IpAddr;

/// Names under which containers know their host.
const CONTAINER_HOSTS: [&str; 2] = ["host.docker.internal", "host.containers.internal"];

/// Whether the value of a Host header is an address, a name of this machine, or one that was allowed.
///
/// A page of a foreign site whose name was pointed at this machine (DNS rebinding) brings its own name along.
/// Names without a dot belong to the network at hand. A wrong port is no reason to refuse: ports are mapped.
pub(super) fn is_ours(host: &str, allowed: &[String]) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    let local =
        name == "localhost" || name.ends_with(".localhost") || !name.contains('.') && !name.contains(':');
    local
        || name.parse::<IpAddr>().is_ok()
        || CONTAINER_HOSTS.contains(&name.as_str())
        || allowed.iter().any(|other| other.eq_ignore_ascii_case(&name))
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_near_names_are_ours_at_any_port() {
        for host in [
            "",
            "localhost",
            "localhost:53701",
            "a.localhost",
            "127.0.0.1:1",
            "192.168.1.20",
            "[::1]:9001",
            "[::1]",
            "fuzzing-server:9001",
            "host.docker.internal:9001",
            "My.Test:80",
        ] {
            assert!(is_ours(host, &["my.test".to_owned()]), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9001",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a.b:c:d",
        ] {
            assert!(!is_ours(host, &[]), "{host}");
        }
    }
}
