//! What users change in an object, good and bad.

use raygate::ray::Kind;
use serde_json::{Value, json};

use crate::random::Random;

/// An edit: what it is called, and what it does.
type Edit = (&'static str, fn(&mut Value, &'static Kind, &mut Random));

const EDITS: &[Edit] = &[
    ("good image", |object, kind, random| {
        container(object, kind, random)["image"] = json!("ghcr.io/my-org/ray:next");
    }),
    ("malformed image", |object, kind, random| {
        container(object, kind, random)["image"] = json!("ray:2 46");
    }),
    ("foreign image", |object, kind, random| {
        container(object, kind, random)["image"] = json!("docker.io/evil/miner:1");
    }),
    ("foreign init container", |object, kind, random| {
        let spec = &mut template(object, kind, random)["spec"];
        list(spec, "initContainers")
            .push(json!({"name": format!("init{}", random.below(3)), "image": "docker.io/evil/miner:1"}));
    }),
    ("privileged", |object, kind, random| {
        container(object, kind, random)["securityContext"] = json!({"privileged": true});
    }),
    ("host network", |object, kind, random| {
        template(object, kind, random)["spec"]["hostNetwork"] = json!(true);
    }),
    ("size", |object, kind, random| {
        let replicas = random.below(6);
        let group = group(object, kind, random);
        for key in ["replicas", "minReplicas", "maxReplicas"] {
            group[key] = replicas.into();
        }
    }),
    ("replicas alone", |object, kind, random| {
        let replicas = random.below(12);
        group(object, kind, random)["replicas"] = replicas.into();
    }),
    ("most replicas", |object, kind, random| {
        let replicas = random.below(12);
        group(object, kind, random)["maxReplicas"] = replicas.into();
    }),
    ("GPUs", |object, kind, random| {
        let gpus = random.below(9).to_string();
        let resources = &mut group(object, kind, random)["template"]["spec"]["containers"][0]["resources"];
        for list in ["requests", "limits"] {
            if resources[list].is_object() {
                resources[list]["nvidia.com/gpu"] = json!(gpus);
            }
        }
    }),
    ("memory limit below the request", |object, kind, random| {
        container(object, kind, random)["resources"] =
            json!({"requests": {"cpu": "1", "memory": "16Gi"}, "limits": {"cpu": "1", "memory": "8Gi"}});
    }),
    ("another group", |object, kind, random| {
        let mut more = group(object, kind, random).clone();
        more["groupName"] = json!(format!("more{}", random.below(3)));
        groups(object, kind).push(more);
    }),
    ("a group less", |object, kind, random| {
        let groups = groups(object, kind);
        if groups.len() > 1 {
            groups.remove(random.below(groups.len()));
        }
    }),
    ("groups in another order", |object, kind, _| {
        groups(object, kind).reverse()
    }),
    ("name of a group", |object, kind, random| {
        let name = random.pick(&["other", "Bad_Name", "more0", ""]);
        group(object, kind, random)["groupName"] = json!(name);
    }),
    ("service type", |object, kind, random| {
        let head = object.pointer_mut(&kind.head_path().pointer()).unwrap();
        head["serviceType"] = json!(random.pick(&["LoadBalancer", "ClusterIP", "NodePort"]));
    }),
    ("node selector", |object, kind, random| {
        let spec = &mut template(object, kind, random)["spec"];
        match random.below(3) {
            0 => drop(spec.as_object_mut().unwrap().remove("nodeSelector")),
            1 => spec["nodeSelector"] = json!({"pool": "mine"}),
            _ => spec["nodeSelector"] = json!({"pool": "batch", "zone": "a"}),
        }
    }),
    ("tolerations", |object, kind, random| {
        template(object, kind, random)["spec"]["tolerations"] = json!([{"key": "mine", "operator": "Exists"}]);
    }),
    ("priority class", |object, kind, random| {
        template(object, kind, random)["spec"]["priorityClassName"] = json!(random.pick(&["large", "urgent"]));
    }),
    ("restart policy", |object, kind, random| {
        group(object, kind, random)["template"]["spec"]["restartPolicy"] = json!(random.pick(&["Always", "Never"]));
    }),
    ("labels of pods", |object, kind, random| {
        let labels = random.pick(&["size", "cost", "mine"]);
        let template = template(object, kind, random);
        template["metadata"] = json!({"labels": {labels: random.pick(&["small", "b"])}});
    }),
    ("variable", |object, kind, random| {
        let container = container(object, kind, random);
        list(container, "env").push(json!({"name": format!("V{}", random.below(3)), "value": "x"}));
    }),
    ("sidecar first", |object, kind, random| {
        let containers = template(object, kind, random)["spec"]["containers"]
            .as_array_mut()
            .unwrap();
        if containers.len() < 3 {
            containers.insert(
                0,
                json!({"name": format!("side{}", containers.len()), "image": "ghcr.io/my-org/side:1"}),
            );
        }
    }),
    ("service account", |object, kind, random| {
        template(object, kind, random)["spec"]["serviceAccountName"] = json!("default");
    }),
    ("autoscaling", |object, kind, random| {
        let cluster = object.pointer_mut(&kind.cluster_path().pointer()).unwrap();
        cluster["enableInTreeAutoscaling"] = json!(random.one_in(2));
    }),
    ("project and domain", |object, _, random| {
        let domain = random.pick(&["staging", "production", "development"]);
        labels(object)["domain"] = json!(domain);
    }),
    ("owner", |object, _, random| match random.one_in(2) {
        true => labels(object)["owner"] = json!("me"),
        false => drop(labels(object).as_object_mut().unwrap().remove("owner")),
    }),
    ("labels without any", |object, _, _| *labels(object) = json!({})),
    ("queue", |object, _, random| match random.one_in(2) {
        true => labels(object)["kueue.x-k8s.io/queue-name"] = json!("mine"),
        false => drop(
            labels(object)
                .as_object_mut()
                .unwrap()
                .remove("kueue.x-k8s.io/queue-name"),
        ),
    }),
    ("no record", |object, _, _| {
        drop(
            annotations(object)
                .as_object_mut()
                .unwrap()
                .remove("raygate.dev/applied"),
        )
    }),
    ("forged record", |object, _, random| {
        let record = random.pick(&[
            "{}",
            "x",
            "{\"received\":\"0.0 0.0 0.0 0.0\"}",
            "{\"received\":\"1.2 3.4 5.6 7.8 9.a\"}",
        ]);
        annotations(object)["raygate.dev/applied"] = json!(record);
    }),
    ("skip", |object, _, _| {
        annotations(object)["raygate.dev/skip"] = json!("readiness,pods")
    }),
    ("forged status", |object, _, random| {
        object["status"] = json!({"rayClusterName": random.pick(&["", "forged"])});
    }),
    ("suspension", |object, _, random| {
        object["spec"]["suspend"] = json!(random.one_in(2))
    }),
    ("suspension of the cluster", |object, kind, random| {
        if kind.name == "RayService" {
            object["spec"]["rayClusterConfig"]["suspend"] = json!(random.one_in(2));
        }
    }),
    ("submitter", |object, kind, random| {
        let image = random.pick(&["ghcr.io/my-org/ray:next", "docker.io/evil/miner:1"]);
        let gpus = random.pick(&["0", "8"]);
        let submitter = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "submit", "image": image,
            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": gpus}}}]}});
        job(object, kind, |job| job["submitterPodTemplate"] = submitter);
    }),
    ("no submitter", |object, kind, _| {
        job(object, kind, |job| {
            drop(job.as_object_mut().unwrap().remove("submitterPodTemplate"))
        });
    }),
    ("lifecycle", |object, kind, random| {
        let (ttl, retries, shuts_down) = (random.below(3) * 900, random.below(3), random.one_in(2));
        job(object, kind, |job| {
            job["ttlSecondsAfterFinished"] = ttl.into();
            job["backoffLimit"] = retries.into();
            job["shutdownAfterJobFinishes"] = shuts_down.into();
        });
    }),
    ("entrypoint", |object, kind, _| {
        job(object, kind, |job| job["entrypoint"] = json!("python other.py"))
    }),
    ("Serve config", |object, kind, random| {
        if kind.name == "RayService" {
            let config = random.pick(&[
                "applications: [{import_path: a:b}]",
                "applications: [{name: a}]",
                "[",
                "applications: []",
            ]);
            object["spec"]["serveConfigV2"] = json!(config);
        }
    }),
    ("schedule", |object, kind, random| {
        if kind.name == "RayCronJob" {
            object["spec"]["schedule"] = json!(random.pick(&["0 4 * * *", "61 * * * *"]));
        }
    }),
    ("upgrade strategy", |object, kind, random| {
        if !kind.has_job() {
            object["spec"]["upgradeStrategy"] = json!({"type": random.pick(&["None", "Recreate", "NewCluster"])});
        }
    }),
];

/// Some edits of an object, and what they are.
pub fn some(object: &mut Value, kind: &'static Kind, random: &mut Random) -> String {
    let mut names = Vec::new();
    for _ in 0..=random.below(3) {
        let (name, edit) = EDITS[random.below(EDITS.len())];
        edit(object, kind, random);
        names.push(name);
    }
    names.join(", ")
}

/// An object to begin with: as it is, suspended, without a submitter, or autoscaled.
pub fn vary(object: &mut Value, kind: &'static Kind, random: &mut Random) {
    if random.one_in(3) {
        object["spec"]["suspend"] = json!(true);
    }
    if random.one_in(3) {
        job(object, kind, |job| {
            drop(job.as_object_mut().unwrap().remove("submitterPodTemplate"))
        });
    }
    if random.one_in(3) {
        let cluster = object.pointer_mut(&kind.cluster_path().pointer()).unwrap();
        cluster["enableInTreeAutoscaling"] = json!(true);
    }
}

fn groups<'o>(object: &'o mut Value, kind: &Kind) -> &'o mut Vec<Value> {
    object
        .pointer_mut(&kind.groups_path().pointer())
        .unwrap()
        .as_array_mut()
        .unwrap()
}

pub fn group<'o>(object: &'o mut Value, kind: &Kind, random: &mut Random) -> &'o mut Value {
    let groups = groups(object, kind);
    let at = random.below(groups.len());
    &mut groups[at]
}

/// The template of the head or of a group.
fn template<'o>(object: &'o mut Value, kind: &Kind, random: &mut Random) -> &'o mut Value {
    match random.one_in(2) {
        true => &mut object.pointer_mut(&kind.head_path().pointer()).unwrap()["template"],
        false => &mut group(object, kind, random)["template"],
    }
}

fn container<'o>(object: &'o mut Value, kind: &Kind, random: &mut Random) -> &'o mut Value {
    &mut template(object, kind, random)["spec"]["containers"][0]
}

fn job(object: &mut Value, kind: &Kind, edit: impl FnOnce(&mut Value)) {
    if kind.has_job() {
        edit(object.pointer_mut(&kind.job_path().pointer()).unwrap());
    }
}

fn list<'o>(object: &'o mut Value, key: &str) -> &'o mut Vec<Value> {
    if !object[key].is_array() {
        object[key] = json!([]);
    }
    object[key].as_array_mut().unwrap()
}

fn metadata<'o>(object: &'o mut Value, key: &str) -> &'o mut Value {
    let map = &mut object["metadata"][key];
    if !map.is_object() {
        *map = json!({});
    }
    map
}

pub fn labels(object: &mut Value) -> &mut Value {
    metadata(object, "labels")
}

pub fn annotations(object: &mut Value) -> &mut Value {
    metadata(object, "annotations")
}
