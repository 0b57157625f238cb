//! A server for pages, with a policy in its header.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Serves pages until the process ends.
pub(super) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(pages: HashMap<String, String>, policy: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new((pages, policy.into()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let names = asked.clone();
        // Browsers open connections before they need them: each has its own thread.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, names) = (shared.clone(), names.clone());
                std::thread::spawn(move || answer(stream, &shared.0, &shared.1, &names));
            }
        });
        Self { address, asked }
    }

    /// What was asked for so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }
}

fn answer(
    mut stream: TcpStream,
    pages: &HashMap<String, String>,
    policy: &str,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut octet)? > 0 {
        request.push(octet[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let name = request.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/');
    let name = name.split('?').next().unwrap_or_default();
    if name.is_empty() && request.is_empty() {
        return Ok(());
    }
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    };
    let (status, page) = pages.get(name).map_or(("404 Not Found", ""), |page| ("200 OK", page));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Security-Policy: {policy}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    )
}
