//! Who does what: users, Flyte, KubeRay's operator, Kueue, and Ray's autoscaler.

use raygate::json::Tree;
use raygate::ray::{Workload, cron_job};
use serde_json::{Map, Value, json};

use crate::edits;
use crate::random::Random;
use crate::world::{FLYTE, HEAD_POD, KUEUE, OPERATOR, TENANT, World};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One step: somebody does something.
pub fn step(world: &mut World, random: &mut Random) {
    let Some(stored) = world.stored.clone() else {
        return create(world, random);
    };
    match random.below(20) {
        0..3 => apply(world, random, false),
        3 => apply(world, random, true),
        4..8 => {
            let mut new = stored;
            let what = edits::some(&mut new, world.kind, random);
            let mutates = !random.one_in(5);
            let what = if mutates { what } else { format!("not mutated: {what}") };
            world.ask_with(mutates, TENANT, &what, new, false);
        }
        8 => suspend(world, &stored, true),
        9 => suspend(world, &stored, false),
        10..12 => kueue(world, random, stored),
        12..15 => reconcile(world, random, stored),
        15 => rewrite(world, &stored),
        16 => scale(world, random, stored),
        17 => {
            let mut new = stored;
            match random.one_in(2) {
                true => edits::labels(&mut new)["team"] = json!(random.text("abc", 2)),
                false => new["metadata"]["finalizers"] = json!([format!("example.com/{}", random.text("abc", 1))]),
            }
            world.ask(TENANT, "a label or a finalizer", new, true);
        }
        18 => world.change_policies(random),
        _ if random.one_in(4) => world.delete(),
        _ => reconcile(world, random, stored),
    }
}

fn create(world: &mut World, random: &mut Random) {
    let mut object = world.manifest.clone();
    let mut what = "create".to_owned();
    if random.one_in(2) {
        what = format!("create: {}", edits::some(&mut object, world.kind, random));
    }
    match random.below(3) {
        0 => {
            let on_server = random.one_in(2);
            apply(world, random, on_server);
        }
        1 => {
            let mutates = !random.one_in(4);
            let what = if mutates { what } else { format!("not mutated: {what}") };
            world.ask_with(mutates, TENANT, &what, object, false);
        }
        _ => drop(world.ask(FLYTE, &what, object, false)),
    }
}

/// The author's file is applied, perhaps after an edit; then once more, which must change nothing.
fn apply(world: &mut World, random: &mut Random, on_server: bool) {
    let mut what = if on_server { "apply on the server" } else { "apply" }.to_owned();
    if random.one_in(2) {
        let before = world.manifest.clone();
        let edit = edits::some(&mut world.manifest, world.kind, random);
        // A file has neither a status nor a record, mostly.
        world.manifest.as_object_mut().unwrap().remove("status");
        if let Some(annotations) = world.manifest["metadata"]["annotations"].as_object_mut() {
            annotations.remove("raygate.dev/applied");
        }
        what.push_str(&format!(" after {edit}"));
        if !world.ask(TENANT, &what, applied(world, on_server), false) {
            world.manifest = before;
            return;
        }
    } else if !world.ask(TENANT, &what, applied(world, on_server), false) {
        return;
    }
    world.applied = on_server.then(|| world.manifest.clone()).or(world.applied.take());
    let (live, generation) = (world.stored.clone().unwrap(), world.generation);
    let again = applied(world, on_server);
    if !world.ask(TENANT, "the same again", again, false) {
        world.fail("a manifest is accepted and then refused");
    }
    let now = world.stored.clone().unwrap();
    if world.generation != generation || now != live {
        world.fail(&format!(
            "a manifest that is applied again changes something\nbefore: {live}"
        ));
    }
}

/// What the API server makes of an apply, without defaults: the live object with the fields of the file, and without those
/// that the last file had and this one has not. Lists are replaced.
fn applied(world: &World, on_server: bool) -> Value {
    let manifest = &world.manifest;
    let live = world.stored.clone();
    let last = match (&live, on_server) {
        (None, _) => None,
        (Some(_), true) => world.applied.clone(),
        (Some(live), false) => live["metadata"]["annotations"][LAST_APPLIED]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok()),
    };
    let mut object = live.unwrap_or_else(|| json!({}));
    merge(&mut object, manifest, &last.unwrap_or_else(|| json!({})));
    if !on_server {
        edits::annotations(&mut object)[LAST_APPLIED] = json!(manifest.to_string());
    }
    object
}

fn merge(live: &mut Value, file: &Value, last: &Value) {
    let (Some(file), true) = (file.as_object(), live.is_object()) else {
        *live = file.clone();
        return;
    };
    let live = live.as_object_mut().unwrap();
    for key in last.as_object().into_iter().flatten().map(|(key, _)| key) {
        if !file.contains_key(key) {
            live.remove(key);
        }
    }
    for (key, value) in file {
        match live.get_mut(key) {
            Some(live) => merge(live, value, &last[key]),
            None => drop(live.insert(key.clone(), value.clone())),
        }
    }
}

fn suspend(world: &mut World, stored: &Value, suspended: bool) {
    let mut new = stored.clone();
    new["spec"]["suspend"] = json!(suspended);
    world.ask(TENANT, if suspended { "suspend" } else { "resume" }, new, false);
}

/// Where Kueue suspends an object.
fn queued<'o>(world: &World, object: &'o mut Value) -> &'o mut Map<String, Value> {
    let spec = match world.kind.name {
        "RayService" => &mut object["spec"]["rayClusterConfig"],
        _ => &mut object["spec"],
    };
    spec.as_object_mut().unwrap()
}

/// Kueue evicts or admits.
fn kueue(world: &mut World, random: &mut Random, stored: Value) {
    if world.kind.is_template() {
        return;
    }
    let tree = Tree::of(&stored).unwrap();
    let (is_suspended, selects) = (
        world.kind.is_suspended(tree.root()),
        Workload::of(tree.root()).selects_cluster(),
    );
    let mut new = stored;
    let admits = is_suspended;
    // Each template with the name of its pod set.
    let head = world.kind.head_path().key("template").pointer();
    let mut templates = vec![(head, "head".to_owned())];
    for (at, group) in world.kind.groups(tree.root()).iter().enumerate() {
        let name = group.get("groupName").and_then(|name| name.as_str());
        let template = world.kind.group_path(at).key("template").pointer();
        templates.push((template, name.unwrap_or_default().to_lowercase()));
    }
    if world.kind.has_job() && new["spec"]["submitterPodTemplate"].is_object() {
        templates.push(("/spec/submitterPodTemplate".to_owned(), "submitter".to_owned()));
    }
    for (pointer, pod_set) in templates {
        let template = new.pointer_mut(&pointer).unwrap();
        let labels = edits::labels(template);
        match admits {
            true => labels["kueue.x-k8s.io/podset"] = json!(pod_set),
            false => drop(labels.as_object_mut().unwrap().remove("kueue.x-k8s.io/podset")),
        }
        let spec = &mut template["spec"];
        match admits {
            true => {
                if !spec["nodeSelector"].is_object() {
                    spec["nodeSelector"] = json!({});
                }
                spec["nodeSelector"]["flavor"] = json!(random.pick(&["a", "b"]));
            }
            false => drop(spec["nodeSelector"].as_object_mut().map(|map| map.remove("flavor"))),
        }
        if spec["nodeSelector"].as_object().is_none_or(Map::is_empty) {
            spec.as_object_mut().unwrap().remove("nodeSelector");
        }
    }
    if admits {
        // Kueue resumes only what it has suspended.
        new["spec"].as_object_mut().unwrap().remove("suspend");
        queued(world, &mut new).remove("suspend");
    } else {
        if selects {
            return;
        }
        queued(world, &mut new).insert("suspend".to_owned(), json!(true));
    }
    world.ask(KUEUE, if admits { "admit" } else { "evict" }, new, true);
}

/// KubeRay's operator looks at the object.
fn reconcile(world: &mut World, random: &mut Random, stored: Value) {
    let tree = Tree::of(&stored).unwrap();
    let is_suspended = world.kind.is_suspended(tree.root());
    let has_cluster = stored["status"]["rayClusterName"]
        .as_str()
        .is_some_and(|name| !name.is_empty());
    match world.kind.name {
        "RayJob" if is_suspended || has_cluster && random.one_in(3) => {
            world.note("the cluster is deleted: suspended, or a retry");
            world.stored.as_mut().unwrap()["status"] = json!({"jobDeploymentStatus": "Suspended"});
        }
        "RayJob" if !has_cluster => {
            world.build();
            world.stored.as_mut().unwrap()["status"] = json!({"rayClusterName": "train-abcde"});
        }
        "RayCluster" | "RayService" if !is_suspended => world.build(),
        "RayCronJob" if !is_suspended => {
            let job = cron_job::ray_job(&Workload::of(tree.root()));
            world.note("a run");
            world.built += 1;
            if let (Err(denial), Some(false)) = (world.accepts(OPERATOR, &job), world.told) {
                world.fail(&format!(
                    "a RayJob is refused, and the RayCronJob did not say so: {denial}"
                ));
            }
        }
        _ => {}
    }
}

/// KubeRay's typed client writes back what it read: without what is empty, and with a finalizer.
fn rewrite(world: &mut World, stored: &Value) {
    let mut new = stored.clone();
    drop_empty(&mut new["spec"]);
    new["metadata"]["finalizers"] = json!(["ray.io/rayjob-finalizer"]);
    world.ask(OPERATOR, "rewrite", new, true);
}

fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(drop_empty);
            map.retain(|key, value| {
                let is_template = matches!(key.as_str(), "template" | "metadata" | "rayStartParams" | "spec");
                is_template || !(value.is_null() || value.as_object().is_some_and(Map::is_empty))
            });
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

/// Ray's autoscaler, as the head's account.
fn scale(world: &mut World, random: &mut Random, stored: Value) {
    if world.kind.name != "RayCluster" || stored["spec"]["enableInTreeAutoscaling"] != true {
        return;
    }
    let mut new = stored;
    let replicas = random.below(9);
    let group = edits::group(&mut new, world.kind, random);
    group["replicas"] = replicas.into();
    group["scaleStrategy"] = json!({"workersToDelete": ["train-worker-a"]});
    world.ask(HEAD_POD, "scale", new, true);
}
