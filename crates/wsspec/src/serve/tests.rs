//! The end of a server, over real sockets.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wsspec_cases::suite;

use super::*;

/// An empty Close frame, of the server and of a client.
const CLOSE: [u8; 2] = [0x88, 0];
const MASKED_CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

fn plan() -> Plan {
    Plan {
        cases: suite().cases()[..1].iter().collect(),
        passive: Vec::new(),
        exclusions: AgentExclusions::default(),
        settings: Settings::default(),
        as_reference: false,
        admission: Admission::default(),
        page: true,
        tls: None,
        no_delay: true,
        hosts: Vec::new(),
        token: String::new(),
        repro: Vec::new(),
        redaction: Redaction::default(),
        log: Arc::new(Log::nowhere()),
        trace: Trace::All,
        expected: None,
        capture: None,
    }
}

/// What a page asks for: it takes no commands.
fn request(resource: &str) -> Vec<u8> {
    format!(
        "GET {resource} HTTP/1.1\r\nHost: tester.invalid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Origin: http://tester.invalid\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// Sees the closing handshake through. What the server sent.
async fn until_closed(mut client: TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    while !got.ends_with(&CLOSE) {
        assert_ne!(client.read_buf(&mut got).await.unwrap(), 0, "no Close: {got:?}");
    }
    client.write_all(&MASKED_CLOSE).await.unwrap();
    client.read_to_end(&mut got).await.unwrap();
    got
}

#[tokio::test]
async fn clients_that_had_connected_when_the_server_ended_were_reset() {
    const EACH: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path()).unwrap();
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], plan(), ledger, |_| {}).await.unwrap();
    let address = server.addresses().unwrap()[0];
    // Nobody takes connections yet, so all of these wait in the queue of the listener.
    let mut clients = Vec::new();
    for resource in
        ["/updateReports?agent=a", "/getCaseCount", "/getCaseStatus?case=1&agent=a", "/getCaseInfo?case=1"]
    {
        for _ in 0..EACH {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(&request(resource)).await.unwrap();
            clients.push(client);
        }
    }
    let slow = TcpStream::connect(address).await.unwrap();
    server.shared().stop();
    let asked = async {
        let mut clients: JoinSet<_> = clients.into_iter().map(until_closed).collect();
        let mut slow = slow;
        slow.write_all(&request("/updateReports?agent=b")).await.unwrap();
        clients.spawn(until_closed(slow));
        clients.join_all().await
    };
    let ((), answers) = tokio::join!(server.serve(), asked);
    assert_eq!(answers.len(), 4 * EACH + 1);
    let counts = answers.iter().filter(|got| got.windows(3).any(|part| part == [0x81, 1, b'1'])).count();
    assert_eq!(counts, EACH, "how many cases there are");
    assert!(answers.iter().all(|got| got.starts_with(b"HTTP/1.1 101 ")));
}
