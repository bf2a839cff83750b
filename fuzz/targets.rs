//! What is fuzzed: every parser of bytes that come from a file, the kernel or a person. Shared by the fuzz targets and by
//! `tests/fuzz_seeds.rs`, which replays the seeds as an ordinary test.
#![allow(dead_code)]

use lvsadm::{
    host::Change,
    ipvs::{
        codec,
        plan::{Extra, plan},
        procfs,
    },
    model::{Family, Table},
    state::{file, grammar::NoNames, print},
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

/// Messages about links, addresses, routes and rules. The first two bytes are the type of the message.
pub(crate) fn route(data: &[u8]) {
    let Some((kind, message)) = data.split_first_chunk() else { return };
    let _ = Change::read(u16::from_le_bytes(*kind), message, |index| Some(index.to_string()));
}
