//! "Save as test case": what the page holds as a file of `raygate test`, with the outcome of now.

use serde_json::{Map, Value, json};

use crate::input::{self, InputError, Piece};
use crate::play::Wrong;
use crate::policy::load::Source;
use crate::suite::{Suite, bless, run};
use crate::yaml;

use super::state::{OBJECT, OLD, State};

/// The name of the file in diagnostics.
const FILE: &str = "play.test.yaml";

/// Answers `test-case`: the text of the file, for the first object.
///
/// # Errors
/// [`Wrong`] if there is no object, or the policies or facts are broken.
pub(super) fn answer(state: &State, name: &str) -> Result<Value, Wrong> {
    let loaded = state.load();
    if !loaded.is_usable() {
        return Err(Wrong::Input(
            "the policies have errors: a test needs policies that load".to_owned(),
        ));
    }
    let bundle = state.bundle(&loaded)?;
    let mut case = Map::new();
    let name = Some(name.trim()).filter(|name| !name.is_empty());
    case.insert("name".into(), name.unwrap_or("a case from raygate play").into());
    case.insert("object".into(), first(OBJECT, &state.object)?);
    let mut request = Map::new();
    // A case is about a day.
    let day = state.date.split(['T', 't']).next().unwrap_or_default();
    for (key, text) in [("user", &*state.user), ("namespace", &*state.namespace), ("at", day)] {
        if !text.is_empty() {
            request.insert(key.into(), text.into());
        }
    }
    if state.is_update() {
        request.insert("operation".into(), state.operation.as_str().into());
        request.insert("old".into(), json!({"object": first(OLD, &state.old)?}));
    }
    if !request.is_empty() {
        case.insert("request".into(), request.into());
    }
    if !state.facts.trim().is_empty() {
        case.insert("facts".into(), kinds(state)?);
    }
    // Blessing fills in what is empty.
    case.insert(
        "want".into(),
        json!({"verdict": "Allow", "findings": [], "changes": {}}),
    );
    let text = ordered(&case);
    let suite = Suite::load(&[Source::new(FILE, &text)], &|_| {
        Err("a case of the page names no file".to_owned())
    });
    let Some((file, case)) = suite.files.iter().find_map(|file| Some((file, file.cases.first()?))) else {
        let wrong = suite
            .files
            .iter()
            .flat_map(|file| &file.diagnostics)
            .find(|one| one.is_error());
        let why = wrong.map_or_else(String::new, |one| one.concise(&suite.sources));
        return Err(Wrong::Input(format!("this is no case: {why}")));
    };
    let text = bless::blessed(file, &[(case, run::run(case, &bundle))], &suite.sources).map_err(Wrong::Input)?;
    Ok(json!({"text": text}))
}

/// The case as YAML, its keys as people read them.
fn ordered(case: &Map<String, Value>) -> String {
    let keys = ["name", "object", "request", "facts", "want"];
    let parts = keys
        .iter()
        .filter_map(|key| Some(yaml::emit(&json!({*key: case.get(*key)?}))));
    parts.collect()
}

/// The first document of a text.
fn first(name: &str, text: &str) -> Result<Value, Wrong> {
    let mut first: Option<Result<Value, Wrong>> = None;
    let _: Result<(), InputError> = input::read_text(name, text, &Default::default(), &mut |sources, piece| {
        match piece {
            Piece::Document(_, node) => {
                first.get_or_insert_with(|| Ok(node.to_json()));
            }
            Piece::Unreadable(diagnostic) => {
                first.get_or_insert_with(|| Err(Wrong::Input(diagnostic.concise(sources))));
            }
            Piece::Remark(_) => {}
        }
        Ok(())
    });
    first.unwrap_or_else(|| Err(Wrong::Input(format!("the {name} is empty"))))
}

/// What the facts have below `kinds`.
fn kinds(state: &State) -> Result<Value, Wrong> {
    let (facts, sources, diagnostics) = state.read_facts();
    if let Some(error) = diagnostics.first() {
        return Err(Wrong::Input(error.concise(&sources)));
    }
    let kinds = facts.document().get("kinds").cloned();
    kinds.ok_or_else(|| Wrong::Input("the facts name no kind".to_owned()))
}
