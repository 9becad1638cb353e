//! What `raygate manifests` prints.

use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::{Parser as _, error::ErrorKind};
use raygate::certs::{CaBundle, bundle::BundleError};
use serde_json::json;

use crate::{ManifestsCommand, check, deployed, documents, made_certs, manifests, manifests_of, of_kind, only, sorted};

#[test]
fn defaults_print_deploy_and_a_ca() {
    let (_directory, ca) = made_certs();
    let mut objects = documents(&manifests(&["--ca-file", &ca]));
    let mut bundles = 0;
    for config in objects
        .iter_mut()
        .filter_map(|object| object.pointer_mut("/webhooks/0/clientConfig"))
    {
        let bundle = config.as_object_mut().unwrap().remove("caBundle").unwrap();
        assert_eq!(
            BASE64_STANDARD.decode(bundle.as_str().unwrap()).unwrap(),
            fs::read(&ca).unwrap()
        );
        bundles += 1;
    }
    assert_eq!(bundles, 2);
    assert_eq!(sorted(objects), sorted(deployed()));
}

#[test]
fn the_parts_are_the_whole() {
    let (_directory, ca) = made_certs();
    let [server, webhooks, all] =
        ["server", "webhooks", "all"].map(|part| documents(&manifests(&["--ca-file", &ca, "--only", part])));
    assert_eq!(webhooks.len(), 2);
    assert_eq!(documents(&manifests(&["--only", "server"])), server);
    assert_eq!([server, webhooks].concat(), all);
    assert_eq!(documents(&manifests(&["--ca-file", &ca])), all);
}

#[test]
fn every_name_can_be_another() {
    let (_directory, ca) = made_certs();
    let image = "registry.example.com/raygate-system/gate:9";
    // `true` is a legal name of a namespace, and no string in YAML unless it is quoted.
    let names = [
        "--namespace",
        "true",
        "--service",
        "gate",
        "--image",
        image,
        "--replicas",
        "5",
    ];
    let text = manifests(&[&["--ca-file", &ca], &names[..]].concat());
    assert!(!text.replace(image, "").contains("raygate-system"), "{text}");
    let objects = documents(&text);
    assert_eq!(of_kind(&objects, "Namespace")["metadata"]["name"], "true");
    assert_eq!(of_kind(&objects, "Service")["metadata"]["name"], "gate");
    let deployment = of_kind(&objects, "Deployment");
    assert_eq!(deployment["spec"]["replicas"], 5);
    assert_eq!(
        only(&deployment["spec"]["template"]["spec"]["containers"])["image"],
        image
    );
    assert_eq!(
        deployment["spec"]["selector"]["matchLabels"],
        of_kind(&objects, "Service")["spec"]["selector"]
    );
    for (kind, path) in [
        ("MutatingWebhookConfiguration", "/mutate"),
        ("ValidatingWebhookConfiguration", "/validate"),
    ] {
        let webhook = only(&of_kind(&objects, kind)["webhooks"]);
        let service = json!({"namespace": "true", "name": "gate", "path": path, "port": 443});
        assert_eq!(webhook["clientConfig"]["service"], service);
        let excluded = &only(&webhook["namespaceSelector"]["matchExpressions"])["values"];
        assert_eq!(excluded, &json!(["kube-system", "true"]));
    }
    let namespaces = objects
        .iter()
        .filter_map(|object| object["metadata"]["namespace"].as_str());
    assert_eq!(namespaces.collect::<Vec<_>>(), ["true"; 6]);
}

#[test]
fn the_account_of_another_namespace_is_restricted() {
    let self_managed = ["--certificates", "self-managed", "--namespace", "ml"];
    let printed = manifests(&self_managed);
    assert!(!printed.contains("raygate-system"), "{printed}");
    let policies = documents(&manifests(
        &[&self_managed[..], &["--only", "admission-policies"]].concat(),
    ));
    let named: Vec<_> = policies
        .iter()
        .map(|object| {
            (
                object["kind"].as_str().unwrap(),
                object["metadata"]["name"].as_str().unwrap(),
            )
        })
        .collect();
    let (policy, binding) = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding");
    assert_eq!(
        named,
        [
            (policy, "raygate-ca-bundle"),
            (binding, "raygate-ca-bundle"),
            (policy, "raygate-certificates"),
            (binding, "raygate-certificates"),
        ]
    );
    let all = documents(&printed);
    assert!(policies.iter().all(|object| all.contains(object)));
    let error = manifests_of(&[], &["--only", "admission-policies"])
        .unwrap_err()
        .to_string();
    assert!(error.contains("--certificates self-managed"), "{error}");
}

#[test]
fn the_platform_names_whose_writes_do_not_come() {
    let (_directory, ca) = made_certs();
    let platform =
        "kind: Platform\nspec:\n  kuberay: {operators: [ray-operator]}\n  queue: {controllers: [queue-controller]}\n";
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file("a/default.yaml", "kind: RayPolicy\n"),
        file("b/platform.yaml", platform),
    ];
    let objects = documents(&manifests_of(&files, &["--ca-file", &ca]).unwrap());
    assert_eq!(of_kind(&objects, "ConfigMap")["data"]["platform.yaml"], platform);
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let conditions = only(&of_kind(&objects, kind)["webhooks"])["matchConditions"].to_string();
        for user in ["ray-operator", "queue-controller"] {
            assert!(conditions.contains(&format!(r#"[\"{user}\"]"#)), "{conditions}");
        }
        assert!(!conditions.contains("serviceaccount"), "{conditions}");
    }
    let twice = [file("a/same.yaml", ""), file("b/same.yaml", "")];
    let error = manifests_of(&twice, &["--only", "server"]).unwrap_err().to_string();
    assert!(error.contains("same.yaml"), "{error}");
}

#[test]
fn policies_of_ones_own_are_deployed_if_they_load() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.yaml");
    let run = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_raygate"));
        command.args(["manifests", "--only", "server", "--policies"]);
        command.arg(directory.path()).output().unwrap()
    };
    let policy = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: mine}\nspec: {match: {}}\n";
    let printed = String::from_utf8(run(policy).stdout).unwrap();
    let data = of_kind(&documents(&printed), "ConfigMap")["data"].clone();
    assert_eq!(data, json!({"mine.yaml": policy}));
    let broken = run(&policy.replace("match", "mtach"));
    assert_eq!((broken.status.code(), &*broken.stdout), (Some(3), &b""[..]));
    assert!(String::from_utf8(broken.stderr).unwrap().contains("mtach"));
}

#[test]
fn a_url_takes_the_place_of_the_service() {
    let (_directory, ca) = made_certs();
    let url = "https://raygate-system.example.com:9443";
    let arguments = [
        "--only",
        "webhooks",
        "--url",
        url,
        "--namespace",
        "ml",
        "--ca-file",
        &ca,
    ];
    let objects = documents(&manifests(&arguments));
    assert_eq!(objects.len(), 2);
    for (object, path) in objects.iter().zip(["mutate", "validate"]) {
        let config = only(&object["webhooks"])["clientConfig"].as_object().unwrap();
        assert_eq!(config.keys().collect::<Vec<_>>(), ["caBundle", "url"]);
        assert_eq!(config["url"], format!("{url}/{path}"));
    }
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let error = |arguments: &[&str]| {
        let arguments = [&["manifests"], arguments].concat();
        ManifestsCommand::try_parse_from(arguments).err().unwrap()
    };
    assert_eq!(
        error(&["--check", "a.yaml", "--only", "all"]).kind(),
        ErrorKind::ArgumentConflict
    );
    for [name, value] in [
        ["--replicas", "0"],
        ["--namespace", "A"],
        ["--service", "a.b"],
        ["--url", "http://a"],
        ["--image", "a b"],
        ["--exclude", "A"],
        ["--kinds", "rayjobs"],
        ["--kinds", ""],
    ] {
        assert_eq!(
            error(&["--only", "server", name, value]).kind(),
            ErrorKind::ValueValidation
        );
    }
}

#[test]
fn a_ca_file_holds_certificates_and_nothing_else() {
    let (directory, ca) = made_certs();
    let certificate = fs::read_to_string(&ca).unwrap();
    let key = fs::read_to_string(directory.path().join("ca.key")).unwrap();
    assert!(CaBundle::from_pem(&certificate.repeat(2)).is_ok());
    assert_eq!(CaBundle::from_pem("").unwrap_err(), BundleError::Empty);
    let both = certificate.clone() + &key;
    assert_eq!(
        CaBundle::from_pem(&both).unwrap_err(),
        BundleError::Other("PRIVATE KEY".to_owned())
    );
    let half = &certificate[..certificate.len() / 2];
    assert!(matches!(
        CaBundle::from_pem(half).unwrap_err(),
        BundleError::Broken(1, _)
    ));
    let scrambled = certificate.replace("MII", "AAA");
    assert!(matches!(
        CaBundle::from_pem(&scrambled).unwrap_err(),
        BundleError::Broken(1, _)
    ));

    for arguments in [&[] as &[&str], &["--only", "all"], &["--only", "webhooks"]] {
        let error = manifests_of(&[], arguments).unwrap_err().to_string();
        assert!(error.contains("--ca-file") && error.contains("cert-manager"), "{error}");
    }
    for (file, told) in [("ca.key", "PRIVATE KEY"), ("nowhere", "cannot read")] {
        let path = directory.path().join(file);
        let error = manifests_of(&[], &["--ca-file", path.to_str().unwrap()])
            .unwrap_err()
            .to_string();
        assert!(error.contains(file) && error.contains(told), "{error}");
    }
}

#[test]
fn policies_reach_the_config_map_byte_for_byte() {
    let texts = [
        "a: 1\n",
        "",
        "\n",
        "a",
        "a\n\n",
        "a \n",
        "a\n  \n",
        "a\n   \nb\n",
        "a\n\n  b # c\n",
        "  a: 1\nb\n",
        "\ta\n",
        "a\r\nb\n",
        "# a\n\n\nb: |\n    c\n",
        "---\na: 1\n---\nb: 2\n",
        "a: \"é\\n\"\n",
        "😀\n",
        "a\u{2028}b\n",
        "\u{feff}a\n",
        "\u{0}\u{7f}\u{85}\u{2029}\u{ffff}\n",
        "raygate-system\n",
    ];
    let policies: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| (format!("{index}.yaml"), (*text).to_owned()))
        .collect();
    let objects = documents(&manifests_of(&policies, &["--only", "server", "--namespace", "ml"]).unwrap());
    let data = &of_kind(&objects, "ConfigMap")["data"];
    for (name, text) in policies {
        assert_eq!(data[&name], text, "{name}");
    }
}

#[test]
fn self_managed_brings_rights_and_no_secret() {
    let objects = documents(&manifests(&[
        "--certificates",
        "self-managed",
        "--namespace",
        "ml",
        "--service",
        "gate",
    ]));
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], true);
    assert!(
        pod["volumes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|volume| volume["name"] != "tls")
    );
    let probes = only(&pod["containers"]);
    assert_eq!(
        probes["startupProbe"]["httpGet"]["path"], "/healthz",
        "waiting would end in restarts"
    );
    assert_eq!(probes["readinessProbe"]["httpGet"]["path"], "/readyz");
    let env = only(&pod["containers"])["env"].as_array().unwrap();
    assert!(env.contains(&json!({"name": "RAYGATE_SERVICE", "value": "gate"})));
    let policy = &of_kind(&objects, "NetworkPolicy")["spec"]["egress"];
    assert!(policy[0]["ports"].as_array().is_some_and(|ports| !ports.is_empty()));
    let secrets = of_kind(&objects, "Role");
    assert_eq!(secrets["metadata"]["namespace"], "ml");
    assert_eq!(secrets["rules"][0]["resourceNames"], json!(["raygate-certificates"]));
    let configurations = of_kind(&objects, "ClusterRole");
    let name = &of_kind(&objects, "ValidatingWebhookConfiguration")["metadata"]["name"];
    assert_eq!(configurations["rules"][0]["resourceNames"], json!([name]));
    assert_eq!(configurations["rules"][0]["verbs"], json!(["get", "patch"]));
    for binding in ["RoleBinding", "ClusterRoleBinding"] {
        let subject = only(&of_kind(&objects, binding)["subjects"]);
        assert_eq!(subject["namespace"], "ml");
    }
}

#[test]
fn cert_manager_brings_certificate_and_ca() {
    let objects = documents(&manifests(&[
        "--certificates",
        "cert-manager",
        "--namespace",
        "ml",
        "--service",
        "gate",
    ]));
    let certificates: Vec<_> = objects
        .iter()
        .filter(|object| object["kind"] == "Certificate")
        .collect();
    assert_eq!(certificates.len(), 2);
    let serving = certificates
        .iter()
        .find(|object| object["metadata"]["name"] == "raygate")
        .unwrap();
    assert_eq!(
        serving["spec"]["dnsNames"],
        json!(["gate", "gate.ml", "gate.ml.svc", "gate.ml.svc.cluster.local"])
    );
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(serving["spec"]["secretName"], pod["volumes"][0]["secret"]["secretName"]);
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let configuration = of_kind(&objects, kind);
        assert_eq!(
            configuration["metadata"]["annotations"],
            json!({"cert-manager.io/inject-ca-from": "ml/raygate"})
        );
        assert!(only(&configuration["webhooks"])["clientConfig"]["caBundle"].is_null());
    }
    for option in [["--ca-file", "ca.crt"], ["--url", "https://a"]] {
        let refused = manifests_of(&[], &[&["--certificates", "cert-manager"], &option[..]].concat());
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.starts_with(option[0]) && refused.contains("files only"),
            "{refused}"
        );
    }
}

#[test]
fn components_change_what_they_are_for() {
    let (_directory, ca) = made_certs();
    let printed = manifests(&[
        "--ca-file",
        &ca,
        "--with",
        "autoscaler",
        "--with",
        "fail-open",
        "--replicas",
        "9",
    ]);
    let objects = documents(&printed);
    assert!(of_kind(&objects, "Deployment")["spec"]["replicas"].is_null());
    let scaler = &of_kind(&objects, "HorizontalPodAutoscaler")["spec"];
    assert_eq!((&scaler["minReplicas"], &scaler["maxReplicas"]), (&json!(9), &json!(9)));
    let validating = only(&of_kind(&objects, "ValidatingWebhookConfiguration")["webhooks"]);
    assert_eq!(validating["failurePolicy"], "Ignore");
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    let env = only(&pod["containers"])["env"].as_array().unwrap();
    assert!(env.contains(&json!({"name": "RAYGATE_FAIL_OPEN", "value": "true"})));
    let service = &of_kind(&objects, "Service")["spec"];
    let objects = documents(&manifests(&["--ca-file", &ca, "--with", "monitoring"]));
    let endpoint = only(&of_kind(&objects, "ServiceMonitor")["spec"]["endpoints"]);
    let ports = service["ports"].as_array().unwrap();
    assert!(ports.iter().any(|port| port["name"] == endpoint["port"]));
}

#[test]
fn namespaces_are_excluded_once() {
    let (_directory, ca) = made_certs();
    let options = [
        "--ca-file",
        &ca,
        "--only",
        "webhooks",
        "--exclude",
        "sandbox",
        "--exclude",
        "kube-system",
    ];
    for configuration in documents(&manifests(&options)) {
        let selector = &only(&configuration["webhooks"])["namespaceSelector"];
        assert_eq!(
            only(&selector["matchExpressions"])["values"],
            json!(["kube-system", "raygate-system", "sandbox"])
        );
    }
}

#[test]
fn kinds_are_narrowed_in_both_configurations_and_the_deployment() {
    let (_directory, ca) = made_certs();
    let printed = manifests(&["--ca-file", &ca, "--kinds", "RayService,RayJob"]);
    let objects = documents(&printed);
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let rule = only(&only(&of_kind(&objects, kind)["webhooks"])["rules"]);
        assert_eq!(rule["resources"], json!(["rayjobs", "rayservices"]));
    }
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    let env = only(&pod["containers"])["env"].as_array().unwrap();
    assert!(
        env.contains(&json!({"name": "RAYGATE_KINDS", "value": "RayJob,RayService"})),
        "{env:?}"
    );
    assert!(!manifests(&["--ca-file", &ca]).contains("RAYGATE_KINDS"));
    let (code, told) = check(&printed).unwrap();
    assert_eq!((code, told.matches(": RayJob,RayService\n").count()), (0, 2), "{told}");
}

#[test]
fn a_scope_wider_than_ray_is_refused() {
    let (_directory, ca) = made_certs();
    let printed = manifests(&["--ca-file", &ca]);
    let (code, told) = check(&printed).unwrap();
    assert_eq!(
        (code, told.lines().filter(|line| line.starts_with("ok ")).count()),
        (0, 2),
        "{told}"
    );
    assert_eq!(
        told.matches("objects of ray.io: RayJob,RayCluster,RayService,RayCronJob\n")
            .count(),
        2,
        "{told}"
    );
    for (narrow, wide) in [
        ("- ray.io\n", "- '*'\n"),
        ("- rayjobs\n", "- rayjobs/status\n"),
        ("- UPDATE\n", "- DELETE\n"),
    ] {
        assert!(printed.contains(narrow));
        let (code, told) = check(&printed.replace(narrow, wide)).unwrap();
        assert_eq!((code, told.lines().count()), (1, 2), "{told}");
        assert!(told.lines().all(|line| line.starts_with("too wide ")), "{told}");
        assert!(told.contains("webhooks[0].rules[0]."), "{told}");
    }
    let list = json!({"kind": "List", "items": documents(&printed.replace("- ray.io\n", "- apps\n"))});
    assert_eq!(check(&list.to_string()).unwrap().0, 1);

    let nothing = check("kind: Service\n").unwrap_err().to_string();
    assert!(nothing.contains("nothing was checked"), "{nothing}");
    let broken = check("a: [\n").unwrap_err().to_string();
    assert!(broken.contains(":1:") || broken.contains(":2:"), "{broken}");
}
