//! Generated pods, held against the evaluator of the Pod Security Standards that the API server runs.
//! `RAYGATE_PODS=500000` compares so many.

use std::collections::{BTreeMap, BTreeSet};

use raygate::k8s::path::Path;
use raygate::k8s::pod_security::{Container, Pod, Version};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::random::Random;
use super::{KUBERNETES, assert_none};

#[derive(Deserialize)]
struct Answer {
    decoded: bool,
    #[serde(default)]
    violations: Option<Vec<Found>>,
}

#[derive(Deserialize)]
struct Found {
    control: String,
    detail: String,
}

const LISTS: [(&str, &str); 3] = [
    ("initContainers", "i"),
    ("containers", "c"),
    ("ephemeralContainers", "e"),
];

/// The controls that demand a field, which may be missing.
const DEMANDS: [&str; 4] = [
    "allowPrivilegeEscalation",
    "capabilities_restricted",
    "runAsNonRoot",
    "seccompProfile_restricted",
];

/// What the comparison met.
#[derive(Default)]
struct Met {
    undecoded: usize,
    admitted: usize,
    violated: BTreeMap<String, usize>,
    differences: Vec<String>,
}

#[test]
fn pods_violate_what_the_api_server_says() {
    /// Pods that are held in memory together.
    const BATCH: usize = 10_000;
    let count = std::env::var("RAYGATE_PODS").map_or(20_000, |count| count.parse().expect("RAYGATE_PODS is a number"));
    let mut random = Random::new(5);
    let mut met = Met::default();
    for _ in 0..usize::div_ceil(count, BATCH) {
        let asked: Vec<(String, Value)> = (0..BATCH).map(|_| (profile(&mut random), pod(&mut random))).collect();
        let texts: Vec<String> = asked
            .iter()
            .map(|(profile, pod)| {
                let (level, version) = profile.split_once(':').unwrap();
                json!({"level": level, "version": version, "pod": pod}).to_string()
            })
            .collect();
        let Some(answers) = KUBERNETES.answers::<Answer>("pod-security", &texts) else {
            return;
        };
        for ((profile, pod), answer) in asked.iter().zip(answers) {
            compare(profile, pod, answer, &mut met);
        }
    }
    assert_none(&met.differences, count);
    // The generator is worth something only if it makes pods of each kind.
    let admitted = met.admitted;
    assert!((count / 20..count / 2).contains(&admitted), "{admitted} are admitted");
    assert!(met.undecoded < count / 10, "{} cannot be decoded", met.undecoded);
    let violated = met.violated;
    assert_eq!(violated.len(), 19, "{violated:?}");
    assert!(violated.values().all(|&seen| seen > count / 200), "{violated:?}");
}

fn compare(profile: &str, pod: &Value, answer: Answer, met: &mut Met) {
    let evaluated = Pod::of(pod, Path::ROOT);
    let violations = evaluated.violations(profile.parse().unwrap());
    if !answer.decoded {
        met.undecoded += 1;
        return;
    }
    let theirs = answer.violations.unwrap_or_default();
    met.admitted += usize::from(theirs.is_empty());
    let controls: BTreeSet<&str> = violations.iter().map(|violation| violation.control).collect();
    let their_controls: BTreeSet<&str> = theirs.iter().map(|found| found.control.as_str()).collect();
    if controls != their_controls {
        let difference = format!("{profile} {pod}: {controls:?}, Go {their_controls:?}");
        return met.differences.push(difference);
    }
    let name = |container: &Container<'_>| {
        container.value["name"]
            .as_str()
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
    };
    for Found { control, detail } in theirs {
        let ours = violations.iter().filter(|violation| violation.control == control);
        let named: BTreeSet<String> = ours
            .filter_map(|violation| name(&evaluated.containers[violation.container?]))
            .collect();
        // What no container sets is a violation of the pod here, and of the containers there.
        let is_missing = detail.starts_with("pod or container");
        let containers = evaluated.containers.iter().filter_map(name);
        let their_names: BTreeSet<String> = containers
            .filter(|name| !is_missing && detail.contains(&format!("\"{name}\"")))
            .collect();
        if named != their_names {
            met.differences
                .push(format!("{profile} {pod} {control}: {named:?}, Go: {detail}"));
        }
        *met.violated.entry(control).or_default() += 1;
    }
    for violation in &violations {
        assert!(
            violation.path.reaches(pod) || DEMANDS.contains(&violation.control),
            "{} leads nowhere in {pod}",
            violation.path
        );
    }
}

fn profile(random: &mut Random) -> String {
    let level = random.pick(&["baseline", "restricted"]);
    let minor = usize::from(Version::OLDEST) + random.below(usize::from(Version::NEWEST - Version::OLDEST) + 2);
    if minor > usize::from(Version::NEWEST) {
        format!("{level}:latest")
    } else {
        format!("{level}:v1.{minor}")
    }
}

/// A pod that a profile may well admit, with some fields that it may not.
fn pod(random: &mut Random) -> Value {
    let mut spec = json!({});
    // In some pods nearly everything is as the level restricted wants it, in others nothing.
    let care = [0, 2, 4, 40][random.below(4)];
    for (list, prefix) in LISTS {
        let most = if list == "containers" { 3 } else { 2 };
        let count = random.below(most);
        let containers: Vec<Value> = (0..count)
            .map(|at| container(random, &format!("{prefix}{at}"), care))
            .collect();
        if count > 0 || random.one_in(4) {
            spec[list] = containers.into();
        }
    }
    if care > 0 || random.one_in(2) {
        spec["securityContext"] = context(random, care, true);
    }
    let rarely = 10 + 3 * care;
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        set(
            random,
            &mut spec,
            key,
            rarely,
            &[json!(true), json!(false), json!(true)],
        );
    }
    set(
        random,
        &mut spec,
        "hostUsers",
        4,
        &[json!(true), json!(false), json!(false)],
    );
    let systems = [
        json!({"name": "windows"}),
        json!({"name": "linux"}),
        json!({"name": "Windows"}),
        json!({}),
    ];
    set(random, &mut spec, "os", 8, &systems);
    if random.one_in(2) {
        let count = random.below(4);
        spec["volumes"] = (0..count)
            .map(|at| volume(random, at, rarely))
            .collect::<Vec<_>>()
            .into();
    }
    let mut metadata = json!({"name": "a"});
    if random.one_in(rarely) {
        let key = random.pick(&[
            "container.apparmor.security.beta.kubernetes.io/c0",
            "container.apparmor.security.beta.kubernetes.io/",
            "container.apparmor.security.beta.kubernetes.io",
            "seccomp.security.alpha.kubernetes.io/pod",
        ]);
        let value = random.pick(&[
            "unconfined",
            "runtime/default",
            "localhost/a",
            "localhost",
            "",
            "Runtime/default",
        ]);
        metadata["annotations"] = json!({key: value});
    }
    let mut pod = json!({"metadata": metadata, "spec": spec});
    if random.one_in(30) {
        spoil(random, &mut pod);
    }
    pod
}

fn container(random: &mut Random, name: &str, care: usize) -> Value {
    let mut container = json!({"name": name});
    if care > 0 || random.one_in(2) {
        container["securityContext"] = context(random, care, false);
    }
    let rarely = 6 + 3 * care;
    if random.one_in(4) {
        let ports = [json!(0), json!(8080), json!(null), json!(-1), json!(0), json!(65535)];
        let count = random.below(3);
        let port = |random: &mut Random| {
            let mut port = json!({"containerPort": 80});
            set(random, &mut port, "hostPort", rarely, &ports);
            port
        };
        container["ports"] = (0..count).map(|_| port(random)).collect::<Vec<_>>().into();
    }
    for (holder, key) in [
        ("", "livenessProbe"),
        ("", "readinessProbe"),
        ("", "startupProbe"),
        ("lifecycle", "postStart"),
        ("lifecycle", "preStop"),
    ] {
        if !random.one_in(rarely) {
            continue;
        }
        let action = random.pick(&["httpGet", "tcpSocket", "exec"]);
        let mut handler = json!({"port": 80});
        set(
            random,
            &mut handler,
            "host",
            1,
            &[json!("127.0.0.1"), json!("a"), json!("")],
        );
        let handler = if action == "exec" {
            json!({"command": ["a"]})
        } else {
            handler
        };
        match holder {
            "" => container[key] = json!({action: handler}),
            holder => container[holder][key] = json!({action: handler}),
        }
    }
    container
}

/// A security context; the more care, the more of it is as the level restricted wants it.
fn context(random: &mut Random, care: usize, of_pod: bool) -> Value {
    let mut context = json!({});
    let rarely = 5 + 3 * care;
    let careful = |random: &mut Random| care > 0 && !random.one_in(2 + care);
    let boolean = [json!(true), json!(false)];
    if careful(random) {
        context["runAsNonRoot"] = true.into();
    } else {
        set(random, &mut context, "runAsNonRoot", 2, &boolean);
    }
    set(
        random,
        &mut context,
        "runAsUser",
        rarely,
        &[json!(0), json!(1000), json!(0), json!(-1)],
    );
    let confined = [
        json!({"type": "RuntimeDefault"}),
        json!({"type": "Localhost", "localhostProfile": "a"}),
        json!({"type": "Unconfined"}),
        json!({}),
        json!({"type": "runtime/default"}),
    ];
    if careful(random) {
        context["seccompProfile"] = confined[random.below(2)].clone();
    } else {
        set(random, &mut context, "seccompProfile", 2, &confined);
    }
    set(random, &mut context, "appArmorProfile", rarely, &confined);
    if random.one_in(rarely) {
        let mut options = json!({});
        let types = [
            "",
            "container_t",
            "container_init_t",
            "container_kvm_t",
            "container_engine_t",
            "spc_t",
        ];
        set(random, &mut options, "type", 1, &types.map(Value::from));
        set(random, &mut options, "user", 3, &[json!("system_u"), json!("")]);
        set(random, &mut options, "role", 3, &[json!("system_r"), json!("")]);
        set(random, &mut options, "level", 3, &[json!("s0:c1,c2")]);
        context["seLinuxOptions"] = options;
    }
    set(
        random,
        &mut context,
        "windowsOptions",
        rarely,
        &[
            json!({"hostProcess": true}),
            json!({"hostProcess": false}),
            json!({"hostProcess": null}),
            json!({}),
        ],
    );
    if of_pod {
        if random.one_in(rarely) {
            let names = [
                "kernel.shm_rmid_forced",
                "net.ipv4.ip_local_reserved_ports",
                "net.ipv4.tcp_keepalive_time",
                "net.ipv4.tcp_rmem",
                "net.ipv4.tcp_slow_start_after_idle",
                "net.ipv4.tcp_notsent_lowat",
                "kernel.msgmax",
                "",
                "net.ipv4.tcp_wmem",
                "net.ipv4.tcp_fin_timeout",
                "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
                "net.ipv4.ip_local_port_range",
                "net.ipv4.tcp_syncookies",
                "net.ipv4.ping_group_range",
                "net.ipv4.ip_unprivileged_port_start",
            ];
            let count = 1 + random.below(2);
            let sysctls = (0..count).map(|_| json!({"name": random.pick(&names), "value": "1"}));
            context["sysctls"] = sysctls.collect::<Vec<_>>().into();
        }
        return context;
    }
    if careful(random) {
        context["allowPrivilegeEscalation"] = false.into();
    } else {
        set(random, &mut context, "allowPrivilegeEscalation", 2, &boolean);
    }
    set(random, &mut context, "privileged", rarely, &boolean);
    set(
        random,
        &mut context,
        "procMount",
        rarely,
        &[json!("Unmasked"), json!("Default"), json!(""), json!("Unmasked")],
    );
    let drops = [
        json!(["ALL"]),
        json!(["ALL", "KILL"]),
        json!(["KILL", "ALL"]),
        json!(["KILL"]),
        json!(["all"]),
        json!([]),
    ];
    let mut capabilities = json!({});
    if careful(random) {
        capabilities["drop"] = drops[random.below(3)].clone();
    } else {
        set(random, &mut capabilities, "drop", 2, &drops);
    }
    if random.one_in(rarely) {
        let names = [
            "NET_BIND_SERVICE",
            "NET_BIND_SERVICE",
            "SYS_ADMIN",
            "CHOWN",
            "KILL",
            "MKNOD",
            "ALL",
            "chown",
            "CAP_CHOWN",
            "",
            "AUDIT_WRITE",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT",
            "NET_RAW",
        ];
        let count = random.below(3);
        capabilities["add"] = (0..count).map(|_| random.pick(&names)).collect::<Vec<_>>().into();
    }
    if capabilities != json!({}) || random.one_in(4) {
        context["capabilities"] = capabilities;
    }
    context
}

fn volume(random: &mut Random, at: usize, rarely: usize) -> Value {
    let allowed = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let others = [
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "gitRepo",
        "nfs",
        "iscsi",
        "glusterfs",
        "rbd",
        "flexVolume",
        "cinder",
        "cephfs",
        "flocker",
        "fc",
        "azureFile",
        "vsphereVolume",
        "quobyte",
        "azureDisk",
        "photonPersistentDisk",
        "portworxVolume",
        "scaleIO",
        "storageos",
        "unknownType",
    ];
    let mut volume = json!({"name": format!("v{at}")});
    for types in [&allowed[..], &others[..]] {
        let is_other = types.len() == others.len();
        if random.one_in(if is_other { rarely } else { 2 }) {
            let source = if random.one_in(10) { json!(null) } else { json!({}) };
            let kind = if is_other && random.one_in(2) {
                "hostPath"
            } else {
                random.pick(types)
            };
            volume[kind] = source;
        }
    }
    volume
}

/// Sets a key in one of so many objects, to one of the values or to null.
fn set(random: &mut Random, object: &mut Value, key: &str, one_in: usize, values: &[Value]) {
    if random.one_in(one_in) {
        object[key] = if random.one_in(12) {
            json!(null)
        } else {
            values[random.below(values.len())].clone()
        };
    }
}

/// Replaces something in a value by another type, or by nothing at all.
fn spoil(random: &mut Random, value: &mut Value) {
    let children: Vec<&mut Value> = match value {
        Value::Object(map) => map.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    if children.is_empty() || random.one_in(6) {
        let odd = [
            json!(null),
            json!({}),
            json!([]),
            json!(null),
            json!([null]),
            json!(true),
            json!(0),
            json!(1.5),
            json!(""),
            Value::Object(Map::new()),
        ];
        *value = odd[random.below(odd.len())].clone();
        return;
    }
    let at = random.below(children.len());
    spoil(random, children.into_iter().nth(at).unwrap());
}
