//! The client's side of one mail's way to a server (RFC 5321), with STARTTLS (RFC 3207) and AUTH (RFC 4954), as a state
//! machine: bytes in, actions out. No IO, no clock; a server may say what it likes.

use std::{collections::VecDeque, fmt::Write as _};

use crate::check::answer::quoted;

/// The longest line of a reply, with its end. RFC 5321, section 4.5.3.1.5, has 512; servers have said more.
const LONGEST: usize = 4096;

/// Most lines of one reply.
const MOST_LINES: usize = 100;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// These bytes go to the server; then it is its turn.
    Send(Vec<u8>),
    /// The connection is to be made secure, and then [`Client::is_secure`] to be called.
    Secure,
    /// The server has the mail; these bytes end the conversation, whatever it answers.
    Done(Vec<u8>),
}

/// Why the server does not have the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What was wrong, for people; without passwords.
    pub(super) text: String,
    /// Whether it makes no sense to try again.
    pub(super) is_final: bool,
}

/// What a client says.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// How we call ourselves.
    pub(super) helo: String,
    /// Whether STARTTLS has to come first.
    pub(super) starttls: bool,
    /// User name and password.
    pub(super) auth: Option<(String, String)>,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    /// The mail, lines ending with CR LF, dots in front doubled.
    pub(super) text: Vec<u8>,
}

/// What the next reply is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    AuthPlain,
    AuthLogin,
    AuthUser,
    AuthPassword,
    From,
    To(usize),
    Data,
    Text,
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Client {
    script: Script,
    step: Step,
    secure: bool,
    held: VecDeque<u8>,
    /// Lines of the reply that is coming in, without their codes.
    lines: Vec<String>,
    /// Recipients that the server took.
    taken: usize,
    /// What it said against others.
    refused: Vec<String>,
}

impl Client {
    /// Begins: the server greets first. `secure` if the connection is so already.
    pub(super) fn new(script: Script, secure: bool) -> Self {
        let (held, lines) = (VecDeque::new(), Vec::new());
        Self { script, step: Step::Greeting, secure, held, lines, taken: 0, refused: Vec::new() }
    }

    /// Takes what the server says, and returns what to do, if it is our turn.
    ///
    /// # Errors
    /// It does not take the mail, or makes no sense.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Option<Action>, Fault> {
        self.held.extend(bytes);
        while let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.held.drain(..=end).collect();
            let Some(code) = self.line(&line)? else { continue };
            let lines = std::mem::take(&mut self.lines);
            if self.step == Step::StartTls && !self.held.is_empty() {
                // Whoever said it may not be the one who will be on the secure connection.
                return Err(self.nonsense("more than one answer to STARTTLS"));
            }
            return self.reply(code, &lines).map(Some);
        }
        if self.held.len() > LONGEST { Err(self.nonsense("a line without end")) } else { Ok(None) }
    }

    /// Is told that the connection is secure now; returns what to say.
    pub(super) fn is_secure(&mut self) -> Action {
        self.secure = true;
        // What was heard before may have been anybody's.
        self.held.clear();
        self.say(Step::Ehlo, format!("EHLO {}", self.script.helo))
    }

    /// Returns what the server said against some of the recipients, when others were taken.
    pub(super) fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Returns what the server is to answer now, for people.
    pub(super) fn awaits(&self) -> &'static str {
        match self.step {
            Step::Greeting => "the greeting",
            Step::Ehlo => "EHLO",
            Step::Helo => "HELO",
            Step::StartTls => "STARTTLS",
            Step::AuthPlain | Step::AuthLogin | Step::AuthUser | Step::AuthPassword => "AUTH",
            Step::From => "MAIL",
            Step::To(_) => "RCPT",
            Step::Data => "DATA",
            Step::Text => "the mail",
        }
    }

    /// Takes a line; returns the code if it is the last one of a reply (RFC 5321, section 4.2).
    fn line(&mut self, line: &[u8]) -> Result<Option<u16>, Fault> {
        let line = line.trim_ascii_end();
        let code = line.get(..3).and_then(|code| str::from_utf8(code).ok()).and_then(|code| code.parse::<u16>().ok());
        let separator = line.get(3);
        let (Some(code @ 200..600), true) = (code, matches!(separator, None | Some(b' ' | b'-'))) else {
            return Err(self.nonsense(&quoted(line)));
        };
        if line.len() > LONGEST || self.lines.len() >= MOST_LINES {
            return Err(self.nonsense("a reply without end"));
        }
        self.lines.push(String::from_utf8_lossy(line.get(4..).unwrap_or_default()).into_owned());
        Ok((separator != Some(&b'-')).then_some(code))
    }

    fn reply(&mut self, code: u16, lines: &[String]) -> Result<Action, Fault> {
        let good = match self.step {
            Step::AuthLogin | Step::AuthUser => code == 334,
            Step::Data => code == 354,
            // 251 and 252: it will see to it.
            _ => (200..300).contains(&code),
        };
        if let Step::To(at) = self.step {
            if good {
                self.taken += 1;
            } else {
                let to = self.script.to.get(at).cloned().unwrap_or_default();
                self.refused.push(format!("{to}: {}", said(code, lines)));
            }
            return self.recipient(at + 1, code);
        }
        // An old server.
        if self.step == Step::Ehlo && (500..600).contains(&code) && !self.script.starttls && self.script.auth.is_none()
        {
            return Ok(self.say(Step::Helo, format!("HELO {}", self.script.helo)));
        }
        if !good {
            let text = format!("the server answered {} with {}", self.awaits(), said(code, lines));
            return Err(Fault { text, is_final: code >= 500 });
        }
        match self.step {
            Step::Greeting => Ok(self.say(Step::Ehlo, format!("EHLO {}", self.script.helo))),
            Step::Ehlo => self.greeted(lines),
            Step::Helo | Step::AuthPlain | Step::AuthPassword => Ok(self.sender()),
            Step::StartTls => Ok(Action::Secure),
            Step::AuthLogin => {
                let user = self.script.auth.as_ref().map_or("", |(user, _)| user).to_owned();
                Ok(self.say(Step::AuthUser, base64(user.as_bytes())))
            }
            Step::AuthUser => {
                let password = self.script.auth.as_ref().map_or("", |(_, password)| password).to_owned();
                Ok(self.say(Step::AuthPassword, base64(password.as_bytes())))
            }
            Step::From => self.recipient(0, code),
            Step::To(_) => self.recipient(usize::MAX, code),
            Step::Data => {
                self.step = Step::Text;
                let mut text = std::mem::take(&mut self.script.text);
                text.extend_from_slice(b".\r\n");
                Ok(Action::Send(text))
            }
            Step::Text => Ok(Action::Done(b"QUIT\r\n".to_vec())),
        }
    }

    /// Goes on after EHLO, with what the server says it can do.
    fn greeted(&mut self, lines: &[String]) -> Result<Action, Fault> {
        let can = |word: &str| {
            lines.iter().skip(1).find_map(|line| {
                let mut words = line.split_ascii_whitespace();
                words
                    .next()
                    .filter(|first| first.eq_ignore_ascii_case(word))
                    .map(|_| words.map(str::to_ascii_uppercase))
            })
        };
        let cannot = |text: &str| Fault { text: text.to_owned(), is_final: true };
        if self.script.starttls && !self.secure {
            return match can("STARTTLS") {
                Some(_) => Ok(self.say(Step::StartTls, "STARTTLS".to_owned())),
                None => Err(cannot("the server knows no STARTTLS")),
            };
        }
        let Some((user, password)) = &self.script.auth else { return Ok(self.sender()) };
        let ways: Vec<String> = can("AUTH").into_iter().flatten().collect();
        if ways.iter().any(|way| way == "PLAIN") {
            // RFC 4616.
            let words = base64(format!("\0{user}\0{password}").as_bytes());
            return Ok(self.say(Step::AuthPlain, format!("AUTH PLAIN {words}")));
        }
        if ways.iter().any(|way| way == "LOGIN") {
            return Ok(self.say(Step::AuthLogin, "AUTH LOGIN".to_owned()));
        }
        Err(cannot("the server takes user names neither by AUTH PLAIN nor by AUTH LOGIN"))
    }

    fn sender(&mut self) -> Action {
        self.say(Step::From, format!("MAIL FROM:<{}>", self.script.from))
    }

    /// Names the next recipient; after the last one the mail comes, if somebody gets it.
    fn recipient(&mut self, at: usize, code: u16) -> Result<Action, Fault> {
        if let Some(to) = self.script.to.get(at) {
            let line = format!("RCPT TO:<{to}>");
            return Ok(self.say(Step::To(at), line));
        }
        if self.taken == 0 {
            let text = format!("the server takes mail for nobody: {}", self.refused.join("; "));
            return Err(Fault { text, is_final: code >= 500 });
        }
        Ok(self.say(Step::Data, "DATA".to_owned()))
    }

    fn say(&mut self, step: Step, mut line: String) -> Action {
        self.step = step;
        line.push_str("\r\n");
        Action::Send(line.into_bytes())
    }

    fn nonsense(&self, what: &str) -> Fault {
        Fault {
            text: format!("the server said {what} where an answer to {} was expected", self.awaits()),
            is_final: false,
        }
    }
}

/// Returns a reply for people.
fn said(code: u16, lines: &[String]) -> String {
    format!("{code} {}", quoted(lines.first().map_or("", String::as_str).as_bytes()))
}

/// Encodes bytes (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let digit = (group >> (18 - 6 * place) & 63) as usize;
            let _ = write!(text, "{}", DIGITS.get(digit).map_or('=', |digit| char::from(*digit)));
        }
        text.push_str("==".get(chunk.len() - 1..).unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn script() -> Script {
        Script {
            helo: "lb1".to_owned(),
            starttls: false,
            auth: None,
            from: "a@b".to_owned(),
            to: vec!["c@d".to_owned(), "e@f".to_owned()],
            text: b"Subject: x\r\n\r\ny\r\n".to_vec(),
        }
    }

    /// Lets a server say these things, one after each of ours; returns what we said and how it ended.
    fn talk(script: Script, says: &[&str]) -> (Vec<String>, Result<(), Fault>) {
        let mut client = Client::new(script, false);
        let mut said = Vec::new();
        for line in says {
            let action = match client.take(line.as_bytes()) {
                Ok(Some(Action::Secure)) => {
                    said.push("secure".to_owned());
                    Ok(Some(client.is_secure()))
                }
                other => other,
            };
            match action {
                Ok(Some(Action::Send(bytes))) => said.push(String::from_utf8(bytes).unwrap().trim_end().to_owned()),
                Ok(Some(Action::Done(_))) => return (said, Ok(())),
                Ok(_) => {}
                Err(fault) => return (said, Err(fault)),
            }
        }
        let text = format!("waits for {}", client.awaits());
        (said, Err(Fault { text, is_final: false }))
    }

    #[test]
    fn a_mail_goes_its_way() {
        let (said, end) = talk(
            script(),
            &[
                "220-hello\r\n220 mx\r\n",
                "250-mx\r\n250 SIZE\r\n",
                "250 ok\n",
                "250\r\n",
                "550 no\r\n",
                "354 go\r\n",
                "250 ok\r\n",
            ],
        );
        assert_eq!(end, Ok(()));
        let mail = "Subject: x\r\n\r\ny\r\n.";
        assert_eq!(said, ["EHLO lb1", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "RCPT TO:<e@f>", "DATA", mail]);
        let (said, _) = talk(script(), &["220 old\r\n", "502 what?\r\n", "250 ok\r\n"]);
        assert_eq!(said, ["EHLO lb1", "HELO lb1", "MAIL FROM:<a@b>"]);
    }

    #[test]
    fn passwords_go_over_secure_connections_only() {
        let auth = Some(("user".to_owned(), "pass".to_owned()));
        let secret = Script { starttls: true, auth, ..script() };
        let (said, _) = talk(
            secret.clone(),
            &[
                "220 a\r\n",
                "250-a\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n",
                "220 go\r\n",
                "250-a\r\n250 auth login plain\r\n",
                "235 ok\r\n",
            ],
        );
        assert_eq!(said[1..5], ["STARTTLS", "secure", "EHLO lb1", "AUTH PLAIN AHVzZXIAcGFzcw=="]);
        let login = &[
            "220 a\r\n",
            "250-a\r\n250 STARTTLS\r\n",
            "220 go\r\n",
            "250-a\r\n250 AUTH LOGIN\r\n",
            "334 VXNl\r\n",
            "334 \r\n",
            "235 ok\r\n",
        ];
        let (said, _) = talk(secret.clone(), login);
        assert_eq!(said[4..], ["AUTH LOGIN", "dXNlcg==", "cGFzcw==", "MAIL FROM:<a@b>"]);
        for (says, why) in [
            (vec!["220 a\r\n", "250 AUTH PLAIN\r\n"], "the server knows no STARTTLS"),
            (vec!["220 a\r\n", "502 no\r\n"], "the server answered EHLO with 502 \"no\""),
            (
                vec!["220 a\r\n", "250-a\r\n250 STARTTLS\r\n", "220 go\r\n250 more\r\n"],
                "the server said more than one answer to STARTTLS where an answer to STARTTLS was expected",
            ),
            (
                vec!["220 a\r\n", "250-a\r\n250 STARTTLS\r\n", "220 go\r\n", "250-a\r\n250 AUTH GSSAPI\r\n"],
                "the server takes user names neither by AUTH PLAIN nor by AUTH LOGIN",
            ),
        ] {
            let (said, end) = talk(secret.clone(), &says);
            assert_eq!(end.unwrap_err().text, why);
            assert!(!said.iter().any(|line| line.contains("AHVz")), "{said:?}");
        }
    }

    #[test]
    fn what_may_change_is_tried_again() {
        for (says, text, is_final) in [
            (vec!["421 busy\r\n"], "the server answered the greeting with 421 \"busy\"", false),
            (vec!["554 go away\x1b[2J\r\n"], "the server answered the greeting with 554 \"go away?[2J\"", true),
            (vec!["SSH-2.0\r\n"], "the server said \"SSH-2.0\" where an answer to the greeting was expected", false),
            (
                vec!["220 a\r\n", "250 a\r\n", "250 a\r\n", "550 x\r\n", "450 y\r\n"],
                "the server takes mail for nobody: c@d: 550 \"x\"; e@f: 450 \"y\"",
                false,
            ),
        ] {
            assert_eq!(talk(script(), &says).1, Err(Fault { text: text.to_owned(), is_final }));
        }
        let endless = "220-x\r\n".repeat(101);
        assert!(talk(script(), &[&endless]).1.unwrap_err().text.contains("a reply without end"));
        assert!(talk(script(), &[&"2".repeat(5000)]).1.unwrap_err().text.contains("a line without end"));
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    proptest! {
        #[test]
        fn no_server_makes_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut client = Client::new(script(), false);
            for piece in pieces {
                match client.take(&piece) {
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        }

        #[test]
        fn no_replies_make_it_panic(replies in prop::collection::vec((200_u16..600, r"[ -~]{0,20}"), 0..20)) {
            let mut client = Client::new(Script { starttls: true, ..script() }, false);
            for (code, text) in replies {
                match client.take(format!("{code} {text}\r\n").as_bytes()) {
                    Ok(Some(Action::Secure)) => _ = client.is_secure(),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        }
    }
}
