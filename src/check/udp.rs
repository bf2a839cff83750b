//! Whether a UDP service answers, or at least does not refuse.
//!
//! Few services answer anything that they do not understand. So silence is a good answer unless a reply is required; what
//! fails such a check is an ICMP message that the port, the host or the network cannot be reached.

use tokio::time::{Instant, timeout_at};

use super::{
    answer::{EVIDENCE, Failure, FailureKind, Phase, Success, Verdict, spoken},
    connect,
    datagram::Datagrams,
    probe::Phases,
    settings::{Probe, Udp},
};

/// What is sent if nothing is set.
const PAYLOAD: &[u8] = b"lvsadm check";

/// Sends a datagram and listens for what comes back.
pub(super) async fn ask(udp: &Udp, probe: &Probe, clock: &mut Phases) -> Verdict {
    match exchange(udp, probe, clock).await {
        Ok(success) => Verdict::Good(success),
        Err(verdict) => verdict,
    }
}

async fn exchange(udp: &Udp, probe: &Probe, clock: &mut Phases) -> Result<Success, Verdict> {
    let server = Datagrams::begin(probe, clock).await?;
    server.send(udp.payload.as_deref().unwrap_or(PAYLOAD), clock).await?;
    clock.awaits("the reply");
    let begin = Instant::now();
    let until = connect::limit(&probe.connection, begin, clock.until());
    let mut buffer = vec![0; udp.expected.len().max(EVIDENCE)];
    let Ok(reply) = timeout_at(until, server.receive(&mut buffer, clock)).await else {
        let waited = spoken(until - begin);
        if udp.reply_required {
            let reason = format!("the reply from {} did not come within {waited}", probe.target);
            return Err(Verdict::Bad(Failure::new(FailureKind::Timeout, &reason, &[])));
        }
        return Ok(Success { summary: format!("not refused within {waited}"), ..Success::default() });
    };
    let (bytes, length) = reply?;
    clock.heard(bytes);
    clock.reached(Phase::Complete);
    match wrong(udp, bytes, length) {
        None => Ok(Success { summary: format!("a reply of {length} bytes"), ..Success::default() }),
        Some((kind, what)) => {
            let reason = format!("the reply of {} {what}", probe.target);
            Err(Verdict::Bad(Failure::new(kind, &reason, bytes)))
        }
    }
}

/// Says what is wrong with a reply of this length, of which these bytes are known.
fn wrong(udp: &Udp, bytes: &[u8], length: usize) -> Option<(FailureKind, String)> {
    let (least, most) = (usize::from(udp.least), usize::from(udp.most));
    if length < least {
        return Some((FailureKind::Protocol, format!("has {length} bytes, fewer than {least}")));
    }
    if most > 0 && length > most {
        return Some((FailureKind::Protocol, format!("has {length} bytes, more than {most}")));
    }
    if length < udp.expected.len() {
        return Some((FailureKind::Pattern, format!("has {length} bytes, {} are expected", udp.expected.len())));
    }
    let differs = |((value, mask), byte): (&(u8, u8), &u8)| (value ^ byte) & mask != 0;
    let at = udp.expected.iter().zip(bytes).position(differs)?;
    let ((value, mask), byte) = udp.expected.get(at).zip(bytes.get(at))?;
    let mask = if *mask == 0xff { String::new() } else { format!(" under the mask {mask:02x}") };
    Some((FailureKind::Pattern, format!("has {byte:02x} at byte {at} where {value:02x} was expected{mask}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_compared_under_masks() {
        let udp = |expected: &[(u8, u8)], least, most| Udp {
            expected: expected.to_vec(),
            least,
            most,
            reply_required: true,
            payload: None,
        };
        let says = |udp: &Udp, bytes: &[u8]| wrong(udp, bytes, bytes.len()).map(|(_, what)| what).unwrap_or_default();
        let masked = udp(&[(0x12, 0xff), (0x30, 0xf0)], 0, 0);
        assert_eq!(says(&masked, b"\x12\x3f and more"), "");
        assert_eq!(says(&masked, b"\x13\x30"), "has 13 at byte 0 where 12 was expected");
        assert_eq!(says(&masked, b"\x12\x40"), "has 40 at byte 1 where 30 was expected under the mask f0");
        assert_eq!(says(&masked, b"\x12"), "has 1 bytes, 2 are expected");
        assert_eq!(says(&udp(&[], 0, 0), &[0; 300]), "");
        assert_eq!(says(&udp(&[], 2, 255), b"a"), "has 1 bytes, fewer than 2");
        assert_eq!(says(&udp(&[], 2, 3), b"abcd"), "has 4 bytes, more than 3");
    }
}
