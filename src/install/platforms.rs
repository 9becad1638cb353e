//! What policy files say of the platform, for the objects in the cluster that follow from it.

use serde_json::Value;

use crate::diag::Sources;
use crate::ray::KubeRay;
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

/// The release of KubeRay that the Platform of these policy files names.
pub fn named_kuberay<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Option<KubeRay> {
    let platforms = platforms(texts);
    let named = platforms
        .iter()
        .find_map(|platform| platform.pointer("/spec/kuberay/version")?.as_str());
    named?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_names_the_release() {
        let of = |text: &str| named_kuberay([text.as_bytes()]);
        assert_eq!(
            of("kind: Platform\nspec: {kuberay: {version: '1.6'}}\n"),
            Some(KubeRay::V1_6)
        );
        assert_eq!(of("kind: RayPolicy\nspec: {kuberay: {version: '1.6'}}\n"), None);
        assert_eq!(of("kind: Platform\nspec: {kuberay: {version: new}}\n"), None);
    }
}
