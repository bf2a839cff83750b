//! The socket against this machine's kernel and against an invented one.

use std::{
    io::IoSlice,
    os::fd::{FromRawFd, IntoRawFd},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use neli::consts::{
    genl::{CtrlAttr, CtrlCmd},
    nl::GenlId,
};

use proptest::prelude::*;

use super::*;

// Against this machine's own kernel: every Linux has generic netlink and answers everybody about its families.

const CONTROL: u16 = 0x10;

fn socket() -> Socket {
    Socket::open(NlFamily::Generic).expect("generic netlink")
}

fn control(number: u8) -> Command {
    Command { family: GenlId::Ctrl.into(), number, version: 1 }
}

/// Requests of which the kernel refuses each whose command is 200.
fn batch(commands: impl IntoIterator<Item = u8>) -> Batch {
    let mut batch = Batch::default();
    for number in commands {
        batch.push_command(control(number), |w| w.string(CtrlAttr::FamilyName.into(), "nlctrl"));
    }
    batch
}

#[test]
fn families_are_found_by_name() {
    assert_eq!(socket().family("nlctrl").expect("an answer"), Some(CONTROL));
    assert_eq!(socket().family("lvsadm-no-such").expect("an answer"), None);
}

#[test]
fn refusals_name_the_request_that_caused_them() {
    let good = u8::from(CtrlCmd::Getfamily);
    let mut socket = socket();
    for wrong in [vec![], vec![0], vec![99], vec![0, 7, 8, 64, 98, 99], (0..100).collect()] {
        let mut batch = batch((0..100).map(|index| if wrong.contains(&index) { 200 } else { good }));
        let outcome = socket.execute(&mut batch).expect("an outcome");
        assert_eq!(outcome.known, 100);
        let refused: Vec<_> = outcome.refused.iter().map(|(index, _)| *index).collect();
        assert_eq!(refused, wrong);
        assert!(outcome.refused.iter().all(|(_, refused)| refused.errno == Errno::EOPNOTSUPP));
    }
}

#[test]
fn sequence_numbers_may_wrap() {
    let mut socket = socket();
    socket.sequence = u32::MAX - 2;
    let outcome = socket.execute(&mut batch([3, 3, 200, 3, 200])).expect("an outcome");
    assert_eq!(outcome.refused.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(socket.family("nlctrl").expect("an answer"), Some(CONTROL));
}

#[test]
fn an_empty_batch_is_done_at_once() {
    assert_eq!(socket().execute(&mut Batch::default()).expect("an outcome").known, 0);
}

#[test]
fn the_largest_batch_loses_no_answer() {
    let mut socket = socket();
    for _ in 0..10 {
        let mut batch = batch(std::iter::repeat_n(200, socket.batch_limit()));
        assert_eq!(socket.execute(&mut batch).expect("an outcome").known, batch.len());
    }
    // What one answer is said to cost, it does not exceed.
    let mut socket = Socket::with_limits(NlFamily::Generic, 8 * ANSWER_COST / 2, 8).expect("a socket");
    assert_eq!(socket.execute(&mut batch([200; 8])).expect("an outcome").known, 8);
}

#[test]
fn lost_answers_are_noticed_and_the_socket_works_on() {
    let mut socket = Socket::with_limits(NlFamily::Generic, 1, 100).expect("a socket");
    for _ in 0..3 {
        let outcome = socket.execute(&mut batch([200; 100])).expect("an outcome");
        assert!(outcome.known > 0 && outcome.known < 100, "{}", outcome.known);
        assert_eq!(outcome.refused.len(), outcome.known);
        assert_eq!(socket.family("nlctrl").expect("an answer"), Some(CONTROL));
        let outcome = socket.execute(&mut batch([200])).expect("an outcome");
        assert_eq!((outcome.known, outcome.refused.len()), (1, 1));
    }
}

#[test]
fn dumps_are_read_to_the_end() {
    let mut socket = socket();
    for _ in 0..3 {
        let names = socket.dump(&mut batch([CtrlCmd::Getfamily.into()]), |message| {
            let attributes = Attributes::of_command(message)?.flatten();
            let name = attributes.filter(|a| a.kind == u16::from(CtrlAttr::FamilyName)).map(|a| a.string("name"));
            name.last().unwrap_or(Ok("")).map(str::to_owned)
        });
        assert!(names.expect("a dump").contains(&"nlctrl".to_owned()));
    }
}

#[test]
fn a_dump_that_makes_no_sense_does_not_spoil_the_next() {
    let mut socket = socket();
    let error =
        socket.dump(&mut batch([CtrlCmd::Getfamily.into()]), |_| Err::<(), _>(Malformed::new("test", "wanted")));
    assert!(matches!(error, Err(Error::Malformed(_))));
    let mut dump = batch([CtrlCmd::Getfamily.into()]);
    assert!(!socket.dump(&mut dump, |_| Ok(())).expect("a dump").is_empty());
}

#[test]
fn a_refused_call_or_dump_says_so() {
    let mut socket = socket();
    let refused = |error| matches!(error, Err(Error::Refused(refused)) if refused.errno == Errno::EOPNOTSUPP);
    assert!(refused(socket.call(&mut batch([200]), |_| Ok(()))));
    assert!(refused(socket.dump(&mut batch([200]), |_| Ok(())).map(drop)));
}

// Against an invented kernel, for what a real one seldom does.

/// A message for the request with this sequence number.
fn message(kind: impl Into<u16>, flags: NlmF, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (16 + payload.len() as u32).to_ne_bytes().to_vec();
    bytes.extend(kind.into().to_ne_bytes());
    bytes.extend(flags.bits().to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0u32.to_ne_bytes());
    bytes.extend(payload);
    bytes
}

/// An acknowledgement or a refusal.
fn answer(sequence: u32, errno: i32) -> Vec<u8> {
    message(Nlmsg::Error, NlmF::CAPPED, sequence, &(-errno).to_ne_bytes())
}

fn data(flags: NlmF, sequence: u32, value: u8) -> Vec<u8> {
    message(0x1cu16, flags | NlmF::MULTI, sequence, &[value, 0, 0, 0])
}

fn done(flags: NlmF, sequence: u32, errno: i32) -> Vec<u8> {
    message(Nlmsg::Done, flags | NlmF::MULTI, sequence, &(-errno).to_ne_bytes())
}

/// Runs `test` with a socket at whose other end `answers` makes datagrams from the first request's sequence number. What is
/// empty closes the socket.
#[allow(unsafe_code)]
fn with_kernel<T>(mut answers: impl FnMut(u32) -> Vec<Vec<u8>> + Send, test: impl FnOnce(&mut Socket) -> T) -> T {
    let (ours, theirs) = socket::socketpair(
        socket::AddressFamily::Unix,
        socket::SockType::SeqPacket,
        None,
        socket::SockFlag::SOCK_CLOEXEC,
    )
    .expect("a pair of sockets");
    // SAFETY: the descriptor is open and nobody else's.
    let socket = unsafe { NlSocket::from_raw_fd(ours.into_raw_fd()) };
    let mut socket = Socket { socket, sequence: 0, inbox: Inbox::new(), batch_limit: 128 };
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut request = vec![0; 65536];
            while let Ok(1..) = socket::recv(theirs.as_raw_fd(), &mut request, MsgFlags::empty()) {
                let sequence = u32::from_ne_bytes(request[8..12].try_into().expect("four bytes"));
                for datagram in answers(sequence) {
                    let parts = [IoSlice::new(&datagram)];
                    if datagram.is_empty()
                        || socket::sendmsg::<()>(theirs.as_raw_fd(), &parts, &[], MsgFlags::empty(), None).is_err()
                    {
                        return;
                    }
                }
            }
        });
        let result = test(&mut socket);
        drop(socket);
        result
    })
}

fn first_byte(payload: &[u8]) -> Result<u8, Malformed> {
    payload.first().copied().ok_or_else(|| Malformed::new("test", "empty"))
}

#[test]
fn answers_to_others_are_skipped() {
    let answers = |sequence: u32| {
        let other = sequence.wrapping_sub(9);
        vec![answer(other, 17), [data(NlmF::empty(), other, 9), data(NlmF::empty(), sequence, 5)].concat()]
    };
    assert_eq!(with_kernel(answers, |socket| socket.call(&mut batch([1]), first_byte)).expect("an answer"), 5);

    let answers = |sequence| {
        let other = sequence - 1;
        let theirs = [data(NlmF::empty(), other, 8), done(NlmF::empty(), other, 0)].concat();
        vec![
            data(NlmF::empty(), sequence, 1),
            theirs,
            data(NlmF::empty(), sequence, 2),
            done(NlmF::empty(), sequence, 0),
        ]
    };
    assert_eq!(with_kernel(answers, |socket| socket.dump(&mut batch([1]), first_byte)).expect("a dump"), [1, 2]);

    let answers = |sequence| {
        vec![answer(sequence + 3, 1), answer(sequence + 1, 2), answer(sequence - 1, 3), answer(sequence + 2, 0)]
    };
    let outcome = with_kernel(answers, |socket| socket.execute(&mut batch([1, 1, 1]))).expect("an outcome");
    assert_eq!(outcome.known, 3);
    assert_eq!(outcome.refused, [(1, Refused { errno: Errno::ENOENT, said: None })]);
}

#[test]
fn a_torn_dump_is_redone() {
    let mut attempts = 0;
    let answers = |sequence| {
        attempts += 1;
        let torn = NlmF::DUMP_INTR;
        let (first, last) = match attempts {
            1 => (torn, NlmF::empty()),
            2 => (NlmF::empty(), torn),
            _ => (NlmF::empty(), NlmF::empty()),
        };
        vec![data(first, sequence, attempts), done(last, sequence, 0)]
    };
    assert_eq!(with_kernel(answers, |socket| socket.dump(&mut batch([1]), first_byte)).expect("a dump"), [3]);
}

#[test]
fn a_dump_that_is_torn_time_and_again_is_given_up() {
    let attempts = AtomicUsize::new(0);
    let answers = |sequence| {
        attempts.fetch_add(1, Ordering::Relaxed);
        vec![data(NlmF::DUMP_INTR, sequence, 1), done(NlmF::empty(), sequence, 0)]
    };
    let error = with_kernel(answers, |socket| socket.dump(&mut batch([1]), first_byte));
    assert!(matches!(error, Err(Error::Interrupted)), "{error:?}");
    assert_eq!(attempts.load(Ordering::Relaxed), ATTEMPTS);
}

#[test]
fn a_dump_may_fail_half_way() {
    let answers = |sequence| vec![data(NlmF::empty(), sequence, 1), done(NlmF::empty(), sequence, 12)];
    let error = with_kernel(answers, |socket| socket.dump(&mut batch([1]), first_byte));
    assert!(matches!(&error, Err(Error::Refused(refused)) if refused.errno == Errno::ENOMEM), "{error:?}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let answers = |sequence| vec![message(0x1cu16, NlmF::empty(), sequence, &[0; 40_000])];
    let error = with_kernel(answers, |socket| socket.call(&mut batch([1]), first_byte));
    assert!(matches!(error, Err(Error::Socket { errno: Errno::EMSGSIZE, .. })), "{error:?}");
}

#[test]
fn an_acknowledgement_is_no_answer_to_a_question() {
    let answers = |sequence| vec![answer(sequence, 0)];
    let error = with_kernel(answers, |socket| socket.call(&mut batch([1]), first_byte));
    assert!(matches!(error, Err(Error::Malformed(_))), "{error:?}");
}

#[test]
fn a_transaction_ends_with_its_last_answer_or_with_a_refusal_of_the_whole() {
    let four = || batch([1, 1, 1, 1]);
    let refused = |errno| Refused { errno, said: None };
    let answers = |sequence| vec![answer(sequence - 1, 7), answer(sequence + 1, 0), answer(sequence + 2, 0)];
    assert_eq!(with_kernel(answers, |socket| socket.transaction(&mut four())).expect("an outcome"), None);
    let answers = |sequence| vec![[answer(sequence + 1, 17), answer(sequence + 2, 2)].concat()];
    let outcome = with_kernel(answers, |socket| socket.transaction(&mut four())).expect("an outcome");
    assert_eq!(outcome, Some((1, refused(Errno::EEXIST))));
    let answers = |sequence| vec![answer(sequence, 1)];
    let outcome = with_kernel(answers, |socket| socket.transaction(&mut four())).expect("an outcome");
    assert_eq!(outcome, Some((0, refused(Errno::EPERM))));
    // Nothing between its ends is nothing to do, and nothing is sent.
    let outcome = with_kernel(|_| Vec::new(), |socket| socket.transaction(&mut batch([1, 1])));
    assert_eq!(outcome.expect("an outcome"), None);
}

#[test]
fn a_monitor_does_not_wait() {
    let mut monitor = Monitor::open(NlFamily::Route, &[1, 5]).expect("everybody may listen");
    while monitor.receive(|_, _| {}).expect("a working socket") {}
    assert!(Monitor::open(NlFamily::Route, &[12_345]).is_err());
}

proptest! {
    #[test]
    fn garbage_is_survived(
        datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..100), 0..5),
        damage: bool, at: prop::sample::Index, byte: u8,
    ) {
        let answers = |sequence| {
            let mut datagrams = datagrams.clone();
            if damage {
                let mut good = [data(NlmF::empty(), sequence, 1), answer(sequence, 0), done(NlmF::empty(), sequence, 0)].concat();
                let at = at.index(good.len());
                good[at] = byte;
                datagrams.push(good);
            }
            datagrams.push(Vec::new());
            datagrams
        };
        let _ = with_kernel(answers, |socket| socket.call(&mut batch([1]), first_byte));
        let _ = with_kernel(answers, |socket| socket.dump(&mut batch([1]), first_byte));
        let _ = with_kernel(answers, |socket| socket.execute(&mut batch([1, 1])));
        let _ = with_kernel(answers, |socket| socket.transaction(&mut batch([1, 1, 1])));
    }
}
