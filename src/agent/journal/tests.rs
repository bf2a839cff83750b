//! The journal with its file, in a directory of the test's own.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;
use crate::agent::{
    control::{JournalCall, Request},
    event::Subject,
};

fn event(name: &str, what: &str) -> Event {
    Event::now(Subject::Instance(name.to_owned()), what, format_args!("{name}: {what}")).because("it \"is\" so")
}

fn server(name: &str) -> Event {
    let subject = Subject::Server { service: "TCP 10.0.0.1:80".to_owned(), server: name.to_owned() };
    Event::now(subject, "down", "is down")
}

fn texts(page: &Page) -> Vec<&str> {
    page.events.iter().map(|entry| entry.event.text.as_str()).collect()
}

/// Asks what a program would ask in these words.
fn ask(journal: &Journal, params: Value) -> oneshot::Receiver<Reply> {
    let (request, answer) = Request::of("journal.events".to_owned(), params);
    match JournalCall::read(&request) {
        Ok(JournalCall::Events(query)) => journal.answer(query, request.reply),
        Ok(JournalCall::Status {}) => panic!("this is another verb"),
        Err(complaints) => request.reply.send(Err(complaints)).expect("somebody waits"),
    }
    answer
}

#[test]
fn it_survives_its_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run").join(FILE);
    let journal = Journal::open_with(&path, MOST_BYTES).unwrap();
    journal.feed(event("A", "backup"));
    journal.feed(event("A", "master"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(journal);
    // Killed in the middle of a line.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"number\":3,\"time\":17").unwrap();
    let journal = Journal::open_with(&path, MOST_BYTES).unwrap();
    journal.feed(event("B", "fault"));
    drop(journal);
    let page = left(path.parent().unwrap(), &Query::default()).unwrap();
    assert_eq!(texts(&page), ["A: backup", "A: master", "B: fault"]);
    assert_eq!(page.events.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(page.events[2].event.reason.as_deref(), Some("it \"is\" so"));
    // Whatever else is in the file is no event.
    fs::write(&path, [&[0xff; 5000][..], b"\n{}\nnull\n[\n", &fs::read(&path).unwrap()].concat()).unwrap();
    assert_eq!(left(path.parent().unwrap(), &Query::default()).unwrap(), page);
}

#[test]
fn its_file_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let journal = Journal::open_with(&path, 10_000).unwrap();
    let mut longest = 0;
    for number in 0..20_000 {
        journal.feed(event(if number % 100 == 0 { "B" } else { "A" }, "master"));
        longest = longest.max(fs::metadata(&path).unwrap().len());
    }
    assert!(longest < (1 << 20) + 11_000, "{longest}");
    let held = journal.page(&Query::default());
    assert!(held.events.iter().any(|entry| entry.event.text == "B: master"), "A has not pushed B out");
    assert_eq!(held.events.len(), journal.status().held);
    drop(journal);
    let again = Journal::open_with(&path, 10_000).unwrap().page(&Query::default());
    assert!(again == held, "{} events instead of {}", again.events.len(), held.events.len());
}

#[test]
fn a_query_takes_what_it_names() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::begin(directory.path());
    for event in [event("A", "master"), server("10.0.0.5:80"), server("10.0.0.6:80"), event("B", "backup")] {
        journal.feed(event);
    }
    let page = |query: Query| journal.page(&query).events.iter().map(|entry| entry.number).collect::<Vec<_>>();
    assert_eq!(page(Query::default()), [1, 2, 3, 4]);
    assert_eq!(page(Query { name: Some("B".to_owned()), ..Query::default() }), [4]);
    let of_service = Query { service: Some("TCP 10.0.0.1:80".to_owned()), ..Query::default() };
    assert_eq!(page(of_service.clone()), [2, 3]);
    assert_eq!(page(Query { server: Some("10.0.0.6:80".to_owned()), ..of_service }), [3]);
    assert_eq!(page(Query { most: Some(1), ..Query::default() }), [4]);
    assert_eq!(page(Query { since: Some(u64::MAX), ..Query::default() }), [0_u64; 0]);
    assert_eq!(page(Query { after: Some(3), ..Query::default() }), [4]);
}

#[tokio::test]
async fn who_follows_is_told_at_once_and_what_was_missed() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::begin(directory.path());
    let page = |answer: Reply| serde_json::from_str::<Page>(answer.unwrap().get()).unwrap();
    let answer = ask(&journal, json!({ "after": 0, "wait": true, "name": "A" }));
    let begun = Instant::now();
    journal.feed(event("B", "backup"));
    journal.feed(event("A", "master"));
    let first = page(answer.await.unwrap());
    assert_eq!((texts(&first), first.last, first.missed), (vec!["A: master"], 2, 0));
    assert!(begun.elapsed() < Duration::from_secs(1));
    for _ in 0..MOST_OF_ONE + 7 {
        journal.feed(event("A", "fault"));
    }
    let answer = ask(&journal, json!({ "after": first.last, "wait": true }));
    let second = page(answer.await.unwrap());
    assert_eq!((second.events.len(), second.missed), (MOST_OF_ONE, 7));
    // Who has gone costs nothing.
    let answer = ask(&journal, json!({ "after": second.last, "wait": true }));
    drop(answer);
    let answer = ask(&journal, json!({ "afterwards": 1 }));
    assert!(answer.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::begin(directory.path());
    let answer = ask(&journal, json!({ "wait": true }));
    let page: Page = serde_json::from_str(answer.await.unwrap().unwrap().get()).unwrap();
    assert_eq!(page, Page::default());
}
