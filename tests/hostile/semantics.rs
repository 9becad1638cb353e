//! Items 24 to 52: RayJobs that try to get past the rules, or to break what the mutation does.

use raygate::json::Tree;
use raygate::ray::Kind;
use raygate::ray::kind::KINDS;
use serde_json::{Value, json};

use crate::binary::{Raygate, UID, create, review, shared};
use crate::jobs::{
    GROUP, HEAD, apply, assert_allowed, assert_denied, assert_warned, at, changed, codes, container, judged, mutated,
    seed, with,
};

const GPU: &str = "/resources/limits/nvidia.com~1gpu";

/// A GPU job that raygate has completed and admits.
fn good() -> Value {
    let job = mutated(shared(), &seed(1));
    assert_allowed(&shared().post("/validate", &create(&job)).json()["response"]);
    job
}

#[test]
fn item_24_an_older_api_version() {
    // The API server hands a v1alpha1 RayJob over as v1, without the fields that v1alpha1 has not.
    let mut old = seed(1);
    let spec = at(&mut old, "/spec").as_object_mut().expect("a spec");
    for absent in ["submissionMode", "backoffLimit"] {
        spec.remove(absent);
    }
    at(&mut old, GROUP)
        .as_object_mut()
        .expect("a group")
        .remove("numOfHosts");
    let (old, new) = (mutated(shared(), &old), mutated(shared(), &seed(1)));
    assert_eq!(
        at(&mut old.clone(), &container(GROUP)),
        at(&mut new.clone(), &container(GROUP))
    );
    assert_allowed(&shared().post("/validate", &create(&old)).json()["response"]);
}

#[test]
fn item_25_a_good_job_that_becomes_a_bad_one() {
    let old = good();
    let mut new = old.clone();
    let groups = at(&mut new, "/spec/rayClusterSpec/workerGroupSpecs")
        .as_array_mut()
        .expect("groups");
    groups.push(groups[0].clone());
    assert_denied(&changed(shared(), &old, &new), "RG501");
    assert_denied(
        &changed(shared(), &old, &with(old.clone(), "/spec/backoffLimit", json!(-1))),
        "RG133",
    );
}

#[test]
fn item_26_finalizers_of_a_job_that_breaks_a_newer_rule() {
    let mut old = with(seed(1), "/spec/backoffLimit", json!(-1));
    old["metadata"]["finalizers"] = json!(["ray.io/rayjob-finalizer"]);
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!([]);
    assert_allowed(&changed(shared(), &old, &new));
    new["metadata"]["labels"]["team"] = json!("x");
    assert_allowed(&changed(shared(), &old, &new));
    let mutation = shared().post("/mutate", &review("UPDATE", &new, &old)).json();
    assert!(mutation["response"].get("patch").is_none(), "{mutation}");
}

#[test]
fn item_27_a_new_spec_behind_a_deletion() {
    let old = with(good(), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
    let new = with(old.clone(), "/spec/backoffLimit", json!(-1));
    assert_denied(&changed(shared(), &old, &new), "RG133");
}

/// raygate beside the shipped policies with one of its own.
fn with_policy(policy: &'static str) -> Raygate {
    Raygate::start_with(|command, folder| {
        let own = folder.join("policies");
        std::fs::create_dir(&own).expect("create a folder");
        std::fs::write(own.join("own.yaml"), policy).expect("write a policy");
        command
            .arg("--policies")
            .arg(format!("{}/policies/default.yaml", env!("CARGO_MANIFEST_DIR")));
        command.arg("--policies").arg(own);
    })
}

const LIMIT_PRODUCTION: &str = r"
apiVersion: raygate.dev/v1beta1
kind: Platform
spec:
  flyte: {serviceAccounts: ['system:serviceaccount:flyte:flytepropeller'], namespace: '{project}-{domain}'}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: production}
spec:
  match: {domains: [production]}
  priority: 10
  limits: {maxGpusPerJob: 4}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: research}
spec:
  match: {domains: [research]}
  priority: 20
  limits: {maxGpusPerJob: 400}
";

#[test]
fn item_28_the_label_that_selects_the_policy_taken_away() {
    let raygate = with_policy(LIMIT_PRODUCTION);
    let old = with(mutated(&raygate, &seed(1)), "/spec/suspend", json!(true));
    let mut new = with(old.clone(), &format!("{GROUP}/replicas"), json!(400));
    new["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["maxReplicas"] = json!(400);
    assert_denied(&changed(&raygate, &old, &new), "RG310");
    for labels in [json!({}), json!({"domain": "research"})] {
        let unlabelled = with(new.clone(), "/metadata/labels", labels);
        assert_denied(&changed(&raygate, &old, &unlabelled), "RG310");
    }
}

#[test]
fn item_29_labels_that_imitate_another_domain() {
    let raygate = with_policy(LIMIT_PRODUCTION);
    let mut job = seed(1);
    *at(&mut job, &format!("{GROUP}/replicas")) = json!(40);
    *at(&mut job, &format!("{GROUP}/maxReplicas")) = json!(40);
    assert_denied(&judged(&raygate, &job), "RG310");
    let forged = with(job, "/metadata/labels/domain", json!("research"));
    // Flyte itself says research here, but in the namespace of production; and a stranger says it anywhere.
    assert_denied(&judged(&raygate, &forged), "RG310");
    let mut stranger: Value = serde_json::from_slice(&create(&mutated(&raygate, &forged))).expect("JSON");
    *at(&mut stranger, "/request/userInfo/username") = json!("mallory");
    let answer = raygate.post("/validate", stranger.to_string().as_bytes()).json();
    assert_denied(&answer["response"], "RG310");
}

#[test]
fn item_30_exemptions_that_an_author_writes() {
    let mut job = with(seed(1), "/spec/backoffLimit", json!(-1));
    for (key, value) in [
        (
            "raygate.dev/skip",
            "RG133,lifecycle,shared-memory,readiness,accelerators,all,*",
        ),
        ("raygate.dev/exempt", "true"),
        ("raygate.dev/ignore", "RG133"),
        ("raygate.dev/applied", "{\"bundle\":\"0\"}"),
        ("raygate.dev/waive", "RG133"),
    ] {
        job["metadata"]["annotations"][key] = json!(value);
        job["metadata"]["labels"][key] = json!("true");
    }
    assert_denied(&judged(shared(), &job), "RG133");
}

/// A limit of four GPUs, and exemptions from it.
fn limit_with(exemptions: &str) -> Raygate {
    let policy = format!("{LIMIT_PRODUCTION}---\n{exemptions}");
    Raygate::start_with(|command, folder| {
        let own = folder.join("policies");
        std::fs::create_dir(&own).expect("create a folder");
        std::fs::write(own.join("own.yaml"), policy).expect("write a policy");
        command.arg("--policies").arg(own);
    })
}

fn exemption(name: &str, gpus: u32, expires: &str) -> String {
    format!(
        "apiVersion: raygate.dev/v1beta1\nkind: Exemption\nmetadata: {{name: {name}}}\nspec:\n  match: {{namespaces: \
         [mlplatform-production]}}\n  raise: {{maxGpusPerJob: {gpus}}}\n  owner: ml\n  reason: one run\n  expires: {expires}\n"
    )
}

/// A job of 40 GPUs.
fn large() -> Value {
    let mut job = seed(1);
    for key in ["replicas", "maxReplicas"] {
        at(&mut job, GROUP)[key] = json!(40);
    }
    job
}

#[test]
fn item_31_an_exemption_that_has_expired() {
    let over = limit_with(&exemption("hero", 64, "2020-02-29"));
    assert_denied(&judged(&over, &large()), "RG310");
    let running = limit_with(&exemption("hero", 64, "9999-12-31"));
    assert_allowed(&judged(&running, &large()));
}

#[test]
fn item_32_two_exemptions() {
    let both = [
        exemption("wide", 64, "9999-12-31"),
        exemption("narrow", 8, "9999-12-31"),
    ];
    assert_denied(&judged(&limit_with(&both.join("---\n")), &large()), "RG310");
}

#[test]
fn item_33_the_same_mistake_in_other_kinds() {
    // The same cluster is repaired and judged in every kind.
    for kind in KINDS {
        let mut object = kind.from_job(Tree::of(&seed(1)).expect("a document").root());
        let mutate = |object: &Value| {
            let review = of_kind(kind, object).to_string();
            shared().post("/mutate", review.as_bytes()).json()["response"].clone()
        };
        let answer = mutate(&object);
        assert_allowed(&answer);
        assert!(
            answer["warnings"].to_string().contains("RG203"),
            "{} {answer}",
            kind.name
        );
        // A kind that raygate does not know is allowed, and never changed.
        object["kind"] = json!("RayTune");
        let mut review = of_kind(kind, &object);
        review["request"]["kind"]["kind"] = json!("RayTune");
        let answer = shared().post("/mutate", review.to_string().as_bytes()).json();
        assert_allowed(&answer["response"]);
        assert!(answer["response"].get("patch").is_none());
    }
}

fn of_kind(kind: &Kind, object: &Value) -> Value {
    let mut review: Value = serde_json::from_slice(&create(object)).expect("JSON");
    review["request"]["kind"]["kind"] = json!(kind.name);
    review
}

#[test]
fn item_34_selected_clusters_with_and_without_a_description() {
    let mut neither = seed(1);
    neither["spec"]
        .as_object_mut()
        .expect("a spec")
        .remove("rayClusterSpec");
    assert_denied(&judged(shared(), &neither), "RG121");
    let mut selected = neither.clone();
    selected["spec"]["clusterSelector"] = json!({"ray.io/cluster": "shared"});
    selected["spec"]["shutdownAfterJobFinishes"] = json!(false);
    selected["spec"]["ttlSecondsAfterFinished"] = json!(0);
    let after = mutated(shared(), &selected);
    assert_allowed(&shared().post("/validate", &create(&after)).json()["response"]);
    let both = with(seed(1), "/spec/clusterSelector", json!({"ray.io/cluster": "shared"}));
    let answer = judged(shared(), &both);
    assert!(
        answer["warnings"].to_string().contains("RG708") || answer["allowed"] == json!(false),
        "{answer}"
    );
    for selector in [
        json!(null),
        json!({}),
        json!({"ray.io/cluster": ""}),
        json!("x"),
        json!([]),
    ] {
        let answer = shared().post(
            "/validate",
            &create(&with(neither.clone(), "/spec/clusterSelector", selector)),
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn item_35_mistakes_in_init_containers_sidecars_and_the_submitter() {
    let broken = json!({"name": "extra", "image": "a", "resources": {"limits": {"memory": "lots"}}});
    let submitter = json!({"spec": {"restartPolicy": "Never", "containers": [broken]}});
    let in_submitter = with(seed(1), "/spec/submitterPodTemplate", submitter);
    let in_init = |group: &str| {
        with(
            seed(1),
            &format!("{group}/template/spec/initContainers"),
            json!([broken]),
        )
    };
    let beside = |group: &str| {
        let mut job = seed(1);
        let containers = at(&mut job, &format!("{group}/template/spec/containers"));
        containers.as_array_mut().expect("containers").push(broken.clone());
        job
    };
    for job in [in_submitter, in_init(HEAD), in_init(GROUP), beside(HEAD), beside(GROUP)] {
        assert_denied(&judged(shared(), &job), "RG205");
    }
}

#[test]
fn item_36_the_ray_container_not_in_front() {
    let mut job = seed(1);
    for group in [HEAD, GROUP] {
        let containers = at(&mut job, &format!("{group}/template/spec/containers"));
        containers
            .as_array_mut()
            .expect("containers")
            .insert(0, json!({"name": "logs", "image": "logs:1"}));
    }
    let after = mutated(shared(), &job);
    for group in [HEAD, GROUP] {
        let first = after.pointer(&container(group)).expect("a container");
        assert_ne!(first["name"], "logs", "KubeRay starts Ray in the first container");
        assert!(first.get("readinessProbe").is_some(), "{first}");
    }
}

#[test]
fn item_37_gpus_by_other_names_and_amounts() {
    let limits = format!("{}/resources/limits", container(GROUP));
    let requests = format!("{}/resources/requests", container(GROUP));
    let gpu = |limit: Value, request: Value| {
        let job = with(
            seed(1),
            &limits,
            json!({"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": limit}),
        );
        with(
            job,
            &requests,
            json!({"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": request}),
        )
    };
    assert_denied(&judged(shared(), &gpu(json!("2"), json!("1"))), "RG202");
    assert_denied(&judged(shared(), &gpu(json!("500m"), json!("500m"))), "RG205");
    assert_allowed(&judged(shared(), &gpu(json!("0"), json!("0"))));
    let mut request_only = gpu(json!("1"), json!("1"));
    at(&mut request_only, &limits)
        .as_object_mut()
        .expect("limits")
        .remove("nvidia.com/gpu");
    let after = mutated(shared(), &request_only);
    assert_eq!(
        after.pointer(&format!("{limits}/nvidia.com~1gpu")),
        Some(&json!("1")),
        "repaired"
    );
    let named = |resource: &str| with(seed(1), &limits, json!({"cpu": "8", "memory": "32Gi", resource: "1"}));
    for impossible in ["gpu", "Nvidia.com/gpu"] {
        assert_eq!(
            judged(shared(), &named(impossible))["allowed"],
            json!(false),
            "{impossible} is no resource of any node"
        );
    }
    // A device plugin may offer any name of this form.
    assert_warned(&judged(shared(), &named("nvidia.com/gpus")), "RG301");
    let mig = json!({"cpu": "8", "memory": "32Gi", "nvidia.com/mig-1g.5gb": "1"});
    assert_allowed(&judged(
        shared(),
        &with(with(seed(1), &limits, mig.clone()), &requests, mig),
    ));
}

#[test]
fn item_38_quantities() {
    let memory = format!("{}/resources/limits/memory", container(GROUP));
    for good in ["40e9", "40000000000", "40G", "38Gi", "40000000000000m"] {
        assert_allowed(&judged(shared(), &with(seed(1), &memory, json!(good))));
    }
    for bad in ["-1", "", "1ZiB", "0x10", "1 Gi", "NaN", "1e", "٣Gi"] {
        let answer = judged(shared(), &with(seed(1), &memory, json!(bad)));
        assert_eq!(answer["allowed"], json!(false), "{bad:?}: {answer}");
    }
    // 2^31-1 workers of 8Ei each add up to more than any integer holds.
    let mut huge = with(
        seed(1),
        &format!("{}/resources/requests/memory", container(GROUP)),
        json!("7Ei"),
    );
    *at(&mut huge, &memory) = json!("7Ei");
    for key in ["replicas", "maxReplicas"] {
        at(&mut huge, GROUP)[key] = json!(i32::MAX);
    }
    assert_eq!(shared().post("/validate", &create(&huge)).status, 200);
}

#[test]
fn item_39_three_numbers_of_gpus() {
    let mut job = with(seed(1), &format!("{GROUP}/rayStartParams/num-gpus"), json!("8"));
    job = with(job, &format!("{}{GPU}", container(GROUP)), json!("1"));
    let answer = judged(shared(), &job);
    assert_warned(&answer, "RG311");
    let message = answer["warnings"][0].as_str().expect("a warning");
    assert!(
        message.contains('8') && message.contains('1'),
        "both numbers: {message}"
    );
    let mut three = with(seed(1), &format!("{GROUP}/resources"), json!({"GPU": "4"}));
    three = with(three, &format!("{GROUP}/rayStartParams/num-gpus"), json!("8"));
    // Not every supported KubeRay has the rule, and the platform names none.
    assert_warned(&judged(shared(), &three), "RG142");
}

#[test]
fn item_40_text_that_others_execute_or_expand() {
    // What bash evaluates inside the author's own container is the author's own.
    for parameter in ["$(reboot)", "`id`"] {
        let job = with(seed(1), &format!("{HEAD}/rayStartParams/num-cpus"), json!(parameter));
        assert_eq!(judged(shared(), &job)["allowed"], json!(true), "{parameter:?}");
    }
    for parameter in ["1; rm -rf /", "$(reboot", "`id", "1 && x", "a\nb"] {
        let job = with(seed(1), &format!("{HEAD}/rayStartParams/num-cpus"), json!(parameter));
        let answer = judged(shared(), &job);
        assert_eq!(answer["allowed"], json!(false), "{parameter:?}: {answer}");
        let message = answer["status"]["message"].as_str().expect("a message");
        assert!(!message.contains('\n'), "{message:?}");
    }
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    for yaml in [
        bomb,
        "[".repeat(50_000),
        format!("env_vars: {{A: {}}}", "b".repeat(1 << 20)),
    ] {
        let before = shared().resident();
        let answer = shared().post(
            "/validate",
            &create(&with(seed(1), "/spec/runtimeEnvYAML", json!(yaml))),
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(shared().resident() < before + (128 << 20));
    }
}

#[test]
fn item_41_dev_shm_by_other_spellings() {
    for path in ["/dev/shm/", "/dev//shm", "/dev/./shm"] {
        let mut job = seed(1);
        let spec = at(&mut job, &format!("{GROUP}/template/spec"));
        spec["volumes"] = json!([{"name": "mine", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}]);
        at(&mut job, &container(GROUP))["volumeMounts"] = json!([{"name": "mine", "mountPath": path}]);
        let after = mutated(shared(), &job);
        let mounts = after
            .pointer(&format!("{}/volumeMounts", container(GROUP)))
            .and_then(Value::as_array);
        let at_shm = mounts.expect("mounts").iter().filter(|mount| {
            let steps = mount["mountPath"].as_str().unwrap_or_default().split('/');
            steps.filter(|step| !matches!(*step, "" | ".")).eq(["dev", "shm"])
        });
        assert_eq!(at_shm.count(), 1, "{path}: {mounts:?}");
    }
    for volume in [
        json!({"name": "shared-mem", "hostPath": {"path": "/tmp"}}),
        json!({"name": "shared-mem", "emptyDir": {}}),
    ] {
        // KubeRay would take it for its own, unless memory is mounted there already: so raygate mounts its own.
        let job = with(
            seed(1),
            &format!("{GROUP}/template/spec/volumes"),
            json!([volume.clone()]),
        );
        let after = mutated(shared(), &job);
        let mounts = after.pointer(&format!("{}/volumeMounts", container(GROUP)));
        let mounts = mounts.and_then(Value::as_array).expect("mounts");
        let at_shm: Vec<&Value> = mounts.iter().filter(|mount| mount["mountPath"] == "/dev/shm").collect();
        assert_eq!(at_shm.len(), 1, "{mounts:?}");
        assert_ne!(at_shm[0]["name"], "shared-mem");
    }
}

#[test]
fn item_42_sizes_of_dev_shm_that_cannot_be() {
    let sized = |size: &str| {
        let mut job = seed(1);
        let volume = json!({"name": "mine", "emptyDir": {"medium": "Memory", "sizeLimit": size}});
        at(&mut job, &format!("{GROUP}/template/spec"))["volumes"] = json!([volume]);
        at(&mut job, &container(GROUP))["volumeMounts"] = json!([{"name": "mine", "mountPath": "/dev/shm"}]);
        job
    };
    for size in ["-1", "much"] {
        assert_denied(&judged(shared(), &sized(size)), "RG304");
    }
    let above = judged(shared(), &sized("64Gi"));
    assert!(above["warnings"].to_string().contains("[RG304]"), "{above}");
    let mut unlimited = seed(1);
    at(&mut unlimited, &container(GROUP))["resources"] = json!({});
    assert_allowed(&judged(shared(), &unlimited));
}

#[test]
fn item_43_tolerations_that_are_there() {
    let tolerations = format!("{GROUP}/template/spec/tolerations");
    for there in [
        json!([{"operator": "Exists"}]),
        json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]),
        json!([{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]),
        json!([{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}]),
    ] {
        let after = mutated(shared(), &with(seed(1), &tolerations, there.clone()));
        let kept = after
            .pointer(&tolerations)
            .and_then(Value::as_array)
            .expect("tolerations");
        let before = there.as_array().expect("a list");
        assert!(kept.starts_with(before), "what the author wrote stands: {kept:?}");
        assert!(kept.len() <= before.len() + 1, "{kept:?}");
        let twice = mutated(shared(), &after);
        assert_eq!(twice.pointer(&tolerations), after.pointer(&tolerations));
    }
}

#[test]
fn item_44_a_node_selector_with_another_value() {
    let raygate = with_policy(
        "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec:\n  accelerators:\n    l4: {resource: nvidia.com/gpu, \
         nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}}\n---\napiVersion: raygate.dev/v1beta1\nkind: RayPolicy\n\
         metadata: {name: gpus}\nspec:\n  match: {}\n  priority: 5\n  defaults: {accelerators: {nvidia.com/gpu: l4}}\n",
    );
    let selector = format!("{GROUP}/template/spec/nodeSelector");
    let product = json!({"nvidia.com/gpu.product": "NVIDIA-L4"});
    assert_eq!(
        mutated(&raygate, &seed(1)).pointer(&selector),
        Some(&product),
        "the default of the policy"
    );
    let own = json!({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"});
    let after = mutated(&raygate, &with(seed(1), &selector, own.clone()));
    assert_eq!(after.pointer(&selector), Some(&own), "what the author wrote stands");
}

#[test]
fn item_45_images_that_look_alike() {
    let raygate = with_policy(
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: images}\nspec:\n  match: {}\n  priority: 5\n  \
         limits: {allowedImages: ['ghcr.io/my-org/**', 'registry.example:5000/ray/**']}\n",
    );
    let imaged = |image: &str| {
        let mut job = seed(1);
        for group in [HEAD, GROUP] {
            at(&mut job, &container(group))["image"] = json!(image);
        }
        if let Some(image_of) = job.pointer_mut("/spec/submitterPodTemplate/spec/containers/0/image") {
            *image_of = json!(image);
        }
        job
    };
    // A registry is a host, and hosts know no capital letters.
    for allowed in [
        "ghcr.io/my-org/ray:2.52.1",
        "registry.example:5000/ray/base:1",
        "GHCR.io/my-org/ray:1",
    ] {
        assert_allowed(&judged(&raygate, &imaged(allowed)));
    }
    for other in [
        "ghcr.io/my-org-evil/ray:1",
        "ghcr.io/my-org",
        "ghcr.io.evil.example/my-org/ray:1",
        "evil.example/ghcr.io/my-org/ray:1",
        "registry.example:5001/ray/base:1",
        "registry.example/ray/base:1",
        "ghcr.io/My-Org/ray:1",
        "ghcr.io/my-оrg/ray:1",
        "ghcr.io/my-org/../evil/ray:1",
        "ghcr.io/my-org/ray:1@sha256:0",
        " ghcr.io/my-org/ray:1",
    ] {
        let answer = judged(&raygate, &imaged(other));
        assert_eq!(answer["allowed"], json!(false), "{other}: {answer}");
        assert!(codes(&answer).iter().all(|code| code.starts_with("RG6")), "{answer}");
    }
}

#[test]
fn item_46_times_that_contradict_each_other() {
    let times = |ttl: i64, shutdown: bool| {
        let job = with(seed(1), "/spec/ttlSecondsAfterFinished", json!(ttl));
        with(job, "/spec/shutdownAfterJobFinishes", json!(shutdown))
    };
    assert_denied(&judged(shared(), &times(-1, true)), "RG104");
    assert_allowed(&judged(shared(), &times(i64::from(i32::MAX), true)));
    let completed = mutated(shared(), &times(0, false));
    assert_eq!(completed["spec"]["shutdownAfterJobFinishes"], json!(true));
    assert!(
        completed["spec"]["ttlSecondsAfterFinished"]
            .as_i64()
            .is_some_and(|ttl| ttl > 0)
    );
    let mut both = times(300, true);
    both["spec"]["deletionStrategy"] = json!({"deletionRules": [
        {"policy": "DeleteCluster", "condition": {"jobStatus": "FAILED", "ttlSeconds": 1}}]});
    // Not every supported KubeRay has the rule, and the platform names none.
    assert_warned(&judged(shared(), &both), "RG107");
}

/// Whether a document grants what no mutation may grant.
fn grants(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| match key.as_str() {
            "hostPath" | "hostPort" | "serviceAccountName" => true,
            "hostNetwork" | "hostPID" | "hostIPC" | "privileged" | "allowPrivilegeEscalation" => *value == json!(true),
            _ => grants(value),
        }),
        Value::Array(items) => items.iter().any(grants),
        _ => false,
    }
}

#[test]
fn item_47_rights_that_a_mutation_might_add() {
    let names = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    for job in names.map(seed) {
        let answer = shared().post("/mutate", &create(&job)).json();
        let before = grants(&job);
        assert_eq!(grants(&apply(&job, &answer)), before);
    }
}

#[test]
fn item_48_odd_places_for_a_patch() {
    let mut bare = seed(1);
    bare["metadata"]
        .as_object_mut()
        .expect("metadata")
        .remove("annotations");
    let odd = with(seed(1), "/metadata/annotations", json!({"a/b~c": "x", "~1": "y"}));
    let empty = with(seed(1), &format!("{}/volumeMounts", container(GROUP)), json!([]));
    let null = with(seed(1), &format!("{GROUP}/template/spec/tolerations"), Value::Null);
    for job in [bare, odd, empty, null] {
        let answer = shared().post("/mutate", &create(&job)).json();
        let after = apply(&job, &answer);
        assert!(
            after["metadata"]["annotations"]["raygate.dev/applied"].is_string(),
            "{after}"
        );
        assert_allowed(&shared().post("/validate", &create(&after)).json()["response"]);
    }
}

#[test]
fn item_49_the_mutation_twice() {
    for job in [1, 2, 3, 4, 5, 6, 7, 8, 9].map(seed) {
        let once = mutated(shared(), &job);
        let again = shared().post("/mutate", &create(&once)).json();
        assert!(again["response"].get("patch").is_none(), "{again}");
        // Another webhook in between that only adds its own.
        let mut between = once.clone();
        between["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = json!("gpu");
        let after = mutated(shared(), &between);
        assert_eq!(mutated(shared(), &after), after);
    }
}

#[test]
fn item_50_what_raygate_makes_raygate_admits() {
    for job in [1, 2, 3, 4, 5, 6, 7, 8, 9].map(seed) {
        assert_allowed(&judged(shared(), &job));
    }
}

#[test]
fn item_51_fields_of_a_kuberay_to_come() {
    let mut job = with(
        seed(1),
        "/spec/fieldOfTomorrow",
        json!({"deep": [1, {"x": null}], "big": 18_446_744_073_709_551_615_u64}),
    );
    at(&mut job, &container(GROUP))["tomorrow"] = json!("kept");
    let after = mutated(shared(), &job);
    assert_eq!(after["spec"]["fieldOfTomorrow"], job["spec"]["fieldOfTomorrow"]);
    assert_eq!(
        after.pointer(&format!("{}/tomorrow", container(GROUP))),
        Some(&json!("kept"))
    );
}

#[test]
fn item_52_fields_that_are_the_api_servers() {
    let mut job = seed(1);
    job["metadata"]["managedFields"] = json!([{"manager": "flytepropeller", "operation": "Update"}]);
    job["metadata"]["resourceVersion"] = json!("7");
    job["metadata"]["uid"] = json!(UID);
    job["status"] = json!({"jobDeploymentStatus": "Running"});
    let answer = shared().post("/mutate", &create(&job)).json();
    let after = apply(&job, &answer);
    for pointer in [
        "/metadata/managedFields",
        "/metadata/resourceVersion",
        "/metadata/uid",
        "/status",
    ] {
        assert_eq!(after.pointer(pointer), job.pointer(pointer), "{pointer}");
    }
}
