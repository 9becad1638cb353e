//! The floors: raygate's own server, with its log and metrics, around a handler that does next to nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use raygate::admission::{Answer, Endpoint, Record};
use raygate::metrics::Metrics;
use raygate::server::{CertificateSource, Limits, Options, PairFiles, Reviewer, Server};
use raygate::telemetry::{self, Format};

/// The first argument of a process that is a floor. The others: which, the certificate's folder, both addresses.
pub(crate) const FLAG: &str = "--floor";

enum Floor {
    /// Answers a constant.
    Null,
    /// Parses the body, and answers a constant.
    Parse,
    /// Answers `/mutate` with this patch, in base64.
    Patch(String),
}

impl Reviewer for Floor {
    fn answer(&self, endpoint: Endpoint, body: &[u8]) -> Answer {
        if let Floor::Parse = self {
            let parsed: serde_json::Value = serde_json::from_slice(body).expect("a review in JSON");
            std::hint::black_box(parsed);
        }
        let patch = match (self, endpoint) {
            (Floor::Patch(patch), Endpoint::Mutate) => format!(r#","patchType":"JSONPatch","patch":"{patch}""#),
            _ => String::new(),
        };
        let uid = uid(body);
        let answer = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":true{patch}}}}}"#
        );
        Answer {
            status: 200,
            body: answer.into_bytes(),
            record: Record {
                verdict: "allowed",
                ..Record::default()
            },
        }
    }

    fn summary(&self) -> String {
        "a floor".to_owned()
    }
}

/// The API server wants it back. It writes the request's before every other.
fn uid(body: &[u8]) -> &str {
    const KEY: &[u8] = br#""uid":""#;
    let at = body.windows(KEY.len()).position(|window| window == KEY);
    let text = at.and_then(|at| body.get(at + KEY.len()..)).unwrap_or_default();
    let end = text.iter().position(|byte| *byte == b'"').unwrap_or_default();
    std::str::from_utf8(&text[..end]).unwrap_or_default()
}

/// Serves until it is killed.
pub(crate) fn serve(mut arguments: impl Iterator<Item = String>) {
    let mut next = || arguments.next().expect("four arguments");
    let (floor, folder) = (next(), PathBuf::from(next()));
    let floor = match floor.as_str() {
        "null" => Floor::Null,
        "parse" => Floor::Parse,
        "patch" => Floor::Patch(std::fs::read_to_string(folder.join("patch")).expect("read the patch")),
        other => panic!("no floor is called `{other}`"),
    };
    let [bind, metrics_bind] = [next(), next()].map(|address| address.parse::<SocketAddr>().expect("an address"));
    let _flush = telemetry::init(Format::Json, telemetry::DEFAULT_FILTER).expect("start the log");
    // As `raygate serve` starts its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("start a runtime");
    runtime.block_on(async {
        let options = Options {
            bind,
            metrics_bind,
            certificate: CertificateSource::Files {
                files: PairFiles {
                    certificate: folder.join("tls.crt"),
                    key: folder.join("tls.key"),
                },
                wait: false,
            },
            clients: None,
            drain_delay: Duration::ZERO,
            limits: Limits::default(),
        };
        let server = Server::bind(options, Arc::new(floor), Arc::new(Metrics::new()))
            .await
            .expect("open the sockets");
        server.run(std::future::pending()).await;
    });
}
