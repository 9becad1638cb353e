//! Objects of the API server as JSON, by their paths: unknown fields survive, as in a review.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use hyper::Request;
use kube::Client;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::time::sleep;

use super::Cause;

/// How many objects a page holds. One takes some 15 KB, and pages are held in memory one at a time.
const PAGE: usize = 100;

/// The pauses, in seconds, before a page is asked for again that the API server had too much to do for. It asks for one of a second.
const THROTTLED_PAUSES: [u64; 4] = [1, 2, 4, 8];

/// Reads an object; `None` where there is none of that name, or no such API.
///
/// # Errors
/// What the API server answers instead.
pub async fn get(client: &Client, path: &str) -> Result<Option<Value>, kube::Error> {
    match client.request(request("GET", path, Vec::new())?).await {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Posts an object, and returns it as the API server has made it.
///
/// # Errors
/// What the API server answers instead.
pub async fn post(client: &Client, path: &str, object: &Value) -> Result<Value, kube::Error> {
    let body = object.to_string().into_bytes();
    client.request(request("POST", path, body)?).await
}

/// Reads a text, such as what a pod answers through the API server.
///
/// # Errors
/// What the API server answers instead.
pub async fn text(client: &Client, path: &str) -> Result<String, kube::Error> {
    client.request_text(request("GET", path, Vec::new())?).await
}

/// The header `Date` of the API server's answers, as it writes it.
///
/// # Errors
/// When there is no answer.
pub async fn date(client: &Client) -> Result<Option<String>, kube::Error> {
    let request = request("GET", "/version", Vec::new())?.map(kube::client::Body::from);
    let response = client.send(request).await?;
    let date = response.headers().get(hyper::header::DATE);
    Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
}

/// A watch of the objects of a list.
pub struct Watch(Pin<Box<dyn Stream<Item = Result<WatchEvent<Value>, kube::Error>> + Send>>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<WatchEvent<Value>, kube::Error>> {
        self.0.next().await
    }
}

/// Watches the list at a path for so long, from a version of it on; `query` selects among its objects and may be empty. The
/// last event is a bookmark where the API server sends one.
///
/// # Errors
/// What the API server answers instead.
pub async fn watch(
    client: &Client,
    path: &str,
    query: &str,
    version: &str,
    lasts: Duration,
) -> Result<Watch, kube::Error> {
    let seconds = lasts.as_secs();
    let path =
        format!("{path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={version}{query}");
    let events = client.request_events(request("GET", &path, Vec::new())?).await?;
    Ok(Watch(Box::pin(events)))
}

/// A list, read page by page.
pub struct Pages<'c> {
    client: &'c Client,
    path: String,
    next: Option<String>,
}

impl fmt::Debug for Pages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// The objects.
    pub items: Vec<Value>,
    /// How many are left for the pages that follow, where the API server says so: it does not where a query selects.
    pub left: Option<u64>,
    /// The version of the list, from which a watch goes on; empty where the API server gives none.
    pub version: String,
}

impl<'c> Pages<'c> {
    /// The list at a path, such as `/apis/ray.io/v1/rayjobs`; `query` selects among its objects and may be empty.
    pub fn of(client: &'c Client, path: &str, query: &str) -> Pages<'c> {
        Pages {
            client,
            path: format!("{path}?limit={PAGE}{query}"),
            next: Some(String::new()),
        }
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// What the API server answers instead, 410 among it where the list has become too old to go on with.
    pub async fn next(&mut self) -> Result<Option<Page>, kube::Error> {
        let Some(token) = self.next.take() else { return Ok(None) };
        let path = if token.is_empty() {
            self.path.clone()
        } else {
            format!("{}&continue={token}", self.path)
        };
        let mut list = self.list(&path).await?;
        let metadata = list.get("metadata");
        self.next = metadata
            .and_then(|metadata| metadata.get("continue")?.as_str())
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        let left = match self.next {
            Some(_) => metadata.and_then(|metadata| metadata.get("remainingItemCount")?.as_u64()),
            None => Some(0),
        };
        let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let version = version.unwrap_or_default().to_owned();
        let items = match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        Ok(Some(Page { items, left, version }))
    }

    async fn list(&self, path: &str) -> Result<Value, kube::Error> {
        for pause in THROTTLED_PAUSES {
            match self.client.request(request("GET", path, Vec::new())?).await {
                Err(error) if Cause::of(&error) == Cause::Throttled => sleep(Duration::from_secs(pause)).await,
                list => return list,
            }
        }
        self.client.request(request("GET", path, Vec::new())?).await
    }
}

fn request(method: &str, path: &str, body: Vec<u8>) -> Result<Request<Vec<u8>>, kube::Error> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body)
        .map_err(kube::Error::HttpError)
}
