use std::{net::Ipv4Addr, time::Duration};

use super::*;
use crate::bfd::settings::IDLE;

const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

fn at(ms: u64) -> Moment {
    Moment::from_start(Duration::from_millis(100_000 + ms))
}

fn session(change: impl FnOnce(&mut Settings)) -> Session {
    let mut settings = Settings::new("peer", NEIGHBOUR);
    change(&mut settings);
    Session::new(settings, 1, at(0), Rng::with_seed(7))
}

fn control(bytes: &[u8]) -> Control {
    Packet::decode(bytes).expect("a packet").control
}

/// What a neighbour with intervals of 20 ms and a multiplier of 3 says.
fn says(state: State) -> Control {
    Control { state, multiplier: 3, mine: 9, yours: 1, min_tx: 20_000, min_rx: 20_000, ..Control::default() }
}

fn hear(session: &mut Session, ms: u64, said: Control) -> (Vec<Control>, Option<State>) {
    let bytes = said.encode();
    let effects = session.handle(at(ms), &Packet::decode(&bytes).expect("a packet"), None).expect("it is taken");
    (effects.send.iter().map(|bytes| control(bytes)).collect(), effects.entered.map(|entered| entered.state))
}

fn up(session: &mut Session) {
    hear(session, 10, says(State::Init));
    assert_eq!(session.state(), State::Up);
    hear(session, 20, Control { answer: true, ..says(State::Up) });
}

#[test]
fn three_packets_bring_both_up() {
    let mut session = session(|_| ());
    assert_eq!(session.next_timeout(), Some(at(0)), "it begins at once");
    let first = control(&session.handle_timeout(at(0)).send[0]);
    assert_eq!((first.state, first.min_tx, first.min_rx, first.yours), (State::Down, 1_000_000, 10_000, 0));
    let (sent, entered) = hear(&mut session, 5, Control { yours: 0, ..says(State::Down) });
    assert_eq!(entered, Some(State::Init));
    assert_eq!((sent.len(), sent[0].state, sent[0].yours, sent[0].poll), (1, State::Init, 9, false));
    let (sent, entered) = hear(&mut session, 6, says(State::Up));
    assert_eq!(entered, Some(State::Up));
    // The new interval is announced with a poll sequence, which ends with its answer.
    assert_eq!((sent[0].state, sent[0].min_tx, sent[0].poll), (State::Up, 10_000, true));
    let due = session.next_timeout().expect("a packet");
    assert!(due <= at(26));
    assert!(control(&session.handle_timeout(due).send[0]).poll);
    hear(&mut session, 30, Control { answer: true, ..says(State::Up) });
    let due = session.next_timeout().expect("a packet");
    assert!(!control(&session.handle_timeout(due).send[0]).poll);
    assert_eq!(session.detection_time(), Duration::from_millis(60));
    assert_eq!(session.transmit_interval(), Duration::from_millis(20));
}

#[test]
fn the_state_machine_is_that_of_the_rfc() {
    use State::{AdminDown, Down, Init, Up};
    let cases = [
        (Down, [Down, Init, Up, Down]),
        (Init, [Init, Up, Up, Down]),
        (Up, [Down, Up, Up, Down]),
        (AdminDown, [AdminDown; 4]),
    ];
    for (before, after) in cases {
        for (heard, wanted) in [Down, Init, Up, AdminDown].into_iter().zip(after) {
            let mut session = session(|settings| settings.admin_down = before == AdminDown);
            match before {
                Init => drop(hear(&mut session, 1, says(Down))),
                Up => drop(hear(&mut session, 1, says(Init))),
                Down | AdminDown => {}
            }
            assert_eq!(session.state(), before);
            hear(&mut session, 2, says(heard));
            // Down hears Down: init.
            let wanted = if (before, heard) == (Down, Down) {
                Init
            } else if (before, heard) == (Down, Init) {
                Up
            } else {
                wanted
            };
            let wanted = if (before, heard) == (Down, Up) { Down } else { wanted };
            assert_eq!(session.state(), wanted, "{before:?} hears {heard:?}");
        }
    }
}

#[test]
fn a_poll_is_answered_at_once_and_in_any_state() {
    let mut session = session(|_| ());
    let (sent, _) = hear(&mut session, 1, Control { poll: true, ..says(State::Up) });
    assert_eq!((sent.len(), sent[0].answer, sent[0].poll, sent[0].state), (1, true, false, State::Down));
}

#[test]
fn demand_is_answered_by_silence() {
    let mut session = session(|_| ());
    up(&mut session);
    hear(&mut session, 30, Control { demand: true, ..says(State::Up) });
    assert_eq!(session.next_timeout(), Some(at(90)), "the detection time only");
    let (sent, _) = hear(&mut session, 40, Control { demand: true, poll: true, ..says(State::Up) });
    assert!(sent[0].answer);
    hear(&mut session, 50, says(State::Up));
    assert!(session.next_timeout().is_some_and(|due| due < at(71)), "it speaks again");
    // New times are worth a poll sequence all the same.
    hear(&mut session, 60, Control { demand: true, ..says(State::Up) });
    let slower = Settings { min_tx: Duration::from_millis(50), ..session.settings().clone() };
    session.reconfigure(slower, at(61));
    let due = session.next_timeout().expect("a poll");
    assert!(control(&session.handle_timeout(due).send[0]).poll);
}

#[test]
fn who_wants_no_packets_gets_none() {
    let mut session = session(|_| ());
    up(&mut session);
    hear(&mut session, 30, Control { min_rx: 0, ..says(State::Up) });
    assert_eq!(session.next_timeout(), Some(at(90)));
}

#[test]
fn a_passive_end_waits_and_is_silent_again_when_the_neighbour_is_gone() {
    let mut session = session(|settings| settings.passive = true);
    assert_eq!(session.next_timeout(), None);
    up(&mut session);
    let effects = session.handle_timeout(at(80));
    assert_eq!(effects.entered.map(|entered| entered.state), Some(State::Down));
    assert_eq!(session.diagnostic(), Diagnostic::TIME_EXPIRED);
    assert!(session.next_timeout().is_some());
    session.handle_timeout(at(140));
    assert_eq!((session.next_timeout(), session.remote().discriminator), (None, 0));
}

#[test]
fn times_that_hurt_wait_until_the_neighbour_knows() {
    let mut session = session(|settings| settings.min_rx = Duration::from_millis(50));
    up(&mut session);
    assert_eq!(
        (session.detection_time(), session.transmit_interval()),
        (Duration::from_millis(150), Duration::from_millis(20))
    );
    let other = Settings {
        min_rx: Duration::from_millis(20),
        min_tx: Duration::from_millis(100),
        ..session.settings().clone()
    };
    session.reconfigure(other, at(30));
    assert_eq!(
        (session.detection_time(), session.transmit_interval()),
        (Duration::from_millis(150), Duration::from_millis(20))
    );
    let due = session.next_timeout().expect("a packet");
    let sent = control(&session.handle_timeout(due).send[0]);
    assert_eq!((sent.poll, sent.min_tx, sent.min_rx), (true, 100_000, 20_000));
    hear(&mut session, 60, Control { answer: true, ..says(State::Up) });
    assert_eq!(
        (session.detection_time(), session.transmit_interval()),
        (Duration::from_millis(60), Duration::from_millis(100))
    );
}

#[test]
fn the_operator_holds_it_down() {
    let mut session = session(|_| ());
    up(&mut session);
    let held = Settings { admin_down: true, ..session.settings().clone() };
    let effects = session.reconfigure(held.clone(), at(30));
    let said = control(&effects.send[0]);
    assert_eq!((said.state, said.diagnostic, said.min_tx), (State::AdminDown, Diagnostic::ADMIN_DOWN, 1_000_000));
    hear(&mut session, 40, says(State::Down));
    assert_eq!(session.state(), State::AdminDown);
    let due = session.next_timeout().expect("it goes on to say so");
    assert!(due.since(at(30)) <= IDLE);
    session.reconfigure(Settings { admin_down: false, ..held }, at(50));
    assert_eq!(session.state(), State::Down);
    up(&mut session);
}

#[test]
fn who_was_away_does_not_make_up_for_it() {
    let mut session = session(|_| ());
    up(&mut session);
    hear(&mut session, 500, says(State::Up));
    let sent: usize = (0..10).map(|_| session.handle_timeout(at(501)).send.len()).sum();
    assert_eq!(sent, 1);
    assert!(session.counters().worst_late_us > 400_000);
}

#[test]
fn lost_packets_are_counted() {
    let mut session = session(|_| ());
    up(&mut session);
    for ms in [40, 60, 80, 120, 140, 160] {
        hear(&mut session, ms, says(State::Up));
    }
    assert_eq!((session.measure().lost, session.measure().longest), (1, Duration::from_millis(40)));
}
