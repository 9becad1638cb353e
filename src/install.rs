//! The Kubernetes objects that a cluster needs, as `deploy/` writes them, with other names and a CA filled in.
//!
//! `deploy/*.yaml` is the only place where these objects are written down. The files are part of the binary, and what
//! differs from one cluster to the next is replaced in their text, so that comments stay and the order of keys is that of
//! the files.

mod values;

use crate::certs::{CaBundle, DnsLabel};

pub use values::{BaseUrl, ImageName, ValueError};

/// The namespace in `deploy/`.
pub const NAMESPACE: &str = "raygate-system";

/// The name of the Service in `deploy/`.
pub const SERVICE: &str = "raygate";

/// The image in `deploy/`: this version of raygate.
pub const IMAGE: &str = concat!("raygate:", env!("CARGO_PKG_VERSION"));

/// The replicas in `deploy/`: one may be away while the other answers.
pub const REPLICAS: u32 = 2;

const NAMESPACE_FILE: &str = include_str!("../deploy/namespace.yaml");

/// The files of `deploy/` that run raygate inside its namespace, in the order of `kustomization.yaml`.
const SERVER_FILES: [&str; 5] = [
    include_str!("../deploy/serviceaccount.yaml"),
    include_str!("../deploy/networkpolicy.yaml"),
    include_str!("../deploy/service.yaml"),
    include_str!("../deploy/pdb.yaml"),
    include_str!("../deploy/deployment.yaml"),
];

const WEBHOOKS_FILE: &str = include_str!("../deploy/webhooks.yaml");

/// What runs in the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// The namespace of all objects.
    pub namespace: &'a DnsLabel,
    /// The name of the Service.
    pub service: &'a DnsLabel,
    /// The image of the Deployment.
    pub image: &'a ImageName,
    /// The replicas of the Deployment.
    pub replicas: u32,
    /// The policy files, each with its name and its text.
    pub policies: &'a [(&'a str, &'a str)],
}

/// How the API server finds raygate.
#[derive(Clone, Copy, Debug)]
pub struct Webhooks<'a> {
    /// The namespace of raygate, whose own objects never come to it.
    pub namespace: &'a DnsLabel,
    /// Where raygate listens.
    pub target: Target<'a>,
    /// The CA of its serving certificate.
    pub ca: &'a CaBundle,
}

/// Where the API server reaches raygate.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A Service in raygate's namespace, on port 443.
    Service(&'a DnsLabel),
    /// A server that need not be in the cluster.
    Url(&'a BaseUrl),
}

/// Everything but the webhook configurations and the Secret with the certificate, as YAML documents.
pub fn server(server: &Server<'_>) -> String {
    let fill = |file: &str| {
        body(file)
            .replace(NAMESPACE, &quoted(server.namespace.as_str()))
            .replace(&service_head(SERVICE), &service_head(&quoted(server.service.as_str())))
            .replace(
                &format!("image: {IMAGE}\n"),
                &format!("image: {}\n", quoted(server.image.as_str())),
            )
            .replace(
                &format!("replicas: {REPLICAS}\n"),
                &format!("replicas: {}\n", server.replicas),
            )
    };
    let mut documents = vec![fill(NAMESPACE_FILE), config_map(server.namespace, server.policies)];
    documents.extend(SERVER_FILES.map(fill));
    documents.join("---\n")
}

/// The two webhook configurations as YAML documents.
pub fn webhooks(webhooks: &Webhooks<'_>) -> String {
    let namespace = quoted(webhooks.namespace.as_str());
    ["mutate", "validate"]
        .iter()
        .fold(body(WEBHOOKS_FILE).replace(NAMESPACE, &namespace), |text, path| {
            let target = match webhooks.target {
                Target::Service(name) => service_reference(&namespace, &quoted(name.as_str()), path),
                Target::Url(url) => format!("      url: {}\n", quoted(&format!("{url}/{path}"))),
            };
            let filled = format!("{target}      caBundle: {}\n", webhooks.ca.base64());
            text.replace(&service_reference(&namespace, SERVICE, path), &filled)
        })
}

/// The policies as the ConfigMap that `policies/kustomization.yaml` describes.
fn config_map(namespace: &DnsLabel, policies: &[(&str, &str)]) -> String {
    let head = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: raygate-policies\n  namespace: {}\n  labels:\n    \
         app.kubernetes.io/name: raygate\ndata:\n",
        quoted(namespace.as_str())
    );
    policies.iter().fold(head, |yaml, (name, text)| {
        yaml + &format!("  {}: {}\n", quoted(name), literal(text))
    })
}

/// A text as a literal block where that keeps every byte of it, so that a person can read it, and quoted elsewhere.
fn literal(text: &str) -> String {
    let plain = text.chars().all(|c| c == '\n' || is_printable(c)) && !text.starts_with([' ', '\n']);
    match text.strip_suffix('\n') {
        Some(lines) if plain && !lines.is_empty() && !lines.ends_with('\n') => {
            lines.lines().fold("|".to_owned(), |block, line| {
                let indent = if line.is_empty() { "" } else { "    " };
                block + "\n" + indent + line
            })
        }
        _ => quoted(text),
    }
}

/// A string in double quotes, which is a string whatever is in it: `true` and `1e3` are legal names too.
fn quoted(text: &str) -> String {
    // JSON leaves characters as they are that YAML forbids or takes for the end of a line.
    let json = serde_json::Value::from(text).to_string();
    json.chars().fold(String::new(), |yaml, c| {
        if is_printable(c) {
            yaml + c.encode_utf8(&mut [0; 4])
        } else {
            yaml + &format!("\\U{:08x}", u32::from(c))
        }
    })
}

/// Whether YAML, of version 1.1 or 1.2, reads a character as itself.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn service_head(name: &str) -> String {
    format!("kind: Service\nmetadata:\n  name: {name}\n")
}

fn service_reference(namespace: &str, name: &str, path: &str) -> String {
    format!(
        "      service:\n        namespace: {namespace}\n        name: {name}\n        path: /{path}\n        port: 443\n"
    )
}

/// The file without the comment at its head, which speaks of the file.
fn body(file: &str) -> &str {
    file.find("apiVersion:")
        .and_then(|start| file.get(start..))
        .unwrap_or(file)
}
