//! Repeats a listing until somebody interrupts it.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use super::{Error, Ui};

/// Draws every `interval` until SIGINT: on a terminal over what was there, else one below the other.
///
/// # Errors
/// Drawing failed.
pub fn watch(interval: Duration, ui: &mut Ui, mut draw: impl FnMut(&mut Ui) -> Result<(), Error>) -> Result<u8, Error> {
    let (stop, stopped) = mpsc::channel();
    // A second interrupt while the first ends the loop changes nothing.
    ctrlc::set_handler(move || stop.send(()).unwrap_or(()))
        .map_err(|error| Error::failed(format_args!("cannot take the interrupt signal: {error}")))?;
    loop {
        ui.start_page();
        draw(ui)?;
        ui.end_page()?;
        match stopped.recv_timeout(interval) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(0),
        }
    }
}
