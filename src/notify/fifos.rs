//! FIFOs as settings want them. All are told the same lines.

use std::time::Duration;

use super::fifo::{FifoFault, FifoWriter, find_owner};
use crate::{host::script::Runner, vrrp::settings::Fifo};

/// How long a FIFO that is no longer wanted is given to its reader.
const FAREWELL: Duration = Duration::from_secs(2);

/// The FIFOs of some settings, with their readers.
///
/// Needs tokio's current-thread runtime, whose thread lasts as long as the process. Nothing here blocks.
#[derive(Debug)]
pub struct Fifos {
    runner: Runner,
    open: Vec<(Fifo, FifoWriter)>,
}

impl Fifos {
    /// Begins without any. Readers run as `runner` says.
    pub fn new(runner: Runner) -> Self {
        Self { runner, open: Vec::new() }
    }

    /// Takes the first settings, or other ones. FIFOs that are wanted as before stay open, with their readers.
    ///
    /// # Errors
    /// All FIFOs that cannot be had, with the reason. Nothing has changed then, unless the kernel refuses another owner.
    pub fn configure(&mut self, wanted: &[Fifo]) -> Result<(), Vec<FifoFault>> {
        let (mut opened, mut faults) = (Vec::new(), Vec::new());
        for fifo in wanted {
            if self.open.iter().any(|(held, _)| held.path == fifo.path) {
                faults.extend(find_owner(&fifo.path, fifo.owner.as_ref()).err());
                continue;
            }
            match FifoWriter::open(&fifo.path, fifo.owner.as_ref(), fifo.reader.as_ref(), self.runner.clone()) {
                Ok(writer) => opened.push((fifo.clone(), writer)),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        for (held, mut writer) in std::mem::take(&mut self.open) {
            let Some(fifo) = wanted.iter().find(|fifo| fifo.path == held.path) else {
                tokio::spawn(writer.finish(FAREWELL));
                continue;
            };
            if held != *fifo
                && let Err(fault) = writer.change(fifo.owner.as_ref(), fifo.reader.as_ref())
            {
                // It goes on with those who had it.
                faults.push(fault);
                opened.push((held, writer));
                continue;
            }
            opened.push((fifo.clone(), writer));
        }
        self.open = opened;
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Writes a line to each, newline included. Never waits.
    pub fn write(&self, line: &str) {
        self.open.iter().for_each(|(_, writer)| writer.write(line));
    }

    /// Returns how many lines those that are open have lost, because nobody read them fast enough.
    pub fn lost(&self) -> u64 {
        self.open.iter().map(|(_, writer)| writer.lost()).sum()
    }

    /// Ends them all; see [`FifoWriter::finish`].
    pub async fn finish(self, limit: Duration) {
        let ends: Vec<_> = self.open.into_iter().map(|(_, writer)| tokio::spawn(writer.finish(limit))).collect();
        for end in ends {
            let _ = end.await;
        }
    }
}
