//! Notes → mails: which of them go together, headers, body. No IO.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use crate::model::calendar;

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When it happened: since 1970, UTC.
    pub time: Duration,
    /// In a few words: `Realserver [10.0.0.5]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - DOWN`.
    pub subject: String,
    /// All there is to say; several lines are possible.
    pub text: String,
}

impl Note {
    /// Returns a note of this moment.
    pub fn now(subject: &str, text: &str) -> Self {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { time, subject: subject.to_owned(), text: text.to_owned() }
    }
}

/// A mail, but for who sends it and gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// When what it tells happened last.
    pub(super) time: Duration,
    pub(super) subject: String,
    pub(super) body: String,
}

/// The most letters of a subject.
const MOST_SUBJECT: usize = 200;

impl Message {
    /// Returns the mails for notes, of which `left_out` more were left out.
    pub(super) fn of(notes: &[Note], left_out: u64) -> Vec<Self> {
        if notes.len() <= super::SINGLE && left_out == 0 {
            let single = |note: &Note| {
                let body = format!("{}\n{}\n", date(note.time), note.text);
                Self { time: note.time, subject: note.subject.clone(), body }
            };
            return notes.iter().map(single).collect();
        }
        let Some(last) = notes.last() else { return Vec::new() };
        let mut body = String::new();
        if left_out > 0 {
            let _ = writeln!(body, "{left_out} more came before, and were left out because mail was too slow.\n");
        }
        for note in notes {
            let _ = writeln!(body, "{}\n{}\n{}\n", note.subject, date(note.time), note.text);
        }
        let count = notes.len() as u64 + left_out;
        vec![Self { time: last.time, subject: format!("{count} events, the last: {}", last.subject), body }]
    }

    /// Returns the mail as it stands between DATA and the dot: headers, an empty line, the body, each line ending with CR
    /// LF, dots in front doubled (RFC 5321, section 4.5.2).
    pub(super) fn text(&self, envelope: &Headers<'_>) -> Vec<u8> {
        let Headers { from, to, tag, id } = envelope;
        let mut text = String::new();
        let _ = write!(
            text,
            "Date: {}\r\nFrom: {}\r\nTo: {}\r\n",
            date(self.time),
            header(from),
            header(&to.join(",\r\n "))
        );
        let subject: String = header(&format!("[{tag}] {}", self.subject)).chars().take(MOST_SUBJECT).collect();
        let _ = write!(text, "Subject: {subject}\r\nMessage-ID: <{}>\r\n", header(id));
        // Nobody's absence notice should answer (RFC 3834).
        text.push_str("Auto-Submitted: auto-generated\r\nX-Mailer: lvsadm\r\nMIME-Version: 1.0\r\n");
        text.push_str("Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
        for line in self.body.lines() {
            let line = quoted_printable(line);
            if line.starts_with('.') {
                text.push('.');
            }
            text.push_str(&line.replace("=\r\n.", "=\r\n.."));
            text.push_str("\r\n");
        }
        text.into_bytes()
    }
}

/// What a mail says of itself beside its content.
#[derive(Clone, Debug)]
pub(super) struct Headers<'a> {
    pub(super) from: &'a str,
    pub(super) to: Vec<&'a str>,
    pub(super) tag: &'a str,
    /// Of all mails there are (RFC 5322, section 3.6.4), without angle brackets.
    pub(super) id: String,
}

/// Takes out of a header what could end it, and what is not ASCII; folded lines stay.
fn header(text: &str) -> String {
    let folded = text.split("\r\n ").map(|line| {
        let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
        line.chars().map(plain).collect::<String>()
    });
    folded.collect::<Vec<_>>().join("\r\n ")
}

/// Encodes a line (RFC 2045, section 6.7): what is not plain ASCII, and lines of more than 76 letters.
fn quoted_printable(line: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    let last = line.len().saturating_sub(1);
    for (at, byte) in line.bytes().enumerate() {
        let plain = (b'!'..=b'~').contains(&byte) && byte != b'=' || byte == b' ' && at != last;
        let width = if plain { 1 } else { 3 };
        if column + width > 75 {
            text.push_str("=\r\n");
            column = 0;
        }
        column += width;
        if plain {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "={byte:02X}");
        }
    }
    text
}

/// Returns a date as mails have it (RFC 5322, section 3.3): `Sun, 22 Nov 2026 20:35:30 +0000`.
fn date(since_epoch: Duration) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let seconds = since_epoch.as_secs();
    let days = seconds / 86_400;
    let (year, month, day) = calendar(days);
    let named = |names: &[&'static str], at: u64| names.get(at as usize).copied().unwrap_or_default();
    let (name, month) = (named(&DAYS, days % 7), named(&MONTHS, month - 1));
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{name}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note(number: u64) -> Note {
        let time = Duration::from_secs(1_795_379_730 + number);
        Note { time, subject: format!("subject {number}"), text: format!("text {number}") }
    }

    fn text(message: &Message) -> String {
        let headers = Headers {
            from: "lvs@example.org",
            to: vec!["Ops <ops@example.org>", "b@c"],
            tag: "lb1",
            id: "1@lb1".into(),
        };
        String::from_utf8(message.text(&headers)).unwrap()
    }

    #[test]
    fn a_few_notes_are_mails_and_many_are_one() {
        let notes: Vec<_> = (1..=6).map(note).collect();
        assert_eq!(Message::of(&notes[..5], 0).len(), 5);
        let [many] = Message::of(&notes, 0).try_into().unwrap();
        assert_eq!(many.subject, "6 events, the last: subject 6");
        assert!(many.body.contains("subject 1\nSun, 22 Nov 2026 20:35:31 +0000\ntext 1\n"), "{}", many.body);
        let [late] = Message::of(&notes[..1], 7).try_into().unwrap();
        assert_eq!(late.subject, "8 events, the last: subject 1");
        assert!(late.body.starts_with("7 more came before"), "{}", late.body);
        assert_eq!(Message::of(&[], 0), []);
    }

    #[test]
    fn a_mail_is_one() {
        let [message] = Message::of(&[note(0)], 0).try_into().unwrap();
        assert_eq!(
            text(&message),
            "Date: Sun, 22 Nov 2026 20:35:30 +0000\r\nFrom: lvs@example.org\r\nTo: Ops <ops@example.org>,\r\n b@c\r\n\
             Subject: [lb1] subject 0\r\nMessage-ID: <1@lb1>\r\nAuto-Submitted: auto-generated\r\nX-Mailer: lvsadm\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n\
             Sun, 22 Nov 2026 20:35:30 +0000\r\ntext 0\r\n"
        );
    }

    #[test]
    fn nothing_in_a_note_becomes_a_header_or_an_end() {
        let evil = "x\r\nBcc: a@b\r\n.\r\nQUIT\u{1b}\u{85} ä";
        let note = Note {
            time: Duration::ZERO,
            subject: evil.to_owned(),
            text: format!("{evil}\n.\n.x\n{}", ".".repeat(200)),
        };
        let text = text(&Message::of(&[note], 0)[0]);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("\r\nBcc") && head.contains("Subject: [lb1] x??Bcc: a@b"), "{head}");
        assert!(body.lines().all(|line| !line.starts_with('.') || line.starts_with("..")), "{body}");
        assert!(text.is_ascii() && text.split("\r\n").all(|line| !line.contains(['\r', '\n']) && line.len() <= 220));
    }

    proptest! {
        #[test]
        fn lines_are_short_and_plain(line in r"\PC{0,300}") {
            let encoded = quoted_printable(&line);
            prop_assert!(encoded.split("\r\n").all(|line| line.len() <= 76 && line.is_ascii()));
        }
    }
}
