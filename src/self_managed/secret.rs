//! The Secret in the cluster: read, created and replaced, and never taken from someone else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, PostParams};

use super::configurations::FIELD_MANAGER;
use super::kept::{Contents, Kept, Wanted};

/// The label that says whose Secret it is.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const NAME: &str = "app.kubernetes.io/name";
const RAYGATE: &str = "raygate";

/// Until when the certificates of former CAs may be in use.
const FORMER_UNTIL: &str = "raygate.dev/former-cas-until";

/// Why a Secret is left alone, if it is not raygate's: it has contents that raygate did not put there, or a controller
/// that would undo what raygate does. One without data, as a deployment tool may create it, is there to be filled.
pub(super) fn foreign(secret: &Secret) -> Option<&'static str> {
    let owners = secret.metadata.owner_references.as_deref().unwrap_or_default();
    if owners.iter().any(|owner| owner.controller == Some(true)) {
        return Some("another controller owns it");
    }
    let labelled = secret
        .metadata
        .labels
        .as_ref()
        .is_some_and(|labels| labels.get(MANAGED_BY).is_some_and(|by| by == RAYGATE));
    let empty = secret.data.as_ref().is_none_or(BTreeMap::is_empty);
    (!labelled && !empty).then_some("it holds data, and no label says that they are raygate's")
}

/// Reads what a Secret holds.
pub(super) fn read(secret: &Secret, wanted: &Wanted, now: i64) -> Result<Kept, String> {
    let annotations = secret.metadata.annotations.as_ref();
    let former_until = annotations
        .and_then(|all| all.get(FORMER_UNTIL))
        .and_then(|text| text.parse::<Timestamp>().ok())
        .map(Timestamp::as_second);
    let data = secret.data.as_ref();
    let get = |key: &str| data.and_then(|data| data.get(key)).map(|bytes| bytes.0.as_slice());
    Kept::read(get, former_until, wanted, now)
}

/// The same object with other contents. Keys, labels and annotations that are not raygate's stay, and so does the
/// version that was read, without which two replicas would overwrite each other.
fn filled(secret: Option<&Secret>, name: &str, contents: &Contents) -> Secret {
    let mut secret = secret.cloned().unwrap_or_else(|| Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    });
    let data = secret.data.get_or_insert_default();
    for (key, bytes) in &contents.data {
        data.insert((*key).to_owned(), ByteString(bytes.clone()));
    }
    let labels = secret.metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_BY.to_owned(), RAYGATE.to_owned());
    labels.entry(NAME.to_owned()).or_insert_with(|| RAYGATE.to_owned());
    let annotations = secret.metadata.annotations.get_or_insert_default();
    match contents
        .former_until
        .and_then(|until| Timestamp::from_second(until).ok())
    {
        Some(until) => annotations.insert(FORMER_UNTIL.to_owned(), until.to_string()),
        None => annotations.remove(FORMER_UNTIL),
    };
    secret
}

/// Creates the Secret, or replaces the one that was read. A conflict means that another replica was first.
pub(super) async fn write(
    api: &Api<Secret>,
    name: &str,
    read: Option<&Secret>,
    contents: &Contents,
) -> Result<Secret, kube::Error> {
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let secret = filled(read, name, contents);
    match read {
        None => api.create(&params, &secret).await,
        Some(_) => api.replace(name, &params, &secret).await,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

    use super::*;

    fn contents() -> Contents {
        Contents {
            data: BTreeMap::from([("tls.crt", b"new".to_vec())]),
            former_until: None,
            made: &["serving"],
        }
    }

    #[test]
    fn what_someone_else_put_there_is_left_alone() {
        let empty = Secret::default();
        assert_eq!(foreign(&empty), None, "an empty Secret is there to be filled");
        let ours = filled(None, "certificates", &contents());
        assert_eq!(foreign(&ours), None);
        let mut unlabelled = ours.clone();
        unlabelled.metadata.labels = None;
        assert!(foreign(&unlabelled).is_some());
        let mut owned = ours;
        owned.metadata.owner_references = Some(vec![OwnerReference {
            controller: Some(true),
            ..OwnerReference::default()
        }]);
        assert!(foreign(&owned).is_some());
    }

    #[test]
    fn what_is_not_raygates_survives_a_write() {
        let mut read = filled(None, "certificates", &contents());
        read.metadata.resource_version = Some("7".to_owned());
        let data = read.data.get_or_insert_default();
        data.insert("notes".to_owned(), ByteString(b"keep".to_vec()));
        data.insert("tls.crt".to_owned(), ByteString(b"old".to_vec()));
        let annotations = read.metadata.annotations.get_or_insert_default();
        annotations.insert(FORMER_UNTIL.to_owned(), "2026-01-01T00:00:00Z".to_owned());
        annotations.insert("team".to_owned(), "ml".to_owned());
        let written = filled(Some(&read), "certificates", &contents());
        let data = written.data.unwrap();
        assert_eq!(data["notes"].0, b"keep");
        assert_eq!(data["tls.crt"].0, b"new");
        assert_eq!(written.metadata.resource_version.as_deref(), Some("7"));
        let annotations = written.metadata.annotations.unwrap();
        assert_eq!(annotations.keys().collect::<Vec<_>>(), ["team"]);
    }
}
