//! ipvsadm's words for what the kernel refuses, and for there being no kernel to ask.

use std::io;

use nix::errno::Errno;

use crate::{
    ipvs::{self, OpenError},
    model::Change,
    sys::module::LoadError,
};

const NO_SUCH_SERVICE: &str = "No such service";
const NO_SCHEDULER: &str = "Scheduler or persistence engine not found";
const NO_SERVICE_FOR_SERVER: &str = "Service not defined";

/// Returns the message for a change that the kernel refused.
pub(super) fn refusal(change: &Change, errno: Errno) -> String {
    let own = match (change, errno) {
        (Change::AddService(_), Errno::EEXIST) => "Service already exists",
        (Change::AddService(_) | Change::EditService(_), Errno::ENOENT) => NO_SCHEDULER,
        (Change::EditService(_) | Change::DeleteService(_) | Change::Zero(_), Errno::ESRCH) => NO_SUCH_SERVICE,
        (Change::AddServer(..) | Change::EditServer(..) | Change::DeleteServer(..), Errno::ESRCH) => {
            NO_SERVICE_FOR_SERVER
        }
        (Change::AddServer(..), Errno::EEXIST) => "Destination already exists",
        (Change::EditServer(..) | Change::DeleteServer(..), Errno::ENOENT) => "No such destination",
        (Change::StartDaemon(_), Errno::EEXIST) => "Daemon has already run",
        (Change::StopDaemon(_), Errno::ESRCH) => "No daemon is running",
        _ => return any(errno),
    };
    own.to_owned()
}

/// Returns the message for a listing that failed.
pub(super) fn failed(error: &ipvs::Error) -> String {
    match error {
        ipvs::Error::Refused(refused) if refused.errno == Errno::ESRCH => NO_SUCH_SERVICE.to_owned(),
        ipvs::Error::Refused(refused) => any(refused.errno),
        // ipvsadm takes every failure below the kernel's answers for this.
        _ => any(Errno::EINVAL),
    }
}

/// Returns the message for a service that is not there.
pub(super) fn no_such_service() -> &'static str {
    NO_SUCH_SERVICE
}

fn any(errno: Errno) -> String {
    let own = match errno {
        Errno::EPERM => "Permission denied (you must be root)",
        Errno::EINVAL => "Invalid operation.  Possibly wrong module version, address not unicast, ...",
        Errno::ENOPROTOOPT => "Protocol not available",
        Errno::ENOMEM => "Memory allocation problem",
        Errno::EOPNOTSUPP => "Operation not supported with IPv6",
        Errno::EAFNOSUPPORT => "Operation not supported with specified address family",
        Errno::EMSGSIZE => "Module is wrong version",
        other => return strerror(other),
    };
    own.to_owned()
}

/// The C library's text, without the number that the standard library adds.
fn strerror(errno: Errno) -> String {
    let text = io::Error::from(errno).to_string();
    text.rsplit_once(" (os error").map_or_else(|| text.clone(), |(text, _)| text.to_owned())
}

/// Returns the lines for a kernel that cannot be used, what modprobe said before them. `root` is who asked: to anybody
/// else ipvsadm says the same whatever is missing, because the last thing that it tries is a raw socket.
pub(super) fn unusable(error: &OpenError, root: bool) -> String {
    let absent = if root { Errno::ENOPROTOOPT } else { Errno::EPERM };
    let (said, reason) = match error {
        OpenError::NoModule(LoadError::Failed(said) | LoadError::NotPermitted(said)) => {
            (format!("{said}\n"), any(absent))
        }
        OpenError::NotPermitted(_) => (String::new(), any(Errno::EPERM)),
        OpenError::Kernel(error) => (String::new(), failed(error)),
        OpenError::NoModule(_) | OpenError::ModuleUseless | OpenError::NoNetlink(_) => (String::new(), any(absent)),
    };
    format!(
        "{said}Can't initialize ipvs: {reason}\n\
         Are you sure that IP Virtual Server is built in the kernel or as module?"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            DaemonRole, Family, Forwarding, RealServer, ServerKey, ServiceKey, SyncDaemon, Thresholds, VirtualService,
            Weight,
        },
        sys::privileges::Lacking,
    };

    /// The table of the reference.
    #[test]
    fn refusals() {
        let key = ServiceKey::Mark { mark: 1, family: Family::V4 };
        let server_key = ServerKey { address: "10.0.0.1".parse().unwrap(), port: 0 };
        let server = RealServer {
            key: server_key,
            forwarding: Forwarding::Route,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
        };
        let daemon = SyncDaemon {
            role: DaemonRole::Master,
            interface: "eth0".to_owned(),
            sync_id: 0,
            max_len: None,
            group: None,
            port: None,
            ttl: None,
        };
        let (add, edit) = (Change::AddService(VirtualService::new(key)), Change::EditService(VirtualService::new(key)));
        let cases = [
            (&add, Errno::EEXIST, "Service already exists"),
            (&add, Errno::ENOENT, "Scheduler or persistence engine not found"),
            (&edit, Errno::ESRCH, "No such service"),
            (&edit, Errno::ENOENT, "Scheduler or persistence engine not found"),
            (&Change::DeleteService(key), Errno::ESRCH, "No such service"),
            (&Change::Zero(Some(key)), Errno::ESRCH, "No such service"),
            (&Change::AddServer(key, server), Errno::ESRCH, "Service not defined"),
            (&Change::AddServer(key, server), Errno::EEXIST, "Destination already exists"),
            (&Change::EditServer(key, server), Errno::ESRCH, "Service not defined"),
            (&Change::EditServer(key, server), Errno::ENOENT, "No such destination"),
            (&Change::DeleteServer(key, server_key), Errno::ENOENT, "No such destination"),
            (&Change::StartDaemon(daemon), Errno::EEXIST, "Daemon has already run"),
            (&Change::StopDaemon(DaemonRole::Master), Errno::ESRCH, "No daemon is running"),
            (&Change::StopDaemon(DaemonRole::Master), Errno::ENODEV, "No such device"),
            (&Change::Clear, Errno::EPERM, "Permission denied (you must be root)"),
            (
                &Change::Clear,
                Errno::EINVAL,
                "Invalid operation.  Possibly wrong module version, address not unicast, ...",
            ),
            (&Change::Clear, Errno::ENOPROTOOPT, "Protocol not available"),
            (&Change::Clear, Errno::ENOMEM, "Memory allocation problem"),
            (&Change::Clear, Errno::EOPNOTSUPP, "Operation not supported with IPv6"),
            (&Change::Clear, Errno::EAFNOSUPPORT, "Operation not supported with specified address family"),
            (&Change::Clear, Errno::EMSGSIZE, "Module is wrong version"),
            (&Change::Clear, Errno::ERANGE, "Numerical result out of range"),
        ];
        for (change, errno, text) in cases {
            assert_eq!(refusal(change, errno), text, "{change:?} {errno}");
        }
    }

    #[test]
    fn no_kernel() {
        let tail = "Are you sure that IP Virtual Server is built in the kernel or as module?";
        let fatal = "modprobe: FATAL: Module ip_vs not found";
        assert_eq!(
            unusable(&OpenError::NoModule(LoadError::Failed(fatal.to_owned())), true),
            format!("{fatal}\nCan't initialize ipvs: Protocol not available\n{tail}")
        );
        assert_eq!(
            unusable(&OpenError::NoModule(LoadError::Failed(fatal.to_owned())), false),
            format!("{fatal}\nCan't initialize ipvs: Permission denied (you must be root)\n{tail}")
        );
        assert_eq!(
            unusable(&OpenError::NotPermitted(Lacking::Root), false),
            format!("Can't initialize ipvs: Permission denied (you must be root)\n{tail}")
        );
    }
}
