//! The keeper against an API server that refuses, races and falls silent: a small one in this process, since a real one
//! does none of that on demand.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::json;

use super::*;

const SECRET: &str = "/api/v1/namespaces/raygate-system/secrets/raygate-certificates";
const CONFIGURATIONS: [&str; 2] = [
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/admission.raygate.dev",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/admission.raygate.dev",
];

/// Objects by path, with versions, and the status that requests get instead.
#[derive(Default)]
struct Api {
    objects: Mutex<BTreeMap<String, Value>>,
    version: Mutex<u64>,
    /// Each request whose method and path match gets this status, or no answer at all for 0.
    fault: Mutex<Option<(Method, &'static str, u16)>>,
}

impl Api {
    fn with_configurations() -> Arc<Self> {
        Self::with_configurations_of(&options())
    }

    fn with_configurations_of(options: &Options) -> Arc<Self> {
        let api = Arc::new(Self::default());
        for (path, object) in CONFIGURATIONS
            .iter()
            .zip(expected(options, &Controllers::default()).unwrap())
        {
            api.store(path, object);
        }
        api
    }

    fn store(&self, path: &str, mut object: Value) -> Value {
        let mut version = self.version.lock().unwrap();
        *version += 1;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        self.objects.lock().unwrap().insert(path.to_owned(), object.clone());
        object
    }

    fn get(&self, path: &str) -> Value {
        self.objects.lock().unwrap().get(path).cloned().unwrap_or_default()
    }

    fn fail(&self, method: Method, path: &'static str, status: u16) {
        *self.fault.lock().unwrap() = Some((method, path, status));
    }

    fn heal(&self) {
        *self.fault.lock().unwrap() = None;
    }

    async fn answer(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = head.uri.path().to_owned();
        let fault = self.fault.lock().unwrap().clone();
        if let Some((_, _, status)) =
            fault.filter(|(method, start, _)| *method == head.method && path.starts_with(start))
        {
            if status == 0 {
                std::future::pending::<()>().await;
            }
            return refusal(status);
        }
        let stored = self.objects.lock().unwrap().get(&path).cloned();
        match (head.method, stored) {
            (Method::GET, Some(object)) => respond(200, &object),
            (Method::POST, _) => {
                let object: Value = serde_json::from_slice(&body).unwrap();
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                if self.get(&path).is_null() {
                    respond(201, &self.store(&path, object))
                } else {
                    refusal(409)
                }
            }
            (Method::PUT, Some(stored)) => {
                let object: Value = serde_json::from_slice(&body).unwrap();
                if object["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"] {
                    respond(200, &self.store(&path, object))
                } else {
                    refusal(409)
                }
            }
            (Method::PATCH, Some(stored)) => {
                let patch: json_patch::Patch = serde_json::from_slice(&body).unwrap();
                let mut object = stored.clone();
                json_patch::patch(&mut object, &patch).unwrap();
                if object["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"] {
                    respond(200, &self.store(&path, object))
                } else {
                    refusal(409)
                }
            }
            _ => refusal(404),
        }
    }

    /// A replica of its own, with its store and its metrics.
    fn replica(self: &Arc<Self>) -> (Keeper, Arc<CertificateStore>, Arc<Metrics>) {
        self.replica_with(options())
    }

    fn replica_with(self: &Arc<Self>, options: Options) -> (Keeper, Arc<CertificateStore>, Arc<Metrics>) {
        let api = Arc::clone(self);
        let service = tower::service_fn(move |request| {
            let answer = Arc::clone(&api).answer(request);
            async move { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        let (store, metrics) = (Arc::new(CertificateStore::empty()), Arc::new(Metrics::new()));
        let client = Client::new(service, "default");
        let mut keeper = Keeper::new(
            &client,
            options,
            Controllers::default,
            Arc::clone(&store),
            Arc::clone(&metrics),
        )
        .unwrap();
        keeper.pace.settle = Duration::ZERO;
        (keeper, store, metrics)
    }
}

fn options() -> Options {
    Options {
        namespace: "raygate-system".parse().unwrap(),
        secret: "raygate-certificates".to_owned(),
        service: "raygate".parse().unwrap(),
        url: None,
        configuration: install::CONFIGURATION.to_owned(),
        fail_open: false,
        kinds: KindList::default(),
        excluded_namespaces: Vec::new(),
        ca_life: Duration::from_secs(360 * 86_400),
        certificate_life: Duration::from_secs(90 * 86_400),
    }
}

fn respond(status: u16, object: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(object.to_string().into_bytes()))
        .unwrap()
}

fn refusal(status: u16) -> Response<Body> {
    let reason = if status == 404 { "NotFound" } else { "Tests" };
    let mut body =
        json!({"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": "as told"});
    if status == 429 {
        body["details"] = json!({"retryAfterSeconds": 77});
    }
    respond(status, &body)
}

/// One turn of the keeper's loop without its pause, and without much patience.
async fn turn(keeper: &mut Keeper) -> Duration {
    let looked = tokio::time::timeout(Duration::from_millis(500), keeper.look()).await;
    keeper.conclude(looked.unwrap_or(Err(Trouble::Silence)))
}

fn served(store: &CertificateStore) -> Option<Vec<u8>> {
    store.current().map(|pair| pair.chain()[0].to_vec())
}

#[tokio::test]
async fn whatever_the_api_server_answers_the_old_state_is_kept_and_the_new_one_follows() {
    for (status, cause) in [
        (401, "unauthorized"),
        (403, "forbidden"),
        (409, "conflict"),
        (429, "throttled"),
        (500, "server"),
        (0, "unreachable"),
    ] {
        let api = Api::with_configurations();
        let (mut keeper, store, metrics) = api.replica();
        // First without any certificate.
        api.fail(Method::POST, "/api/v1/", status);
        for _ in 0..3 {
            turn(&mut keeper).await;
        }
        assert_eq!(served(&store), None);
        assert!(
            matches!(&*store.trust(), Trust::Misfit(_)),
            "{status}: {:?}",
            store.trust()
        );
        let counted = format!(r#"cause="{cause}"}} 3"#);
        assert!(metrics.encode().contains(&counted), "{status}: no {counted}");
        api.heal();
        turn(&mut keeper).await;
        let first = served(&store).unwrap();
        assert!(
            matches!(&*store.trust(), Trust::Fits(_)),
            "{status}: {:?}",
            store.trust()
        );

        // Then with one, while each object in turn cannot be read or written.
        for (method, path) in [
            (Method::GET, SECRET),
            (Method::GET, CONFIGURATIONS[0]),
            (Method::GET, CONFIGURATIONS[1]),
        ] {
            api.fail(method, path, status);
            turn(&mut keeper).await;
            assert_eq!(served(&store).as_ref(), Some(&first), "{status} {path}");
            assert!(
                matches!(&*store.trust(), Trust::Fits(_)),
                "{status} {path}: {:?}",
                store.trust()
            );
        }
        api.heal();
        turn(&mut keeper).await;
        assert!(keeper.reported.is_none(), "{status}: {:?}", keeper.reported);
    }
}

#[tokio::test]
async fn what_was_chosen_at_the_installation_is_no_difference() {
    let chosen = Options {
        fail_open: true,
        excluded_namespaces: vec!["sandbox".parse().unwrap()],
        ..options()
    };
    let api = Api::with_configurations_of(&chosen);
    let differences = async |options| {
        let (mut keeper, _, metrics) = api.replica_with(options);
        turn(&mut keeper).await;
        let differ =
            |line: &&str| line.starts_with("raygate_webhook_configuration_differences{") && !line.ends_with(" 0");
        metrics.encode().lines().filter(differ).count()
    };
    assert_eq!(differences(chosen).await, 0);
    // The namespaces of both, and the failure policy of one.
    assert_eq!(differences(options()).await, 3);
}

#[tokio::test]
async fn the_policies_in_use_say_whose_writes_do_not_come() {
    let api = Api::with_configurations();
    let users = Arc::new(Mutex::new(Controllers::default()));
    let (mut keeper, _, metrics) = api.replica();
    let asked = Arc::clone(&users);
    keeper.controllers = Box::new(move || asked.lock().unwrap().clone());
    let scope = || {
        let text = metrics.encode();
        let series = r#"raygate_webhook_configuration_differences{configuration="validating",part="scope"}"#;
        let line = text.lines().find(|line| line.starts_with(series)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    turn(&mut keeper).await;
    assert_eq!(scope(), "0");
    users.lock().unwrap().queue_controllers = vec!["another".to_owned()];
    turn(&mut keeper).await;
    assert_eq!(scope(), "1");
    *users.lock().unwrap() = Controllers::default();
    turn(&mut keeper).await;
    assert_eq!(scope(), "0");
}

#[tokio::test]
async fn the_api_server_is_left_alone_for_as_long_as_it_asks() {
    let api = Api::with_configurations();
    let (mut keeper, ..) = api.replica();
    api.fail(Method::GET, "/api/v1/", 429);
    assert_eq!(turn(&mut keeper).await, Duration::from_secs(77));
}

#[tokio::test]
async fn conflicts_that_do_not_end_are_no_race() {
    let api = Api::with_configurations();
    let (mut keeper, ..) = api.replica();
    api.fail(Method::POST, "/api/v1/", 409);
    for _ in 0..MOST_CONFLICTS {
        assert!(turn(&mut keeper).await < SHORTEST_BACKOFF / 2);
        assert_eq!(keeper.reported, None);
    }
    let pauses = [
        turn(&mut keeper).await,
        turn(&mut keeper).await,
        turn(&mut keeper).await,
    ];
    assert!(pauses.is_sorted() && pauses[2] > 2 * SHORTEST_BACKOFF, "{pauses:?}");
    let reported = keeper.reported.as_deref().unwrap_or_default();
    assert!(reported.contains("409"), "{reported}");
}

#[tokio::test]
async fn a_new_certificate_waits_until_its_ca_is_in_both_configurations() {
    let api = Api::with_configurations();
    let (mut keeper, store, _) = api.replica();
    keeper.pace.settle = Duration::from_secs(3600);
    turn(&mut keeper).await;
    let first = served(&store).unwrap_or_else(|| panic!("{:?}", keeper.reported));
    let before = api.get(CONFIGURATIONS[1]);

    api.objects.lock().unwrap().remove(SECRET);
    api.fail(Method::PATCH, CONFIGURATIONS[1], 500);
    turn(&mut keeper).await;
    assert_ne!(api.get(CONFIGURATIONS[0]), before, "the first was written");
    turn(&mut keeper).await;
    assert_eq!(
        served(&store).as_ref(),
        Some(&first),
        "half of the API servers' webhooks would fail"
    );

    api.heal();
    turn(&mut keeper).await;
    assert_eq!(served(&store).as_ref(), Some(&first), "no time to hear of the new CA");
    keeper.pace.settle = Duration::ZERO;
    turn(&mut keeper).await;
    assert_ne!(served(&store).as_ref(), Some(&first));
    assert!(matches!(&*store.trust(), Trust::Fits(_)), "{:?}", store.trust());
}

#[tokio::test]
async fn replicas_that_race_end_with_one_ca() {
    let api = Api::with_configurations();
    let mut replicas: Vec<_> = (0..5).map(|_| api.replica()).collect();
    for _ in 0..4 {
        let tasks: Vec<_> = replicas
            .into_iter()
            .map(|(mut keeper, store, metrics)| {
                tokio::spawn(async move {
                    turn(&mut keeper).await;
                    (keeper, store, metrics)
                })
            })
            .collect();
        replicas = Vec::new();
        for task in tasks {
            replicas.push(task.await.unwrap());
        }
    }
    let pairs: std::collections::BTreeSet<_> = replicas.iter().map(|(_, store, _)| served(store)).collect();
    assert_eq!(pairs.len(), 1, "replicas serve different certificates");
    assert!(pairs.iter().all(Option::is_some));
    assert_eq!(bundle_in(&api, 0), bundle_in(&api, 1));
}

fn bundle_in(api: &Api, which: usize) -> Value {
    api.get(CONFIGURATIONS[which])["webhooks"][0]["clientConfig"]["caBundle"].clone()
}
