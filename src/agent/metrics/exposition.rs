//! Prometheus' text format (version 0.0.4): families with help and type, samples with escaped labels.

use std::fmt::{Display, Write as _};

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only rises; its name ends with `_total`.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counted in ranges.
    Histogram,
}

/// A text that is being written.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

/// One value with its labels, as [`labels`] writes them.
pub(super) type Sample<V> = (String, V);

impl Exposition {
    /// Adds a family, unless it has no samples.
    pub(super) fn family<V: Display>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = Sample<V>>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        self.head(name, kind, help);
        for (labels, value) in samples {
            let _ = writeln!(self.text, "lvsadm_{name}{} {value}", braced(&labels));
        }
    }

    /// Adds a counter or gauge without labels.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help, [(String::new(), value)]);
    }

    /// Adds a family of histograms.
    pub(super) fn histograms(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = Sample<Histogram>>) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        self.head(name, Kind::Histogram, help);
        for (labels, histogram) in samples {
            let comma = if labels.is_empty() { "" } else { "," };
            let mut count = 0;
            for (bound, within) in histogram.buckets {
                count += within;
                let _ = writeln!(self.text, "lvsadm_{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}");
            }
            count += histogram.beyond;
            let _ = writeln!(self.text, "lvsadm_{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
            let sum = seconds(histogram.sum_us);
            let _ = writeln!(self.text, "lvsadm_{name}_sum{} {sum}", braced(&labels));
            let _ = writeln!(self.text, "lvsadm_{name}_count{} {count}", braced(&labels));
        }
    }

    fn head(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.text, "# HELP lvsadm_{name} {help}\n# TYPE lvsadm_{name} {kind}");
    }

    /// Returns all of it.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Durations in ranges.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histogram {
    /// Upper end in seconds, and how many are in this range alone.
    pub(super) buckets: Vec<(f64, u64)>,
    /// How many are beyond the last range.
    pub(super) beyond: u64,
    /// Sum of all, in microseconds.
    pub(super) sum_us: u64,
}

impl Histogram {
    /// Returns that of counters of how many of `count` were later than each of `bounds` (in microseconds).
    pub(super) fn of_late(bounds: &[u64], later: &[u64], count: u64, sum_us: u64) -> Self {
        let mut rest = count;
        let bucket = |(bound, later): (&u64, &u64)| {
            let within = rest.saturating_sub(*later);
            rest = rest.min(*later);
            (seconds(*bound), within)
        };
        let buckets = bounds.iter().zip(later).map(bucket).collect();
        Self { buckets, beyond: rest, sum_us }
    }

    /// Adds what another one of the same ranges counted.
    pub(super) fn add(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            *self = other.clone();
            return;
        }
        for (ours, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            ours.1 += theirs.1;
        }
        self.beyond += other.beyond;
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }
}

/// Returns microseconds as seconds.
pub(super) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Writes labels, with what would end a value escaped.
pub(super) fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{name}=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c if c.is_control() => text.push('?'),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text
}

fn braced(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_ends_a_label() {
        assert_eq!(labels(&[("a", "x\"} 1\n"), ("b", "c\\\r")]), "a=\"x\\\"} 1\\n\",b=\"c\\\\?\"");
    }

    #[test]
    fn families_have_heads() {
        let mut text = Exposition::default();
        text.family(
            "x_total",
            Kind::Counter,
            "What it is",
            [(labels(&[("a", "b")]), 5_u64), (labels(&[("a", "c")]), 6)],
        );
        text.family("nothing", Kind::Gauge, "No samples", Vec::<Sample<u64>>::new());
        text.single("y", Kind::Gauge, "One", 1.5);
        let late = Histogram::of_late(&[1_000, 10_000], &[3, 1], 10, 2_500_000);
        assert_eq!(late, Histogram { buckets: vec![(0.001, 7), (0.01, 2)], beyond: 1, sum_us: 2_500_000 });
        let mut twice = Histogram::default();
        twice.add(&late);
        twice.add(&late);
        text.histograms("z_seconds", "Times", [(labels(&[("a", "b")]), twice)]);
        assert_eq!(
            text.into_text(),
            "# HELP lvsadm_x_total What it is\n# TYPE lvsadm_x_total counter\n\
             lvsadm_x_total{a=\"b\"} 5\nlvsadm_x_total{a=\"c\"} 6\n\
             # HELP lvsadm_y One\n# TYPE lvsadm_y gauge\nlvsadm_y 1.5\n\
             # HELP lvsadm_z_seconds Times\n# TYPE lvsadm_z_seconds histogram\n\
             lvsadm_z_seconds_bucket{a=\"b\",le=\"0.001\"} 14\nlvsadm_z_seconds_bucket{a=\"b\",le=\"0.01\"} 18\n\
             lvsadm_z_seconds_bucket{a=\"b\",le=\"+Inf\"} 20\nlvsadm_z_seconds_sum{a=\"b\"} 5\n\
             lvsadm_z_seconds_count{a=\"b\"} 20\n"
        );
    }

    #[test]
    fn counters_that_do_not_fit_together_stay_in_their_range() {
        let odd = Histogram::of_late(&[1, 2], &[5, 9], 3, 0);
        assert_eq!((odd.buckets, odd.beyond), (vec![(1e-6, 0), (2e-6, 0)], 3));
    }
}
