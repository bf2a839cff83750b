//! Definitions (`$NAME=value`), what stands for them (`$NAME`, `${NAME}`), and lines that repeat (`~SEQ`, `~LST`).
//!
//! Values are put in where they are used, not where they are defined: what a value itself names may come later.

use std::{collections::HashMap, rc::Rc};

use super::text::Text;

/// How often values are put into one line, and how long it may become: beyond that they stand for themselves.
const MOST_REPLACEMENTS: usize = 1000;
const LONGEST: usize = 64 << 10;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Definition {
    /// Part of a line.
    Value(Rc<str>),
    /// Several lines.
    Lines(Rc<Vec<Text<'static>>>),
}

/// What was defined so far.
#[derive(Debug, Default)]
pub(super) struct Definitions(HashMap<String, Definition>);

impl Definitions {
    pub(super) fn define(&mut self, name: &str, definition: Definition) -> Option<Definition> {
        self.0.insert(name.to_owned(), definition)
    }

    /// Makes a name mean what it meant before.
    pub(super) fn restore(&mut self, name: &str, before: Option<Definition>) {
        match before {
            Some(definition) => drop(self.0.insert(name.to_owned(), definition)),
            None => drop(self.0.remove(name)),
        }
    }

    /// Puts values in place of their names. `predefined` knows the names that need no definition: it is given the name and the
    /// words behind it.
    pub(super) fn put_in<'a>(
        &self,
        mut text: Text<'a>,
        mut predefined: impl FnMut(&str, &str) -> Option<String>,
    ) -> PutIn<'a> {
        let mut at = 0;
        let mut replacements = 0;
        let mut undefined = Vec::new();
        while let Some(found) = text.as_str().get(at..).and_then(|rest| rest.find('$')) {
            let start = at + found;
            let rest = text.as_str().get(start..).unwrap_or_default();
            let Some(Reference { name, arguments, length }) = reference(rest) else {
                at = start + 1;
                continue;
            };
            let end = start + length;
            let value = match self.0.get(name) {
                Some(Definition::Value(value)) => Some(Rc::clone(value)),
                Some(Definition::Lines(lines)) => {
                    let behind = text.as_str().get(end..).unwrap_or_default().trim();
                    if !behind.is_empty() {
                        return PutIn::Fault(
                            start,
                            format!("${name} stands for several lines; nothing may stand behind it"),
                        );
                    }
                    let lines = Rc::clone(lines);
                    return PutIn::Lines(text.cut(0, start), lines);
                }
                None => predefined(name, arguments).map(Rc::from),
            };
            let Some(value) = value else {
                undefined.push((start, name.to_owned()));
                at = end;
                continue;
            };
            replacements += 1;
            if replacements > MOST_REPLACEMENTS || text.as_str().len() + value.len() > LONGEST {
                return PutIn::Fault(start, format!("${name} stands for itself, or for too much"));
            }
            text.replace(start, end, &value);
            at = start;
        }
        PutIn::Line { text, changed: replacements > 0, undefined }
    }
}

/// A line with its values.
#[derive(Debug)]
pub(super) enum PutIn<'a> {
    /// One line.
    Line {
        /// It.
        text: Text<'a>,
        /// Whether anything was put in.
        changed: bool,
        /// Names that mean nothing, and at which byte.
        undefined: Vec<(usize, String)>,
    },
    /// What is before the name, and the lines it stands for.
    Lines(Text<'a>, Rc<Vec<Text<'static>>>),
    /// It cannot be done: at which byte, and why.
    Fault(usize, String),
}

/// A name that may stand for something.
struct Reference<'a> {
    name: &'a str,
    /// What is behind it in its braces.
    arguments: &'a str,
    /// All of it, in bytes.
    length: usize,
}

/// Reads `$NAME` or `${NAME words}` at the beginning.
fn reference(text: &str) -> Option<Reference<'_>> {
    let behind = text.strip_prefix('$')?;
    if let Some(inside) = behind.strip_prefix('{') {
        let end = inside.find('}')?;
        let inside = &inside[..end];
        let name = name_at(inside)?;
        let arguments = inside[name.len()..].trim();
        let separated = inside.len() == name.len() || inside[name.len()..].starts_with([' ', '\t']);
        return separated.then_some(Reference { name, arguments, length: end + 3 });
    }
    let name = name_at(behind)?;
    let next = behind[name.len()..].chars().next();
    next.is_none_or(|c| c.is_whitespace() || c == ',' || c == ')').then_some(Reference {
        name,
        arguments: "",
        length: name.len() + 1,
    })
}

/// Returns the name at the beginning.
fn name_at(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let name = &text[..end];
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

/// Reads `$NAME=value`: the name, and at which byte the value begins.
pub(super) fn definition(text: &str) -> Option<(&str, usize)> {
    let name = name_at(text.strip_prefix('$')?)?;
    let value = text[name.len() + 1..].strip_prefix('=')?;
    Some((name, text.len() - value.trim_start().len()))
}

/// A line that is written several times.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loop {
    /// The names that change.
    pub(super) names: Vec<String>,
    /// What they are in turn.
    pub(super) values: Values,
    /// At which byte the line that is repeated begins.
    pub(super) rest: usize,
}

/// What the names of a loop are in turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Numbers.
    Sequence { start: i64, step: i64, end: i64, hexadecimal: bool },
    /// As many words each time as there are names.
    List(Vec<Vec<String>>),
}

impl Values {
    /// Returns what the names are the `turn`th time, from 0.
    pub(super) fn at(&self, turn: usize) -> Option<Vec<String>> {
        match self {
            Self::List(rows) => rows.get(turn).cloned(),
            Self::Sequence { start, step, end, hexadecimal } => {
                let value = i64::try_from(turn).ok()?.checked_mul(*step)?.checked_add(*start)?;
                let inside = if *step > 0 { value <= *end } else { value >= *end };
                inside.then(|| vec![if *hexadecimal { format!("{value:x}") } else { value.to_string() }])
            }
        }
    }
}

/// Returns at which byte the parameters of `~SEQ(`, `~SEQx(` or `~LST(` end, if the line begins so.
pub(super) fn loop_parameters(text: &str) -> Option<usize> {
    let begins = |name: &&str| text.starts_with(*name);
    let is_loop = text.starts_with('~') && ["~SEQ(", "~SEQx(", "~LST("].iter().any(begins);
    is_loop.then(|| text.find(')').unwrap_or(text.len()))
}

/// Reads the parameters of a loop, in which values are put in.
pub(super) fn repeated(text: &str) -> Result<Loop, String> {
    let (kind, behind) = text.split_once('(').unwrap_or((text, ""));
    let Some((parameters, rest)) = behind.split_once(')') else { return Err(format!("{kind}( is never closed")) };
    let rest = text.len() - rest.trim_start().len();
    let parameters = parameters_of(parameters);
    let Some((names, values)) = parameters.split_first() else { return Err(format!("{kind}() needs a name")) };
    if let Some(name) = names.iter().find(|name| name_at(name) != Some(name.as_str())) {
        return Err(format!("{kind}: {name:?} is no name"));
    }
    let names = names.clone();
    let values = if kind == "~LST" { list(&names, values)? } else { sequence(kind, &names, values)? };
    Ok(Loop { names, values, rest })
}

/// Splits at commas; what is in braces is one parameter of several words.
fn parameters_of(text: &str) -> Vec<Vec<String>> {
    let words = |text: &str| text.split(',').map(|word| word.trim().to_owned()).collect();
    let mut parameters = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (own, behind) = match rest.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            Some((inside, behind)) => (words(inside), behind.trim_start()),
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (vec![rest[..end].trim().to_owned()], &rest[end..])
            }
        };
        parameters.push(own);
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
    }
    parameters
}

fn list(names: &[String], rows: &[Vec<String>]) -> Result<Values, String> {
    if rows.is_empty() {
        return Err("~LST needs values behind its name".to_owned());
    }
    if let Some(long) = rows.iter().find(|row| row.len() > names.len()) {
        return Err(format!("~LST: {} values for {} names: {}", long.len(), names.len(), long.join(",")));
    }
    let filled = |row: &Vec<String>| {
        let mut row = row.clone();
        row.resize(names.len(), String::new());
        row
    };
    Ok(Values::List(rows.iter().map(filled).collect()))
}

fn sequence(kind: &str, names: &[String], parameters: &[Vec<String>]) -> Result<Values, String> {
    if names.len() != 1 {
        return Err(format!("{kind} takes one name"));
    }
    let mut numbers = Vec::new();
    for parameter in parameters.iter().flatten() {
        numbers.push(number(parameter).ok_or_else(|| format!("{kind}: {parameter:?} is no number"))?);
    }
    let (start, step, end) = match *numbers {
        [end] => (if end > 0 { 1 } else { -1 }, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return Err(format!("{kind} takes a name and start, step, end")),
    };
    let step = step.unwrap_or(if start <= end { 1 } else { -1 });
    if step == 0 || (step > 0) != (start <= end) && start != end {
        return Err(format!("{kind}: a step of {step} does not lead from {start} to {end}"));
    }
    let hexadecimal = kind == "~SEQx";
    if hexadecimal && (start < 0 || end < 0) {
        return Err(format!("{kind}: numbers must not be negative"));
    }
    Ok(Values::Sequence { start, step, end, hexadecimal })
}

/// Reads a number as C does: `0x1f`, `017`, `15`.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let value = match (hexadecimal, digits.strip_prefix('0')) {
        (Some(hexadecimal), _) => i64::from_str_radix(hexadecimal, 16),
        (None, Some(octal)) if !octal.is_empty() => i64::from_str_radix(octal, 8),
        _ => digits.parse(),
    };
    let value = value.ok().filter(|_| !digits.starts_with(['-', '+']))?;
    Some(if negative { -value } else { value })
}
