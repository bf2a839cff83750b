//! Aligned columns. The only place that knows how they are laid out.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    right: bool,
    optional: bool,
}

impl Column {
    /// Text, aligned left.
    pub const fn text(title: &'static str) -> Self {
        Self { title, right: false, optional: false }
    }

    /// A number, aligned right.
    pub const fn number(title: &'static str) -> Self {
        Self { title, right: true, optional: false }
    }

    /// Text, and no column at all when no row has any.
    pub const fn optional(title: &'static str) -> Self {
        Self { title, right: false, optional: true }
    }
}

/// How many rows are laid out at a time. A table object takes many times the memory of its text.
const PIECE: usize = 256;

/// Returns `rows` under the titles of `columns`, two blanks between columns, no blanks at line ends.
///
/// The rows are made twice, first to see how wide the columns must be.
pub fn table(columns: &[Column], rows: impl Iterator<Item = Vec<String>> + Clone) -> String {
    let mut widths = vec![0; columns.len()];
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let shown: Vec<usize> = (0..columns.len()).filter(|at| !(columns[*at].optional && widths[*at] == 0)).collect();
    let titles: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    for (width, title) in widths.iter_mut().zip(&titles) {
        *width = title.chars().count().max(*width);
    }
    let mut text = String::new();
    let mut rows = std::iter::once(titles).chain(rows).peekable();
    while rows.peek().is_some() {
        let mut piece = Table::new();
        piece.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        for row in rows.by_ref().take(PIECE) {
            piece
                .add_row(shown.iter().map(|at| Cell::new(row.get(*at).map_or("", String::as_str))).collect::<Vec<_>>());
        }
        for (column, at) in piece.column_iter_mut().zip(&shown) {
            column.set_padding((0, GAP));
            column.set_cell_alignment(if columns[*at].right { CellAlignment::Right } else { CellAlignment::Left });
            let width = u16::try_from(widths[*at]).unwrap_or(u16::MAX).saturating_add(GAP);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        for line in piece.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// Blanks between columns.
const GAP: u16 = 2;

#[cfg(test)]
mod tests {
    use super::{Column, table};

    #[test]
    fn columns_are_aligned() {
        let columns = [Column::text("NAME"), Column::number("COUNT"), Column::optional("NOTE"), Column::optional("X")];
        let row = |words: [&str; 4]| words.map(str::to_owned).to_vec();
        assert_eq!(
            table(&columns, [row(["a", "1", "", ""]), row(["  long one", "100000", "n", ""])].into_iter()),
            "NAME         COUNT  NOTE\n\
             a                1\n\
             \x20 long one  100000  n\n"
        );
        assert_eq!(table(&columns, std::iter::empty()), "NAME  COUNT\n");
    }

    #[test]
    fn long_tables_are_aligned_throughout() {
        let rows = (0..1000_u32).map(|n| vec!["x".repeat(if n == 900 { 20 } else { 3 }), n.to_string()]);
        let text = table(&[Column::text("A"), Column::number("B")], rows);
        assert_eq!(text.lines().count(), 1001);
        assert!(text.lines().all(|line| line.len() == 25), "{text}");
    }
}
