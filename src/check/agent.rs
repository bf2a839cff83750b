//! What an agent on the server says about it, in the text protocol of HAProxy's agent-check.
//!
//! The agent takes a connection (and a text, if one is set), says one line of words and ends the connection:
//!
//! | word | means |
//! |---|---|
//! | `up`, `ready` | the server works |
//! | `75%` | it works, with this part of its weight |
//! | `drain` | it works, with weight 0: it keeps the clients that it has |
//! | `maint` | it is being worked on: failed |
//! | `down`, `failed`, `stopped` | failed; words behind `#` say why |
//! | `maxconn:30` | nothing here: thresholds of a server are the operator's |
//!
//! Words are parted by spaces, tabs and commas; the worst one counts. Other than in HAProxy, each line stands for itself: who
//! does not say `drain` again is not drained any more. And an agent that cannot be reached is a failed check.

use super::{
    answer::{Failure, FailureKind, Phase, Success, Verdict, WeightChange, quoted},
    lines::Conversation,
    probe::Phases,
    settings::Probe,
};

/// Longest line of an agent.
pub const LONGEST: usize = 1024;

/// What a line of an agent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The server works, and what that means for its weight.
    Works(Option<WeightChange>),
    /// The failure, as far as it is described.
    Failed(String),
    /// Nothing that is known.
    Nonsense,
}

/// Asks the agent.
pub(super) async fn ask(send: &str, probe: &Probe, clock: &mut Phases) -> Verdict {
    let line = match converse(send, probe, clock).await {
        Ok(line) => line,
        Err(verdict) => return verdict,
    };
    clock.reached(Phase::Complete);
    let (target, words) = (probe.target, quoted(&line));
    let (kind, reason) = match read(&line) {
        Said::Works(weight) => {
            return Verdict::Good(Success { weight, summary: words, ..Success::default() });
        }
        Said::Failed(why) => (FailureKind::Reported, format!("the agent {target} says {why}")),
        Said::Nonsense if line.is_empty() => {
            (FailureKind::Closed, format!("the agent {target} ended the connection and said nothing"))
        }
        Said::Nonsense => {
            (FailureKind::Protocol, format!("the agent {target} said {words}, which has no word of an agent"))
        }
    };
    Verdict::Bad(Failure::new(kind, &reason, &line))
}

async fn converse(send: &str, probe: &Probe, clock: &mut Phases) -> Result<Vec<u8>, Verdict> {
    let mut agent = Conversation::begin(probe, LONGEST, clock).await?;
    clock.awaits("the agent's line");
    if !send.is_empty() {
        agent.say(send, clock).await?;
    }
    match agent.line(clock).await? {
        Some(line) => Ok(line),
        None => Ok(agent.rest()),
    }
}

/// Reads the words of a line.
pub fn read(line: &[u8]) -> Said {
    let line = String::from_utf8_lossy(line);
    // A line may end in CR alone, too.
    let line = line.split('\r').next().unwrap_or_default();
    let (words, why) = line.split_once('#').map_or((line, ""), |(words, why)| (words, why.trim()));
    let (mut works, mut failed) = (None, None);
    for word in words.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "up" | "ready" => works = works.or(Some(None)),
            "drain" => works = Some(Some(WeightChange::Exactly(0))),
            "down" | "failed" | "stopped" | "maint" => failed = Some(lower),
            _ => match lower.strip_suffix('%').map(str::parse) {
                Some(Ok(percent)) => {
                    let drained = works == Some(Some(WeightChange::Exactly(0)));
                    works = if drained { works } else { Some(Some(WeightChange::Percent(percent))) };
                }
                // A percentage that is none must not pass for "no change".
                Some(Err(_)) => return Said::Nonsense,
                None => {}
            },
        }
    }
    match (failed, works) {
        (Some(word), _) if why.is_empty() => Said::Failed(word),
        (Some(word), _) => Said::Failed(format!("{word}: {why}")),
        (None, Some(weight)) => Said::Works(weight),
        (None, None) => Said::Nonsense,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_agents() {
        let works = |weight| Said::Works(weight);
        let failed = |why: &str| Said::Failed(why.to_owned());
        for (line, said) in [
            ("up", works(None)),
            ("ready up", works(None)),
            ("75%", works(Some(WeightChange::Percent(75)))),
            ("up 0%", works(Some(WeightChange::Percent(0)))),
            ("ready,up\t150%", works(Some(WeightChange::Percent(150)))),
            ("maxconn:30 up", works(None)),
            ("drain", works(Some(WeightChange::Exactly(0)))),
            ("drain 50%", works(Some(WeightChange::Exactly(0)))),
            ("50% drain", works(Some(WeightChange::Exactly(0)))),
            ("DOWN", failed("down")),
            ("up down", failed("down")),
            ("down up", failed("down")),
            ("maint", failed("maint")),
            ("failed # disk is full ", failed("failed: disk is full")),
            ("stopped#up", failed("stopped: up")),
            ("up\rdown", works(None)),
            ("", Said::Nonsense),
            ("# nothing", Said::Nonsense),
            ("hello", Said::Nonsense),
            ("maxconn:30", Said::Nonsense),
            ("x%", Said::Nonsense),
            ("up -5%", Said::Nonsense),
            ("99999999999%", Said::Nonsense),
        ] {
            assert_eq!(read(line.as_bytes()), said, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(line in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&line);
        }

        /// Nobody is taken for working who says that he is not.
        #[test]
        fn the_worst_word_counts(words in prop::collection::vec(prop::sample::select(vec!["up", "ready", "5%", "drain", "down", "maint"]), 1..6)) {
            let said = read(words.join(" ").as_bytes());
            let failed = words.iter().any(|word| ["down", "maint"].contains(word));
            prop_assert_eq!(matches!(said, Said::Failed(_)), failed);
            if !failed && words.contains(&"drain") {
                prop_assert_eq!(said, Said::Works(Some(WeightChange::Exactly(0))));
            }
        }
    }
}
