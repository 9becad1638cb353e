//! docs/performance.md, of which each program writes its own part.

use std::fs;
use std::path::Path;

const HEAD: &str = "# Performance\n\nWritten by the programs that it names, each part by its own, and never by hand.\n";

/// Replaces the program's part of the page, or adds it at the end.
pub(crate) fn replace(part: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
    let (begin, end) = (format!("<!-- {part} begins -->\n"), format!("<!-- {part} ends -->\n"));
    let written = format!("{begin}\n{text}\n{end}");
    let page = match (page.split_once(&begin), page.split_once(&end)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{written}{after}"),
        _ => format!("{page}\n{written}"),
    };
    fs::write(&path, page).expect("write docs/performance.md");
    eprintln!("wrote {}", path.display());
}
