//! The router without a socket.

use axum::http::Method;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::server::{Reviewer, test_shared};

/// Answers with its endpoint, and with the status that the body names.
struct Echo;

impl Reviewer for Echo {
    fn answer(&self, endpoint: Endpoint, body: &[u8]) -> Answer {
        let status = std::str::from_utf8(body).unwrap().parse().unwrap_or(200);
        let record = Record {
            verdict: "allowed",
            uid: "u".repeat(1000),
            ..Record::default()
        };
        Answer {
            status,
            body: endpoint_label(endpoint).as_bytes().to_vec(),
            record,
        }
    }

    fn summary(&self) -> String {
        "echo".to_owned()
    }
}

async fn send(request: Request) -> (StatusCode, HeaderMap, String) {
    let response = router(test_shared(Arc::new(Echo))).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn request(method: Method, uri: &str, kind: Option<&str>, body: &'static str) -> Request {
    let mut builder = Request::builder().method(method).uri(uri);
    if let Some(kind) = kind {
        builder = builder.header(CONTENT_TYPE, kind);
    }
    builder.body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn both_paths_reach_the_reviewer_with_any_spelling_of_json() {
    for kind in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json ;x=y",
    ] {
        let (status, headers, body) = send(request(Method::POST, "/mutate?timeout=10s", Some(kind), "")).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "mutate"), "{kind}");
        assert_eq!(headers[CONTENT_TYPE], "application/json");
    }
    let (_, _, body) = send(request(Method::POST, "/validate", Some("application/json"), "")).await;
    assert_eq!(body, "validate");
}

#[tokio::test]
async fn what_is_no_review_gets_no_verdict() {
    let json = Some("application/json");
    for (method, uri, kind, expected) in [
        (Method::GET, "/mutate", json, 405),
        (Method::PUT, "/validate", json, 405),
        (Method::HEAD, "/mutate", json, 405),
        (Method::POST, "/", json, 404),
        (Method::POST, "/mutate/", json, 404),
        (Method::POST, "/MUTATE", json, 404),
        (Method::GET, "/metrics", None, 404),
        (Method::GET, "/healthz", None, 404),
        (Method::GET, "/readyz", None, 404),
        (Method::POST, "/mutate", None, 415),
        (Method::POST, "/mutate", Some("text/json"), 415),
        (Method::POST, "/mutate", Some("application/jsonp"), 415),
        (Method::POST, "/mutate", Some("application/x-www-form-urlencoded"), 415),
    ] {
        let (status, headers, body) = send(request(method.clone(), uri, kind, "")).await;
        assert_eq!(status, expected, "{method} {uri} {kind:?}");
        assert!(
            method == Method::HEAD || body.ends_with('\n'),
            "{method} {uri}: no sentence"
        );
        assert_eq!(headers.get("allow").is_some(), expected == 405, "{method} {uri}");
        assert!(
            headers.get(CONNECTION).is_none(),
            "nothing is left unread, so the connection may stay"
        );
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_taken_for_a_review() {
    let encoded = |encoding: &str| {
        let mut request = request(Method::POST, "/mutate", Some("application/json"), "0");
        request
            .headers_mut()
            .insert(CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap());
        request
    };
    let (status, headers, _) = send(encoded("gzip")).await;
    assert_eq!(status, 415);
    assert_eq!(headers[CONNECTION], "close", "its body is left unread");
    assert_ne!(send(encoded("identity")).await.0, 415);
}

#[tokio::test]
async fn only_an_answer_of_503_says_when_to_come_back() {
    for (body, status, retry) in [
        ("503", 503, true),
        ("400", 400, false),
        ("7", 500, false),
        ("200", 200, false),
    ] {
        let (seen, headers, _) = send(request(Method::POST, "/mutate", Some("application/json"), body)).await;
        assert_eq!((seen.as_u16(), headers.contains_key(RETRY_AFTER)), (status, retry));
        assert_eq!(
            headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"),
            status != 200
        );
    }
}

#[tokio::test]
async fn a_request_whose_time_is_up_is_not_evaluated() {
    let shared = test_shared(Arc::new(Echo));
    let request = request(
        Method::POST,
        "/mutate?dryRun=1&timeout=50ms",
        Some("application/json"),
        "",
    );
    let response = router(Arc::clone(&shared)).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 503);
    let metrics = shared.metrics.encode();
    assert!(
        metrics.contains(r#"raygate_overloads_total{cause="deadline"} 1"#),
        "{metrics}"
    );
}

#[test]
fn the_timeout_is_found_in_the_query() {
    assert_eq!(asked_timeout(Some("timeout=10s")), Some(Duration::from_secs(10)));
    assert_eq!(asked_timeout(Some("a=b&timeout=1m0s")), Some(Duration::from_secs(60)));
    for none in [
        None,
        Some(""),
        Some("timeout="),
        Some("timeout=soon"),
        Some("timeout=0"),
        Some("timeout=0s"),
        Some("xtimeout=1s"),
    ] {
        assert_eq!(asked_timeout(none), None, "{none:?}");
    }
}
