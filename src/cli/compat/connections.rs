//! `-L -c`: the kernel's connections, one a row.

use std::{fmt::Write, net::SocketAddr};

use super::layout;
use crate::{
    ipvs::procfs::{self, Connection},
    model::Protocol,
    state::{
        grammar::{Columns, Listing},
        names::Resolver,
        print,
    },
};

/// Returns the listing of what the kernel's file `text` says, in its order. Lines that make no sense are left out.
pub(super) fn listing(text: &str, listing: &Listing, names: &Resolver) -> String {
    let engines = listing.columns == Columns::PersistentConn;
    let mut rows = String::from("IPVS connection entries\n");
    let heading = format!("pro expire {:<11} {:<18} {:<18}", "state", "source", "virtual");
    let _ = if engines {
        writeln!(rows, "{heading} {:<18} {:<16} pe_data", "destination", "pe name")
    } else {
        writeln!(rows, "{heading} destination")
    };
    for connection in procfs::connections(text).filter_map(Result::ok) {
        row(&mut rows, &connection, engines, listing.numeric, names);
    }
    rows
}

fn row(rows: &mut String, connection: &Connection<'_>, engines: bool, numeric: bool, names: &Resolver) {
    let endpoint = |at: SocketAddr| {
        let protocol = Some(connection.protocol).filter(|protocol| *protocol != Protocol::Other(0));
        if numeric {
            print::numeric(at.ip(), at.port(), protocol)
        } else {
            layout::endpoint(names, at.ip(), at.port(), protocol)
        }
    };
    let expires = format!("{:02}:{:02}", connection.expires / 60, connection.expires % 60);
    let _ = write!(
        rows,
        "{:<3} {expires:<6} {:<11} {:<18} {:<18} ",
        connection.protocol_name,
        connection.state,
        endpoint(connection.client),
        endpoint(connection.service)
    );
    let server = endpoint(connection.server);
    // Data of any length is shown whole; ipvsadm splits long lines and makes rows of what is left.
    let _ = match connection.engine.filter(|_| engines) {
        Some((name, data)) => writeln!(rows, "{server:<16} {name:<18} {data}"),
        None => writeln!(rows, "{server}"),
    };
}
