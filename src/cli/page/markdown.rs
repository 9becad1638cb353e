//! Markdown for pull requests. Texts that others wrote stand in code spans, where nothing is markup and nobody is mentioned.

use std::collections::BTreeMap;
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
    if !counts.is_empty() {
        writeln!(out, "{}\n", counts.join(" · "))?;
    }
    for text in page.policies.iter().flatten() {
        writeln!(out, "{}\n", block(text))?;
    }
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
            object(row, page.names_places, out)?;
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

fn object(row: &Row, names_places: bool, out: &mut dyn Write) -> io::Result<()> {
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
        // What a policy in Preview changes has a place and no message.
        let said = if line.message.is_empty() {
            &line.path
        } else {
            &line.message
        };
        let policy = match line.policy.as_str() {
            "" => String::new(),
            policy => format!(", policy {}", code(policy)),
        };
        writeln!(
            out,
            "  - {sign}{} {}: {}{policy}",
            line.action,
            code(&line.code),
            code(said)
        )?;
    }
    if names_places && !row.changes.is_empty() {
        let paths = row.changes.iter().take(MOST_PARTS).map(|place| code(&place.path));
        let paths: Vec<String> = paths.collect();
        let more = match row.changes.len().saturating_sub(MOST_PARTS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return writeln!(out, "  - changed: {}{more}", paths.join(", "));
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for place in &row.changes {
        *counts.entry(&place.by).or_default() += 1;
    }
    if !counts.is_empty() {
        let counts = counts.iter().map(|(by, count)| format!("{} {count}", code(by)));
        let counts: Vec<String> = counts.collect();
        writeln!(out, "  - changed: {}", counts.join(", "))?;
    }
    Ok(())
}

/// A text of several lines, as a code block that no line of it ends.
fn block(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| format!("    {}", line.replace(char::is_control, " ")));
    lines.collect::<Vec<_>>().join("\n")
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
