//! A page of rows as text that fits a window, down to 20 columns. Pure.

use super::{
    sample::{Rates, Sample},
    view::{Row, Rows},
};
use crate::{
    cli::render::{bytes, clean_line, count, duration},
    model::{ServerKey, ServiceKey, Weight},
};

/// What an agent, or the notes of drains, say of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Told {
    /// `up`, `down`, `untested`, as checks say.
    pub(in crate::cli) health: Option<String>,
    /// Whether somebody drains it.
    pub(in crate::cli) draining: bool,
    /// How much of its weight a slow start has given it, in per cent.
    pub(in crate::cli) ramp: Option<u32>,
    /// Whether the kernel has another weight than the agent wants.
    pub(in crate::cli) drifts: bool,
}

impl Told {
    fn words(&self) -> String {
        let ramp = self.ramp.map(|percent| format!("ramp {percent}%"));
        let ill = self.health.clone().filter(|health| health != "up");
        let words = [ill, self.draining.then(|| "draining".into()), ramp, self.drifts.then(|| "drift".into())];
        let text = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if text.is_empty() { self.health.clone().unwrap_or_default() } else { text }
    }
}

/// Who knows such things.
pub(in crate::cli) trait Health {
    /// Returns what is known of a server that has this weight in the kernel.
    fn server(&self, service: &ServiceKey, server: &ServerKey, weight: Weight) -> Told;

    /// Returns a few words about a service.
    fn service(&self, service: &ServiceKey) -> String;
}

/// Size of a window in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) lines: usize,
}

/// A column beside the names: its title, how wide it is, and how much it is missed where there is no room.
struct Column {
    title: &'static str,
    width: usize,
    rank: u8,
}

const COLUMNS: [Column; 8] = [
    Column { title: "WEIGHT", width: 7, rank: 4 },
    Column { title: "ACTIVE", width: 8, rank: 2 },
    Column { title: "INACT", width: 8, rank: 5 },
    Column { title: "CONN/S", width: 8, rank: 1 },
    Column { title: "PKT/S", width: 8, rank: 8 },
    Column { title: "IN B/S", width: 8, rank: 6 },
    Column { title: "OUT B/S", width: 8, rank: 7 },
    Column { title: "STATE", width: 14, rank: 3 },
];

/// The column of words, which is aligned left.
const STATE: usize = 7;

/// Names get at least so much, and no more than they need.
const NARROWEST_NAME: usize = 11;
const WIDEST_NAME: usize = 48;

/// What is left of the line for names, and which columns there is room for.
fn fit(columns: usize, named: usize) -> (usize, Vec<usize>) {
    let name = named.clamp(NARROWEST_NAME, WIDEST_NAME);
    let mut by_rank: Vec<usize> = (0..COLUMNS.len()).collect();
    by_rank.sort_by_key(|at| COLUMNS.get(*at).map(|column| column.rank));
    let mut shown = Vec::new();
    // The most important ones may push names together; the others only take what names leave.
    let mut left = columns;
    for at in by_rank {
        let width = COLUMNS.get(at).map_or(0, |column| column.width);
        let keep = if shown.len() < 3 { NARROWEST_NAME } else { name };
        if left >= keep + width {
            left -= width;
            shown.push(at);
        }
    }
    shown.sort_unstable();
    (left.min(name.max(NARROWEST_NAME)).min(columns), shown)
}

/// A line before it is cut: a name, cells in the order of [`COLUMNS`], whether it is a heading of others.
struct Line {
    name: String,
    cells: [String; COLUMNS.len()],
    heads: bool,
}

/// Returns the rows from `first` on that fit so many lines, the titles above them; without a window, all of them as wide as they
/// are.
pub(super) fn page(
    sample: &Sample,
    rows: &Rows,
    health: &dyn Health,
    first: usize,
    window: Option<Size>,
) -> Vec<(String, bool)> {
    let room = window.map_or(usize::MAX, |window| window.lines.saturating_sub(1));
    let lines: Vec<Line> =
        rows.rows.iter().skip(first).take(room).filter_map(|row| line(sample, rows, row, health)).collect();
    let named = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0).max("SERVICE / SERVER".len());
    let (name, shown) = match window {
        Some(window) => fit(window.columns, named),
        None => (named, (0..COLUMNS.len()).collect()),
    };
    let titles =
        Line { name: "SERVICE / SERVER".to_owned(), cells: COLUMNS.map(|column| column.title.to_owned()), heads: true };
    std::iter::once(&titles).chain(&lines).map(|line| (laid_out(line, name, &shown), line.heads)).collect()
}

fn laid_out(line: &Line, name: usize, shown: &[usize]) -> String {
    let mut text = format!("{:<name$}", cut_front(&line.name, name));
    for at in shown {
        let width = COLUMNS.get(*at).map_or(0, |column| column.width);
        let cell = line.cells.get(*at).map_or("", String::as_str);
        if *at == STATE {
            text += &format!("  {}", cut_end(cell, width - 2));
        } else {
            text += &format!("{:>width$}", cut_end(cell, width));
        }
    }
    text.trim_end().to_owned()
}

/// The end of an address tells more than its begin.
fn cut_front(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    // What is set in loses that first.
    let text = text.trim_start();
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let rest: String = text.chars().skip(length + 1 - width.max(1)).collect();
    format!("…{rest}")
}

/// Returns text cut to a width.
pub(super) fn cut_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn line(sample: &Sample, rows: &Rows, row: &Row, health: &dyn Health) -> Option<Line> {
    Some(match *row {
        Row::Service(place) => {
            let service = sample.services.get(place)?;
            let key = &service.each.service.key;
            let sum = |of: fn(&crate::model::ServerStatus) -> u32| {
                service.each.servers.iter().map(|it| u64::from(of(&it.status))).sum::<u64>()
            };
            let scheduler = clean_line(service.each.service.scheduler.as_str());
            Line {
                name: key.to_string(),
                cells: cells(
                    scheduler,
                    sum(|it| it.active),
                    sum(|it| it.inactive),
                    service.rates.as_ref(),
                    health.service(key),
                ),
                heads: true,
            }
        }
        Row::Server(place, at) => {
            let service = sample.services.get(place)?;
            let server = service.each.servers.get(at)?;
            let key = &service.each.service.key;
            let name = if rows.totals.is_empty() {
                format!("  {}", server.server.key)
            } else {
                format!("  {} of {key}", server.server.key.port)
            };
            Line {
                name,
                cells: cells(
                    server.server.weight.to_string(),
                    server.status.active.into(),
                    server.status.inactive.into(),
                    service.servers.get(at).and_then(Option::as_ref),
                    health.server(key, &server.server.key, server.server.weight).words(),
                ),
                heads: false,
            }
        }
        Row::Address(number) => {
            let total = rows.totals.get(number)?;
            Line {
                name: total.address.to_string(),
                cells: cells(
                    total.weight.to_string(),
                    total.active,
                    total.inactive,
                    total.rates.as_ref(),
                    String::new(),
                ),
                heads: true,
            }
        }
    })
}

fn cells(weight: String, active: u64, inactive: u64, rates: Option<&Rates>, state: String) -> [String; COLUMNS.len()] {
    let rate = |of: fn(&Rates) -> f64, text: fn(f64) -> String| rates.map_or_else(|| "-".to_owned(), |it| text(of(it)));
    [
        weight,
        count(active),
        count(inactive),
        rate(|it| it.connections, per_second),
        rate(|it| it.in_packets + it.out_packets, per_second),
        rate(|it| it.in_bytes, |rate| bytes(whole(rate))),
        rate(|it| it.out_bytes, |rate| bytes(whole(rate))),
        clean_line(&state),
    ]
}

/// Less than a hundred a second with a tenth: one connection in five seconds is not nothing.
fn per_second(rate: f64) -> String {
    if rate == 0.0 {
        "0".to_owned()
    } else if rate < 99.95 {
        format!("{rate:.1}")
    } else {
        count(whole(rate))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is never below zero")]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

/// Returns the line above all: how much there is, and what it does together.
pub(super) fn summary(sample: &Sample, paused: bool) -> String {
    let servers: usize = sample.services.iter().map(|service| service.each.servers.len()).sum();
    let mut rates: Option<Rates> = None;
    for each in sample.services.iter().filter_map(|service| service.rates.as_ref()) {
        rates.get_or_insert_default().add(each);
    }
    let mut text = String::new();
    if paused {
        text += "paused  ";
    }
    match rates {
        Some(rates) => {
            text += &format!(
                "{} conn/s, in {}B/s, out {}B/s",
                per_second(rates.connections),
                bytes(whole(rates.in_bytes)),
                bytes(whole(rates.out_bytes))
            );
        }
        None => text += "the first rates come with the next reading",
    }
    text += &format!("; {} services, {servers} servers", sample.services.len());
    if let Some(passed) = sample.passed.filter(|passed| passed.as_secs() >= 10) {
        text += &format!("; over {}", duration(passed.as_secs()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            sample::tests::{at, table},
            view::{Grouping, Sort, View},
        },
        *,
    };

    struct Words;

    impl Health for Words {
        fn server(&self, _: &ServiceKey, server: &ServerKey, _: Weight) -> Told {
            Told { draining: server.port == 80, ..Told::default() }
        }

        fn service(&self, _: &ServiceKey) -> String {
            "up".to_owned()
        }
    }

    fn shown(grouping: Grouping, window: Option<Size>) -> String {
        let first = Sample::new(at(0), table(&[(80, &[(11, 0), (12, 0)]), (443, &[(12, 0)])]), None);
        let sample = Sample::new(at(2), table(&[(80, &[(11, 5), (12, 900)]), (443, &[(12, 90)])]), Some(&first));
        let view = View { grouping, sort: Sort::Connections, reverse: false, filter: String::new() };
        let page = page(&sample, &view.rows(&sample), &Words, 0, window);
        page.into_iter().map(|(line, _)| line + "\n").collect()
    }

    #[test]
    fn a_wide_page_has_everything() {
        assert_eq!(
            shown(Grouping::Services, None),
            "\
SERVICE / SERVER WEIGHT  ACTIVE   INACT  CONN/S   PKT/S  IN B/S OUT B/S  STATE
TCP 10.0.0.1:80     wlc      23       0     453       0  44.1Ki       0  up
  10.0.0.12:80        1      12       0     450       0  43.9Ki       0  draining
  10.0.0.11:80        1      11       0     2.5       0     250       0  draining
TCP 10.0.0.1:443    wlc      12       0    45.0       0    4500       0  up
  10.0.0.12:443       1      12       0    45.0       0    4500       0
"
        );
        assert_eq!(
            shown(Grouping::Servers, None).lines().take(3).collect::<Vec<_>>().join("\n"),
            "\
SERVICE / SERVER          WEIGHT  ACTIVE   INACT  CONN/S   PKT/S  IN B/S OUT B/S  STATE
10.0.0.12                      2      24       0     495       0  48.3Ki       0
  80 of TCP 10.0.0.1:80        1      12       0     450       0  43.9Ki       0  draining"
        );
    }

    #[test]
    fn a_narrow_page_has_what_matters() {
        let window = |columns, lines| Some(Size { columns, lines });
        assert_eq!(
            shown(Grouping::Services, window(20, 3)),
            "…CE / SERVER  CONN/S\n…10.0.0.1:80     453\n10.0.0.12:80     450\n"
        );
        for columns in 0..200 {
            for line in shown(Grouping::Services, window(columns, 5)).lines() {
                assert!(line.chars().count() <= columns.max(1), "{columns}: {line}");
            }
        }
    }
}
