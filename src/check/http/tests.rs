//! Servers of every kind on loopback: what a check makes of each, in bounded time and memory.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::check::{
    answer::{Answer, Failure, FailureKind, Phase, Verdict},
    facts::{Facts, hex},
    probe::{Context, ask_in_detail},
    settings::{Connection, Http, HttpVersion, Page, Probe, Question, Tls},
};
use crate::host::{
    User,
    script::{AT_ONCE, Runner},
};

fn page(path: &str) -> Page {
    Page {
        path: path.to_owned(),
        host: None,
        method: "GET".to_owned(),
        headers: Vec::new(),
        statuses: vec![(200, 299)],
        digest: None,
        pattern: None,
    }
}

fn probe(target: SocketAddr, pages: Vec<Page>) -> Probe {
    let http = Http { tls: None, version: HttpVersion::V1_0, pages, largest: 100_000 };
    Probe {
        target,
        connection: Connection::default(),
        question: Question::Http(Box::new(http)),
        deadline: Duration::from_secs(2),
    }
}

/// Starts a server that answers each connection with `serve`, after it has read a request.
async fn server<F, S>(serve: S) -> SocketAddr
where
    F: Future<Output = ()> + Send,
    S: Fn(TcpStream, String) -> F + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {}
            serve(stream, String::from_utf8_lossy(&request).into_owned()).await;
        }
    });
    address
}

/// Starts a server that says the same to everybody and closes.
async fn says(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    server(move |mut stream, _| {
        let answer = answer.clone();
        async move {
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut [0]).await;
        }
    })
    .await
}

/// Starts a server that accepts, reads and says nothing.
async fn keeps_silent() -> SocketAddr {
    server(|stream, _| async move {
        sleep(Duration::from_secs(10)).await;
        drop(stream);
    })
    .await
}

async fn try_out(probe: &Probe) -> (Answer, Facts) {
    ask_in_detail(probe, &Context::new(Runner::new(User::ourselves(), AT_ONCE)).unwrap()).await
}

async fn failure(probe: &Probe) -> Failure {
    match try_out(probe).await.0.verdict {
        Verdict::Bad(failure) => failure,
        other => panic!("{other:?}"),
    }
}

async fn summary(probe: &Probe) -> String {
    match try_out(probe).await.0.verdict {
        Verdict::Good(success) => success.summary,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn requests_have_keepalived_s_bytes() {
    let (sender, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let target = server(move |mut stream, request| {
        sender.send(request).unwrap();
        async move { stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap() }
    })
    .await;
    let mut send = async |version: HttpVersion, page: Page| {
        let mut probe = probe(target, vec![page]);
        let Question::Http(http) = &mut probe.question else { unreachable!() };
        http.version = version;
        assert_eq!(summary(&probe).await, "200 OK, 0 bytes");
        requests.recv().await.unwrap()
    };
    let host = format!("Host: {target}\r\n");
    assert_eq!(
        send(HttpVersion::V1_0, page("/a?b=c")).await,
        format!("GET /a?b=c HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\n{host}\r\n")
    );
    assert_eq!(
        send(HttpVersion::V1_0Close, page("/")).await,
        format!("GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\n{host}\r\n")
    );
    assert_eq!(
        send(HttpVersion::V1_1, Page { host: Some("www.example".into()), ..page("/") }).await,
        "GET / HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: www.example\r\n\r\n"
    );
    let headers = vec![("X-One".into(), "1".into()), ("user-agent".into(), "probe".into())];
    assert_eq!(
        send(HttpVersion::V1_0, Page { method: "HEAD".into(), headers, ..page("/") }).await,
        format!("HEAD / HTTP/1.0\r\n{host}X-One: 1\r\nUser-Agent: probe\r\n\r\n")
    );
}

#[tokio::test]
async fn good_pages() {
    for (answer, said) in [
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 OK, 5 bytes"),
        ("HTTP/1.0 200 OK\r\n\r\nhello", "200 OK, 5 bytes"),
        ("HTTP/1.0 200 OK\nContent-Length: 5\n\nhello", "200 OK, 5 bytes"),
        // More than was promised is not looked at.
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, world", "200 OK, 5 bytes"),
        ("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200 OK, 5 bytes"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Nothing\r\n\r\n", "204 No Content, 0 bytes"),
        ("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", "299 (no known status), 0 bytes"),
    ] {
        let target = says(answer).await;
        assert_eq!(summary(&probe(target, vec![page("/")])).await, said, "{answer}");
    }
}

/// A page that is complete is complete; the connection may stay open.
#[tokio::test]
async fn the_end_of_a_page_is_not_waited_for_beyond_its_length() {
    let target = server(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let (answer, facts) = try_out(&probe(target, vec![page("/")])).await;
    assert!(matches!(answer.verdict, Verdict::Good(_)), "{answer:?}");
    assert!(answer.took < Duration::from_secs(1), "{answer:?}");
    let phases: Vec<Phase> = facts.phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(phases, [Phase::Connect, Phase::FirstByte, Phase::Complete]);
}

#[tokio::test]
async fn digests() {
    const HELLO: &str = "5d41402abc4b2a76b9719d911017c592";
    const CHUNKS: &str = "79e9489e3bd3f0cb0158215341de046d";
    let plain = says("HTTP/1.0 200 OK\r\n\r\nhello").await;
    let chunked = says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await;
    let bytes =
        |hex: &str| -> [u8; 16] { std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()) };
    for (target, wanted) in [(plain, HELLO), (chunked, HELLO), (chunked, CHUNKS)] {
        let wanted = Page { digest: Some(bytes(wanted)), ..page("/") };
        assert_eq!(summary(&probe(target, vec![wanted])).await, "200 OK, 5 bytes");
    }
    let wrong = failure(&probe(plain, vec![Page { digest: Some(bytes(CHUNKS)), ..page("/x") }])).await;
    assert_eq!(wrong.kind, FailureKind::Digest);
    assert_eq!(wrong.reason, format!("GET /x: digest {HELLO}, where {CHUNKS} is wanted; 5 bytes"));
    assert_eq!(wrong.evidence, b"hello");
    let (_, facts) = try_out(&probe(chunked, vec![page("/")])).await;
    let found: Vec<_> = facts.pages.iter().map(|page| (page.digest.map(hex), page.chunked_digest.map(hex))).collect();
    assert_eq!(found, [(Some(HELLO.to_owned()), Some(CHUNKS.to_owned()))]);
}

#[tokio::test]
async fn patterns() {
    let mut text = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
    text.extend([b' '; 50_000]);
    text.extend(b"status: up \xff");
    let target = says(text).await;
    let with = |text: &str, wanted| probe(target, vec![Page { pattern: Some((text.to_owned(), wanted)), ..page("/") }]);
    assert_eq!(summary(&with("status: (up|ready)", true)).await, "200 OK, 50012 bytes");
    assert_eq!(summary(&with("status: down", false)).await, "200 OK, 50012 bytes");
    let missing = failure(&with("status: down", true)).await;
    assert_eq!(missing.kind, FailureKind::Pattern);
    assert_eq!(missing.reason, "GET /: status: down matches nothing in 50012 bytes");
    assert_eq!(missing.evidence.len(), 256);
    let there = failure(&with("status: u.", false)).await;
    assert_eq!(there.reason, "GET /: status: u. must not match, but matches \"status: up\"");
    let (answer, _) = try_out(&with("(", true)).await;
    assert!(matches!(answer.verdict, Verdict::Unknown(_)), "{answer:?}");
}

#[tokio::test]
async fn statuses() {
    let target = says("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nsorry").await;
    let wrong = failure(&probe(target, vec![Page { statuses: vec![(200, 299), (304, 304)], ..page("/x") }])).await;
    assert_eq!(wrong.kind, FailureKind::Status);
    assert_eq!(wrong.reason, "GET /x: status 500 Internal Server Error, where 200-299,304 is wanted");
    assert_eq!(wrong.evidence, b"sorry");
    assert_eq!(
        summary(&probe(target, vec![Page { statuses: vec![(500, 500)], ..page("/") }])).await,
        "500 Internal Server Error, 5 bytes"
    );
    let old = says("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n").await;
    assert!(failure(&probe(old, vec![page("/")])).await.reason.ends_with("; try HTTP version 1.1"));
    // The page of an error may never come; the verdict does not wait for it.
    let stuck = server(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 503 No\r\nContent-Length: 500\r\n\r\nbusy").await.unwrap();
        sleep(Duration::from_secs(10)).await;
    })
    .await;
    let begin = Instant::now();
    let wrong = failure(&probe(stuck, vec![page("/")])).await;
    assert_eq!((wrong.kind, wrong.evidence), (FailureKind::Status, b"busy".to_vec()));
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn pages_are_asked_for_one_after_the_other() {
    let target = server(|mut stream, request| async move {
        let status = if request.starts_with("GET /bad ") { "404 Not Found" } else { "200 OK" };
        let _ = stream.write_all(format!("HTTP/1.0 {status}\r\n\r\nx").as_bytes()).await;
    })
    .await;
    assert_eq!(summary(&probe(target, vec![page("/a"), page("/b")])).await, "2 pages: 200 OK, 1 byte; 200 OK, 1 byte");
    let wrong = failure(&probe(target, vec![page("/a"), page("/bad"), page("/c")])).await;
    assert_eq!(wrong.reason, "GET /bad: status 404 Not Found, where 200-299 is wanted");
}

/// A redirect is an answer; one that goes in a circle, too.
#[tokio::test]
async fn redirects_are_not_followed() {
    let target = server(|mut stream, request| async move {
        assert!(request.starts_with("GET /loop "), "{request}");
        let _ = stream.write_all(b"HTTP/1.0 302 Found\r\nLocation: /loop\x7f\r\n\r\n").await;
    })
    .await;
    let wrong = failure(&probe(target, vec![page("/loop")])).await;
    assert_eq!(wrong.kind, FailureKind::Protocol, "{wrong:?}");
    let target = says("HTTP/1.0 302 Found\r\nLocation: /loop\r\n\r\n").await;
    let wrong = failure(&probe(target, vec![page("/loop")])).await;
    assert_eq!(wrong.reason, "GET /loop: status 302 Found to /loop (not followed), where 200-299 is wanted");
}

#[tokio::test]
async fn garbage() {
    for (answer, kind, reason) in [
        ("", FailureKind::Closed, "the server closed the connection without an answer"),
        ("SSH-2.0-OpenSSH_9.2\r\n", FailureKind::Protocol, "the answer is not HTTP: \"SSH-2.0-OpenSSH_9.2\""),
        ("what?\r\n\r\nfoo", FailureKind::Protocol, "the answer is not HTTP: \"what?\""),
        ("HTTP/1.0 20", FailureKind::Closed, "the server closed the connection before the answer was complete"),
        (
            "HTTP/1.0 200 OK\r\nX: y\r\n",
            FailureKind::Closed,
            "the server closed the connection before the answer was complete",
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\nhello",
            FailureKind::Closed,
            "the server closed the connection after 5 bytes of the page, before its end",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            FailureKind::Closed,
            "the server closed the connection after 5 bytes of the page, before its end",
        ),
        (
            "HTTP/1.0 abc OK\r\n\r\n",
            FailureKind::Protocol,
            "the answer is not proper HTTP: invalid HTTP status-code parsed",
        ),
        (
            "HTTP/3.7 200 OK\r\n\r\n",
            FailureKind::Protocol,
            "the answer is not proper HTTP: invalid HTTP version parsed",
        ),
        (
            "HTTP/1.0 200 OK\r\nb\0d\r\n\r\n",
            FailureKind::Protocol,
            "the answer is not proper HTTP: invalid HTTP header parsed",
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: x\r\n\r\n",
            FailureKind::Protocol,
            "the answer is not proper HTTP: invalid content-length parsed",
        ),
        ("\x15\x03\x01\0\x02\x02\x46", FailureKind::Protocol, "the server speaks TLS on this port, not plain HTTP"),
    ] {
        let target = says(answer).await;
        let found = failure(&probe(target, vec![page("/")])).await;
        assert_eq!((found.kind, found.reason.as_str()), (kind, reason), "{answer:?}");
        assert!(answer.as_bytes().starts_with(&found.evidence), "{answer:?}");
    }
    let target = says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n").await;
    let found = failure(&probe(target, vec![page("/")])).await;
    assert_eq!(found.kind, FailureKind::Protocol);
    assert!(found.reason.contains("chunk size"), "{found:?}");
}

#[tokio::test]
async fn resets() {
    let target = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhel").await;
        sleep(Duration::from_millis(50)).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let found = failure(&probe(target, vec![page("/")])).await;
    assert_eq!(found.kind, FailureKind::Reset);
    assert!(found.reason.starts_with(&format!("connection reset by {target} after ")), "{found:?}");
}

/// Without an end: heads, headers, pages, pages that are not wanted. Never more is read than may come.
#[tokio::test]
async fn floods() {
    for (head, piece, kind, reason) in [
        ("HTTP/1.0 200 OK\r\n\r\n", "x", FailureKind::Protocol, "the answer is larger than 100000 bytes"),
        ("HTTP/1.0 404 No\r\n\r\n", "x", FailureKind::Status, "GET /: status 404 Not Found, where 200-299 is wanted"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n",
            "x",
            FailureKind::Protocol,
            "the answer is larger than 100000 bytes",
        ),
        (
            "HTTP/1.0 200 OK\r\nX: ",
            "x",
            FailureKind::Protocol,
            "the answer is not proper HTTP: message head is too large",
        ),
        (
            "HTTP/1.0 200 OK\r\n",
            "X: y\r\n",
            FailureKind::Protocol,
            "the answer is not proper HTTP: message head is too large",
        ),
        (
            "",
            "x",
            FailureKind::Protocol,
            "the answer is not HTTP: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1;xxxxxxxxxx\r\ny\r\n",
            FailureKind::Protocol,
            "the answer is not proper HTTP: chunk extensions over limit",
        ),
    ] {
        let piece = piece.repeat(1000);
        let target = server(move |mut stream, _| {
            let piece = piece.clone();
            async move {
                let _ = stream.write_all(head.as_bytes()).await;
                // 10 GB, if anybody reads them.
                for _ in 0..10_000_000 {
                    if stream.write_all(piece.as_bytes()).await.is_err() {
                        break;
                    }
                }
            }
        })
        .await;
        let begin = Instant::now();
        let found = failure(&probe(target, vec![page("/")])).await;
        assert_eq!((found.kind, found.reason.as_str()), (kind, reason), "{head:?}");
        assert!(found.evidence.len() <= 256);
        assert!(begin.elapsed() < Duration::from_secs(1), "{head:?}");
    }
}

#[tokio::test]
async fn slow_servers_have_the_deadline_and_no_more() {
    let mut silent = probe(keeps_silent().await, vec![page("/")]);
    silent.deadline = Duration::from_millis(200);
    let found = failure(&silent).await;
    assert_eq!(found.kind, FailureKind::Timeout);
    assert_eq!(found.reason, format!("the whole answer from {} did not come within 200 ms", silent.target));

    // A byte now and then would be progress for ever.
    let target = server(|mut stream, _| async move {
        for byte in b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n".iter().chain([b'x'; 1000].iter()) {
            let _ = stream.write_all(&[*byte]).await;
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let mut trickling = probe(target, vec![page("/")]);
    trickling.deadline = Duration::from_millis(310);
    let begin = Instant::now();
    let found = failure(&trickling).await;
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(found.kind, FailureKind::Timeout);
    assert!(found.reason.contains("did not come within 310 ms, only \"HTTP/1."), "{found:?}");
    assert!(found.evidence.starts_with(b"HTTP/1."), "{found:?}");
}

#[tokio::test]
async fn refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(failure(&probe(target, vec![page("/")])).await.kind, FailureKind::Refused);
}

#[tokio::test]
async fn tls_to_servers_that_do_not_speak_it() {
    let secure = |target| {
        let mut probe = probe(target, vec![page("/")]);
        let Question::Http(http) = &mut probe.question else { unreachable!() };
        http.tls = Some(Tls::default());
        probe.deadline = Duration::from_millis(500);
        probe
    };
    // These answer without having understood a word.
    let blurts = async |answer: &'static [u8]| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        failure(&secure(target)).await
    };
    for (answer, kind, reason) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            FailureKind::Tls,
            "the server speaks plain HTTP on this port, not TLS",
        ),
        (
            b"220 mail ESMTP\r\n",
            FailureKind::Tls,
            "the server does not speak TLS on this port: it said \"220 mail ESMTP\"",
        ),
        (b"", FailureKind::Closed, "the server closed the connection during the TLS handshake"),
        (
            b"\x15\x03\x03\0\x02\x02\x28",
            FailureKind::Tls,
            "the server refused TLS with the alert handshake_failure: nothing in common with what this program speaks \
             (TLS 1.3, and TLS 1.2 with ECDHE and an AEAD cipher)",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x70",
            FailureKind::Tls,
            "the server refused TLS with the alert unrecognized_name: it does not know the name that was asked for (SNI)",
        ),
        (b"\x16\x03\x03\0\x05\x02\0\0\x01\xff", FailureKind::Tls, "the server's TLS is broken: "),
    ] {
        let found = blurts(answer).await;
        assert_eq!(found.kind, kind, "{found:?}");
        assert!(found.reason.starts_with(reason), "{found:?}");
        assert_eq!(
            found.evidence,
            if answer.starts_with(b"\x15") || answer.starts_with(b"\x16") { b"" } else { answer }
        );
    }
    let silent = keeps_silent().await;
    let found = failure(&secure(silent)).await;
    assert_eq!(found.kind, FailureKind::Timeout);
    assert_eq!(found.reason, format!("the TLS handshake from {silent} did not come within 500 ms"));
}
