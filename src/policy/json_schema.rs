//! The JSON Schema (draft 2020-12) of policy files, made from the table of the language.
//!
//! It serves editors: what it refuses the loader refuses too, and the loader alone knows what spans documents.

use serde_json::{Map, Value, json};

use crate::diag::Sources;
use crate::ray::version::GATES;
use crate::yaml::{self, Limits, Reading};

use super::load::Known;
use super::schema::{API_VERSION, DOCUMENTS, Document, Field, Form, Kind, LIMITS, METADATA, SELECTOR, SETTINGS};
use super::settings::Action;

/// A Kubernetes quantity (apimachinery, `pkg/api/resource`); a minus sign is legal there and never here.
const QUANTITY: &str = r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?";
/// A DNS subdomain (RFC 1123), as Kubernetes checks names.
const NAME: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
/// A word of a label, up to 63 characters.
const WORD: &str = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

/// The schema as text, with a line end.
pub fn text(known: &Known) -> String {
    format!("{:#}\n", schema(known))
}

/// The schema. The codes and injectors that policies may name are the caller's to know.
pub fn schema(known: &Known) -> Value {
    let writer = Writer { known };
    let mut definitions = Map::new();
    definitions.insert("settings".into(), writer.object(SETTINGS));
    definitions.insert("selector".into(), writer.object(SELECTOR));
    definitions.insert("limits".into(), writer.object(LIMITS));
    for document in DOCUMENTS {
        definitions.insert(document.kind.into(), writer.document(document));
    }
    let kinds: Vec<Value> = DOCUMENTS.iter().map(|document| reference(document.kind)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "raygate policy files",
        "type": "object",
        "oneOf": kinds,
        "$defs": definitions,
    })
}

fn reference(definition: &str) -> Value {
    json!({"$ref": format!("#/$defs/{definition}")})
}

struct Writer<'a> {
    known: &'a Known,
}

impl Writer<'_> {
    fn document(&self, document: &Document) -> Value {
        let mut metadata = self.object(METADATA);
        let mut required = vec!["apiVersion", "kind", "spec"];
        if document.named {
            required.push("metadata");
            insert(&mut metadata, "required", json!(["name"]));
        }
        json!({
            "description": document.doc,
            "type": "object",
            "properties": {
                "apiVersion": {"const": API_VERSION, "description": "The version of the policy language."},
                "kind": {"const": document.kind, "description": "The kind of document."},
                "metadata": metadata,
                "spec": self.object(document.spec),
            },
            "required": required,
            "additionalProperties": false,
        })
    }

    fn object(&self, fields: &[Field]) -> Value {
        let properties: Map<String, Value> = fields
            .iter()
            .map(|field| (field.key.to_owned(), self.field(field)))
            .collect();
        let required: Vec<&str> = fields
            .iter()
            .filter(|field| field.required)
            .map(|field| field.key)
            .collect();
        let mut object = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            insert(&mut object, "required", json!(required));
        }
        object
    }

    fn field(&self, field: &Field) -> Value {
        let mut schema = self.kind(&field.kind);
        let mut description = field.doc.to_owned();
        if let Kind::OneOf(names) = field.kind {
            for (name, meaning) in names {
                description.push_str(&format!("\n- `{name}`: {meaning}"));
            }
        }
        insert(&mut schema, "description", description.into());
        if let Some(example) = value(field.example) {
            insert(&mut schema, "examples", json!([example]));
        }
        schema
    }

    fn kind(&self, kind: &Kind) -> Value {
        match kind {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Kind::Text(form) => self.text(*form),
            Kind::Quantity => quantity(&format!("^{QUANTITY}$")),
            Kind::Size => quantity(&format!("^(([1-9][0-9]?|100)%|{QUANTITY})$")),
            Kind::OneOf(names) => json!({"enum": names.iter().map(|(name, _)| *name).collect::<Vec<_>>()}),
            Kind::Object(fields) if std::ptr::eq(*fields, SETTINGS) => reference("settings"),
            Kind::Object(fields) if std::ptr::eq(*fields, SELECTOR) => reference("selector"),
            Kind::Object(fields) if std::ptr::eq(*fields, LIMITS) => reference("limits"),
            Kind::Object(fields) => self.object(fields),
            Kind::Map(Form::Code, _) => self.actions(),
            Kind::Map(form, kind) => json!({
                "type": "object",
                "propertyNames": self.text(*form),
                "additionalProperties": self.kind(kind),
            }),
            Kind::List(kind @ (Kind::Text(Form::Glob) | Kind::OneOf(_))) => {
                json!({"type": "array", "items": self.kind(kind), "minItems": 1})
            }
            Kind::List(kind) => json!({"type": "array", "items": self.kind(kind)}),
            Kind::Keyed(_, fields) | Kind::Set(fields) => json!({"type": "array", "items": self.object(fields)}),
            Kind::Any => json!({"type": "object"}),
        }
    }

    /// The actions by code; only a check that repairs has `Fix`.
    fn actions(&self) -> Value {
        let names = |fixes: bool| -> Vec<&str> {
            let all = Action::ALL.iter().map(|(name, _)| *name);
            all.filter(|name| fixes || *name != Action::Fix.name()).collect()
        };
        let mut codes: Map<String, Value> = self
            .known
            .codes
            .iter()
            .map(|known| (known.code.to_owned(), json!({"enum": names(known.fixes)})))
            .collect();
        for known in &self.known.codes {
            if let Some(prefix) = known.code.get(..3) {
                codes.insert(format!("{prefix}*"), json!({"enum": names(false)}));
            }
        }
        json!({"type": "object", "properties": codes, "additionalProperties": false})
    }

    fn text(&self, form: Form) -> Value {
        let pattern = |pattern: String| json!({"type": "string", "pattern": pattern});
        match form {
            Form::Free => json!({"type": "string"}),
            Form::Text | Form::Glob | Form::Cel | Form::Image | Form::ImagePattern => {
                json!({"type": "string", "minLength": 1})
            }
            Form::Name => json!({"type": "string", "pattern": format!("^{NAME}$"), "maxLength": 253}),
            Form::LabelKey => pattern(format!("^({NAME}/)?{WORD}$")),
            Form::ResourceName => pattern(format!(
                "^(cpu|memory|ephemeral-storage|hugepages-{WORD}|{NAME}/{WORD})$"
            )),
            Form::Device => pattern(format!("^{NAME}/{WORD}$")),
            Form::User => pattern(r"^[^*?\s]+$".to_owned()),
            Form::NamespaceTemplate => pattern(r"^([-a-z0-9]|\{project\}|\{domain\})+$".to_owned()),
            Form::LabelValue => pattern(format!("^({WORD})?$")),
            Form::Date => pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$".to_owned()),
            Form::Code => json!({"enum": self.known.codes.iter().map(|known| known.code).collect::<Vec<_>>()}),
            Form::Finding => {
                let codes: Vec<&str> = self.known.waivable().collect();
                json!({"anyOf": [{"enum": codes}, {"type": "string", "pattern": format!("^rule/{NAME}$")}]})
            }
            Form::Leaf => {
                let sections: Vec<&str> = SETTINGS.iter().map(|field| field.key).collect();
                pattern(format!("^({})(\\..+)?$", sections.join("|")))
            }
            Form::KubeRay => pattern(r"^(main|master|nightly|v?1\.[0-9]+(\.[0-9]+)*)$".to_owned()),
            Form::Version => pattern(r"^v?[0-9]+\.[0-9]+(\.[0-9]+)?$".to_owned()),
            Form::Gate => json!({"enum": GATES.iter().map(|gate| gate.name).collect::<Vec<_>>()}),
            Form::PodSecurity => {
                pattern(r"^(privileged|baseline|restricted)(:(latest|v1\.(2[5-9]|3[0-7])))?$".to_owned())
            }
            Form::Injector => json!({"enum": self.known.injectors}),
        }
    }
}

fn quantity(pattern: &str) -> Value {
    json!({"type": ["string", "number"], "pattern": pattern, "minimum": 0})
}

fn insert(schema: &mut Value, key: &str, value: Value) {
    if let Some(map) = schema.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// The value that an example of the table writes in YAML.
fn value(example: &str) -> Option<Value> {
    let mut sources = Sources::new();
    let source = sources.add("example", example);
    let (nodes, _) = yaml::parse(source, example, Reading::Cautious, &Limits::policies());
    nodes.first().map(yaml::Node::to_json)
}
