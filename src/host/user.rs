//! Users by name or number, as which commands run and who own files.

use std::ffi::CString;

use nix::unistd::{self, Gid, Group, Uid};
use thiserror::Error;

use crate::sys::child::Identity;

/// Users that scripts run as if nobody says otherwise, the first that exists. The second is keepalived's, so that a host
/// that was set up for it needs nothing new. Never root.
const FOR_SCRIPTS: [&str; 3] = ["lvsadm_script", "keepalived_script", "nobody"];

/// The number that stands for nobody where that user has no name.
const NOBODY: u32 = 65_534;

/// A user that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name, or number if it has none.
    pub name: String,
    /// Numbers.
    pub identity: Identity,
}

/// Why there is no such user for us.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UserFault {
    /// Nobody has this name.
    #[error("there is no user {0}")]
    NoUser(String),
    /// No group has this name.
    #[error("there is no group {0}")]
    NoGroup(String),
    /// A number without an entry, and no group.
    #[error("user {0} has no entry in the user database, so its group is unknown")]
    GroupUnknown(String),
    /// The user database cannot be read.
    #[error("cannot look {name} up: {reason}")]
    Lookup {
        /// Who was looked up.
        name: String,
        /// Why it failed.
        reason: &'static str,
    },
    /// Only root can be somebody else.
    #[error("cannot run anything as {0}: this process is not root")]
    NotRoot(String),
}

impl UserFault {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoUser(_) => "check the spelling, or create it: useradd --system --shell /usr/sbin/nologin NAME",
            Self::NoGroup(_) => "check the spelling, or create it: groupadd --system NAME",
            Self::GroupUnknown(_) => "name a group, too",
            Self::Lookup { .. } => "check /etc/nsswitch.conf and the services that it names",
            Self::NotRoot(_) => "run as root, or leave the user out",
        }
    }
}

impl User {
    /// Finds a user. Without a group it is in its own, and in no other; with `GROUP` in that one; a colon before the group
    /// (`:GROUP`, or only `:`) adds the supplementary groups that the user has.
    ///
    /// # Errors
    /// User or group do not exist, or we may not be that user.
    pub fn find(user: &str, group: Option<&str>) -> Result<Self, UserFault> {
        let entry = look_up_user(user)?;
        let supplementary = group.is_some_and(|group| group.starts_with(':'));
        let gid = match group.map(|group| group.trim_start_matches(':')).filter(|group| !group.is_empty()) {
            Some(group) => look_up_group(group)?,
            None => entry.gid.ok_or_else(|| UserFault::GroupUnknown(user.to_owned()))?,
        };
        let groups = if supplementary { groups_of(&entry.name, gid)? } else { Vec::new() };
        let own = unistd::geteuid();
        if !own.is_root() && (own != entry.uid || unistd::getegid() != gid) {
            return Err(UserFault::NotRoot(entry.name));
        }
        Ok(Self { name: entry.name, identity: Identity { uid: entry.uid, gid, groups } })
    }

    /// Returns who runs scripts that name no user of their own: `said` if somebody said so, else the first that exists of
    /// `lvsadm_script`, `keepalived_script` and `nobody`. Without root's rights it is ourselves.
    ///
    /// # Errors
    /// `said` does not exist, or we may not be that user.
    pub fn for_scripts(said: Option<&(String, Option<String>)>) -> Result<Self, UserFault> {
        if let Some((user, group)) = said {
            return Self::find(user, group.as_deref());
        }
        if !unistd::geteuid().is_root() {
            return Ok(Self::ourselves());
        }
        let found = FOR_SCRIPTS.iter().find_map(|name| Self::find(name, None).ok());
        Ok(found.unwrap_or_else(|| Self {
            name: NOBODY.to_string(),
            identity: Identity { uid: Uid::from_raw(NOBODY), gid: Gid::from_raw(NOBODY), groups: Vec::new() },
        }))
    }

    /// Returns the user that this process is.
    pub fn ourselves() -> Self {
        let uid = unistd::geteuid();
        let name = unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |entry| entry.name);
        let groups = unistd::getgroups().unwrap_or_default();
        Self { name, identity: Identity { uid, gid: unistd::getegid(), groups } }
    }
}

/// An entry of the user database, or a number without one.
struct Entry {
    name: String,
    uid: Uid,
    gid: Option<Gid>,
}

fn look_up_user(word: &str) -> Result<Entry, UserFault> {
    let number = word.parse().ok().map(Uid::from_raw);
    let found = match number {
        Some(uid) => unistd::User::from_uid(uid),
        None => unistd::User::from_name(word),
    };
    match (found.map_err(|errno| UserFault::Lookup { name: word.to_owned(), reason: errno.desc() })?, number) {
        (Some(entry), _) => Ok(Entry { name: entry.name, uid: entry.uid, gid: Some(entry.gid) }),
        (None, Some(uid)) => Ok(Entry { name: word.to_owned(), uid, gid: None }),
        (None, None) => Err(UserFault::NoUser(word.to_owned())),
    }
}

fn look_up_group(word: &str) -> Result<Gid, UserFault> {
    if let Ok(number) = word.parse() {
        return Ok(Gid::from_raw(number));
    }
    match Group::from_name(word) {
        Ok(Some(entry)) => Ok(entry.gid),
        Ok(None) => Err(UserFault::NoGroup(word.to_owned())),
        Err(errno) => Err(UserFault::Lookup { name: word.to_owned(), reason: errno.desc() }),
    }
}

fn groups_of(name: &str, gid: Gid) -> Result<Vec<Gid>, UserFault> {
    let fault = |reason| UserFault::Lookup { name: format!("the groups of {name}"), reason };
    let word = CString::new(name).map_err(|_| fault("its name has a zero byte in it"))?;
    unistd::getgrouplist(&word, gid).map_err(|errno| fault(errno.desc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_number() {
        if !unistd::geteuid().is_root() {
            return;
        }
        let by_name = User::find("root", None).expect("root exists");
        assert_eq!(by_name, User::find("0", None).expect("root exists"));
        assert_eq!((by_name.name.as_str(), by_name.identity.uid.as_raw()), ("root", 0));
        assert!(by_name.identity.groups.is_empty());
        assert_eq!(User::find("root", Some(":")).expect("root exists").identity.groups, [Gid::from_raw(0)]);
        assert_eq!(User::find("root", Some("daemon")).expect("both exist").identity.gid.as_raw(), 1);
    }

    #[test]
    fn who_does_not_exist_is_named() {
        let cases = [
            (User::find("lvsadm-nobody-has-this", None), "there is no user lvsadm-nobody-has-this"),
            (User::find("root", Some("lvsadm-no-group")), "there is no group lvsadm-no-group"),
            (User::find("4000000", None), "user 4000000 has no entry in the user database, so its group is unknown"),
        ];
        for (found, words) in cases {
            let fault = found.expect_err("nobody");
            assert_eq!(fault.to_string(), words);
            assert!(!fault.hint().is_empty());
        }
    }

    #[test]
    fn scripts_never_run_as_root_unless_told_to() {
        let user = User::for_scripts(None).expect("somebody");
        assert!(!user.identity.uid.is_root());
        if unistd::geteuid().is_root() {
            let said = ("root".to_owned(), None);
            assert!(User::for_scripts(Some(&said)).expect("root exists").identity.uid.is_root());
        }
    }
}
