//! A diagnostic on one line, and as JSON.

use serde_json::{Map, Value, json};

use super::{Diagnostic, Sources, Span, one_line};

impl Diagnostic {
    /// `file:line:column: error[CODE]: message`, without a line end; without the place where there is none.
    pub fn concise(&self, sources: &Sources) -> String {
        let head = format!("{}[{}]: {}", self.severity.name(), self.code, one_line(&self.message));
        let place = self
            .primary
            .as_ref()
            .and_then(|(span, _)| Some((sources.get(span.source)?, span)));
        match place {
            Some((source, span)) => {
                let at = source.location(span.start);
                format!("{}:{}:{}: {head}", one_line(&source.name), at.line, at.column)
            }
            None => head,
        }
    }

    /// An object with `code`, `severity`, `message`, `labels` and `help`, and where there is a place `file`, `line`,
    /// `column`, `end_line` and `end_column`. Lines and columns count from 1, columns in characters; the end is the
    /// place after the last character. Each label has the same five fields, its `text`, and `primary`.
    pub fn to_json(&self, sources: &Sources) -> Value {
        let mut object = Map::new();
        object.insert("code".into(), self.code.as_ref().into());
        object.insert("severity".into(), self.severity.name().into());
        object.insert("message".into(), self.message.as_str().into());
        let primary = self.primary.iter().map(|(span, text)| (true, *span, text));
        let secondary = self.secondary.iter().map(|(span, text)| (false, *span, text));
        let labels = primary.chain(secondary).map(|(primary, span, text)| {
            let mut label = place(span, sources);
            label.insert("text".into(), text.as_str().into());
            label.insert("primary".into(), primary.into());
            Value::Object(label)
        });
        object.insert("labels".into(), labels.collect());
        object.insert("help".into(), json!(self.help));
        if let Some((span, _)) = &self.primary {
            object.append(&mut place(*span, sources));
        }
        Value::Object(object)
    }
}

fn place(span: Span, sources: &Sources) -> Map<String, Value> {
    let mut place = Map::new();
    if let Some(source) = sources.get(span.source) {
        let (start, end) = (source.location(span.start), source.location(span.end));
        place.insert("file".into(), source.name.as_ref().into());
        place.insert("line".into(), start.line.into());
        place.insert("column".into(), start.column.into());
        place.insert("end_line".into(), end.line.into());
        place.insert("end_column".into(), end.column.into());
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(sources: &mut Sources) -> Diagnostic {
        let id = sources.add("policies/a.yaml", "spec:\n  tll: 300\n");
        Diagnostic::error("RX001", "unknown field `tll`\n")
            .at(Span::new(id, 8, 11), "no such field")
            .and_at(Span::new(id, 0, 4), "in this mapping")
            .help("did you mean `ttl`?")
    }

    #[test]
    fn one_line_for_editors() {
        let mut sources = Sources::new();
        let diagnostic = sample(&mut sources);
        assert_eq!(
            diagnostic.concise(&sources),
            r"policies/a.yaml:2:3: error[RX001]: unknown field `tll`\n"
        );
        assert_eq!(
            Diagnostic::note("RX002", "nowhere").concise(&sources),
            "note[RX002]: nowhere"
        );
    }

    #[test]
    fn json_keeps_everything() {
        let mut sources = Sources::new();
        let diagnostic = sample(&mut sources);
        assert_eq!(
            diagnostic.to_json(&sources),
            json!({
                "code": "RX001", "severity": "error", "message": "unknown field `tll`\n",
                "file": "policies/a.yaml", "line": 2, "column": 3, "end_line": 2, "end_column": 6,
                "labels": [
                    {"file": "policies/a.yaml", "line": 2, "column": 3, "end_line": 2, "end_column": 6,
                     "text": "no such field", "primary": true},
                    {"file": "policies/a.yaml", "line": 1, "column": 1, "end_line": 1, "end_column": 5,
                     "text": "in this mapping", "primary": false},
                ],
                "help": ["did you mean `ttl`?"],
            })
        );
    }
}
