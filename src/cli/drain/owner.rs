//! Who is at the prompt, for another person who asks.

use std::{env, fs};

use nix::unistd::{Uid, User};

use crate::cli::render::clean_line;

/// Of names that come from the environment no more characters than these are shown.
const MOST: usize = 64;

/// Returns who asks and from where, as far as that can be known: `alice as root on pts/3 from 192.0.2.9`.
pub(in crate::cli) fn operator() -> String {
    let effective = name(Uid::effective());
    let mut text = match login() {
        Some(login) if login != effective => format!("{login} as {effective}"),
        _ => effective,
    };
    if let Some(terminal) = terminal() {
        text += &format!(" on {terminal}");
    }
    let from = env::var("SSH_CONNECTION").ok().and_then(|value| value.split_whitespace().next().map(short));
    if let Some(from) = from {
        text += &format!(" from {from}");
    }
    text
}

/// Who logged in: the kernel's own record, which sudo does not change, or sudo's.
fn login() -> Option<String> {
    let recorded = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse::<u32>().ok());
    match recorded.filter(|uid| *uid != u32::MAX) {
        Some(uid) => Some(name(Uid::from_raw(uid))),
        None => env::var("SUDO_USER").ok().filter(|name| !name.is_empty()).map(|name| short(&name)),
    }
}

fn name(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| format!("user {uid}"), |user| short(&user.name))
}

fn terminal() -> Option<String> {
    let of = |fd| fs::read_link(format!("/proc/self/fd/{fd}")).ok().filter(|path| path.starts_with("/dev"));
    let path = [0, 2].into_iter().filter_map(of).find(|path| path.starts_with("/dev/pts") || is_console(path))?;
    path.strip_prefix("/dev").ok().map(|path| short(&path.to_string_lossy()))
}

fn is_console(path: &std::path::Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tty"))
}

fn short(text: &str) -> String {
    clean_line(text).chars().take(MOST).collect()
}
