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

/// Returns the lines for a kernel that cannot be used, what modprobe said before them.
pub(super) fn unusable(error: &OpenError) -> String {
    let (said, reason) = match error {
        OpenError::NoModule(LoadError::Failed(said) | LoadError::NotPermitted(said)) => {
            (format!("{said}\n"), any(Errno::ENOPROTOOPT))
        }
        OpenError::NotPermitted(_) => (String::new(), any(Errno::EPERM)),
        OpenError::Kernel(error) => (String::new(), failed(error)),
        OpenError::NoModule(_) | OpenError::ModuleUseless | OpenError::NoNetlink(_) => {
            (String::new(), any(Errno::ENOPROTOOPT))
        }
    };
    format!(
        "{said}Can't initialize ipvs: {reason}\n\
         Are you sure that IP Virtual Server is built in the kernel or as module?"
    )
}
