//! Packets that a virtual router must not take, and those that its macvlan must not send: an nftables table of our own.
//!
//! A master that does not accept (RFC 9568 section 6.1, `Accept_Mode`) drops what comes in for the virtual addresses, except
//! neighbour discovery. It drops behind IPVS: packets for a virtual service never come so far, and are balanced as ever. IGMP
//! and MLD reports are kept off macvlans, so that a switch learns of groups by the link below only.
//!
//! The kernel removes the table when this process ends, however it ends (Linux 5.12; before, it is removed at the next start).

mod codec;

use std::{collections::BTreeSet, net::IpAddr};

use neli::consts::socket::NlFamily;
use nix::errno::Errno;
use thiserror::Error;

use crate::sys::netlink::{self, Batch, Socket};

pub use codec::TABLE;

/// What the table acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// Packets to this address are dropped, except neighbour discovery.
    Address(IpAddr),
    /// IGMP and MLD are not sent by the link with this index.
    Link(u32),
}

/// Why the table is not as it was wanted.
#[derive(Debug, Error)]
pub enum Error {
    /// The kernel has no nftables.
    #[error("cannot drop packets to virtual addresses: this kernel has no nftables ({})", .0.desc())]
    NoNftables(Errno),
    /// Not permitted.
    #[error("cannot drop packets to virtual addresses: not permitted")]
    NotPermitted,
    /// Another running process has the table.
    #[error("cannot drop packets to virtual addresses: another process that runs has the nftables table {TABLE}")]
    Taken,
    /// The kernel refused something else.
    #[error("cannot change the nftables table {TABLE}: {}", .0.reason())]
    Refused(netlink::Refused),
    /// The kernel could not be talked to.
    #[error("cannot change the nftables table {TABLE}: {0}")]
    Kernel(#[from] netlink::Error),
}

impl Error {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoNftables(_) => {
                "it needs CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET (modprobe nf_tables); without, let the virtual router \
                 accept packets to its addresses"
            }
            Self::NotPermitted => "this takes root, or CAP_NET_ADMIN in the network namespace's own user namespace",
            Self::Taken => {
                "only one process in a network namespace can run virtual routers that do not accept; stop the other"
            }
            Self::Refused(_) => "nft list ruleset shows what there is; the kernel's messages (dmesg) may say more",
            Self::Kernel(_) => "see the kernel's messages (dmesg)",
        }
    }
}

/// The table. There is none in the kernel before it first has something to act on.
pub struct Firewall {
    socket: Socket,
    batch: Batch,
    held: BTreeSet<Guard>,
    built: Built,
}

/// What there is in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Built {
    Nothing,
    /// A table that the kernel removes when the socket closes.
    Owned,
    /// A table that we must remove.
    Loose,
}

impl Firewall {
    /// Opens a socket, in the calling thread's network namespace, and removes what an earlier run may have left there.
    ///
    /// # Errors
    /// The kernel has no nftables, or cannot be talked to.
    pub fn open() -> Result<Self, Error> {
        let socket = Socket::open(NlFamily::Netfilter).map_err(Error::NoNftables)?;
        let mut firewall = Self { socket, batch: Batch::default(), held: BTreeSet::new(), built: Built::Nothing };
        match firewall.delete_table() {
            // Another process's table is no hindrance before we need one.
            Ok(()) | Err(Error::Taken) => Ok(firewall),
            Err(error) => Err(error),
        }
    }

    /// Begins to act on `add` and ceases to act on `remove`, at once and together. What is in it already, or is not, may be
    /// named all the same.
    ///
    /// # Errors
    /// See [`Error`]. Nothing is changed then.
    pub fn change(&mut self, add: &[Guard], remove: &[Guard]) -> Result<(), Error> {
        let mut wanted = self.held.clone();
        wanted.extend(add);
        wanted.retain(|guard| !remove.contains(guard));
        if wanted == self.held {
            return Ok(());
        }
        if self.built == Built::Nothing {
            self.build(&wanted)?;
        } else {
            self.batch.clear();
            codec::begin(&mut self.batch);
            codec::remove(&mut self.batch, self.held.difference(&wanted).copied());
            codec::add(&mut self.batch, wanted.difference(&self.held).copied());
            codec::end(&mut self.batch);
            match self.commit() {
                // Somebody deleted the table, or emptied it.
                Err(Error::Refused(refused)) if refused.errno == Errno::ENOENT => self.build(&wanted)?,
                result => result?,
            }
        }
        self.held = wanted;
        Ok(())
    }

    /// Makes the table anew, with all that is wanted.
    fn build(&mut self, wanted: &BTreeSet<Guard>) -> Result<(), Error> {
        self.delete_table()?;
        self.built = Built::Nothing;
        for built in [Built::Owned, Built::Loose] {
            self.batch.clear();
            codec::begin(&mut self.batch);
            codec::table(&mut self.batch, built == Built::Owned);
            codec::add(&mut self.batch, wanted.iter().copied());
            codec::end(&mut self.batch);
            match self.commit() {
                // Linux before 5.12 knows no owners.
                Err(Error::Refused(refused))
                    if built == Built::Owned && matches!(refused.errno, Errno::EINVAL | Errno::EOPNOTSUPP) => {}
                result => {
                    result?;
                    self.built = built;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn delete_table(&mut self) -> Result<(), Error> {
        self.batch.clear();
        codec::begin(&mut self.batch);
        codec::delete_table(&mut self.batch);
        codec::end(&mut self.batch);
        match self.commit() {
            Err(Error::Refused(refused)) if refused.errno == Errno::ENOENT => Ok(()),
            result => result,
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        let Some((index, refused)) = self.socket.transaction(&mut self.batch)? else {
            return Ok(());
        };
        Err(match refused.errno {
            // The whole transaction, or a part that needs a table of ours.
            Errno::EPERM if index == 0 => Error::NotPermitted,
            Errno::EPERM => Error::Taken,
            errno @ (Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT | Errno::EPROTONOSUPPORT) if index == 0 => {
                Error::NoNftables(errno)
            }
            errno @ (Errno::EAFNOSUPPORT | Errno::EPROTONOSUPPORT) => Error::NoNftables(errno),
            _ => Error::Refused(refused),
        })
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        if self.built == Built::Loose
            && let Err(error) = self.delete_table()
        {
            log::warn!("{error}");
        }
    }
}
