//! genhash beside stock genhash (keepalived 2.2.7): the same output for the same page, the same message for the same
//! mistake.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use crate::is_installed;

/// Answers, each to the path with its number. None has `Content-Length:` in its body: stock genhash takes that for the
/// length if it comes together with the head.
fn pages() -> Vec<Vec<u8>> {
    let mut pages: Vec<Vec<u8>> = [
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nhello, world\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, world\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\nhello, world\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\u{1f}\u{8}abc",
        "HTTP/1.0 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
        "HTTP/1.0 302 Found\r\nLocation: /0\r\nContent-Length: 4\r\n\r\ngone",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 204 No Content\r\n\r\n",
        "HTTP/1.0 200 OK\nContent-Length: 5\n\nhello",
        "ICY 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "what is this?\r\n\r\nno HTTP",
        "no head at all\n",
        "",
    ]
    .map(|page| page.as_bytes().to_vec())
    .to_vec();
    let with = |head: &str, body: Vec<u8>| [head.as_bytes(), &body].concat();
    pages.push(with("HTTP/1.0 200 OK\r\n\r\n", (0..=255).collect()));
    // Heads that just fit, and that do not.
    for room in 4040..4070 {
        pages.push(with(&format!("HTTP/1.0 200 OK\r\nX: {}\r\n\r\n", "x".repeat(room)), b"hello".to_vec()));
    }
    pages
}

/// Pages that do not come in one piece, so that only their digests can be compared.
fn large_pages() -> Vec<Vec<u8>> {
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    [
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 999999\r\n\r\n",
    ]
    .map(|head| [head.as_bytes(), &body].concat())
    .to_vec()
}

/// Serves pages on loopback as long as the test runs; returns where, and what was asked.
fn serve(pages: Vec<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("[::1]:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(request.get(..read).unwrap_or_default()).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let page = match path.strip_prefix("/echo") {
                Some(_) => format!("HTTP/1.0 200 OK\r\n\r\n{request}").into_bytes(),
                None => path
                    .trim_start_matches('/')
                    .parse()
                    .ok()
                    .and_then(|n: usize| pages.get(n).cloned())
                    .unwrap_or_default(),
            };
            let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
            let _ = stream.write_all(&page);
        }
    });
    address
}

struct Programs {
    _dir: tempfile::TempDir,
    ours: PathBuf,
}

impl Programs {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let ours = dir.path().join("genhash");
        symlink(env!("CARGO_BIN_EXE_lvsadm"), &ours).expect("a link");
        Self { _dir: dir, ours }
    }

    /// Runs both and compares all that can be seen but times.
    fn compare(&self, args: &[&str]) {
        let [stock, ours] = [Path::new("genhash"), &self.ours].map(|program| {
            let output = Command::new(program).args(args).output().expect("starts");
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            if let Some((before, rest)) = text.split_once("] = ") {
                text = format!("{before}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()));
            }
            (text, String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
        });
        assert_eq!(ours, stock, "{args:?}");
    }
}

#[test]
fn pages_as_stock_genhash_sees_them() {
    if !is_installed("genhash") {
        return;
    }
    let programs = Programs::new();
    let count = pages().len();
    let port = serve(pages()).port().to_string();
    for number in 0..count {
        let url = format!("/{number}");
        programs.compare(&["-s", "::1", "-p", &port, "-u", &url]);
        programs.compare(&["-v", "-s", "::1", "-p", &port, "-u", &url]);
    }
    let count = large_pages().len();
    let port = serve(large_pages()).port().to_string();
    for number in 0..count {
        programs.compare(&["-s", "::1", "-p", &port, "-u", &format!("/{number}")]);
    }
}

#[test]
fn requests_as_stock_genhash_sends_them() {
    if !is_installed("genhash") {
        return;
    }
    let programs = Programs::new();
    let port = serve(Vec::new()).port().to_string();
    let echo = |more: &[&str]| {
        let args = [&["-v", "-s", "::1", "-p", &port, "-u", "/echo?a b"], more].concat();
        programs.compare(&args);
    };
    echo(&[]);
    for version in ["1.0", "1.0c", "1.0C", "1.1"] {
        echo(&["-P", version]);
    }
    echo(&["-V", "www.example"]);
    echo(&["--use-virtualhost=www.example:81", "--proto", "1.1"]);
    echo(&["-V", ""]);
    echo(&["-t", "3", "-p", &format!("+0{port}")]);
    // No slash is put in front.
    programs.compare(&["-vs::1", &format!("-p{port}"), "-uecho"]);
}

/// A long option without its value at the end is not among them: stock genhash crashes over some.
#[test]
fn mistakes_as_stock_genhash_calls_them() {
    if !is_installed("genhash") {
        return;
    }
    let programs = Programs::new();
    let server = ["-s", "127.0.0.1", "-p", "9", "-u", "/"];
    for args in [
        &[][..],
        &["-x"],
        &["-h"],
        &["--help"],
        &["-v", "-h"],
        &["--bogus", "-x"],
        &["--bogus=3", "-v"],
        &["-v", "--verbose=1"],
        &["-v", "-s"],
        &["--use", "1"],
        &["-s", "1"],
        &["-s", "localhost"],
        &["-s", "[::1]"],
        &["-svS", "127.0.0.1"],
        &["-p", "x", "-P", "y"],
        &["-h", "-p", "x"],
        &["-x", "-p", "x"],
        &["-p", "0"],
        &["-p", "65536"],
        &["-p", "0x50"],
        &["-P", ""],
        &["-P", "1.2"],
        &["-t", "0.5"],
        &["-m", "0x10"],
        &["-u", "/x", "a", "b"],
        &["-u", "/x", "--", "-v"],
        &["-I", "-S"],
        &["-s", "127.0.0.1", "-p", "80"],
    ] {
        programs.compare(args);
    }
    programs.compare(&[&server[..], &["-x"]].concat());
    programs.compare(&[&server[..], &["extra"]].concat());
    // Nobody listens on port 9.
    programs.compare(&server);
    programs.compare(&[&server[..], &["-v"]].concat());
    programs.compare(&[&server[..], &["-S"]].concat());
}

#[test]
fn servers_that_say_nothing_or_too_little() {
    if !is_installed("genhash") {
        return;
    }
    let programs = Programs::new();
    for answer in ["", "HTTP/1.0 200", "HTTP/1.0 200 OK\r\n\r\nhello"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port().to_string();
        let server = thread::spawn(move || {
            for mut stream in listener.incoming().take(2).map_while(Result::ok) {
                stream.write_all(answer.as_bytes()).expect("written");
                // Until the client gives up.
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        programs.compare(&["-t", "1", "-s", "127.0.0.1", "-p", &port, "-u", "/"]);
        server.join().expect("ends");
    }
}
