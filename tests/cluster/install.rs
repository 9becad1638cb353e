//! Every way of installing raygate, as the API server takes it: objects, Pod Security, upgrades, and what is left after it
//! was removed.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::api::{Answer, ApplyYaml};
use crate::cluster::{Cluster, rayjobs};
use crate::foreign;
use crate::gate::{Hook, raygate};
use crate::helm::{CHART, helm};
use crate::kubectl::kubectl;
use crate::process::wait_for;
use crate::rayjobs::{load, named};

/// The namespace in `deploy/`.
const NAMESPACE: &str = "raygate-system";

pub(crate) fn every_object_of_the_chart_is_taken(cluster: &Cluster) {
    let Some(helm) = helm() else { return };
    foreign::install(cluster);
    let ca = certificates(cluster).join("ca.crt");
    let ca = format!("certificates.caBundle={}", ca.display());
    let all = "autoscaling.enabled=true,monitoring.enabled=true,webhooks.failurePolicy=Ignore,\
               webhooks.excludedNamespaces={sandbox},priorityClassName=system-cluster-critical,\
               image.pullSecrets={pull},nodeSelector.pool=system,tolerations[0].operator=Exists";
    let secret = ["--set", "certificates.mode=secret", "--set-file", &ca];
    for values in [
        &[] as &[&str],
        &["--set", all],
        &["--set", "certificates.mode=certManager"],
        &secret,
    ] {
        let mut command = Command::new(&helm);
        command.args([
            "template",
            "raygate",
            CHART,
            "--namespace",
            NAMESPACE,
            "--set",
            "namespace.create=true",
        ]);
        assert_taken(cluster, &run(command.args(values)));
    }
}

pub(crate) fn every_object_of_the_overlays_is_taken(cluster: &Cluster) {
    let Some(kubectl) = kubectl() else { return };
    foreign::install(cluster);
    // Overlays take the certificates from a folder in the repository, which holds none.
    let copy = cluster.folder().join("kustomizations");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(&copy).expect("create a folder for a copy");
    for folder in ["deploy", "policies", "certs"] {
        run(Command::new("cp").arg("-r").arg(repository.join(folder)).arg(&copy));
    }
    run(Command::new(raygate())
        .args(["certs", "--force", "--out"])
        .arg(copy.join("certs")));
    for directory in ["deploy", "certs"].into_iter().map(str::to_owned).chain(overlays()) {
        assert_taken(
            cluster,
            &run(Command::new(&kubectl).arg("kustomize").arg(copy.join(directory))),
        );
    }
}

pub(crate) fn every_object_of_the_command_is_taken(cluster: &Cluster) {
    foreign::install(cluster);
    let ca = certificates(cluster).join("ca.crt");
    let components = [
        "autoscaler",
        "client-certificates",
        "fail-open",
        "monitoring",
        "observer",
    ]
    .map(|name| ["--with", name])
    .concat();
    run_manifests(cluster, &["--ca-file", ca.to_str().expect("a path in UTF-8")]);
    run_manifests(
        cluster,
        &[&["--certificates", "cert-manager"], &components[..]].concat(),
    );
}

pub(crate) fn pods_pass_restricted_pod_security(cluster: &Cluster) {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All&fieldValidation=Strict");
    let mut pod = Value::Null;
    for keeper in ["files", "self-managed"] {
        let observer = ["--with", "observer"];
        let arguments = ["manifests", "--only", "server", "--certificates", keeper];
        let printed = run(Command::new(raygate()).args(arguments).args(observer));
        store_namespace(cluster, &documents(&printed));
        let deployment = documents(&printed)
            .into_iter()
            .find(|object| object["kind"] == "Deployment");
        pod = deployment.expect("a Deployment")["spec"]["template"].take();
        pod["metadata"]["name"] = "raygate".into();
        let created = cluster.api.post(&path, &pod);
        assert_eq!(
            (created.code, &created.warnings[..]),
            (201, &[] as &[String]),
            "{created}"
        );
    }
    pod["spec"]["containers"][0]["securityContext"]["capabilities"].take();
    let refused = cluster.api.post(&path, &pod);
    assert_eq!(refused.code, 403, "{refused}");
    assert!(refused.message().contains("restricted"), "{refused}");
}

pub(crate) fn helm_installs_upgrades_and_leaves_no_webhook(cluster: &Cluster) {
    let Some(program) = helm() else { return };
    foreign::install(cluster);
    let _removed = Removed::new(cluster);
    let helm = |arguments: &[&str]| run_helm(cluster, &program, "raygate-helm", arguments);
    let told = helm(&[
        "install",
        "raygate",
        CHART,
        "--create-namespace",
        "--set",
        "certificates.mode=certManager",
    ]);
    for next in [
        "rollout status deployment/raygate",
        "helm -n raygate-helm uninstall raygate",
    ] {
        assert!(told.contains(next), "{told}");
    }
    wait_for("RayJobs to be refused", || is_refused(&create(cluster)));

    // cert-manager's injector writes the bundle. What follows must leave it there.
    let bundle = write_bundle(cluster);
    helm(&[
        "upgrade",
        "raygate",
        CHART,
        "--set",
        "certificates.mode=certManager,webhooks.failurePolicy=Ignore",
    ]);
    wait_for("RayJobs to pass unjudged", || is_created(&create(cluster)));
    assert_eq!(bundles(cluster), [bundle.clone(), bundle.clone()]);
    // From cert-manager's certificates to raygate's own.
    helm(&["upgrade", "raygate", CHART, "--set", "webhooks.failurePolicy=Fail"]);
    wait_for("RayJobs to be refused again", || is_refused(&create(cluster)));
    assert_eq!(bundles(cluster), [bundle.clone(), bundle]);

    helm(&["uninstall", "raygate"]);
    for hook in [Hook::Mutating, Hook::Validating] {
        cluster.api.get(&hook.configuration()).expect(404);
    }
    wait_for("RayJobs to pass", || is_created(&create(cluster)));
    for left in [
        "apps/v1/namespaces/raygate-helm/deployments",
        "cert-manager.io/v1/namespaces/raygate-helm/issuers",
    ] {
        let items = cluster.api.get(&format!("/apis/{left}")).expect(200)["items"].take();
        assert_eq!(items, json!([]), "{left}");
    }
}

/// 0.2.0 registered RayJobs, and had no value for the kinds. Kinds that an upgrade adds start in Preview, and stay there until
/// somebody enforces them.
pub(crate) fn an_upgrade_keeps_the_registered_kinds(cluster: &Cluster) {
    let Some(program) = helm() else { return };
    foreign::install(cluster);
    let _removed = Removed::new(cluster);
    let helm = |arguments: &[&str]| run_helm(cluster, &program, "raygate-kinds", arguments);
    let registered = || {
        let resources = [Hook::Mutating, Hook::Validating].map(|hook| {
            let configuration = cluster.api.get(&hook.configuration()).expect(200);
            configuration["webhooks"][0]["rules"][0]["resources"].clone()
        });
        assert_eq!(resources[0], resources[1]);
        resources[0].clone()
    };
    let previewed = || {
        let deployment = cluster
            .api
            .get("/apis/apps/v1/namespaces/raygate-kinds/deployments/raygate");
        let deployment = deployment.expect(200);
        let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array();
        let setting = env.expect("settings").iter().find(|it| it["name"] == "RAYGATE_PREVIEW");
        setting.map_or_else(String::new, |it| it["value"].as_str().expect("text").to_owned())
    };
    let all = json!(["rayjobs", "rayclusters", "rayservices", "raycronjobs"]);
    helm(&["install", "raygate", CHART, "--create-namespace"]);
    assert_eq!((registered(), &*previewed()), (all.clone(), ""));
    for hook in [Hook::Mutating, Hook::Validating] {
        let patch = json!([{"op": "replace", "path": "/webhooks/0/rules/0/resources", "value": ["rayjobs"]}]);
        cluster.api.json_patch(&hook.configuration(), &patch).expect(200);
    }
    for values in [
        &[] as &[&str],
        &["--set", "replicas=3"],
        &["--reuse-values"],
        &["--reset-then-reuse-values", "--set", "replicas=2"],
    ] {
        helm(&[&["upgrade", "raygate", CHART], values].concat());
        assert_eq!((registered(), &*previewed()), (json!(["rayjobs"]), ""), "{values:?}");
    }
    // Also after somebody broke the glass.
    for hook in [Hook::Mutating, Hook::Validating] {
        cluster.api.delete(&hook.configuration()).expect(200);
    }
    helm(&["upgrade", "raygate", CHART]);
    assert_eq!(registered(), json!(["rayjobs"]));
    helm(&["upgrade", "raygate", CHART, "--set", "kinds={RayJob,RayCluster}"]);
    assert_eq!(
        (registered(), &*previewed()),
        (json!(["rayjobs", "rayclusters"]), "RayCluster")
    );
    let all_kinds = "kinds={RayJob,RayCluster,RayService,RayCronJob}";
    let new_kinds = "RayCluster,RayService,RayCronJob";
    for values in [&["--set", all_kinds] as &[&str], &[], &["--reset-then-reuse-values"]] {
        helm(&[&["upgrade", "raygate", CHART], values].concat());
        assert_eq!((registered(), &*previewed()), (all.clone(), new_kinds), "{values:?}");
    }
    for (preview, expected) in [(r#"preview=["RayService"]"#, "RayService"), ("preview=[]", "")] {
        helm(&["upgrade", "raygate", CHART, "--set-json", preview]);
        assert_eq!((registered(), &*previewed()), (all.clone(), expected), "{preview}");
    }
    // What is enforced stays so.
    helm(&["upgrade", "raygate", CHART, "--reset-values"]);
    assert_eq!((registered(), &*previewed()), (all, ""));
    helm(&["uninstall", "raygate"]);
}

/// From the chart of the previous release to this one and back, as its users do it.
pub(crate) fn an_upgrade_from_the_previous_release_can_be_rolled_back(cluster: &Cluster) {
    let Some(program) = helm() else { return };
    foreign::install(cluster);
    let _removed = Removed::new(cluster);
    let previous = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/releases/raygate-0.2.0.tgz");
    let helm = |arguments: &[&str]| run_helm(cluster, &program, "raygate-previous", arguments);
    let registered = || {
        let configuration = cluster.api.get(&Hook::Validating.configuration()).expect(200);
        configuration["webhooks"][0]["rules"][0]["resources"].clone()
    };
    // The previous chart had no such label.
    let is_new = || {
        let configuration = cluster.api.get(&Hook::Validating.configuration()).expect(200);
        configuration["metadata"]["labels"]["app.kubernetes.io/component"] == "webhooks"
    };
    helm(&[
        "install",
        "raygate",
        previous,
        "--create-namespace",
        "--set",
        "replicas=3",
    ]);
    let bundle = write_bundle(cluster);
    assert_eq!((is_new(), registered()), (false, json!(["rayjobs"])));
    helm(&["upgrade", "raygate", CHART, "--reset-then-reuse-values"]);
    // The kinds and the values of before stay, and so does the bundle that raygate wrote.
    assert_eq!((is_new(), registered()), (true, json!(["rayjobs"])));
    assert_eq!(bundles(cluster), [bundle.clone(), bundle.clone()]);
    wait_for("RayJobs to be refused", || is_refused(&create(cluster)));
    helm(&["rollback", "raygate", "1"]);
    assert_eq!((is_new(), registered()), (false, json!(["rayjobs"])));
    assert_eq!(bundles(cluster), [bundle.clone(), bundle.clone()]);
    helm(&["upgrade", "raygate", CHART, "--reset-then-reuse-values"]);
    assert_eq!(bundles(cluster), [bundle.clone(), bundle]);
    helm(&["uninstall", "raygate"]);
}

pub(crate) fn taking_the_webhooks_away_first_does_not_hinder_helm(cluster: &Cluster) {
    let Some(program) = helm() else { return };
    foreign::install(cluster);
    let _removed = Removed::new(cluster);
    let helm = |arguments: &[&str]| run_helm(cluster, &program, "raygate-first", arguments);
    helm(&["install", "raygate", CHART, "--create-namespace"]);
    wait_for("RayJobs to be refused", || is_refused(&create(cluster)));
    for hook in [Hook::Mutating, Hook::Validating] {
        cluster.api.delete(&hook.configuration()).expect(200);
    }
    wait_for("RayJobs to pass", || is_created(&create(cluster)));
    helm(&["uninstall", "raygate"]);
    assert!(is_created(&create(cluster)).is_ok());
}

pub(crate) fn kubectl_applies_again_and_deletes(cluster: &Cluster) {
    let Some(kubectl) = kubectl() else { return };
    foreign::install(cluster);
    let _removed = Removed::new(cluster);
    let manifests = |more: &[&str]| {
        let mut command = Command::new(raygate());
        command.args([
            "manifests",
            "--certificates",
            "cert-manager",
            "--namespace",
            "raygate-kubectl",
        ]);
        let file = cluster.folder().join("raygate.yaml");
        std::fs::write(&file, run(command.args(more))).expect("write the manifests");
        file
    };
    let kubectl = |verb: &[&str], file: &Path| {
        let mut command = Command::new(&kubectl);
        run(command
            .args(verb)
            .arg("-f")
            .arg(file)
            .env("KUBECONFIG", cluster.kubeconfig()))
    };
    let closed = manifests(&[]);
    kubectl(&["apply"], &closed);
    wait_for("RayJobs to be refused", || is_refused(&create(cluster)));
    let bundle = write_bundle(cluster);
    kubectl(&["apply"], &manifests(&["--with", "fail-open"]));
    wait_for("RayJobs to pass unjudged", || is_created(&create(cluster)));
    assert_eq!(bundles(cluster), [bundle.clone(), bundle]);
    // No controller runs that would end the namespace.
    kubectl(&["delete", "--wait=false"], &closed);
    for hook in [Hook::Mutating, Hook::Validating] {
        cluster.api.get(&hook.configuration()).expect(404);
    }
}

/// Runs Helm without the hook that tries the image: no pod runs here.
fn run_helm(cluster: &Cluster, program: &Path, namespace: &str, arguments: &[&str]) -> String {
    let mut command = helm_command(cluster, program, namespace, arguments);
    if arguments.first() == Some(&"install") {
        command.arg("--no-hooks");
    }
    run(&mut command)
}

fn helm_command(cluster: &Cluster, program: &Path, namespace: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).args(["--namespace", namespace]);
    for place in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(place, cluster.folder().join("helm"));
    }
    command.env("KUBECONFIG", cluster.kubeconfig());
    command
}

/// No kubelet runs here, as if the image could never be pulled.
pub(crate) fn an_image_that_never_runs_blocks_nobody(cluster: &Cluster) {
    let Some(program) = helm() else { return };
    foreign::install(cluster);
    let _removed = Removed::new(cluster);
    let install = ["install", "raygate", CHART, "--create-namespace", "--timeout", "3s"];
    let output = helm_command(cluster, &program, "raygate-image", &install)
        .output()
        .expect("run Helm");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("pre-install"), "{told}");
    for hook in [Hook::Mutating, Hook::Validating] {
        cluster.api.get(&hook.configuration()).expect(404);
    }
    cluster
        .api
        .get("/apis/apps/v1/namespaces/raygate-image/deployments/raygate")
        .expect(404);
    assert!(is_created(&create(cluster)).is_ok());

    // The webhooks come with the second command, when a replica is ready.
    let helm = |arguments: &[&str]| run_helm(cluster, &program, "raygate-image", arguments);
    helm(&["uninstall", "raygate"]);
    helm(&["install", "raygate", CHART, "--set", "webhooks.enabled=false"]);
    assert!(is_created(&create(cluster)).is_ok());
    cluster.api.get(&Hook::Validating.configuration()).expect(404);
    helm(&[
        "upgrade",
        "raygate",
        CHART,
        "--reuse-values",
        "--set",
        "webhooks.enabled=true",
    ]);
    wait_for("RayJobs to be refused", || is_refused(&create(cluster)));
    helm(&["uninstall", "raygate"]);
}

/// With kubectl, the label of the webhooks leaves them out until a replica is ready.
pub(crate) fn kubectl_registers_the_webhooks_last(cluster: &Cluster) {
    let Some(kubectl) = kubectl() else { return };
    foreign::install(cluster);
    let _removed = Removed::new(cluster);
    let file = cluster.folder().join("raygate-last.yaml");
    let mut manifests = Command::new(raygate());
    manifests.args([
        "manifests",
        "--certificates",
        "self-managed",
        "--namespace",
        "raygate-last",
    ]);
    std::fs::write(&file, run(&mut manifests)).expect("write the manifests");
    let apply = |selector: &[&str]| {
        let mut command = Command::new(&kubectl);
        command.arg("apply").args(selector).arg("-f").arg(&file);
        run(command.env("KUBECONFIG", cluster.kubeconfig()))
    };
    apply(&["--selector", "app.kubernetes.io/component!=webhooks"]);
    cluster
        .api
        .get("/apis/apps/v1/namespaces/raygate-last/deployments/raygate")
        .expect(200);
    for hook in [Hook::Mutating, Hook::Validating] {
        cluster.api.get(&hook.configuration()).expect(404);
    }
    assert!(is_created(&create(cluster)).is_ok());
    apply(&[]);
    wait_for("RayJobs to be refused", || is_refused(&create(cluster)));
}

/// From its start to its drop, what other tests leave of raygate in the scope of the whole cluster is gone: Helm would
/// refuse it as someone else's.
struct Removed<'a>(&'a Cluster);

impl<'a> Removed<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        let removed = Self(cluster);
        removed.remove();
        removed
    }

    fn remove(&self) {
        for hook in [Hook::Mutating, Hook::Validating] {
            self.0.api.delete(&hook.configuration());
        }
        for kind in ["validatingadmissionpolicybindings", "validatingadmissionpolicies"] {
            for name in ["raygate-ca-bundle", "raygate-certificates"] {
                let path = format!("/apis/admissionregistration.k8s.io/v1/{kind}/{name}");
                self.0.api.delete(&path);
            }
        }
        for kind in ["clusterroles", "clusterrolebindings"] {
            let path = format!("/apis/rbac.authorization.k8s.io/v1/{kind}/raygate-ca-bundle");
            self.0.api.delete(&path);
        }
    }
}

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The overlays in `deploy/`.
fn overlays() -> impl Iterator<Item = String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/overlays");
    let entries = std::fs::read_dir(folder).expect("read the folder of the overlays");
    entries.map(|entry| {
        let name = entry.expect("an overlay").file_name();
        format!("deploy/overlays/{}", name.to_str().expect("a name in UTF-8"))
    })
}

/// A folder with a pair and its CA.
fn certificates(cluster: &Cluster) -> std::path::PathBuf {
    let folder = cluster.folder().join("install-certificates");
    run(Command::new(raygate()).args(["certs", "--force", "--out"]).arg(&folder));
    folder
}

fn run_manifests(cluster: &Cluster, arguments: &[&str]) {
    assert_taken(cluster, &run(Command::new(raygate()).arg("manifests").args(arguments)));
}

/// Runs a command that must end well, and returns what it printed.
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().expect("run a command");
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?} ended with {status}:\n{errors}");
    String::from_utf8(stdout).expect("text on standard output")
}

pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).expect("YAML documents")
}

/// Stores the namespace of these objects, which the API server wants before it takes any other.
pub(crate) fn store_namespace(cluster: &Cluster, objects: &[Value]) {
    let namespace = objects
        .iter()
        .find(|object| object["kind"] == "Namespace")
        .expect("a Namespace");
    let stored = cluster
        .api
        .apply_yaml(&path_of(namespace), &namespace.to_string(), ApplyYaml::Store);
    assert!([200, 201].contains(&stored.code), "{stored}");
}

/// Has the API server judge every object, strictly, as if it were to be stored.
fn assert_taken(cluster: &Cluster, yaml: &str) {
    let objects = documents(yaml);
    store_namespace(cluster, &objects);
    assert!(objects.len() >= 9, "{yaml}");
    for object in objects {
        let mode = ApplyYaml::DryRun;
        let answer = cluster.api.apply_yaml(&path_of(&object), &object.to_string(), mode);
        assert!([200, 201].contains(&answer.code), "{object:#}\n{answer}");
        assert_eq!(answer.warnings, [""; 0], "{object:#}");
    }
}

/// Where an object is in the API.
pub(crate) fn path_of(object: &Value) -> String {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]).to_lowercase());
    let api = if version.contains('/') { "apis" } else { "api" };
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    };
    let name = text(&object["metadata"]["name"]);
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{api}/{version}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("/{api}/{version}/{plural}/{name}"),
    }
}

fn create(cluster: &Cluster) -> Answer {
    cluster.api.post(
        &format!("{}?dryRun=All", rayjobs()),
        &named(load("seed-06"), "installed"),
    )
}

fn is_created(answer: &Answer) -> Result<(), String> {
    if answer.code == 201 {
        Ok(())
    } else {
        Err(answer.to_string())
    }
}

/// Nobody serves the webhook: the API server says that it could not call it.
fn is_refused(answer: &Answer) -> Result<(), String> {
    let message = answer.message();
    if answer.code == 500 && message.contains("failed calling webhook") && message.contains("rayjob.raygate.dev") {
        Ok(())
    } else {
        Err(answer.to_string())
    }
}

/// Writes a CA into both configurations, as someone does who is neither Helm nor kubectl.
fn write_bundle(cluster: &Cluster) -> Value {
    let ca = std::fs::read_to_string(certificates(cluster).join("ca.crt")).expect("read the CA");
    let bundle = Value::from(base64::Engine::encode(&base64::prelude::BASE64_STANDARD, ca));
    for hook in [Hook::Mutating, Hook::Validating] {
        let patch = json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]);
        cluster.api.json_patch(&hook.configuration(), &patch).expect(200);
    }
    bundle
}

fn bundles(cluster: &Cluster) -> [Value; 2] {
    [Hook::Mutating, Hook::Validating].map(|hook| {
        let configuration = cluster.api.get(&hook.configuration()).expect(200);
        configuration["webhooks"][0]["clientConfig"]["caBundle"].clone()
    })
}
