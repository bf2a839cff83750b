//! The one way to the terminal: data goes to standard output, everything that is said about it to standard error.
//!
//! Data is buffered and its loss is an error; what is said is not. Text that came from outside (names, the kernel,
//! files) loses its control characters on the way, so that nobody else writes to the operator's terminal.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, BufWriter, IsTerminal, Stdout, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error::{Complaint, Error};

/// Standard output and standard error.
pub struct Ui {
    out: BufWriter<Stdout>,
    /// What is drawn over the page before, while a listing repeats itself on a terminal.
    page: Option<Vec<u8>>,
}

impl Ui {
    /// Returns the process's.
    pub fn new() -> Self {
        Self { out: BufWriter::new(io::stdout()), page: None }
    }

    /// Whether data goes to a terminal.
    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Writes data as it is. Text must have been cleaned by who made it ([`clean`]).
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print(&mut self, data: impl AsRef<[u8]>) -> Result<(), Error> {
        self.write_all(data.as_ref()).map_err(|error| Error::output(&error))
    }

    /// Writes `value` as indented JSON and a line end.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Error> {
        serde_json::to_writer_pretty(&mut *self, value).map_err(|error| Error::output(&error.into()))?;
        self.print("\n")
    }

    /// Writes `value` as JSON on one line: for streams of them.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn json_line(&mut self, value: &impl serde::Serialize) -> Result<(), Error> {
        serde_json::to_writer(&mut *self, value).map_err(|error| Error::output(&error.into()))?;
        self.print("\n")
    }

    /// Sends on what is still buffered; before anything that waits, and at the end.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(|error| Error::output(&error))
    }

    /// Begins a page: on a terminal, what is printed from here on takes the place of the page before.
    pub fn start_page(&mut self) {
        self.page = self.is_terminal().then(Vec::new);
    }

    /// Shows the page.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn end_page(&mut self) -> Result<(), Error> {
        if let Some(page) = self.page.take() {
            let height = terminal_size::terminal_size_of(io::stdout()).map_or(24, |(_, height)| usize::from(height.0));
            self.print(overwrite(&String::from_utf8_lossy(&page), height))?;
        }
        self.flush()
    }

    /// Says something that the reader of the data should know.
    pub fn note(&mut self, text: impl Display) {
        say("note", &text.to_string());
    }

    /// Says that something is probably not as it was meant.
    pub fn warn(&mut self, text: impl Display) {
        say("warning", &text.to_string());
    }

    /// Asks a question, behind which the answer is typed.
    pub fn ask(&mut self, text: impl Display) {
        let _ = write!(io::stderr(), "{}", clean(&text.to_string()));
    }

    /// Says what to do.
    pub fn hint(&mut self, text: impl Display) {
        say("hint", &text.to_string());
    }

    /// Says what failed and what to do about it.
    pub fn complain(&mut self, complaint: &Complaint) {
        say("error", &complaint.text);
        if let Some(hint) = &complaint.hint {
            say("hint", hint);
        }
    }

    /// Begins to show how far `what` is of `len` steps.
    pub fn progress(&self, what: &'static str, len: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(len as u64), ProgressDrawTarget::hidden()).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        Progress { bar, begun: Instant::now() }
    }
}

impl Write for Ui {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.page {
            Some(page) => page.write(data),
            None => self.out.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Returns what writes `page` over whatever the terminal shows, without flicker: lines are cleared as they are written
/// and cut at the right border, and a page higher than the terminal says how much of it is missing.
fn overwrite(page: &str, height: usize) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let room = height.saturating_sub(1);
    let shown = if lines.len() > room { room.saturating_sub(1) } else { lines.len() };
    let mut text = String::from("\u{1b}[?7l\u{1b}[H");
    for line in lines.iter().take(shown) {
        text.push_str(line);
        text.push_str("\u{1b}[K\n");
    }
    if shown < lines.len() {
        text.push_str(&format!("… {} more lines\u{1b}[K\n", lines.len() - shown));
    }
    text.push_str("\u{1b}[J\u{1b}[?7h");
    text
}

/// How far a piece of work is: shown on a terminal, from the second second on, and gone at the end.
pub struct Progress {
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    /// Says that so many more steps are done.
    pub fn advance(&self, steps: usize) {
        if self.bar.is_hidden() && self.begun.elapsed() >= Duration::from_secs(1) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(steps as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

/// Standard error is the last resort: when it cannot be written there is nobody left to tell.
fn say(kind: &str, text: &str) {
    let _ = writeln!(io::stderr(), "{kind}: {}", clean(text));
}

/// Returns `text` with control characters but line ends and tabs written out (`\u{1b}`).
pub fn clean(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|c| if harmful(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::{clean, overwrite};

    #[test]
    fn a_page_fits_the_terminal() {
        let text = |page, height| overwrite(page, height).replace('\u{1b}', "^");
        assert_eq!(text("a\nb\n", 24), "^[?7l^[Ha^[K\nb^[K\n^[J^[?7h");
        assert_eq!(text("a\nb\nc\n", 3), "^[?7l^[Ha^[K\n… 2 more lines^[K\n^[J^[?7h");
        assert_eq!(text("a\n", 0), "^[?7l^[H… 1 more lines^[K\n^[J^[?7h");
    }

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(clean("eth0\u{1b}[2J\r\u{9b}"), "eth0\\u{1b}[2J\\r\\u{9b}");
        assert_eq!(clean("10.0.0.1\tä\n"), "10.0.0.1\tä\n");
    }
}
