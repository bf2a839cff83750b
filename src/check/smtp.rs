//! Whether a mail server greets: greeting, HELO, QUIT (RFC 5321, sections 3.1, 4.1.1.1, 4.1.1.10 and 4.2).

use super::{
    answer::{Failure, FailureKind, Phase, Success, Verdict, quoted},
    lines::Conversation,
    probe::Phases,
    settings::Probe,
};

/// Longest line of a reply (RFC 5321, section 4.5.3.1.5), its end not counted.
pub const LONGEST: usize = 510;

/// A reply of more lines is taken for nonsense.
const MOST_LINES: usize = 100;

/// Has the conversation of a mail server with a client that has nothing to send.
pub(super) async fn ask(helo: &str, probe: &Probe, clock: &mut Phases) -> Verdict {
    match converse(helo, probe, clock).await {
        Ok(success) => Verdict::Good(success),
        Err(verdict) => verdict,
    }
}

async fn converse(helo: &str, probe: &Probe, clock: &mut Phases) -> Result<Success, Verdict> {
    let mut server = Conversation::begin(probe, LONGEST, clock).await?;
    let greeting = expect(&mut server, 220, "the greeting", probe, clock).await?;
    server.say(&format!("HELO {helo}\r\n"), clock).await?;
    expect(&mut server, 250, "the answer to HELO", probe, clock).await?;
    server.say("QUIT\r\n", clock).await?;
    clock.awaits("the answer to QUIT");
    // Whatever it says, or that it hangs up: it works.
    server.line(clock).await?;
    clock.reached(Phase::Complete);
    Ok(Success { summary: quoted(&greeting), ..Success::default() })
}

/// Reads a reply that should have this code, and returns its first line.
async fn expect(
    server: &mut Conversation,
    code: u16,
    what: &'static str,
    probe: &Probe,
    clock: &mut Phases,
) -> Result<Vec<u8>, Verdict> {
    clock.awaits(what);
    let target = probe.target;
    let bad = |kind, reason: String, clock: &Phases| Verdict::Bad(Failure::new(kind, &reason, clock.said()));
    let mut first = None;
    for _ in 0..MOST_LINES {
        let Some(line) = server.line(clock).await? else {
            let reason = format!("{target} ended the connection after {}, before {what}", quoted(clock.said()));
            return Err(bad(FailureKind::Closed, reason, clock));
        };
        let (kind, last) = match reply(&line) {
            Some((said, last)) if said == code => (None, last),
            Some(_) => (Some(FailureKind::Status), true),
            None => (Some(FailureKind::Protocol), true),
        };
        if let Some(kind) = kind {
            let said = if line.is_empty() { "an empty line".to_owned() } else { quoted(&line) };
            let reason = format!("{target} said {said} where {code} was expected");
            return Err(bad(kind, reason, clock));
        }
        let first = first.get_or_insert(line);
        if last {
            return Ok(std::mem::take(first));
        }
    }
    let reason = format!("{target} said {} and {MOST_LINES} lines more", quoted(clock.said()));
    Err(bad(FailureKind::Protocol, reason, clock))
}

/// Reads a line of a reply: its code, and whether it is the last one (RFC 5321, section 4.2: `250-…` goes on, `250 …` and
/// `250` do not).
pub fn reply(line: &[u8]) -> Option<(u16, bool)> {
    let (code, rest) = line.split_at_checked(3)?;
    if !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest.first() {
        None | Some(b' ') => Some((code, true)),
        Some(b'-') => Some((code, false)),
        Some(_) => None,
    }
}
