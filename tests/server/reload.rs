//! Policies that change under live connections: in a mounted ConfigMap, and in a plain folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use raygate::admission::Gate;
use raygate::metrics::Metrics;
use raygate::reload;
use raygate::reload::policies::PolicyFiles;
use raygate::server::CertificateSource;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{connect, get};
use crate::config_map::ConfigMap;
use crate::harness::{Running, eventually, limits, start_shared};

/// The files of one generation. Each of the two leaves its mark on every answer, so that a mixture would show.
pub(crate) fn files(generation: usize) -> Vec<(&'static str, String)> {
    let policy = |name: &str| {
        format!(
            "apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {{name: {name}}}
spec:
  match: {{}}
  defaults: {{pods: {{labels: {{{name}: mark-{generation}}}}}}}
  rules:
    - name: {name}
      each: Job
      require: object.kind == 'Pod'
      message: mark-{generation}
      action: Warn
"
        )
    };
    vec![("first.yaml", policy("first")), ("second.yaml", policy("second"))]
}

/// The same with a mistake in the ninth line of the second file.
pub(crate) fn broken_files(generation: usize) -> Vec<(&'static str, String)> {
    let mut files = files(generation);
    files[1].1 = files[1].1.replace("each: Job", "each: Jib");
    files
}

pub(crate) fn write(dir: &Path, files: &[(&str, String)]) {
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
}

/// The digest of a generation, as it is known without any server.
pub(crate) fn digest(generation: usize) -> String {
    let sources: Vec<_> = files(generation)
        .iter()
        .map(|(name, text)| raygate::policy::load::Source::new(name, text))
        .collect();
    let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
    assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
    loaded.set.digest[..12].to_owned()
}

async fn serve(dir: PathBuf, fallback: bool) -> (Running, Arc<Gate>) {
    let metrics = Arc::new(Metrics::new());
    let (follower, gate) = PolicyFiles::start(vec![dir], fallback, Arc::clone(&metrics)).unwrap();
    tokio::spawn(reload::follow(follower, Duration::from_millis(5)));
    let server = start_shared(
        Arc::clone(&gate) as _,
        metrics,
        limits(),
        CertificateSource::InMemory,
        Duration::ZERO,
    )
    .await;
    (server, gate)
}

fn review() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs/seed-02-heterogeneous-groups.json");
    let object: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "7f3c", "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"}, "operation": "CREATE",
            "namespace": "mlplatform-production", "name": object["metadata"]["name"], "object": object,
        },
    })
    .to_string()
    .into_bytes()
}

/// The bundle that an answer names, and every generation that left a mark on it.
fn marks(answer: &str) -> (String, BTreeSet<usize>) {
    let review: Value = serde_json::from_str(answer).unwrap();
    let response = &review["response"];
    let patch = response["patch"].as_str().unwrap_or_default();
    let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
    let text = format!("{response} {}", String::from_utf8(patch).unwrap());
    let marks = text
        .split("mark-")
        .skip(1)
        .map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        })
        .collect();
    let bundle = response["auditAnnotations"]["bundle"].as_str().unwrap().to_owned();
    (bundle, marks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_swaps_under_load_mix_nothing_and_drop_nothing() {
    const SWAPS: usize = 100;
    let is_broken = |swap: usize| swap % 4 == 3;
    let mut volume = ConfigMap::new(&files(0));
    let (server, gate) = serve(volume.path().to_owned(), false).await;
    let server = Arc::new(server);
    let generation_of: BTreeMap<String, usize> = (0..=SWAPS)
        .filter(|swap| !is_broken(*swap))
        .map(|swap| (digest(swap), swap))
        .collect();
    let generation_of = Arc::new(generation_of);
    // What is known to be in use, and what is or may soon be in use.
    let (known, written) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let done = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for client in 0..4 {
        let (server, generation_of) = (Arc::clone(&server), Arc::clone(&generation_of));
        let (known, written, done) = (Arc::clone(&known), Arc::clone(&written), Arc::clone(&done));
        clients.push(tokio::spawn(async move {
            let review = review();
            let target = ["/mutate", "/validate"][client % 2];
            let mut connection = connect(&server).await;
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::SeqCst) {
                let least = known.load(Ordering::SeqCst);
                let answer = connection.post(target, &review).await;
                let most = written.load(Ordering::SeqCst);
                assert_eq!(answer.status, 200);
                let (bundle, marks) = marks(&answer.body_text());
                let generation = *generation_of.get(&bundle).expect("the digest of a set that is valid");
                assert_eq!(marks, BTreeSet::from([generation]), "{target} mixes generations");
                assert!(
                    (least..=most).contains(&generation),
                    "{least} <= {generation} <= {most}"
                );
                seen.insert(generation);
            }
            seen
        }));
    }
    for swap in 1..=SWAPS {
        written.store(swap, Ordering::SeqCst);
        if is_broken(swap) {
            volume.update(&broken_files(swap));
            eventually("a fault", async || gate.fault().is_some()).await;
        } else {
            volume.update(&files(swap));
            let digest = digest(swap);
            eventually("the new policies", async || gate.bundle().short_digest() == digest).await;
            known.store(swap, Ordering::SeqCst);
        }
    }
    done.store(true, Ordering::SeqCst);
    for client in clients {
        let seen = client.await.unwrap();
        assert!(seen.len() > 1, "a client saw one generation only: {seen:?}");
    }
    server.until_metric("raygate_policy_reloads_total 75").await;
    server.until_metric("raygate_policies_broken 0").await;
    let line = format!("raygate_policy_bundle_info{{digest=\"{}\"}} 2", digest(SWAPS));
    server.until_metric(&line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_update_says_where_and_since_when_and_its_repair_is_noticed() {
    let mut volume = ConfigMap::new(&files(1));
    let (server, gate) = serve(volume.path().to_owned(), false).await;
    let in_use = format!("raygate_policy_bundle_info{{digest=\"{}\"}} 2", digest(1));
    volume.update(&broken_files(2));
    server.until_metric("raygate_policies_broken 1").await;
    eventually("a fault", async || gate.fault().is_some()).await;

    let metrics = server.metrics().await;
    assert!(metrics.contains(&in_use), "the last good policies serve on: {metrics}");
    let file = volume.path().join("second.yaml");
    let place = format!(
        "raygate_policies_broken_since_timestamp_seconds{{file=\"{}\",line=\"9\"}} ",
        file.display()
    );
    assert!(metrics.contains(&place), "{metrics}");
    assert!(
        !metrics.contains("raygate_policy_reload_failures_total 0\n"),
        "{metrics}"
    );
    let ready = get(server.admin, "/readyz?verbose").await;
    assert_eq!(ready.status, 200, "the last good policies are good enough to serve");
    let text = ready.body_text();
    let fault = text
        .lines()
        .find(|line| line.starts_with("[!] policy files: broken since 20"));
    let fault = fault.unwrap_or_else(|| panic!("{text}"));
    assert!(fault.contains(&format!("{}:9:", file.display())), "{fault}");
    assert!(text.contains(&format!("bundle {}", digest(1))), "{text}");
    assert_eq!(get(server.admin, "/readyz").await.body_text(), "ready\n");

    volume.update(&files(1));
    server.until_metric("raygate_policies_broken 0").await;
    assert!(!server.metrics().await.contains("broken_since_timestamp_seconds{"));
    volume.update(&files(3));
    server
        .until_metric(&format!("raygate_policy_bundle_info{{digest=\"{}\"}} 2", digest(3)))
        .await;
    assert!(!get(server.admin, "/readyz?verbose").await.body_text().contains("[!]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_folder_is_edited_in_place_emptied_and_taken_away() {
    let parent = TempDir::new().unwrap();
    let dir = parent.path().join("policies");
    fs::create_dir(&dir).unwrap();
    write(&dir, &files(1));
    let (server, gate) = serve(dir.clone(), false).await;
    let until = async |generation: usize| {
        let digest = digest(generation);
        eventually("the new policies", async || gate.bundle().short_digest() == digest).await;
        assert_eq!(gate.fault(), None);
    };
    write(&dir, &files(2));
    until(2).await;

    for (how, fault) in [("emptied", "there is no policy file below"), ("moved", "cannot read")] {
        if how == "emptied" {
            for (name, _) in files(2) {
                fs::remove_file(dir.join(name)).unwrap();
            }
        } else {
            fs::rename(&dir, parent.path().join("elsewhere")).unwrap();
        }
        eventually(how, async || {
            gate.fault()
                .is_some_and(|text| text.contains(fault) && text.contains(&dir.display().to_string()))
        })
        .await;
        assert_eq!(gate.bundle().short_digest(), digest(2), "{how}");
        assert_eq!(get(server.admin, "/readyz").await.status, 200);
        fs::create_dir_all(&dir).unwrap();
        write(&dir, &files(2));
        eventually("the repair", async || gate.fault().is_none()).await;
    }
    write(&dir, &files(3));
    until(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_started_broken_with_a_fallback_takes_over_once_it_is_repaired() {
    let mut volume = ConfigMap::new(&broken_files(1));
    let path = volume.path().to_owned();
    assert!(PolicyFiles::start(vec![path.clone()], false, Arc::new(Metrics::new())).is_err());
    let (server, gate) = serve(path, true).await;
    assert_eq!(gate.bundle().short_digest(), "kuberay-only");
    server.until_metric("raygate_policies_broken 1").await;
    let ready = get(server.admin, "/readyz?verbose").await;
    assert!(ready.status == 200 && ready.body_text().contains("[!] policy files: broken since"));
    let answer = connect(&server).await.post("/validate", &review()).await;
    assert_eq!(marks(&answer.body_text()), ("kuberay-only".to_owned(), BTreeSet::new()));

    volume.update(&files(1));
    server
        .until_metric(&format!("raygate_policy_bundle_info{{digest=\"{}\"}} 2", digest(1)))
        .await;
    server.until_metric("raygate_policies_broken 0").await;
    let answer = connect(&server).await.post("/validate", &review()).await;
    assert_eq!(marks(&answer.body_text()), (digest(1), BTreeSet::from([1])));
}
