//! TLS to servers: the handshake, what was agreed on, and what its failures mean. The only place that knows rustls.
//!
//! Any certificate will do unless verification is asked for, as with keepalived: a check asks whether a server works, and
//! clients reach it under another name than ours. What rustls does not speak at all: TLS before 1.2, and TLS 1.2 without
//! an ephemeral elliptic curve key exchange or without an authenticated cipher.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    ops::RangeInclusive,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, PeerIncompatible,
    ProtocolVersion, RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    answer::{EVIDENCE, Failure, FailureKind, Phase, Verdict, quoted},
    certificate::{Certificate, day},
    connect,
    facts::TlsFacts,
    probe::Phases,
    settings::Tls,
};

/// How long files with certificates are not read again. They change under a running process.
const KEPT: Duration = Duration::from_secs(60);

/// Where systems keep the certificates of authorities, all in one file.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A connection with TLS.
pub(super) type Stream = TlsStream<Noting>;

/// What probes have in common on our side of TLS: one for each way of verifying and each identity.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<HashMap<Tls, (Instant, Arc<ClientConfig>)>>);

impl Clients {
    /// Returns the client for these settings, with files read within the last minute.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should: what, and where.
    fn client(&self, tls: &Tls) -> Result<Arc<ClientConfig>, String> {
        // Names and warnings are the connection's, not the client's; but SNI is on or off for a client.
        let key = Tls { name: tls.name.as_ref().map(|_| String::new()), warn_expiry: None, ..tls.clone() };
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of checks that have gone fall out, too.
        clients.retain(|_, (made, _)| made.elapsed() < KEPT);
        if let Some((_, client)) = clients.get(&key) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(client(tls)?);
        clients.insert(key, (Instant::now(), Arc::clone(&client)));
        Ok(client)
    }
}

fn client(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if tls.verify {
        let authorities = Arc::new(authorities(tls.authorities.as_deref())?);
        let verifier = WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(&provider)).build();
        Arc::new(Verified(verifier.map_err(|error| format!("cannot verify certificates: {error}"))?))
    } else {
        Arc::new(Anybody)
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot prepare TLS: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut client = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((certificates, key)) => {
            let chain = certificates_of(certificates)?;
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("private key", key, &error))?;
            builder.with_client_auth_cert(chain, secret).map_err(|error| {
                format!(
                    "the key in {} does not go with the certificate in {}: {error}",
                    key.display(),
                    certificates.display()
                )
            })?
        }
    };
    // Every probe makes the whole way: a remembered session would hide a broken certificate.
    client.resumption = Resumption::disabled();
    client.enable_sni = tls.name.is_some();
    Ok(client)
}

/// Reads the given authorities, or the system's.
fn authorities(file: Option<&Path>) -> Result<RootCertStore, String> {
    let system = || SYSTEM_AUTHORITIES.iter().map(Path::new).find(|path| path.exists());
    let Some(path) = file.or_else(system) else {
        return Err(format!(
            "this system has no certificates of authorities, in none of {}: install ca-certificates, or name a file",
            SYSTEM_AUTHORITIES.join(", ")
        ));
    };
    let mut store = RootCertStore::empty();
    // Systems have authorities among theirs that cannot be used; what matters is that some can.
    let (added, _) = store.add_parsable_certificates(certificates_of(path)?);
    if added == 0 {
        return Err(format!("no certificate in {} is an authority's", path.display()));
    }
    Ok(store)
}

fn certificates_of(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unreadable = |error| unreadable("certificate", path, &error);
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(unreadable)?;
    if all.is_empty() { Err(format!("there is no PEM certificate in {}", path.display())) } else { Ok(all) }
}

fn unreadable(what: &str, path: &Path, error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    match error {
        Error::Io(error) => format!("cannot read the {what} in {}: {error}", path.display()),
        Error::NoItemsFound => format!("there is no PEM {what} in {}", path.display()),
        other => format!("{} is not PEM: {other}", path.display()),
    }
}

/// Makes a connection secure, and returns it with what a person should know although it works.
///
/// # Errors
/// The verdict: the server does not speak TLS, not with us, or is not who it should be; or we cannot ask.
pub(super) async fn connect(
    stream: TcpStream,
    tls: &Tls,
    target: SocketAddr,
    clients: &Clients,
    clock: &mut Phases,
) -> Result<(Stream, Option<String>), Verdict> {
    let client = clients.client(tls).map_err(Verdict::Unknown)?;
    let name = match &tls.name {
        None => ServerName::from(target.ip()),
        Some(name) => ServerName::try_from(name.clone())
            .map_err(|_| Verdict::Unknown(format!("{name} is no name that TLS can ask for")))?,
    };
    clock.awaits("the TLS handshake");
    let noting = Noting { stream, first: Vec::new() };
    let stream = match TlsConnector::from(client).connect(name, noting).into_fallible().await {
        Ok(stream) => stream,
        Err((error, noting)) => return Err(failure(&error, target, &noting.first, clock.elapsed())),
    };
    clock.reached(Phase::Tls);
    let facts = facts(&stream);
    let warning = tls.warn_expiry.and_then(|before| ends_soon(facts.not_after?, before));
    clock.facts().tls = Some(facts);
    Ok((stream, warning))
}

/// Makes a connection secure that is no probe's, for the name in `tls`.
///
/// # Errors
/// Why not, in words.
pub async fn secure(
    stream: TcpStream,
    tls: &Tls,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, String> {
    let begun = Instant::now();
    let target = stream.peer_addr().map_err(|error| error.to_string())?;
    let client = Arc::new(client(tls)?);
    let name = match &tls.name {
        None => ServerName::from(target.ip()),
        Some(name) => {
            ServerName::try_from(name.clone()).map_err(|_| format!("{name} is no name that TLS can ask for"))?
        }
    };
    let noting = Noting { stream, first: Vec::new() };
    match TlsConnector::from(client).connect(name, noting).into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, noting)) => Err(match failure(&error, target, &noting.first, begun.elapsed()) {
            Verdict::Bad(failure) => failure.reason,
            Verdict::Unknown(reason) => reason,
            Verdict::Good(_) => error.to_string(),
        }),
    }
}

fn facts(stream: &Stream) -> TlsFacts {
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        other => other.map_or_else(|| "TLS".to_owned(), |version| format!("{version:?}")),
    };
    // rustls writes TLS13_AES_… for what everybody else calls TLS_AES_….
    let cipher =
        session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"));
    let certificate = session.peer_certificates().and_then(|chain| Certificate::read(chain.first()?));
    TlsFacts {
        version,
        cipher: cipher.unwrap_or_default(),
        not_after: certificate.map(|certificate| certificate.not_after),
        self_signed: certificate.is_some_and(|certificate| certificate.self_issued),
    }
}

/// Returns a warning if so little is left of a certificate.
fn ends_soon(not_after: i64, before: Duration) -> Option<String> {
    let left = not_after - now();
    let day = day(not_after);
    if left < 0 {
        return Some(format!("the certificate ended on {day}"));
    }
    let soon = u64::try_from(left).is_ok_and(|left| left < before.as_secs());
    soon.then(|| format!("the certificate ends on {day}, in {}", days(left)))
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// `less than a day`, `1 day`, `12 days`
fn days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Says what a failure of a connection with TLS means. `said` is what the server sent first.
pub(super) fn failure(error: &io::Error, target: SocketAddr, said: &[u8], after: Duration) -> Verdict {
    let (kind, reason) = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => explain(error, said),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            (FailureKind::Closed, "the server closed the connection during the TLS handshake".to_owned())
        }
        None => return connect::fault(target, error, after).into(),
    };
    // What is TLS tells a person nothing.
    let evidence = said.first().filter(|byte| !RECORDS.contains(byte)).map_or(&[][..], |_| said);
    Verdict::Bad(Failure::new(kind, &reason, evidence))
}

/// Types of records (RFC 8446, section 5.1): what TLS begins with.
const RECORDS: RangeInclusive<u8> = 20..=23;

/// What rustls can speak, for people whose servers cannot.
const SPOKEN: &str = "TLS 1.3, and TLS 1.2 with ECDHE and an AEAD cipher";

fn explain(error: &rustls::Error, said: &[u8]) -> (FailureKind, String) {
    use rustls::Error;
    let reason = match error {
        _ if said.starts_with(b"HTTP/") => "the server speaks plain HTTP on this port, not TLS".to_owned(),
        _ if said.first().is_some_and(|byte| !RECORDS.contains(byte)) => {
            format!("the server does not speak TLS on this port: it said {}", quoted(said))
        }
        Error::InvalidCertificate(fault) => return (FailureKind::Certificate, certificate(fault)),
        Error::AlertReceived(alert) => refusal(*alert),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => format!("the server wants an older TLS than this program speaks ({SPOKEN})"),
        Error::PeerIncompatible(what) => {
            format!("the server wants what this program does not speak ({SPOKEN}): {what:?}")
        }
        Error::InvalidMessage(what) => format!("the server's TLS is broken: {what:?}"),
        other => format!("TLS failed: {other}"),
    };
    (FailureKind::Tls, reason)
}

/// Says what a server means that ends the handshake (RFC 8446, section 6.2).
fn refusal(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            &format!("nothing in common with what this program speaks ({SPOKEN})")
        }
        AlertDescription::ProtocolVersion => &format!("it wants another TLS version; this program speaks {SPOKEN}"),
        AlertDescription::UnrecognisedName => "it does not know the name that was asked for (SNI)",
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => "it wants a certificate from us",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => "it does not accept our certificate, or wants one",
        AlertDescription::InternalError => "it has a fault of its own, as with a certificate that it cannot load",
        AlertDescription::MissingExtension => "it misses something, often the name (SNI)",
        _ => "see RFC 8446, section 6",
    };
    format!("the server refused TLS with the alert {}: {why}", alert_name(alert))
}

/// `handshake_failure`, as RFC 8446 and other programs write it.
fn alert_name(alert: AlertDescription) -> String {
    let name = format!("{alert:?}").replace("UnrecognisedName", "UnrecognizedName").replace("UnknownCA", "UnknownCa");
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// Says what is wrong with a certificate.
fn certificate(fault: &CertificateError) -> String {
    let at = |time: &UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let what = match fault {
        CertificateError::Expired => "has ended".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            format!("ended on {}, {} ago", day(at(not_after)), days(at(time) - at(not_after)))
        }
        CertificateError::NotValidYet => "is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("is only valid from {}", day(at(not_before)))
        }
        CertificateError::NotValidForName => "is for another name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = if presented.is_empty() {
                "has no names in it".to_owned()
            } else {
                format!("is for {}", presented.join(", "))
            };
            format!("{names}, not for {}", expected.to_str())
        }
        CertificateError::UnknownIssuer => "is signed by an authority that is not among the trusted ones".to_owned(),
        CertificateError::BadSignature => "is not signed by the authority that it names".to_owned(),
        CertificateError::Revoked => "was revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not for servers".to_owned()
        }
        CertificateError::BadEncoding => "cannot be read".to_owned(),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "has a signature or key of a kind that is too weak or unknown".to_owned()
        }
        CertificateError::Other(OtherError(other)) => other.to_string(),
        other => format!("is not valid: {other}"),
    };
    format!("the certificate {what}")
}

/// Accepts any certificate, and any signature: of all schemes, since a server gives up where it finds none that it can
/// make.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}

/// Verifies as browsers do, and tells certificates that signed themselves from those of unknown authorities.
#[derive(Debug)]
struct Verified(Arc<WebPkiServerVerifier>);

/// A certificate that signed itself, and is no trusted authority.
#[derive(Debug, thiserror::Error)]
#[error("signed itself (self-signed), and is not among the trusted authorities")]
struct SelfSigned;

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let self_signed = || Certificate::read(certificate).is_some_and(|certificate| certificate.self_issued);
        self.0.verify_server_cert(certificate, chain, name, ocsp, now).map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) if self_signed() => {
                CertificateError::Other(OtherError(Arc::new(SelfSigned))).into()
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// A connection that keeps the first bytes that came: rustls does not say what it could not read.
#[derive(Debug)]
pub(super) struct Noting {
    stream: TcpStream,
    first: Vec<u8>,
}

impl AsyncRead for Noting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let room = EVIDENCE.saturating_sub(self.first.len());
        let new = buf.filled().iter().skip(before).take(room).copied();
        self.first.extend(new);
        read
    }
}

impl AsyncWrite for Noting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
