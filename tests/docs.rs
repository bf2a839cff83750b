//! The manual and the completions are what the program says of itself, and are not older than it.
//!
//! `LVSADM_UPDATE=1 cargo test --test docs` writes them anew.

use std::{env, fmt::Write, fs, path::Path, process::Command};

use clap::Arg;
use lvsadm::{
    cli::completions::{Shell, script},
    config::schema::{self, Inside, Keyword, Slot, Status},
};

/// Compares a committed file with what it should be, or writes it.
fn fresh(name: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if env::var_os("LVSADM_UPDATE").is_some() {
        fs::write(&file, wanted).expect("the file can be written");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{name} is out of date: run LVSADM_UPDATE=1 cargo test --test docs, and read what changed"
    );
}

#[test]
fn completions_are_fresh() {
    fresh("completions/lvsadm.bash", &script(Shell::Bash));
    fresh("completions/_lvsadm", &script(Shell::Zsh));
    fresh("completions/lvsadm.fish", &script(Shell::Fish));
}

#[test]
fn manual_is_fresh() {
    let template = include_str!("../man/lvsadm.8.in");
    let page = template.replace("@VERSION@", env!("CARGO_PKG_VERSION")).replace("@COMMANDS@\n", &commands());
    fresh("man/lvsadm.8", &page);
}

#[test]
fn manual_of_keepalived_conf_is_fresh() {
    let mut keywords = String::new();
    let mut not_done = NotDone::default();
    let mut tables: Vec<Table> = Vec::new();
    let top = "Outside all blocks";
    let mut blocks: Vec<(String, &'static [Keyword])> = vec![(top.to_owned(), schema::ROOT)];
    let mut told: Vec<*const Keyword> = Vec::new();
    while let Some((title, block)) = blocks.pop() {
        // Several keywords share a block, as HTTP_GET and SSL_GET do.
        if told.contains(&block.as_ptr()) {
            continue;
        }
        told.push(block.as_ptr());
        let _ = writeln!(keywords, ".SS {}", escape(&title));
        for keyword in block {
            keyword_entry(&mut keywords, keyword);
            not_done.take(keyword, if title == top { "" } else { &title });
            options_of(keyword.takes, keyword.name(), &mut tables);
            if let Inside::Entries(_, slots) = keyword.inside {
                options_of(slots, keyword.name(), &mut tables);
            }
        }
        for keyword in block.iter().rev() {
            if let Inside::Keywords(inside) = keyword.inside {
                let same = block
                    .iter()
                    .filter(|other| matches!(other.inside, Inside::Keywords(also) if also.as_ptr() == inside.as_ptr()));
                let title = same.map(Keyword::name).collect::<Vec<_>>().join(", ");
                blocks.push((if title == "url" { "url (in HTTP_GET and SSL_GET)".to_owned() } else { title }, inside));
            }
        }
    }
    for (owners, options) in tables {
        let title = format!("Options of {}", owners.join(", "));
        let _ = writeln!(keywords, ".SS {}", escape(&title));
        for option in options {
            keyword_entry(&mut keywords, option);
            not_done.take(option, &owners.join(", "));
        }
    }
    let template = include_str!("../man/lvsadm-keepalived.conf.5.in");
    let page = template.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    let page = page.replace("@KEYWORDS@\n", &keywords).replace("@NOT_DONE@\n", &not_done.page());
    fresh("man/lvsadm-keepalived.conf.5", &page);
}

/// Named options, and the keywords whose lines have them.
type Table = (Vec<&'static str>, &'static [Keyword]);

/// Finds the tables of options behind a keyword. What has the same options shares a table.
fn options_of(slots: &[Slot], owner: &'static str, tables: &mut Vec<Table>) {
    for slot in slots {
        match *slot {
            Slot::Options(options) | Slot::Around(options, _) => {
                let names = |options: &[Keyword]| options.iter().map(Keyword::name).collect::<Vec<_>>();
                match tables.iter_mut().find(|(_, known)| names(known) == names(options)) {
                    Some((owners, _)) if owners.contains(&owner) => {}
                    Some((owners, _)) => owners.push(owner),
                    None => tables.push((vec![owner], options)),
                }
            }
            Slot::Either(alternatives, otherwise) => {
                alternatives.iter().for_each(|(_, slots)| options_of(slots, owner, tables));
                options_of(otherwise, owner, tables);
            }
            Slot::One(_) | Slot::Maybe(_) | Slot::Many(_) | Slot::Any(_) => {}
        }
    }
}

/// Keywords that are not carried out, by their reason and place.
#[derive(Default)]
struct NotDone(Vec<(&'static str, String, Vec<&'static str>)>);

impl NotDone {
    fn take(&mut self, keyword: &Keyword, place: &str) {
        let Status::NotDone(why) = keyword.status else { return };
        match self.0.iter_mut().find(|(reason, block, _)| *reason == why && block == place) {
            Some((_, _, names)) => names.push(keyword.name()),
            None => self.0.push((why, place.to_owned(), vec![keyword.name()])),
        }
    }

    fn page(&self) -> String {
        let entry = |(why, place, names): &(&str, String, Vec<&str>)| {
            let place = if place.is_empty() { String::new() } else { format!(" ({})", escape(place)) };
            let names = names.iter().map(|name| escape(name)).collect::<Vec<_>>().join("\\fR, \\fB");
            format!(".TP\n\\fB{names}\\fR{place}\n{}\n", sentence(why))
        };
        self.0.iter().map(entry).collect()
    }
}

fn keyword_entry(page: &mut String, keyword: &Keyword) {
    let synopsis = schema::synopsis(keyword);
    let (names, rest) = synopsis.split_once(' ').unwrap_or((&synopsis, ""));
    let _ = writeln!(page, ".TP\n\\fB{}\\fR {}", escape(names), escape(rest));
    let mut text = sentence(keyword.meaning);
    if let Some(limits) = schema::limits(keyword) {
        let _ = write!(text, " Values: {}.", escape(&limits));
    }
    if keyword.required {
        text.push_str(" Needed.");
    }
    if !keyword.default.is_empty() {
        let _ = write!(text, " Default: {}.", escape(keyword.default.trim_end_matches('.')));
    }
    match keyword.status {
        Status::Honoured => {}
        Status::NotDone(why) => {
            let _ = write!(text, " Not done: {}", sentence(why));
        }
        Status::Obsolete(instead) => {
            let _ = write!(text, " Obsolete: {}", sentence(instead));
        }
    }
    let _ = writeln!(page, "{text}");
}

/// A text with a full stop.
fn sentence(text: &str) -> String {
    escape(&full_stop(text))
}

/// Renders every page with every warning that groff has, and asks mandoc where it is installed.
#[test]
fn manual_renders_without_warnings() {
    for page in [
        "lvsadm.8",
        "lvsadm-savefile.5",
        "lvsadm-ipvsadm.7",
        "lvsadm-vrrp.7",
        "lvsadm-bfd.7",
        "lvsadm-check.7",
        "lvsadm-events.7",
        "lvsadm-agent.7",
        "lvsadm-control.7",
        "lvsadm-keepalived.conf.5",
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(page);
        let groff = Command::new("groff").args(["-t", "-man", "-ww", "-Tutf8", "-z"]).arg(&file).output();
        let groff = groff.expect("groff is installed");
        assert!(
            groff.status.success() && groff.stderr.is_empty(),
            "{page}: {}",
            String::from_utf8_lossy(&groff.stderr)
        );
        if let Ok(mandoc) = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).arg(&file).output() {
            assert!(mandoc.status.success(), "{}", String::from_utf8_lossy(&mandoc.stdout));
        }
    }
}

/// A section for each command.
fn commands() -> String {
    let mut root = lvsadm::cli::command();
    root.build();
    root.get_subcommands().map(section).collect()
}

fn section(verb: &clap::Command) -> String {
    let mut page = format!(".SH {}\n", escape(&verb.get_name().to_uppercase()));
    describe(&mut page, verb);
    for each in verb.get_subcommands() {
        let _ = writeln!(page, ".SS {} {}", escape(verb.get_name()), escape(each.get_name()));
        let mut each = each.clone();
        // What edits and what adds take the same options, which need no second telling.
        if let Some(add) = each.get_name().strip_prefix("edit").and_then(|of| verb.find_subcommand(format!("add{of}")))
        {
            let here = |id: &clap::Id| each.get_arguments().any(|arg| arg.get_id() == id && arg.get_long().is_some());
            let told: Vec<_> = add.get_arguments().map(Arg::get_id).filter(|id| here(id)).collect();
            for id in told {
                each = each.mut_arg(id.as_str(), |arg| arg.hide(true));
            }
            let about = format!("{} Beside the options of {}:", full_stop(&about(&each)), add.get_name());
            each = each.long_about(about);
        }
        let each = &each;
        describe(&mut page, each);
        extra(&mut page, each, ".PP\nExamples:\n");
        // What edits and what adds have the same kinds, too.
        let is_edit = each.get_name().starts_with("edit");
        for kind in each.get_subcommands().filter(|_| !is_edit) {
            let path = [verb, each, kind].map(|verb| escape(verb.get_name())).join(" ");
            let _ = writeln!(page, ".SS {path}");
            // What all kinds share was told above.
            describe(&mut page, &kind.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg }));
        }
    }
    extra(&mut page, verb, ".SS Examples\n");
    page
}

/// What stands below the options: paragraphs, then examples.
fn extra(page: &mut String, verb: &clap::Command, heading: &str) {
    let extra = verb.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let (before, examples) = extra.split_once("Examples:\n").unwrap_or((&extra, ""));
    paragraphs(page, before);
    if !examples.is_empty() {
        page.push_str(heading);
        page.push_str(".EX\n");
        for line in examples.lines() {
            let _ = writeln!(page, "{}", escape(line.strip_prefix("  ").unwrap_or(line)));
        }
        page.push_str(".EE\n");
    }
}

/// The usage line, the description, the options under their headings.
fn describe(page: &mut String, verb: &clap::Command) {
    let mut verb = verb.clone();
    let usage = verb.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace('\n', " ");
    let _ = writeln!(page, ".B {}", escape(usage.trim()));
    paragraphs(page, &about(&verb).split("\n\n").map(full_stop).collect::<Vec<_>>().join("\n\n"));
    for arg in verb.get_arguments().filter(|arg| arg.get_id() != "help" && !arg.is_hide_set()) {
        let _ = writeln!(page, ".TP\n{}\n{}", heading(arg), escape(&full_stop(&text(arg))));
    }
}

fn about(verb: &clap::Command) -> String {
    verb.get_long_about().or_else(|| verb.get_about()).map(ToString::to_string).unwrap_or_default()
}

fn full_stop(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '…', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// `-t, --tcp-service ADDR:PORT`
fn heading(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let aliases = arg.get_visible_aliases().unwrap_or_default().into_iter().map(|alias| format!("--{alias}"));
    let names: Vec<_> = short.into_iter().chain(long).chain(aliases).collect();
    let mut text = names.iter().map(|name| format!("\\fB{}\\fR", escape(name))).collect::<Vec<_>>().join(", ");
    if arg.get_action().takes_values() || arg.is_positional() {
        let values = arg.get_value_names().unwrap_or_default();
        let value = values.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
        let value = format!("\\fI{}\\fR", escape(&value));
        let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        let separator = if names.is_empty() { "" } else { " " };
        let _ = if optional { write!(text, "{separator}[{value}]") } else { write!(text, "{separator}{value}") };
    }
    text
}

/// The option's help, what values it takes, and the default.
fn text(arg: &Arg) -> String {
    let mut text = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = arg.get_possible_values();
    if !values.is_empty() && arg.get_action().takes_values() {
        let names: Vec<_> = values.iter().map(|value| value.get_name()).collect();
        let _ = write!(text, ": {}", names.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().filter_map(|value| value.to_str()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        let _ = write!(text, " [default: {}]", defaults.join(" "));
    }
    text
}

fn paragraphs(page: &mut String, text: &str) {
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        page.push_str(".PP\n");
        for line in paragraph.lines() {
            let _ = writeln!(page, "{}", escape(line));
        }
    }
}

/// roff takes a backslash, a dot or a quote at a line's begin, and a bare hyphen for its own.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('…', "...");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
