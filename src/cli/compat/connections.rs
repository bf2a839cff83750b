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

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of the kernel, and what ipvsadm 1.31 made of them.
    const KERNEL: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP AC100102 A74E AC100101 0050 AC100302 1F90 ESTABLISHED     896
UDP fd00:0000:0000:0000:0000:0000:0000:0002 0000 fd00:0000:0000:0000:0000:0000:0000:0100 0035 0A000009 0036 NONE           6099
UDP AC100102 C4AE AC100101 13C4 AC100202 13C4 UDP             299 sip call-1@client
";

    fn shown(columns: Columns) -> String {
        listing(KERNEL, &Listing { columns, numeric: true, ..Listing::default() }, &Resolver::new())
    }

    #[test]
    fn short() {
        assert_eq!(
            shown(Columns::Default),
            "\
IPVS connection entries
pro expire state       source             virtual            destination
TCP 14:56  ESTABLISHED 172.16.1.2:42830   172.16.1.1:80      172.16.3.2:8080
UDP 101:39 NONE        [fd00::2]:0        [fd00::100]:53     10.0.0.9:54
UDP 04:59  UDP         172.16.1.2:50350   172.16.1.1:5060    172.16.2.2:5060
"
        );
    }

    #[test]
    fn with_persistence_engines() {
        assert_eq!(
            shown(Columns::PersistentConn),
            "\
IPVS connection entries
pro expire state       source             virtual            destination        pe name          pe_data
TCP 14:56  ESTABLISHED 172.16.1.2:42830   172.16.1.1:80      172.16.3.2:8080
UDP 101:39 NONE        [fd00::2]:0        [fd00::100]:53     10.0.0.9:54
UDP 04:59  UDP         172.16.1.2:50350   172.16.1.1:5060    172.16.2.2:5060  sip                call-1@client
"
        );
    }

    #[test]
    fn data_of_any_length_stays_in_its_row() {
        let data = "b".repeat(300);
        let text = KERNEL.replace("call-1@client", &data);
        let columns = Columns::PersistentConn;
        let shown = listing(&text, &Listing { columns, numeric: true, ..Listing::default() }, &Resolver::new());
        assert_eq!(shown.lines().count(), 5);
        assert!(shown.ends_with(&format!(" {data}\n")));
    }
}
