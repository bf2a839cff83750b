//! A page as keepalived and its genhash read it: bytes up to an empty line, and bytes behind it.
//!
//! Knows nothing of HTTP but `Content-Length`, and that as little as genhash does. For the program that stands in for
//! genhash, not for checks.

use std::{io, net::SocketAddr, time::Duration};

use md5::{Digest, Md5};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::{
    answer::FailureKind,
    connect::{self, NotConnected},
    probe::Phases,
    settings::{Connection, Tls},
    tls,
};

/// So much is held at once; a longer head is no head.
const ROOM: usize = 4095;

/// What to ask, and of whom.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The server.
    pub target: SocketAddr,
    /// Firewall mark; 0 = none.
    pub mark: u32,
    /// TLS; `None` = none.
    pub tls: Option<Tls>,
    /// The whole request.
    pub request: String,
    /// For connecting, and for each piece.
    pub timeout: Duration,
}

/// A piece of what came, in the order in which it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Something came before the head was complete.
    Begun,
    /// The head, with the empty line.
    Head(&'a [u8]),
    /// The begin of the body, which came together with the head.
    First(&'a [u8]),
    /// More of the body.
    More(&'a [u8]),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No connection.
    NotConnected,
    /// No connection within the time.
    ConnectTimeout,
    /// TLS failed.
    TlsFailed,
    /// Nothing came within the time.
    NothingInTime,
    /// No more came within the time.
    NoMoreInTime,
    /// The connection broke.
    Broken,
    /// The server closed the connection before the head was complete.
    NoHead,
    /// The MD5 of the body.
    Digest([u8; 16]),
}

/// Asks, hands over what comes, and returns how it ended. Must run in a tokio runtime with time and IO.
pub async fn fetch(exchange: &Exchange, mut on: impl FnMut(Piece<'_>)) -> End {
    let connection = Connection { mark: exchange.mark, ..Connection::default() };
    let mut clock = Phases::start(exchange.timeout);
    let mut stream = match connect::tcp(exchange.target, &connection, clock.until()).await {
        Ok(stream) => stream,
        Err(NotConnected::Server(failure)) if failure.kind == FailureKind::Timeout => return End::ConnectTimeout,
        Err(_) => return End::NotConnected,
    };
    let Some(settings) = &exchange.tls else { return talk(&mut stream, exchange, &mut on).await };
    let until = Instant::now() + exchange.timeout;
    let clients = tls::Clients::default();
    let secure = tls::connect(stream, settings, exchange.target, &clients, &mut clock);
    match tokio::time::timeout_at(until, secure).await {
        Ok(Ok((mut stream, _))) => talk(&mut stream, exchange, &mut on).await,
        Ok(Err(_)) => End::TlsFailed,
        Err(_) => End::ConnectTimeout,
    }
}

async fn talk(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    exchange: &Exchange,
    on: &mut impl FnMut(Piece<'_>),
) -> End {
    if stream.write_all(exchange.request.as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return End::Broken;
    }
    let mut reader = Reader { held: Vec::with_capacity(ROOM), body: None };
    let mut came = false;
    loop {
        let mut piece = [0; ROOM];
        let room = ROOM - reader.held.len();
        let read = stream.read(piece.get_mut(..room).unwrap_or_default());
        let data = match timeout(exchange.timeout, read).await {
            Err(_) if came => return End::NoMoreInTime,
            Err(_) => return End::NothingInTime,
            // TLS that ends without saying so.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => &[],
            Ok(Err(_)) => return End::Broken,
            Ok(Ok(count)) => piece.get(..count).unwrap_or_default(),
        };
        if data.is_empty() {
            return reader.body.map_or(End::NoHead, |body| End::Digest(body.digest.finalize().into()));
        }
        came = true;
        reader.take(data, on);
    }
}

/// What has been read: a begin of a head, or a body.
struct Reader {
    held: Vec<u8>,
    body: Option<Body>,
}

struct Body {
    digest: Md5,
    /// How much of it counts.
    left: u64,
}

impl Reader {
    fn take(&mut self, data: &[u8], on: &mut impl FnMut(Piece<'_>)) {
        if let Some(body) = &mut self.body {
            let counted = body.take(data);
            if !counted.is_empty() {
                on(Piece::More(counted));
            }
            return;
        }
        on(Piece::Begun);
        self.held.extend(data);
        let Some(end) = self.held.windows(4).position(|four| four == b"\r\n\r\n") else { return };
        let held = std::mem::take(&mut self.held);
        let (head, rest) = held.split_at(end + 4);
        on(Piece::Head(head));
        let mut body = Body { digest: Md5::new(), left: content_length(head).unwrap_or(u64::MAX) };
        let counted = body.take(rest);
        if !counted.is_empty() {
            on(Piece::First(counted));
        }
        self.body = Some(body);
    }
}

impl Body {
    /// Takes as much as counts, and returns it.
    fn take<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len());
        let counted = data.get(..count).unwrap_or_default();
        self.left -= counted.len() as u64;
        self.digest.update(counted);
        counted
    }
}

/// Returns the length that a head announces, as genhash finds it: behind the first `Content-Length:` in these very
/// letters wherever it stands, in digits up to the end of the line. genhash even finds it in as much of the body as came
/// together with the head, which is a matter of luck; not so here.
fn content_length(head: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"Content-Length:";
    let at = head.windows(NAME.len()).position(|window| window == NAME)?;
    let value = head.get(at + NAME.len()..)?;
    let value = value.split(|byte| *byte == b'\r').next()?.trim_ascii_start();
    let digits = value.strip_prefix(b"+").unwrap_or(value);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As stock genhash 2.2.7 was seen to do it.
    #[test]
    fn lengths_are_found_as_genhash_finds_them() {
        let length = |line: &str| content_length(format!("HTTP/1.0 200 OK\r\n{line}\r\n\r\n").as_bytes());
        for line in ["Content-Length: 5", "Content-Length:5", "Content-Length:\t5", "Content-Length: +5"] {
            assert_eq!(length(line), Some(5), "{line}");
        }
        assert_eq!(length("X-Content-Length: 3"), Some(3));
        assert_eq!(length("Content-Length: 5\r\nContent-Length: 6"), Some(5));
        for line in [
            "content-length: 5",
            "Content-Length: 5abc",
            "Content-Length: -1",
            "Content-Length: 99999999999999999999999",
            "Content-Length: 0x5",
            "Content-Length : 5",
            "Content-Length: 5 ",
            "Content-Length:",
        ] {
            assert_eq!(length(line), None, "{line}");
        }
    }

    #[test]
    fn pieces_may_be_cut_anywhere() {
        let whole = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, world";
        for cut in 1..whole.len() {
            let mut reader = Reader { held: Vec::new(), body: None };
            let mut body: Vec<u8> = Vec::new();
            for piece in [&whole[..cut], &whole[cut..]] {
                reader.take(piece, &mut |piece| match piece {
                    Piece::First(data) | Piece::More(data) => body.extend(data),
                    Piece::Begun | Piece::Head(_) => {}
                });
            }
            assert_eq!(body.as_slice(), b"hello", "{cut}");
        }
    }
}
