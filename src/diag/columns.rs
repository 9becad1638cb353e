//! Rows of cells, printed in columns.

use unicode_width::UnicodeWidthStr as _;

/// The rows as lines without a line end, their columns two spaces apart. A column is as wide as its widest cell is on a
/// terminal, and at least as wide as `least` says; a cell wider than `most` does not count, and moves only what is
/// behind it. The last column is not filled.
pub fn columns<const N: usize>(rows: &[[String; N]], least: [usize; N], most: usize) -> Vec<String> {
    let mut widths = least;
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            let wide = cell.width();
            if wide <= most {
                *width = (*width).max(wide);
            }
        }
    }
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            let filling = width.saturating_sub(cell.width()) + 2;
            line.extend(std::iter::repeat_n(' ', filling));
        }
        line.truncate(line.trim_end().len());
        line
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<const N: usize>(rows: [[&str; N]; 3]) -> Vec<[String; N]> {
        rows.map(|row| row.map(str::to_owned)).to_vec()
    }

    #[test]
    fn a_column_is_as_wide_as_a_terminal_shows_it() {
        let rows = rows([["name", "x", "end"], ["大小", "e\u{301}", ""], ["größe🚀", "", "end"]]);
        let expected = ["name     x  end", "大小     e\u{301}", "größe🚀     end"];
        assert_eq!(columns(&rows, [0; 3], usize::MAX), expected);
    }

    #[test]
    fn bounds_hold_from_both_sides() {
        let rows = rows([["a", "1"], ["bb", "2"], ["ccccc", "3"]]);
        assert_eq!(columns(&rows, [0, 0], 3), ["a   1", "bb  2", "ccccc  3"]);
        assert_eq!(columns(&rows, [6, 0], 3), ["a       1", "bb      2", "ccccc   3"]);
    }
}
