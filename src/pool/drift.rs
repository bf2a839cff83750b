//! What somebody else changed in the kernel's table, as changes to the operator's.

use super::Pools;
use crate::{
    ipvs::plan::{Extra, plan},
    model::{Change, RealServer, Table},
};

/// Returns what others' changes to the kernel's table ask of the operator's: the way from `known`, how the kernel was when
/// we last knew, to `kernel`, how it is. Both hold the services in question and nothing else.
///
/// A weight that is as we had put it says nothing about what the operator wants: that of a server which is down and
/// inhibited stays the operator's when somebody edits its thresholds. Sorry servers are a policy's, and not adopted.
pub fn foreign_changes(pools: &Pools, known: &Table, kernel: &Table) -> Vec<Change> {
    let asked = |change| match change {
        Change::AddServer(key, server) if pools.is_sorry_server(&key, &server.key) => None,
        Change::DeleteServer(key, server) if pools.is_sorry_server(&key, &server) => None,
        Change::EditServer(key, server) if pools.is_sorry_server(&key, &server.key) => None,
        Change::EditServer(key, now) => {
            let operators = pools.operator_server(&key, &now.key);
            let was = known.services.get(&key).and_then(|entry| entry.servers.get(&now.key));
            let weight = match (operators, was) {
                (Some(operators), Some(was)) if was.weight == now.weight => operators.weight,
                _ => now.weight,
            };
            Some(Change::EditServer(key, RealServer { weight, ..now }))
        }
        other => Some(other),
    };
    plan(known, kernel, Extra::Delete).filter_map(asked).collect()
}
