//! The mailer over real sockets of this host, with servers of the test's own: good ones, slow ones, mad ones.

use std::{
    sync::mpsc as channel,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::state::set;

const LIMIT: Duration = Duration::from_secs(10);

fn settings(port: u16, more: &str) -> MailSettings {
    let line = format!("set mail --server 127.0.0.1:{port} --from a@b --to c@d --timeout 1s --tag lb1 {more}");
    set::parse(std::iter::once((1, line.as_str()))).expect("a line").mail.expect("mail")
}

fn note(number: usize) -> Note {
    Note {
        time: Duration::from_secs(1_795_379_730),
        subject: format!("number {number}"),
        text: format!("text {number}"),
    }
}

/// A server on this host; gives each connection to `serve`.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// Takes mail as servers do, and hands it over.
async fn take(mut stream: TcpStream, mails: channel::Sender<String>) {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let _ = write.write_all(b"220 mx\r\n").await;
    let mut mail = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: &[u8] = match (&mut mail, line.as_str()) {
            (Some(_), ".") => {
                let _ = mails.send(mail.take().unwrap_or_default());
                b"250 ok\r\n"
            }
            (Some(text), line) => {
                *text += &format!("{line}\n");
                continue;
            }
            (None, "DATA") => {
                mail = Some(String::new());
                b"354 go\r\n"
            }
            (None, "QUIT") => b"221 bye\r\n",
            (None, _) => b"250 ok\r\n",
        };
        let _ = write.write_all(answer).await;
    }
}

fn subject(mail: &str) -> &str {
    mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default()
}

#[tokio::test]
async fn notes_arrive_alone_or_together() {
    let (mails_in, mails) = channel::channel();
    let port = server(move |stream| take(stream, mails_in.clone())).await;
    let mailer = Mailer::with_pauses(settings(port, ""), Duration::from_millis(100), vec![]);
    mailer.push(note(1));
    mailer.push(note(2));
    let begun = Instant::now();
    while mailer.status().sent < 2 && begun.elapsed() < LIMIT {
        sleep(Duration::from_millis(10)).await;
    }
    let both: Vec<_> = mails.try_iter().collect();
    assert_eq!(both.iter().map(|mail| subject(mail)).collect::<Vec<_>>(), ["[lb1] number 1", "[lb1] number 2"]);
    for number in 0..MOST_WAITING + 7 {
        mailer.push(note(number));
    }
    assert_eq!(mailer.status(), MailStatus { sent: 2, given_up: 0, left_out: 7, waiting: MOST_WAITING });
    mailer.finish(LIMIT).await;
    let one: Vec<_> = mails.try_iter().collect();
    let [mail] = one.as_slice() else { panic!("{} mails", one.len()) };
    assert_eq!(subject(mail), "[lb1] 1007 events, the last: number 1006");
    assert!(mail.contains("7 more came before") && mail.contains("\ntext 7\n") && !mail.contains("\ntext 6\n"));
}

#[tokio::test]
async fn what_fails_is_tried_again_and_given_up() {
    let (mails_in, mails) = channel::channel();
    let turns = std::sync::atomic::AtomicUsize::new(0);
    let port = server(move |mut stream| {
        let turn = turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mails_in = mails_in.clone();
        async move {
            match turn {
                0 => drop(stream),
                1 => _ = stream.write_all(b"421 later\r\n").await,
                // 2 says nothing at all.
                2 => sleep(LIMIT).await,
                3 => take(stream, mails_in).await,
                _ => _ = stream.write_all(b"554 never\r\n").await,
            }
        }
    })
    .await;
    let pauses = vec![Duration::from_millis(10); 3];
    let mailer = Mailer::with_pauses(settings(port, ""), Duration::from_millis(10), pauses);
    mailer.push(note(1));
    let mail =
        tokio::task::spawn_blocking(move || mails.recv_timeout(LIMIT).expect("a mail at last")).await.expect("one");
    assert_eq!(subject(&mail), "[lb1] number 1");
    mailer.push(note(2));
    let begun = Instant::now();
    while mailer.status().given_up == 0 && begun.elapsed() < LIMIT {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(mailer.status(), MailStatus { sent: 1, given_up: 1, left_out: 0, waiting: 0 });
}

#[tokio::test]
async fn mad_servers_cost_little() {
    // One that never stops talking, and one that talks so slowly that no step ever ends but the whole does.
    let endless = server(|mut stream| async move { while stream.write_all(&[b'2'; 4096]).await.is_ok() {} }).await;
    let lines = server(|mut stream| async move { while stream.write_all(b"220-x\r\n").await.is_ok() {} }).await;
    let slow = server(|mut stream| async move {
        let mut waste = [0; 64];
        for byte in b"220-".iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::select! {
                () = sleep(Duration::from_millis(300)) => {}
                _ = stream.read(&mut waste) => {}
            }
        }
    })
    .await;
    for (port, expected) in [(endless, "without end"), (lines, "without end"), (slow, "takes longer than 10 seconds")] {
        let begun = Instant::now();
        let messages = Message::of(&[note(1)], 0);
        let fault = Courier::new(settings(port, "")).send(&messages[0]).await.expect_err("no mail");
        assert!(fault.text.contains(expected), "{fault:?}");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
}

#[tokio::test]
async fn who_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let messages = Message::of(&[note(1)], 0);
    let fault = Courier::new(settings(port, "")).send(&messages[0]).await.expect_err("no mail");
    assert!(fault.text.starts_with(&format!("127.0.0.1:{port}, a connection: Connection refused")), "{fault:?}");
    let plain = server(|stream| take(stream, channel::channel().0)).await;
    let fault = Courier::new(settings(plain, "--tls --no-verify")).send(&messages[0]).await.expect_err("no TLS");
    assert!(fault.text.starts_with(&format!("no secure connection to 127.0.0.1:{plain}: ")), "{fault:?}");
    let file = tempfile::NamedTempFile::new().expect("a file");
    let auth = format!("--starttls --auth-file {}", file.path().display());
    std::fs::write(file.path(), "user\n").expect("written");
    let fault = Courier::new(settings(plain, &auth)).send(&messages[0]).await.expect_err("no password");
    assert!(fault.text.ends_with("needs two lines: user name and password"), "{fault:?}");
}
