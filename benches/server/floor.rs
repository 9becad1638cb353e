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

const ANSWER: &[u8] = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"0a3c6b9e-7d1f-4c52-9f6a-2b8e1d0c4f77","allowed":true}}"#;

#[derive(Clone, Copy)]
enum Floor {
    /// Answers a constant.
    Null,
    /// Parses the body, and answers a constant.
    Parse,
}

impl Reviewer for Floor {
    fn answer(&self, _endpoint: Endpoint, body: &[u8]) -> Answer {
        if let Floor::Parse = self {
            let parsed: serde_json::Value = serde_json::from_slice(body).expect("a review in JSON");
            std::hint::black_box(parsed);
        }
        Answer {
            status: 200,
            body: ANSWER.to_vec(),
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

/// Serves until it is killed.
pub(crate) fn serve(mut arguments: impl Iterator<Item = String>) {
    let mut next = || arguments.next().expect("four arguments");
    let floor = match next().as_str() {
        "null" => Floor::Null,
        "parse" => Floor::Parse,
        other => panic!("no floor is called `{other}`"),
    };
    let folder = PathBuf::from(next());
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
            certificate: CertificateSource::Files(PairFiles {
                certificate: folder.join("tls.crt"),
                key: folder.join("tls.key"),
            }),
            drain_delay: Duration::ZERO,
            limits: Limits::default(),
        };
        let server = Server::bind(options, Arc::new(floor), Arc::new(Metrics::new()))
            .await
            .expect("open the sockets");
        server.run(std::future::pending()).await;
    });
}
