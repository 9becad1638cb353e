//! The largest object that is judged.

use crate::diag::CodePage;
use crate::json::{Json, View};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::rules::Finding;

use super::judged::{Finder, Judged};

/// The most JSON values (maps, lists, strings, numbers, booleans and nulls) of one object, `metadata.managedFields` left
/// out. It bounds the time and the memory of a review: a tree takes at most eight times its text, but a value of a few bytes
/// can cause edits, findings and messages.
///
/// A worker group of an ordinary Flyte job has 132 values, and 168 once `/mutate` has completed it, so about 115 of them
/// fit. The object and the old object are counted separately, because a job that can be created must be updatable.
///
/// What a review with 20,000 values allocates with the shipped policies (`tests/review_memory.rs`):
/// - 1 MiB where they are maps of one entry each, or tolerations;
/// - 57 MiB where they are worker groups of five values each, the most of 30 shapes that were measured: `/mutate` and
///   `/validate` complete each of these groups.
pub const MOST_VALUES: usize = 20_000;

/// A denial of an object with more values than [`MOST_VALUES`].
pub const TOO_MANY_VALUES: CodePage = CodePage {
    code: "RG001",
    title: "A Ray object must have at most 20,000 JSON values",
    text: "The object, or its state before an update, has more than 20,000 JSON values. Every map, list, string, number, boolean and \
           null counts as one; `metadata.managedFields` does not count. The limit bounds raygate's memory. `/validate` and \
           `raygate check` reject the object; `/mutate` admits it unchanged with a warning.\n\n\
           A worker group usually has about 170 values. Use fewer worker groups with more replicas, and shorter lists of \
           environment variables, volumes and annotations.",
};

/// Whether an object, read without its `metadata.managedFields`, has more than [`MOST_VALUES`] values.
pub fn has_too_many_values(object: Json<'_>) -> bool {
    let mut count = 0;
    let mut open = vec![object];
    while let Some(value) = open.pop() {
        count += 1;
        if count > MOST_VALUES {
            return true;
        }
        match value.view() {
            View::Array(array) => open.extend(array),
            View::Object(object) => open.extend(object.values()),
            _ => {}
        }
    }
    false
}

/// What is said of an object of this kind that has more values than raygate reads.
pub fn too_many_values(kind: &str) -> Judged {
    let message = format!(
        "{kind} has more than {},{:03} JSON values, which exceeds raygate's limit. Use fewer worker groups or shorter lists",
        MOST_VALUES / 1000,
        MOST_VALUES % 1000
    );
    Judged {
        finder: Finder::Server(&TOO_MANY_VALUES),
        finding: Finding::new(Path::default(), message),
        action: Action::Deny,
        origin: None,
        exemption: None,
        more: 0,
    }
}
