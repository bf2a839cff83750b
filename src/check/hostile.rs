//! Small servers that do it right and all sorts of wrong, and what the checkers say of them.
//!
//! Time is virtual: what a server says on loopback is there at once, and where nobody says anything the clock jumps.

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    time::sleep,
};

use super::{
    answer::{Answer, Failure, FailureKind, Phase, Success, Verdict, WeightChange},
    probe::{Context, ask, ask_in_detail},
    settings::{Connection, Probe, Question, Udp},
};
use crate::host::{
    Command, User,
    script::{AT_ONCE, Runner},
};

/// The time of each probe here.
const DEADLINE: Duration = Duration::from_secs(5);

/// Starts a server that does this with each connection.
async fn server<F: Future<Output = ()> + Send + 'static>(
    handle: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
    address
}

/// Starts a server that answers each datagram with these.
async fn udp_server(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let address = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            for datagram in answer(&buffer[..length]) {
                let _ = socket.send_to(&datagram, from).await;
            }
        }
    });
    address
}

/// A server that says each text after it has heard something, the first one at once, and then hangs up.
async fn says(texts: &'static [&'static str]) -> SocketAddr {
    server(async |mut stream: TcpStream| {
        let mut heard = [0; 256];
        for (index, text) in texts.iter().enumerate() {
            if index > 0 && stream.read(&mut heard).await.unwrap_or(0) == 0 {
                return;
            }
            if stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}

/// A server that takes connections and says nothing.
async fn silent() -> SocketAddr {
    server(async |_stream| sleep(DEADLINE * 10).await).await
}

/// A server that says a byte a second, for ever.
async fn drip(text: &'static [u8]) -> SocketAddr {
    server(async |mut stream: TcpStream| {
        for byte in text.iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    })
    .await
}

/// A server that says this again and again, as fast as it can, up to 10 GB.
async fn flood(text: &'static [u8]) -> SocketAddr {
    server(async |mut stream: TcpStream| {
        let block: Vec<u8> = text.iter().copied().cycle().take(64 * 1024).collect();
        for _ in 0..160_000 {
            if stream.write_all(&block).await.is_err() {
                return;
            }
        }
    })
    .await
}

/// A server that resets connections when it has said this.
async fn reset(text: &'static [u8]) -> SocketAddr {
    server(async |mut stream: TcpStream| {
        let _ = stream.write_all(text).await;
        sleep(Duration::from_millis(10)).await;
        let _ = stream.set_zero_linger();
    })
    .await
}

fn context() -> Context {
    Context::new(Runner::new(User::ourselves(), AT_ONCE)).expect("descriptors")
}

async fn probe(target: SocketAddr, question: Question) -> Answer {
    phased(target, question).await.0
}

/// An answer, and the parts that were done.
async fn phased(target: SocketAddr, question: Question) -> (Answer, Vec<Phase>) {
    let probe = Probe { target, connection: Connection::default(), question, deadline: DEADLINE };
    let (answer, facts) = ask_in_detail(&probe, &context()).await;
    assert!(answer.took <= DEADLINE + Duration::from_millis(2), "{answer:?}");
    (answer, facts.phases.into_iter().map(|(phase, _)| phase).collect())
}

fn good(answer: Answer) -> Success {
    match answer.verdict {
        Verdict::Good(success) => success,
        other => panic!("{other:?}"),
    }
}

fn bad(answer: Answer) -> Failure {
    match answer.verdict {
        Verdict::Bad(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// Asserts that a probe fails in this way, with this reason after the server's address.
async fn fails(target: SocketAddr, question: Question, kind: FailureKind, reason: &str) -> Failure {
    let failure = bad(probe(target, question).await);
    assert_eq!(failure.kind, kind, "{failure:?}");
    assert_eq!(failure.reason.replace(&target.to_string(), "SERVER"), reason);
    failure
}

fn smtp() -> Question {
    Question::Smtp { helo: "probe.example".to_owned() }
}

fn agent() -> Question {
    Question::Agent { send: String::new() }
}

async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    listener.local_addr().expect("bound")
}

#[tokio::test(start_paused = true)]
async fn tcp_connections() {
    let (answer, phases) = phased(silent().await, Question::Tcp).await;
    assert_eq!(phases, [Phase::Connect]);
    assert_eq!(good(answer).summary, "connected in 0 ms");
    fails(nobody().await, Question::Tcp, FailureKind::Refused, "connection refused by SERVER after 0 ms").await;
}

#[tokio::test(start_paused = true)]
async fn mail_servers_that_greet() {
    let plain = says(&["220 mx.example ESMTP\r\n", "250 mx.example\r\n", "221 Bye\r\n"]).await;
    let (answer, phases) = phased(plain, smtp()).await;
    assert_eq!(phases, [Phase::Connect, Phase::FirstByte, Phase::Complete]);
    assert_eq!(good(answer).summary, "\"220 mx.example ESMTP\"");
    for talkative in [
        says(&["220-mx.example\r\n220-is at your service\r\n220 \r\n", "250-mx.example\n250 PIPELINING\n", "x\r\n"])
            .await,
        says(&["220\r\n", "250\r\n", ""]).await,
    ] {
        good(probe(talkative, smtp()).await);
    }
}

#[tokio::test(start_paused = true)]
async fn mail_servers_that_do_not() {
    use FailureKind::{Closed, Protocol, Refused, Reset, Status, Timeout};

    let failure =
        fails(says(&["554 no\r\n"]).await, smtp(), Status, "SERVER said \"554 no\" where 220 was expected").await;
    assert_eq!(failure.evidence, b"554 no\r\n");
    let second = says(&["220 hi\r\n", "250-mx\r\n421 too many\r\n"]).await;
    let failure = fails(second, smtp(), Status, "SERVER said \"421 too many\" where 250 was expected").await;
    assert_eq!(failure.evidence, b"250-mx\r\n421 too many\r\n");
    for (text, quote) in
        [(&["SSH-2.0-OpenSSH\r\n"], "SSH-2.0-OpenSSH"), (&["\x16\x03\x01\r\n"], "???"), (&["220x\r\n"], "220x")]
    {
        let reason = format!("SERVER said \"{quote}\" where 220 was expected");
        fails(says(text).await, smtp(), Protocol, &reason).await;
    }
    fails(says(&["\r\n"]).await, smtp(), Protocol, "SERVER said an empty line where 220 was expected").await;
    fails(nobody().await, smtp(), Refused, "connection refused by SERVER after 0 ms").await;
    fails(silent().await, smtp(), Timeout, "the greeting from SERVER did not come within 5 s").await;
    let failure = fails(
        drip(b"220 hello").await,
        smtp(),
        Timeout,
        "the greeting from SERVER did not come within 5 s, only \"220 h\"",
    )
    .await;
    assert_eq!(failure.evidence, b"220 h");
    let half = server(async |mut stream: TcpStream| {
        let _ = stream.write_all(b"220 hi\r\n").await;
        sleep(DEADLINE * 10).await;
    });
    fails(half.await, smtp(), Timeout, "the answer to HELO from SERVER did not come within 5 s").await;
    fails(
        says(&["220-hi\r\n22"]).await,
        smtp(),
        Closed,
        "SERVER ended the connection after \"220-hi\", before the greeting",
    )
    .await;
    fails(says(&[""]).await, smtp(), Closed, "SERVER ended the connection after nothing, before the greeting").await;
    fails(reset(b"220-").await, smtp(), Reset, "connection reset by SERVER after 10 ms").await;
    let zeros = format!("SERVER said \"{}…\", a line of more than 510 bytes", "?".repeat(60));
    let failure = fails(flood(b"\0").await, smtp(), Protocol, &zeros).await;
    assert_eq!(failure.evidence, [0; 256]);
    fails(flood(b"220-hello\r\n").await, smtp(), Protocol, "SERVER said \"220-hello\" and 100 lines more").await;
}

#[tokio::test(start_paused = true)]
async fn agents() {
    use FailureKind::{Closed, Protocol, Refused, Reported, Reset, Timeout};

    let success = good(probe(says(&["up 75%\n"]).await, agent()).await);
    assert_eq!((success.weight, &*success.summary), (Some(WeightChange::Percent(75)), "\"up 75%\""));
    good(probe(says(&["ready"]).await, agent()).await);
    let asked = server(async |mut stream: TcpStream| {
        let mut heard = [0; 16];
        let length = stream.read(&mut heard).await.unwrap_or(0);
        let _ = stream.write_all(if &heard[..length] == b"web-1\n" { b"up\n" } else { b"down # who?\n" }).await;
    })
    .await;
    good(probe(asked, Question::Agent { send: "web-1\n".to_owned() }).await);
    let failure = fails(
        says(&["down # disk\x1b[31m is full\n"]).await,
        agent(),
        Reported,
        "the agent SERVER says down: disk?[31m is full",
    )
    .await;
    assert_eq!(failure.evidence, b"down # disk\x1b[31m is full");
    fails(
        says(&["hello\n"]).await,
        agent(),
        Protocol,
        "the agent SERVER said \"hello\", which has no word of an agent",
    )
    .await;
    fails(says(&[""]).await, agent(), Closed, "the agent SERVER ended the connection and said nothing").await;
    fails(nobody().await, agent(), Refused, "connection refused by SERVER after 0 ms").await;
    fails(silent().await, agent(), Timeout, "the agent's line from SERVER did not come within 5 s").await;
    fails(drip(b"up ").await, agent(), Timeout, "the agent's line from SERVER did not come within 5 s, only \"up up\"")
        .await;
    fails(reset(b"").await, agent(), Reset, "connection reset by SERVER after 10 ms").await;
    let long = format!("SERVER said \"{}…\", a line of more than 1024 bytes", "up ".repeat(20));
    fails(flood(b"up ").await, agent(), Protocol, &long).await;
}

#[tokio::test(start_paused = true)]
async fn name_servers() {
    use FailureKind::{Refused, Status, Timeout};

    let soa = || Question::Dns { name: "example.com".to_owned(), kind: 6 };
    let answer = |flags: [u8; 2]| {
        move |question: &[u8]| {
            let wrong = [&[question[0] ^ 1], &question[1..2], &[0x81, 0x80], &question[4..]].concat();
            let right = [&question[..2], &flags, &[0, 1, 0, 2], &question[8..]].concat();
            vec![Vec::new(), b"x".to_vec(), question.to_vec(), wrong, right]
        }
    };
    assert_eq!(good(probe(udp_server(answer([0x81, 0x80])).await, soa()).await).summary, "NOERROR, 2 answers");
    good(probe(udp_server(answer([0x83, 0x80])).await, soa()).await);
    fails(udp_server(answer([0x81, 0x83])).await, soa(), Status, "SERVER answered NXDOMAIN to SOA example.com").await;
    fails(udp_server(answer([0x81, 0x85])).await, soa(), Status, "SERVER answered REFUSED to SOA example.com").await;
    let wrong_id = udp_server(|question| vec![[&[!question[0]], &question[1..]].concat()]).await;
    fails(wrong_id, soa(), Timeout, "the response from SERVER did not come within 5 s").await;
    fails(closed_udp().await, soa(), Refused, "connection refused by SERVER after 0 ms").await;
    let nonsense = Question::Dns { name: "a..b".to_owned(), kind: 6 };
    assert_eq!(
        probe(closed_udp().await, nonsense).await.verdict,
        Verdict::Unknown("cannot ask for the name a..b: two dots follow each other, or one leads".to_owned())
    );
}

/// A port where nobody is.
async fn closed_udp() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    socket.local_addr().expect("bound")
}

#[tokio::test(start_paused = true)]
async fn udp_services() {
    use FailureKind::{Pattern, Protocol, Refused, Timeout};

    let plain = || Question::Udp(Udp::default());
    let required = |expected: &[u8]| {
        let expected = expected.iter().map(|byte| (*byte, 0xff)).collect();
        Question::Udp(Udp { payload: Some(b"?".to_vec()), reply_required: true, expected, least: 0, most: 255 })
    };
    let quiet = || udp_server(|_| Vec::new());
    let echo = || udp_server(|heard| vec![heard.to_vec()]);
    assert_eq!(good(probe(quiet().await, plain()).await).summary, "not refused within 5 s");
    assert_eq!(good(probe(echo().await, plain()).await).summary, "a reply of 12 bytes");
    assert_eq!(good(probe(echo().await, required(b"?")).await).summary, "a reply of 1 bytes");
    fails(closed_udp().await, plain(), Refused, "connection refused by SERVER after 0 ms").await;
    fails(closed_udp().await, required(b"?"), Refused, "connection refused by SERVER after 0 ms").await;
    fails(quiet().await, required(b"?"), Timeout, "the reply from SERVER did not come within 5 s").await;
    let failure =
        fails(echo().await, required(b"!"), Pattern, "the reply of SERVER has 3f at byte 0 where 21 was expected")
            .await;
    assert_eq!(failure.evidence, b"?");
    let large = udp_server(|_| vec![vec![b'?'; 60_000]]).await;
    let failure = fails(large, required(b"?"), Protocol, "the reply of SERVER has 60000 bytes, more than 255").await;
    assert_eq!(failure.evidence.len(), 256);
    let hurried = Probe {
        target: quiet().await,
        connection: Connection { timeout: Some(Duration::from_secs(1)), ..Connection::default() },
        question: plain(),
        deadline: DEADLINE,
    };
    let answer = ask(&hurried, &context()).await;
    assert_eq!(good(answer).summary, "not refused within 1 s");
}

/// A script of one line, run as whoever runs the test.
fn shell(line: &str) -> Question {
    let command = Command { words: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(), user: None };
    Question::Script { command, dynamic: true }
}

/// With the real clock: processes know no other.
#[tokio::test]
async fn scripts() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let success = good(probe(nobody, shell("echo fine; exit 12")).await);
    assert_eq!((success.weight, &*success.summary), (Some(WeightChange::Exactly(10)), "exit status 12, \"fine\""));
    fails(nobody, shell("echo no disk; exit 1"), FailureKind::Reported, "/bin/sh exited with status 1: no disk").await;
    let absent = Command { words: vec!["/nonexistent".to_owned()], user: None };
    let answer = probe(nobody, Question::Script { command: absent, dynamic: false }).await;
    assert!(matches!(answer.verdict, Verdict::Unknown(_)), "{answer:?}");
    let flood = bad(hurried(shell("exec yes"), &context()).await);
    assert_eq!((flood.kind, flood.evidence.len()), (FailureKind::Timeout, 256));
    assert_eq!(flood.reason, "/bin/sh was still running after 300 ms: y");
}

/// A script that does not get its turn says nothing; one that is late does not end the other.
#[tokio::test]
async fn scripts_wait_for_their_turn() {
    let context = Context::new(Runner::new(User::ourselves(), 1)).expect("descriptors");
    let (stubborn, next) = (shell("trap '' TERM; sleep 5 & wait; wait"), shell("exit 0"));
    let (first, second) = tokio::join!(hurried(stubborn, &context), hurried(next, &context));
    assert_eq!(bad(first).kind, FailureKind::Timeout);
    assert_eq!(good(second).summary, "exit status 0");
}

/// Runs a probe of this question that has 300 ms.
async fn hurried(question: Question, context: &Context) -> Answer {
    let target = SocketAddr::from(([127, 0, 0, 1], 9));
    let deadline = Duration::from_millis(300);
    ask(&Probe { target, connection: Connection::default(), question, deadline }, context).await
}
