//! Draining in front of a person: the bar, and what Ctrl-C asks.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
};

use super::drain::{Place, WHOLE, weights};
use crate::support::{Background, in_netns, ipvsadm, lvsadm, rows, terminal::Terminal, until};

const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");
const ASKS: &str = "1 connections are left. Weights: [r]estore, [l]eave at 0, or [c]ontinue to wait? ";
const TAKEN: &str = ":80 127.0.0.11:80 0\n:80 127.0.0.12:80 1\n:81 127.0.0.11:80 0\n:81 127.0.0.12:80 1";

/// A connection by way of the service, to the first server.
pub(super) fn connect() -> (TcpListener, TcpStream) {
    let listener = TcpListener::bind("127.0.0.11:80").expect("a server");
    ipvsadm("-e -t 10.9.0.1:80 -r 127.0.0.12:80 -m -w 0").ok();
    let client = TcpStream::connect("10.9.0.1:80").expect("through the director");
    ipvsadm("-e -t 10.9.0.1:80 -r 127.0.0.12:80 -m -w 1").ok();
    (listener, client)
}

fn drain(place: &Place, options: &str, columns: u16) -> Terminal {
    let words = place.words(&format!("{LVSADM} drain -r 127.0.0.11 {options}"));
    let terminal = Terminal::start(words, columns, 24);
    terminal.until("1 left");
    terminal
}

#[test]
fn an_interrupt_asks() {
    in_netns(|| {
        let place = Place::new();
        let _connection = connect();
        assert_eq!(weights(), WHOLE);

        let mut terminal = drain(&place, "", 100);
        terminal.until("1 left (1 active, 0 inactive)");
        assert_eq!(weights(), TAKEN);
        terminal.press(b"\x03");
        terminal.until(ASKS);
        // What it does not know, it asks again; and it goes on where it was.
        let behind = terminal.written();
        terminal.press(b"what?\r");
        terminal.until_again(ASKS, behind);
        let behind = terminal.written();
        terminal.press(b"c\r");
        terminal.until_again("1 left (1 active, 0 inactive)", behind);
        assert_eq!(weights(), TAKEN);
        terminal.press(b"\x03");
        terminal.until_again(ASKS, behind);
        terminal.press(b"r\r");
        assert_eq!(terminal.end(), 1, "{}", terminal.shown());
        terminal.until("restored");
        assert_eq!(weights(), WHOLE);
        assert!(!place.notes().exists() && terminal.is_as_before());

        // To leave them is an answer, the end of input is one, and so is another interrupt.
        for keys in [&b"leave\r"[..], b"\x04", b"\x03"] {
            let mut terminal = drain(&place, "", 100);
            terminal.press(b"\x03");
            terminal.until(ASKS);
            terminal.press(keys);
            assert_eq!(terminal.end(), 1, "{}", terminal.shown());
            assert_eq!(weights(), TAKEN, "{keys:?}");
            assert!(place.notes().exists() && terminal.is_as_before());
            place.lvsadm("undrain --all").ok();
        }

        // Who has said before what it means is not asked.
        let mut terminal = drain(&place, "--on-interrupt restore", 100);
        terminal.press(b"\x03");
        assert_eq!((terminal.end(), weights().as_str()), (1, WHOLE));
        assert!(!terminal.shown().contains("Weights:"), "{}", terminal.shown());
    });
}

#[test]
fn a_narrow_window_has_a_bar_of_one_line() {
    in_netns(|| {
        let place = Place::new();
        let _connection = connect();
        let mut terminal = drain(&place, "--timeout 3", 20);
        assert_eq!(terminal.end(), 1, "{}", terminal.shown());
        terminal.until("not empty within the time");
        let shown = terminal.shown();
        let bars: Vec<&str> = shown.split(['\r', '\n']).filter(|line| line.contains('░')).collect();
        assert!(bars.len() >= 2, "it is drawn again: {shown:?}");
        for bar in bars {
            let text = bar.replace("\u{1b}[2K", "");
            assert!(!text.contains('\u{1b}') && text.chars().count() <= 20, "{bar:?}");
        }
        let behind = shown.rfind('░').expect("a bar");
        assert!(shown[behind..].contains("\u{1b}[2K"), "the bar is gone at the end: {shown:?}");
    });
}

#[test]
fn without_a_terminal_nothing_is_drawn_or_asked() {
    in_netns(|| {
        let place = Place::new();
        let _connection = connect();
        let output = place.lvsadm("drain -r 127.0.0.11 --timeout 2");
        assert_eq!(output.status, 1, "{output}");
        assert!(!format!("{}{}", output.stdout, output.stderr).contains(['\r', '\u{1b}']), "{output}");
        assert!(!output.stderr.contains(" left ("), "{output}");
        place.lvsadm("undrain --all").ok();
        // Standard error is one, standard input is none: there is nobody to ask.
        let words = place.words("drain -r 127.0.0.11").join(" ");
        let line = format!("exec {LVSADM} {words} </dev/null");
        let mut terminal = Terminal::start(["sh", "-c", &line], 100, 24);
        terminal.until("1 left");
        terminal.press(b"\x03");
        assert_eq!((terminal.end(), weights().as_str()), (1, TAKEN));
        assert!(!terminal.shown().contains("Weights:"), "{}", terminal.shown());
    });
}

/// The process that holds the table drains; the terminal only watches, and asks it.
#[test]
fn an_interrupt_asks_where_a_process_drains() {
    in_netns(|| {
        let place = Place::new();
        let _connection = connect();
        std::fs::write(place.state(), ipvsadm("-S -n").ok()).expect("a file");
        let file = place.state().display().to_string();
        let _process = Background::start([LVSADM, "check", "run", &file]);
        let socket = lvsadm::host::namespace::run_dir(None).join("check.sock");
        until("the process answers", || Path::new(&socket).exists() && lvsadm("check list").status == 0);
        for (keys, whole) in [(&b"r\r"[..], true), (b"l\r", false)] {
            let mut terminal = Terminal::start(format!("{LVSADM} drain -r 127.0.0.11 -t 10.9.0.1:80"), 100, 24);
            terminal.until("1 left");
            terminal.press(b"\x03");
            terminal.until(ASKS);
            terminal.press(keys);
            assert_eq!(terminal.end(), 1, "{}", terminal.shown());
            until("it is so in the table", || rows().contains(&"127.0.0.11:80 3".to_owned()) == whole);
            // Neither the terminal nor its end change what was asked for.
            assert_eq!(lvsadm("drain --list").ok().contains("127.0.0.11"), !whole);
        }
    });
}
