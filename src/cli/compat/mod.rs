//! ipvsadm's own command line: `ipvsadm`, `ipvsadm-save`, `ipvsadm-restore`.
//!
//! Behaves as ipvsadm 1.31: output byte for byte, messages, exit statuses. Where that crashes, or loses or destroys
//! data, the safe thing is done instead, and a comment there says so.

mod connections;
mod help;
pub(super) mod layout;
mod messages;
mod restore;
pub(super) mod sort;

use std::{
    cell::OnceCell,
    ffi::OsString,
    io::{self, BufWriter, Stdout, Write},
    net::IpAddr,
    path::Path,
};

use nix::unistd;

use crate::{
    cli::{
        Error,
        holder::{self, Holder, is_held, made},
    },
    ipvs::{self, Client, OpenError, procfs},
    model::{Change, Protocol, ServiceKey, Snapshot},
    state::{
        grammar::{self, Class, Command, Fault, FaultKind, Listing, Subject},
        names::Resolver,
        print,
    },
};

/// The three programs that lvsadm can stand in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `ipvsadm`
    Ipvsadm,
    /// `ipvsadm-save`
    Save,
    /// `ipvsadm-restore`
    Restore,
}

/// Runs a command line of `program`, which was called as `name`.
pub fn run(name: &str, program: Program, args: &[OsString]) -> u8 {
    let words: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    // The two others are scripts that call `ipvsadm`, so that is the name in their messages.
    let own_name = if program == Program::Ipvsadm { name } else { "ipvsadm" };
    let result = match program {
        Program::Ipvsadm => command_line(own_name, &words),
        Program::Save if words.iter().any(|word| word.starts_with('-') && word != "-n") => Err(Failure::SaveUsage),
        Program::Save => {
            let numeric = words.iter().any(|word| word == "-n");
            Session::open(own_name).and_then(|mut session| session.finish(|session| session.save(numeric)))
        }
        Program::Restore => Session::open(own_name).and_then(|mut session| session.finish(restore::from_file)),
    };
    result.unwrap_or_else(|failure| failure.report(name))
}

/// Runs what one command line asks for.
fn command_line(name: &str, words: &[String]) -> Result<u8, Failure> {
    let names = Resolver::new();
    let parsed = grammar::parse(words, &names);
    // ipvsadm wants a kernel and root even for these two.
    match parsed.as_ref().map(|parsed| &parsed.command) {
        Ok(Command::Help) => return say(&help::help(name)),
        Ok(Command::Version) => return say(help::version()),
        _ => {}
    }
    let mut session = Session { names, ..Session::open(name)? };
    session.finish(|session| match parsed {
        Ok(parsed) if parsed.command == Command::Restore => restore::from_stdin(session),
        Ok(parsed) => session.run(&parsed.command).map(Flow::status),
        Err(fault) => session.fault(&fault).map(Flow::status),
    })
}

fn say(text: &str) -> Result<u8, Failure> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)?;
    Ok(0)
}

/// Whether the lines of a restore go on after this one, and the exit status as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Continue(u8),
    Stop(u8),
}

impl Flow {
    fn status(self) -> u8 {
        match self {
            Self::Continue(status) | Self::Stop(status) => status,
        }
    }
}

/// Why the program ends early.
#[derive(Debug)]
enum Failure {
    /// There is no kernel table to be had.
    Unusable(OpenError),
    /// Standard input cannot be read.
    Input(io::Error),
    /// Standard output cannot be written. ipvsadm does not notice, so a table saved to a full disk is lost.
    Output(io::Error),
    /// A wrong option of ipvsadm-save.
    SaveUsage,
}

impl Failure {
    /// Says what happened and returns the exit status.
    fn report(&self, name: &str) -> u8 {
        match self {
            Self::Unusable(error) => {
                complain(&messages::unusable(error, unistd::geteuid().is_root()));
                2
            }
            Self::Input(error) => {
                complain(&format!("{name}: cannot read standard input: {error}"));
                1
            }
            // Whoever read our output has seen enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Output(error) => {
                complain(&format!("{name}: cannot write standard output, what it got is not complete: {error}"));
                1
            }
            Self::SaveUsage => {
                let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
                complain(&format!(
                    "{name}: Script to save the IPVS table to stdout.\n   \
                     With the -n option, prints out the table in numeric format."
                ));
                1
            }
        }
    }
}

/// Standard error is the last resort: when it cannot be written there is nobody left to tell.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// One run of the program.
struct Session {
    name: String,
    client: Client,
    names: Resolver,
    out: BufWriter<Stdout>,
    /// Who holds the table, once somebody wanted to know.
    holder: OnceCell<Option<Holder>>,
}

impl Session {
    fn open(name: &str) -> Result<Self, Failure> {
        let client = Client::open().map_err(Failure::Unusable)?;
        Ok(Self {
            name: name.to_owned(),
            client,
            names: Resolver::new(),
            out: BufWriter::new(io::stdout()),
            holder: OnceCell::new(),
        })
    }

    /// Does `work` and sees to it that its output arrives.
    fn finish(&mut self, work: impl FnOnce(&mut Self) -> Result<u8, Failure>) -> Result<u8, Failure> {
        let status = work(self)?;
        self.out.flush().map_err(Failure::Output)?;
        Ok(status)
    }

    /// Runs one command.
    fn run(&mut self, command: &Command) -> Result<Flow, Failure> {
        match command {
            Command::Change(change) => self.apply(std::slice::from_ref(change)).map(Flow::Continue),
            Command::List(listing) => self.list(listing),
            Command::Save { numeric } => Ok(match self.save(*numeric)? {
                0 => Flow::Continue(0),
                status => Flow::Stop(status),
            }),
            Command::Help => {
                self.print(&help::help(&self.name.clone()))?;
                Ok(Flow::Stop(0))
            }
            Command::Version => {
                self.print(help::version())?;
                Ok(Flow::Stop(0))
            }
            Command::Restore => self.not_a_command(),
        }
    }

    /// Makes changes and returns the status of the last one.
    fn apply(&mut self, changes: &[Change]) -> Result<u8, Failure> {
        let mut status = 0;
        for alike in changes.chunk_by(|one, other| is_held(one) == is_held(other)) {
            status = self.apply_alike(alike)?;
        }
        Ok(status)
    }

    /// Makes changes that one and the same has to make: who holds the table, or else the kernel.
    fn apply_alike(&mut self, changes: &[Change]) -> Result<u8, Failure> {
        let refusals = match self.holder().filter(|_| changes.first().is_some_and(is_held)) {
            Some(holder) => holder.apply(changes, true).map_err(|error| said(&error)),
            None => self.client.apply(changes).map_err(|error| messages::failed(&error)).and_then(|refusals| {
                holder::note(made(changes, &refusals)).map_err(|error| said(&error))?;
                Ok(refusals)
            }),
        };
        let refusals = match refusals {
            Ok(refusals) => refusals,
            Err(message) => {
                self.complain(&message)?;
                return Ok(255);
            }
        };
        for refusal in &refusals {
            if let Some(change) = changes.get(refusal.index) {
                self.complain(&messages::refusal(change, refusal.errno))?;
            }
        }
        let last_refused = refusals.last().is_some_and(|refusal| refusal.index + 1 == changes.len());
        Ok(if last_refused { 255 } else { 0 })
    }

    fn holder(&self) -> Option<&Holder> {
        self.holder.get_or_init(Holder::for_changes).as_ref()
    }

    fn list(&mut self, listing: &Listing) -> Result<Flow, Failure> {
        let text = match listing.subject {
            Subject::Table => self.table(listing),
            Subject::Service(key) => self.service(&key, listing),
            Subject::Connections => match procfs::read_connections() {
                Ok(text) => Ok(connections::listing(&text, listing, &self.names)),
                Err(_) => Err(Some("cannot open file /proc/net/ip_vs_conn".to_owned())),
            },
            // These two fail without a word.
            Subject::Timeouts => self.client.timeouts().map(|timeouts| layout::timeouts(&timeouts)).map_err(|_| None),
            Subject::Daemons => self.client.daemons().map(|daemons| layout::daemons(&daemons)).map_err(|_| None),
        };
        match text {
            Ok(text) => {
                self.print(&text)?;
                Ok(Flow::Continue(0))
            }
            Err(message) => {
                if let Some(message) = message {
                    self.complain(&message)?;
                }
                Ok(Flow::Stop(1))
            }
        }
    }

    fn table(&mut self, listing: &Listing) -> Result<String, Option<String>> {
        let read = |client: &mut Client| -> Result<_, ipvs::Error> { Ok((client.info()?, client.snapshot()?)) };
        let (info, mut snapshot) = read(&mut self.client).map_err(|error| Some(messages::failed(&error)))?;
        if listing.sorted {
            sort::sort(&mut snapshot);
        }
        Ok(layout::table(Some(&info), &snapshot.services, listing, &self.names))
    }

    fn service(&mut self, key: &ServiceKey, listing: &Listing) -> Result<String, Option<String>> {
        let found = self.client.service(key).map_err(|error| Some(messages::failed(&error)))?;
        let service = found.ok_or_else(|| Some(messages::no_such_service().to_owned()))?;
        let mut snapshot = Snapshot { services: vec![service] };
        if listing.sorted {
            sort::sort(&mut snapshot);
        }
        Ok(layout::table(None, &snapshot.services, listing, &self.names))
    }

    fn save(&mut self, numeric: bool) -> Result<u8, Failure> {
        // What people asked for: a server that is down at this moment is not lost.
        let snapshot = match Holder::for_reading() {
            Some(holder) => holder.table(None).map(|(table, _)| holder::snapshot(&table)).map_err(|error| said(&error)),
            None => self.client.snapshot().map_err(|error| messages::failed(&error)),
        };
        let mut snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(message) => {
                self.complain(&message)?;
                return Ok(1);
            }
        };
        sort::sort(&mut snapshot);
        let lines = save_lines(&snapshot, &self.names, numeric);
        self.print(&lines)?;
        Ok(0)
    }

    /// Reports a command line that is not accepted.
    fn fault(&mut self, fault: &Fault) -> Result<Flow, Failure> {
        let message = fault.kind.message(&self.name);
        self.complain(&message)?;
        let class = fault.kind.class();
        Ok(match class {
            Class::Options => Flow::Continue(class.status()),
            Class::NoCommand | Class::Local => Flow::Stop(class.status()),
        })
    }

    /// Reports a command that has no place here: `-R` within a restore.
    fn not_a_command(&mut self) -> Result<Flow, Failure> {
        self.fault(&Fault { kind: FaultKind::NoCommand, word: Some(0) })
    }

    fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).map_err(Failure::Output)
    }

    /// Says something about the output so far, which therefore goes first.
    fn complain(&mut self, text: &str) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::Output)?;
        complain(text);
        Ok(())
    }
}

/// What a process says against a request.
fn said(error: &Error) -> String {
    let texts: Vec<&str> = error.complaints().iter().map(|complaint| complaint.text.as_str()).collect();
    texts.join("\n")
}

/// Returns `-S`: thresholds are lost as in ipvsadm, whose files have none.
///
/// IPv6 addresses stay numbers: no restore reads `[name]:port`. Marks are unsigned here: none reads negative ones.
fn save_lines(snapshot: &Snapshot, names: &Resolver, numeric: bool) -> String {
    let endpoint = |address: IpAddr, port: u16, protocol: Option<Protocol>| match address {
        _ if numeric => print::numeric(address, port, protocol),
        IpAddr::V4(_) => names.endpoint(address, port, protocol),
        IpAddr::V6(_) => names.numeric_host(address, port, protocol),
    };
    let mut text = String::new();
    for each in &snapshot.services {
        text.extend([&print::service_line_as(&each.service, &endpoint), "\n"]);
        for server in &each.servers {
            let line = print::server_line_as(&each.service.key, &server.server, print::Thresholds::Left, &endpoint);
            text.extend([&line, "\n"]);
        }
    }
    text
}
