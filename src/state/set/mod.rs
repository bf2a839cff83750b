//! Lines of a save file about the agent itself ↔ settings: `set mail OPTIONS`, `set notify OPTIONS`. The options are tables, as those of VRRP.

mod mail;
mod notify;

use super::{
    file::{Fault, without_program},
    vrrp::{
        Given, Grammar, Section, fifo,
        option::{edit, print, read},
        reader::Reader,
        values::nearest,
    },
    words,
};
use crate::vrrp::settings::Fifo;

pub use mail::{About, Address, MailGrammar, MailSettings, Security, Subject};
pub use notify::{NotifyGrammar, notify_line};

/// What the lines say about the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who gets mail, and how; `None` = nobody.
    pub mail: Option<MailSettings>,
    /// FIFOs that are told of servers and services that come and go.
    pub fifos: Vec<Fifo>,
}

/// What there is to set: one line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Who gets mail.
    Mail,
    /// FIFOs.
    Notify,
}

impl Topic {
    const ALL: [Self; 2] = [Self::Mail, Self::Notify];

    /// Returns its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Notify => "notify",
        }
    }

    fn sections(self) -> &'static [&'static Section] {
        match self {
            Self::Mail => MailGrammar::SECTIONS,
            Self::Notify => NotifyGrammar::SECTIONS,
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == word)
    }
}

/// Reads lines about the agent, with their numbers from 1.
///
/// # Errors
/// All faults, in the order of their lines.
pub fn parse<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Result<Settings, Vec<Fault>> {
    let mut settings = Settings::default();
    let mut faults = Vec::new();
    let mut known: Vec<(Topic, usize)> = Vec::new();
    for (line, text) in lines {
        let words = match words::split(text) {
            Ok(words) => words,
            Err(unsplit) => {
                let (column, message) = (unsplit.column(), unsplit.to_string());
                faults.push(Fault { line, column, message, hint: None });
                continue;
            }
        };
        let [set, topic, options @ ..] = without_program(&words) else {
            let hint = Some(format!("lines are: set {} …", Topic::ALL.map(Topic::name).join(" …, set ")));
            faults.push(Fault { line, column: 1, message: "what is to be set is missing behind set".to_owned(), hint });
            continue;
        };
        let mut refuse = |message: String, hint: Option<String>| {
            faults.push(Fault { line, column: topic.column, message, hint });
        };
        let Some(about) = Topic::of(&topic.text) else {
            let meant = nearest(&topic.text, Topic::ALL.map(Topic::name).into_iter());
            let hint = meant.map(|meant| format!("did you mean set {meant}?"));
            refuse(format!("there is nothing to set that is called `{}`", topic.text), hint);
            continue;
        };
        let name = format!("set {}", about.name());
        if let Some((_, first)) = known.iter().find(|(known, _)| *known == about) {
            refuse(format!("`{name}` is there already, in line {first}"), Some("keep one of the two".to_owned()));
            continue;
        }
        known.push((about, line));
        let (given, wrong) = read(about.sections(), options, line);
        let mut reader = Reader::new(name, line, set.column, &given);
        match about {
            Topic::Mail => settings.mail = mail::settings(&mut reader),
            Topic::Notify => settings.fifos = fifo::read(&mut reader),
        }
        faults.extend(wrong);
        faults.append(&mut reader.faults);
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    if faults.is_empty() { Ok(settings) } else { Err(faults) }
}

/// Returns what a line sets.
pub fn topic(line: &str) -> Option<Topic> {
    let words = words::split(line).ok()?;
    match without_program(&words) {
        [set, topic, ..] if set.text == "set" => Topic::of(&topic.text),
        _ => None,
    }
}

/// Returns the line of a topic with changes to its options; `line` may be empty if there was none. `unset` are words
/// `OPTION` or `OPTION=WORD` that go back to the default.
///
/// # Errors
/// What is wrong with the line or with `unset`: text and hint of each.
pub fn edited(
    topic: Topic,
    line: &str,
    changes: Vec<Given>,
    unset: &[String],
) -> Result<String, Vec<(String, Option<String>)>> {
    let words = words::split(line).map_err(|unsplit| vec![(unsplit.to_string(), None)])?;
    let options = without_program(&words).get(2..).unwrap_or_default();
    let (base, faults) = read(topic.sections(), options, 0);
    if !faults.is_empty() {
        return Err(faults.into_iter().map(|fault| (fault.message, fault.hint)).collect());
    }
    let given = edit(topic.sections(), base, changes, unset);
    let given = given.map_err(|wrong| wrong.into_iter().map(|wrong| (wrong.why, wrong.hint)).collect::<Vec<_>>())?;
    Ok(format!("set {}{}", topic.name(), print(&given)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> Result<MailSettings, Vec<(usize, String)>> {
        let parsed = parse(std::iter::once((1, line)));
        let places = |faults: Vec<Fault>| faults.into_iter().map(|fault| (fault.column, fault.message)).collect();
        parsed.map(|settings| settings.mail.expect("mail")).map_err(places)
    }

    #[test]
    fn mail() {
        let plain =
            one("set mail --server mx.example.org --from lvs@example.org --to 'Ops Team <ops@example.org>'").unwrap();
        assert_eq!((plain.server.as_str(), plain.port, plain.security), ("mx.example.org", 25, Security::None));
        assert_eq!(plain.to[0].address, "ops@example.org");
        assert!(plain.about.contains(&About::Servers) && plain.wants(About::Instances, ["VI_1"].into_iter()));
        let all = one(
            "lvsadm set mail --server [2001:db8::1]:587 --from a@b --to c@d --to e@f --starttls --auth-file /etc/mail.auth \
             --helo lb1.example.org --tag lb1 --timeout 5s --about servers --about instances --not VI_2 --authorities /ca.pem",
        )
        .unwrap();
        assert_eq!((all.server.as_str(), all.port, all.to.len()), ("2001:db8::1", 587, 2));
        assert!(
            all.wants(About::Servers, ["TCP 10.0.0.1:80"].into_iter())
                && !all.wants(About::Instances, ["VI_2"].into_iter())
        );
        assert!(!all.wants(About::Services, ["TCP 10.0.0.1:80"].into_iter()));
        assert_eq!(one("set mail --server h --tls --from a@b --to c@d").unwrap().port, 465);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let faults = one(
            "set mail --server 'a b' --from nobody --to 'x\u{7f}@y' --tls --starttls --timeout 0 --about everything --colour red",
        )
        .unwrap_err();
        assert_eq!(faults.len(), 7, "{faults:#?}");
        let missing = one("set mail --auth-file /x --no-verify").unwrap_err();
        let texts: Vec<_> = missing.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts.len(), 5, "{texts:#?}");
        for (line, column) in [("set", 1), ("set male", 5), ("set mail 'x", 10)] {
            assert_eq!(one(line).unwrap_err()[0].0, column, "{line}");
        }
        let twice = parse([(1, "set mail --server h --from a@b --to c@d"), (5, "set mail --server h")].into_iter());
        assert_eq!(twice.unwrap_err().iter().map(|fault| fault.line).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn edits_touch_what_they_name() {
        let line = "set mail --server h --from a@b --to c@d --to e@f";
        let unset = ["to=c@d".to_owned()];
        let edited_mail = |line, unset: &[String]| edited(Topic::Mail, line, Vec::new(), unset);
        let edited = edited_mail(line, &unset).unwrap();
        assert_eq!(edited, "set mail --server h --from a@b --to e@f");
        assert_eq!(edited_mail("", &[]).unwrap(), "set mail");
        let topics = ["lvsadm set mail --to x", "set notify", "set male", "vrrp set mail"].map(topic);
        assert_eq!(topics, [Some(Topic::Mail), Some(Topic::Notify), None, None]);
        assert!(edited_mail(line, &["tls".to_owned()]).is_err());
    }

    #[test]
    fn fifos() {
        let line = "set notify --fifo '/run/a owner alice:b reader /bin/x y' --fifo /run/b";
        let read = |line: &str| parse(std::iter::once((1, line)));
        let settings = read(line).unwrap();
        assert_eq!((settings.fifos.len(), settings.mail), (2, None));
        assert_eq!(notify_line(&settings.fifos), line);
        let unset = ["fifo=/run/a".to_owned()];
        assert_eq!(edited(Topic::Notify, line, Vec::new(), &unset).unwrap(), "set notify --fifo /run/b");
        let faults = read("set notify --fifo x --fifo '/a reader' --fifo /b --fifo /b --pipe").unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:#?}");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in r"set mail( --(server|from|to|about|timeout|not|port) \PC{0,12}){0,5}|\PC{0,60}") {
            let _ = parse(std::iter::once((1, line.as_str())));
        }
    }
}
