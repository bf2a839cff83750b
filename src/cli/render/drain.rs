//! What became of drained servers.

use super::{Column, clean_line, table};
use crate::cli::{
    drain::{
        record,
        wait::{Drained, State},
    },
    undrain::Restored,
};

/// Returns the table: one server of one service a line.
pub(in crate::cli) fn drained(drained: &[Drained]) -> String {
    let columns = [
        Column::text("SERVER"),
        Column::text("SERVICE"),
        Column::text("STATE"),
        Column::number("ACTIVE"),
        Column::number("INACTIVE"),
        Column::number("WEIGHT BEFORE"),
        Column::optional("SINCE"),
        Column::optional("DRAINED BY"),
    ];
    let rows = drained.iter().map(|each| {
        let state = match each.state {
            State::Raised(weight) => format!("weight {weight} again"),
            State::Gone => "deleted by somebody".to_owned(),
            other => other.word().to_owned(),
        };
        vec![
            each.chosen.server.key.to_string(),
            each.chosen.service.key.to_string(),
            state,
            each.status.active.to_string(),
            each.status.inactive.to_string(),
            each.weight.map_or_else(|| "-".to_owned(), |weight| weight.to_string()),
            each.since.map(|since| record::since(since).to_string()).unwrap_or_default(),
            clean_line(&each.owner),
        ]
    });
    table(&columns, rows)
}

/// Returns the table: one server of one service a line.
pub(in crate::cli) fn restored(restored: &[Restored]) -> String {
    let columns = [Column::text("SERVER"), Column::text("SERVICE"), Column::number("WEIGHT")];
    let rows = restored.iter().map(|each| {
        let weight = each.weight.map_or_else(|| "-".to_owned(), |weight| weight.to_string());
        vec![each.server.to_string(), each.service.to_string(), weight]
    });
    table(&columns, rows)
}
