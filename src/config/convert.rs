//! What a file says → a save file that says the same, with comments that keep the file's own names.

use std::{collections::HashMap, fmt::Write as _, path::Path};

use super::{
    build::{Global, Mail},
    load::{Loaded, short},
    tree::Finding,
};
use crate::{
    model::ServiceKey,
    pool::settings::Settings,
    state::{check, print, set, vrrp},
};

/// Returns the lines of a save file. Secrets are in it.
pub fn save_file(file: &Path, loaded: &Loaded) -> String {
    let configuration = &loaded.built.configuration;
    let mut text = format!("# What {} says, as commands of lvsadm.\n", file.display());
    let global = &configuration.global;
    if let Some(name) = &global.router_id {
        let _ = writeln!(text, "# router_id {}", one_line(name));
    }
    not_converted(&mut text, &loaded.findings, loaded);
    if let Some(line) = mail(global) {
        text.push('\n');
        add(&mut text, &line);
    }
    if !global.fifos.is_empty() {
        text.push('\n');
        add(&mut text, &set::notify_line(&global.fifos));
    }
    let routers = vrrp::lines(&configuration.vrrp);
    if !routers.is_empty() {
        text.push('\n');
        routers.iter().for_each(|line| add(&mut text, line));
    }
    table(&mut text, loaded);
    text
}

fn add(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Says what is not in the lines below.
fn not_converted(text: &mut String, findings: &[Finding], loaded: &Loaded) {
    let global = &loaded.built.configuration.global;
    if !findings.is_empty() {
        text.push_str("#\n# Not converted, or converted otherwise than it may have been meant:\n");
    }
    for finding in findings {
        let block = if finding.block.is_empty() { String::new() } else { format!("{}: ", finding.block) };
        let _ = writeln!(text, "#   {}: {}", short(&finding.place), one_line(&format!("{block}{}", finding.message)));
    }
    let options = [
        (global.vrrp.real_time.map(|value| format!("--rt-priority {value}")), "vrrp_rt_priority"),
        (global.vrrp.nice.map(|value| format!("--nice {value}")), "vrrp_priority"),
        (global.vrrp.lock_memory.then(|| "--no-swap".to_owned()), "vrrp_no_swap"),
        (
            (!global.vrrp.cpus.is_empty())
                .then(|| global.vrrp.cpus.iter().map(|cpu| format!("--cpu {cpu}")).collect::<Vec<_>>().join(" ")),
            "vrrp_cpu_affinity",
        ),
    ];
    for (option, keyword) in options {
        if let Some(option) = option {
            let _ = writeln!(text, "#   {keyword}: an option of the agent: lvsadm agent run {option}");
        }
    }
}

/// Returns the line about mail; nothing without a server, as in keepalived.
fn mail(global: &Global) -> Option<String> {
    let Mail { to, from, server, helo, timeout, vrrp: routers, checks, single, no_faults } = &global.mail;
    let (server, port) = server.as_ref().filter(|_| !to.is_empty())?;
    let mut line = "set mail".to_owned();
    let mut say = |option: &str, value: &str| {
        let _ = write!(line, " --{option} {}", print::quoted(value));
    };
    let host = if server.contains(':') { format!("[{server}]") } else { server.clone() };
    say("server", &if *port == 25 { host } else { format!("{host}:{port}") });
    say("from", from.as_deref().unwrap_or("root@localhost"));
    to.iter().for_each(|to| say("to", to));
    if let Some(name) = &global.router_id {
        say("tag", name);
    }
    if let Some(helo) = helo {
        say("helo", helo);
    }
    if let Some(timeout) = timeout {
        say("timeout", &vrrp::print_time(*timeout));
    }
    // keepalived tells of servers unless told otherwise, and of nothing else.
    let about = [
        ("servers", checks.unwrap_or(true)),
        ("services", *checks == Some(true)),
        ("instances", *routers == Some(true)),
        ("groups", *routers == Some(true)),
    ];
    about.iter().filter(|(_, on)| *on).for_each(|(what, _)| say("about", what));
    if about.iter().all(|(_, on)| !on) {
        if single.iter().all(|(_, on)| !on) {
            return None;
        }
        // Something has to be said, or all would be told of.
        say("about", "sessions");
    }
    single.iter().for_each(|(name, on)| say(if *on { "also" } else { "not" }, name));
    if *no_faults {
        line.push_str(" --no-faults");
    }
    Some(line)
}

/// The table: each service with its servers, policies and checks.
fn table(text: &mut String, loaded: &Loaded) {
    let settings = &loaded.built.configuration.checks;
    let operator = &settings.operator;
    if operator.timeouts.is_some() || !operator.daemons.is_empty() {
        text.push('\n');
    }
    if let Some(timeouts) = &operator.timeouts {
        add(text, &print::timeouts_line(timeouts));
    }
    operator.daemons.iter().for_each(|daemon| add(text, &print::daemon_line(daemon)));
    let mut parts = by_service(settings);
    for (key, entry) in &operator.services {
        text.push('\n');
        if let Some((title, place)) = loaded.built.origins.get(key) {
            let _ = writeln!(text, "# {} ({})", one_line(title), short(place));
        }
        add(text, &print::service_line(&entry.service));
        entry.servers.values().for_each(|server| add(text, &print::server_line(key, server)));
        let mut own = parts.remove(key).unwrap_or_default();
        own.operator.services.insert(*key, entry.clone());
        check::lines(&own).iter().for_each(|line| add(text, line));
    }
}

/// Returns what is said about each service.
fn by_service(settings: &Settings) -> HashMap<ServiceKey, Settings> {
    let mut parts: HashMap<_, Settings> = HashMap::new();
    for check in &settings.checks {
        parts.entry(check.service).or_default().checks.push(check.clone());
    }
    for policy in &settings.policies {
        parts.entry(policy.service).or_default().policies.push(policy.clone());
    }
    for server in &settings.servers {
        parts.entry(server.service).or_default().servers.push(server.clone());
    }
    parts
}
