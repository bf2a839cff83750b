//! A port where Prometheus asks: as much of HTTP/1.1 as `GET /metrics` takes (RFC 9112), for few clients at a time, none of
//! which gets more memory or time than it needs.

use std::{
    cell::Cell,
    future::Future,
    io,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::spawn_local,
    time::{sleep, timeout},
};

/// Most clients at a time.
const MOST_CLIENTS: usize = 16;

/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 8192;

/// How long a client may take to ask.
const TO_ASK: Duration = Duration::from_secs(5);

/// How long a client may take to read.
const TO_READ: Duration = Duration::from_secs(30);

/// How long an answer is good for others, so that many who ask cost no more than one.
const FRESH: Duration = Duration::from_secs(1);

/// After a failure to take a connection (no descriptors left), how long until it is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// A port that is listened at.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Listens. Must be called inside a runtime.
    ///
    /// # Errors
    /// The address is taken, or not one of this host.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener).map(Self)
    }

    /// Returns where it listens.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Serves clients until it is dropped, with what `text` returns. Must be called inside a [`tokio::task::LocalSet`].
    pub async fn serve<F: Future<Output = String> + 'static>(self, text: impl Fn() -> F + 'static) {
        let (text, last) = (Rc::new(text), Rc::new(Mutex::new(None)));
        let clients = Rc::new(Cell::new(0));
        loop {
            let stream = match self.0.accept().await {
                // One too many is hung up on.
                Ok(_) if clients.get() >= MOST_CLIENTS => continue,
                Ok((stream, _)) => stream,
                Err(_) => {
                    sleep(AGAIN).await;
                    continue;
                }
            };
            clients.set(clients.get() + 1);
            let (text, last, clients) = (Rc::clone(&text), Rc::clone(&last), Rc::clone(&clients));
            spawn_local(async move {
                // A client that goes is no failure.
                let _ = client(stream, &*text, &last).await;
                clients.set(clients.get() - 1);
            });
        }
    }
}

/// The last answer and when it was made.
type Last = Mutex<Option<(Instant, Rc<str>)>>;

async fn client<F: Future<Output = String>>(
    mut stream: TcpStream,
    text: &impl Fn() -> F,
    last: &Last,
) -> io::Result<()> {
    let head = timeout(TO_ASK, head(&mut stream)).await??;
    let (status, body) = match wanted(&head) {
        Ok(with_body) => {
            let text = current(text, last).await;
            let body = if with_body { Rc::clone(&text) } else { Rc::from("") };
            (format!("200 OK\r\nContent-Length: {}", text.len()), body)
        }
        Err(status) => {
            let body: Rc<str> = Rc::from(format!("{status}\nGET /metrics\n"));
            (format!("{status}\r\nContent-Length: {}", body.len()), body)
        }
    };
    let kind = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\nConnection: close";
    let answer = format!("HTTP/1.1 {status}\r\n{kind}\r\n\r\n{body}");
    timeout(TO_READ, async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    })
    .await?
}

/// Returns what was answered a moment ago, or a new answer. Those who ask meanwhile wait for it.
async fn current<F: Future<Output = String>>(text: &impl Fn() -> F, last: &Last) -> Rc<str> {
    let mut last = last.lock().await;
    if let Some((made, text)) = last.as_ref()
        && made.elapsed() < FRESH
    {
        return Rc::clone(text);
    }
    let new: Rc<str> = Rc::from(text().await);
    *last = Some((Instant::now(), Rc::clone(&new)));
    new
}

/// Reads the head of a request, as far as it fits.
async fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while head.len() < LONGEST_HEAD {
        let read = stream.read(&mut piece).await?;
        head.extend_from_slice(piece.get(..read).unwrap_or_default());
        if read == 0 || head.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    Ok(head)
}

/// Returns whether the answer has a body, or why there is none.
fn wanted(head: &[u8]) -> Result<bool, &'static str> {
    if !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let whole = head.len() < LONGEST_HEAD;
        return Err(if whole { "400 Bad Request" } else { "431 Request Header Fields Too Large" });
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words.as_slice() else { return Err("400 Bad Request") };
    if !version.starts_with(b"HTTP/1.") {
        return Err("505 HTTP Version Not Supported");
    }
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    match (path, *method) {
        (b"/metrics", b"GET") => Ok(true),
        (b"/metrics", b"HEAD") => Ok(false),
        (b"/metrics", _) => Err("405 Method Not Allowed"),
        _ => Err("404 Not Found"),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use tokio::task::{LocalSet, spawn_blocking};

    use super::*;

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let _ = stream.write_all(request);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[tokio::test]
    async fn it_answers_what_prometheus_asks_and_nothing_else() {
        let made = Rc::new(Cell::new(0));
        let count = Rc::clone(&made);
        let local = LocalSet::new();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address().unwrap();
        local.spawn_local(listener.serve(move || {
            count.set(count.get() + 1);
            async { "lvsadm_x 1\n".to_owned() }
        }));
        let asked = spawn_blocking(move || {
            let begins = |request: &[u8]| ask(address, request).split("\r\n").next().unwrap_or_default().to_owned();
            let good = ask(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
            assert!(
                good.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n") && good.ends_with("\r\n\r\nlvsadm_x 1\n"),
                "{good}"
            );
            assert!(ask(address, b"HEAD /metrics HTTP/1.0\r\n\r\n").ends_with("close\r\n\r\n"));
            assert!(begins(b"GET /metrics?per=server HTTP/1.1\r\n\r\n").contains("200"));
            for (request, status) in [
                (&b"GET / HTTP/1.1\r\n\r\n"[..], "404"),
                (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
                (b"GET /metrics HTTP/2.0\r\n\r\n", "505"),
                (b"\r\n\r\n", "400"),
                (&[b'x'; LONGEST_HEAD + 2048], "431"),
            ] {
                let answer = begins(request);
                // Who is refused before all is read may see a reset instead.
                assert!(answer.contains(status) || request.len() > LONGEST_HEAD && answer.is_empty(), "{answer}");
            }
            // Clients that say nothing are forgotten, and those beyond the limit hung up on.
            let idle: Vec<_> = (0..MOST_CLIENTS).map(|_| TcpStream::connect(address).expect("taken")).collect();
            std::thread::sleep(Duration::from_millis(200));
            assert_eq!(begins(b"GET /metrics HTTP/1.1\r\n\r\n"), "");
            std::thread::sleep(TO_ASK);
            assert!(begins(b"GET /metrics HTTP/1.1\r\n\r\n").contains("200"));
            drop(idle);
        });
        local.run_until(asked).await.unwrap();
        assert!(made.get() <= 3, "{} answers were made", made.get());
    }
}
