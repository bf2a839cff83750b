//! `lvsadm check try`: one probe, and all there is to say about it.

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
};

use clap::{Args, Subcommand};

use super::{ask, nowhere, passed};
use crate::{
    check::{
        answer::{Answer, Phase, Verdict, WeightChange, spoken},
        certificate::day,
        facts::{Facts, hex},
        settings::{Probe, Question},
    },
    cli::{Complaint, Error, Ui, args::address, json, names::Names, ui::clean},
    model::Protocol,
    state::check::{
        AgentArgs, ConnectionArgs, DnsArgs, Faults, FileArgs, HttpArgs, Kind, PingArgs, ScriptArgs, SmtpArgs, TcpArgs,
        UdpArgs, Url,
    },
};

/// Probe a server once, and show what came of it
///
/// The table is neither asked nor changed. The options are those of a check.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Exit status: 0 the answer is good; 1 it is not; 2 the command line is wrong, or nothing can be asked.

Examples:
  lvsadm check try http http://10.0.0.5:8080/health --status 200,204 --match '\"up\"'
  lvsadm check try http https://10.0.0.5/ --host www.example.org --verify --warn-expiry 14d
      The certificate must be valid for www.example.org.
  lvsadm check try http https://www.example.org/ --connect 10.0.0.5
      The same page, from one server.
  lvsadm check try tcp [2001:db8::5]:443 --timeout 500ms --source 2001:db8::1
  lvsadm check try dns 10.0.0.53 --name example.org --type A
  lvsadm check try script -- /usr/local/bin/is-web-up 10.0.0.5"
)]
pub(super) struct TryArgs {
    #[command(subcommand)]
    kind: TryKind,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Look names of hosts up
    #[arg(long, global = true, help_heading = "Output")]
    resolve: bool,
    /// JSON, described in lvsadm(8)
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum TryKind {
    /// Whether it takes a TCP connection
    Tcp(Server<TcpArgs>),
    /// Whether a page is as it should be
    Http(Box<Page>),
    /// Whether a mail server greets
    Smtp(Server<SmtpArgs>),
    /// Whether a name server answers
    Dns(Server<DnsArgs>),
    /// Whether a UDP service answers, or at least does not refuse
    Udp(Server<UdpArgs>),
    /// Whether a host answers echo requests
    Ping(Server<PingArgs>),
    /// What an agent on the server says, as HAProxy's agent-check does
    Agent(Server<AgentArgs>),
    /// What a script says
    Script(ScriptArgs),
    /// What the number in a file says
    File(FileArgs),
}

#[derive(Debug, Args)]
struct Server<K: Args> {
    /// Whom to ask
    #[arg(value_name = "ADDR[:PORT]")]
    target: String,
    #[command(flatten)]
    question: K,
}

#[derive(Debug, Args)]
struct Page {
    /// The page: http://10.0.0.5:8080/health, https://…
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    question: HttpArgs,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or this host cannot ask.
pub(super) fn run(args: TryArgs, ui: &mut Ui) -> Result<u8, Error> {
    let probe = probe(args.kind, &args.connection, &Names::new(args.resolve))?;
    let Some((answer, facts)) = ask(&[&probe])?.pop() else { return Ok(2) };
    if args.json {
        ui.json(&json::Attempt::new(&probe, &answer, &facts))?;
    } else {
        ui.print(report(&answer, &facts))?;
        if let Verdict::Good(success) = &answer.verdict
            && let Some(warning) = &success.warning
        {
            ui.warn(warning);
        }
    }
    Ok(match answer.verdict {
        Verdict::Good(_) => 0,
        Verdict::Bad(_) => 1,
        Verdict::Unknown(_) => 2,
    })
}

/// Reads the whole command line.
fn probe(kind: TryKind, connection: &ConnectionArgs, names: &Names) -> Result<Probe, Error> {
    let reading = Reading { connection, names, complaints: Vec::new(), faults: Faults::default() };
    match kind {
        TryKind::Tcp(server) => reading.server(&server, Protocol::Tcp),
        TryKind::Smtp(server) => reading.server(&server, Protocol::Tcp),
        TryKind::Agent(server) => reading.server(&server, Protocol::Tcp),
        TryKind::Dns(server) => reading.server(&server, Protocol::Udp),
        TryKind::Udp(server) => reading.server(&server, Protocol::Udp),
        TryKind::Ping(server) => reading.server(&server, Protocol::Udp),
        TryKind::Http(page) => reading.page(&page.url, page.question),
        TryKind::Script(question) => reading.local(&question),
        TryKind::File(question) => reading.local(&question),
    }
}

/// A command line that is being read.
pub(super) struct Reading<'a> {
    pub(super) connection: &'a ConnectionArgs,
    pub(super) names: &'a Names,
    pub(super) complaints: Vec<Complaint>,
    pub(super) faults: Faults,
}

impl Reading<'_> {
    fn server<K: Kind + Args>(mut self, server: &Server<K>, protocol: Protocol) -> Result<Probe, Error> {
        let instead = self.connection.target(&mut self.faults);
        let named = self.take(address(K::WORD, &server.target, protocol, self.names));
        let port = instead.port.or_else(|| named.and_then(|(_, port)| port)).or(K::PORT);
        let target = instead.address.or_else(|| named.map(|(address, _)| address)).zip(port);
        if named.is_some() && port.is_none() {
            let text = format!("{} {}: the port is missing", K::WORD, server.target);
            self.complaints.push(Complaint::new(text).hint("10.0.0.5:80 or [2001:db8::5]:80"));
        }
        let question = server.question.question(&mut self.faults);
        self.finish(target.map(SocketAddr::from), question)
    }

    /// Reads a probe of a page.
    pub(super) fn page(mut self, url: &str, question: HttpArgs) -> Result<Probe, Error> {
        let instead = self.connection.target(&mut self.faults);
        let (mut target, mut question) = (None, question);
        if let Some(url) = Url::parse(url, &mut self.faults) {
            question = question.at(&url, &mut self.faults);
            let port = instead.port.or(url.port).unwrap_or(if url.tls { 443 } else { 80 });
            let host = instead.address.or_else(|| self.host(&url.host));
            target = host.map(|host| SocketAddr::new(host, port));
        }
        let question = question.question(&mut self.faults);
        self.finish(target, question)
    }

    /// Reads a probe of something on this host, which has no address.
    fn local(mut self, question: &impl Kind) -> Result<Probe, Error> {
        let question = question.question(&mut self.faults);
        self.finish(Some(nowhere()), question)
    }

    fn host(&mut self, host: &str) -> Option<IpAddr> {
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let found = address("URL", &bracketed, Protocol::Tcp, self.names);
        let hint = "--resolve looks names up, and --connect ADDR asks one server for its page";
        self.take(found.map_err(|complaint| complaint.hint(hint))).map(|(address, _)| address)
    }

    fn take<T>(&mut self, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|complaint| self.complaints.push(complaint)).ok()
    }

    fn finish(mut self, target: Option<SocketAddr>, question: Option<Question>) -> Result<Probe, Error> {
        let question = question.unwrap_or(Question::Tcp);
        let probe = self.connection.probe(target.unwrap_or_else(nowhere), question, &mut self.faults);
        passed(self.complaints, self.faults)?;
        Ok(probe)
    }
}

/// Returns what people read.
fn report(answer: &Answer, facts: &Facts) -> String {
    let mut text = match &answer.verdict {
        Verdict::Good(success) => format!("good: {}{}\n", success.summary, weight(success.weight)),
        Verdict::Bad(failure) => format!("bad ({}): {}\n", failure.kind, failure.reason),
        Verdict::Unknown(reason) => format!("unknown: {reason}\n"),
    };
    for (phase, after) in &facts.phases {
        let tls = facts.tls.as_ref().filter(|_| *phase == Phase::Tls).map(|tls| {
            let end = tls.not_after.map(|end| format!(", certificate ends {}", day(end))).unwrap_or_default();
            let own = if tls.self_signed { ", self-signed" } else { "" };
            format!("   {}, {}{end}{own}", tls.version, tls.cipher)
        });
        let _ = writeln!(text, "  {:<12}{:>8}{}", phase_word(*phase), spoken(*after), tls.unwrap_or_default());
    }
    let _ = writeln!(text, "  {:<12}{:>8}", "in all", spoken(answer.took));
    for page in &facts.pages {
        let digest = page.digest.map(|digest| format!(", digest {}", hex(digest))).unwrap_or_default();
        let chunks = page.chunked_digest.map(|digest| format!(", of its chunks {}", hex(digest))).unwrap_or_default();
        let _ = writeln!(text, "  page {}: {}, {} bytes{digest}{chunks}", page.path, page.status, page.bytes);
    }
    if let Verdict::Bad(failure) = &answer.verdict
        && !failure.evidence.is_empty()
    {
        text.push_str("  it said:\n");
        for line in String::from_utf8_lossy(&failure.evidence).lines() {
            let _ = writeln!(text, "    {}", line.trim_end());
        }
    }
    clean(&text).into_owned()
}

fn weight(change: Option<WeightChange>) -> String {
    match change {
        None => String::new(),
        Some(WeightChange::Exactly(weight)) => format!("; weight {weight}"),
        Some(WeightChange::Add(more)) => format!("; weight {more:+}"),
        Some(WeightChange::Percent(percent)) => format!("; {percent} % of the weight"),
    }
}

/// A part of a probe, for people.
fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "connected",
        Phase::Tls => "TLS",
        Phase::FirstByte => "first byte",
        Phase::Complete => "complete",
    }
}
