//! keepalived.conf carried out: the samples of the installed keepalived converted and read back, and an agent that runs a file.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use lvsadm::{
    config::{
        Environment,
        convert::save_file,
        load::{Loaded, Machine, line, load},
        source::Memory,
    },
    ipvs::plan::{Extra, plan},
    model::Table,
    pool::settings::{Scope, Settings},
    state::{agent_file::AgentFile, names::Resolver, print, vrrp::Disk},
};
use nix::sys::signal::{Signal, kill};

use crate::support::{Background, in_netns, lvsadm, run};

/// Where Debian's package has its samples.
const SAMPLES: &str = "/usr/share/doc/keepalived/samples";

/// Samples that cannot be run as they stand, and what makes them whole: they are to be filled in, or have mistakes that matter.
const UNSOUND: [(&str, Mend); 3] = [
    // Without its `@` lines a script has no command.
    ("keepalived.conf.conditional_conf", Mend::Host("low")),
    // Its sync group has no `group` block.
    ("keepalived.conf.vrrp.lvs_syncd", Mend::Text("  VI_2\n  VI_3\n", "  group {\n  VI_2\n  VI_3\n  }\n")),
    // Addresses of rules lack their last number.
    ("keepalived.conf.vrrp.rules", Mend::Text("./24", ".0/24")),
];

/// What a sample needs.
enum Mend {
    /// To be read on the host of this name.
    Host(&'static str),
    /// Other words in the place of some.
    Text(&'static str, &'static str),
}

fn samples() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(SAMPLES).expect("keepalived is installed").map(|entry| entry.expect("a name").path()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("keepalived.conf")));
    paths.push("/etc/keepalived/keepalived.conf.sample".into());
    paths.retain(|path| path.exists());
    paths.sort();
    assert!(paths.len() > 20, "{paths:?}");
    paths
}

fn in_order(mut settings: Settings) -> Settings {
    settings.checks.sort_by_cached_key(|check| format!("{check:?}"));
    settings.policies.sort_by_cached_key(|policy| format!("{policy:?}"));
    settings.servers.sort_by_cached_key(|policy| format!("{policy:?}"));
    settings
}

/// The order in which trackers stand means nothing: lines have them by their kinds.
fn by_tracker(settings: &lvsadm::vrrp::settings::Settings) -> lvsadm::vrrp::settings::Settings {
    let mut settings = settings.clone();
    settings.instances.iter_mut().for_each(|instance| instance.tracks.sort_by(|a, b| a.tracker.cmp(&b.tracker)));
    settings.groups.iter_mut().for_each(|group| group.tracks.sort_by(|a, b| a.tracker.cmp(&b.tracker)));
    settings
}

/// What was converted says the same as the file; and so it does when the agent that runs it saves it again.
fn comes_back(path: &Path, loaded: &Loaded) {
    let text = save_file(path, loaded);
    let configuration = &loaded.built.configuration;
    let file = AgentFile::new(text.as_bytes()).expect("text");
    let parsed = file.vrrp(&Disk).unwrap_or_else(|faults| panic!("{}: {faults:#?}\n{text}", path.display()));
    assert_eq!(by_tracker(&parsed.settings), by_tracker(&configuration.vrrp), "{}\n{text}", path.display());
    let checks = file.checks(&Resolver::new());
    let (lines, saved) = checks.unwrap_or_else(|faults| panic!("{}: {faults:#?}\n{text}", path.display()));
    assert_eq!(saved.table, configuration.checks.operator, "{}\n{text}", path.display());
    let services = |table: &Table| Table { services: table.services.clone(), ..Table::default() };
    let expanded = lines.over(services(&saved.table), Scope::All);
    assert!(expanded.faults.is_empty() && expanded.idle.is_empty(), "{}: {expanded:#?}", path.display());
    let wanted = Settings { operator: services(&saved.table), ..configuration.checks.clone() };
    assert_eq!(in_order(expanded.settings), in_order(wanted.clone()), "{}\n{text}", path.display());

    let nothing = Table::default();
    let held = plan(&nothing, &saved.table, Extra::Keep);
    let table: Vec<String> = held.map(|change| print::change_line(&change)).collect();
    let saved_again = file.with_table(&table, &Resolver::new()).text();
    let again = AgentFile::new(saved_again.as_bytes()).expect("text");
    let vrrp = again.vrrp(&Disk).unwrap_or_else(|faults| panic!("{faults:#?}\n{saved_again}"));
    assert_eq!(by_tracker(&vrrp.settings), by_tracker(&configuration.vrrp), "{saved_again}");
    let (lines, table) = again.checks(&Resolver::new()).unwrap_or_else(|faults| panic!("{faults:#?}\n{saved_again}"));
    assert_eq!(table.table, saved.table, "{saved_again}");
    let settings = lines.over(services(&table.table), Scope::All).settings;
    assert_eq!(in_order(settings), in_order(wanted), "{saved_again}");
}

#[test]
fn samples_say_the_same_when_converted() {
    let mut unsound = Vec::new();
    for path in samples() {
        let loaded = load(&path, &Environment::of_host(), Machine::Any);
        if loaded.is_sound() {
            comes_back(&path, &loaded);
        } else {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let lines: Vec<String> = loaded.findings.iter().map(line).collect();
            comes_back_mended(&path, &name);
            unsound.push((name, lines));
        }
    }
    let names: Vec<&str> = unsound.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, UNSOUND.map(|(name, _)| name), "{unsound:#?}");
}

/// What is one change away from a file that runs is not passed over.
fn comes_back_mended(path: &Path, name: &str) {
    let Some((_, mend)) = UNSOUND.iter().find(|(known, _)| *known == name) else { return };
    let text = fs::read_to_string(path).expect("text");
    let (text, config_id) = match mend {
        Mend::Host(name) => (text, (*name).to_owned()),
        Mend::Text(wrong, right) => (text.replace(wrong, right), String::new()),
    };
    let files = Box::new(Memory([(path.to_owned(), text.into_bytes())].into()));
    let loaded = load(path, &Environment { files, config_id, ..Environment::default() }, Machine::Any);
    assert!(loaded.is_sound(), "{name}: {:#?}", loaded.findings);
    comes_back(path, &loaded);
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < give_up, "still not: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A file without services: the kernel here has no IPVS.
const FILE: &str = "\
static_ipaddress {
    10.7.7.7/32 dev eth0
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    version 3
    advert_int 0.2
    virtual_ipaddress {
        10.9.9.100
    }
}
";

#[test]
fn an_agent_runs_a_file() {
    if !crate::is_root() {
        return;
    }
    in_netns(|| {
        for line in [
            "ip link add eth0 type veth peer name other",
            "ip link set other up",
            "ip link set eth0 up",
            "ip address add 10.9.9.1/24 dev eth0",
        ] {
            run(line).ok();
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (file, run_dir) = (directory.path().join("keepalived.conf"), directory.path().join("run"));
        fs::write(&file, FILE).expect("written");
        let has = |address: &str| run("ip -o address show dev eth0").ok().contains(&format!(" {address}/"));
        let (named, run_dir) = (file.display().to_string(), run_dir.display().to_string());
        let words = [env!("CARGO_BIN_EXE_lvsadm"), "agent", "run", "--config", &named, "--run-dir", &run_dir];
        let mut agent = Background::start(words);
        until("the addresses are there", || has("10.9.9.100") && has("10.7.7.7"));

        // Somebody takes the static address away: it is put back.
        run("ip address del 10.7.7.7/32 dev eth0").ok();
        until("the static address is back", || has("10.7.7.7"));

        // Commands do not change what the file says.
        let output = lvsadm(["vrrp", "delete", "VI_1", "--run-dir", &run_dir]);
        assert!(output.status != 0 && output.stderr.contains("keepalived.conf"), "{output:?}");

        // A file with a fault is refused with its place, and what runs goes on.
        fs::write(&file, FILE.replace("10.9.9.100", "10.9.9.999")).expect("written");
        let output = lvsadm(["agent", "reload", "--run-dir", &run_dir]);
        assert!(output.status == 1 && output.stderr.contains("keepalived.conf:10:"), "{output:?}");
        assert!(has("10.9.9.100"));

        // The difference is carried out.
        fs::write(&file, FILE.replace("10.9.9.100", "10.9.9.100\n 10.9.9.101").replace("10.7.7.7", "10.7.7.8"))
            .expect("written");
        let output = lvsadm(["agent", "reload", "--run-dir", &run_dir]);
        assert_eq!(output.status, 0, "{output:?}");
        until("the difference is there", || has("10.9.9.101") && has("10.7.7.8") && !has("10.7.7.7"));

        // One that was killed is followed by one that goes on, with what the file says now.
        kill(agent.pid(), Signal::SIGKILL).expect("it runs");
        until("it is gone", || agent.has_ended());
        fs::write(&file, FILE).expect("written");
        agent = Background::start(words);
        until("the file holds", || has("10.9.9.100") && !has("10.9.9.101") && has("10.7.7.7") && !has("10.7.7.8"));

        kill(agent.pid(), Signal::SIGTERM).expect("it runs");
        until("nothing is left", || !has("10.9.9.100") && !has("10.7.7.7"));
    });
}
