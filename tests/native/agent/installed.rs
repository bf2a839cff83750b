//! What `contrib/install` puts where, and whether systemd takes the units.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::LVSADM;
use crate::{is_installed, support::run};

fn install(words: &[&str]) -> crate::support::Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/install");
    run([&[script, "--binary", LVSADM][..], words].concat())
}

/// All files and links below a directory.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[test]
fn all_of_it_and_away_again() {
    let directory = crate::directory();
    let at = |path: &str| directory.path().join(path);
    let destdir = at("package").display().to_string();
    fs::create_dir_all(at("package/usr/sbin")).expect("ours");
    fs::write(at("package/usr/sbin/ipvsadm-save"), "another program").expect("ours");
    let installed = install(&["--prefix", "/usr", "--destdir", &destdir, "--links"]);
    assert!(installed.status == 0 && installed.stderr.contains("ipvsadm-save is another program"), "{installed}");
    for path in [
        "sbin/lvsadm",
        "share/man/man8/lvsadm.8",
        "share/man/man7/lvsadm-agent.7",
        "share/man/man5/lvsadm-savefile.5",
        "share/bash-completion/completions/lvsadm",
        "lib/systemd/system/lvsadm-agent.service",
        "share/doc/lvsadm/examples/sysctl/50-lvsadm.conf",
    ] {
        assert!(at("package/usr").join(path).is_file(), "{path}");
    }
    let listed = run([at("package/usr/sbin/ipvsadm").display().to_string(), "--help".to_owned()]);
    assert!(listed.stdout.contains("ipvsadm -A|E"), "{listed}");
    install(&["--prefix=/usr", "--destdir", &destdir, "--uninstall"]).ok();
    let mut left = Vec::new();
    files(directory.path(), &mut left);
    assert_eq!(left, [at("package/usr/sbin/ipvsadm-save")]);
    assert_eq!((install(&["--prefix", "here"]).status, install(&["--bogus"]).status), (2, 2));
}

#[test]
fn systemd_takes_the_units() {
    if !is_installed("systemd-analyze") {
        return;
    }
    let directory = crate::directory();
    let prefix = directory.path().display().to_string();
    install(&["--prefix", &prefix]).ok();
    let units = directory.path().join("lib/systemd/system");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/systemd");
    // With every drop-in, and for a unit as distributions have it.
    let stock =
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecReload=/bin/true\nExecStop=/bin/true\n";
    fs::write(units.join("ipvsadm.service"), stock).expect("ours");
    for drop_in in ["ipvsadm.service.d/lvsadm.conf", "lvsadm.service.d/save-at-stop.conf"] {
        let text = fs::read_to_string(format!("{examples}/{drop_in}")).expect("an example");
        let path = units.join(drop_in);
        fs::create_dir_all(path.parent().expect("a directory")).expect("ours");
        fs::write(path, text.replace("/usr/sbin", &format!("{prefix}/sbin"))).expect("ours");
    }
    for unit in ["lvsadm.service", "lvsadm-agent.service", "ipvsadm.service"] {
        let path = units.join(unit);
        let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        // What it finds in other units of the machine is not ours.
        let ours: Vec<_> = said.lines().filter(|line| line.contains("lvsadm") || line.contains("ipvsadm")).collect();
        assert!(ours.is_empty(), "{unit}: {said}");
    }
}
