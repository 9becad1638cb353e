//! What the objects in `deploy/` say.

use k8s_openapi::api::{
    admissionregistration::v1::{
        MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
        ValidatingWebhookConfiguration,
    },
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use raygate::policy::settings::{OPERATORS, QUEUE_CONTROLLERS};
use raygate::ray::kind::KINDS;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{deployed, documents, made_certs, manifests, of_kind, only, policies, repository};

/// The condition that keeps the writes of KubeRay's operator away.
const OPERATORS_CONDITION: &str = "not-a-write-by-a-kuberay-operator";

/// The element of a list with this name.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|element| element["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[test]
fn every_shipped_policy_is_deployed() {
    let entries = std::fs::read_dir(repository("policies")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_policy = |name: &String| {
        name.ends_with(".yaml")
            && !name.ends_with(".test.yaml")
            && !name.starts_with('.')
            && name != "kustomization.yaml"
    };
    let mut shipped: Vec<_> = names.filter(is_policy).collect();
    shipped.sort();
    let mut deployed: Vec<_> = policies().into_iter().map(|(name, _)| name).collect();
    deployed.sort();
    assert_eq!(deployed, shipped);
}

/// Reads an object as Kubernetes' own type and writes it again: what the type does not know gets lost on the way.
fn assert_known_fields<T: DeserializeOwned + Serialize>(object: &Value) {
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(&serde_json::to_value(typed).unwrap(), object);
}

#[test]
fn objects_hold_only_fields_that_kubernetes_knows() {
    let (_directory, ca) = made_certs();
    let mut objects = documents(&manifests(&["--ca-file", &ca]));
    let policies = ["--certificates", "self-managed", "--only", "admission-policies"];
    objects.extend(documents(&manifests(&policies)));
    for object in objects {
        match object["kind"].as_str().unwrap() {
            "Namespace" => assert_known_fields::<Namespace>(&object),
            "ConfigMap" => assert_known_fields::<ConfigMap>(&object),
            "ServiceAccount" => assert_known_fields::<ServiceAccount>(&object),
            "NetworkPolicy" => assert_known_fields::<NetworkPolicy>(&object),
            "Service" => assert_known_fields::<Service>(&object),
            "PodDisruptionBudget" => assert_known_fields::<PodDisruptionBudget>(&object),
            "Deployment" => assert_known_fields::<Deployment>(&object),
            "MutatingWebhookConfiguration" => assert_known_fields::<MutatingWebhookConfiguration>(&object),
            "ValidatingWebhookConfiguration" => assert_known_fields::<ValidatingWebhookConfiguration>(&object),
            "ValidatingAdmissionPolicy" => assert_known_fields::<ValidatingAdmissionPolicy>(&object),
            "ValidatingAdmissionPolicyBinding" => assert_known_fields::<ValidatingAdmissionPolicyBinding>(&object),
            kind => panic!("{kind} is new"),
        }
    }
}

#[test]
fn webhooks_see_ray_objects_and_nothing_wider() {
    let objects = deployed();
    for (kind, path, failure_policy) in [
        ("MutatingWebhookConfiguration", "/mutate", "Ignore"),
        ("ValidatingWebhookConfiguration", "/validate", "Fail"),
    ] {
        let object = of_kind(&objects, kind);
        assert_eq!(object["metadata"]["name"], "admission.raygate.dev");
        assert!(object["metadata"]["name"].as_str() < Some("kueue-mutating-webhook-configuration"));
        let webhook = only(&object["webhooks"]);
        assert_eq!(webhook["name"], "rayjob.raygate.dev");
        let rule = json!({
            "apiGroups": ["ray.io"],
            "apiVersions": ["v1"],
            "resources": KINDS.map(|kind| kind.resource),
            "operations": ["CREATE", "UPDATE"],
            "scope": "Namespaced",
        });
        assert_eq!(only(&webhook["rules"]), &rule);
        assert_eq!(webhook["matchPolicy"], "Equivalent");
        assert_eq!(webhook["clientConfig"]["service"]["path"], path);
        assert_eq!(webhook["failurePolicy"], failure_policy);
        assert_eq!(webhook["sideEffects"], "None");
        assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]));
        assert!((2..=5).contains(&webhook["timeoutSeconds"].as_i64().unwrap()));
        let excluded = json!({
            "key": "kubernetes.io/metadata.name",
            "operator": "NotIn",
            "values": ["kube-system", "raygate-system"],
        });
        assert_eq!(only(&webhook["namespaceSelector"]["matchExpressions"]), &excluded);
    }
    let mutating = only(&of_kind(&objects, "MutatingWebhookConfiguration")["webhooks"]);
    assert_eq!(mutating["reinvocationPolicy"], "IfNeeded");
    let validating = only(&of_kind(&objects, "ValidatingWebhookConfiguration")["webhooks"]);
    assert_eq!(mutating["matchConditions"], validating["matchConditions"]);
    let conditions = mutating["matchConditions"].as_array().unwrap();
    // If a condition fails, the failure policy decides, and a created object has no old one.
    assert!(conditions.iter().all(|condition| {
        let expression = condition["expression"].as_str().unwrap();
        condition["name"] == OPERATORS_CONDITION || expression.starts_with("oldObject == null || ")
    }));
    let users = |condition: &str| -> Vec<String> {
        let expression = named(&validating["matchConditions"], condition)["expression"]
            .as_str()
            .unwrap();
        let (start, end) = (expression.find('[').unwrap(), expression.find(']').unwrap());
        serde_json::from_str(&expression[start..=end]).unwrap()
    };
    assert_eq!(users(OPERATORS_CONDITION), OPERATORS);
    assert_eq!(users("not-a-suspension-by-a-queue-controller"), QUEUE_CONTROLLERS);
}

#[test]
fn pods_meet_the_restricted_pod_security_standard() {
    let objects = deployed();
    let labels = &of_kind(&objects, "Namespace")["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    assert_eq!(
        of_kind(&objects, "ServiceAccount")["automountServiceAccountToken"],
        false
    );
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert!(pod["securityContext"]["runAsUser"].as_i64().unwrap() > 0);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    for field in ["hostNetwork", "hostPID", "hostIPC", "initContainers"] {
        assert!(pod[field].is_null(), "{field}");
    }
    let container = only(&pod["containers"]);
    let security = &container["securityContext"];
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
    assert!(security["privileged"].is_null());
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(
            volume["secret"].is_object() || volume["configMap"].is_object(),
            "{volume}"
        );
    }
    assert!(container["resources"]["limits"]["cpu"].is_null());
}

#[test]
fn the_objects_agree_with_each_other() {
    let objects = deployed();
    let deployment = of_kind(&objects, "Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    let container = only(&pod["containers"]);
    let service = &of_kind(&objects, "Service")["spec"];
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&service["selector"], labels);
    let budget = &of_kind(&objects, "PodDisruptionBudget")["spec"];
    assert_eq!(&budget["selector"]["matchLabels"], labels);
    let policy = &of_kind(&objects, "NetworkPolicy")["spec"];
    assert_eq!(&policy["podSelector"]["matchLabels"], labels);
    assert_eq!(
        pod["serviceAccountName"],
        of_kind(&objects, "ServiceAccount")["metadata"]["name"]
    );
    assert_eq!(deployment["spec"]["replicas"], 2);

    let setting = |name: &str| named(&container["env"], name)["value"].as_str().unwrap();
    for (name, port) in [("RAYGATE_BIND", "https"), ("RAYGATE_METRICS_BIND", "metrics")] {
        let port = &named(&container["ports"], port)["containerPort"];
        assert_eq!(setting(name), format!("0.0.0.0:{port}"));
    }
    assert_eq!(named(&service["ports"], "https")["port"], 443);
    assert_eq!(named(&service["ports"], "https")["targetPort"], "https");
    assert_eq!(named(&service["ports"], "metrics")["targetPort"], "metrics");
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], "metrics");
    }

    let mount = |name: &str| named(&container["volumeMounts"], name)["mountPath"].as_str().unwrap();
    assert_eq!(setting("RAYGATE_POLICIES"), mount("policies"));
    assert_eq!(setting("RAYGATE_TLS_CERT"), format!("{}/tls.crt", mount("tls")));
    assert_eq!(setting("RAYGATE_TLS_KEY"), format!("{}/tls.key", mount("tls")));
    let policies = &named(&pod["volumes"], "policies")["configMap"]["name"];
    assert_eq!(policies, &of_kind(&objects, "ConfigMap")["metadata"]["name"]);

    let drain: i64 = setting("RAYGATE_DRAIN_DELAY").trim_end_matches('s').parse().unwrap();
    assert!(pod["terminationGracePeriodSeconds"].as_i64().unwrap() > drain + 10);
}
