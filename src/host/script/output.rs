//! What a command writes: the first bytes are kept, the rest is read so that the command never waits for us.

use std::{future, io, os::fd::OwnedFd, sync::Arc};

use tokio::{io::sink, net::unix::pipe::Receiver, sync::Semaphore};

use super::OUTPUT_KEPT;

/// How much is read at once, in bytes.
const PIECE: usize = 4096;

/// How often a piece is read after the command's end: what a pipe holds (64 KiB), and no more, because somebody else may go
/// on writing.
const LAST_PIECES: usize = 16;

/// The reading end of a command's standard output and standard error.
pub(super) struct Output {
    pipe: Option<Receiver>,
    kept: Vec<u8>,
}

impl Output {
    /// Makes a pipe; the second value is the end that the command gets.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let (reader, writer) = io::pipe()?;
        let pipe = Receiver::from_owned_fd(reader.into())?;
        Ok((Self { pipe: Some(pipe), kept: Vec::new() }, writer.into()))
    }

    /// Waits for output, and reads what is there; after the end of the output, waits for ever.
    pub(super) async fn read_more(&mut self) {
        match &self.pipe {
            Some(pipe) if pipe.readable().await.is_ok() => {
                self.read_piece();
            }
            _ => future::pending().await,
        }
    }

    /// Returns what was kept, when the command has ended. If something that it left in the background still holds the pipe,
    /// its output is read on, so that it does not die of writing; but not for more than `lingering` has permits.
    pub(super) fn finish(mut self, lingering: &Arc<Semaphore>) -> Vec<u8> {
        for _ in 0..LAST_PIECES {
            if !self.read_piece() {
                break;
            }
        }
        if let (Some(mut pipe), Ok(permit)) = (self.pipe, Arc::clone(lingering).try_acquire_owned()) {
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut pipe, &mut sink()).await;
                drop(permit);
            });
        }
        self.kept
    }

    /// Reads one piece if there is one; whether it may be worth to read on.
    fn read_piece(&mut self) -> bool {
        let Some(pipe) = &self.pipe else {
            return false;
        };
        let mut piece = [0; PIECE];
        match pipe.try_read(&mut piece) {
            Ok(0) => self.pipe = None,
            Ok(length) => {
                let room = OUTPUT_KEPT.saturating_sub(self.kept.len()).min(length);
                self.kept.extend_from_slice(piece.get(..room).unwrap_or_default());
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.pipe = None,
        }
        false
    }
}
