//! Rights of root that this process gives up: what is left to whoever takes it over.
//!
//! Only what a process itself may do is given up, not what commands of root may do that it starts: those are others' programs,
//! and get root's rights with `execve` as always. The bounds of everything are the service manager's to set.

use nix::{errno::Errno, libc};

/// A right of root (capabilities(7)), with the kernel's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// Give files to others.
    Chown = 0,
    /// Read and write files of others.
    DacOverride = 1,
    /// Read files and directories of others.
    DacReadSearch = 2,
    /// Change modes of files of others.
    Fowner = 3,
    /// Send signals to processes of others.
    Kill = 5,
    /// Start commands with other groups.
    SetGid = 6,
    /// Start commands as other users.
    SetUid = 7,
    /// Listen on ports below 1024.
    NetBindService = 10,
    /// Change addresses, links, rules and the IPVS table.
    NetAdmin = 12,
    /// Send and receive raw packets.
    NetRaw = 13,
    /// Lock memory.
    IpcLock = 14,
    /// Load modules of the kernel.
    SysModule = 16,
    /// Priorities and processors.
    SysNice = 23,
}

/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// As [`keep`]; a failure is logged, and the process goes on with what it has.
pub fn keep_or_warn(capabilities: &[Capability]) {
    if let Err(errno) = keep(capabilities) {
        log::warn!("cannot give up what is not needed of root's rights: {}", errno.desc());
    }
}

/// Gives up all rights but these. Those that the process never had are not gained. A process that is not root keeps what it
/// was given, because its children would lose it, too.
///
/// # Errors
/// The kernel does not let itself be asked.
#[allow(unsafe_code)]
fn keep(capabilities: &[Capability]) -> Result<(), Errno> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let wanted = capabilities.iter().fold(0_u64, |set, capability| set | 1 << (*capability as u8));
    let mut header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: this version of the call takes a header and two sets, which outlive it; 0 is the calling thread, and no other
    // one has been started by whoever calls this at a process's begin.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) })?;
    for (at, set) in sets.iter_mut().enumerate() {
        let half = if at == 0 { wanted as u32 } else { (wanted >> 32) as u32 };
        set.permitted &= half;
        set.effective &= half;
        set.inheritable &= half;
    }
    // SAFETY: as above.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) }).map(drop)
}
