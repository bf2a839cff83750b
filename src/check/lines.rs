//! Lines of text from a server, of which none gets more room than it needs: for checkers of text protocols.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    answer::{Failure, FailureKind, Phase, Verdict, quoted},
    connect,
    probe::Phases,
    settings::Probe,
};

/// How many bytes are read at once.
const CHUNK: usize = 512;

/// Bytes on their way to being lines.
#[derive(Debug)]
pub struct Splitter {
    held: Vec<u8>,
    longest: usize,
}

/// A line does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Splitter {
    /// Splits into lines of at most so many bytes, the end of line not counted.
    pub fn new(longest: usize) -> Self {
        Self { held: Vec::new(), longest }
    }

    /// Takes bytes. Call [`line`](Self::line) until it gives nothing before the next bytes are pushed.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Returns the next line without its end (LF or CR LF), `None` if it is not complete.
    ///
    /// # Errors
    /// The line is longer than lines may be.
    pub fn line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let Some(end) = self.held.iter().position(|byte| *byte == b'\n') else {
            // The CR of a longest line may be here already.
            return if self.held.len() > self.longest + 1 { Err(TooLong) } else { Ok(None) };
        };
        let mut line: Vec<u8> = self.held.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.len() > self.longest { Err(TooLong) } else { Ok(Some(line)) }
    }

    /// Returns what is left when nothing more comes: a line without an end.
    pub fn rest(self) -> Vec<u8> {
        self.held
    }
}

/// A conversation with a server in lines.
#[derive(Debug)]
pub(super) struct Conversation {
    target: SocketAddr,
    stream: TcpStream,
    lines: Splitter,
}

impl Conversation {
    /// Connects to the server of a probe; its lines may have so many bytes.
    ///
    /// # Errors
    /// There is no connection.
    pub(super) async fn begin(probe: &Probe, longest: usize, clock: &mut Phases) -> Result<Self, Verdict> {
        let stream = connect::tcp(probe.target, &probe.connection, clock.until()).await?;
        clock.reached(Phase::Connect);
        Ok(Self { target: probe.target, stream, lines: Splitter::new(longest) })
    }

    /// Says something.
    ///
    /// # Errors
    /// The connection is gone.
    pub(super) async fn say(&mut self, text: &str, clock: &Phases) -> Result<(), Verdict> {
        let written = self.stream.write_all(text.as_bytes()).await;
        written.map_err(|error| connect::fault(self.target, &error, clock.elapsed()).into())
    }

    /// Waits for the next line; `None` if the server has ended the connection, and [`rest`](Self::rest) is all.
    ///
    /// # Errors
    /// The connection is gone, or the line has no end.
    pub(super) async fn line(&mut self, clock: &mut Phases) -> Result<Option<Vec<u8>>, Verdict> {
        loop {
            match self.lines.line() {
                Ok(None) => {}
                Ok(line) => return Ok(line),
                Err(TooLong) => {
                    let (target, longest) = (self.target, self.lines.longest);
                    let said = quoted(clock.said());
                    let reason = format!("{target} said {said}, a line of more than {longest} bytes");
                    return Err(Verdict::Bad(Failure::new(FailureKind::Protocol, &reason, clock.said())));
                }
            }
            let mut chunk = [0; CHUNK];
            let read = self.stream.read(&mut chunk).await;
            let count = read.map_err(|error| Verdict::from(connect::fault(self.target, &error, clock.elapsed())))?;
            if count == 0 {
                return Ok(None);
            }
            let bytes = chunk.get(..count).unwrap_or_default();
            clock.heard(bytes);
            self.lines.push(bytes);
        }
    }

    /// Returns what came after the last line of a connection that the server has ended.
    pub(super) fn rest(self) -> Vec<u8> {
        self.lines.rest()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_have_a_length() {
        let mut lines = Splitter::new(4);
        lines.push(b"abcd\r\nabcd\n\r\nab");
        assert_eq!(lines.line(), Ok(Some(b"abcd".to_vec())));
        assert_eq!(lines.line(), Ok(Some(b"abcd".to_vec())));
        assert_eq!(lines.line(), Ok(Some(Vec::new())));
        assert_eq!(lines.line(), Ok(None));
        lines.push(b"cd\r");
        assert_eq!(lines.line(), Ok(None));
        lines.push(b"e");
        assert_eq!(lines.line(), Err(TooLong));
        let mut lines = Splitter::new(4);
        lines.push(b"abcde\n");
        assert_eq!(lines.line(), Err(TooLong));
    }

    proptest! {
        /// However the bytes come, the lines are the same, and little is held.
        #[test]
        fn chunks_do_not_matter(chunks in prop::collection::vec(prop::collection::vec(prop::sample::select(b"a\r\n".to_vec()), 0..12), 0..20)) {
            let run = |chunks: &[Vec<u8>]| {
                let (mut lines, mut found) = (Splitter::new(8), Vec::new());
                for chunk in chunks {
                    lines.push(chunk);
                    loop {
                        match lines.line() {
                            Ok(Some(line)) => found.push(line),
                            Ok(None) => break,
                            Err(TooLong) => return (found, None),
                        }
                    }
                    assert!(lines.held.len() <= 9);
                }
                (found, Some(lines.rest()))
            };
            let (found, rest) = run(&chunks);
            let (all, all_rest) = run(&[chunks.concat()]);
            prop_assert_eq!(found, all);
            prop_assert_eq!(rest.is_some(), all_rest.is_some());
        }
    }
}
