//! The table of connections.

use std::net::IpAddr;

use super::{Column, Labels, clean_line, duration, service_label, table, words::endpoint};
use crate::{
    ipvs::Connection,
    model::{Family, Protocol, ServiceKey},
};

/// Returns connections, one a line.
pub fn connections(connections: &[Connection<'_>], labels: &dyn Labels) -> String {
    let columns = [
        Column::text("CLIENT"),
        Column::text("SERVICE"),
        Column::text("SERVER"),
        Column::text("STATE"),
        Column::number("EXPIRES"),
        Column::optional("ENGINE"),
    ];
    let rows = connections.iter().map(|each| {
        vec![
            endpoint(each.client.ip(), each.client.port(), None, labels),
            service_end(each, labels),
            server_end(each, labels),
            clean_line(each.state),
            duration(u64::from(each.expires)),
            each.engine.map(|(name, data)| clean_line(&format!("{name} {data}"))).unwrap_or_default(),
        ]
    });
    table(&columns, rows)
}

/// Returns groups with their counts.
pub fn groups(title: &'static str, groups: &[(String, usize)]) -> String {
    let rows = groups.iter().map(|(name, count)| vec![count.to_string(), clean_line(name)]);
    table(&[Column::number("CONNECTIONS"), Column::text(title)], rows)
}

/// Returns the virtual side of a connection: `TCP 10.0.0.1:80`, or the firewall mark of a persistence template.
pub fn service_end(each: &Connection<'_>, labels: &dyn Labels) -> String {
    match template_mark(each) {
        Some(key) => service_label(&key, labels),
        None => {
            let protocol = each.protocol;
            let key = ServiceKey::Address { protocol, address: each.service.ip(), port: each.service.port() };
            service_label(&key, labels)
        }
    }
}

/// Returns the server's side of a connection.
pub fn server_end(each: &Connection<'_>, labels: &dyn Labels) -> String {
    endpoint(each.server.ip(), each.server.port(), Some(each.protocol), labels)
}

/// Returns the firewall mark of a persistence template: the kernel keeps it where the virtual address is otherwise, with
/// protocol 0.
pub fn template_mark(each: &Connection<'_>) -> Option<ServiceKey> {
    if each.protocol != Protocol::Other(0) || each.client.port() != 0 {
        return None;
    }
    let (mark, family) = match each.service.ip() {
        IpAddr::V4(address) => (u32::from(address), Family::V4),
        IpAddr::V6(address) => ((u128::from(address) >> 96) as u32, Family::V6),
    };
    Some(ServiceKey::Mark { mark, family })
}
