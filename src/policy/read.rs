//! Holding a document against the table of the language: every mistake is reported, with its place.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diag::{Diagnostic, Span, any_error, suggest};
use crate::k8s::image::{Image, ImagePattern};
use crate::k8s::names::{self, ResourceKind, resource_kind};
use crate::k8s::pod_security::Profile;
use crate::k8s::quantity::Quantity;
use crate::ray::KubeRay;
use crate::yaml::{Node, NodeValue, Style};

use super::codes;
use super::schema::{Field, Form, Kind};
use super::settings::Size;

mod together;

/// A leaf as it stands in a file.
#[derive(Clone, Debug)]
pub struct ReadLeaf {
    /// The keys down to it.
    pub path: Vec<String>,
    /// Its value.
    pub value: Value,
    /// Where its key stands, or the element of a list.
    pub span: Span,
    /// Where its value stands.
    pub value_span: Span,
}

/// Collects what is wrong with documents.
#[derive(Debug, Default)]
pub struct Reader {
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

fn error(code: &'static str, span: Span, message: String) -> Diagnostic {
    Diagnostic::error(code, message).at(span, "")
}

impl Reader {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn wrong_type(&mut self, node: &Node, name: &str, wants: &str) {
        if matches!(node.value, NodeValue::Null) {
            self.push(
                error(codes::NULL, node.span, format!("`{name}` has no value"))
                    .help(format!("give it {wants}, or leave the key out")),
            );
            return;
        }
        self.push(error(
            codes::WRONG_TYPE,
            node.span,
            format!("`{name}` wants {wants}, this is {}", node.kind()),
        ));
    }

    /// Holds a mapping against the keys that it may have.
    pub fn object(&mut self, node: &Node, fields: &[Field], name: &str) {
        let Some(entries) = node.as_mapping() else {
            return self.wrong_type(node, name, "a mapping");
        };
        let before = self.diagnostics.len();
        for entry in entries {
            let key = entry.key.text.as_str();
            match fields.iter().find(|field| field.key == key) {
                Some(field) => {
                    let before = self.diagnostics.len();
                    self.value(&entry.value, &field.kind, key);
                    self.exemplify(before, &entry.value, field);
                }
                None => {
                    let known: Vec<&str> = fields.iter().map(|field| field.key).collect();
                    self.unknown_key(entry.key.span, key, &known, name);
                }
            }
        }
        for field in fields
            .iter()
            .filter(|field| field.required && node.get(field.key).is_none())
        {
            let message = format!("`{name}` needs the key `{}`", field.key);
            self.push(
                error(codes::MISSING_KEY, node.span, message)
                    .help(field.doc)
                    .help(format!("for example: {}: {}", field.key, field.example)),
            );
        }
        if !any_error(self.diagnostics.get(before..).unwrap_or_default()) {
            self.diagnostics.extend(together::check(node, fields));
        }
    }

    /// Shows an example where a value has another shape than its key wants, and nothing better was said.
    fn exemplify(&mut self, since: usize, value: &Node, field: &Field) {
        if let Some(found) = self.diagnostics.get_mut(since)
            && found.code == codes::WRONG_TYPE
            && found.help.is_empty()
            && found.primary.as_ref().is_some_and(|(span, _)| *span == value.span)
        {
            found
                .help
                .push(format!("for example: {}: {}", field.key, field.example));
        }
    }

    /// Reports a key that an object does not have.
    pub fn unknown_key(&mut self, span: Span, key: &str, known: &[&str], name: &str) {
        let help = match suggest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it may have: {}", known.join(", ")),
        };
        self.push(
            error(
                codes::UNKNOWN_KEY,
                span,
                format!("`{name}` has no key {}", crate::diag::quoted(key)),
            )
            .help(help),
        );
    }

    /// Holds a value against its kind.
    pub fn value(&mut self, node: &Node, kind: &Kind, name: &str) {
        match kind {
            Kind::Bool => match &node.value {
                NodeValue::Bool(_) => {}
                _ => {
                    self.wrong_type(node, name, "true or false");
                    self.unquote(node, |text| matches!(text, "true" | "false"));
                }
            },
            Kind::Int(least, most) => self.int(node, *least, *most, name),
            Kind::Text(form) => self.text(node, *form, name),
            Kind::Quantity => self.quantity(node, name, |text| {
                Quantity::parse(text).map(drop).map_err(|e| e.to_string())
            }),
            Kind::Size => self.quantity(node, name, |text| text.parse::<Size>().map(drop)),
            Kind::OneOf(names) => match node.as_str() {
                Some(text) if names.iter().any(|(known, _)| *known == text) => {}
                Some(text) => {
                    let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
                    let near = suggest(text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                    let all = format!("it may be {}", crate::diag::listed(&known).replace(" and ", " or "));
                    let message = format!("`{name}` cannot be {}", crate::diag::quoted(text));
                    self.push(
                        near.into_iter()
                            .chain([all])
                            .fold(error(codes::BAD_VALUE, node.span, message), Diagnostic::help),
                    );
                }
                None => self.wrong_type(node, name, "a name"),
            },
            Kind::Object(fields) => self.object(node, fields, name),
            Kind::Map(form, kind) => match node.as_mapping() {
                Some(entries) => {
                    for entry in entries {
                        self.form(entry.key.span, &entry.key.text, *form, &format!("a key of `{name}`"));
                        self.value(&entry.value, kind, &entry.key.text);
                    }
                }
                None => self.wrong_type(node, name, "a mapping"),
            },
            Kind::List(kind) => {
                self.list(node, name, |reader, item, name| reader.value(item, kind, name));
                let is_empty = node.as_sequence().is_some_and(<[Node]>::is_empty);
                let element = match kind {
                    Kind::Text(Form::Glob) => Some("pattern"),
                    Kind::OneOf(_) => Some("name"),
                    _ => None,
                };
                if let Some(element) = element.filter(|_| is_empty) {
                    let message = format!("`{name}` has no {element}, so that it fits nothing");
                    let help = format!("give `{name}` a {element}, or leave it out");
                    self.push(error(codes::BAD_VALUE, node.span, message).help(help));
                }
            }
            Kind::Set(fields) => self.list(node, name, |reader, item, name| reader.object(item, fields, name)),
            Kind::Keyed(key, fields) => {
                let mut seen: BTreeMap<String, Span> = BTreeMap::new();
                self.list(node, name, |reader, item, element| {
                    reader.object(item, fields, element);
                    let Some(given) = item.get(key) else { return };
                    let Some(text) = given.as_str() else { return };
                    if let Some(first) = seen.insert(text.to_owned(), given.span) {
                        let message = format!("`{name}` has two elements with the {key} {}", crate::diag::quoted(text));
                        reader.push(
                            error(codes::BAD_VALUE, given.span, message)
                                .and_at(first, "the first")
                                .help("keep one of them"),
                        );
                    }
                });
            }
            Kind::Any => {
                if node.as_mapping().is_none() {
                    self.wrong_type(node, name, "a mapping");
                }
            }
        }
    }

    /// Each element with its name, such as `rules[0]`.
    fn list(&mut self, node: &Node, name: &str, mut each: impl FnMut(&mut Self, &Node, &str)) {
        match node.as_sequence() {
            Some(items) => {
                for (index, item) in items.iter().enumerate() {
                    each(self, item, &format!("{name}[{index}]"));
                }
            }
            None => self.wrong_type(node, name, "a list"),
        }
    }

    fn int(&mut self, node: &Node, least: i64, most: i64, name: &str) {
        let number = match &node.value {
            NodeValue::Number(number) => number.as_i64(),
            _ => {
                self.wrong_type(node, name, "a whole number");
                return self.unquote(node, |text| text.parse::<i64>().is_ok());
            }
        };
        if !number.is_some_and(|number| (least..=most).contains(&number)) {
            let message = format!("`{name}` wants a whole number from {least} to {most}");
            self.push(error(codes::BAD_VALUE, node.span, message));
        }
    }

    /// Advises to take the quotes off where that would help.
    fn unquote(&mut self, node: &Node, would_fit: impl Fn(&str) -> bool) {
        let quoted = matches!(node.style, Style::SingleQuoted | Style::DoubleQuoted);
        if let Some(text) = node.as_str().filter(|text| quoted && would_fit(text))
            && let Some(last) = self.diagnostics.last_mut()
        {
            last.help.push(format!("take the quotes off: {text}"));
        }
    }

    fn quantity(&mut self, node: &Node, name: &str, parse: impl Fn(&str) -> Result<(), String>) {
        let text = match &node.value {
            NodeValue::String(text) => text.clone(),
            NodeValue::Number(number) => number.to_string(),
            _ => return self.wrong_type(node, name, "a quantity such as 4Gi or \"2\""),
        };
        if let Err(why) = parse(&text) {
            self.push(error(codes::BAD_VALUE, node.span, format!("`{name}`: {why}")));
        } else if Quantity::parse(&text).is_ok_and(|quantity| quantity.is_negative()) {
            self.push(error(
                codes::BAD_VALUE,
                node.span,
                format!("`{name}` cannot be negative"),
            ));
        }
    }

    fn text(&mut self, node: &Node, form: Form, name: &str) {
        match &node.value {
            NodeValue::String(text) => self.form(node.span, text, form, &format!("`{name}`")),
            NodeValue::Number(_) | NodeValue::Bool(_) => {
                // Of a number with a fraction the text is lost.
                let help = match node.to_json() {
                    Value::Number(number) if number.is_f64() => "put it in quotes".to_owned(),
                    value => format!("put it in quotes: \"{value}\""),
                };
                self.wrong_type(node, name, "a text");
                if let Some(last) = self.diagnostics.last_mut() {
                    last.help.push(help);
                }
            }
            _ => self.wrong_type(node, name, "a text"),
        }
    }

    fn form(&mut self, span: Span, text: &str, form: Form, name: &str) {
        let shown = crate::diag::quoted(text);
        let is_no = |what: &str| format!("{name}: {shown} is no {what}");
        let cannot_be = |why: &dyn std::fmt::Display| format!("{name} cannot be {shown}: {why}");
        let result: Result<(), String> = match form {
            Form::Free => Ok(()),
            Form::Text | Form::Glob | Form::Cel | Form::Leaf | Form::Injector => {
                if text.is_empty() {
                    Err(format!("{name} is empty"))
                } else {
                    Ok(())
                }
            }
            Form::Name => names::dns1123_subdomain(text).map_err(|why| cannot_be(&why.with_advice())),
            Form::LabelKey => names::label_key(text).map_err(|why| cannot_be(&why.with_advice())),
            Form::ResourceName => match resource_kind(text) {
                ResourceKind::Unknown | ResourceKind::Storage | ResourceKind::Native => {
                    let known = ["cpu", "memory", "ephemeral-storage"];
                    Err(match suggest(text, known) {
                        Some(near) => is_no(&format!("resource of a container; did you mean `{near}`?")),
                        None => is_no(
                            "resource of a container; write cpu, memory, ephemeral-storage, or a device such as \
                             nvidia.com/gpu",
                        ),
                    })
                }
                _ => Ok(()),
            },
            Form::Device => names::extended_resource_name(text).map_err(|why| cannot_be(&why.with_advice())),
            Form::User => user(text).map_err(|why| cannot_be(&why)),
            Form::NamespaceTemplate => namespace_template(text).map_err(|why| cannot_be(&why)),
            Form::LabelValue => names::label_value(text).map_err(|why| cannot_be(&why.with_advice())),
            Form::Image => Image::parse(text).map(drop).map_err(|why| format!("{name}: {why}")),
            Form::ImagePattern => ImagePattern::parse(text)
                .map(drop)
                .map_err(|why| format!("{name}: {why}")),
            Form::Date => text
                .parse::<jiff::civil::Date>()
                .map(drop)
                .map_err(|_| is_no("day; write it like 2026-12-31")),
            Form::Code if is_code(text) || family(text).is_some() => Ok(()),
            Form::Code => Err(is_no("code like RG203, and no family like RG2*")),
            Form::Finding => match text.strip_prefix("rule/") {
                Some(rule) => names::dns1123_subdomain(rule).map_err(|why| cannot_be(&why.with_advice())),
                None if is_code(text) => Ok(()),
                None => Err(is_no("code like RG203, and no rule like rule/owner")),
            },
            Form::PodSecurity => text.parse::<Profile>().map(drop).map_err(|why| cannot_be(&why)),
            Form::KubeRay => text
                .parse::<KubeRay>()
                .map(drop)
                .map_err(|why| format!("{name}: {why}")),
            Form::Version => {
                let parts: Vec<&str> = text.strip_prefix('v').unwrap_or(text).split('.').collect();
                let fits = (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.parse::<u32>().is_ok());
                if fits {
                    Ok(())
                } else {
                    Err(is_no("version; write it like \"1.16.8\""))
                }
            }
            Form::Gate => {
                let known = crate::ray::version::GATES.iter().map(|gate| gate.name);
                if known.clone().any(|gate| gate == text) {
                    Ok(())
                } else {
                    let near = suggest(text, known)
                        .map(|near| format!("; did you mean `{near}`?"))
                        .unwrap_or_default();
                    Err(is_no(&format!("feature gate that decides anything here{near}")))
                }
            }
        };
        if let Err(message) = result {
            self.push(error(codes::BAD_VALUE, span, message));
        }
    }

    /// The leaves in some sections of a mapping that was held against its keys.
    pub fn leaves(node: &Node, fields: &[Field], sections: &[&str]) -> Vec<ReadLeaf> {
        let mut out = Vec::new();
        for field in fields.iter().filter(|field| sections.contains(&field.key)) {
            if let Some(entry) = node.entry(field.key) {
                let path = vec![field.key.to_owned()];
                Self::leaf(&entry.value, entry.key.span, &field.kind, path, &mut out);
            }
        }
        out
    }

    fn leaves_below(node: &Node, fields: &[Field], path: &[String], out: &mut Vec<ReadLeaf>) {
        for entry in node.as_mapping().unwrap_or_default() {
            if let Some(field) = fields.iter().find(|field| field.key == entry.key.text) {
                let path = below(path, &entry.key.text);
                Self::leaf(&entry.value, entry.key.span, &field.kind, path, out);
            }
        }
    }

    fn leaf(node: &Node, span: Span, kind: &Kind, path: Vec<String>, out: &mut Vec<ReadLeaf>) {
        match kind {
            Kind::Object(fields) => Self::leaves_below(node, fields, &path, out),
            Kind::Map(_, kind) => {
                for entry in node.as_mapping().unwrap_or_default() {
                    Self::leaf(&entry.value, entry.key.span, kind, below(&path, &entry.key.text), out);
                }
            }
            Kind::Keyed(key, _) => {
                for item in node.as_sequence().unwrap_or_default() {
                    let name = item.get(key).and_then(Node::as_str).unwrap_or_default();
                    out.push(ReadLeaf {
                        path: below(&path, name),
                        value: item.to_json(),
                        span: item.span,
                        value_span: item.span,
                    });
                }
            }
            Kind::Set(_) => {
                for item in node.as_sequence().unwrap_or_default() {
                    let value = item.to_json();
                    out.push(ReadLeaf {
                        path: below(&path, &value.to_string()),
                        value,
                        span: item.span,
                        value_span: item.span,
                    });
                }
            }
            _ => out.push(ReadLeaf {
                path,
                value: node.to_json(),
                span,
                value_span: node.span,
            }),
        }
    }
}

/// A Kubernetes user, which is compared as it is.
fn user(text: &str) -> Result<(), &'static str> {
    const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.contains(['*', '?']) || text.contains(char::is_whitespace) {
        return Err("users are named one by one here, without patterns");
    }
    match text.strip_prefix(SERVICE_ACCOUNT).map(|rest| rest.split(':').count()) {
        Some(2) | None => Ok(()),
        Some(_) => Err("a service account is written like system:serviceaccount:flyte:flytepropeller"),
    }
}

/// What `{project}` and `{domain}` stand in, as Flyte has it, is a namespace.
fn namespace_template(text: &str) -> Result<(), String> {
    let filled = text.replace("{project}", "p").replace("{domain}", "d");
    if filled.contains(['{', '}']) {
        return Err("in braces it may have {project} and {domain}".to_owned());
    }
    names::dns1123_label(&filled).map_err(|why| why.with_advice())
}

/// Whether a text has the form of a check's code.
/// The prefix of the codes of a family: `RG2` of `RG2*`.
pub(super) fn family(text: &str) -> Option<&str> {
    let prefix = text.strip_suffix('*')?;
    let digit = prefix.strip_prefix("RG")?;
    (digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit())).then_some(prefix)
}

fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix("RG").unwrap_or_default();
    digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The keys down to an entry below others.
pub(super) fn below(path: &[String], key: &str) -> Vec<String> {
    let mut path = path.to_vec();
    path.push(key.to_owned());
    path
}
