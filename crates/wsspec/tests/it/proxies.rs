//! Proxies, with the echo server of `--backend` behind them.

use std::net::{SocketAddr, TcpListener};

use tempfile::tempdir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::program::wsspec;
use crate::tester::free_port;

/// A proxy that passes everything on to this port; gone when the runtime is dropped.
fn proxy(backend: u16) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(("127.0.0.1", backend)).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    (runtime, address)
}

#[test]
fn both_legs_of_a_proxy_are_seen() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let (_proxy, address) = proxy(port);
    let (url, backend) = (format!("ws://{address}"), format!("127.0.0.1:{port}"));
    let args = ["run", &url, "1.1.1", "2.1", "5.1", "--backend", &backend, "--pcap", "legs.pcapng"];
    let done = wsspec(folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(
        done.out.contains(&format!("backend        echoes on ws://{backend}, for the proxy")),
        "{done:#?}"
    );
    // Two connections before the first case; one for each case; 5.1 breaks a rule.
    let told = "backend        5 connections: 4 ended cleanly, 1 failed for a broken rule, 0 otherwise";
    assert!(done.out.contains(told), "{done:#?}");
    let capture = std::fs::read(folder.path().join("legs.pcapng")).unwrap();
    let answers = capture.windows(12).filter(|part| part == b"HTTP/1.1 101").count();
    assert_eq!(answers, 6, "three connections on each leg");
}

#[test]
fn e16_a_backend_needs_a_port_of_its_own() {
    let folder = tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let backend = holder.local_addr().unwrap().to_string();
    let done = wsspec(folder.path(), &["run", "ws://127.0.0.1:9", "1.1.1", "--backend", &backend]);
    assert!(done.code != 0 && done.err.contains("error[E16]") && done.err.contains("--backend"), "{done:#?}");
}
