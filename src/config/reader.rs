//! Files → lines: comments, includes, conditions, definitions and loops.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{
    blocks::Blocks,
    bytes,
    definitions::{Definition, Definitions, PutIn, definition, loop_parameters, repeated},
    source::{self, Disk, Files},
    text::Text,
    tree::{Finding, Place, Statement, Verdict},
};

/// How many files may include each other, and how many definitions may stand in each other.
const DEEPEST: usize = 32;

/// What a configuration is read with.
pub struct Environment {
    /// What lines that begin with `@ID` are compared with.
    pub config_id: String,
    /// What `${_ENV NAME}` stands for.
    pub variables: BTreeMap<String, String>,
    /// What `${_RANDOM}` begins with, unless the file has `random_seed`.
    pub seed: u64,
    /// How many bytes all lines may have together, with definitions put in and loops written out.
    pub limit: usize,
    /// Whether every include must have all its files, as keepalived's `-e`.
    pub check_includes: bool,
    /// Where files come from.
    pub files: Box<dyn Files>,
}

impl Default for Environment {
    /// No host: an empty configuration id, no variables, this host's files.
    fn default() -> Self {
        Self {
            config_id: String::new(),
            variables: BTreeMap::new(),
            seed: 0,
            limit: 256 << 20,
            check_includes: false,
            files: Box::new(Disk),
        }
    }
}

impl Environment {
    /// This host's: its name up to the first dot, this process's variables.
    pub fn of_host() -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let config_id = host.trim().split('.').next().unwrap_or_default().to_owned();
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { config_id, variables: variables.collect(), ..Self::default() }
    }
}

pub(super) fn read(path: &Path, environment: &Environment) -> (Vec<Statement>, Vec<Finding>) {
    let mut reader = Reader {
        environment,
        definitions: Definitions::default(),
        random: fastrand::Rng::with_seed(environment.seed),
        checks: if environment.check_includes { Checks::ALL } else { Checks::default() },
        spent: 0,
        depth: 0,
        open: Vec::new(),
        typed: None,
        blocks: Blocks::default(),
    };
    let top = Place::of_file(Rc::new(path.to_owned()));
    reader.top(path, &top);
    reader.blocks.end(&top)
}

/// What an include must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Checks {
    /// Files that can be read.
    read: bool,
    /// A file for a name without wildcards.
    exact: bool,
    /// A file for wildcards.
    wild: bool,
    /// A file for each alternative in braces.
    brace: bool,
}

impl Checks {
    const ALL: Self = Self { read: true, exact: true, wild: true, brace: true };

    /// Returns what an include directive demands beside these; `None` = it is no include.
    fn of_include(self, keyword: &str) -> Option<Self> {
        match keyword {
            "include" => Some(self),
            "includer" => Some(Self { read: true, ..self }),
            "includem" => Some(Self { exact: true, ..self }),
            "includew" => Some(Self { wild: true, ..self }),
            "includeb" => Some(Self { brace: true, ..self }),
            "includea" => Some(Self::ALL),
            _ => None,
        }
    }

    /// Takes the values of `include_check`.
    fn set<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        let words: Vec<&str> = words.collect();
        let relative = words.first().is_some_and(|word| word.starts_with(['+', '-']));
        if !relative {
            *self = if words.is_empty() { Self::ALL } else { Self::default() };
        }
        for word in words {
            let on = !word.starts_with('-');
            match word.trim_start_matches(['+', '-']) {
                "read" | "readable" => self.read = on,
                "match" => self.exact = on,
                "wildcard_match" => self.wild = on,
                "brace_match" => self.brace = on,
                _ => {}
            }
        }
    }
}

struct Reader<'a> {
    environment: &'a Environment,
    definitions: Definitions,
    random: fastrand::Rng,
    checks: Checks,
    /// Bytes of lines that were written out.
    spent: usize,
    /// How many definitions and loops stand in each other here.
    depth: usize,
    /// Files that are being read, the including one first.
    open: Vec<PathBuf>,
    /// A definition of several lines that is not complete.
    typed: Option<Typed>,
    blocks: Blocks,
}

/// A definition of several lines as it is typed.
struct Typed {
    /// `None` = it is not for this host.
    name: Option<String>,
    place: Place,
    lines: Vec<Text<'static>>,
}

impl Reader<'_> {
    /// Reads the file that was asked for, or the files if its name has wildcards.
    fn top(&mut self, path: &Path, place: &Place) {
        let pattern = path.to_string_lossy();
        let files = &*self.environment.files;
        if files.exists(path) || !pattern.contains(['*', '?', '[', '{']) {
            return self.file(path, place, Verdict::Refuses);
        }
        let paths: Vec<_> =
            source::find(files, Path::new(""), &pattern).into_iter().flat_map(|found| found.paths).collect();
        if paths.is_empty() {
            self.blocks.find(Finding::error(place, "no file has such a name"));
        }
        if paths.len() > 1 {
            self.blocks
                .find(Finding::warning(place, format_args!("{} files have such a name; all are read", paths.len())));
        }
        for path in paths {
            self.file(&path, place, Verdict::Refuses);
        }
    }

    /// Reads a file; `unreadable` is what keepalived does if it cannot be.
    fn file(&mut self, path: &Path, place: &Place, unreadable: Verdict) {
        let content = match self.environment.files.read(path) {
            Ok(content) => content,
            Err(why) => {
                let finding = Finding::error(place, format_args!("cannot read {}: {why}", path.display()));
                return self.blocks.find(finding.keepalived(unreadable));
            }
        };
        let file = Rc::new(path.to_owned());
        self.open.push(path.to_owned());
        let findings = bytes::lines(&content, &file, |line| self.typed_line(line));
        findings.into_iter().for_each(|finding| self.blocks.find(finding));
        self.open.pop();
        self.finish_typed(true);
    }

    /// Takes a line as it was typed, without its comment.
    fn typed_line(&mut self, line: Text<'_>) {
        let Some(typed) = &mut self.typed else {
            if !line.as_str().is_empty() {
                self.line(line);
            }
            return;
        };
        let (line, more) = match line.as_str().strip_suffix('\\') {
            Some(kept) => (line.cut(0, kept.len()).trimmed(), true),
            None => (line, false),
        };
        if !line.as_str().is_empty() {
            typed.lines.push(line.into_owned());
        }
        if !more {
            self.finish_typed(false);
        }
    }

    /// The definition of several lines is complete, or its file is.
    fn finish_typed(&mut self, at_end: bool) {
        let Some(Typed { name, place, lines }) = self.typed.take() else { return };
        if at_end {
            self.blocks.find(Finding::warning(
                &place,
                "the last line of this definition ends with a backslash, and so does the file",
            ));
        }
        if let Some(name) = name {
            self.definitions.define(&name, Definition::Lines(Rc::new(lines)));
        }
    }

    /// Takes a line without comments and blanks around it, as it was typed or as a definition or a loop made it.
    fn line(&mut self, text: Text<'_>) {
        self.spent = self.spent.saturating_add(text.as_str().len() + 1);
        if self.spent > self.environment.limit {
            return;
        }
        if self.depth == DEEPEST {
            let message = "definitions and loops stand too deep in each other";
            return self.blocks.find(Finding::error(&text.place(0), message));
        }
        self.depth += 1;
        self.line_inside(text);
        self.depth -= 1;
        // Said once, by whoever stands outermost.
        if self.depth == 0 && self.spent > self.environment.limit && self.spent < usize::MAX {
            self.spent = usize::MAX;
            let message = format_args!(
                "all lines together have more than {} bytes; the rest is not read",
                self.environment.limit
            );
            let place = Place::of_file(Rc::new(self.open.first().cloned().unwrap_or_default()));
            self.blocks.find(Finding::error(&place, message).hint("a ~SEQ that goes too far?"));
        }
    }

    fn line_inside(&mut self, text: Text<'_>) {
        let line = text.as_str();
        if line.is_empty() {
            return;
        }
        if let Some(condition) = line.strip_prefix('@') {
            let end = condition.find(char::is_whitespace).unwrap_or(condition.len());
            let rest = text.from(1 + end).trimmed();
            return match condition[..end].strip_prefix('^') {
                Some(other) if other != self.environment.config_id => self.line(rest),
                None if condition[..end] == *self.environment.config_id => self.line(rest),
                _ => self.skip(&rest),
            };
        }
        if let Some((name, value)) = definition(line) {
            let name = name.to_owned();
            return self.define(name, &text.from(value));
        }
        if let Some(end) = loop_parameters(line) {
            return self.repeat(text, end);
        }
        if line.starts_with("include") {
            let end = line.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(line.len());
            if let Some(checks) = self.checks.of_include(&line[..end]) {
                return self.include(&text, end, checks);
            }
        }
        self.put_in(text);
    }

    /// A line that is not for this host: all of it, if it begins a definition of several lines.
    fn skip(&mut self, rest: &Text<'_>) {
        if definition(rest.as_str()).is_some() && rest.as_str().ends_with('\\') {
            self.typed = Some(Typed { name: None, place: rest.place(0), lines: Vec::new() });
        }
    }

    fn define(&mut self, name: String, value: &Text<'_>) {
        match value.as_str().strip_suffix('\\') {
            None => drop(self.definitions.define(&name, Definition::Value(Rc::from(value.as_str())))),
            Some(first) => {
                let first = value.cut(0, first.len()).trimmed().into_owned();
                let lines = Some(first).filter(|line| !line.as_str().is_empty()).into_iter().collect();
                self.typed = Some(Typed { name: Some(name), place: value.place(0), lines });
            }
        }
    }

    /// Writes a line out as often as its loop says.
    fn repeat(&mut self, text: Text<'_>, end: usize) {
        let place = text.place(0);
        let fault = |message: String| Finding::error(&place, message).keepalived(Verdict::Ignores);
        // Values are put into the parameters only: what is behind them may name what the loop changes.
        let parameters = match self.values_of(text.cut(0, (end + 1).min(text.as_str().len()))) {
            PutIn::Line { text, .. } => text,
            PutIn::Lines(..) => return self.blocks.find(fault("several lines cannot be a parameter".to_owned())),
            PutIn::Fault(_, message) => return self.blocks.find(fault(message)),
        };
        let looped = match repeated(parameters.as_str()) {
            Ok(looped) => looped,
            Err(message) => return self.blocks.find(fault(message)),
        };
        let rest = text.from(end + 1).trimmed();
        if rest.as_str().is_empty() {
            return self.blocks.find(Finding::warning(&place, "nothing stands behind this loop"));
        }
        let define = |reader: &mut Self, values: Vec<String>| -> Vec<Option<Definition>> {
            let values = values.into_iter().map(|value| Definition::Value(Rc::from(value)));
            looped.names.iter().zip(values).map(|(name, value)| reader.definitions.define(name, value)).collect()
        };
        let mut before = None;
        for turn in 0.. {
            let Some(values) = looped.values.at(turn).filter(|_| self.spent <= self.environment.limit) else { break };
            let last = define(self, values);
            before.get_or_insert(last);
            self.line(rest.clone());
        }
        for (name, before) in looped.names.iter().zip(before.unwrap_or_default()) {
            self.definitions.restore(name, before);
        }
    }

    fn values_of<'a>(&mut self, text: Text<'a>) -> PutIn<'a> {
        let Self { definitions, random, open, environment, .. } = self;
        definitions.put_in(text, |name, arguments| match name {
            "_PWD" => Some(directory_of(open).display().to_string()),
            "_INSTANCE" => Some(environment.config_id.clone()),
            "_HASH" => Some("#".to_owned()),
            "_BANG" => Some("!".to_owned()),
            "_ENV" => environment.variables.get(arguments).cloned(),
            "_RANDOM" => {
                let mut bounds = arguments.split_whitespace().map(str::parse::<u64>);
                let low = bounds.next().unwrap_or(Ok(0)).ok()?;
                let high = bounds.next().unwrap_or(Ok(32767)).ok()?;
                (low <= high).then(|| random.u64(low..=high).to_string())
            }
            _ => None,
        })
    }

    /// Puts values into a line; what becomes of it is a line again, or is complete.
    fn put_in(&mut self, text: Text<'_>) {
        if !text.as_str().contains('$') {
            return self.complete(&text);
        }
        match self.values_of(text.clone()) {
            PutIn::Line { text, changed, undefined } => {
                for (at, name) in undefined {
                    self.blocks.find(
                        Finding::warning(
                            &text.place(at),
                            format_args!("nothing defines {name}; it stays as it stands"),
                        )
                        .hint(format_args!("define it above: ${name}=value")),
                    );
                }
                let text = text.trimmed();
                let begins = text.as_str().starts_with(['@', '~']) || definition(text.as_str()).is_some();
                let include =
                    || self.checks.of_include(text.as_str().split_whitespace().next().unwrap_or_default()).is_some();
                if changed && (begins || include()) { self.line(text) } else { self.complete(&text) }
            }
            PutIn::Lines(before, lines) => {
                let mut lines = lines.iter();
                if before.as_str().trim().is_empty() {
                    lines.for_each(|line| self.line(line.clone()));
                    return;
                }
                let first = lines.next().map(|line| line.as_str().to_owned()).unwrap_or_default();
                let mut joined = before;
                let end = joined.as_str().len();
                joined.replace(end, end, &first);
                self.line(joined);
                lines.for_each(|line| self.line(line.clone()));
            }
            PutIn::Fault(at, message) => self.blocks.find(Finding::error(&text.place(at), message)),
        }
    }

    /// Takes a line as it will be split.
    fn complete(&mut self, text: &Text<'_>) {
        let line = text.as_str();
        if line.starts_with("include_check") || line.starts_with("random_seed") {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("include_check") => self.checks.set(words),
                Some("random_seed") => {
                    if let Some(seed) = words.next().and_then(|seed| seed.parse().ok()) {
                        self.random = fastrand::Rng::with_seed(seed);
                    }
                }
                _ => {}
            }
        }
        self.blocks.line(text);
    }

    fn include(&mut self, text: &Text<'_>, end: usize, checks: Checks) {
        let pattern = text.from(end).trimmed();
        let place = pattern.place(0);
        let pattern = pattern.as_str().trim_matches('"');
        if pattern.is_empty() {
            return self.blocks.find(Finding::error(&text.place(0), "include needs the name of a file"));
        }
        if self.open.len() >= DEEPEST {
            let message = format_args!("files include each other {DEEPEST} deep");
            return self.blocks.find(Finding::error(&place, message));
        }
        let directory = directory_of(&self.open);
        let found = source::find(&*self.environment.files, &directory, pattern);
        let alternatives = found.len() > 1;
        for source::Matches { pattern, wild, paths } in found {
            if paths.is_empty() {
                let demanded = if wild { checks.wild } else { checks.exact } || alternatives && checks.brace;
                let finding =
                    Finding::error(&place, format_args!("no file is named {}", directory.join(pattern).display()));
                self.blocks.find(if demanded {
                    finding.keepalived(Verdict::Ignores)
                } else if wild {
                    // An empty directory for what may come.
                    continue;
                } else {
                    Finding { level: super::tree::Level::Warning, keepalived: Verdict::Accepts, ..finding }
                });
            }
            for path in paths {
                if self.open.contains(&path) {
                    let message = format_args!("{} includes itself", path.display());
                    self.blocks.find(Finding::error(&place, message));
                    continue;
                }
                self.file(&path, &place, if checks.read { Verdict::Ignores } else { Verdict::Accepts });
            }
        }
    }
}

/// Returns the directory of the file that is being read.
fn directory_of(open: &[PathBuf]) -> PathBuf {
    open.last().and_then(|path| path.parent()).map(Path::to_owned).unwrap_or_default()
}
