//! Clients that ask through a virtual address without a pause, and what they got.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::hosts::Host;

/// A client that has no answer by then has lost its request. TCP asks again after 1, 3 and 7 seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// What clients got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    /// Requests that were answered by a web server.
    pub(crate) served: u64,
    /// When others were over, counted from the start, and what came instead.
    pub(crate) lost: Vec<(Duration, String)>,
}

/// Clients at work, until this is dropped.
pub(crate) struct Traffic {
    over: Arc<AtomicBool>,
    count: Arc<Mutex<Count>>,
    clients: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Starts so many clients on a host.
    pub(crate) fn start(host: &Host, address: IpAddr, clients: u64) -> Self {
        let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Count::default())));
        let begun = Instant::now();
        let client = |_| {
            let (host, over, count) = (host.clone(), Arc::clone(&over), Arc::clone(&count));
            thread::spawn(move || {
                host.inside(|| {
                    while !over.load(Ordering::Relaxed) {
                        let answer = request(SocketAddr::new(address, 80));
                        let mut count = count.lock().expect("no panic");
                        match answer {
                            Ok(()) => count.served += 1,
                            Err(error) => count.lost.push((begun.elapsed(), error.to_string())),
                        }
                        drop(count);
                        thread::sleep(Duration::from_millis(20));
                    }
                });
            })
        };
        let clients = (0..clients).map(client).collect();
        Self { over, count, clients }
    }

    /// Returns what was counted since the last time.
    pub(crate) fn take(&self) -> Count {
        std::mem::take(&mut *self.count.lock().expect("no panic"))
    }

    /// Ends it, and returns what was counted since the last time.
    pub(crate) fn stop(mut self) -> Count {
        self.end();
        self.take()
    }

    fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.clients.drain(..).for_each(|client| drop(client.join()));
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.end();
    }
}

/// Asks once, over a connection of its own.
fn request(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let page = answer.trim_end().rsplit('\n').next().unwrap_or_default();
    if answer.contains(" 200 ") && page.starts_with("rs") {
        Ok(())
    } else {
        Err(io::Error::other(format!("this is no answer: {answer:?}")))
    }
}
