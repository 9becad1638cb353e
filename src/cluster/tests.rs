//! Which configuration is taken, and what an answer is called.

use std::fs;

use kube::core::Status;
use tempfile::TempDir;

use super::*;

fn kubeconfig(dir: &TempDir, text: &str) -> Access {
    let path = dir.path().join("config");
    fs::write(&path, text).unwrap();
    Access {
        kubeconfig: Some(path),
        context: None,
    }
}

const TWO_CONTEXTS: &str = r#"{
  "apiVersion": "v1", "kind": "Config", "current-context": "one",
  "clusters": [
    {"name": "one", "cluster": {"server": "https://127.0.0.1:1"}},
    {"name": "two", "cluster": {"server": "https://127.0.0.1:2"}}
  ],
  "users": [{"name": "me", "user": {"token": "secret-token"}}],
  "contexts": [
    {"name": "one", "context": {"cluster": "one", "user": "me", "namespace": "ml"}},
    {"name": "two", "context": {"cluster": "two", "user": "me"}}
  ]
}"#;

#[tokio::test]
async fn a_context_is_the_current_one_unless_another_is_named() {
    let dir = TempDir::new().unwrap();
    let mut access = kubeconfig(&dir, TWO_CONTEXTS);
    assert_eq!(access.config().await.unwrap().cluster_url.port_u16(), Some(1));
    assert_eq!(access.connect().await.unwrap().default_namespace(), "ml");
    access.context = Some("two".to_owned());
    assert_eq!(access.config().await.unwrap().cluster_url.port_u16(), Some(2));
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_named_and_never_passed_over() {
    let dir = TempDir::new().unwrap();
    let mut missing = kubeconfig(&dir, TWO_CONTEXTS);
    missing.context = Some("three".to_owned());
    let broken = kubeconfig(&TempDir::new().unwrap(), "");
    for (access, word) in [(missing, "three"), (broken, "config")] {
        let error = access.connect().await.map(drop).unwrap_err();
        let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(text.contains("cannot use the kubeconfig /"), "{text}");
        assert!(text.contains(word), "{text}");
        assert!(!text.contains("secret-token"), "{text}");
    }
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_unreachable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let dir = TempDir::new().unwrap();
    let access = kubeconfig(&dir, &TWO_CONTEXTS.replace("127.0.0.1:1", &format!("127.0.0.1:{port}")));
    let client = access.connect().await.unwrap();
    let error = client.apiserver_version().await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::Unreachable, "{error:?}");
    assert!(describe(&error).contains("refused"), "{}", describe(&error));
}

#[test]
fn each_status_has_its_cause() {
    for (code, cause) in [
        (400, "invalid"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (410, "other"),
        (422, "invalid"),
        (429, "throttled"),
        (500, "server"),
        (503, "server"),
    ] {
        let error = kube::Error::Api(Status::failure("no", "Because").with_code(code).boxed());
        assert_eq!(Cause::of(&error).as_str(), cause, "{code}");
        assert_eq!(describe(&error), format!("{code} Because: no"));
    }
}

/// A client of an API server that gives these answers, one after the other, and then the last one again.
fn answering(answers: &'static [(u16, &str)]) -> Client {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let service = tower::service_fn(move |_: hyper::Request<kube::client::Body>| {
        let nth = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (status, body) = answers[nth.min(answers.len() - 1)];
        let answer = hyper::Response::builder().status(status);
        let answer = answer.body(kube::client::Body::from(body.as_bytes().to_vec()));
        std::future::ready(Ok::<_, std::convert::Infallible>(answer.unwrap()))
    });
    Client::new(service, "default")
}

#[tokio::test]
async fn what_is_no_answer_of_kubernetes_is_one_short_line() {
    let page = "<html>\n  <title>502 Bad Gateway</title>\u{1b}[31m";
    let long = Box::leak(format!("{page}{}", "x".repeat(100_000)).into_boxed_str());
    let client = answering(Box::leak(Box::new([(502, &*long)])));
    let error = objects::get(&client, "/version").await.unwrap_err();
    let said = describe(&error);
    assert!(
        said.starts_with(r"502: <html> <title>502 Bad Gateway</title>\u{1b}[31mxxx"),
        "{said}"
    );
    assert!(said.len() < 300, "{said}");
}

#[tokio::test]
async fn a_page_is_asked_for_again_where_the_api_server_had_too_much_to_do() {
    let busy = (429, "Too many requests, please try again later.\n");
    let page = (200, r#"{"metadata": {}, "items": [{"kind": "RayJob"}]}"#);
    let client = answering(Box::leak(Box::new([busy, page])));
    let mut pages = objects::Pages::of(&client, "/apis/ray.io/v1/rayjobs", "");
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!((page.items.len(), page.left), (1, Some(0)));
    assert!(pages.next().await.unwrap().is_none());
}
