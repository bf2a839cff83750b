//! Steps of [`Holdings`](super::holdings::Holdings) carried out on the host.

use std::collections::BTreeMap;

use super::holdings::{Item, Step};
use crate::host::{Action, AddressChange, Error, Host, Refusal, RouteChange, RuleChange};

/// Carries steps out, all of them additions or all of them removals, and collects refusals by the index of the step.
pub(super) fn carry_out(host: &mut Host, steps: &[Step], refused: &mut BTreeMap<usize, Refusal>) -> Result<(), Error> {
    let action = |step: &Step| if step.add { Action::Add } else { Action::Remove };
    let (mut addresses, mut routes, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    let mut places: [Vec<usize>; 3] = Default::default();
    for (index, step) in steps.iter().enumerate() {
        let action = action(step);
        match &step.item {
            Item::Address(link, address) => {
                places[0].push(index);
                addresses.push(AddressChange { action, link: *link, address });
            }
            Item::Route(route) => {
                places[1].push(index);
                routes.push(RouteChange { action, route });
            }
            Item::Rule(rule) => {
                places[2].push(index);
                rules.push(RuleChange { action, rule });
            }
        }
    }
    let mut collect = |refusals: Vec<Refusal>, places: &[usize]| {
        refused.extend(refusals.into_iter().filter_map(|refusal| Some((*places.get(refusal.index)?, refusal))));
    };
    let adding = steps.first().is_some_and(|step| step.add);
    // Routes stand on addresses, and go before them.
    if adding {
        collect(host.change_addresses(&addresses)?, &places[0]);
    }
    if !routes.is_empty() {
        collect(host.change_routes(&routes)?, &places[1]);
    }
    if !rules.is_empty() {
        collect(host.change_rules(&rules)?, &places[2]);
    }
    if !adding {
        collect(host.change_addresses(&addresses)?, &places[0]);
    }
    Ok(())
}
