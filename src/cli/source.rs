//! Where a table comes from: a save file, standard input, or the kernel.

use std::{
    fmt, fs,
    io::{self, IsTerminal, Read},
    path::PathBuf,
};

use super::{Complaint, Error, Ui, holder::Holder};
use crate::{
    ipvs::Client,
    model::Table,
    state::{
        file::{self, Fault, SaveFile},
        names::Resolver,
    },
};

/// The table's save file of the system, which units and distributions agree on.
pub const SYSTEM_FILE: &str = "/etc/sysconfig/ipvsadm";

/// A save file larger than this is none: a million lines have a tenth of it.
const MOST_BYTES: u64 = 1 << 30;

/// A file to read a table from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input (`-`).
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// Returns what an operand names: `-` is standard input.
    pub fn new(operand: PathBuf) -> Self {
        if operand.as_os_str() == "-" { Self::Stdin } else { Self::File(operand) }
    }

    /// Reads and checks the whole of it. Warnings are said; faults are returned with their place in front.
    ///
    /// # Errors
    /// It cannot be read, or lines of it are wrong: one complaint for each.
    pub fn load(&self, ui: &mut Ui) -> Result<SaveFile, Error> {
        self.check(&self.read()?, ui)
    }

    /// Checks the whole of what was read. Warnings are said; faults are returned with their place in front.
    ///
    /// # Errors
    /// Lines of it are wrong: one complaint for each.
    pub fn check(&self, content: &[u8], ui: &mut Ui) -> Result<SaveFile, Error> {
        match file::parse(content, &Resolver::new()) {
            Ok(file) => {
                for warning in &file.warnings {
                    ui.warn(self.complaint(warning).text);
                }
                if file.agent_lines > 0 {
                    let count = file.agent_lines;
                    ui.note(format_args!("{self}: {count} lines (vrrp, check, set) are the agent's and left to it"));
                }
                Ok(file)
            }
            Err(faults) => Err(Error::all_failed(faults.iter().map(|fault| self.complaint(fault)).collect())),
        }
    }

    fn complaint(&self, fault: &Fault) -> Complaint {
        let complaint = Complaint::new(format_args!("{self}:{}:{}: {}", fault.line, fault.column, fault.message));
        match &fault.hint {
            Some(hint) => complaint.hint(hint),
            None => complaint,
        }
    }

    /// Reads the whole of it.
    ///
    /// # Errors
    /// It cannot be read, or is too large for a save file.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        let read = match self {
            Self::Stdin if io::stdin().is_terminal() => {
                let what = "no save file: standard input is a terminal";
                return Err(Error::usage(vec![
                    Complaint::new(what).hint(format_args!("name a file, or --system for {SYSTEM_FILE}")),
                ]));
            }
            Self::Stdin => io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut content),
            Self::File(path) => fs::File::open(path).and_then(|file| {
                let expected = file.metadata()?.len().min(MOST_BYTES);
                content.reserve_exact(usize::try_from(expected).unwrap_or_default() + 1);
                file.take(MOST_BYTES + 1).read_to_end(&mut content)
            }),
        };
        let read = read.map_err(|error| Error::failed(format_args!("cannot read {self}: {}", reason(&error))))?;
        if read as u64 > MOST_BYTES {
            return Err(Error::failed(format_args!("{self} is no save file: it has more than {MOST_BYTES} bytes")));
        }
        Ok(content)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Returns the reason of an IO error in words, without the number that the standard library adds.
pub fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |raw| nix::errno::Errno::from_raw(raw).desc().to_owned())
}

/// Returns everything that people asked for: services and servers from a process that holds them, if there is one and
/// `kernel` does not pass it by; all else from the kernel. Also says whether there is one.
///
/// # Errors
/// The kernel's table cannot be read, or the process does not answer.
pub fn operator_table(kernel: bool) -> Result<(Table, bool), Error> {
    let Some(holder) = Holder::for_reading().filter(|_| !kernel) else { return Ok((kernel_table()?, false)) };
    let (table, _) = holder.table(None)?;
    let mut client = Client::open()?;
    Ok((Table { timeouts: Some(client.timeouts()?), daemons: client.daemons()?, ..table }, true))
}

/// Returns everything that the kernel holds.
///
/// # Errors
/// The kernel's table cannot be read.
pub fn kernel_table() -> Result<Table, Error> {
    Ok(Client::open()?.table()?)
}
