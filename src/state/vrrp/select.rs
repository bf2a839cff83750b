//! Some of the instances of a file, by name.

use crate::vrrp::settings::Settings;

/// Leaves only the instances with these names, and the groups that they make up; all of them if no name is given.
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
    Ok(())
}
