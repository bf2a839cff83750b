//! FIFOs in lines: `--fifo 'PATH [owner USER[:GROUP]] [reader COMMAND]'`, once for each.

use super::{
    option::Opt,
    reader::Reader,
    values::{self, Reading, Wrong, command_of, print_command, print_user, split},
};
use crate::{state::print::quoted, vrrp::settings::Fifo};

/// The option.
pub(in crate::state) const FIFO: Opt =
    Opt::many("fifo", "FIFO", path, "Named pipe for transitions: 'PATH [owner USER[:GROUP]] [reader COMMAND]'");

/// Two values with the same path are about the same FIFO.
fn path(word: &str) -> String {
    word.split_ascii_whitespace().next().unwrap_or_default().to_owned()
}

/// Reads the FIFOs of a line.
pub(in crate::state) fn read(r: &mut Reader<'_>) -> Vec<Fifo> {
    let fifos = r.values(FIFO.name, fifo);
    for (at, fifo) in fifos.iter().enumerate() {
        if fifos.iter().take(at).any(|earlier| earlier.path == fifo.path) {
            r.refuse(FIFO.name, Wrong::new(format_args!("{} is named twice", fifo.path.display())));
        }
    }
    fifos
}

fn fifo(text: &str) -> Reading<Fifo> {
    let mut words = split(text)?.into_iter();
    let path = values::path(&words.next().unwrap_or_default())?;
    let (mut owner, mut reader) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "owner" if owner.is_none() => owner = Some(values::user(&words.next().unwrap_or_default())?),
            // All that follows is the command.
            "reader" => reader = Some(command_of(words.by_ref())?),
            other => {
                return Err(Wrong::new(format_args!("the word {other} is not known here"))
                    .hint("PATH [owner USER[:GROUP]] [reader COMMAND ARGUMENTS]"));
            }
        }
    }
    Ok(Fifo { path, owner, reader })
}

/// Writes a FIFO as it is read.
pub(in crate::state) fn print(fifo: &Fifo) -> String {
    // Paths come from lines, which are text.
    let mut text = quoted(&fifo.path.to_string_lossy()).into_owned();
    if let Some(owner) = &fifo.owner {
        text.extend([" owner ", &quoted(&print_user(owner))]);
    }
    if let Some(reader) = &fifo.reader {
        text.extend([" reader ", &print_command(reader)]);
    }
    text
}
