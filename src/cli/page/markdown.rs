//! Markdown for pull requests. Texts that others wrote stand in code spans, where nothing is markup and nobody is mentioned.

use std::io::{self, Write};

use super::content::{Page, Row};

/// How many objects are listed: a comment of a pull request has room for 65,536 characters.
const MOST: usize = 50;
/// How many entries a group shows, and how many findings and changes an object.
const MOST_PARTS: usize = 10;

pub(super) fn print(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## {}\n", page.title)?;
    let counts: Vec<String> = page
        .counts
        .iter()
        .map(|(name, count)| format!("**{count}** {name}"))
        .collect();
    writeln!(out, "{}\n", counts.join(" · "))?;
    for (name, value) in &page.about {
        writeln!(out, "- {name}: {}", code(value))?;
    }
    for problem in page.problems.iter().take(MOST_PARTS) {
        writeln!(out, "- not judged: {}", code(problem))?;
    }
    for (name, counts) in page.groups() {
        if counts.is_empty() {
            continue;
        }
        writeln!(out, "\n| {name} | objects |\n|---|---:|")?;
        for (key, count) in counts.iter().take(MOST_PARTS) {
            writeln!(out, "| {} | {count} |", code(key).replace('|', "\\|"))?;
        }
        if counts.len() > MOST_PARTS {
            writeln!(out, "| and {} more | |", counts.len() - MOST_PARTS)?;
        }
    }
    if !page.rows.is_empty() {
        writeln!(out, "\n<details><summary>Objects</summary>\n")?;
        for row in page.rows.iter().take(MOST) {
            object(row, out)?;
        }
        if page.rows.len() > MOST {
            writeln!(
                out,
                "- and {} more: `--output html` lists them all",
                page.rows.len() - MOST
            )?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

fn object(row: &Row, out: &mut dyn Write) -> io::Result<()> {
    let name = if row.namespace.is_empty() {
        row.name.clone()
    } else {
        format!("{}/{}", row.namespace, row.name)
    };
    let place = if row.place.is_empty() {
        String::new()
    } else {
        format!(" in {}", code(&row.place))
    };
    writeln!(out, "- **{}** {} {}{place}", row.verdict, row.kind, code(&name))?;
    for line in row.lines.iter().take(MOST_PARTS) {
        let sign = if line.sign.is_empty() {
            String::new()
        } else {
            format!("`{}` ", line.sign)
        };
        writeln!(
            out,
            "  - {sign}{} {}: {}",
            line.action,
            code(&line.code),
            code(&line.message)
        )?;
    }
    let changes: Vec<String> = row
        .changes
        .iter()
        .take(MOST_PARTS)
        .map(|place| code(&place.path))
        .collect();
    if !changes.is_empty() {
        let more = match row.changes.len().saturating_sub(MOST_PARTS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(out, "  - changed: {}{more}", changes.join(", "))?;
    }
    Ok(())
}

/// A text as a code span on one line.
fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| match c {
            '`' => '\'',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    format!("`{}`", if text.is_empty() { " " } else { &text })
}
