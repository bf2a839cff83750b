//! Aligned columns. The only place that knows how they are laid out.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

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

/// Returns `rows` under the titles of `columns`, two blanks between columns, no blanks at line ends.
pub fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let empty = |at: usize| rows.iter().all(|row| row.get(at).is_none_or(String::is_empty));
    let shown: Vec<usize> = (0..columns.len()).filter(|at| !(columns[*at].optional && empty(*at))).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(shown.iter().map(|at| Cell::new(columns[*at].title)).collect::<Vec<_>>());
    for row in rows {
        table.add_row(shown.iter().map(|at| Cell::new(row.get(*at).map_or("", String::as_str))).collect::<Vec<_>>());
    }
    for (column, at) in table.column_iter_mut().zip(&shown) {
        column.set_padding((0, 2));
        column.set_cell_alignment(if columns[*at].right { CellAlignment::Right } else { CellAlignment::Left });
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Column, table};

    #[test]
    fn columns_are_aligned() {
        let columns = [Column::text("NAME"), Column::number("COUNT"), Column::optional("NOTE"), Column::optional("X")];
        let row = |words: [&str; 4]| words.map(str::to_owned).to_vec();
        assert_eq!(
            table(&columns, &[row(["a", "1", "", ""]), row(["  long one", "100000", "n", ""])]),
            "NAME         COUNT  NOTE\n\
             a                1\n\
             \x20 long one  100000  n\n"
        );
        assert_eq!(table(&columns, &[]), "NAME  COUNT\n");
    }
}
