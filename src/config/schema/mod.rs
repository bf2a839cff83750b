//! All that keepalived.conf may say, once: from these tables come what is checked, the hints, and the manual page.
//!
//! A keyword is a name, the words it takes, what stands between its braces, and how lvsadm stands to it. Nothing is
//! ignored in silence: what is not carried out says so here, and so to the reader of the file.

mod checkers;
mod entries;
mod global;
mod instance;
mod lvs;
mod root;
mod track;

pub use root::ROOT;

/// How lvsadm stands to a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what the keyword says.
    Honoured,
    /// It knows the keyword and does not do what it says: why.
    NotDone(&'static str),
    /// An old name or an old need: what is written today, or why nothing is.
    Obsolete(&'static str),
}

/// What may be defined by name in one place and named in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thing {
    /// `vrrp_instance`
    Instance,
    /// `vrrp_sync_group`
    SyncGroup,
    /// `track_group`
    TrackGroup,
    /// `garp_group`, which has no name.
    GarpGroup,
    /// `vrrp_script`
    Script,
    /// `track_file`
    File,
    /// `vrrp_track_process`
    Process,
    /// `bfd_instance`
    Bfd,
    /// `virtual_server_group`
    ServerGroup,
}

impl Thing {
    /// Returns the keyword that defines it.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Instance => "vrrp_instance",
            Self::SyncGroup => "vrrp_sync_group",
            Self::TrackGroup => "track_group",
            Self::GarpGroup => "garp_group",
            Self::Script => "vrrp_script",
            Self::File => "track_file",
            Self::Process => "vrrp_track_process",
            Self::Bfd => "bfd_instance",
            Self::ServerGroup => "virtual_server_group",
        }
    }

    /// Whether it must be defined above the place where it is named, because keepalived looks it up while it reads.
    pub fn before_use(self) -> bool {
        !matches!(self, Self::Instance | Self::ServerGroup)
    }
}

/// What a word must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Anything; how the manual calls it.
    Word(&'static str),
    /// The name of something that is defined here.
    New(Thing),
    /// The name of something that is defined elsewhere.
    Of(Thing),
    /// `on`, `true`, `yes`, `off`, `false`, `no`.
    Bool,
    /// A whole number, from and to.
    Number(i64, i64),
    /// Seconds with up to six decimals; from and to, in microseconds.
    Seconds(u64, u64),
    /// Milliseconds with up to three decimals; from and to, in microseconds.
    Milliseconds(u64, u64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, in small or capital letters.
    OneOfAnyCase(&'static [&'static str]),
    /// An IP address.
    Address,
    /// A multicast address of IPv4 (`false`) or IPv6 (`true`).
    Multicast(bool),
    /// An address, or one with `/LENGTH`.
    Prefix,
    /// A prefix, or one of these words.
    PrefixOr(&'static [&'static str]),
    /// Addresses of a `virtual_server_group`: one, a range, a network.
    Range,
    /// An IPv4 netmask, or a prefix length of IPv6.
    Granularity,
    /// 1 to 65535; 0 where a port may be left open.
    Port(bool),
    /// The name of a link.
    Link,
    /// The path of a file.
    Path,
    /// A program, or a whole command line in quotes.
    Command,
    /// The name of a user.
    User,
    /// The name of a group, with `:` before it or not.
    Group,
    /// An MD5 digest: 32 hexadecimal digits.
    Digest,
    /// HTTP statuses: `200` or `200-299`.
    Statuses,
    /// Bytes in hexadecimal; `true` = with `x` for any digit.
    Bytes(bool),
    /// A MAC address; the last byte may be left out.
    Mac,
    /// A mark, or one with `/MASK`.
    Mark,
    /// `A-B`, or one number.
    Span(i64, i64),
    /// A regular expression.
    Pattern,
    /// The name or number of an entry of iproute2's tables.
    Iproute,
}

/// What is expected next on a line.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// A word.
    One(Kind),
    /// A word that may be left out.
    Maybe(Kind),
    /// Words, as many as there are, at least one.
    Many(Kind),
    /// Words, as many as there are, or none.
    Any(Kind),
    /// Names with their values, in any order.
    Options(&'static [Keyword]),
    /// The same, and somewhere between them words of these kinds, each once and not all of them.
    Around(&'static [Keyword], &'static [Kind]),
    /// What follows one of these words; or else the second.
    Either(&'static [(&'static str, &'static [Self])], &'static [Self]),
}

/// What stands between the braces of a keyword.
#[derive(Clone, Copy, Debug)]
pub enum Inside {
    /// No braces.
    Nothing,
    /// Keywords.
    Keywords(&'static [Keyword]),
    /// Each line is an entry; how the manual calls one.
    Entries(&'static str, &'static [Slot]),
    /// Each word is an entry.
    Words(Kind),
}

/// How often a keyword may stand in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once; keepalived takes the last one without a word.
    LastCounts,
    /// Once; keepalived takes the first one, and complains.
    FirstCounts,
    /// As often as one likes.
    Many,
}

/// A keyword, or a named option of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// Its names; the first is what one writes today.
    pub names: &'static [&'static str],
    /// The words behind it.
    pub takes: &'static [Slot],
    /// What is between its braces.
    pub inside: Inside,
    /// What is true without it; empty = nothing that could be named.
    pub default: &'static str,
    /// What it means, in a sentence without a full stop.
    pub meaning: &'static str,
    /// How lvsadm stands to it.
    pub status: Status,
    /// How often it may stand in its block.
    pub times: Times,
    /// Whether its block is useless without it.
    pub required: bool,
}

impl Keyword {
    /// Returns its first name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Whether it must have braces.
    pub fn opens(&self) -> bool {
        !matches!(self.inside, Inside::Nothing)
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn not_done(self, why: &'static str) -> Self {
        Self { status: Status::NotDone(why), ..self }
    }

    const fn obsolete(self, instead: &'static str) -> Self {
        Self { status: Status::Obsolete(instead), ..self }
    }

    const fn many(self) -> Self {
        Self { times: Times::Many, ..self }
    }

    const fn first(self) -> Self {
        Self { times: Times::FirstCounts, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn block(self, inside: Inside) -> Self {
        Self { inside, ..self }
    }
}

/// A keyword with the words it takes and what it means.
const fn keyword(names: &'static [&'static str], takes: &'static [Slot], meaning: &'static str) -> Keyword {
    Keyword {
        names,
        takes,
        inside: Inside::Nothing,
        default: "",
        meaning,
        status: Status::Honoured,
        times: Times::LastCounts,
        required: false,
    }
}

/// A keyword that takes nothing.
const fn flag(names: &'static [&'static str], meaning: &'static str) -> Keyword {
    keyword(names, &[], meaning)
}

/// A keyword that may have `on` or `off` behind it.
const fn switch(names: &'static [&'static str], meaning: &'static str) -> Keyword {
    keyword(names, &[Slot::Maybe(Kind::Bool)], meaning).default("off")
}

/// Returns the keyword of this name.
pub fn find(keywords: &'static [Keyword], name: &str) -> Option<&'static Keyword> {
    // Compared by length first, where it costs no call.
    let is = |known: &&str| known.len() == name.len() && *known == name;
    keywords.iter().find(|keyword| keyword.names.iter().any(is))
}

/// A whole number of 32 bits that is not negative.
const MOST: i64 = u32::MAX as i64;
/// The greatest positive number of 32 bits.
const MOST_SIGNED: i64 = i32::MAX as i64;
/// One second in microseconds.
const SECOND: u64 = 1_000_000;
/// The longest time that keepalived reads, in microseconds.
pub(super) const LONGEST: u64 = u32::MAX as u64 * SECOND;
/// A number of seconds: any time.
const TIME: Kind = Kind::Seconds(0, LONGEST);
/// A number of seconds, and not none.
const POSITIVE_TIME: Kind = Kind::Seconds(1, LONGEST);
/// A command, with its user.
const COMMAND: &[Slot] = &[Slot::One(Kind::Command), Slot::Any(Kind::Word("ARGUMENT"))];
/// A user and perhaps a group.
const USER: &[Slot] = &[Slot::One(Kind::User), Slot::Maybe(Kind::Group)];

/// Returns the keywords that have a keyword of this name between their braces, the outermost first.
pub fn places_of(name: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut blocks: Vec<(&'static str, &'static [Keyword])> = vec![("the file, outside braces", ROOT)];
    while let Some((block, keywords)) = blocks.pop() {
        if find(keywords, name).is_some() && !found.contains(&block) {
            found.push(block);
        }
        for keyword in keywords {
            if let Inside::Keywords(inside) = keyword.inside {
                blocks.push((keyword.name(), inside));
            }
        }
    }
    found
}

/// Returns what to write instead of names that keepalived's manual has and keepalived has not, and of other names that
/// people write.
pub fn known_mistake(name: &str, block: &str) -> Option<&'static str> {
    match name {
        "state_file_location" => Some("keepalived's manual calls state_dump_file so"),
        "stats_file_location" => Some("keepalived's manual calls stats_dump_file so"),
        "json_file_location" => Some("keepalived's manual calls json_dump_file so"),
        "use_syslink_paths" => Some("keepalived's manual calls use_symlink_paths so"),
        "lb_kind" if block.starts_with("real_server") => Some("in a real_server it is called lvs_method"),
        "dynamic" if block.starts_with("FILE_CHECK") => Some("keepalived's manual has it, keepalived has not"),
        "notify_deleted" => Some("only a vrrp_instance has it"),
        _ => None,
    }
}

/// Returns how messages and the manual call what a word must be.
pub fn named(kind: Kind) -> String {
    match kind {
        Kind::Word(name) => name.to_owned(),
        Kind::New(_) | Kind::Of(_) => "NAME".to_owned(),
        Kind::Bool => "on|off".to_owned(),
        Kind::Number(..) | Kind::Span(..) => "N".to_owned(),
        Kind::Seconds(..) => "SECONDS".to_owned(),
        Kind::Milliseconds(..) => "MILLISECONDS".to_owned(),
        Kind::OneOf(words) | Kind::OneOfAnyCase(words) if words.len() <= 4 => words.join("|"),
        Kind::OneOf(_) | Kind::OneOfAnyCase(_) => "WORD".to_owned(),
        Kind::Address | Kind::Multicast(_) => "ADDRESS".to_owned(),
        Kind::Prefix | Kind::PrefixOr(_) => "ADDRESS[/LENGTH]".to_owned(),
        Kind::Range => "ADDRESSES".to_owned(),
        Kind::Granularity => "NETMASK|LENGTH".to_owned(),
        Kind::Port(_) => "PORT".to_owned(),
        Kind::Link => "INTERFACE".to_owned(),
        Kind::Path => "FILE".to_owned(),
        Kind::Command => "COMMAND".to_owned(),
        Kind::User => "USER".to_owned(),
        Kind::Group => "GROUP".to_owned(),
        Kind::Digest => "DIGEST".to_owned(),
        Kind::Statuses => "STATUS[-STATUS]".to_owned(),
        Kind::Bytes(_) => "HEX".to_owned(),
        Kind::Mac => "MAC".to_owned(),
        Kind::Mark => "MARK[/MASK]".to_owned(),
        Kind::Pattern => "EXPRESSION".to_owned(),
        Kind::Iproute => "NAME|N".to_owned(),
    }
}

/// Returns a keyword with the words it takes, as the manual has it: `smtp_server HOST [PORT]`.
pub fn synopsis(keyword: &Keyword) -> String {
    let mut text = keyword.names.join("|");
    words_of(keyword.takes, &mut text);
    match keyword.inside {
        Inside::Nothing => {}
        Inside::Keywords(_) => text.push_str(" { ... }"),
        Inside::Entries(entry, _) => text.push_str(&format!(" {{ {entry} ... }}")),
        Inside::Words(kind) => text.push_str(&format!(" {{ {} ... }}", named(kind))),
    }
    text
}

fn words_of(slots: &[Slot], text: &mut String) {
    let option = |option: &Keyword| format!("[{}]", synopsis(option));
    for slot in slots {
        text.push(' ');
        match *slot {
            Slot::One(kind) => text.push_str(&named(kind)),
            Slot::Maybe(kind) => text.push_str(&format!("[{}]", named(kind))),
            Slot::Many(kind) => text.push_str(&format!("{} ...", named(kind))),
            Slot::Any(kind) => text.push_str(&format!("[{} ...]", named(kind))),
            Slot::Options(options) => text.push_str(&options.iter().map(option).collect::<Vec<_>>().join(" ")),
            Slot::Around(options, kinds) => {
                let kinds = kinds.iter().map(|kind| format!("[{}]", named(*kind)));
                text.push_str(&kinds.chain(options.iter().map(option)).collect::<Vec<_>>().join(" "));
            }
            Slot::Either(alternatives, otherwise) => {
                words_of(otherwise, text);
                for (name, slots) in alternatives {
                    text.push_str(&format!(" | {name}"));
                    words_of(slots, text);
                }
                // The first one was set apart already.
                *text = text.replace("  ", " ");
            }
        }
    }
}

/// Returns what the numbers and words of a keyword may be, where it needs telling: `1 to 255`.
pub fn limits(keyword: &Keyword) -> Option<String> {
    keyword.takes.iter().find_map(|slot| match *slot {
        Slot::One(kind) | Slot::Maybe(kind) | Slot::Many(kind) | Slot::Any(kind) => limits_of(kind),
        Slot::Options(_) | Slot::Around(..) | Slot::Either(..) => None,
    })
}

fn limits_of(kind: Kind) -> Option<String> {
    // Bounds are round numbers.
    #[allow(clippy::cast_precision_loss)]
    let units = |value: u64, scale: f64| value as f64 / scale;
    match kind {
        Kind::Number(_, MOST) | Kind::Seconds(_, LONGEST) => None,
        Kind::Number(least, most) => Some(format!("{least} to {most}")),
        Kind::Seconds(least, most) => Some(format!("{} to {}", units(least, 1e6), units(most, 1e6))),
        Kind::Milliseconds(least, most) => Some(format!("{} to {}", units(least, 1e3), units(most, 1e3))),
        Kind::OneOf(words) | Kind::OneOfAnyCase(words) if words.len() > 4 => Some(words.join(", ")),
        _ => None,
    }
}
