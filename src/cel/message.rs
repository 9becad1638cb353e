//! Messages with `{expression}` in them.

use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelString, CelUInt, Kind};
use cel::common::value::Val;

use crate::diag::{quoted, truncated};

use super::compile::{Program, compile};
use super::language::Place;
use super::meter::Meter;
use super::quantity::Amount;
use super::scope::{Here, Session};
use super::{Failed, Problem, lexical};

/// The longest message, in bytes, when all is filled in.
const LONGEST: usize = 500;
/// The elements of a list that are shown.
const MOST_SHOWN: usize = 5;

/// A compiled message.
#[derive(Debug)]
pub struct Message {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Expression(Program),
}

impl Message {
    /// Compiles a message for a place. `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place in the text.
    pub fn compile(source: &str, place: Place) -> Result<Message, Vec<Problem>> {
        let (mut parts, mut problems) = (Vec::new(), Vec::new());
        let mut text = String::new();
        let mut at = 0;
        while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with("{{") || rest.starts_with("}}") {
                text.extend(rest.chars().next());
                at += 2;
            } else if let Some(inside) = rest.strip_prefix('{') {
                let Some(length) = closing(inside) else {
                    let problem = Problem::new(at..at + 1, "this brace is never closed");
                    problems.push(problem.help("write {{ for a brace"));
                    break;
                };
                let expression = inside.get(..length).unwrap_or_default();
                match compile(expression, place) {
                    Ok(program) => {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                        parts.push(Part::Expression(program));
                    }
                    Err(found) => problems.extend(found.into_iter().map(|mut problem| {
                        problem.range = problem.range.start + at + 1..problem.range.end + at + 1;
                        problem
                    })),
                }
                at += length + 2;
            } else if rest.starts_with('}') {
                let problem = Problem::new(at..at + 1, "this brace was never opened");
                problems.push(problem.help("write }} for a brace"));
                at += 1;
            } else {
                let plain = rest.find(['{', '}']).unwrap_or(rest.len());
                text.push_str(rest.get(..plain).unwrap_or_default());
                at += plain;
            }
        }
        parts.push(Part::Text(text));
        if problems.is_empty() {
            Ok(Message { parts })
        } else {
            Err(problems)
        }
    }

    /// The message with its expressions filled in; `?` stands where one has no value.
    pub fn render(&self, session: &Session<'_>, here: Here<'_>, meter: &Arc<Meter>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expression(program) => match program.evaluate(session, here, meter, true, shown) {
                    Ok(text) => out.push_str(&text),
                    Err(_) => out.push('?'),
                },
            }
        }
        truncated(&out, LONGEST).into_owned()
    }
}

impl Program {
    /// What it looks at in `job`, `request` and `platform`, for people: `job.gpus is 4, job.flyte.domain is production`.
    pub fn saw(&self, session: &Session<'_>) -> String {
        let seen: Vec<String> = self
            .reads()
            .iter()
            .map(|path| format!("{path} is {{{path}}}"))
            .collect();
        Message::compile(&seen.join(", "), Place::When).map_or_else(
            |_| String::new(),
            |message| message.render(session, Here::Job, &Arc::new(Meter::default())),
        )
    }
}

/// The length of an expression up to the brace that closes it.
fn closing(inside: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (range, token) in lexical::tokens(inside) {
        match token {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(range.start),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A value for people.
fn shown(value: &dyn Val) -> Result<String, Failed> {
    if value.get_type().kind() != Kind::List {
        return scalar(value).ok_or_else(|| Failed::Error("it cannot be shown".to_owned()));
    }
    let mut texts = Vec::new();
    let mut items = value.as_iterable().map(|items| items.iter());
    while let Some(item) = items.as_mut().and_then(|items| items.next()) {
        if texts.len() == MOST_SHOWN {
            texts.push("…".to_owned());
            break;
        }
        texts.push(scalar(item).unwrap_or_else(|| "…".to_owned()));
    }
    Ok(texts.join(", "))
}

fn scalar(value: &dyn Val) -> Option<String> {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        let quoted = quoted(text.inner());
        let plain = quoted.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        return plain.map(str::to_owned);
    }
    if let Some(Amount(quantity)) = value.downcast_ref::<Amount>() {
        return Some(quantity.to_string());
    }
    if let Some(int) = value.downcast_ref::<CelInt>() {
        return Some(int.inner().to_string());
    }
    if let Some(uint) = value.downcast_ref::<CelUInt>() {
        return Some(uint.inner().to_string());
    }
    if let Some(double) = value.downcast_ref::<CelDouble>() {
        return Some(double.inner().to_string());
    }
    let boolean = value.downcast_ref::<CelBool>()?;
    Some(boolean.inner().to_string())
}
