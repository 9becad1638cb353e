//! `raygate scan` reads the RayJobs of the cluster and judges them, and changes none.

use std::process::{Command, Output};

use serde_json::{Value, json};

use raygate::ray::kind::KINDS;

use crate::cluster::{Cluster, NAMESPACE, objects_path, rayjobs};
use crate::gate::raygate;
use crate::rayjobs::{as_kind, load, named, with_duplicate_group, with_duplicate_group_of};

fn scan(cluster: &Cluster, arguments: &[&str]) -> Output {
    Command::new(raygate())
        .env_clear()
        .arg("scan")
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig())
        .args(arguments)
        .output()
        .expect("run raygate scan")
}

fn text(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).expect("text")
}

fn json_of(cluster: &Cluster, arguments: &[&str]) -> Value {
    let output = scan(cluster, &[arguments, &["--output", "json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}

fn create(cluster: &Cluster, job: &Value) {
    cluster.api.post(&rayjobs(), job).expect(201);
}

/// Name and resource version of each RayJob; that of the list moves with every write to the cluster.
fn versions(cluster: &Cluster) -> Vec<(Value, Value)> {
    let jobs = cluster.api.get(&rayjobs()).expect(200);
    let metadata = jobs["items"]
        .as_array()
        .expect("the RayJobs")
        .iter()
        .map(|job| &job["metadata"]);
    metadata
        .map(|job| (job["name"].clone(), job["resourceVersion"].clone()))
        .collect()
}

pub(crate) fn every_rayjob_is_judged_over_several_pages(cluster: &Cluster) {
    for nth in 0..205 {
        create(cluster, &named(load("seed-06"), &format!("good-{nth:03}")));
    }
    create(cluster, &with_duplicate_group(named(load("seed-06"), "bad")));
    let before = versions(cluster);
    let scanned = json_of(cluster, &["--all"]);
    let total = &scanned["totals"][0];
    assert_eq!(
        (&total["kind"], &total["objects"]),
        (&json!("RayJob"), &json!(206)),
        "{total}"
    );
    assert_eq!(total["denied"], 1);
    let found = scanned["objects"].as_array().expect("the objects");
    assert_eq!(found.len(), 206);
    let bad = found.iter().find(|job| job["name"] == "bad").expect("the bad one");
    assert_eq!(bad["verdict"], "denied");
    assert_eq!(bad["findings"][0]["code"], "RG501");
    assert_eq!(before, versions(cluster), "a scan changes nothing");

    let table = scan(cluster, &[]);
    assert_eq!(table.status.code(), Some(1), "{}", text(&table));
    assert_eq!(table.stderr, b"", "no terminal, no progress");
    let table = text(&table);
    let row = table.lines().find(|line| line.contains(" bad ")).expect("a row");
    assert!(row.contains("denied") && row.contains("RG501"), "{table}");
    assert!(table.contains("206 RayJobs: 1 denied, "), "{table}");

    let Some(screen) = on_a_terminal(cluster, "") else {
        return eprintln!(
            "SKIPPED: there is no `script` to give the scan a terminal, so its progress is not looked at"
        );
    };
    let (progress, rest) = screen.rsplit_once("\r\u{1b}[K").expect("the progress is cleared");
    for line in [
        "0 RayJobs so far",
        "] 100 of 206 RayJobs",
        "] 200 of 206 RayJobs",
        "] 206 of 206 RayJobs",
    ] {
        assert!(progress.contains(line), "{line}: {progress:?}");
    }
    assert!(!progress.contains('\n'), "it is one line: {progress:?}");
    assert_eq!(rest.replace('\r', ""), table);
    // Where a query selects, the API server does not say how many are left.
    let screen = on_a_terminal(cluster, "--selector scan!=yes").expect("a terminal");
    assert!(screen.contains("100 RayJobs so far"), "{screen:?}");
}

/// What a scan writes to a terminal that wants no colours; `None` where nothing is at hand that plays one.
fn on_a_terminal(cluster: &Cluster, arguments: &str) -> Option<String> {
    let command = format!(
        "{} scan --kubeconfig {} {arguments}",
        raygate(),
        cluster.kubeconfig().display()
    );
    let output = Command::new("script")
        .args(["--quiet", "--command", &command, "/dev/null"])
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .output()
        .ok()?;
    Some(String::from_utf8(output.stdout).expect("text"))
}

pub(crate) fn a_selector_and_a_namespace_narrow_it(cluster: &Cluster) {
    let mut marked = named(load("seed-06"), "marked");
    marked["metadata"]["labels"]["scan"] = json!("yes/no".replace('/', "."));
    create(cluster, &marked);
    create(cluster, &named(load("seed-06"), "other"));
    let names = |arguments: &[&str]| -> Vec<String> {
        let scanned = json_of(cluster, &[arguments, &["--all"]].concat());
        let jobs = scanned["objects"].as_array().expect("the objects").clone();
        jobs.iter()
            .filter_map(|job| job["name"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(names(&["--namespace", NAMESPACE]), ["marked", "other"]);
    assert_eq!(names(&["-l", "scan=yes.no"]), ["marked"]);
    assert_eq!(names(&["-l", "scan notin (yes.no)"]), ["other"]);
    assert!(names(&["--namespace", "default"]).is_empty());
}

pub(crate) fn reports_are_for_one_namespace_each(cluster: &Cluster) {
    create(cluster, &with_duplicate_group(named(load("seed-06"), "bad")));
    for (format, version, kind) in [
        ("openreports", "openreports.io/v1alpha1", "Report"),
        ("policyreports", "wgpolicyk8s.io/v1alpha2", "PolicyReport"),
    ] {
        let output = scan(cluster, &["--output", format]);
        let list: Value = serde_json::from_slice(&output.stdout).expect("a List");
        assert_eq!((&list["apiVersion"], &list["kind"]), (&json!("v1"), &json!("List")));
        let report = &list["items"][0];
        assert_eq!(
            (&report["apiVersion"], &report["kind"]),
            (&json!(version), &json!(kind))
        );
        assert_eq!(report["metadata"]["namespace"], NAMESPACE);
        assert_eq!(report["summary"]["fail"], 1, "{report}");
        let failed = report["results"].as_array().expect("results");
        let failed = failed
            .iter()
            .find(|result| result["result"] == "fail")
            .expect("a failure");
        assert_eq!(failed["policy"], "RG501");
        assert_eq!(failed["resources"][0]["name"], "bad");
    }
}

pub(crate) fn what_the_cluster_refuses_is_said(cluster: &Cluster) {
    let nobody = cluster.folder().join("nobody");
    let known = std::fs::read_to_string(cluster.kubeconfig()).expect("read the kubeconfig");
    let mut config: Value = serde_json::from_str(&known).expect("JSON");
    config["users"][0]["user"] = json!({"token": "unknown"});
    std::fs::write(&nobody, config.to_string()).expect("write a kubeconfig");
    let output = Command::new(raygate())
        .env_clear()
        .args(["scan", "--kubeconfig"])
        .arg(&nobody)
        .output()
        .expect("run raygate scan");
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(
        text(&output).contains("cannot list the RayJobs: 401 Unauthorized"),
        "{}",
        text(&output)
    );
    config["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:1");
    std::fs::write(&nobody, config.to_string()).expect("write a kubeconfig");
    let output = Command::new(raygate())
        .env_clear()
        .args(["scan", "--kubeconfig"])
        .arg(&nobody)
        .output()
        .expect("run raygate scan");
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(
        text(&output).contains("is this the right cluster?"),
        "{}",
        text(&output)
    );
}

/// A RayCluster of a RayJob was not judged when KubeRay created it, so a scan does not judge it either.
pub(crate) fn each_kind_is_counted(cluster: &Cluster) {
    let mut uid = Value::Null;
    for kind in KINDS {
        let object = with_duplicate_group_of(kind, as_kind(kind, &named(load("seed-06"), "bad")));
        let stored = cluster.api.post(&objects_path(kind), &object).expect(201);
        if kind.name == "RayJob" {
            uid = stored["metadata"]["uid"].clone();
        }
    }
    let [job, owned, ..] = KINDS;
    for (name, uid) in [("child", uid), ("claims-to-be-one", json!("0"))] {
        let mut child = as_kind(owned, &named(load("seed-06"), name));
        let owner = json!({"apiVersion": "ray.io/v1", "kind": job.name, "name": "bad", "uid": uid, "controller": true});
        child["metadata"]["ownerReferences"] = json!([owner]);
        cluster.api.post(&objects_path(owned), &child).expect(201);
    }
    let scanned = json_of(cluster, &["--all"]);
    let totals: Vec<_> = scanned["totals"]
        .as_array()
        .expect("totals")
        .iter()
        .map(|total| ["kind", "objects", "denied", "children"].map(|field| total[field].clone()))
        .collect();
    let expected = KINDS.map(|kind| match kind.name {
        "RayCluster" => [json!(kind.name), json!(2), json!(1), json!(1)],
        name => [json!(name), json!(1), json!(1), json!(0)],
    });
    assert_eq!(totals, expected, "{:#}", scanned["totals"]);
    let table = text(&scan(cluster, &[]));
    for kind in KINDS {
        let row = table.lines().find(|line| line.contains(&format!(" {} ", kind.name)));
        assert!(
            row.is_some_and(|row| row.contains("denied") && row.contains("RG501")),
            "{table}"
        );
    }
    assert!(table.contains("2 RayClusters: 1 denied, "), "{table}");
    let file = cluster.folder().join("quota.json");
    let quota = json!({"metadata": {"namespace": NAMESPACE, "name": "small"}, "spec": {"hard": {"requests.cpu": "1"}}});
    let facts = json!({"apiVersion": "raygate.dev/v1beta1", "kind": "ClusterFacts", "kinds": {"ResourceQuota": {"items": [quota]}}});
    std::fs::write(&file, facts.to_string()).expect("write facts");
    let file = file.to_str().expect("a path in UTF-8");
    let never = json_of(cluster, &["--facts", file])["neverRun"].take();
    assert_eq!(never[0]["code"], "RG807", "{never}");
    assert_eq!(never[0]["namespace"], NAMESPACE, "{never}");
    assert!(never[0]["objects"].as_u64() >= Some(4), "{never}");
    let told = text(&scan(cluster, &["--facts", file]));
    assert!(told.contains("this cluster can never run:\nNAMESPACE"), "{told}");
    assert!(table.contains("; 1 more belong to these objects"), "{table}");
    let narrowed = json_of(cluster, &["--all", "--kinds", "RayService"]);
    assert_eq!(narrowed["totals"].as_array().map(Vec::len), Some(1));
    assert_eq!(narrowed["objects"][0]["kind"], "RayService");
}
