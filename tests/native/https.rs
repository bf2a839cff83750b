//! HTTPS checks against `openssl s_server`: certificates that have ended, signed themselves, are weak or for another name,
//! servers that speak less than rustls does; and a process that looks at our bytes.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use lvsadm::check::{
    answer::{Answer, FailureKind, Phase, Verdict},
    facts::Facts,
    probe::{Context, ask_in_detail},
    settings::{Connection, Http, HttpVersion, Page, Probe, Question, Tls},
};
use lvsadm::host::{
    User,
    script::{AT_ONCE, Runner},
};

use crate::is_installed;

/// Makes keys and certificates once for all tests.
static FILES: LazyLock<Files> = LazyLock::new(Files::make);

struct Files(tempfile::TempDir);

/// For `openssl ca`, and the names in certificates.
const CONFIG: &str = "\
[ca]
default_ca = ours
[ours]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
[any]
commonName = supplied
[right]
subjectAltName = DNS:www.example,IP:127.0.0.1
[wrong]
subjectAltName = DNS:other.example
";

impl Files {
    fn make() -> Self {
        let files = Self(tempfile::tempdir().expect("a directory"));
        fs::write(files.path("openssl.conf"), CONFIG).expect("written");
        fs::write(files.path("index.txt"), "").expect("written");
        let new = |name: &str, key: &[&str], more: &[&str]| {
            let (key_file, certificate) = (format!("{name}.key"), format!("{name}.pem"));
            let subject = format!("/CN=lvsadm {name}");
            let mut args =
                vec!["req", "-x509", "-nodes", "-keyout", &key_file, "-out", &certificate, "-subj", &subject];
            args.extend(key);
            args.extend(more);
            files.openssl(&args);
        };
        let ec: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        new("ca", ec, &["-days", "30", "-addext", "basicConstraints=critical,CA:TRUE"]);
        new(
            "self",
            ec,
            &[
                "-days",
                "30",
                "-addext",
                "subjectAltName=DNS:www.example",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ],
        );
        new("p521", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"], &["-days", "30"]);
        new("rsa512", &["-newkey", "rsa:512"], &["-days", "30"]);
        new("rsa1024", &["-newkey", "rsa:1024", "-sha1"], &["-days", "30"]);
        new("rsa2048", &["-newkey", "rsa:2048"], &["-days", "30"]);
        let signed = |name: &str, section: &str, more: &[&str]| {
            let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
            let mut args = vec!["req", "-new", "-nodes", "-keyout", &key, "-out", &request, "-subj", "/CN=server"];
            args.extend(ec);
            files.openssl(&args);
            let mut args =
                vec!["ca", "-batch", "-notext", "-config", "openssl.conf", "-in", &request, "-out", &certificate];
            args.extend(["-extensions", section]);
            args.extend(more);
            files.openssl(&args);
        };
        signed("right", "right", &["-days", "30"]);
        signed("wrong", "wrong", &["-days", "30"]);
        signed("soon", "right", &["-days", "5"]);
        signed("ended", "right", &["-startdate", "20200101000000Z", "-enddate", "20210131000000Z"]);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl").args(args).current_dir(self.0.path()).output().expect("openssl runs");
        assert!(output.status.success(), "openssl {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    }
}

/// A server that shows its status as a page.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(certificate: &str, more: &[&str]) -> Self {
        // Free now; s_server does not take a socket that is bound already.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
        let process = Command::new("openssl")
            .args(["s_server", "-www", "-quiet", "-accept", &address.to_string()])
            .args(["-cert", &format!("{certificate}.pem"), "-key", &format!("{certificate}.key")])
            .args(more)
            .current_dir(FILES.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs");
        let server = Self { process, address };
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "s_server does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn ask(&self, tls: Tls) -> (Answer, Facts) {
        let page = Page {
            path: "/".into(),
            host: None,
            method: "GET".into(),
            headers: Vec::new(),
            statuses: vec![(200, 200)],
            digest: None,
            pattern: None,
        };
        let http = Http { tls: Some(tls), version: HttpVersion::V1_0, pages: vec![page], largest: 1 << 20 };
        let probe = Probe {
            target: self.address,
            connection: Connection::default(),
            question: Question::Http(Box::new(http)),
            deadline: Duration::from_secs(10),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let context = Context::new(Runner::new(User::ourselves(), AT_ONCE)).expect("descriptors");
            ask_in_detail(&probe, &context).await
        })
    }

    #[track_caller]
    fn is_good(&self, tls: Tls) -> (Answer, Facts) {
        let (answer, facts) = self.ask(tls);
        assert!(matches!(answer.verdict, Verdict::Good(_)), "{answer:?}");
        (answer, facts)
    }

    #[track_caller]
    fn is_bad(&self, tls: Tls, kind: FailureKind, reason: &str) {
        let (answer, _) = self.ask(tls);
        let Verdict::Bad(failure) = answer.verdict else { panic!("{answer:?}") };
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.reason.contains(reason), "{failure:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn verified(name: Option<&str>, authorities: &Path) -> Tls {
    Tls { name: name.map(str::to_owned), verify: true, authorities: Some(authorities.to_path_buf()), ..Tls::default() }
}

#[test]
fn any_certificate_will_do_unless_verification_is_asked_for() {
    if !is_installed("openssl") {
        return;
    }
    let weak = ["-cipher", "ALL:@SECLEVEL=0"];
    for (certificate, more) in [
        ("right", &[][..]),
        ("ended", &[]),
        ("wrong", &[]),
        ("self", &[]),
        ("p521", &[]),
        ("rsa1024", &weak),
        // TLS 1.3 has no signature that fits into such a key.
        ("rsa512", &[weak[0], weak[1], "-tls1_2"]),
        ("rsa2048", &["-tls1_2"]),
        ("rsa2048", &["-cipher", "ALL:@SECLEVEL=0", "-sigalgs", "RSA+SHA1", "-tls1_2"]),
    ] {
        let (_, facts) = Server::start(certificate, more).is_good(Tls::default());
        let phases: Vec<Phase> = facts.phases.iter().map(|(phase, _)| *phase).collect();
        assert_eq!(phases, [Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Complete], "{certificate}");
        let tls = facts.tls.expect("TLS was spoken");
        assert_eq!(tls.version, if more.contains(&"-tls1_2") { "TLS 1.2" } else { "TLS 1.3" }, "{certificate}");
        assert!(tls.cipher.starts_with("TLS_"), "{tls:?}");
        assert!(tls.not_after.is_some(), "{certificate}");
        let signed_itself = !["right", "ended", "wrong"].contains(&certificate);
        assert_eq!(tls.self_signed, signed_itself, "{certificate}");
    }
}

#[test]
fn verification() {
    if !is_installed("openssl") {
        return;
    }
    let ca = FILES.path("ca.pem");
    let right = Server::start("right", &[]);
    right.is_good(verified(Some("www.example"), &ca));
    // The address is in it, too.
    right.is_good(verified(None, &ca));
    let wrong = FailureKind::Certificate;
    right.is_bad(verified(Some("other.example"), &ca), wrong, "not for other.example");
    right.is_bad(verified(Some("www.example"), &FILES.path("self.pem")), wrong, "not among the trusted ones");
    right.is_bad(
        Tls { verify: true, name: Some("www.example".into()), ..Tls::default() },
        wrong,
        "not among the trusted ones",
    );
    Server::start("ended", &[]).is_bad(
        verified(Some("www.example"), &ca),
        wrong,
        "the certificate ended on 2021-01-31, ",
    );
    Server::start("wrong", &[]).is_bad(verified(Some("www.example"), &ca), wrong, "not for www.example");
    Server::start("self", &[]).is_bad(verified(Some("www.example"), &ca), wrong, "signed itself (self-signed)");
    let (answer, _) = right.ask(verified(None, Path::new("/nonexistent")));
    assert!(matches!(&answer.verdict, Verdict::Unknown(why) if why.contains("/nonexistent")), "{answer:?}");
}

#[test]
fn certificates_that_end_soon() {
    if !is_installed("openssl") {
        return;
    }
    let warning = |server: &Server, days: u64| {
        let (answer, _) =
            server.is_good(Tls { warn_expiry: Some(Duration::from_secs(days * 86_400)), ..Tls::default() });
        let Verdict::Good(success) = answer.verdict else { panic!("{answer:?}") };
        success.warning
    };
    let soon = Server::start("soon", &[]);
    let warned = warning(&soon, 14).expect("a warning");
    assert!(warned.starts_with("the certificate ends on ") && warned.ends_with(" days"), "{warned}");
    assert_eq!(warning(&soon, 3), None);
    let ended = warning(&Server::start("ended", &[]), 0).expect("a warning");
    assert!(ended.starts_with("the certificate ended on "), "{ended}");
}

#[test]
fn our_own_certificate() {
    if !is_installed("openssl") {
        return;
    }
    let server = Server::start("right", &["-Verify", "1", "-verify_return_error", "-CAfile", "ca.pem"]);
    let identity = |name: &str| Some((FILES.path(&format!("{name}.pem")), FILES.path(&format!("{name}.key"))));
    server.is_good(Tls { identity: identity("soon"), ..Tls::default() });
    server.is_bad(Tls::default(), FailureKind::Tls, "it wants a certificate from us");
    server.is_bad(
        Tls { identity: identity("ended"), ..Tls::default() },
        FailureKind::Tls,
        "does not accept our certificate",
    );
    let (answer, _) =
        server.ask(Tls { identity: Some((FILES.path("soon.pem"), FILES.path("wrong.key"))), ..Tls::default() });
    assert!(matches!(&answer.verdict, Verdict::Unknown(why) if why.contains("does not go with")), "{answer:?}");
}

#[test]
fn servers_that_speak_too_little() {
    if !is_installed("openssl") {
        return;
    }
    let weak = "ALL:@SECLEVEL=0";
    for more in [
        &["-cipher", "AES128-SHA:@SECLEVEL=0", "-tls1_2"][..],
        &["-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0", "-tls1_2"],
        &["-cipher", weak, "-tls1_1"],
        &["-cipher", weak, "-tls1"],
    ] {
        Server::start("rsa2048", more).is_bad(Tls::default(), FailureKind::Tls, "this program speaks");
    }
    let named = Server::start(
        "rsa2048",
        &["-servername", "www.example", "-servername_fatal", "-cert2", "right.pem", "-key2", "right.key"],
    );
    named.is_good(Tls { name: Some("www.example".into()), ..Tls::default() });
    named.is_bad(
        Tls { name: Some("other.example".into()), ..Tls::default() },
        FailureKind::Tls,
        "it does not know the name",
    );
}
