//! A mutating webhook in place of somebody else's, which remembers what it was shown.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::cluster::{Cluster, rayjobs};
use crate::gate::Hook;
use crate::process::wait_for;
use crate::rayjobs::minimal;

/// The JSON Patch that a webhook answers for an object.
type Mutation = fn(&Value) -> Value;

/// Registered under its name for the creation of RayJobs, until dropped.
pub(crate) struct StandIn<'a> {
    cluster: &'a Cluster,
    path: String,
    seen: Arc<Mutex<Vec<Value>>>,
    server: JoinHandle<()>,
}

impl<'a> StandIn<'a> {
    /// Starts a webhook of that configuration name, and waits until it is in force.
    pub(crate) fn register(cluster: &'a Cluster, name: &str, mutation: Mutation) -> Self {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("make a certificate");
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).expect("a private key");
        let tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![pair.cert.der().clone()], key)
            .expect("a TLS configuration");
        let runtime = &cluster.api.runtime;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("bind a loopback port");
        let address = listener.local_addr().expect("a bound address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = runtime.spawn(serve(
            listener,
            TlsAcceptor::from(Arc::new(tls)),
            mutation,
            Arc::clone(&seen),
        ));

        let rule = json!({
            "apiGroups": ["ray.io"], "apiVersions": ["v1"], "resources": ["rayjobs"], "operations": ["CREATE"],
        });
        let webhook = json!({
            "name": "standin.tests.dev",
            "clientConfig": {"url": format!("https://{address}/"), "caBundle": BASE64.encode(pair.cert.pem())},
            "rules": [rule],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            // Once it has ended, the API server may still ask for it for a moment.
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "Never",
        });
        let configuration = json!({"metadata": {"name": name}, "webhooks": [webhook]});
        cluster
            .api
            .post(&Hook::Mutating.configurations(), &configuration)
            .expect(201);
        let path = format!("{}/{name}", Hook::Mutating.configurations());
        let stand_in = Self {
            cluster,
            path,
            seen,
            server,
        };
        wait_for("the stand-in to be in force", || {
            cluster
                .api
                .post(&format!("{}?dryRun=All", rayjobs()), &minimal("probe"));
            if stand_in.seen("probe").is_empty() {
                Err("not called yet")
            } else {
                Ok(())
            }
        });
        stand_in
    }

    /// The objects of that name that it was shown, in order.
    pub(crate) fn seen(&self, name: &str) -> Vec<Value> {
        let seen = self.seen.lock().expect("no handler has panicked");
        seen.iter()
            .filter(|object| object["metadata"]["name"] == name)
            .cloned()
            .collect()
    }
}

impl Drop for StandIn<'_> {
    fn drop(&mut self) {
        self.cluster.api.delete(&self.path);
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, mutation: Mutation, seen: Arc<Mutex<Vec<Value>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, seen) = (tls.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(|request| answer(request, mutation, &seen));
            // A client that goes away ends its connection, not the test.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    mutation: Mutation,
    seen: &Mutex<Vec<Value>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let bytes = request.into_body().collect().await.expect("a whole review").to_bytes();
    let review: Value = serde_json::from_slice(&bytes).expect("a review in JSON");
    let object = review["request"]["object"].clone();
    let response = json!({
        "uid": review["request"]["uid"],
        "allowed": true,
        "patchType": "JSONPatch",
        "patch": BASE64.encode(mutation(&object).to_string()),
    });
    seen.lock().expect("no handler has panicked").push(object);
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
    let response = Response::builder().header("content-type", "application/json");
    Ok(response
        .body(Full::new(Bytes::from(review.to_string())))
        .expect("a well-formed response"))
}
