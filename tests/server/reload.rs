//! Policies that change under live connections: in a mounted ConfigMap, and in a plain folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use raygate::admission::Gate;
use raygate::metrics::Metrics;
use raygate::reload;
use raygate::reload::policies::{Accept, PolicyFiles};
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

const STRICT: Accept = Accept {
    broken: false,
    empty: false,
    preview: Vec::new(),
};
const FALLBACK: Accept = Accept {
    broken: true,
    empty: false,
    preview: Vec::new(),
};

fn refused(dir: &Path, accept: Accept) -> String {
    let started = PolicyFiles::start(vec![dir.to_owned()], accept, Arc::new(Metrics::new()));
    started.unwrap_err().to_string()
}

async fn serve(dir: PathBuf, accept: Accept) -> (Running, Arc<Gate>) {
    let metrics = Arc::new(Metrics::new());
    let (follower, gate) = PolicyFiles::start(vec![dir], accept, Arc::clone(&metrics)).unwrap();
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
    let (server, gate) = serve(volume.path().to_owned(), STRICT).await;
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
            eventually("a fault", async || !gate.notices().is_empty()).await;
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
    let (server, gate) = serve(volume.path().to_owned(), STRICT).await;
    let in_use = format!("raygate_policy_bundle_info{{digest=\"{}\"}} 2", digest(1));
    volume.update(&broken_files(2));
    server.until_metric("raygate_policies_broken 1").await;
    eventually("a fault", async || !gate.notices().is_empty()).await;

    let metrics = server.metrics().await;
    assert!(metrics.contains(&in_use), "the last good policies serve on: {metrics}");
    let file = volume.path().join("second.yaml");
    let place = format!(
        "raygate_policies_broken_since_timestamp_seconds{{file=\"{}\",line=\"9\",in_use=\"last-good\"}} ",
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
    assert!(fault.ends_with(": the last good policies stay in use"), "{fault}");
    assert!(
        text.contains(&format!("[!] policy files: error: {}:9:", file.display())),
        "{text}"
    );
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
    let (server, gate) = serve(dir.clone(), STRICT).await;
    let until = async |generation: usize| {
        let digest = digest(generation);
        eventually("the new policies", async || gate.bundle().short_digest() == digest).await;
        assert_eq!(*gate.notices(), Vec::<String>::new());
    };
    write(&dir, &files(2));
    until(2).await;

    for (how, fault) in [("emptied", "there is no policy file below"), ("moved", "cannot read")] {
        if how == "emptied" {
            // One file after another would be a change each.
            fs::rename(&dir, parent.path().join("full")).unwrap();
            fs::create_dir(&dir).unwrap();
        } else {
            fs::rename(&dir, parent.path().join("elsewhere")).unwrap();
        }
        eventually(how, async || {
            gate.notices()
                .iter()
                .any(|text| text.contains(fault) && text.contains(&dir.display().to_string()))
        })
        .await;
        assert_eq!(gate.bundle().short_digest(), digest(2), "{how}");
        assert_eq!(get(server.admin, "/readyz").await.status, 200);
        fs::create_dir_all(&dir).unwrap();
        write(&dir, &files(2));
        eventually("the repair", async || gate.notices().is_empty()).await;
    }
    write(&dir, &files(3));
    until(3).await;
}

/// The lines of `/readyz?verbose` about the policy files.
async fn notices(server: &Running) -> Vec<String> {
    let ready = get(server.admin, "/readyz?verbose").await;
    assert_eq!(ready.status, 200);
    let text = ready.body_text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("[!] policy files: "));
    lines.map(str::to_owned).collect()
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: {name}}}\nspec: {{match: {{}}{spec}}}\n"
    )
}

/// Caps that deny the RayJob of [`review`], and fill in a TTL.
const CAP: &str = ", limits: {maxPodsPerJob: 1}";
const TTL: &str = ", defaults: {lifecycle: {ttlSecondsAfterFinished: 77}}";

fn patch(answer: &str) -> String {
    let review: Value = serde_json::from_str(answer).unwrap();
    let patch = review["response"]["patch"].as_str().unwrap_or_default();
    let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
    String::from_utf8(patch).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_broken_document_enforces_all_others() {
    let dir = TempDir::new().unwrap();
    let typo = policy("typo", ", limitz: {maxGpusPerJob: 1}");
    let sound = policy("cap", CAP);
    write(
        dir.path(),
        &[
            ("a.yaml", [typo.clone(), sound.clone()].join("---\n")),
            ("b.yaml", policy("ttl", TTL)),
        ],
    );
    std::os::unix::fs::symlink("gone", dir.path().join("gone.yaml")).unwrap();
    refused(dir.path(), STRICT);
    let (server, gate) = serve(dir.path().to_owned(), FALLBACK).await;

    let mut client = connect(&server).await;
    let answer = client.post("/validate", &review()).await.body_text();
    assert!(
        answer.contains("\"allowed\":false") && answer.contains("RG507"),
        "{answer}"
    );
    let answer = client.post("/mutate", &review()).await.body_text();
    assert!(patch(&answer).contains("77"), "{}", patch(&answer));

    let [first, typos, gone] = notices(&server).await.try_into().unwrap();
    assert!(first.starts_with("broken since 20"), "{first}");
    assert!(
        first.ends_with("only the documents that were valid at the start are in use"),
        "{first}"
    );
    // Sorted by file where one is known: what cannot be read comes first.
    let place = |file: &str| dir.path().join(file).display().to_string();
    assert!(typos.contains(&place("gone.yaml")), "{typos}");
    let wanted = format!("left out: RayPolicy `typo`: it is not enforced: {}:4:", place("a.yaml"));
    assert!(gone.starts_with(&wanted), "{gone}");
    let metrics = server.metrics().await;
    assert!(metrics.contains("raygate_policies_broken 1\n"), "{metrics}");
    assert!(metrics.contains("in_use=\"valid-documents\"} "), "{metrics}");

    // A change that is broken too does not take away what is enforced.
    let digest = gate.bundle().short_digest().to_owned();
    fs::write(dir.path().join("a.yaml"), typo.replace("limitz", "limitzz")).unwrap();
    fs::remove_file(dir.path().join("gone.yaml")).unwrap();
    eventually("the new fault", async || {
        let notices = notices(&server).await;
        notices.len() == 3 && notices[1].contains("its error is gone") && notices[2].contains("limitzz")
    })
    .await;
    assert_eq!(gate.bundle().short_digest(), digest);

    fs::write(dir.path().join("a.yaml"), sound).unwrap();
    server.until_metric("raygate_policies_broken 0").await;
    assert_eq!(notices(&server).await, Vec::<String>::new());
    assert!(!server.metrics().await.contains("broken_since_timestamp_seconds{"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_broken_start_the_errors_of_now_are_listed() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    write(
        dir.path(),
        &[
            ("a.yaml", policy("one", ", limitz: {}")),
            ("b.yaml", policy("two", ", limitz: {}, rulez: []")),
            ("c.yaml", policy("cap", CAP)),
        ],
    );
    let (server, gate) = serve(dir.path().to_owned(), FALLBACK).await;
    let digest = gate.bundle().short_digest().to_owned();
    let [_, one, two, more] = notices(&server).await.try_into().unwrap();
    assert!(
        one.starts_with("left out: RayPolicy `one`") && one.contains("limitz"),
        "{one}"
    );
    assert!(
        two.starts_with("left out: RayPolicy `two`") && two.contains("limitz"),
        "{two}"
    );
    assert!(
        more.starts_with(&format!("error: {}:4:", file("b.yaml"))) && more.contains("rulez"),
        "{more}"
    );

    // One is fixed, the other moves, and a third breaks.
    write(
        dir.path(),
        &[
            ("a.yaml", policy("one", "")),
            (
                "b.yaml",
                format!("# A comment.\n{}", policy("two", ", limitz: {}, rulez: []")),
            ),
            ("c.yaml", policy("cap", ", limitzz: {}")),
        ],
    );
    let found = Mutex::new(Vec::new());
    eventually("the new error", async || {
        let now = notices(&server).await;
        let is_new = now.iter().any(|line| line.contains("limitzz"));
        *found.lock().unwrap() = now;
        is_new
    })
    .await;
    assert_eq!(gate.bundle().short_digest(), digest);
    let found = found.into_inner().unwrap();
    let fixed = format!(
        "left out: RayPolicy `one`: it is not enforced: {}: its error is gone from the files; raygate uses it once all \
         errors are gone",
        file("a.yaml")
    );
    assert_eq!(found[1], fixed);
    let moved = format!("left out: RayPolicy `two`: it is not enforced: {}:5:", file("b.yaml"));
    assert!(found[2].starts_with(&moved), "{found:#?}");
    let errors: Vec<_> = found.iter().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!((errors.len(), found.len()), (2, 5), "{found:#?}");

    // The same error in another file is news too.
    fs::write(dir.path().join("c.yaml"), policy("cap", CAP)).unwrap();
    eventually("one error less", async || notices(&server).await.len() == 4).await;
    fs::write(dir.path().join("a.yaml"), "# nothing\n").unwrap();
    eventually("one error more", async || notices(&server).await.len() == 5).await;
    fs::remove_file(dir.path().join("a.yaml")).unwrap();
    fs::remove_file(dir.path().join("b.yaml")).unwrap();
    server.until_metric("raygate_policies_broken 0").await;
    assert_eq!(notices(&server).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_directories_that_is_emptied_keeps_the_last_good_policies() {
    let dir = TempDir::new().unwrap();
    let [caps, ttls] = ["caps", "ttls"].map(|name| dir.path().join(name));
    for (folder, text) in [(&caps, policy("cap", CAP)), (&ttls, policy("ttl", TTL))] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("a.yaml"), text).unwrap();
    }
    let start = |accept: Accept| {
        let metrics = Arc::new(Metrics::new());
        let directories = vec![caps.clone(), ttls.clone()];
        let (follower, gate) = PolicyFiles::start(directories, accept, Arc::clone(&metrics)).unwrap();
        let following = tokio::spawn(reload::follow(follower, Duration::from_millis(5)));
        (following, gate, metrics)
    };
    let (following, gate, metrics) = start(STRICT);
    let both = gate.summary();
    fs::remove_file(caps.join("a.yaml")).unwrap();
    eventually("a fault", async || !gate.notices().is_empty()).await;
    assert_eq!(gate.summary(), both);
    let error = format!(
        "error: there is no policy file below {}: check the path and the volume",
        caps.display()
    );
    assert_eq!(gate.notices()[1], error);
    assert!(metrics.encode().contains("raygate_policies_broken 1\n"));
    // A test is no policy, and another error hides nothing.
    fs::write(caps.join("a.test.yaml"), "").unwrap();
    fs::write(ttls.join("b.yaml"), "").unwrap();
    eventually("the other fault", async || gate.notices().len() == 3).await;
    fs::remove_file(ttls.join("b.yaml")).unwrap();
    fs::write(caps.join("b.yaml"), policy("other", CAP)).unwrap();
    eventually("the change", async || gate.notices().is_empty()).await;
    assert!(gate.summary().starts_with("other, ttl (bundle "), "{}", gate.summary());
    following.abort();

    let (following, gate, _) = start(Accept {
        broken: false,
        empty: true,
        preview: Vec::new(),
    });
    fs::remove_file(caps.join("b.yaml")).unwrap();
    eventually("the change", async || gate.summary().starts_with("ttl (bundle ")).await;
    following.abort();
    // What contributed nothing may stay empty, with a warning.
    let (following, gate, _) = start(STRICT);
    fs::write(ttls.join("a.yaml"), policy("later", TTL)).unwrap();
    eventually("the change", async || gate.summary().starts_with("later (bundle ")).await;
    following.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_left_out_platform_says_what_is_unknown() {
    let dir = TempDir::new().unwrap();
    let platform = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {flyte: {verzion: 1}}\n".to_owned();
    let caps = policy("cap", CAP).replace("match: {}", "match: {domains: [a]}");
    write(dir.path(), &[("a.yaml", caps), ("platform.yaml", platform)]);
    let (server, gate) = serve(dir.path().to_owned(), FALLBACK).await;
    assert!(gate.summary().ends_with(" assumed)"), "{}", gate.summary());
    let notices = notices(&server).await;
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("warning[RP218]") && notice.contains("no `flyte.namespace` with {domain}")),
        "{notices:?}"
    );
    assert!(
        notices[1]
            .starts_with("left out: Platform: its KubeRay release, Flyte settings and accelerators are unknown: "),
        "{notices:?}"
    );
}

/// A server that starts with a policy that RayJobs can escape enforces it as far as it can, and says that it is an error.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_can_be_escaped_is_an_error_and_stays_in_use() {
    let dir = TempDir::new().unwrap();
    let caps = policy("cap", CAP).replace("match: {}", "match: {projects: [a]}");
    write(dir.path(), &[("a.yaml", caps)]);
    assert!(refused(dir.path(), STRICT).contains("error[RP218]"));
    let (server, gate) = serve(dir.path().to_owned(), FALLBACK).await;
    assert!(gate.summary().starts_with("cap (bundle "), "{}", gate.summary());
    let notices = notices(&server).await;
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("error: ") && notice.contains("RP218")),
        "{notices:?}"
    );
    assert!(!notices.iter().any(|notice| notice.contains("left out")), "{notices:?}");
    server.until_metric("raygate_policies_broken 1").await;
    let platform = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {flyte: {namespace: \"{project}\"}}\n";
    write(dir.path(), &[("platform.yaml", platform.to_owned())]);
    server.until_metric("raygate_policies_broken 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_policy_the_built_in_ones_judge_and_mutate() {
    let platform = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {kuberay: {version: \"1.4\"}}\n";
    let dir = TempDir::new().unwrap();
    let files = [
        ("a.yaml", policy("typo", ", limitz: {}")),
        ("platform.yaml", platform.to_owned()),
    ];
    write(dir.path(), &files);
    let (server, gate) = serve(dir.path().to_owned(), FALLBACK).await;
    assert!(gate.summary().starts_with("default (bundle "), "{}", gate.summary());
    assert!(
        gate.summary().ends_with("KubeRay 1.4)"),
        "the Platform is valid: {}",
        gate.summary()
    );
    let answer = connect(&server).await.post("/mutate", &review()).await.body_text();
    assert!(
        patch(&answer).contains("\"shutdownAfterJobFinishes\":true"),
        "{}",
        patch(&answer)
    );
    let [first, left_out] = notices(&server).await.try_into().unwrap();
    assert!(
        first.ends_with("no valid policy was found at the start, so the built-in policies are in use"),
        "{first}"
    );
    assert!(left_out.starts_with("left out: RayPolicy `typo`"), "{left_out}");
    let metrics = server.metrics().await;
    assert!(metrics.contains("in_use=\"built-in\"} "), "{metrics}");

    // A volume that is not there.
    let empty = TempDir::new().unwrap();
    for directory in [empty.path().to_owned(), empty.path().join("none")] {
        refused(&directory, STRICT);
        let (server, gate) = serve(directory.clone(), FALLBACK).await;
        assert!(gate.summary().starts_with("default (bundle "), "{}", gate.summary());
        let metrics = server.metrics().await;
        assert!(metrics.contains("in_use=\"built-in\"} "), "{metrics}");
        fs::create_dir_all(&directory).unwrap();
        write(&directory, &[("a.yaml", policy("cap", CAP))]);
        server.until_metric("raygate_policies_broken 0").await;
        assert!(gate.summary().starts_with("cap (bundle "), "{}", gate.summary());
        fs::remove_file(directory.join("a.yaml")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_file_keeps_the_last_good_policies() {
    let dir = TempDir::new().unwrap();
    let whole = [("cap.yaml", policy("cap", CAP)), ("ttl.yaml", policy("ttl", TTL))];
    write(dir.path(), &whole);
    let (server, gate) = serve(dir.path().to_owned(), STRICT).await;
    let digest = gate.bundle().short_digest().to_owned();
    for (rest, files) in [
        ("", vec!["cap.yaml"]),
        ("# The caps\n---\n", vec!["cap.yaml"]),
        ("\n", vec!["cap.yaml", "ttl.yaml"]),
    ] {
        for file in files {
            fs::write(dir.path().join(file), rest).unwrap();
        }
        server.until_metric("raygate_policies_broken 1").await;
        let notices = notices(&server).await;
        assert!(notices[1].contains("cap.yaml:1:1: error[RP215]"), "{notices:?}");
        assert_eq!(gate.bundle().short_digest(), digest, "{rest:?}");
        assert!(refused(dir.path(), STRICT).contains("RP215"));
        write(dir.path(), &whole);
        server.until_metric("raygate_policies_broken 0").await;
    }
    // To delete a file is a decision.
    fs::remove_file(dir.path().join("cap.yaml")).unwrap();
    eventually("the change", async || gate.summary().starts_with("ttl (bundle ")).await;
    assert_eq!(notices(&server).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_policies_at_all_need_a_flag() {
    let dir = TempDir::new().unwrap();
    assert!(refused(dir.path(), STRICT).contains("there is no policy file below"));
    let accept = Accept {
        broken: false,
        empty: true,
        preview: Vec::new(),
    };
    let (server, gate) = serve(dir.path().to_owned(), accept).await;
    assert!(gate.summary().starts_with("none, checks only"), "{}", gate.summary());
    server.until_metric("raygate_policies_broken 0").await;
    write(dir.path(), &[("cap.yaml", policy("cap", CAP))]);
    eventually("the policy", async || gate.summary().starts_with("cap (bundle ")).await;
    fs::remove_file(dir.path().join("cap.yaml")).unwrap();
    eventually("no policy", async || gate.summary().starts_with("none, checks only")).await;
    fs::write(dir.path().join("cap.yaml"), "").unwrap();
    server.until_metric("raygate_policies_broken 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_effect_is_reported_for_as_long_as_it_is_there() {
    let dir = TempDir::new().unwrap();
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let own = dir.path().join("own");
    fs::create_dir(&own).unwrap();
    let never = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: never}\nspec: {match: {namespaces: [Team_A]}, limits: {maxPodsPerJob: 1}}\n";
    write(
        &own,
        &[
            ("cap.yaml", policy("cap", CAP)),
            ("never.yaml", never.to_owned()),
            ("ttl.yml", policy("ttl", TTL)),
        ],
    );
    let metrics = Arc::new(Metrics::new());
    let directories = vec![own.clone(), empty.clone()];
    let (follower, gate) = PolicyFiles::start(directories, STRICT, Arc::clone(&metrics)).unwrap();
    let wanted = |codes: &[&str]| {
        let text = metrics.encode();
        let (notices, series) = (gate.notices(), text.matches("raygate_policy_warnings{").count());
        series == codes.len()
            && notices.len() == codes.len()
            && codes.iter().all(|code| {
                notices.iter().any(|notice| notice.contains(code))
                    && text.contains(&format!("raygate_policy_warnings{{code=\"{code}\"}} 1\n"))
            })
    };
    assert!(wanted(&["RP216", "RP217", "RL102"]), "{:?}", gate.notices());
    tokio::spawn(reload::follow(follower, Duration::from_millis(5)));
    // An ignored file alone is no other set of policies, and still a change.
    fs::remove_file(own.join("ttl.yml")).unwrap();
    eventually("one warning less", async || wanted(&["RP217", "RL102"])).await;
    fs::remove_file(own.join("never.yaml")).unwrap();
    fs::write(empty.join("ttl.yaml"), policy("ttl", TTL)).unwrap();
    eventually("no warning", async || wanted(&[])).await;
}
