use std::net::SocketAddr;

use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

struct Files {
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A certificate for these names, signed by itself: certificate and key.
    fn certificate(&self, name: &str, names: &[&str]) -> (PathBuf, PathBuf) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let cert = self.write(&format!("{name}.pem"), &made.cert.pem());
        (cert, self.write(&format!("{name}.key"), &made.signing_key.serialize_pem()))
    }
}

/// A server that answers every connection with `hello`, closing with close_notify or without.
async fn serve(tls: ServerTls, farewell: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = tls.acceptor.accept(tcp).await else { continue };
            let _ = stream.write_all(b"hello").await;
            let _ = stream.flush().await;
            if farewell {
                let _ = stream.shutdown().await;
            } else {
                let _ = stream.get_mut().0.shutdown().await;
            }
        }
    });
    address
}

/// A server that writes these octets, reads a little, and hangs up.
async fn serve_octets(octets: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.read(&mut [0; 1024]).await;
            let _ = tcp.write_all(octets).await;
        }
    });
    address
}

async fn connect(
    tls: &ClientTls,
    address: SocketAddr,
    host: &str,
) -> Result<ClientStream<TcpStream>, Problem> {
    let tcp = TcpStream::connect(address).await.unwrap();
    tls.connector()?.connect(tcp, host).await
}

fn trusting(cert: &Path) -> ClientTls {
    ClientTls { ca: Some(cert.to_owned()), ..ClientTls::default() }
}

fn insecure() -> ClientTls {
    ClientTls { insecure: true, ..ClientTls::default() }
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted_and_sni_may_differ_from_the_host() {
    let files = Files::new();
    let (cert, key) = files.certificate("a", &["a.test"]);
    let address = serve(ServerTls::from_files(&cert, &key).unwrap(), true).await;
    let sni = ClientTls { sni: Some("a.test".to_owned()), ..trusting(&cert) };
    for (tls, host) in [(trusting(&cert), "a.test"), (sni, "127.0.0.1"), (insecure(), "b.test")] {
        let mut text = String::new();
        connect(&tls, address, host).await.unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_is_explained() {
    let files = Files::new();
    let (cert, key) = files.certificate("a", &["a.test"]);
    let server = ServerTls::from_files(&cert, &key).unwrap();
    let address = serve(server.clone(), true).await;

    let wrong_name = connect(&trusting(&cert), address, "b.test").await.unwrap_err();
    assert_eq!(wrong_name.code, ErrorCode::E11);
    let fingerprint = format!("{}:..:{}", &server.fingerprint[..23], &server.fingerprint[90..]);
    let shown = |problem: Problem| problem.to_string().replace(&fingerprint, "[fingerprint]");
    insta::assert_snapshot!(shown(wrong_name), @r#"
    error[E11]: the TLS certificate of "b.test" is not accepted
      why      it is not for the name "b.test" but for a.test
      got      self-signed, CN=rcgen self signed cert, valid 1975-01-01 to
               4096-01-01, SHA-256 [fingerprint]
      try      --sni a.test
      or       -k   accepts any certificate, for tests only
    "#);

    let (other, _) = files.certificate("b", &["b.test"]);
    let unknown = connect(&trusting(&other), address, "b.test").await.unwrap_err();
    let other = other.display().to_string();
    // Where it is broken depends on the name of the folder.
    let words = shown(unknown).split_whitespace().collect::<Vec<_>>().join(" ").replace(&other, "b.pem");
    insta::assert_snapshot!(words, @r#"error[E11]: the TLS certificate of "b.test" is not accepted why it is signed by itself, and not trusted also the name does not match: the certificate is for a.test got self-signed, CN=rcgen self signed cert, valid 1975-01-01 to 4096-01-01, SHA-256 [fingerprint] try --cacert cert.pem with this certificate itself, which b.pem does not hold or --sni a.test or -k accepts any certificate, for tests only"#);
}

/// A certificate as `openssl req -x509` makes it: of an authority, and used by a server.
fn of_an_authority(files: &Files, until: i32) -> (PathBuf, PathBuf) {
    let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = files.write(&format!("ca{until}.pem"), &params.self_signed(&key).unwrap().pem());
    (cert, files.write(&format!("ca{until}.key"), &key.serialize_pem()))
}

#[tokio::test]
async fn the_usual_self_signed_certificate_of_openssl_could_not_be_trusted() {
    let files = Files::new();
    let (cert, key) = of_an_authority(&files, 3000);
    let address = serve(ServerTls::from_files(&cert, &key).unwrap(), true).await;
    connect(&trusting(&cert), address, "a.test").await.expect("the certificate itself is named");
    let name = connect(&trusting(&cert), address, "b.test").await.unwrap_err().to_string();
    assert!(name.contains("it is not for the name \"b.test\" but for a.test"), "{name}");

    let (other, _) = files.certificate("b", &["b.test"]);
    let unknown = connect(&trusting(&other), address, "a.test").await.unwrap_err().to_string();
    assert!(unknown.contains("--cacert cert.pem") && !unknown.contains("CaUsed"), "{unknown}");

    let (old, key) = of_an_authority(&files, 2020);
    let address = serve(ServerTls::from_files(&old, &key).unwrap(), true).await;
    let expired = connect(&trusting(&old), address, "a.test").await.unwrap_err().to_string();
    assert!(expired.contains("it expired"), "{expired}");
}

#[tokio::test]
async fn a_file_without_an_authority_of_use_trusted_everybody() {
    let files = Files::new();
    let (cert, key) = files.certificate("a", &["a.test"]);
    let address = serve(ServerTls::from_files(&cert, &key).unwrap(), true).await;
    // DER that is no certificate.
    let useless =
        files.write("useless.pem", "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n");
    let refused = connect(&trusting(&useless), address, "a.test").await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code, ErrorCode::E11, "{refused}");
}

#[tokio::test]
async fn an_expired_certificate_is_explained() {
    let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let files = Files::new();
    let cert = files.write("old.pem", &params.self_signed(&key).unwrap().pem());
    let key = files.write("old.key", &key.serialize_pem());
    let address = serve(ServerTls::from_files(&cert, &key).unwrap(), true).await;
    let expired = connect(&trusting(&cert), address, "a.test").await.unwrap_err().to_string();
    assert!(expired.contains("it expired") && expired.contains("days ago"), "{expired}");
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let address = serve_octets(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let plain = connect(&insecure(), address, "localhost").await.unwrap_err();
    assert_eq!(plain.code, ErrorCode::E10);
    assert!(plain.to_string().contains("48 54 54 50"), "{plain}");

    let silent = serve_octets(b"").await;
    assert_eq!(connect(&insecure(), silent, "localhost").await.unwrap_err().code, ErrorCode::E30);
}

#[tokio::test]
async fn the_end_of_tcp_without_a_farewell_is_told_from_a_reset() {
    let tls = ServerTls::self_signed(&["localhost".to_owned()]).unwrap();
    let address = serve(tls, false).await;
    let mut stream = connect(&insecure(), address, "localhost").await.unwrap();
    let mut octets = Vec::new();
    let error = stream.read_to_end(&mut octets).await.unwrap_err();
    assert_eq!(octets, b"hello");
    assert!(ended_without_close_notify(&error), "{error}");
    assert!(!ended_without_close_notify(&std::io::ErrorKind::ConnectionReset.into()));
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_lack_explained() {
    let files = Files::new();
    let (cert, key) = files.certificate("server", &["localhost"]);
    let (client_cert, client_key) = files.certificate("client", &["client.test"]);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read_chain(&client_cert).unwrap());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), verify::provider());
    // TLS 1.2 ends the handshake only after the server has judged the client's certificate.
    let config = ServerConfig::builder_with_provider(verify::provider())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(read_chain(&cert).unwrap(), read_key(&key).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let address = serve(ServerTls { acceptor, ..ServerTls::from_files(&cert, &key).unwrap() }, true).await;

    let without = connect(&trusting(&cert), address, "localhost").await.unwrap_err();
    assert_eq!(without.code, ErrorCode::E30);
    assert!(without.to_string().contains("client certificate"), "{without}");
    let with = ClientTls { cert: Some(client_cert), key: Some(client_key), ..trusting(&cert) };
    connect(&with, address, "localhost").await.unwrap();
}

#[test]
fn files_that_hold_nothing_of_use_are_named() {
    let files = Files::new();
    let (cert, key) = files.certificate("a", &["a.test"]);
    let (_, other_key) = files.certificate("b", &["b.test"]);
    let empty = files.write("empty.pem", "");
    for problem in [
        ServerTls::from_files(&empty, &key).err(),
        ServerTls::from_files(&cert, &empty).err(),
        ServerTls::from_files(&cert, &files.dir.path().join("absent")).err(),
        ServerTls::from_files(&cert, &other_key).err(),
        trusting(&empty).connector().err(),
    ] {
        let problem = problem.unwrap();
        assert_eq!(problem.code, ErrorCode::E18, "{problem}");
    }
}
