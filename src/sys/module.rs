//! Kernel modules: loading one by way of modprobe.

use std::{fs, io, process::Command};

use thiserror::Error;

/// Where every distribution has it; `PATH` is not asked, because we may be root on somebody else's behalf.
const MODPROBE: &str = "/sbin/modprobe";

/// Why a module was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadError {
    /// modprobe could not be started.
    #[error("{MODPROBE} cannot be run ({0})")]
    NoModprobe(String),
    /// This kernel loads no modules any more (`kernel.modules_disabled`).
    #[error("the kernel has been told to load no more modules (sysctl kernel.modules_disabled)")]
    Locked,
    /// Only root may load modules, and a container's root may not.
    #[error("loading a kernel module is not permitted here ({0})")]
    NotPermitted(String),
    /// modprobe failed for another reason: mostly, there is no such module.
    #[error("{0}")]
    Failed(String),
}

/// Loads a module and what it needs.
///
/// # Errors
/// It could not be loaded; what modprobe said is part of the error, exactly as it said it.
pub fn load(name: &str) -> Result<(), LoadError> {
    let output = Command::new(MODPROBE)
        .args(["--", name])
        .output()
        .map_err(|error: io::Error| LoadError::NoModprobe(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    if fs::read_to_string("/proc/sys/kernel/modules_disabled").is_ok_and(|text| text.trim() == "1") {
        return Err(LoadError::Locked);
    }
    let mut said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    if said.is_empty() {
        said = format!("{MODPROBE} -- {name}: {}", output.status);
    }
    // modprobe has one exit status for all failures.
    Err(if said.contains("Operation not permitted") || said.contains("Permission denied") {
        LoadError::NotPermitted(said)
    } else {
        LoadError::Failed(said)
    })
}

/// Whether a module could be loaded, or is built in; `None` if that cannot be told here. Loads nothing.
pub fn exists(name: &str) -> Option<bool> {
    let output = Command::new(MODPROBE).args(["--dry-run", "--quiet", "--", name]).output().ok()?;
    Some(output.status.success())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_module_that_does_not_exist_cannot_be_loaded_whoever_asks() {
        let error = super::load("lvsadm-no-such-module").expect_err("there is none");
        assert!(!error.to_string().is_empty());
    }
}
