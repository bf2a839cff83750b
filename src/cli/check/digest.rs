//! `lvsadm check digest`: the digest of a page, for a check to compare.

use clap::Args;

use super::{ask, attempt::Reading};
use crate::{
    check::{answer::Verdict, facts::hex},
    cli::{Error, Ui, json, names::Names},
    state::check::{ConnectionArgs, Faults, HttpArgs, RequestArgs, TlsArgs},
};

/// Print the MD5 digest of a page
///
/// As `--digest` of an HTTP check and `digest` in keepalived.conf want it. The page is asked for twice: one that is never
/// the same cannot be compared.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm check digest http://10.0.0.5/
  lvsadm check digest https://10.0.0.5/health --host www.example.org
  lvsadm check digest https://www.example.org/ --connect 10.0.0.5 --json")]
pub(super) struct DigestArgs {
    /// The page: http://10.0.0.5:8080/health, https://…
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Look names of hosts up
    #[arg(long, help_heading = "Output")]
    resolve: bool,
    /// JSON, described in lvsadm(8)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or there is no page.
pub(super) fn run(args: DigestArgs, ui: &mut Ui) -> Result<u8, Error> {
    let reading = Reading {
        connection: &args.connection,
        names: &Names::new(args.resolve),
        complaints: Vec::new(),
        faults: Faults::default(),
    };
    let probe = reading.page(&args.url, HttpArgs::any_page(args.request, args.tls))?;
    let (mut found, mut warning) = (Vec::new(), None);
    for (answer, facts) in ask(&[&probe, &probe])? {
        match answer.verdict {
            Verdict::Good(success) => {
                warning = success.warning;
                found.extend(facts.pages);
            }
            Verdict::Bad(failure) => return Err(Error::failed(failure.reason)),
            Verdict::Unknown(reason) => return Err(Error::failed(reason)),
        }
    }
    let [first, second] = found.as_slice() else { return Err(Error::failed("there was no page")) };
    let Some(digest) = first.digest else { return Err(Error::failed("the page was not complete")) };
    let stable = first.digest == second.digest;
    if args.json {
        ui.json(&json::Digest::new(first, stable))?;
    } else {
        ui.print(format!("{}\n", hex(digest)))?;
    }
    if let Some(warning) = warning {
        ui.warn(warning);
    }
    if !stable {
        ui.warn("the page was another one when it was asked for again: it has no digest to rely on");
        ui.hint("--match looks for a part of it that stays");
    }
    if !(200..=299).contains(&first.status) {
        ui.warn(format_args!("this is the page of status {}, not of a success", first.status));
    }
    if let Some(chunked) = first.chunked_digest {
        ui.note(format_args!(
            "the page came in chunks; genhash prints {} for it, and checks take either",
            hex(chunked)
        ));
    }
    Ok(0)
}
