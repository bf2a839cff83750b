//! `lvsadm save`: the kernel's table as a save file that loses nothing.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Error, Ui, json, save_all,
    source::{SYSTEM_FILE, operator_table, reason},
    vrrp::Target,
};
use crate::{
    ipvs::plan::{Extra, plan},
    model::Table,
    state::{print, store},
};

/// Write the table as a save file that loses nothing
///
/// Services, servers with thresholds, timeouts and sync daemons. With an agent that holds the table, what people asked for
/// is saved: a server that is down or drains is saved as it is meant to be. The file is replaced at once and whole: a full disk or
/// a kill leaves the old one. `lvsadm restore`, `ipvsadm-restore` and `ipvsadm -R` read it.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  lvsadm save                          print the table
  lvsadm save /root/before-change      keep it before a change
  lvsadm save --system                 write /etc/sysconfig/ipvsadm, which is restored at boot
  lvsadm save --all                    keep what the agent runs for its next start
  lvsadm save --all -                  show it")]
pub struct SaveArgs {
    /// File to write; its mode and owner are kept (default: standard output)
    file: Option<PathBuf>,
    /// Write the system's save file, /etc/sysconfig/ipvsadm
    #[arg(long, conflicts_with = "file")]
    system: bool,
    /// Save the kernel's table itself, whatever a running agent was asked for
    #[arg(long)]
    kernel: bool,
    /// Print the table as JSON
    #[arg(long, conflicts_with_all = ["file", "system"])]
    json: bool,
    /// Write everything: virtual routers, checks and the table, as the agent runs them; to its save file if none is named
    #[arg(long, conflicts_with_all = ["system", "kernel", "json"])]
    all: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the verb.
///
/// # Errors
/// The table cannot be read, or the file not be written.
pub fn run(args: SaveArgs, ui: &mut Ui) -> Result<u8, Error> {
    if args.all {
        return save_all::run(&args.target, args.file.as_deref(), ui);
    }
    let (mut table, _) = operator_table(args.kernel)?;
    table.services.sort_unstable_keys();
    for entry in table.services.values_mut() {
        entry.servers.sort_unstable_keys();
    }
    // A table is the changes that make it from nothing: settings first, then each service with its servers.
    let nothing = Table::default();
    let changes = plan(&nothing, &table, Extra::Keep);
    if args.json {
        ui.json(&json::Changes::new(changes))?;
        return Ok(0);
    }
    let text: String = changes.map(|change| print::change_line(&change) + "\n").collect();
    let file = if args.system { Some(Path::new(SYSTEM_FILE)) } else { args.file.as_deref() };
    match file {
        None => ui.print(text)?,
        Some(file) if file.as_os_str() == "-" => ui.print(text)?,
        Some(file) => store::replace(file, text.as_bytes()).map_err(|error| {
            let hint = "the old file, if there was one, is unchanged";
            Error::failed(format_args!("cannot write {}: {}", file.display(), reason(&error))).hint(hint)
        })?,
    }
    Ok(0)
}
