//! raygate's own two webhook configurations: read, compared, and given their `caBundle`. Nothing else in them is ever
//! written.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use json_patch::{Patch as JsonPatch, PatchOperation};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

/// Who wrote a field, in the managed fields of an object.
pub(super) const FIELD_MANAGER: &str = "raygate";

/// One of the two.
pub(super) struct Configuration {
    api: Api<DynamicObject>,
    /// Its kind in metrics, and in the names of objects in metrics.
    pub(super) label: &'static str,
    /// Its kind and name for people.
    pub(super) title: String,
    name: String,
    /// As `raygate manifests` prints it.
    pub(super) expected: Value,
}

/// Both, the mutating one first. `expected` are in the same order.
pub(super) fn both(client: &Client, name: &str, expected: Vec<Value>) -> Vec<Configuration> {
    let kinds = [
        ("mutating", ApiResource::erase::<MutatingWebhookConfiguration>(&())),
        ("validating", ApiResource::erase::<ValidatingWebhookConfiguration>(&())),
    ];
    kinds
        .into_iter()
        .zip(expected)
        .map(|((label, resource), expected)| Configuration {
            api: Api::all_with(client.clone(), &resource),
            label,
            title: format!("{} {name}", resource.kind),
            name: name.to_owned(),
            expected,
        })
        .collect()
}

impl Configuration {
    /// As it is in the cluster; `None` where it does not exist.
    pub(super) async fn get(&self) -> Result<Option<DynamicObject>, kube::Error> {
        self.api.get_opt(&self.name).await
    }

    /// Writes the `caBundle` (PEM) where it is another one. `None`: nothing had to be written.
    pub(super) async fn write(
        &self,
        found: &DynamicObject,
        bundle: &str,
    ) -> Result<Option<DynamicObject>, kube::Error> {
        let version = found.metadata.resource_version.as_deref().unwrap_or_default();
        let Some(patch) = bundle_patch(&self.expected, &found.data, version, bundle) else {
            return Ok(None);
        };
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patched = self.api.patch(&self.name, &params, &Patch::Json::<()>(patch)).await?;
        Ok(Some(patched))
    }

    /// The `caBundle` of each of raygate's webhooks that the configuration holds, as PEM.
    pub(super) fn bundles(&self, found: &DynamicObject) -> Vec<Vec<u8>> {
        own(&self.expected, &found.data)
            .map(|(_, webhook)| BASE64_STANDARD.decode(ca_bundle(webhook)).unwrap_or_default())
            .collect()
    }
}

/// The webhooks of a configuration that are raygate's, by name, each with its place in the list.
fn own<'a>(expected: &'a Value, found: &'a Value) -> impl Iterator<Item = (usize, &'a Value)> {
    let list = |value: &'a Value| value.get("webhooks").and_then(Value::as_array).into_iter().flatten();
    list(found).enumerate().filter(move |(_, webhook)| {
        let name = webhook.get("name");
        name.is_some() && list(expected).any(|own| own.get("name") == name)
    })
}

fn ca_bundle(webhook: &Value) -> &str {
    webhook
        .pointer("/clientConfig/caBundle")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The patch that gives raygate's webhooks their bundle. It holds for the version that was read only: the Secret was read
/// after it, so that no replica can put an older bundle over a newer one.
fn bundle_patch(expected: &Value, found: &Value, version: &str, bundle: &str) -> Option<JsonPatch> {
    let bundle = BASE64_STANDARD.encode(bundle);
    let outdated: Vec<_> = own(expected, found)
        .filter(|(_, webhook)| ca_bundle(webhook) != bundle)
        .collect();
    if outdated.is_empty() {
        return None;
    }
    let mut operations = vec![json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version})];
    for (at, webhook) in outdated {
        let path = format!("/webhooks/{at}");
        operations.push(json!({"op": "test", "path": format!("{path}/name"), "value": webhook.get("name")}));
        operations.push(json!({"op": "add", "path": format!("{path}/clientConfig/caBundle"), "value": bundle}));
    }
    let operations: Result<Vec<PatchOperation>, _> = operations.into_iter().map(serde_json::from_value).collect();
    operations.ok().map(JsonPatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(webhooks: &Value) -> Value {
        json!({"webhooks": webhooks})
    }

    #[test]
    fn only_raygates_own_webhooks_get_the_bundle() {
        let expected = configuration(&json!([{"name": "ours"}]));
        let mut found = configuration(&json!([
            {"name": "theirs", "clientConfig": {"url": "https://a"}},
            {"name": "ours", "clientConfig": {"url": "https://b"}, "failurePolicy": "Ignore"},
        ]));
        found["metadata"] = json!({"resourceVersion": "1"});
        let mut patched = found.clone();
        json_patch::patch(&mut patched, &bundle_patch(&expected, &found, "1", "PEM").unwrap()).unwrap();
        let mut wanted = found.clone();
        wanted["webhooks"][1]["clientConfig"]["caBundle"] = json!("UEVN");
        assert_eq!(patched, wanted);
        assert!(
            bundle_patch(&expected, &patched, "1", "PEM").is_none(),
            "nothing left to write"
        );
    }

    #[test]
    fn the_patch_holds_for_the_list_that_was_read() {
        let expected = configuration(&json!([{"name": "ours"}]));
        let found = configuration(&json!([{"name": "ours", "clientConfig": {}}]));
        let patch = bundle_patch(&expected, &found, "1", "PEM").unwrap();
        let mut moved = configuration(&json!([{"name": "theirs", "clientConfig": {}}]));
        moved["metadata"] = json!({"resourceVersion": "1"});
        assert!(json_patch::patch(&mut moved, &patch).is_err());
    }

    #[test]
    fn nonsense_gives_no_patch() {
        let expected = configuration(&json!([{"name": "ours"}]));
        for found in [
            json!({}),
            json!({"webhooks": 1}),
            json!({"webhooks": [null, {"name": 1}, {}]}),
        ] {
            assert!(bundle_patch(&expected, &found, "1", "PEM").is_none(), "{found}");
        }
    }
}
