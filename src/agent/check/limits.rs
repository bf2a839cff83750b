//! How many files this process may open, and so how many probes it may make at once.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use super::Error;

/// Kept free for everything that is not a probe: sockets to the kernel and to people, files, commands.
const RESERVED: rlim_t = 64;

/// What a probe may have open: a connection and, of a script, its pipes.
const EACH: rlim_t = 3;

/// With fewer probes at once it makes no sense to begin.
const LEAST: rlim_t = 16;

/// Raises the limit of open files as far as it may help `checks` checks, and returns how many probes may be made at once.
///
/// # Errors
/// The limit is too low to work with, and cannot be raised.
pub(super) fn probes_at_once(checks: usize) -> Result<usize, Error> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(Error::Limit)?;
    let wanted = RESERVED + EACH * (checks as rlim_t).max(LEAST);
    let target = wanted.clamp(soft, hard.max(soft));
    // Who may not raise it lives with what it is.
    let limit = match target > soft && setrlimit(Resource::RLIMIT_NOFILE, target, hard).is_ok() {
        true => target,
        false => soft,
    };
    let most = limit.saturating_sub(RESERVED) / EACH;
    if most < LEAST {
        return Err(Error::Descriptors { limit, least: RESERVED + EACH * LEAST });
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most < checks {
        log::warn!(
            "this process may open {limit} files, so at most {most} of {checks} probes are made at once; \
             if they begin late, raise LimitNOFILE= of the unit or `ulimit -Hn`"
        );
    }
    Ok(most)
}
