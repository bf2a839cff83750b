//! `lvsadm config convert`: a keepalived.conf as a save file.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{Error, Ui, source::reason},
    config::convert::save_file,
    state::store,
};

/// Print a keepalived.conf as a save file that does the same
///
/// Comments keep the file's own names, and say what is not converted. Passwords of the file are in it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm config convert > lvsadm.conf
      What /etc/keepalived/keepalived.conf says, as commands.
  lvsadm config convert keepalived.conf --output /etc/sysconfig/lvsadm; lvsadm agent run
      From then on, changes are commands.")]
pub(super) struct ConvertArgs {
    /// The keepalived.conf [default: /etc/keepalived/keepalived.conf]
    file: Option<PathBuf>,
    /// Write this file, whole and readable for its owner only, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ConvertArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let (file, loaded) = super::load(self.file, ui)?;
        let text = save_file(&file, &loaded);
        match &self.output {
            None => ui.print(text)?,
            Some(output) => store::replace_private(output, text.as_bytes()).map_err(|error| {
                let hint = "the old file, if there was one, is unchanged";
                Error::failed(format_args!("cannot write {}: {}", output.display(), reason(&error))).hint(hint)
            })?,
        }
        Ok(0)
    }
}
