//! What is between hyper and the connection: hands bytes on, and notes what the verdict needs and hyper does not keep:
//! how many came, the first of them, how it ended, and the digest of a body as it was sent.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::rt;
use md5::{Digest, Md5};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::check::{probe::Phases, tls};

/// How much is read at once.
const PIECE: usize = 8 * 1024;

/// A connection to a server.
pub(super) enum Stream {
    Plain(TcpStream),
    Secure(Box<tls::Stream>),
}

/// A connection under observation.
pub(super) struct Wire<'a> {
    stream: Stream,
    clock: &'a mut Phases,
    piece: Box<[u8]>,
    /// How many more bytes may come.
    left: u64,
    full: bool,
    ended: bool,
    error: Option<io::Error>,
    after_head: Option<AfterHead>,
}

impl<'a> Wire<'a> {
    /// Observes a connection over which at most `largest` bytes may come.
    pub(super) fn new(stream: Stream, largest: u64, digest: bool, clock: &'a mut Phases) -> Self {
        Self {
            stream,
            clock,
            piece: vec![0; PIECE].into(),
            left: largest,
            full: false,
            ended: false,
            error: None,
            after_head: digest.then(AfterHead::default),
        }
    }

    /// Returns the first bytes that came.
    pub(super) fn said(&self) -> &[u8] {
        self.clock.said()
    }

    /// Returns how long the probe has been under way.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Whether more came than may come.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Whether the server has ended the connection.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns what broke the connection.
    pub(super) fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Returns the digest of all that came behind the head.
    pub(super) fn digest(&self) -> Option<[u8; 16]> {
        self.after_head.as_ref().map(|after| after.digest.clone().finalize().into())
    }

    /// Keeps an error, which hyper would wrap, and returns another of its kind for hyper.
    fn broke(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.error = Some(error);
        kind.into()
    }

    fn note(&mut self, count: usize) -> io::Result<()> {
        let came = self.piece.get(..count).unwrap_or_default();
        self.ended = came.is_empty();
        self.clock.heard(came);
        if let Some(after) = &mut self.after_head {
            after.take(came);
        }
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                self.full = true;
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        Ok(())
    }
}

impl rt::Read for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        let room = cursor.remaining().min(wire.piece.len());
        let mut buffer = ReadBuf::new(wire.piece.get_mut(..room).unwrap_or_default());
        let read = match &mut wire.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Stream::Secure(stream) => Pin::new(stream.as_mut()).poll_read(cx, &mut buffer),
        };
        let count = buffer.filled().len();
        match read {
            Poll::Pending => return Poll::Pending,
            // Many servers end a TLS connection without saying so in TLS. Whether something is missing, HTTP knows.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => wire.ended = true,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(wire.broke(error))),
            Poll::Ready(Ok(())) => wire.note(count)?,
        }
        cursor.put_slice(wire.piece.get(..count).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl rt::Write for Wire<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, data),
            Stream::Secure(stream) => Pin::new(stream.as_mut()).poll_write(cx, data),
        };
        written.map_err(|error| self.broke(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Secure(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        };
        flushed.map_err(|error| self.broke(error))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Secure(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// The digest of what comes behind the empty line that ends a head: of a chunked body the chunks with their sizes, which
/// is what keepalived and genhash digest.
#[derive(Debug, Default)]
struct AfterHead {
    /// How much of the empty line (CR LF CR LF) has come.
    matched: u8,
    digest: Md5,
}

impl AfterHead {
    fn take(&mut self, mut data: &[u8]) {
        while self.matched < 4
            && let Some((byte, rest)) = data.split_first()
        {
            self.matched = match (self.matched, byte) {
                (0 | 2, b'\r') | (1 | 3, b'\n') => self.matched + 1,
                (_, b'\r') => 1,
                _ => 0,
            };
            data = rest;
        }
        self.digest.update(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_begins_behind_the_empty_line_however_it_is_cut() {
        let whole = b"HTTP/1.1 200 OK\r\nX: \r\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        for cut in 0..whole.len() {
            let mut after = AfterHead::default();
            after.take(&whole[..cut]);
            after.take(&whole[cut..]);
            let digest: [u8; 16] = after.digest.finalize().into();
            assert_eq!(crate::check::facts::hex(digest), "79e9489e3bd3f0cb0158215341de046d", "{cut}");
        }
    }
}
