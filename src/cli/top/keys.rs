//! Keys, and what they do to what is shown. Pure.

use super::view::{Grouping, Sort, View};

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Backspace,
    Control(char),
}

/// Reads what a terminal sent. Unknown sequences are passed over; one that is cut between two readings is too, for keys come whole.
pub(super) fn read(bytes: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.chars().peekable();
    let mut keys = Vec::new();
    while let Some(char) = rest.next() {
        keys.push(match char {
            '\u{1b}' => {
                if !matches!(rest.peek(), Some('[' | 'O')) {
                    keys.push(Key::Escape);
                    continue;
                }
                rest.next();
                let mut number = String::new();
                // Parameters, then the letter that ends the sequence.
                let last = loop {
                    match rest.next() {
                        Some(char @ ('0'..='9' | ';')) => number.push(char),
                        other => break other,
                    }
                };
                match (last, number.as_str()) {
                    (Some('A'), _) => Key::Up,
                    (Some('B'), _) => Key::Down,
                    (Some('H'), _) | (Some('~'), "1" | "7") => Key::Home,
                    (Some('F'), _) | (Some('~'), "4" | "8") => Key::End,
                    (Some('~'), "5") => Key::PageUp,
                    (Some('~'), "6") => Key::PageDown,
                    _ => continue,
                }
            }
            '\r' | '\n' => Key::Enter,
            '\u{7f}' | '\u{8}' => Key::Backspace,
            char @ '\u{1}'..='\u{1a}' => Key::Control(char::from(b'a' + (char as u8) - 1)),
            char if char.is_control() => continue,
            char => Key::Char(char),
        });
    }
    keys
}

/// What is to be done about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Draw,
    /// Read the kernel's table at once.
    Refresh,
    Suspend,
    Quit,
}

/// What the keys have set.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) view: View,
    /// The first row on the screen.
    pub(super) first: usize,
    pub(super) paused: bool,
    pub(super) help: bool,
    /// The filter while it is typed.
    pub(super) typed: Option<String>,
}

/// What `h` shows.
pub(super) const HELP: [&str; 15] = [
    "c  sort by new connections a second",
    "p  by packets a second",
    "b  by bytes a second",
    "a  by active connections",
    "i  by all connections",
    "w  by weight",
    "n  by name",
    "r  the other way round",
    "v  services with their servers, or servers with their services",
    "/  show only names with what is typed; Esc shows all",
    "space  pause; again: go on",
    "arrows, PgUp, PgDn, Home, End, j, k  move",
    "Enter  read the table now",
    "Ctrl-L  draw anew; Ctrl-Z  suspend",
    "q  quit",
];

impl Session {
    /// Returns a session that shows this.
    pub(super) fn new(view: View) -> Self {
        Self { view, first: 0, paused: false, help: false, typed: None }
    }

    /// Takes a key; `rows` are there, and `room` of them fit the screen.
    pub(super) fn take(&mut self, key: Key, rows: usize, room: usize) -> Action {
        match key {
            Key::Control('c' | 'd') => return Action::Quit,
            Key::Control('z') => return Action::Suspend,
            _ => {}
        }
        if self.typed.is_some() {
            self.type_filter(key);
            return Action::Draw;
        }
        if self.help {
            self.help = false;
            return Action::Draw;
        }
        let page = room.max(1);
        match key {
            Key::Char('q' | 'Q') => return Action::Quit,
            Key::Enter => return Action::Refresh,
            Key::Char(' ') => self.paused = !self.paused,
            Key::Char('h' | '?') => self.help = true,
            Key::Char('r') => self.view.reverse = !self.view.reverse,
            Key::Char('v') => {
                self.view.grouping = match self.view.grouping {
                    Grouping::Services => Grouping::Servers,
                    Grouping::Servers => Grouping::Services,
                };
                self.first = 0;
            }
            Key::Char('/') => self.typed = Some(self.view.filter.clone()),
            Key::Escape => self.view.filter.clear(),
            Key::Up | Key::Char('k') => self.first = self.first.saturating_sub(1),
            Key::Down | Key::Char('j') => self.first += 1,
            Key::PageUp => self.first = self.first.saturating_sub(page),
            Key::PageDown => self.first += page,
            Key::Home | Key::Char('g') => self.first = 0,
            Key::End | Key::Char('G') => self.first = usize::MAX,
            Key::Char(char) => {
                if let Some(sort) = sort(char) {
                    self.view.sort = sort;
                    self.first = 0;
                }
            }
            Key::Backspace | Key::Control(_) => {}
        }
        self.keep_within(rows, room);
        Action::Draw
    }

    /// Keeps the last row at the end of the screen, for rows may have gone.
    pub(super) fn keep_within(&mut self, rows: usize, room: usize) {
        self.first = self.first.min(rows.saturating_sub(room.max(1)));
    }

    fn type_filter(&mut self, key: Key) {
        /// Longer than any name.
        const MOST: usize = 80;
        let Some(typed) = &mut self.typed else { return };
        match key {
            Key::Char(char) if typed.chars().count() < MOST => typed.push(char),
            Key::Backspace => drop(typed.pop()),
            Key::Enter => self.view.filter = self.typed.take().unwrap_or_default(),
            Key::Escape => self.typed = None,
            _ => {}
        }
    }
}

fn sort(char: char) -> Option<Sort> {
    Some(match char {
        'c' => Sort::Connections,
        'p' => Sort::Packets,
        'b' => Sort::Bytes,
        'a' => Sort::Active,
        'i' => Sort::All,
        'w' => Sort::Weight,
        'n' => Sort::Name,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn session() -> Session {
        let view =
            View { grouping: Grouping::Services, sort: Sort::Connections, reverse: false, filter: String::new() };
        Session::new(view)
    }

    #[test]
    fn keys_are_read() {
        use Key::{Char, Control, Down, End, Enter, Escape, Home, PageDown, Up};
        assert_eq!(
            read(b"q\r\x1b[A\x1bOB\x1b[6~\x1b[1~\x1b[F\x03"),
            [Char('q'), Enter, Up, Down, PageDown, Home, End, Control('c')]
        );
        assert_eq!(read(b"\x1b"), [Escape]);
        assert_eq!(read(b"\x1b[1;5Z\x1b[\xff"), []);
        assert_eq!(read("ä".as_bytes()), [Char('ä')]);
    }

    #[test]
    fn keys_move_and_filter() {
        let mut session = session();
        let mut press = |keys: &[u8]| {
            let mut last = Action::Draw;
            for key in read(keys) {
                last = session.take(key, 30, 10);
            }
            (last, session.first, session.view.filter.clone())
        };
        assert_eq!(press(b"jj\x1b[6~").1, 12);
        assert_eq!(press(b"G").1, 20);
        assert_eq!(press(b"\x1b[6~").1, 20, "no further than the end");
        assert_eq!(press(b"g").1, 0);
        assert_eq!(press(b"/10.0qx\x7f\r").2, "10.0q");
        assert_eq!(press(b"/zzz\x1b").2, "10.0q");
        assert_eq!(press(b"\x1b").2, "");
        assert_eq!(press(b"h").0, Action::Draw);
        assert_eq!(press(b"q").0, Action::Draw, "any key ends the help");
        assert_eq!(press(b"q").0, Action::Quit);
        assert_eq!(press(b"/q\x03").0, Action::Quit);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), rows in 0..50_usize, room in 0..50_usize) {
            let mut session = session();
            for key in read(&bytes) {
                session.take(key, rows, room);
                prop_assert!(session.first <= rows);
            }
        }
    }
}
