//! Which rows there are and in which order: services with their servers, or servers with their services. Pure.
//!
//! Rows are places in a sample; their text is made for the few of them that are on the screen.

use std::{cmp::Ordering, collections::HashMap, net::IpAddr};

use clap::ValueEnum;

use super::sample::{Rates, Sample};

/// What rows are sorted by, the greatest first; names in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Sort {
    /// New connections a second
    Connections,
    /// Packets a second, both ways
    Packets,
    /// Bytes a second, both ways
    Bytes,
    /// Active connections
    Active,
    /// Active and inactive connections
    All,
    /// Weight
    Weight,
    /// Address
    Name,
}

/// How rows belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Grouping {
    /// Services, their servers below them.
    Services,
    /// Servers by address, their services below them.
    Servers,
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Row {
    /// A service, by its place.
    Service(usize),
    /// A server below its service, or below its address: places of both.
    Server(usize, usize),
    /// All services of one address, by its place among the totals.
    Address(usize),
}

/// What one address does in all services together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Total {
    pub(super) address: IpAddr,
    pub(super) weight: u64,
    pub(super) active: u64,
    pub(super) inactive: u64,
    pub(super) rates: Option<Rates>,
    members: Vec<(usize, usize)>,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct View {
    pub(in crate::cli) grouping: Grouping,
    pub(in crate::cli) sort: Sort,
    pub(in crate::cli) reverse: bool,
    /// Rows have this in their names; nothing filters nothing.
    pub(in crate::cli) filter: String,
}

/// The rows of a sample, in order.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) totals: Vec<Total>,
}

impl View {
    /// Returns the rows.
    pub(super) fn rows(&self, sample: &Sample) -> Rows {
        match self.grouping {
            Grouping::Services => Rows { rows: self.by_service(sample), totals: Vec::new() },
            Grouping::Servers => self.by_address(sample),
        }
    }

    /// A service is shown with all of its servers if its own name fits the filter, else with those that do.
    fn by_service(&self, sample: &Sample) -> Vec<Row> {
        let mut blocks = Vec::new();
        for (place, service) in sample.services.iter().enumerate() {
            let whole = self.takes(&service.each.service.key);
            let mut servers: Vec<usize> = (0..service.each.servers.len()).collect();
            if !whole {
                servers.retain(|at| service.each.servers.get(*at).is_some_and(|it| self.takes(&it.server.key)));
                if servers.is_empty() {
                    continue;
                }
            }
            servers.sort_by(|one, other| {
                let key = |at: usize| service.each.servers.get(at).map(|it| it.server.key);
                let value = |at: usize| self.server_value(sample, place, at);
                self.order(value(*one), value(*other), key(*one).cmp(&key(*other)))
            });
            blocks.push((place, servers));
        }
        blocks.sort_by(|(one, _), (other, _)| {
            let key = |at: usize| sample.services.get(at).map(|it| it.each.service.key);
            self.order(
                self.service_value(sample, *one),
                self.service_value(sample, *other),
                key(*one).cmp(&key(*other)),
            )
        });
        let rows = blocks.into_iter().flat_map(|(place, servers)| {
            std::iter::once(Row::Service(place))
                .chain(servers.into_iter().map(move |server| Row::Server(place, server)))
        });
        rows.collect()
    }

    fn by_address(&self, sample: &Sample) -> Rows {
        let mut index: HashMap<IpAddr, usize> = HashMap::new();
        let mut totals: Vec<Total> = Vec::new();
        for (place, service) in sample.services.iter().enumerate() {
            for (at, (server, rates)) in service.each.servers.iter().zip(&service.servers).enumerate() {
                let address = server.server.key.address;
                if !self.takes(&server.server.key) && !self.takes(&service.each.service.key) {
                    continue;
                }
                let number = *index.entry(address).or_insert_with(|| {
                    totals.push(Total { address, weight: 0, active: 0, inactive: 0, rates: None, members: Vec::new() });
                    totals.len() - 1
                });
                let Some(total) = totals.get_mut(number) else { continue };
                total.weight += u64::from(server.server.weight.value());
                total.active += u64::from(server.status.active);
                total.inactive += u64::from(server.status.inactive);
                if let Some(rates) = rates {
                    total.rates.get_or_insert_default().add(rates);
                }
                total.members.push((place, at));
            }
        }
        totals.sort_by(|one, other| {
            let value = |it: &Total| self.value(it.weight, it.active, it.inactive, it.rates.as_ref());
            self.order(value(one), value(other), one.address.cmp(&other.address))
        });
        let mut rows = Vec::new();
        for (number, total) in totals.iter_mut().enumerate() {
            rows.push(Row::Address(number));
            total.members.sort_by(|one, other| {
                let key = |(service, server): (usize, usize)| {
                    let service = sample.services.get(service)?;
                    Some((service.each.service.key, service.each.servers.get(server)?.server.key))
                };
                let value = |(service, server)| self.server_value(sample, service, server);
                self.order(value(*one), value(*other), key(*one).cmp(&key(*other)))
            });
            rows.extend(total.members.iter().map(|(service, server)| Row::Server(*service, *server)));
        }
        Rows { rows, totals }
    }

    fn takes(&self, name: &impl ToString) -> bool {
        // Names are made only if they are looked at: there may be ten thousand of them.
        self.filter.is_empty() || name.to_string().to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// The greatest first, equals by name.
    fn order(&self, one: f64, other: f64, names: Ordering) -> Ordering {
        let order = if self.sort == Sort::Name { names } else { other.total_cmp(&one).then(names) };
        if self.reverse { order.reverse() } else { order }
    }

    #[allow(clippy::cast_precision_loss, reason = "compared only")]
    fn value(&self, weight: u64, active: u64, inactive: u64, rates: Option<&Rates>) -> f64 {
        let rate = |of: fn(&Rates) -> f64| rates.map_or(-1.0, of);
        match self.sort {
            Sort::Connections => rate(|it| it.connections),
            Sort::Packets => rate(|it| it.in_packets + it.out_packets),
            Sort::Bytes => rate(|it| it.in_bytes + it.out_bytes),
            Sort::Active => active as f64,
            Sort::All => (active + inactive) as f64,
            Sort::Weight => weight as f64,
            Sort::Name => 0.0,
        }
    }

    fn service_value(&self, sample: &Sample, place: usize) -> f64 {
        let Some(service) = sample.services.get(place) else { return 0.0 };
        let sum = |of: fn(&crate::model::SnapshotServer) -> u32| {
            service.each.servers.iter().map(|it| u64::from(of(it))).sum::<u64>()
        };
        let counts = match self.sort {
            Sort::Active | Sort::All => (0, sum(|it| it.status.active), sum(|it| it.status.inactive)),
            Sort::Weight => (sum(|it| it.server.weight.value()), 0, 0),
            _ => (0, 0, 0),
        };
        self.value(counts.0, counts.1, counts.2, service.rates.as_ref())
    }

    fn server_value(&self, sample: &Sample, place: usize, at: usize) -> f64 {
        let Some(service) = sample.services.get(place) else { return 0.0 };
        let Some(server) = service.each.servers.get(at) else { return 0.0 };
        let rates = service.servers.get(at).and_then(Option::as_ref);
        let status = &server.status;
        self.value(server.server.weight.value().into(), status.active.into(), status.inactive.into(), rates)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::sample::tests::{at, table},
        *,
    };

    fn sample() -> Sample {
        let first = Sample::new(at(0), table(&[(80, &[(11, 0), (12, 0)]), (443, &[(12, 0), (13, 0)])]), None);
        Sample::new(at(1), table(&[(80, &[(11, 5), (12, 9)]), (443, &[(12, 90), (13, 2)])]), Some(&first))
    }

    fn view() -> View {
        View { grouping: Grouping::Services, sort: Sort::Connections, reverse: false, filter: String::new() }
    }

    #[test]
    fn services_stand_above_their_servers() {
        let rows = |view: View| view.rows(&sample()).rows;
        use Row::{Server, Service};
        assert_eq!(rows(view()), [Service(1), Server(1, 0), Server(1, 1), Service(0), Server(0, 1), Server(0, 0)]);
        assert_eq!(rows(View { sort: Sort::Name, ..view() })[..3], [Service(0), Server(0, 0), Server(0, 1)]);
        assert_eq!(rows(View { sort: Sort::Active, ..view() })[..2], [Service(1), Server(1, 1)]);
        assert_eq!(rows(View { reverse: true, ..view() })[..2], [Service(0), Server(0, 0)]);
        assert_eq!(rows(View { filter: "10.0.0.13".into(), ..view() }), [Service(1), Server(1, 1)]);
        assert_eq!(rows(View { filter: "tcp 10.0.0.1:80".into(), ..view() }).len(), 3);
        assert!(rows(View { filter: "x".into(), ..view() }).is_empty());
    }

    #[test]
    fn a_server_is_summed_over_its_services() {
        let found = View { grouping: Grouping::Servers, ..view() }.rows(&sample());
        let rates: Vec<_> = found.totals.iter().map(|it| (it.address, it.rates.unwrap().connections)).collect();
        let ip = |number| IpAddr::from([10, 0, 0, number]);
        assert_eq!(rates, [(ip(12), 99.0), (ip(11), 5.0), (ip(13), 2.0)]);
        assert_eq!(found.rows[..3], [Row::Address(0), Row::Server(1, 0), Row::Server(0, 1)]);
    }
}
