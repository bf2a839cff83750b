//! `-R`: command lines from standard input, and the program ipvsadm-restore.
//!
//! Consecutive changes go to the kernel in one batch. What came before a message is sent before it, so messages and
//! effects keep the order of the lines.

use std::io::{self, Read};

use super::{Failure, Flow, Session};
use crate::{
    model::Change,
    state::grammar::{self, Class, Command},
};

/// How much is read at once. What has arrived is carried out before more is waited for, so a script may feed lines
/// one by one; a batch is what fits.
const CHUNK: usize = 1 << 16;

/// Runs the lines of standard input as they come.
pub(super) fn from_stdin(session: &mut Session) -> Result<u8, Failure> {
    let mut lines = Lines::default();
    let mut stdin = io::stdin().lock();
    let mut text = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match stdin.read(&mut chunk) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Input(error)),
        };
        text.extend_from_slice(chunk.get(..count).unwrap_or_default());
        // At the end, the rest is a line even without its line end.
        let complete =
            if count == 0 { text.len() } else { text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
        let whole: Vec<u8> = text.drain(..complete).collect();
        if lines.run(session, &whole)?.is_break() || count == 0 {
            return Ok(lines.status);
        }
    }
}

/// The program ipvsadm-restore: drops comments, empties the table, runs the lines.
///
/// The original empties the table before it looks at the lines, so that one bad line leaves nothing. Here every line
/// is checked first, and a line that would stop the original leaves the table as it is; message and status are the same.
pub(super) fn from_file(session: &mut Session) -> Result<u8, Failure> {
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input).map_err(Failure::Input)?;
    let mut text = Vec::with_capacity(input.len());
    for line in input.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#")) {
        text.extend_from_slice(line);
    }
    for line in text.split(|byte| *byte == b'\n') {
        let words = words(line);
        if words.is_empty() {
            continue;
        }
        match grammar::parse(&words, &session.names) {
            // The original runs nothing that stands below one of these.
            Ok(parsed) if matches!(parsed.command, Command::Help | Command::Version) => break,
            Ok(parsed) if parsed.command == Command::Restore => return session.not_a_command().map(Flow::status),
            Ok(_) => {}
            Err(fault) if fault.kind.class() == Class::Options => {}
            Err(fault) => return session.fault(&fault).map(Flow::status),
        }
    }
    // In one batch with the lines: who holds the table then knows that servers which are in both stay.
    let mut lines = Lines { batch: vec![Change::Clear], ..Lines::default() };
    let _ = lines.run(session, &text)?;
    Ok(lines.status)
}

/// Splits a line into words. There is neither quoting nor comments, and the program's name may stand anywhere.
fn words(line: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(line)
        .split([' ', '\t', '\r', '\n'])
        .filter(|word| !word.is_empty() && *word != "ipvsadm")
        .map(str::to_owned)
        .collect()
}

/// Runs lines and keeps the status of the last one, which is all that ipvsadm reports.
#[derive(Default)]
struct Lines {
    batch: Vec<Change>,
    status: u8,
}

impl Lines {
    /// Runs complete lines; breaks where a line ends it all.
    fn run(&mut self, session: &mut Session, text: &[u8]) -> Result<std::ops::ControlFlow<()>, Failure> {
        for line in text.split(|byte| *byte == b'\n') {
            let words = words(line);
            if words.is_empty() {
                continue;
            }
            let parsed = grammar::parse(&words, &session.names);
            if let Ok(grammar::Parsed { command: Command::Change(change), .. }) = parsed {
                self.batch.push(change);
                continue;
            }
            self.send(session)?;
            let flow = match parsed {
                Ok(parsed) if parsed.command == Command::Restore => session.not_a_command()?,
                Ok(parsed) => session.run(&parsed.command)?,
                Err(fault) => session.fault(&fault)?,
            };
            self.status = flow.status();
            if let Flow::Stop(_) = flow {
                return Ok(std::ops::ControlFlow::Break(()));
            }
        }
        self.send(session)?;
        Ok(std::ops::ControlFlow::Continue(()))
    }

    fn send(&mut self, session: &mut Session) -> Result<(), Failure> {
        if !self.batch.is_empty() {
            self.status = session.apply(&self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }
}
