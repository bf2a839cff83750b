//! `lvsadm doctor`: why a director or a real server does not do what it should.

use std::path::PathBuf;

use clap::Args;

use super::{
    Complaint, Error, Ui, json,
    prepare::{self, RealServerArgs},
    source::SYSTEM_FILE,
    ui::clean,
};
use crate::{
    doctor::{Asked, Facts, Outcome, Report, Role, bundle, examine, gather, gather::Error as Trouble},
    host::{Host, namespace::run_dir},
};

/// Find out why a service does not work
///
/// On a director it looks at the table, the host, the firewall, and VRRP, and sends its servers a few packets as IPVS would: whether
/// they have the virtual address, unpack tunnels, answer through the director; who else answers for the address. On a real server
/// (--real-server) it looks at the host. Only what the services in use need is asked for. Nothing is changed without --fix.
#[derive(Debug, Args)]
#[command(after_long_help = "Exit status: 0 nothing to report; 1 something; 2 trouble, or a wrong command line.

Examples:
  lvsadm doctor
  lvsadm doctor --real-server --vip 10.0.0.100 --mode dr
  lvsadm doctor --real-server --mode nat --gateway 10.1.0.1
  lvsadm doctor --fix
      Do what is safe: switches of the kernel, tunnel interfaces. `lvsadm prepare undo` puts it back.
  lvsadm doctor --bundle /root/bundle.tar.gz
      Everything that somebody who helps may want to see, passwords masked.")]
pub struct DoctorArgs {
    /// This host is a real server
    #[arg(long, requires = "mode")]
    real_server: bool,
    /// How the director hands this server packets
    #[arg(long, value_parser = ["dr", "nat", "tun"], requires = "real_server")]
    mode: Option<String>,
    #[command(flatten)]
    server: RealServerArgs,
    /// TCP port of the services, for the rules of the firewall
    #[arg(long, value_name = "PORT", help_heading = "Real server", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Do what is safe and can be undone, after showing it, and look again
    #[arg(long)]
    fix: bool,
    /// With --fix: only show what would be done
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Write an archive for those who help; it must not exist yet. `.gz` is compressed
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Send no packets, and do not listen for any
    #[arg(long)]
    passive: bool,
    /// Show rules without findings, too
    #[arg(long)]
    all: bool,
    /// JSON, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    /// Save file of the table
    #[arg(long, value_name = "FILE", default_value = SYSTEM_FILE)]
    file: PathBuf,
    /// Directory of the agent's sockets [default: that of this network namespace]
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
}

/// Runs the verb.
///
/// # Errors
/// Trouble: exit status 2.
pub fn run(args: DoctorArgs, ui: &mut Ui) -> Result<u8, Error> {
    let role = args.role()?;
    let asked =
        Asked { role, active: !args.passive, saved: args.file.clone(), run_dir: run_dir(args.run_dir.as_deref()) };
    let trouble = |error: Error| error.with_status(2);
    let (mut facts, mut report) = look(&asked, ui).map_err(trouble)?;
    if args.fix && fix(&args, &report, ui).map_err(trouble)? {
        (facts, report) = look(&asked, ui).map_err(trouble)?;
    }
    if args.json {
        ui.json(&json::Doctor::new(&facts, &report))?;
    } else {
        ui.print(clean(&shown(&report, args.all)).as_bytes())?;
    }
    ui.flush()?;
    for unread in &report.unread {
        ui.warn(unread);
    }
    if let Some(path) = &args.bundle {
        let own = [
            ("report.txt", shown(&report, true)),
            ("facts.txt", format!("{facts:#?}\n")),
            ("version.txt", format!("lvsadm {}\n", env!("CARGO_PKG_VERSION"))),
        ];
        bundle::write(path, &own).map_err(|error| {
            let error = Error::failed(format_args!("cannot write {}: {error}", path.display()));
            trouble(error.hint("name a file that does not exist yet, in a directory that you may write to"))
        })?;
        ui.note(format_args!("wrote {}; look through it before you give it away", path.display()));
    }
    let findings = report.findings();
    if findings.is_empty() && !args.json {
        ui.note(summary(&report));
    }
    Ok(if findings.is_empty() { 0 } else { 1 })
}

impl DoctorArgs {
    fn role(&self) -> Result<Role, Error> {
        let Some(mode) = self.mode.as_deref().filter(|_| self.real_server) else {
            if self.server.is_named() || self.port.is_some() {
                let complaint = Complaint::new("options of a real server were given without --real-server");
                return Err(Error::usage(vec![
                    complaint.hint("lvsadm doctor --real-server --vip 10.0.0.100 --mode dr"),
                ]));
            }
            return Ok(Role::Director);
        };
        let mut wanted = self.server.read(mode)?;
        wanted.port = self.port;
        Ok(Role::RealServer(wanted))
    }
}

fn look(asked: &Asked, ui: &mut Ui) -> Result<(Facts, Report), Error> {
    let spinner = ui.progress("looking", 3);
    let facts = gather(asked, |_| spinner.advance(1)).map_err(|error: Trouble| {
        let failed = Error::failed(&error);
        match error.hint() {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    })?;
    let report = examine(&facts);
    Ok((facts, report))
}

/// Does what is safe. Returns whether something was done.
fn fix(args: &DoctorArgs, report: &Report, ui: &mut Ui) -> Result<bool, Error> {
    let steps = report.steps();
    if steps.is_empty() {
        ui.note("nothing can be mended here without a decision of yours");
        return Ok(false);
    }
    for step in &steps {
        ui.note(format_args!("{}{step}", if args.dry_run { "would do: " } else { "doing: " }));
    }
    if args.dry_run {
        return Ok(false);
    }
    let mut host = Host::open().map_err(prepare::host_error)?;
    prepare::carry_out(&mut host, "doctor --fix", &steps, false)?;
    ui.note("`lvsadm prepare undo` puts it back");
    Ok(true)
}

/// Returns what people read.
fn shown(report: &Report, all: bool) -> String {
    let mut text = String::new();
    for (verdict, finding) in report.findings() {
        if !text.is_empty() {
            text.push('\n');
        }
        let severity = finding.severity.word();
        text.push_str(&format!("{severity}: {} (rule {}, {})\n", finding.about, verdict.number, verdict.id));
        text.push_str(&format!("  found:  {}\n  so:     {}\n", finding.read, finding.follows));
        for (mend, word) in finding.mend.iter().zip(std::iter::once("mend:").chain(std::iter::repeat(""))) {
            let host = mend.host.map(|host| format!("on {host}: ")).unwrap_or_default();
            text.push_str(&format!("  {word:<7} {host}{}\n", mend.command));
        }
    }
    if all {
        if !text.is_empty() {
            text.push('\n');
        }
        for verdict in &report.verdicts {
            let outcome = match &verdict.outcome {
                Outcome::NotNeeded(why) => format!("not needed: {why}"),
                Outcome::Unknown(why) => format!("unknown: {why}"),
                Outcome::Checked(findings) => match findings.len() {
                    0 => "fine".to_owned(),
                    1 => "1 finding".to_owned(),
                    count => format!("{count} findings"),
                },
            };
            text.push_str(&format!("{:>2} {:<12} {}: {outcome}\n", verdict.number, verdict.id, verdict.title));
        }
    }
    text
}

fn summary(report: &Report) -> String {
    let count = |which: fn(&Outcome) -> bool| report.verdicts.iter().filter(|verdict| which(&verdict.outcome)).count();
    let fine = count(|outcome| matches!(outcome, Outcome::Checked(_)));
    let unneeded = count(|outcome| matches!(outcome, Outcome::NotNeeded(_)));
    let unknown = count(|outcome| matches!(outcome, Outcome::Unknown(_)));
    let unknown =
        if unknown == 0 { String::new() } else { format!(", {unknown} could not be checked (--all says why)") };
    format!("nothing is wrong: {fine} rules are kept, {unneeded} are not needed by what is in use{unknown}")
}
