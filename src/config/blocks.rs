//! Lines and braces → statements.
//!
//! Braces stand anywhere outside quotes; what is before or behind one on its line is a line of its own.

use super::{
    text::{Quoting, Text, split},
    tree::{Finding, Place, Statement, Verdict},
};

/// How deep blocks may stand in each other: a valid file needs five.
const DEEPEST: usize = 32;
/// How many findings are kept: a file that is no configuration has as many as lines.
const MOST_FINDINGS: usize = 2000;

/// Statements as they come.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Those at the top that are complete.
    statements: Vec<Statement>,
    /// Blocks that are open, the outermost first.
    open: Vec<Open>,
    /// The last statement, whose brace may still come.
    last: Option<Statement>,
    findings: Vec<Finding>,
}

/// A block that is open.
#[derive(Debug)]
struct Open {
    /// Its statement without the block; `None` = a brace that nobody expected.
    opener: Option<Statement>,
    inside: Vec<Statement>,
}

impl Blocks {
    /// Adds what is wrong with the line that comes next.
    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            let block = self.open.iter().rev().find_map(|open| open.opener.as_ref().map(Statement::title));
            self.findings.push(finding.within(block.unwrap_or_default()));
        }
    }

    /// Takes one line, without comments and with all definitions put in.
    pub(super) fn line(&mut self, text: &Text) {
        let mut start = 0;
        let mut quoted = false;
        let line = text.as_str();
        let mut chars = line.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => quoted = !quoted,
                _ if quoted => {}
                // A definition that there is none of keeps its braces.
                '$' => {
                    if let Some(length) = line.get(at + 1..).and_then(braced) {
                        chars.by_ref().take(length).for_each(drop);
                    }
                }
                '{' | '}' => {
                    self.words(text, start, at);
                    start = at + 1;
                    if c == '{' { self.open(&text.place(at)) } else { self.close(&text.place(at)) }
                }
                _ => {}
            }
        }
        self.words(text, start, line.len());
    }

    fn words(&mut self, text: &Text, start: usize, end: usize) {
        if start == 0 && end == text.as_str().len() {
            self.statement(text);
        } else if start < end {
            self.statement(&text.cut(start, end));
        }
    }

    fn statement(&mut self, text: &Text) {
        let (words, unclosed) = split(text, quoting);
        if let Some(place) = unclosed {
            self.find(
                Finding::error(&place, "the quote \" is never closed")
                    .keepalived(Verdict::Ignores)
                    .hint("quotes must be closed on the same line"),
            );
        }
        let mut words = words.into_iter();
        let Some(keyword) = words.next() else { return };
        self.finish_last();
        self.last = Some(Statement { keyword, values: words.collect(), block: None });
    }

    /// The last statement has no braces.
    fn finish_last(&mut self) {
        if let Some(last) = self.last.take() {
            self.add(last);
        }
    }

    fn add(&mut self, statement: Statement) {
        match self.open.last_mut() {
            Some(open) => open.inside.push(statement),
            None => self.statements.push(statement),
        }
    }

    fn open(&mut self, place: &Place) {
        let opener = self.last.take();
        if opener.is_none() {
            self.find(
                Finding::error(place, "no keyword stands before this {")
                    .keepalived(Verdict::Ignores)
                    .hint("write the keyword and its { on one line"),
            );
        }
        if self.open.len() == DEEPEST {
            self.find(Finding::error(place, format_args!("more than {DEEPEST} blocks stand in each other")));
        }
        self.open.push(Open { opener, inside: Vec::new() });
    }

    fn close(&mut self, place: &Place) {
        self.finish_last();
        let Some(Open { opener, inside }) = self.open.pop() else {
            self.find(
                Finding::error(place, "this } closes nothing")
                    .keepalived(Verdict::Ignores)
                    .hint("one { is missing before it, or one } is too many"),
            );
            return;
        };
        // Deeper blocks are read, so that their braces are counted, and left out.
        match opener {
            Some(opener) if self.open.len() < DEEPEST => self.add(Statement { block: Some(inside), ..opener }),
            Some(_) => {}
            None => inside.into_iter().for_each(|statement| self.add(statement)),
        }
    }

    /// The files are at their end.
    pub(super) fn end(mut self, file: &Place) -> (Vec<Statement>, Vec<Finding>) {
        self.finish_last();
        while let Some(open) = self.open.last() {
            let place = open.opener.as_ref().map_or(file, |opener| &opener.keyword.place).clone();
            let title = open.opener.as_ref().map(Statement::title).unwrap_or_default();
            self.find(
                Finding::error(&place, format_args!("{title} is never closed"))
                    .keepalived(Verdict::Ignores)
                    .hint("a } is missing"),
            );
            self.close(&place);
        }
        (self.statements, self.findings)
    }
}

/// Returns the length of `{NAME}` at the beginning.
fn braced(text: &str) -> Option<usize> {
    let name = text.strip_prefix('{')?;
    let end = name.find('}')?;
    name[..end].bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b' ').then_some(end + 2)
}

/// Returns how the values of a keyword are split.
fn quoting(keyword: &str) -> Quoting {
    match keyword {
        "regex" => Quoting::Escaped,
        "script"
        | "misc_path"
        | "startup_script"
        | "shutdown_script"
        | "notify"
        | "notify_master"
        | "notify_backup"
        | "notify_fault"
        | "notify_stop"
        | "notify_deleted"
        | "notify_master_rx_lower_pri"
        | "notify_up"
        | "notify_down"
        | "quorum_up"
        | "quorum_down"
        | "notify_fifo_script"
        | "vrrp_notify_fifo_script"
        | "lvs_notify_fifo_script" => Quoting::Command,
        _ => Quoting::Plain,
    }
}
