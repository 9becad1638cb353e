//! One-click repairs: the edits of one check alone, whatever the policies do with its findings.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::bundle::known;
use crate::engine::{Bundle, How, Operation, Request, admit};
use crate::input::request::Requests;
use crate::input::{self, InputError, Piece, asked::Found};
use crate::play::Wrong;
use crate::policy::load::{Source, load};
use crate::rules::{APPLIED_ANNOTATION, check};

use super::state::{OBJECT, State};

/// Answers `repair`: the JSON Patch that repairs what the check `code` finds in the object at `index`.
///
/// # Errors
/// [`Wrong`] if there is no such check or object, or the check cannot repair.
pub(super) fn answer(state: &State, input: &Value) -> Result<Value, Wrong> {
    let code = input.get("code").and_then(Value::as_str).unwrap_or_default();
    let index = input.get("index").and_then(Value::as_u64).unwrap_or_default();
    if !check::find(code).is_some_and(|check| check.fixes) {
        return Err(Wrong::Input(format!("{code:?} is no check that repairs")));
    }
    let now = state.now()?;
    let bundle = alone(code, &state.bundle(&state.load())?);
    let facts = state.read_facts().0;
    let (overrides, ..) = state.overrides();
    let mut requests = Requests::new(overrides, None).map_err(|error| Wrong::Input(error.to_string()))?;
    let (mut position, mut patch) = (0, None);
    let _: Result<(), InputError> = input::read_text(OBJECT, &state.object, &Default::default(), &mut |_, piece| {
        if let Piece::Document(_, node) = piece
            && let Found::Asked(asked) = requests.of(node)?
        {
            if position == index {
                let (request, _) = asked.request(&bundle, now);
                // On an update what is stored would be kept, and this is about the text.
                let request = Request {
                    facts: Arc::clone(&facts),
                    operation: Operation::Create,
                    old: None,
                    ..request
                };
                let outcome = admit(&bundle, request, How::Enforced);
                patch = serde_json::to_value(outcome.document.patch()).ok();
            }
            position += 1;
        }
        Ok(())
    });
    let patch = patch.ok_or_else(|| Wrong::Input("there is no such object".to_owned()))?;
    let operations = patch.as_array().cloned().unwrap_or_default();
    let own: Vec<Value> = operations.into_iter().filter(|one| !is_record(one)).collect();
    Ok(json!({"patch": own}))
}

/// The policies that repair the findings of one check and do nothing else, for the same Platform but without accelerators,
/// which would be completed.
fn alone(code: &str, bundle: &Bundle) -> Bundle {
    let mut text = String::from(
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: repair}\nspec:\n  match: {}\n  actions:\n",
    );
    for check in check::all().filter(|check| check.fixes) {
        let action = if check.code == code { "Fix" } else { "Warn" };
        let _ = writeln!(text, "    {}: {action}", check.code);
    }
    let mut set = load(&[Source::new("repair", &text)], &known()).set;
    set.platform = bundle.platform().clone();
    set.platform.accelerators.clear();
    Bundle::new(set)
}

/// Whether an operation writes the record of what `/mutate` did, or the annotations that hold nothing else.
fn is_record(operation: &Value) -> bool {
    let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
    let escaped = APPLIED_ANNOTATION.replace('/', "~1");
    path.ends_with(&escaped)
        || operation
            .pointer("/value")
            .and_then(Value::as_object)
            .is_some_and(|value| path == "/metadata/annotations" && value.keys().all(|key| key == APPLIED_ANNOTATION))
}
