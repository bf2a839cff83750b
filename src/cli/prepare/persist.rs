//! Files that make a preparation last: sysctl.d, modules-load.d, and a unit that does the rest at boot.

use std::{
    env, fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{
    doctor::record::{FileFound, Record},
    host::prepare::Step,
    state::store,
};

const SWITCHES: &str = "/etc/sysctl.d/90-lvsadm.conf";
const MODULES: &str = "/etc/modules-load.d/lvsadm.conf";
const UNIT: &str = "/etc/systemd/system/lvsadm-prepare.service";
const WANTED: &str = "/etc/systemd/system/multi-user.target.wants/lvsadm-prepare.service";

/// The first line of files of ours.
const OURS: &str = "# Made by `lvsadm prepare --persist`; `lvsadm prepare undo` takes it away.";

/// A file to be written, with what is in its place now.
pub(super) struct File {
    pub(super) found: FileFound,
    content: Content,
}

enum Content {
    Text(String),
    Link(&'static str),
}

impl File {
    pub(super) fn write(&self) -> Result<(), String> {
        let path = &self.found.path;
        let failed = |error: io::Error| format!("cannot write {}: {error}", path.display());
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        match &self.content {
            Content::Text(text) => store::replace(path, text.as_bytes()).map_err(failed),
            Content::Link(to) => match symlink(to, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
                _ => Ok(()),
            },
        }
    }
}

/// Returns the files that make `command`, whose plan is `steps`, last beside what was made to last before.
pub(super) fn files(command: &str, steps: &[Step], record: &Record) -> Result<Vec<File>, String> {
    let program = env::current_exe().map_err(|error| format!("cannot tell where lvsadm itself is: {error}"))?;
    let switches = steps.iter().filter_map(|step| match step {
        Step::Switch { key, value } => Some(format!("{key} = {value}")),
        _ => None,
    });
    let modules = steps.iter().filter_map(|step| match step {
        Step::Module(name) => Some(name.clone()),
        _ => None,
    });
    let mut files = Vec::new();
    files.extend(with_lines(SWITCHES, OURS, switches.collect())?);
    files.extend(with_lines(MODULES, OURS, modules.collect())?);
    let exec = format!("ExecStart={} {command}", program.display());
    let unit = unit();
    files.extend(with_lines(UNIT, &unit, vec![exec])?);
    if !Path::new(WANTED).exists()
        && !record.entries.iter().any(|entry| entry.files.iter().any(|file| file.path == Path::new(WANTED)))
    {
        let found = FileFound { path: PathBuf::from(WANTED), before: None };
        files.push(File { found, content: Content::Link(UNIT) });
    }
    Ok(files)
}

fn unit() -> String {
    format!(
        "{OURS}\n[Unit]\nDescription=Prepare this host for Linux Virtual Server\nWants=network-online.target\n\
         After=network-online.target\nBefore=lvsadm.service lvsadm-agent.service ipvsadm.service keepalived.service\n\n[Install]\nWantedBy=multi-user.target\n\n[Service]\nType=oneshot\nRemainAfterExit=yes"
    )
}

/// Returns the file with these lines added to what is in it, or to `begin` if there is none; nothing if it has them all.
fn with_lines(path: &str, begin: &str, lines: Vec<String>) -> Result<Option<File>, String> {
    let before = match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("cannot read {path}: {error}")),
    };
    let mut text = before.clone().unwrap_or_else(|| format!("{begin}\n"));
    let missing: Vec<String> = lines.into_iter().filter(|line| !text.lines().any(|there| there == line)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for line in missing {
        text.push_str(&line);
        text.push('\n');
    }
    let found = FileFound { path: PathBuf::from(path), before };
    Ok(Some(File { found, content: Content::Text(text) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.conf");
        let name = path.to_str().expect("a name");
        let add = |lines: &[&str]| {
            let file =
                with_lines(name, "# begin", lines.iter().map(|line| (*line).to_owned()).collect()).expect("read");
            file.map(|file| {
                file.write().expect("written");
                (fs::read_to_string(&path).expect("read"), file.found.before)
            })
        };
        assert_eq!(add(&["a", "b"]), Some(("# begin\na\nb\n".to_owned(), None)));
        assert_eq!(add(&["b", "c"]), Some(("# begin\na\nb\nc\n".to_owned(), Some("# begin\na\nb\n".to_owned()))));
        assert_eq!(add(&["b"]), None);
    }
}
