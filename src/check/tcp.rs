//! Whether a server takes a TCP connection.

use std::time::Duration;

use super::{
    answer::{Phase, Success, Verdict, spoken},
    connect,
    probe::Phases,
    settings::Probe,
};

/// Connects, and ends the connection at once by a reset: a closed connection would keep its port for a minute.
pub(super) async fn ask(probe: &Probe, clock: &mut Phases) -> Verdict {
    match connect::tcp(probe.target, &probe.connection, clock.until()).await {
        Ok(stream) => {
            clock.reached(Phase::Connect);
            // If it cannot be reset, it is closed; the server has answered all the same.
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            let summary = format!("connected in {}", spoken(clock.elapsed()));
            Verdict::Good(Success { summary, ..Success::default() })
        }
        Err(fault) => fault.into(),
    }
}
