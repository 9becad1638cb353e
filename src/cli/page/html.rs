//! One HTML file: no other file, no foreign origin. Texts reach the page as text only: escaped, or as JSON that the script
//! sets with `textContent`. A Content-Security-Policy admits this script and this style, by their digests.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::content::{Page, Row};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
/// How many entries a group shows.
const MOST: usize = 20;

pub(super) fn print(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let title = page.title;
    let (style, script) = (digest(STYLE), digest(SCRIPT));
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{style}'; script-src '{script}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<ul class=\"counts\">\n"
    )?;
    for (name, count) in &page.counts {
        writeln!(out, "<li><b>{count}</b> {}</li>", escaped(name))?;
    }
    writeln!(out, "</ul>\n<dl>")?;
    for (name, value) in &page.about {
        writeln!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value))?;
    }
    writeln!(out, "</dl>")?;
    if !page.problems.is_empty() {
        writeln!(out, "<h2>Not judged</h2>\n<ul>")?;
        for problem in &page.problems {
            writeln!(out, "<li><code>{}</code></li>", escaped(problem))?;
        }
        writeln!(out, "</ul>")?;
    }
    if let Some(texts) = &page.policies {
        for text in texts {
            writeln!(out, "<pre>{}</pre>", escaped(text))?;
        }
        return writeln!(out, "</body>\n</html>");
    }
    groups(page, out)?;
    write!(
        out,
        "<h2>Objects</h2>\n<noscript>The list of objects needs JavaScript. It runs in this file only.</noscript>\n\
         <p><label>Search <input id=\"search\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\"></label> \
         <span id=\"shown\" role=\"status\"></span></p>\n\
         <table id=\"objects\">\n<thead><tr></tr></thead>\n<tbody></tbody>\n</table>\n\
         <p><button id=\"more\" type=\"button\" hidden>Show more</button></p>\n\
         <script type=\"application/json\" id=\"data\">["
    )?;
    for (at, row) in page.rows.iter().enumerate() {
        let separator = if at > 0 { ",\n" } else { "\n" };
        // In JSON, `<` stands in texts only. Without it, nothing ends the element or begins a comment.
        write!(out, "{separator}{}", as_json(row).to_string().replace('<', "\\u003c"))?;
    }
    write!(out, "\n]</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

fn groups(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<div class=\"groups\">")?;
    for (name, counts) in page.groups() {
        let Some(most) = counts.first().map(|(_, count)| *count) else {
            continue;
        };
        writeln!(out, "<section><h2>By {}</h2>\n<table>", name.to_lowercase())?;
        for (key, count) in counts.iter().take(MOST) {
            let key = escaped(key);
            writeln!(
                out,
                "<tr><td><button type=\"button\" class=\"filter\">{key}</button></td><td class=\"number\">{count}</td>\
                 <td><meter min=\"0\" max=\"{most}\" value=\"{count}\">{count}</meter></td></tr>"
            )?;
        }
        writeln!(out, "</table>")?;
        if counts.len() > MOST {
            writeln!(out, "<p>and {} more</p>", counts.len() - MOST)?;
        }
        writeln!(out, "</section>")?;
    }
    writeln!(out, "</div>")
}

fn as_json(row: &Row) -> Value {
    let lines = row
        .lines
        .iter()
        .map(|line| json!([line.sign, line.action, line.code, line.policy, line.path, line.message]));
    json!({
        "namespace": row.namespace,
        "kind": row.kind,
        "name": row.name,
        "place": row.place,
        "verdict": row.verdict,
        "lines": lines.collect::<Vec<_>>(),
        "changes": row.changes.iter().map(|place| json!([place.path, place.by, place.policy])).collect::<Vec<_>>(),
    })
}

/// Text for an element or an attribute in quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The source of an inline script or style, as a Content-Security-Policy names it.
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
