//! Which events are told by mail and to FIFOs, and in which words: keepalived's, where it has some.

use std::time::Duration;

use super::{
    control::Complaint,
    event::{Event, Subject},
};
use crate::{
    host::{
        User,
        script::{self, Runner},
    },
    notify::{FifoFault, Fifos, MailStatus, Mailer, Note},
    state::set::{About, MailSettings, Settings},
    vrrp::settings::Fifo,
};

/// Who is told, as the settings have it.
#[derive(Debug, Default)]
pub struct Alerts {
    mail: Option<(MailSettings, Mailer)>,
    fifos: Option<Fifos>,
}

impl Alerts {
    /// Takes settings, the first or other ones: what waits to be sent by the old ones still goes out, and FIFOs that are
    /// wanted as before stay open. Must be called inside a current-thread runtime.
    ///
    /// # Errors
    /// FIFOs or readers that cannot be had. Nothing has changed then, unless the kernel refuses a FIFO another owner.
    pub fn configure(&mut self, settings: &Settings) -> Result<(), Vec<Complaint>> {
        self.configure_fifos(&settings.fifos)?;
        if self.mail.as_ref().map(|(settings, _)| settings) != settings.mail.as_ref() {
            let new = settings.mail.clone().map(|settings| (settings.clone(), Mailer::new(settings)));
            if let Some((_, mailer)) = std::mem::replace(&mut self.mail, new) {
                tokio::spawn(mailer.finish(FAREWELL));
            }
        }
        Ok(())
    }

    fn configure_fifos(&mut self, wanted: &[Fifo]) -> Result<(), Vec<Complaint>> {
        if wanted.is_empty() && self.fifos.is_none() {
            return Ok(());
        }
        let user = User::for_scripts(None).map_err(|fault| vec![Complaint::new(&fault).hint(fault.hint())])?;
        let readers = wanted.iter().filter_map(|fifo| Some((fifo.path.display(), fifo.reader.as_ref()?)));
        let faults: Vec<_> = readers
            .filter_map(|(path, reader)| {
                let fault = script::check(reader, &user).err()?;
                Some(Complaint::new(format_args!("reader of FIFO {path}: {fault}")).hint(fault.hint()))
            })
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let fifos = self.fifos.get_or_insert_with(|| Fifos::new(Runner::new(user, script::AT_ONCE)));
        let faults =
            |faults: Vec<FifoFault>| faults.iter().map(|fault| Complaint::new(fault).hint(fault.hint())).collect();
        fifos.configure(wanted).map_err(faults)
    }

    /// Has an event told, if it is one to be told. Never waits.
    pub fn take(&self, event: &Event) {
        if let Some((settings, mailer)) = &self.mail
            && let Some(note) = note(event, settings)
        {
            mailer.push(note);
        }
        if let Some(fifos) = &self.fifos
            && let Some(line) = line(event)
        {
            fifos.write(&line);
        }
    }

    /// Returns how mail is doing; nothing if nobody gets any.
    pub fn mail_status(&self) -> Option<MailStatus> {
        self.mail.as_ref().map(|(_, mailer)| mailer.status())
    }

    /// Returns how many lines FIFOs have lost; nothing if there are none.
    pub fn lines_lost(&self) -> Option<u64> {
        self.fifos.as_ref().map(Fifos::lost)
    }

    /// Ends: what waits goes out, but not for longer than `limit`.
    pub async fn finish(self, limit: Duration) {
        let mail = async {
            if let Some((_, mailer)) = self.mail {
                mailer.finish(limit).await;
            }
        };
        let fifos = async {
            if let Some(fifos) = self.fifos {
                fifos.finish(limit).await;
            }
        };
        tokio::join!(mail, fifos);
    }
}

/// How long mail of settings that are replaced may take.
const FAREWELL: Duration = Duration::from_secs(60);

/// Returns what mail says of an event; nothing if it is none that people are told by mail, or that these settings want.
pub fn note(event: &Event, settings: &MailSettings) -> Option<Note> {
    let (subject, about, names) = told(event)?;
    let fault = event.what == "fault" && settings.no_faults;
    if fault || !settings.wants(about, names.iter().map(String::as_str)) {
        return None;
    }
    let mut text = event.to_string();
    if let Some(evidence) = &event.evidence {
        text.push_str("\nseen: ");
        text.push_str(evidence);
    }
    Some(Note { time: Duration::from_millis(event.time), subject, text })
}

/// Returns what FIFOs are told of a server or a service that comes or goes: keepalived's line, without the byte 0 that it has
/// behind the newline (keepalived reference 2.12). Virtual routers have FIFOs of their own process.
pub fn line(event: &Event) -> Option<String> {
    let state = one_of(&event.what, &["up", "down"])?;
    match &event.subject {
        Subject::Server { service, server } => {
            let (name, protocol) = endpoint(service);
            Some(format!("RS {} {name} {state}\n", bracketed(server, protocol.as_deref())))
        }
        Subject::Service(service) => Some(format!("VS {} {state}\n", endpoint(service).0)),
        Subject::Instance(_) | Subject::Group(_) | Subject::Session(_) | Subject::Process(_) => None,
    }
}

/// Returns the subject of a mail, what sort of thing it is about, and the names of that.
fn told(event: &Event) -> Option<(String, About, Vec<String>)> {
    let what = event.what.as_str();
    let told = match &event.subject {
        Subject::Server { service, server } => {
            let (_, protocol) = endpoint(service);
            let state = one_of(what, &["up", "down"])?;
            let subject = format!(
                "Realserver {} of virtual server {} - {state}",
                bracketed(server, protocol.as_deref()),
                endpoint(service).0
            );
            (subject, About::Servers, vec![format!("{server} of {service}"), server.clone(), service.clone()])
        }
        Subject::Service(service) => {
            let state = match what {
                "up" => "Quorum gained",
                "down" => "Quorum lost",
                _ => return None,
            };
            (format!("Virtualserver {} - {state}", endpoint(service).0), About::Services, vec![service.clone()])
        }
        Subject::Instance(name) => {
            let state = one_of(what, &["master", "backup", "fault", "stopped"])?;
            (format!("VRRP Instance {name} - Entering {state} state"), About::Instances, vec![name.clone()])
        }
        Subject::Group(name) => {
            let state = one_of(what, &["master", "backup", "fault", "stopped"])?;
            (format!("VRRP Group {name} - Entering {state} state"), About::Groups, vec![name.clone()])
        }
        Subject::Session(name) => {
            let state = one_of(what, &["up", "down"])?;
            (format!("BFD Session {name} - {state}"), About::Sessions, vec![name.clone()])
        }
        Subject::Process(name) => {
            // What belongs to starting and stopping is no alarm.
            one_of(what, &["ended", "lost"])?;
            (format!("{} - {}", event.text, what.to_uppercase()), About::Agent, vec![name.clone()])
        }
    };
    Some(told)
}

fn one_of(what: &str, known: &[&str]) -> Option<String> {
    known.contains(&what).then(|| what.to_uppercase())
}

/// Returns `[10.0.0.1]:tcp:80` for `TCP 10.0.0.1:80`, and its protocol.
fn endpoint(service: &str) -> (String, Option<String>) {
    match service.split_once(' ') {
        Some((protocol @ ("TCP" | "UDP" | "SCTP"), address)) => {
            let protocol = protocol.to_lowercase();
            (bracketed(address, Some(&protocol)), Some(protocol))
        }
        _ => (service.to_owned(), None),
    }
}

/// Returns `[10.0.0.5]:tcp:80` for `10.0.0.5:80`.
fn bracketed(address: &str, protocol: Option<&str>) -> String {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "0"));
    let host = host.trim_matches(['[', ']']);
    match protocol {
        Some(protocol) => format!("[{host}]:{protocol}:{port}"),
        None => format!("[{host}]:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::set;

    fn settings(more: &str) -> MailSettings {
        let line = format!("set mail --server h --from a@b --to c@d {more}");
        set::parse(std::iter::once((1, line.as_str()))).unwrap().mail.unwrap()
    }

    fn event(subject: Subject, what: &str) -> Event {
        Event::now(subject, what, "it is so").because("that")
    }

    fn server(service: &str, server: &str) -> Subject {
        Subject::Server { service: service.to_owned(), server: server.to_owned() }
    }

    #[test]
    fn subjects_are_those_of_keepalived() {
        let cases = [
            (
                event(server("TCP 10.0.0.1:80", "10.0.0.5:8080"), "down"),
                "Realserver [10.0.0.5]:tcp:8080 of virtual server [10.0.0.1]:tcp:80 - DOWN",
            ),
            (
                event(server("UDP [2001:db8::1]:53", "[2001:db8::5]:53"), "up"),
                "Realserver [2001:db8::5]:udp:53 of virtual server [2001:db8::1]:udp:53 - UP",
            ),
            (event(server("FWM 5", "10.0.0.5:0"), "up"), "Realserver [10.0.0.5]:0 of virtual server FWM 5 - UP"),
            (
                event(Subject::Service("TCP 10.0.0.1:80".to_owned()), "down"),
                "Virtualserver [10.0.0.1]:tcp:80 - Quorum lost",
            ),
            (event(Subject::Instance("VI_1".to_owned()), "master"), "VRRP Instance VI_1 - Entering MASTER state"),
            (event(Subject::Session("b".to_owned()), "down"), "BFD Session b - DOWN"),
        ];
        for (event, subject) in cases {
            let note = note(&event, &settings("")).unwrap();
            assert_eq!((note.subject.as_str(), note.text.as_str()), (subject, "it is so: that"));
        }
        for (subject, what) in [
            (Subject::Instance("VI_1".to_owned()), "rejected"),
            (Subject::Group("G".to_owned()), "master"),
            (Subject::Service("FWM 5".to_owned()), "adopted"),
            (Subject::Process("vrrp".to_owned()), "ready"),
        ] {
            assert_eq!(note(&event(subject, what), &settings("")), None, "{what}");
        }
    }

    #[test]
    fn lines_are_those_of_keepalived() {
        let cases = [
            (server("TCP 10.0.0.1:80", "10.0.0.5:8080"), "down", "RS [10.0.0.5]:tcp:8080 [10.0.0.1]:tcp:80 DOWN\n"),
            (server("FWM 5", "10.0.0.5:0"), "up", "RS [10.0.0.5]:0 FWM 5 UP\n"),
            (Subject::Service("UDP [2001:db8::1]:53".to_owned()), "down", "VS [2001:db8::1]:udp:53 DOWN\n"),
        ];
        for (subject, what, wanted) in cases {
            assert_eq!(line(&event(subject, what)).as_deref(), Some(wanted));
        }
        assert_eq!(line(&event(Subject::Service("FWM 5".to_owned()), "adopted")), None);
        assert_eq!(line(&event(Subject::Session("b".to_owned()), "up")), None);
    }

    #[test]
    fn what_is_said_of_one_thing_goes_first() {
        let wants =
            |settings: &str, subject: Subject| note(&event(subject, "down"), &self::settings(settings)).is_some();
        let one = server("TCP 10.0.0.1:80", "10.0.0.5:80");
        assert!(!wants("--not 'TCP 10.0.0.1:80'", one.clone()));
        assert!(wants("--not 'TCP 10.0.0.1:80' --also '10.0.0.5:80 of TCP 10.0.0.1:80'", one.clone()));
        assert!(!wants("--about instances", one.clone()));
        assert!(wants("--about instances --also 10.0.0.5:80", one));
        assert!(!wants("--not 'fwm 5'", Subject::Service("FWM 5".to_owned())));
        let fault = event(Subject::Instance("VI_1".to_owned()), "fault");
        assert!(note(&fault, &settings("")).is_some());
        assert_eq!(note(&fault, &settings("--no-faults --also VI_1")), None);
    }
}
