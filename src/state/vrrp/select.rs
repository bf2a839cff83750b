//! Some of the instances or BFD sessions of a file, by name.

use crate::vrrp::settings::{Settings, Tracker};

/// Leaves only the instances with these names, the groups that they make up and the BFD sessions that they track; all of them
/// if no name is given.
///
/// # Errors
/// In words: names of no instance, and groups of which a part is left.
pub fn select(settings: &mut Settings, names: &[String]) -> Result<(), Vec<String>> {
    if names.is_empty() {
        return Ok(());
    }
    let is_there = |name: &String| settings.instances.iter().any(|instance| instance.name == *name);
    let missing = names.iter().filter(|name| !is_there(name)).map(|name| format!("there is no instance {name}"));
    let mut wrong: Vec<String> = missing.collect();
    let is_named = |name: &String| names.contains(name);
    for group in &settings.groups {
        let others: Vec<_> = group.members.iter().filter(|member| !is_named(member)).cloned().collect();
        if !others.is_empty() && others.len() < group.members.len() {
            wrong.push(format!("group {} goes together: {} belongs to it, too", group.name, others.join(", ")));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    settings.instances.retain(|instance| is_named(&instance.name));
    settings.groups.retain(|group| group.members.iter().all(is_named));
    let of_instances = settings.instances.iter().flat_map(|instance| &instance.tracks);
    let tracks = of_instances.chain(settings.groups.iter().flat_map(|group| &group.tracks));
    let tracked: Vec<&Tracker> = tracks.map(|track| &track.tracker).collect();
    settings.sessions.retain(|session| tracked.contains(&&Tracker::Bfd(session.name.clone())));
    Ok(())
}

/// Leaves only the BFD sessions with these names, all of them if no name is given, and nothing that is not one.
///
/// # Errors
/// In words: names of no session.
pub fn select_sessions(settings: &mut Settings, names: &[String]) -> Result<(), Vec<String>> {
    let is_there = |name: &String| settings.sessions.iter().any(|session| session.name == *name);
    let missing: Vec<String> =
        names.iter().filter(|name| !is_there(name)).map(|name| format!("there is no BFD session {name}")).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let mut sessions = std::mem::take(&mut settings.sessions);
    sessions.retain(|session| names.is_empty() || names.contains(&session.name));
    *settings = Settings { sessions, ..Settings::default() };
    Ok(())
}
