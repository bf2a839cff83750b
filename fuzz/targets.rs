//! What is fuzzed: every parser of bytes that come from a file, the kernel or a person. Shared by the fuzz targets and by
//! `tests/fuzz_seeds.rs`, which replays the seeds as an ordinary test.
#![allow(dead_code)]

use lvsadm::{
    ipvs::{
        codec,
        plan::{Extra, plan},
        procfs,
    },
    model::{Family, Table},
    state::{agent_file::AgentFile, file, grammar::NoNames, print, vrrp},
};

/// A save file: read or refused; and what is read can be printed and means the same when it is read again.
pub(crate) fn savefile(data: &[u8]) {
    let Ok(file) = file::parse(data, &NoNames) else { return };
    let empty = Table::default();
    let changes = plan(&empty, &file.table, Extra::Keep);
    let printed: String = changes.map(|change| print::change_line(&change) + "\n").collect();
    let again = file::parse(printed.as_bytes(), &NoNames).unwrap_or_else(|faults| panic!("{printed}\n{faults:?}"));
    assert_eq!(again.table, file.table, "{printed}");
}

/// Lines about VRRP: read or refused; and what is read can be printed and means the same when it is read again.
pub(crate) fn vrrpfile(data: &[u8]) {
    let Ok(file) = AgentFile::new(data) else { return };
    let Ok(parsed) = file.vrrp(&NoFiles) else { return };
    let printed = vrrp::lines(&parsed.settings);
    let numbered = printed.iter().enumerate().map(|(at, line)| (at + 1, line.as_str()));
    let again = vrrp::parse(numbered, &NoFiles).unwrap_or_else(|faults| panic!("{printed:#?}\n{faults:?}"));
    assert_eq!(again.settings, parsed.settings, "{printed:#?}");
}

struct NoFiles;

impl vrrp::Files for NoFiles {
    fn read(&self, _: &std::path::Path) -> Result<Vec<u8>, String> {
        Err("there are no files here".to_owned())
    }
}

/// Messages from the kernel.
pub(crate) fn netlink(data: &[u8]) {
    let _ = codec::service(data);
    let _ = codec::service_key(data);
    let _ = codec::server(data, Family::V4);
    let _ = codec::server(data, Family::V6);
    let _ = codec::daemon(data);
    let _ = codec::timeouts(data);
    let _ = codec::info(data);
}

/// Files of `/proc/net`.
pub(crate) fn proc(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = procfs::snapshot(&text, 100);
    let _ = procfs::connections(&text);
}
