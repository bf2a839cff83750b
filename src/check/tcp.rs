//! Whether a server takes a TCP connection.

use super::{
    answer::{Phase, Success, Verdict, spoken},
    probe::{Context, Phases},
    settings::Probe,
};

/// Connects, and ends the connection at once by a reset: a connection that is closed keeps its port for a minute.
pub(super) async fn ask(probe: &Probe, context: &Context, clock: &mut Phases) -> Verdict {
    match context.dialer.dial(probe.target, &probe.connection, clock.begin(), clock.until()).await {
        Ok(()) => {
            clock.reached(Phase::Connect);
            let summary = format!("connected in {}", spoken(clock.elapsed()));
            Verdict::Good(Success { summary, ..Success::default() })
        }
        Err(fault) => fault.into(),
    }
}
