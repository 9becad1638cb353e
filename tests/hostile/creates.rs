//! RayJobs that ask for too much, or for rights, in a place that a check may forget.

use serde_json::{Value, json};

use crate::binary::Raygate;
use crate::jobs::{GROUP, HEAD, assert_allowed, assert_denied, judged, seed, with};

const POLICIES: &str = r#"
apiVersion: raygate.dev/v1beta1
kind: Platform
spec:
  flyte: {serviceAccounts: ['system:serviceaccount:mlplatform-production:flytepropeller']}
  accelerators:
    a100: {resource: nvidia.com/gpu, nodeSelector: {gpu: a100}, claimTemplates: {eight: 8}}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: strict}
spec:
  match: {}
  limits:
    maxGpusPerJob: 4
    accelerators: {a100: 4}
    maxCpusPerJob: '100'
    maxMemoryPerJob: 512Gi
    unknownDevices: Deny
    allowedImages: ['ghcr.io/my-org/**']
  actions: {RG606: Deny, RG607: Deny}
  rules:
    - name: team-account
      each: Pod
      require: '!has(pod.spec.serviceAccountName) || pod.spec.serviceAccountName != "admin"'
      message: 'the account {pod.spec.serviceAccountName} is for admins'
    - name: pinned
      each: Container
      require: 'container.image.contains(":")'
      message: 'the image {container.image} has no tag'
    - name: our-packages
      require: 'job.downloads.all(one, one.host == "" || one.host.endsWith(".example.internal"))'
      message: packages come from the mirror
"#;

fn init(extra: &Value) -> Value {
    let mut container = json!({"name": "setup", "image": "ghcr.io/my-org/tools:1"});
    raygate::suite::merge(&mut container, extra.clone());
    json!([container])
}

fn limits(resources: &Value) -> Value {
    json!({"resources": {"limits": resources}})
}

/// The RayJob with KubeRay's autoscaler, and options for it.
fn autoscaled(job: &Value, options: Value) -> Value {
    let job = with(job.clone(), "/spec/rayClusterSpec/enableInTreeAutoscaling", json!(true));
    with(job, "/spec/rayClusterSpec/autoscalerOptions", options)
}

#[test]
fn no_place_of_a_pod_is_forgotten() {
    let raygate = Raygate::start_with(|command, folder| {
        let own = folder.join("policies");
        std::fs::create_dir(&own).expect("create a folder");
        std::fs::write(own.join("own.yaml"), POLICIES).expect("write a policy");
        command.arg("--policies").arg(own);
    });
    let good = seed(1);
    assert_allowed(&judged(&raygate, &good));
    assert_allowed(&judged(&raygate, &autoscaled(&good, json!({}))));
    let worker = |field: &str, value| with(good.clone(), &format!("{GROUP}/template/spec/{field}"), value);
    let device = |key: &str, count: &str| worker("initContainers", init(&limits(&json!({key: count}))));
    let sidecar = |resources: Value| {
        let mut container = limits(&resources);
        container["restartPolicy"] = "Always".into();
        worker("initContainers", init(&container))
    };
    let volume = json!([{"name": "v", "image": {"reference": "docker.io/other/x:1"}}]);
    let unnamed = worker("serviceAccountName", json!(""));
    let privileged = json!({"securityContext": {"privileged": true}});
    for (what, job, code) in [
        ("GPUs of an init container", device("nvidia.com/gpu", "8"), "RG310"),
        (
            "GPUs under a shared name",
            device("nvidia.com/gpu-shared", "8"),
            "RG310",
        ),
        (
            "GPUs under the name of a model",
            device("nvidia.com/A100", "8"),
            "RG310",
        ),
        ("virtual GPUs", device("nvidia.com/vgpu", "8"), "RG310"),
        ("memory of a GPU", device("aliyun.com/gpu-mem", "80"), "RG321"),
        ("cores of a GPU", device("tencent.com/vcuda-core", "100"), "RG321"),
        (
            "GPUs of a native sidecar",
            sidecar(json!({"nvidia.com/gpu": "8"})),
            "RG310",
        ),
        ("CPUs of a native sidecar", sidecar(json!({"cpu": "500"})), "RG213"),
        ("memory of an init container", device("memory", "4Ti"), "RG214"),
        (
            "CPUs of the pod",
            worker("resources", json!({"requests": {"cpu": "500"}})),
            "RG213",
        ),
        (
            "memory of the pod",
            worker(
                "resources",
                json!({"limits": {"memory": "4Ti"}, "requests": {"memory": "4Ti"}}),
            ),
            "RG214",
        ),
        (
            "resource claims",
            worker(
                "resourceClaims",
                json!([{"name": "g", "resourceClaimTemplateName": "gpu"}]),
            ),
            "RG321",
        ),
        (
            "GPUs of the autoscaler",
            autoscaled(&good, limits(&json!({"nvidia.com/gpu": "8"}))),
            "RG310",
        ),
        (
            "the autoscaler's image",
            autoscaled(&good, json!({"image": "docker.io/other/x:1"})),
            "RG601",
        ),
        ("a privileged autoscaler", autoscaled(&good, privileged), "RG606"),
        ("an image volume", worker("volumes", volume), "RG601"),
        (
            "an ephemeral container",
            worker("ephemeralContainers", json!([{"name": "e", "image": "other/x:1"}])),
            "RG601",
        ),
        (
            "Ray's own image",
            with(
                good.clone(),
                "/spec/runtimeEnvYAML",
                json!("image_uri: docker.io/other/x:1"),
            ),
            "RG601",
        ),
        (
            "parts of a GPU beside GPUs of another vendor's plugin",
            worker(
                "containers/0/resources",
                json!({"limits": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "1", "aliyun.com/gpu-mem": "80"}}),
            ),
            "RG321",
        ),
        (
            "GPUs of a known device class",
            device("deviceclass.resource.kubernetes.io/gpu.nvidia.com", "8"),
            "RG310",
        ),
        (
            "an unknown device class",
            device("deviceclass.resource.kubernetes.io/fast", "1"),
            "RG321",
        ),
        (
            "a claim of a known template",
            worker(
                "resourceClaims",
                json!([{"name": "g", "resourceClaimTemplateName": "eight"}]),
            ),
            "RG322",
        ),
        (
            "an existing claim with the name of a template",
            worker("resourceClaims", json!([{"name": "g", "resourceClaimName": "eight"}])),
            "RG321",
        ),
        (
            "all GPUs of the node by a variable",
            worker(
                "containers/0/env",
                json!([{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]),
            ),
            "RG321",
        ),
        (
            "a kind of GPU without a word about it",
            with(
                worker("nodeSelector", json!({"zone": "b"})),
                &format!("{GROUP}/template/spec/containers/0/resources"),
                json!({"limits": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"}}),
            ),
            "RG322",
        ),
        (
            "an image of the autoscaler that a rule refuses",
            autoscaled(&good, json!({"image": "ghcr.io/my-org/autoscaler"})),
            "rule/pinned",
        ),
        (
            "an ephemeral container that a rule refuses",
            worker(
                "ephemeralContainers",
                json!([{"name": "e", "image": "ghcr.io/my-org/x"}]),
            ),
            "rule/pinned",
        ),
        (
            "packages from elsewhere, in another spelling",
            with(
                good.clone(),
                "/spec/runtimeEnvYAML",
                json!("\"p\\x69p\": [\"x @ HTTPS:\\x2f\\x2fother.example/x.whl\"]"),
            ),
            "rule/our-packages",
        ),
        (
            "an image behind a line end of YAML 1.1",
            with(good.clone(), "/spec/runtimeEnvYAML", json!("#\u{85}image_uri: evil/x")),
            "RG601",
        ),
        (
            "an image behind a line separator",
            with(
                good.clone(),
                "/spec/runtimeEnvYAML",
                json!("env_vars: {}\n#\u{2028}image_uri: evil/x"),
            ),
            "RG601",
        ),
        (
            "an image behind a lone carriage return",
            with(good.clone(), "/spec/runtimeEnvYAML", json!("#\rimage_uri: evil/x")),
            "RG601",
        ),
        (
            "an image among the options of podman",
            with(
                good.clone(),
                "/spec/runtimeEnvYAML",
                json!("container: {image: ghcr.io/my-org/ray, run_options: [evil/x]}"),
            ),
            "RG601",
        ),
        (
            "the account's old name",
            with(
                unnamed,
                &format!("{GROUP}/template/spec/serviceAccount"),
                json!("admin"),
            ),
            "rule/team-account",
        ),
        (
            "Flyte's account",
            with(
                good.clone(),
                &format!("{HEAD}/template/spec/serviceAccountName"),
                json!("flytepropeller"),
            ),
            "RG610",
        ),
    ] {
        eprintln!("{what}");
        assert_denied(&judged(&raygate, &job), code);
    }
}

const RESTRICTED: &str = r#"
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: strict}
spec:
  match: {}
  limits: {podSecurity: restricted}
  actions: {RG612: Deny, RG613: Deny, RG614: Deny, RG717: Deny}
"#;

/// A pod template that the level restricted admits, with all containers of another one.
fn restricted(mut template: Value) -> Value {
    template["spec"]["securityContext"] = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    for container in template["spec"]["containers"].as_array_mut().expect("containers") {
        container["securityContext"] = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    }
    template
}

#[test]
fn no_way_below_the_pod_security_level_is_open() {
    let raygate = Raygate::start_with(|command, folder| {
        let own = folder.join("policies");
        std::fs::create_dir(&own).expect("create a folder");
        std::fs::write(own.join("own.yaml"), RESTRICTED).expect("write a policy");
        command.arg("--policies").arg(own);
    });
    let mut good = seed(1);
    for template in [
        format!("{HEAD}/template"),
        format!("{GROUP}/template"),
        "/spec/submitterPodTemplate".to_owned(),
    ] {
        let place = good.pointer_mut(&template).expect("a template");
        *place = restricted(place.take());
    }
    assert_allowed(&judged(&raygate, &good));
    let worker = |field: &str, value| with(good.clone(), &format!("{GROUP}/template/spec/{field}"), value);
    let context = |field: &str, value| worker(&format!("containers/0/securityContext/{field}"), value);
    let volume = |source: Value| {
        let mut volume = json!({"name": "v"});
        raygate::suite::merge(&mut volume, source);
        worker("volumes", json!([volume]))
    };
    let bare = json!([{"name": "e", "image": "ghcr.io/my-org/tools:1"}]);
    let service = |spec: Value| with(good.clone(), &format!("{HEAD}/headService"), json!({"spec": spec}));
    let unconfined =
        json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/ray-worker": "unconfined"}});
    for (what, job, code) in [
        ("the whole /proc", context("procMount", json!("Unmasked")), "RG611"),
        (
            "no seccomp",
            context("seccompProfile", json!({"type": "Unconfined"})),
            "RG611",
        ),
        (
            "no AppArmor",
            context("appArmorProfile", json!({"type": "Unconfined"})),
            "RG611",
        ),
        (
            "no AppArmor, by annotation",
            with(good.clone(), &format!("{GROUP}/template/metadata"), unconfined),
            "RG611",
        ),
        (
            "a SELinux type",
            context("seLinuxOptions", json!({"type": "spc_t"})),
            "RG611",
        ),
        ("root", context("runAsUser", json!(0)), "RG611"),
        (
            "root for the pod",
            worker("securityContext/runAsUser", json!(0)),
            "RG611",
        ),
        ("perhaps root", context("runAsNonRoot", json!(false)), "RG611"),
        (
            "a sysctl",
            worker(
                "securityContext/sysctls",
                json!([{"name": "kernel.msgmax", "value": "1"}]),
            ),
            "RG611",
        ),
        (
            "Windows' host process",
            worker("securityContext/windowsOptions", json!({"hostProcess": true})),
            "RG611",
        ),
        ("an init container", worker("initContainers", bare.clone()), "RG611"),
        ("an ephemeral container", worker("ephemeralContainers", bare), "RG611"),
        ("the autoscaler", autoscaled(&good, json!({})), "RG611"),
        (
            "KubeRay's own submitter",
            with(good.clone(), "/spec/submitterPodTemplate", Value::Null),
            "RG611",
        ),
        (
            "a submitter in the head",
            with(good.clone(), "/spec/submissionMode", json!("SidecarMode")),
            "RG611",
        ),
        (
            "a server's files",
            volume(json!({"nfs": {"server": "nas", "path": "/"}})),
            "RG613",
        ),
        (
            "a driver of the node",
            volume(json!({"flexVolume": {"driver": "a/b"}})),
            "RG613",
        ),
        (
            "the host path driver",
            volume(json!({"csi": {"driver": "hostpath.csi.k8s.io"}})),
            "RG613",
        ),
        ("a node", worker("nodeName", json!("control-plane")), "RG612"),
        (
            "a request of the node",
            worker(
                "containers/0/readinessProbe",
                json!({"httpGet": {"host": "169.254.169.254", "port": 80}}),
            ),
            "RG614",
        ),
        ("a port on every node", service(json!({"type": "NodePort"})), "RG717"),
        (
            "another's address",
            service(json!({"externalIPs": ["192.0.2.7"]})),
            "RG717",
        ),
    ] {
        eprintln!("{what}");
        assert_denied(&judged(&raygate, &job), code);
    }
}
