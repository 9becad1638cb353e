//! What policy files say of the platform, for the objects in the cluster that follow from it.

use serde_json::Value;

use crate::diag::Sources;
use crate::yaml::{self, Limits, Reading};

/// The documents of the kind Platform in these policy files. What is unreadable is left out: whoever loads the policies
/// reports mistakes.
pub(super) fn platforms<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Vec<Value> {
    let documents = texts.into_iter().flat_map(|text| {
        let (_, documents, _) = yaml::read(
            &mut Sources::new(),
            "policies",
            text,
            Reading::Cautious,
            &Limits::policies(),
        );
        documents.iter().map(yaml::Node::to_json).collect::<Vec<_>>()
    });
    documents.filter(|document| document["kind"] == "Platform").collect()
}
