//! FIFOs of `global_defs`, each with its reader, in whatever order the lines are.

use super::reading::Reader;
use crate::{
    config::tree::{Statement, Verdict},
    vrrp::settings::Fifo,
};

/// The three that there can be.
#[derive(Clone, Debug, Default)]
pub(super) struct Fifos {
    /// `notify_fifo`: told of everything.
    all: Option<Fifo>,
    /// `vrrp_notify_fifo`: of virtual routers.
    vrrp: Option<Fifo>,
    /// `lvs_notify_fifo`: of servers and services.
    lvs: Option<Fifo>,
}

impl Fifos {
    /// Returns the one that a keyword is about.
    pub(super) fn of(&mut self, keyword: &str) -> &mut Option<Fifo> {
        match keyword.split('_').next() {
            Some("vrrp") => &mut self.vrrp,
            Some("lvs") => &mut self.lvs,
            _ => &mut self.all,
        }
    }

    /// Takes a keyword with the command that reads a FIFO.
    pub(super) fn read_by(&mut self, statement: &Statement, r: &mut Reader) {
        let keyword = &*statement.keyword.text;
        let reader = r.command(statement);
        if let Some(fifo) = self.of(keyword) {
            fifo.reader = reader;
            return;
        }
        let message = format!("{keyword} has no FIFO to read");
        r.error(&statement.keyword.place, Verdict::Ignores, message).hint =
            Some(format!("{} PATH stands above it", keyword.trim_end_matches("_script")));
    }

    /// Whether there is one for servers and services.
    pub(super) fn are_told_of_servers(&self) -> bool {
        self.all.is_some() || self.lvs.is_some()
    }

    /// Returns those of the VRRP process and those of the agent. What is told by both has its reader in the agent, which is
    /// always there.
    pub(super) fn told(self) -> (Vec<Fifo>, Vec<Fifo>) {
        let Self { all, vrrp, lvs } = self;
        let unread = all.clone().map(|fifo| Fifo { reader: None, ..fifo });
        let both = |own: Option<Fifo>, all: Option<Fifo>| {
            let path = own.as_ref().map(|fifo| fifo.path.clone());
            own.into_iter().chain(all.filter(|all| Some(&all.path) != path.as_ref())).collect()
        };
        (both(vrrp, unread), both(lvs, all))
    }
}
