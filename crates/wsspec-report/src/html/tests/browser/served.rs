//! A server for pages, with a policy in its header.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Serves pages until the process ends.
pub(super) struct Server {
    address: SocketAddr,
}

impl Server {
    pub(super) fn start(pages: HashMap<String, String>, policy: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Arc::new(pages);
        // Browsers open connections before they need them: each has its own thread.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let pages = pages.clone();
                std::thread::spawn(move || answer(stream, &pages, policy));
            }
        });
        Self { address }
    }

    pub(super) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }
}

fn answer(mut stream: TcpStream, pages: &HashMap<String, String>, policy: &str) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut octet)? > 0 {
        request.push(octet[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let name = request.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/');
    let name = name.split('?').next().unwrap_or_default();
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
