//! `lvsadm check try` of servers as people run them: nginx, Apache, Postfix, BIND. The right verdict, steps and digest; and
//! the reason when a server has gone, or is there and says nothing.

use std::{
    net::UdpSocket,
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    is_installed,
    network::Host,
    support::{
        Output,
        daemons::{Daemon, certificate},
        lvsadm, run,
    },
};

/// Runs a test on a host of its own, if its programs are installed.
fn on_a_host(programs: &[&str], test: impl FnOnce() + Send) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    if programs.iter().all(|program| is_installed(program)) {
        let host = Host::new(format!("servers{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        host.inside(test);
    }
}

fn attempt(words: &str, more: &[&str]) -> Output {
    let mut all = vec!["check", "try"];
    all.extend(words.split_whitespace());
    all.extend(more);
    lvsadm(all)
}

/// What a good probe found.
#[track_caller]
fn good(words: &str, more: &[&str]) -> Value {
    let output = attempt(words, &[more, &["--json"]].concat());
    let found: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"));
    assert!(output.status == 0 && found["verdict"] == "good", "{output}");
    found
}

/// What a failed probe found: the kind of failure is this, and the reason has these words.
#[track_caller]
fn bad(words: &str, more: &[&str], kind: &str, reason: &str) -> Value {
    let output = attempt(words, &[more, &["--json"]].concat());
    let found: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"));
    assert!(output.status == 1 && found["verdict"] == "bad" && found["failure"] == kind, "{output}");
    assert!(found["text"].as_str().is_some_and(|text| text.contains(reason)), "{reason}? {output}");
    found
}

/// The names of the steps that a probe came to.
fn phases(found: &Value) -> Vec<&str> {
    let phases = found["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
    phases.iter().filter_map(|phase| phase["phase"].as_str()).collect()
}

/// Digest and size of the first page.
fn page(found: &Value) -> (String, u64) {
    let page = &found["pages"][0];
    (page["digest"].as_str().unwrap_or_default().to_owned(), page["bytes"].as_u64().unwrap_or_default())
}

/// MD5 and size of what curl gets.
fn curl(words: &str) -> (String, u64) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let at = file.path().display();
    let output = run(["sh", "-c", &format!("curl -s {words} -o {at} && openssl md5 -r {at} && wc -c <{at}")]).ok();
    let mut lines = output.lines();
    let digest = lines.next().and_then(|line| line.split(' ').next()).unwrap_or_default();
    (digest.to_owned(), lines.next().and_then(|size| size.trim().parse().ok()).unwrap_or_default())
}

/// Digest that stock genhash prints.
fn genhash(words: &str) -> String {
    let output = run(format!("genhash {words}")).ok();
    output.split_whitespace().last().unwrap_or_default().to_owned()
}

fn digest(url: &str) -> String {
    let output = lvsadm(["check", "digest", url]).ok();
    output.split_whitespace().find(|word| word.len() == 32).unwrap_or_default().to_owned()
}

/// Sends datagrams back on a port of 127.0.0.1, until the test program ends or somebody sends `stop`.
fn udp_echo(port: u16) {
    let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a UDP port");
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let said = buffer.get(..len).unwrap_or_default();
            if said == b"stop" {
                break;
            }
            // Whoever asked may be gone.
            let _ = socket.send_to(said, from);
        }
    });
}

const NGINX: &str = "
    gzip on; gzip_types text/plain; gzip_min_length 1; gzip_http_version 1.0;
    types { text/html html; text/plain txt; }
    server {
        listen 80 default_server;
        location /moved { return 301 /index.html; }
        location /for-ever { return 302 /for-ever; }
        location /broken { return 500; }
        location /busy { return 503 'out of order'; }
        location /nothing { return 204; }
        location /dropped { return 444; }
        location /secret { auth_basic private; auth_basic_user_file {dir}/www/users; try_files /index.html =404; }
        location = /post { if ($request_method != POST) { return 405; } return 200 posted; }
        location = /header { return 200 '$http_x_check $http_host $server_protocol $http_connection'; }
    }
    server { listen 80; server_name www.example; location / { return 200 'another host'; } }
";

#[test]
fn nginx_and_apache() {
    on_a_host(&["nginx", "apache2", "curl", "genhash", "openssl"], || {
        let long: String = (0..200_000).map(|n| format!("{n}\n")).collect();
        let pages = [("index.html", "it works\n"), ("long.txt", &long), ("empty", ""), ("users", "me:{PLAIN}secret\n")];
        let nginx = Daemon::nginx(NGINX, &pages).listening(80);
        let apache = Daemon::apache(8080, &pages[..3]).listening(8080);
        let versions = ["1.0", "1.0c", "1.1"];

        // Both keep connections open for a minute if one lets them: a probe does not wait for that.
        for base in ["http://127.0.0.1", "http://127.0.0.1:8080"] {
            let begin = Instant::now();
            for (path, port_and_path) in ["/", "/long.txt", "/empty"].map(|path| (path, format!("{base}{path}"))) {
                let wanted = curl(&port_and_path);
                for version in versions {
                    let found = good(&format!("http {port_and_path} --http-version {version} --largest 4m"), &[]);
                    assert_eq!(page(&found), wanted, "{port_and_path} {version}");
                    assert_eq!(phases(&found), ["connect", "first_byte", "complete"], "{found}");
                    good(
                        &format!("http {port_and_path} --http-version {version} --largest 4m --digest {}", wanted.0),
                        &[],
                    );
                }
                let port = if base.ends_with("8080") { 8080 } else { 80 };
                assert_eq!(genhash(&format!("-s 127.0.0.1 -p {port} -u {path}")), wanted.0, "stock genhash");
                assert_eq!(digest(&port_and_path), wanted.0);
                bad(
                    &format!("http {port_and_path} --largest 4m --digest 00000000000000000000000000000000"),
                    &[],
                    "digest",
                    &wanted.0,
                );
            }
            assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
            good(&format!("http {base}/ --match ^it.works --http-version 1.1"), &[]);
            bad(&format!("http {base}/ --no-match works"), &[], "pattern", "works");
            bad(&format!("http {base}/no"), &[], "status", "404 Not Found");
            good(&format!("http {base}/no --status 404"), &[]);
            bad(&format!("http {base}/moved"), &[], "status", "301");
            bad(&format!("http {base}/long.txt --largest 100k"), &[], "protocol", "102400");
        }

        // Compressed while it is sent: in chunks with HTTP/1.1, to the end of the connection with 1.0.
        let compressed = curl("-H 'Accept-Encoding: gzip' http://127.0.0.1/long.txt");
        assert!(compressed.1 > 1000 && compressed.1 < long.len() as u64, "{compressed:?}");
        for version in versions {
            let more = ["--header", "Accept-Encoding: gzip", "--http-version", version];
            assert_eq!(page(&good("http http://127.0.0.1/long.txt", &more)), compressed, "{version}");
        }

        let url = |path: &str| format!("http http://127.0.0.1{path}");
        bad(&url("/for-ever"), &[], "status", "302");
        good(&url("/moved"), &["--status", "200,301"]);
        bad(&url("/broken"), &[], "status", "500 Internal Server Error");
        let busy = bad(&url("/busy"), &[], "status", "503");
        assert!(busy["evidence"].as_str().is_some_and(|said| said.contains("out of order")), "{busy}");
        good(&url("/nothing"), &[]);
        bad(&url("/dropped"), &[], "closed", "without an answer");
        bad(&url("/secret"), &[], "status", "401");
        good(&url("/secret"), &["--header", "Authorization: Basic bWU6c2VjcmV0"]);
        bad(&url("/post"), &[], "status", "405");
        good(&url("/post"), &["--method", "POST", "--match", "^posted$"]);
        good(&url("/"), &["--host", "www.example", "--match", "^another host$"]);
        good(&url("/header"), &["--header", "X-Check: 7", "--match", "^7 127.0.0.1:80 HTTP/1.0"]);
        good(&url("/header"), &["--http-version", "1.1", "--match", "127.0.0.1:80 HTTP/1.1 close$"]);
        good(&url("/"), &["--method", "HEAD"]);
        good(&url("/"), &["--page", "/long.txt", "--page", "/no status=404", "--largest", "4m"]);
        bad(&url("/"), &["--page", "/long.txt", "--page", "/no", "--largest", "4m"], "status", "/no");
        good("tcp 127.0.0.1:80", &[]);
        bad("smtp 127.0.0.1:80 --timeout 1s", &[], "timeout", "greeting");

        nginx.signal(Signal::SIGSTOP);
        good("tcp 127.0.0.1:80", &[]);
        let silent = bad(&url("/"), &["--timeout", "500ms"], "timeout", "500 ms");
        assert_eq!(phases(&silent), ["connect"], "it took the connection");
        nginx.signal(Signal::SIGCONT);
        good(&url("/"), &[]);
        drop(nginx);
        bad(&url("/"), &[], "refused", "connection refused by 127.0.0.1:80");
        bad("tcp 127.0.0.1:80", &[], "refused", "connection refused by 127.0.0.1:80");
        good("http http://127.0.0.1:8080/", &[]);
        drop(apache);
        bad("http http://127.0.0.1:8080/", &[], "refused", "connection refused by 127.0.0.1:8080");
        bad("tcp 127.0.0.1:80 --source 127.0.0.9 --timeout 1s", &[], "refused", "127.0.0.1:80");
    });
}

#[test]
fn nginx_with_names_and_certificates() {
    on_a_host(&["nginx", "openssl", "curl", "genhash"], || {
        let certificates = crate::directory();
        let at = certificates.path().display().to_string();
        let mut http =
            "ssl_protocols TLSv1.2 TLSv1.3;\nserver { listen 443 ssl default_server; ssl_reject_handshake on; }\n"
                .to_owned();
        for name in ["one.example", "two.example"] {
            certificate(certificates.path(), name);
            http += &format!(
                "server {{ listen 443 ssl; server_name {name}; ssl_certificate {at}/{name}.pem;
                 ssl_certificate_key {at}/{name}.key; location / {{ return 200 'this is {name}'; }} }}\n"
            );
        }
        http += &format!(
            "server {{ listen 8443 ssl; ssl_certificate {at}/one.example.pem; ssl_certificate_key {at}/one.example.key;
             ssl_protocols TLSv1.2; }}\n"
        );
        let nginx = Daemon::nginx(&http, &[("index.html", "it works\n")]).listening(443);
        let url = "http https://127.0.0.1/";
        for name in ["one.example", "two.example"] {
            let pattern = format!("^this is {name}$");
            let found = good(url, &["--host", name, "--match", &pattern]);
            assert_eq!(phases(&found), ["connect", "tls", "first_byte", "complete"], "{found}");
            assert_eq!(found["tls"]["version"], "TLS 1.3", "{found}");
            let authority = format!("{at}/{name}.pem");
            bad(url, &["--host", name, "--verify"], "certificate", "self-signed");
            // A certificate of the name itself is no authority for rustls; other names are told apart before that.
            let words = format!("-k --resolve {name}:443:127.0.0.1 https://{name}/");
            assert_eq!(page(&found), curl(&words), "{authority}");
            good(url, &["--host", name, "--warn-expiry", "3d"]);
            let soon = good(url, &["--host", name, "--warn-expiry", "60d"]);
            assert!(soon["warning"].as_str().is_some_and(|warning| warning.contains("ends on")), "{soon}");
        }
        bad(url, &["--sni", "three.example"], "tls", "does not know the name");
        bad(url, &["--no-sni"], "tls", "");
        let old = good("http https://127.0.0.1:8443/", &[]);
        assert_eq!(old["tls"]["version"], "TLS 1.2", "{old}");
        assert_eq!(page(&old), curl("-k https://127.0.0.1:8443/"));
        assert_eq!(genhash("-S -s 127.0.0.1 -p 8443 -u /"), page(&old).0, "stock genhash");
        bad("http http://127.0.0.1:8443/", &[], "status", "400");
        good("tcp 127.0.0.1:443", &[]);
        drop(nginx);
        bad(url, &["--host", "one.example"], "refused", "connection refused by 127.0.0.1:443");
    });
}

#[test]
fn postfix() {
    on_a_host(&["postfix"], || {
        let postfix = Daemon::postfix().listening(25);
        let found = good("smtp 127.0.0.1", &[]);
        assert_eq!(phases(&found), ["connect", "first_byte", "complete"], "{found}");
        assert!(found["text"].as_str().is_some_and(|text| text.contains("at your service")), "{found}");
        good("smtp 127.0.0.1 --helo director.example", &[]);
        // The gatekeeper's `220-` is not the greeting yet: the rest comes a second later, and who speaks before is thrown out.
        let begin = Instant::now();
        good("smtp 127.0.0.1:2525", &[]);
        assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
        bad("smtp 127.0.0.1:2525 --timeout 500ms", &[], "timeout", "500 ms");
        bad("http http://127.0.0.1:25/ --timeout 2s", &[], "protocol", "220 mail.example");
        drop(postfix);
        bad("smtp 127.0.0.1", &[], "refused", "connection refused by 127.0.0.1:25");
    });
}

#[test]
fn named_and_udp() {
    on_a_host(&["named"], || {
        let named = Daemon::named().listening(53);
        for question in ["www.example --type A", "example --type SOA", "example --type NS", "ns.example --type A"] {
            let found = good(&format!("dns 127.0.0.1 --name {question}"), &[]);
            assert_eq!(phases(&found), ["first_byte", "complete"], "{found}");
        }
        bad("dns 127.0.0.1 --name no.example", &[], "status", "NXDOMAIN");
        bad("dns 127.0.0.1 --name www.elsewhere", &[], "status", "REFUSED");
        bad("dns 127.0.0.1", &[], "status", "REFUSED");
        good("tcp 127.0.0.1:53", &[]);
        named.signal(Signal::SIGSTOP);
        bad("dns 127.0.0.1 --name example --timeout 500ms", &[], "timeout", "500 ms");
        named.signal(Signal::SIGCONT);
        good("dns 127.0.0.1 --name example", &[]);
        drop(named);
        bad("dns 127.0.0.1 --name example", &[], "refused", "127.0.0.1:53");

        udp_echo(7);
        good("udp 127.0.0.1:7 --payload 00ff --expect 00ff --least 2 --most 2 --reply", &[]);
        bad("udp 127.0.0.1:7 --payload 00ff --expect 00fe", &[], "pattern", "ff at byte 1");
        good("udp 127.0.0.1:7 --payload 73746f70 --timeout 500ms", &[]);
        bad("udp 127.0.0.1:7", &[], "refused", "127.0.0.1:7");
        good("ping 127.0.0.1", &[]);
    });
}
