//! Objects of the cluster, as the checks want them.

use kube::Client;
use serde_json::Value;

use crate::cluster::objects::Pages;

/// The namespace and name of the Service that a configuration calls; none where it calls a URL.
pub(super) fn service(configuration: &Value) -> Option<(&str, &str)> {
    let service = configuration.pointer("/webhooks/0/clientConfig/service")?;
    Some((service.get("namespace")?.as_str()?, service.get("name")?.as_str()?))
}

/// The objects of a list, which do not say themselves of what kind they are.
pub(super) async fn list(client: &Client, path: &str, kind: &str) -> Result<Vec<Value>, kube::Error> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("&{query}")
    };
    let mut pages = Pages::of(client, path, &query);
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await? {
        for mut object in page.items {
            if let Some(object) = object.as_object_mut() {
                object.insert("kind".to_owned(), kind.into());
            }
            objects.push(object);
        }
    }
    Ok(objects)
}
