//! Annotations of GitHub Actions: `::error file=jobs/train.yaml,line=88,col=40,title=RG203::message`.

use crate::diag::{Diagnostic, Severity, Sources};

/// A diagnostic as the workflow command that annotates its lines. What to do is behind the message, a line each.
pub(super) fn annotation(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some((span, _)) = &diagnostic.primary
        && let (Some(start), Some(end)) = (sources.location(*span), sources.end_location(*span))
    {
        properties.push(format!("file={}", property(sources.name(span.source))));
        properties.push(format!("line={}", start.line));
        properties.push(format!("endLine={}", end.line));
        // GitHub refuses columns where an annotation spans several lines.
        if start.line == end.line {
            properties.push(format!("col={}", start.column));
            properties.push(format!("endColumn={}", end.column.saturating_sub(1).max(start.column)));
        }
    }
    properties.push(format!("title={}", property(&diagnostic.code)));
    let lines: Vec<&str> = std::iter::once(&diagnostic.message)
        .chain(&diagnostic.help)
        .map(String::as_str)
        .collect();
    format!("::{command} {}::{}", properties.join(","), message(&lines.join("\n")))
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        let mut sources = Sources::new();
        let id = sources.add("a,b:c.yaml", "x: 100%\n");
        let diagnostic = Diagnostic::error("rule/a", "100%: one\r\ntwo, three")
            .at(Span::new(id, 3, 7), "")
            .help("do it");
        assert_eq!(
            annotation(&sources, &diagnostic),
            "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=4,endColumn=7,title=rule/a::100%25: one%0D%0Atwo, three%0Ado it"
        );
        assert_eq!(annotation(&sources, &Diagnostic::note("X", "n")), "::notice title=X::n");
    }
}
