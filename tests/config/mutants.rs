//! Mutants of the configuration files that keepalived ships: one token dropped, doubled, misspelt or exchanged with the next.
//! What changes the meaning of a file and is no other legal file must be told.
//!
//! The files are those of the installed package; `LVSADM_MUTANTS=1` shows what was not told, and asks keepalived of many more
//! mutants than otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use lvsadm::config::{
    Environment,
    build::build,
    lint::{Manner, lint},
    read,
    source::Memory,
    tree::Statement,
};

const SAMPLES: &str = "/usr/share/doc/keepalived/samples";

/// One of so many mutants is shown to keepalived.
const SHOWN: usize = 40;

fn samples() -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(SAMPLES) else {
        eprintln!("passed over: the package keepalived is not installed");
        return Vec::new();
    };
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut files: Vec<_> = files
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("keepalived.conf")))
        .filter_map(|file| Some((file.file_name()?.to_string_lossy().into_owned(), fs::read_to_string(&file).ok()?)))
        .collect();
    files.sort();
    files
}

/// Returns where the words and braces of a text are, without comments.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let mut start = None;
        let mut quoted = false;
        let end = line.len();
        for (offset, c) in line.char_indices() {
            if c == '"' {
                quoted = !quoted;
            }
            let comment = matches!(c, '#' | '!') && !quoted;
            if (c.is_whitespace() && !quoted || comment)
                && let Some(start) = start.take()
            {
                tokens.push((at + start, at + offset));
            }
            if comment {
                break;
            }
            if !c.is_whitespace() && start.is_none() {
                start = Some(offset);
            }
            if offset + c.len_utf8() == end
                && let Some(start) = start.take()
            {
                tokens.push((at + start, at + end));
            }
        }
        at += line.len();
    }
    tokens
}

/// Returns all mutants of a text, each with what was done.
fn mutants(text: &str) -> Vec<(String, String)> {
    let tokens = tokens(text);
    let mut mutants = Vec::new();
    for (index, &(start, end)) in tokens.iter().enumerate() {
        let token = &text[start..end];
        let with = |new: &str| format!("{}{new}{}", &text[..start], &text[end..]);
        let line = text[..start].matches('\n').count() + 1;
        mutants.push((format!("{line}: drop {token}"), with("")));
        mutants.push((format!("{line}: double {token}"), with(&format!("{token} {token}"))));
        mutants.push((format!("{line}: misspell {token}"), with(&misspelt(token))));
        if let Some(&(next, next_end)) =
            tokens.get(index + 1).filter(|(next, next_end)| text[*next..*next_end] != *token)
        {
            let other = &text[next..next_end];
            let swapped = format!("{}{other}{}{token}{}", &text[..start], &text[end..next], &text[next_end..]);
            mutants.push((format!("{line}: exchange {token} {other}"), swapped));
        }
    }
    mutants
}

/// Exchanges the first two characters that differ, or adds one.
fn misspelt(token: &str) -> String {
    match token {
        "{" => return "(".to_owned(),
        "}" => return ")".to_owned(),
        _ => {}
    }
    let mut chars: Vec<char> = token.chars().collect();
    match (0..chars.len().saturating_sub(1)).find(|at| chars[*at] != chars[at + 1]) {
        Some(at) => chars.swap(at, at + 1),
        None => chars.push('x'),
    }
    chars.into_iter().collect()
}

/// What is told of a text and how often, without places: a mutant's lines are others.
fn told(text: &str) -> BTreeMap<String, usize> {
    let (file, environment) = in_memory(text);
    let mut told = BTreeMap::new();
    for finding in lint(&file, &environment, Manner::default()) {
        *told.entry(finding.message).or_default() += 1;
    }
    told
}

/// Whether something is told that was not before.
fn is_more(now: &BTreeMap<String, usize>, before: &BTreeMap<String, usize>) -> bool {
    now.iter().any(|(message, count)| before.get(message).is_none_or(|before| before < count))
}

fn in_memory(text: &str) -> (PathBuf, Environment) {
    let file = PathBuf::from("/f");
    let files = Box::new(Memory([(file.clone(), text.as_bytes().to_vec())].into()));
    (file, Environment { config_id: "low".to_owned(), files, ..Environment::default() })
}

fn meaning(text: &str) -> (String, Vec<String>) {
    let (file, environment) = in_memory(text);
    let (statements, _) = read(&file, &environment);
    let mut keywords = Vec::new();
    paths(&statements, "", &mut keywords);
    (format!("{:?}", build(&statements).configuration), keywords)
}

/// Blocks of which each line is an entry: a value, whatever it begins with.
const LISTS: [&str; 11] = [
    "notification_email",
    "virtual_ipaddress",
    "virtual_ipaddress_excluded",
    "virtual_routes",
    "virtual_rules",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "group",
    "virtual_server_group",
    "unicast_peer",
];

/// Keywords of a file with the blocks that they stand in, in order, without their values.
fn paths(statements: &[Statement], block: &str, found: &mut Vec<String>) {
    let parent = block.rsplit('/').next().unwrap_or_default();
    let values = LISTS.contains(&parent) || parent.starts_with("track_");
    for statement in statements {
        let keyword = if values { "VALUE" } else { &*statement.keyword.text };
        let path = format!("{block}/{keyword}");
        paths(statement.block.as_deref().unwrap_or_default(), &path, found);
        found.push(path);
    }
}

/// Whether all of `fewer` is in `more`, in this order.
fn is_part(fewer: &[String], more: &[String]) -> bool {
    let mut more = more.iter();
    fewer.iter().all(|path| more.any(|other| other == path))
}

/// What keepalived says of a file, without places.
fn keepalived(text: &str) -> Option<BTreeSet<String>> {
    let file = tempfile::NamedTempFile::new().ok()?;
    fs::write(file.path(), text).ok()?;
    let output = Command::new("keepalived")
        .args(["-t", "-i", "low", "-f"])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let without_place = |line: &str| line.split_once(") ").map_or(line, |(_, rest)| rest).to_owned();
    Some(said.lines().map(without_place).collect())
}

#[test]
fn every_mutant_that_means_something_else_is_told() {
    let show = env::var_os("LVSADM_MUTANTS").is_some();
    let (mut all, mut same, mut caught, mut legal) = (0, 0, 0, 0);
    let (mut asked, mut of_keepalived, mut ours) = (0, 0, 0);
    let mut missed = Vec::new();
    let mut theirs_alone = Vec::new();
    for (name, text) in samples() {
        let before = told(&text);
        let (meant, keywords) = meaning(&text);
        let by_keepalived = keepalived(&text);
        for (number, (what, mutant)) in mutants(&text).into_iter().enumerate() {
            all += 1;
            let is_told = is_more(&told(&mutant), &before);
            let (now_meant, now_keywords) = meaning(&mutant);
            caught += usize::from(is_told);
            if !is_told {
                if now_meant == meant {
                    same += 1;
                } else if is_part(&now_keywords, &keywords) {
                    legal += 1;
                } else {
                    missed.push(format!("{name}:{what}"));
                }
            }
            if number % if show { 4 } else { SHOWN } == 0
                && now_meant != meant
                && let Some((before, now)) = by_keepalived.as_ref().zip(keepalived(&mutant))
            {
                asked += 1;
                ours += usize::from(is_told);
                let news = now.difference(before).next();
                of_keepalived += usize::from(news.is_some());
                if let Some(news) = news.filter(|_| !is_told) {
                    theirs_alone.push(format!("{name}:{what}: {news}"));
                }
            }
        }
    }
    println!(
        "{all} mutants: {caught} told, {same} mean the same, {legal} are other legal files, {} missed",
        missed.len()
    );
    println!("of {asked} that mean something else, lvsadm tells {ours}, keepalived -t {of_keepalived}");
    if show {
        println!("keepalived alone tells {}:\n{}", theirs_alone.len(), theirs_alone.join("\n"));
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

/// keepalived's own verdict on each of its files is the one that `--strict` gives. What depends on the links of a machine is left out.
#[test]
fn strict_is_keepalived_s_verdict() {
    let mut wrong = Vec::new();
    for (name, text) in samples() {
        let Some(said) = keepalived(&text) else { return eprintln!("passed over: keepalived is not installed") };
        let about_links = |line: &&String| line.contains("doesn't exist") || line.contains("Non-existent interface");
        let accepts = said.iter().all(|line| about_links(&line));
        let findings = {
            let (file, environment) = in_memory(&text);
            lint(&file, &environment, Manner { strict: true, here: false })
        };
        if lvsadm::config::lint::keepalived_accepts(&findings) != accepts {
            wrong.push(format!("{name}: keepalived says {said:#?}, lvsadm {findings:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
