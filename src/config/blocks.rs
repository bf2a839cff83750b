//! Lines and braces → statements.
//!
//! Braces stand anywhere outside quotes; what is before or behind one on its line is a line of its own. Where one is
//! missing or too many, what the keywords around it are tells where it should be, so that one mistake is one finding.

use super::{
    repair::{self, Inner},
    text::{Quoting, Text, split},
    tree::{Finding, Level, Place, Statement, Verdict},
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
    /// Whether the last thing that came was an opening brace.
    just_opened: bool,
    /// Where the last block was closed, if nothing came after it.
    just_closed: Option<Place>,
    findings: Vec<Finding>,
    /// Findings about blocks that were closed where no brace stands, in case it comes later.
    assumed: Vec<usize>,
    /// The finding about `//`, and that about quotes that are none.
    remarks: Option<usize>,
    curly: Option<usize>,
}

/// A block that is open.
#[derive(Debug)]
struct Open {
    /// Its statement without the block; `None` = nobody knows what it is.
    opener: Option<Statement>,
    inside: Vec<Statement>,
    inner: Inner,
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
    pub(super) fn line(&mut self, text: &Text<'_>) {
        let cut = repair::remark(text.as_str()).map(|at| {
            self.remark(text, at);
            text.cut(0, at).trimmed()
        });
        let text = cut.as_ref().unwrap_or(text);
        let line = text.as_str();
        let mut start = 0;
        let mut quoted = false;
        let mut bytes = line.bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => quoted = !quoted,
                _ if quoted => {}
                // A definition that there is none of keeps its braces.
                b'$' => {
                    if let Some(length) = line.get(at + 1..).and_then(braced) {
                        bytes.by_ref().take(length).for_each(drop);
                    }
                }
                b'{' | b'}' => {
                    self.words(text, start, at);
                    start = at + 1;
                    if byte == b'{' { self.open(&text.place(at)) } else { self.close(&text.place(at)) }
                }
                _ => {}
            }
        }
        self.words(text, start, line.len());
    }

    fn words(&mut self, text: &Text<'_>, start: usize, end: usize) {
        if start == 0 && end == text.as_str().len() {
            self.statement(text);
        } else if start < end {
            self.statement(&text.cut(start, end));
        }
    }

    fn statement(&mut self, text: &Text<'_>) {
        let (keyword, mut values, unclosed) = split(text, quoting);
        if let Some(place) = unclosed {
            self.find(
                Finding::error(&place, "the quote \" is never closed")
                    .keepalived(Verdict::Ignores)
                    .hint("quotes must be closed on the same line"),
            );
        }
        let Some(keyword) = keyword else { return };
        if let Some(word) = values.pop_if(|word| &*word.text == "\\" && !word.quoted) {
            let finding = Finding::error(&word.place, "a backslash joins lines of definitions only");
            self.find(finding.keepalived(Verdict::Accepts).hint("write all of it on one line"));
        }
        let statement = Statement { keyword, values, block: None };
        self.curly_quotes(&statement);
        let fits = self.inner().takes(&statement);
        self.finish_last((!fits).then_some(&statement));
        self.fit(&statement, fits);
        self.just_opened = false;
        self.just_closed = None;
        self.last = Some(statement);
    }

    /// The last statement has no brace; `stranger` comes after it if that does not fit here.
    fn finish_last(&mut self, stranger: Option<&Statement>) {
        let Some(last) = self.last.take() else { return };
        let Some(stranger) = stranger else { return self.add(last) };
        let inner = self.inner().of(&last);
        if inner.known().is_some_and(|inside| inside.takes(stranger)) {
            let message = format!("{} has no {{", last.title());
            let finding = Finding::error(&last.keyword.place, message).keepalived(Verdict::Corrects);
            self.find(finding.hint("write { behind it"));
            self.open.push(Open { opener: Some(last), inside: Vec::new(), inner });
            return;
        }
        self.add(last);
    }

    /// What may stand in the innermost block.
    fn inner(&self) -> Inner {
        self.open.last().map_or(Inner::ROOT, |open| open.inner)
    }

    /// Closes and opens blocks as a statement that does not belong here tells. Whether it `fits` was asked before a brace that was
    /// missing opened a block.
    fn fit(&mut self, statement: &Statement, fits: bool) {
        let column = statement.keyword.place.column;
        let begins = |open: &Open| open.opener.as_ref().map_or(0, |opener| opener.keyword.place.column);
        let Some(innermost) = self.open.last() else { return self.reopen(statement) };
        let (fits, is_list) = (fits || innermost.inner.takes(statement), innermost.inner.is_list());
        if fits && !is_list {
            return;
        }
        // What is not known to be a block takes everything but what stands outside all blocks.
        let is_outer = |inner: &Inner| inner.takes(statement) && !inner.is_list();
        let outer = (0..self.open.len()).rev().find(|depth| is_outer(&self.inner_at(*depth)));
        if fits && !(outer.is_some() && column <= begins(innermost)) {
            return;
        }
        let Some(depth) = outer else { return self.reopen(statement) };
        // The outermost keywords stand nowhere else; others may be in the wrong place, if they are written as if they
        // belonged there.
        let closes = depth == 0 || self.open.get(depth).is_some_and(|open| column <= begins(open));
        if !closes {
            return self.reopen(statement);
        }
        while self.open.len() > depth {
            let opener = self.open.last().and_then(|open| open.opener.as_ref());
            let message = opener.map(|opener| {
                format!("{} of line {} is not closed before this", opener.title(), opener.keyword.place.line)
            });
            self.pop();
            let Some(message) = message else { continue };
            let finding = Finding::error(&statement.keyword.place, message).keepalived(Verdict::Ignores);
            self.find(finding.hint("write } above this line"));
            self.assumed.push(self.findings.len().saturating_sub(1));
        }
    }

    /// What may stand at a depth: 0 = outside all blocks.
    fn inner_at(&self, depth: usize) -> Inner {
        match depth.checked_sub(1) {
            None => Inner::ROOT,
            Some(index) => self.open.get(index).map_or(Inner::ANYTHING, |open| open.inner),
        }
    }

    /// Opens the block again that was closed last, if a statement belongs there and nowhere else.
    fn reopen(&mut self, statement: &Statement) {
        let Some(place) = self.just_closed.take() else { return };
        let inner = self.inner();
        let siblings = self.open.last_mut().map_or(&mut self.statements, |open| &mut open.inside);
        let Some(last) = siblings.last() else { return };
        let inside = inner.of(last);
        let opener = &last.keyword;
        let deeper = statement.keyword.place.column > opener.place.column;
        let flat = statement.keyword.place.column == opener.place.column && !inner.takes(statement);
        if inner.takes(statement)
            || last.block.is_none()
            || !inside.known().is_some_and(|inside| inside.is_meant(statement))
        {
            return;
        }
        if !deeper && !flat {
            return;
        }
        let message = format!("this }} closes {} too early: {} belongs to it", last.title(), statement.keyword.text);
        let Some(mut opener) = siblings.pop() else { return };
        let block = opener.block.take().unwrap_or_default();
        self.find(Finding::error(&place, message).keepalived(Verdict::Ignores).hint("leave it out"));
        self.open.push(Open { opener: Some(opener), inside: block, inner: inside });
    }

    fn add(&mut self, statement: Statement) {
        match self.open.last_mut() {
            Some(open) => open.inside.push(statement),
            None => self.statements.push(statement),
        }
    }

    fn open(&mut self, place: &Place) {
        let opener = self.last.take();
        let inner = opener.as_ref().map_or(Inner::ANYTHING, |opener| self.inner().of(opener));
        if opener.is_none() {
            let twice = self.just_opened;
            let message = if twice { "this { stands twice" } else { "no keyword stands before this {" };
            let hint = if twice { "leave one out" } else { "write the keyword and its { on one line" };
            self.find(Finding::error(place, message).keepalived(Verdict::Ignores).hint(hint));
            if twice {
                return;
            }
        }
        if self.open.len() == DEEPEST {
            self.find(Finding::error(place, format_args!("more than {DEEPEST} blocks stand in each other")));
        }
        self.open.push(Open { opener, inside: Vec::new(), inner });
        self.just_opened = true;
        self.just_closed = None;
    }

    fn close(&mut self, place: &Place) {
        self.finish_last(None);
        self.just_opened = false;
        self.just_closed = Some(place.clone());
        if self.open.is_empty() {
            // The brace that was missed further up.
            if let Some(finding) = self.assumed.pop().and_then(|index| self.findings.get_mut(index)) {
                finding.hint =
                    Some(format!("write }} above this line; the }} in line {} is too many then", place.line));
                return;
            }
            self.find(
                Finding::error(place, "this } closes nothing")
                    .keepalived(Verdict::Ignores)
                    .hint("one { is missing before it, or one } is too many"),
            );
            return;
        }
        self.pop();
    }

    /// Ends the innermost block.
    fn pop(&mut self) {
        self.finish_last(None);
        let Some(Open { opener: Some(opener), mut inside, .. }) = self.open.pop() else { return };
        // There may be many small blocks.
        inside.shrink_to_fit();
        // Deeper blocks are read, so that their braces are counted, and left out.
        if self.open.len() < DEEPEST {
            self.add(Statement { block: Some(inside), ..opener });
        }
    }

    /// The files are at their end.
    pub(super) fn end(mut self, file: &Place) -> (Vec<Statement>, Vec<Finding>) {
        self.finish_last(None);
        while let Some(open) = self.open.last() {
            let place = open.opener.as_ref().map_or(file, |opener| &opener.keyword.place).clone();
            let title = open.opener.as_ref().map(Statement::title);
            self.pop();
            if let Some(title) = title {
                let message = format!("{title} is never closed");
                let finding = Finding::error(&place, message).keepalived(Verdict::Ignores);
                self.find(finding.hint("write } at its end"));
            }
        }
        (self.statements, self.findings)
    }

    /// `//` begins no comment. Said once for a file: who does it, does it everywhere.
    fn remark(&mut self, text: &Text<'_>, at: usize) {
        let place = text.place(at);
        // Behind a value nobody sees it; elsewhere it is a keyword or an entry.
        let before = text.as_str().get(..at).unwrap_or_default().trim_end();
        let verdict =
            if before.is_empty() || before.ends_with(['{', '}']) { Verdict::Ignores } else { Verdict::Accepts };
        if let Some(finding) = self.remarks.and_then(|index| self.findings.get_mut(index))
            && finding.place.file == place.file
        {
            finding.also.push(place.line);
            if verdict == Verdict::Ignores {
                finding.keepalived = verdict;
            }
            return;
        }
        let finding = Finding::warning(&place, "// begins no comment: keepalived reads what is behind it")
            .keepalived(verdict)
            .hint("write # or ! instead; lvsadm reads on as if it were there");
        self.find(finding);
        self.remarks = Some(self.findings.len().saturating_sub(1));
    }

    /// Quotes of word processors are ordinary characters.
    fn curly_quotes(&mut self, statement: &Statement) {
        let Some(word) = statement.values.iter().find(|word| word.text.contains(repair::CURLY)) else { return };
        if let Some(finding) = self.curly.and_then(|index| self.findings.get_mut(index))
            && finding.place.file == word.place.file
        {
            finding.also.push(word.place.line);
            return;
        }
        let quote = word.text.chars().find(|c| repair::CURLY.contains(c)).unwrap_or('“');
        let command = quoting(&statement.keyword.text) == Quoting::Command;
        let finding = Finding::error(&word.place, format_args!("{quote} is no quotation mark, but part of the word"));
        let verdict = if command { Verdict::Ignores } else { Verdict::Accepts };
        self.find(Finding { level: Level::Error, ..finding.keepalived(verdict).hint("write \"") });
        self.curly = Some(self.findings.len().saturating_sub(1));
    }
}

/// Returns the length of `{NAME}` at the beginning.
fn braced(text: &str) -> Option<usize> {
    let name = text.strip_prefix('{')?;
    let end = name.find('}')?;
    name[..end].bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b' ').then_some(end + 2)
}

/// Returns how the values of a keyword are split.
pub(super) fn quoting(keyword: &str) -> Quoting {
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
