//! What Helm makes of the chart: the same objects as kustomize, and clear words for wrong values.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::{
    certs, documents,
    helm::{CHART, helm},
    kubectl::kubectl,
    kustomize::{combined, kustomize},
    made_certs, of_kind, only, policies, read, repository, sorted,
};

fn template(helm: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(helm);
    command.args(["template", "raygate", CHART, "--namespace", "raygate-system"]);
    command.args(arguments).output().unwrap()
}

/// The objects of the chart with these values, and the namespace.
fn rendered(helm: &Path, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["--set", "namespace.create=true"], arguments].concat();
    let output = template(helm, &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    documents(&String::from_utf8(output.stdout).unwrap())
}

/// What Helm says of values that the chart does not take.
fn refused(helm: &Path, arguments: &[&str]) -> String {
    let output = template(helm, arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?} was taken");
    told
}

/// The objects without what is allowed to differ: Helm's own labels, which must be there, and the line ends within the
/// base64 of a CA.
fn comparable(objects: Vec<Value>, is_charts: bool) -> Vec<Value> {
    let plain = |mut object: Value| {
        let labels = object["metadata"]["labels"].as_object_mut().unwrap();
        let helms = (
            labels.remove("app.kubernetes.io/managed-by"),
            labels.remove("helm.sh/chart"),
        );
        if is_charts {
            let version = concat!("raygate-", env!("CARGO_PKG_VERSION"));
            assert_eq!(helms, (Some("Helm".into()), Some(version.into())), "{object}");
        } else {
            assert_eq!(helms, (None, None), "{object}");
        }
        if let Some(bundle) = object.pointer_mut("/webhooks/0/clientConfig/caBundle") {
            *bundle = bundle.as_str().unwrap().replace('\n', "").into();
        }
        object
    };
    sorted(objects.into_iter().map(plain).collect())
}

/// Holds chart and kustomization against each other, but for the Secret that is not in the chart.
fn assert_same(helm: &Path, values: &[&str], kubectl: &Path, directory: &Path) {
    let mut built = kustomize(kubectl, directory);
    built.retain(|object| object["kind"] != "Secret");
    let (chart, built) = (comparable(rendered(helm, values), true), comparable(built, false));
    for (ours, theirs) in chart.iter().zip(&built) {
        assert_eq!(ours, theirs, "{values:?}, {}", directory.display());
    }
    assert_eq!(chart.len(), built.len(), "{values:?}, {}", directory.display());
}

#[test]
fn chart_and_overlays_are_the_same() {
    let (Some(helm), Some(kubectl)) = (helm(), kubectl()) else {
        return;
    };
    let (copy, own) = combined("overlays/cert-manager", &[]);
    let out = copy.path().join("certs");
    certs(&["--out", out.to_str().unwrap()]).unwrap();
    let ca = format!("certificates.caBundle={}", out.join("ca.crt").display());
    let overlay = |name: &str| copy.path().join("deploy/overlays").join(name);
    let secret = ["--set", "certificates.mode=secret", "--set-file", &ca];
    assert_same(&helm, &secret, &kubectl, &out);
    assert_same(&helm, &["--set", "certificates.mode=certManager"], &kubectl, &own);
    assert_same(&helm, &[], &kubectl, &overlay("self-managed"));
    let fail_open = ["--set", "webhooks.failurePolicy=Ignore"];
    assert_same(&helm, &fail_open, &kubectl, &overlay("fail-open"));
    let kind = ["--set", "replicas=1,image.pullPolicy=Never,resources.requests.cpu=10m"];
    assert_same(&helm, &kind, &kubectl, &overlay("kind"));
}

#[test]
fn chart_and_components_are_the_same() {
    let (Some(helm), Some(kubectl)) = (helm(), kubectl()) else {
        return;
    };
    for (component, value) in [
        ("autoscaler", "autoscaling.enabled=true"),
        ("client-certificates", "clientCertificates.names={kube-apiserver}"),
        ("fail-open", "webhooks.failurePolicy=Ignore"),
        ("monitoring", "monitoring.enabled=true"),
        ("observer", "observer.enabled=true"),
        ("rayjobs-only", "kinds={RayJob}"),
    ] {
        let (_copy, own) = combined("overlays/self-managed", &[component]);
        assert_same(&helm, &["--set", value], &kubectl, &own);
    }
}

#[test]
fn the_chart_is_of_this_version() {
    let chart = &documents(&read(&repository("deploy/chart/Chart.yaml")))[0];
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn values_reach_their_place() {
    let Some(helm) = helm() else { return };
    let digest = format!("sha256:{}", "0a".repeat(32));
    let image = format!("image.repository=registry.example.com:5000/ml/raygate,image.digest={digest}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let policy = "# é: {{ \"no template\" }}\nspec: {a: 'b'}\n\n";
    fs::write(file.path(), policy).unwrap();
    let policy_file = format!("policies.mine\\.yaml={}", file.path().display());
    let objects = rendered(
        &helm,
        &[
            "--set",
            &image,
            "--set-file",
            &policy_file,
            "--set",
            "priorityClassName=system-cluster-critical,image.pullSecrets={pull}",
            "--set",
            "webhooks.excludedNamespaces={sandbox,kube-system}",
            "--set-string",
            "settings.RAYGATE_LOG=debug",
            "--set",
            "nodeSelector.pool=system,tolerations[0].operator=Exists,podAnnotations.team=ml",
            "--set",
            "networkPolicy.enabled=false,monitoring.enabled=true,monitoring.labels.release=prometheus",
        ],
    );
    assert_eq!(of_kind(&objects, "ConfigMap")["data"], json!({"mine.yaml": policy}));
    let template = &of_kind(&objects, "Deployment")["spec"]["template"];
    assert_eq!(template["metadata"]["annotations"]["team"], "ml");
    let pod = &template["spec"];
    let container = only(&pod["containers"]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        container["image"],
        format!("registry.example.com:5000/ml/raygate:{version}@{digest}")
    );
    let env = container["env"].as_array().unwrap();
    assert!(env.ends_with(&[
        json!({"name": "RAYGATE_EXCLUDED_NAMESPACES", "value": "sandbox,kube-system"}),
        json!({"name": "RAYGATE_LOG", "value": "debug"}),
    ]));
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(pod["nodeSelector"], json!({"pool": "system"}));
    assert_eq!(pod["tolerations"], json!([{"operator": "Exists"}]));
    assert!(objects.iter().all(|object| object["kind"] != "NetworkPolicy"));
    let monitor = of_kind(&objects, "ServiceMonitor");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let selector = &only(&of_kind(&objects, kind)["webhooks"])["namespaceSelector"];
        let excluded = json!(["kube-system", "raygate-system", "sandbox"]);
        assert_eq!(only(&selector["matchExpressions"])["values"], excluded);
    }
}

#[test]
fn further_values_reach_their_place() {
    let Some(helm) = helm() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["system"]}]}
    ]}}});
    let variable = json!({"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "collector", "key": "token"}}});
    let values = json!({
        "affinity": affinity,
        "extraEnv": [variable],
        "podLabels": {"team": "ml"},
        "labels": {"owner": "platform"},
        "webhooks": {"timeoutSeconds": {"mutate": 2}},
    });
    fs::write(file.path(), values.to_string()).unwrap();
    let objects = rendered(&helm, &["--values", file.path().to_str().unwrap()]);
    for object in &objects {
        assert_eq!(object["metadata"]["labels"]["owner"], "platform", "{object}");
    }
    let template = &of_kind(&objects, "Deployment")["spec"]["template"];
    assert_eq!(template["metadata"]["labels"]["team"], "ml");
    assert_eq!(template["spec"]["affinity"], affinity);
    let env = only(&template["spec"]["containers"])["env"].as_array().unwrap().clone();
    assert_eq!(env.last(), Some(&variable));
    for (kind, seconds) in [
        ("MutatingWebhookConfiguration", 2),
        ("ValidatingWebhookConfiguration", 5),
    ] {
        assert_eq!(only(&of_kind(&objects, kind)["webhooks"])["timeoutSeconds"], seconds);
    }
}

/// The objects of the chart's hooks, which `helm install` and `helm test` create.
fn hooks(helm: &Path, hook: &str) -> Vec<Value> {
    let output = template(helm, &["--set", "nodeSelector.pool=system,image.pullSecrets={pull}"]);
    let objects = documents(&String::from_utf8(output.stdout).unwrap());
    let is_of = |object: &Value| object["metadata"]["annotations"]["helm.sh/hook"] == hook;
    objects.into_iter().filter(is_of).collect()
}

#[test]
fn an_image_runs_once_before_anything_is_installed() {
    let Some(helm) = helm() else { return };
    let hooks = hooks(&helm, "pre-install");
    let [job] = hooks.as_slice() else { panic!("{hooks:?}") };
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(only(&pod["containers"])["args"], json!(["--version"]));
    assert_eq!(pod["nodeSelector"], json!({"pool": "system"}));
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(pod["automountServiceAccountToken"], false);
}

#[test]
fn webhooks_wait_for_their_value() {
    let Some(helm) = helm() else { return };
    let objects = rendered(&helm, &["--set", "webhooks.enabled=false"]);
    let is_webhook = |object: &Value| object["kind"].as_str().unwrap().ends_with("WebhookConfiguration");
    assert!(objects.iter().any(|object| object["kind"] == "Deployment"));
    assert!(!objects.iter().any(is_webhook));
}

#[test]
fn settings_override_what_the_chart_sets() {
    let Some(helm) = helm() else { return };
    let env = |values: &[&str]| {
        let objects = rendered(&helm, values);
        only(&of_kind(&objects, "Deployment")["spec"]["template"]["spec"]["containers"])["env"].clone()
    };
    let modes = ["certManager", "selfManaged"].map(|mode| {
        format!("certificates.mode={mode},webhooks.failurePolicy=Ignore,webhooks.excludedNamespaces={{sandbox}}")
    });
    for mode in &modes {
        let shipped = env(&["--set", mode]);
        for variable in shipped.as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let changed = env(&["--set", mode, "--set-string", &format!("settings.{name}=mine")]);
            let changed: Vec<_> = changed
                .as_array()
                .unwrap()
                .iter()
                .filter(|it| it["name"] == name)
                .cloned()
                .collect();
            assert_eq!(changed, [json!({"name": name, "value": "mine"})]);
        }
    }
    for off in ["fallback=false", "settings.RAYGATE_FALLBACK=false"] {
        let env = env(&["--set", off]);
        let fallback: Vec<_> = env
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["name"] == "RAYGATE_FALLBACK")
            .collect();
        assert_eq!(
            fallback,
            [&json!({"name": "RAYGATE_FALLBACK", "value": "false"})],
            "{off}"
        );
    }
}

#[test]
fn users_whose_writes_do_not_come_are_values() {
    let Some(helm) = helm() else { return };
    let users = [
        "--set",
        "kuberay.operators={ray-operator}",
        "--set-json",
        r#"queue.controllers=["a<b>\"c"]"#,
    ];
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let objects = rendered(&helm, &users);
        let conditions = only(&of_kind(&objects, kind)["webhooks"])["matchConditions"]
            .as_array()
            .unwrap()
            .clone();
        let has = |list: &str| {
            conditions
                .iter()
                .any(|it| it["expression"].as_str().unwrap().contains(list))
        };
        assert!(has(r#"["ray-operator"]"#) && has(r#"["a<b>\"c"]"#), "{conditions:?}");
    }
    let none = rendered(&helm, &["--set-json", "kuberay.operators=[],queue.controllers=[]"]);
    let webhook = only(&of_kind(&none, "ValidatingWebhookConfiguration")["webhooks"]);
    assert!(
        webhook["matchConditions"].to_string().contains("username in []"),
        "{webhook}"
    );
}

#[test]
fn kinds_are_registered_in_one_order() {
    let Some(helm) = helm() else { return };
    let of = |values: &[&str]| {
        let objects = rendered(&helm, values);
        let resources = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]
            .map(|kind| only(&only(&of_kind(&objects, kind)["webhooks"])["rules"])["resources"].clone());
        assert_eq!(resources[0], resources[1]);
        (resources[0].clone(), settings(&objects, "RAYGATE_KINDS"))
    };
    let all = json!(["rayjobs", "rayclusters", "rayservices", "raycronjobs"]);
    // 0.2.0 had no such value, and `--reuse-values` brings none.
    for every in [
        ["--set", "kinds=null"],
        ["--set-json", "kinds=[]"],
        ["--set", "kinds={RayService,RayCronJob,RayCluster,RayJob}"],
    ] {
        assert_eq!(of(&every), (all.clone(), vec![]), "{every:?}");
    }
    assert_eq!(
        of(&["--set", "kinds={RayService,RayJob}"]),
        (json!(["rayjobs", "rayservices"]), vec![json!("RayJob,RayService")])
    );
}

/// The values of a variable in the Deployment.
fn settings(objects: &[Value], name: &str) -> Vec<Value> {
    let container = only(&of_kind(objects, "Deployment")["spec"]["template"]["spec"]["containers"]);
    let settings = container["env"].as_array().unwrap().iter();
    let named = settings.filter(|it| it["name"] == name);
    named.map(|it| it["value"].clone()).collect()
}

#[test]
fn kinds_in_preview_are_a_value() {
    let Some(helm) = helm() else { return };
    let of = |values: &[&str]| settings(&rendered(&helm, values), "RAYGATE_PREVIEW");
    assert_eq!(of(&[]), [] as [Value; 0]);
    assert_eq!(of(&["--set-json", "preview=[]"]), [] as [Value; 0]);
    assert_eq!(
        of(&["--set", "preview={RayCluster,RayService}"]),
        ["RayCluster,RayService"]
    );
    assert!(refused(&helm, &["--set", "preview={RayJobs}"]).contains("preview"));
}

#[test]
fn the_ports_of_the_api_server_are_values() {
    let Some(helm) = helm() else { return };
    let objects = rendered(&helm, &["--set", "networkPolicy.apiServerPorts={443,16443}"]);
    let egress = only(&of_kind(&objects, "NetworkPolicy")["spec"]["egress"]);
    let expected = json!([{"port": 443, "protocol": "TCP"}, {"port": 16443, "protocol": "TCP"}]);
    assert_eq!(egress, &json!({"ports": expected}));
    // No ports at all would be every port of everyone.
    for none in ["networkPolicy.apiServerPorts=null", "networkPolicy.apiServerPorts={}"] {
        let words = refused(&helm, &["--set", none]);
        assert!(words.contains("apiServerPorts"), "{none}: {words}");
    }
}

#[test]
fn the_network_policy_names_who_may_come() {
    let Some(helm) = helm() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    let peer = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}});
    let values = json!({"networkPolicy": {"apiServerCIDRs": ["10.0.0.10/32", "fd00::/64"], "metricsFrom": [peer]}});
    fs::write(file.path(), values.to_string()).unwrap();
    let objects = rendered(&helm, &["--values", file.path().to_str().unwrap()]);
    let block = |cidr| json!({"ipBlock": {"cidr": cidr}});
    let port = |name| json!([{"port": name, "protocol": "TCP"}]);
    assert_eq!(
        of_kind(&objects, "NetworkPolicy")["spec"]["ingress"],
        json!([
            {"ports": port("https"), "from": [block("10.0.0.10/32"), block("fd00::/64")]},
            {"ports": port("metrics"), "from": [peer]},
        ])
    );
    let words = refused(&helm, &["--set", "networkPolicy.apiServerCIDRs={10.0.0.10}"]);
    assert!(words.contains("apiServerCIDRs"), "{words}");
}

#[test]
fn the_shipped_policies_are_the_default() {
    // Helm takes no file from outside of the chart.
    if std::env::var_os("RAYGATE_BLESS").is_some() {
        for (name, text) in policies() {
            fs::write(repository("deploy/chart/policies").join(name), text).unwrap();
        }
    }
    let Some(helm) = helm() else { return };
    let data = &of_kind(&rendered(&helm, &[]), "ConfigMap")["data"].clone();
    let shipped: serde_json::Map<_, _> = policies().into_iter().map(|(name, text)| (name, text.into())).collect();
    assert_eq!(data, &Value::Object(shipped));
}

#[test]
fn wrong_values_are_named() {
    let Some(helm) = helm() else { return };
    let (_directory, ca) = made_certs();
    let key = ca.replace("ca.crt", "ca.key");
    let key = format!("certificates.caBundle={key}");
    for (arguments, told) in [
        (["--set", "replica=3"], "replica"),
        (["--set", "image.tags=1"], "tags"),
        (["--set", "replicas=0"], "replicas"),
        (["--set", "replicas=two"], "replicas"),
        (["--set", "image.digest=sha256:12"], "digest"),
        (["--set", "webhooks.failurePolicy=Maybe"], "failurePolicy"),
        (["--set", "webhooks.timeoutSeconds.validate=31"], "validate"),
        (["--set", "extraEnv[0].value=1"], "name"),
        (["--set", "podLabels.a=1"], "podLabels"),
        (["--set", "kinds={RayJobs}"], "kinds"),
        (["--set", "kinds=RayJob"], "kinds"),
        (["--set", "webhooks.excludedNamespaces={A}"], "excludedNamespaces"),
        (["--set", "certificates.mode=selfsigned"], "mode"),
        (
            ["--set", "certificates.mode=secret"],
            "--set-file certificates.caBundle=ca.crt",
        ),
        (["--set-file", &key], "caBundle"),
        (["--set-string", "policies.mine=a"], "mine"),
        (["--set-string", "settings.LOG=debug"], "LOG"),
        (["--set", "resources.requests.memory=lots"], "memory"),
        (
            ["--set", "autoscaling.enabled=true,replicas=9"],
            "autoscaling.maxReplicas is 6, less than replicas, which is 9",
        ),
    ] {
        let said = refused(&helm, &arguments);
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}

#[test]
fn every_value_is_in_the_schema() {
    let values = &documents(&read(&repository("deploy/chart/values.yaml")))[0];
    let schema: Value = serde_json::from_str(&read(&repository("deploy/chart/values.schema.json"))).unwrap();
    let mut known: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    // Helm adds it for charts that are part of others.
    known.retain(|key| *key != "global");
    let mut keys: Vec<_> = values.as_object().unwrap().keys().collect();
    known.sort();
    keys.sort();
    assert_eq!(keys, known);
    assert_eq!(schema["additionalProperties"], false);
}
