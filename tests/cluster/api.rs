//! The API server as a client of it sees it: requests in, status codes, bodies and warnings out.

use std::fmt;
use std::path::Path;

use http_body_util::BodyExt;
use hyper::{Method, Request};
use kube::client::Body;
use serde_json::Value;
use tokio::runtime::Runtime;

/// A client of the API server, with the rights of its user.
pub(crate) struct Api {
    client: kube::Client,
    pub(crate) runtime: Runtime,
}

/// Whether an applied document is stored, or only parsed, admitted and returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApplyYaml {
    Store,
    DryRun,
}

/// What the API server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    /// The texts of the `Warning` headers that admission has left.
    pub(crate) warnings: Vec<String>,
    /// The object, or a `Status`; a string where it is not JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// The body, if the answer has this code; panics otherwise.
    #[track_caller]
    pub(crate) fn expect(self, code: u16) -> Value {
        assert_eq!(self.code, code, "{self}");
        self.body
    }

    /// The text of a `Status`.
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The reason of a `Status`.
    pub(crate) fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }
}

/// A `Status` in full, and of an object only which one it is.
impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.body["kind"], &self.body["metadata"]["name"]) {
            (Value::String(kind), Value::String(name)) if kind != "Status" => {
                write!(formatter, "{} {kind} {name}", self.code)
            }
            _ => write!(formatter, "{} {:#}", self.code, self.body),
        }?;
        write!(formatter, ", warnings {:?}", self.warnings)
    }
}

impl Api {
    pub(crate) fn new(runtime: Runtime, port: u16, certificate: &Path, token: &str) -> Self {
        Self::with(runtime, port, certificate, |config| {
            config.auth_info.token = Some(token.to_owned().into());
        })
    }

    /// A client with the rights that `authenticate` brings.
    pub(crate) fn with(
        runtime: Runtime,
        port: u16,
        certificate: &Path,
        authenticate: impl FnOnce(&mut kube::Config),
    ) -> Self {
        let server = format!("https://127.0.0.1:{port}").parse().expect("a loopback URL");
        let mut config = kube::Config::new(server);
        config.root_cert_file = Some(certificate.to_owned());
        authenticate(&mut config);
        // The tests look at the answers that a retry would hide.
        config.default_retry = false;
        let entered = runtime.enter();
        let client = kube::Client::try_from(config).expect("make a client");
        drop(entered);
        Self { client, runtime }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, String::new())
    }

    /// As [`Api::get`], but an error where the server cannot be reached.
    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, kube::Error> {
        self.try_send(Method::GET, path, None, String::new())
    }

    pub(crate) fn post(&self, path: &str, object: &Value) -> Answer {
        self.send(Method::POST, path, Some("application/json"), object.to_string())
    }

    pub(crate) fn put(&self, path: &str, object: &Value) -> Answer {
        self.send(Method::PUT, path, Some("application/json"), object.to_string())
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, String::new())
    }

    pub(crate) fn merge_patch(&self, path: &str, patch: &Value) -> Answer {
        self.send(
            Method::PATCH,
            path,
            Some("application/merge-patch+json"),
            patch.to_string(),
        )
    }

    pub(crate) fn json_patch(&self, path: &str, patch: &Value) -> Answer {
        self.send(
            Method::PATCH,
            path,
            Some("application/json-patch+json"),
            patch.to_string(),
        )
    }

    /// Server-side apply, or an error where the server cannot be reached.
    pub(crate) fn try_apply(&self, path: &str, object: &Value) -> Result<Answer, kube::Error> {
        let path = format!("{path}?fieldManager=cluster-tests");
        let content_type = "application/apply-patch+yaml";
        self.try_send(Method::PATCH, &path, Some(content_type), object.to_string())
    }

    /// As [`Api::delete`], but an error where the server cannot be reached.
    pub(crate) fn try_delete(&self, path: &str) -> Result<Answer, kube::Error> {
        self.try_send(Method::DELETE, path, None, String::new())
    }

    /// As [`Api::merge_patch`], but an error where the server cannot be reached.
    pub(crate) fn try_merge_patch(&self, path: &str, patch: &Value) -> Result<Answer, kube::Error> {
        self.try_send(
            Method::PATCH,
            path,
            Some("application/merge-patch+json"),
            patch.to_string(),
        )
    }

    /// Server-side apply of a YAML document (or of JSON, which is YAML), as `kubectl apply --server-side` sends it. A dry
    /// run refuses fields that are unknown or there twice.
    pub(crate) fn apply_yaml(&self, path: &str, yaml: &str, mode: ApplyYaml) -> Answer {
        let dry_run = if mode == ApplyYaml::DryRun {
            "&dryRun=All&fieldValidation=Strict"
        } else {
            ""
        };
        let path = format!("{path}?fieldManager=cluster-tests{dry_run}");
        self.send(
            Method::PATCH,
            &path,
            Some("application/apply-patch+yaml"),
            yaml.to_owned(),
        )
    }

    #[track_caller]
    fn send(&self, method: Method, path: &str, content_type: Option<&str>, body: String) -> Answer {
        self.try_send(method.clone(), path, content_type, body)
            .unwrap_or_else(|error| panic!("{method} {path} got no answer: {error}"))
    }

    fn try_send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: String,
    ) -> Result<Answer, kube::Error> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let request = request
            .body(Body::from(body.into_bytes()))
            .expect("a well-formed request");
        self.runtime.block_on(async {
            let response = self.client.send(request).await?;
            let code = response.status().as_u16();
            let warnings = response.headers().get_all("warning").iter();
            let warnings = warnings
                .map(|value| warning_text(&String::from_utf8_lossy(value.as_bytes())))
                .collect();
            let bytes = response.into_body().collect().await?.to_bytes();
            let body = serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
            Ok(Answer { code, warnings, body })
        })
    }
}

/// The text within a header like `299 - "text with \"quotes\""`.
fn warning_text(header: &str) -> String {
    let quoted = header
        .split_once('"')
        .map_or(header, |(_, rest)| rest.strip_suffix('"').unwrap_or(rest));
    quoted.replace("\\\"", "\"").replace("\\\\", "\\")
}
