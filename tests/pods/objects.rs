//! Ray objects with rich pod templates: valid ones, changed at one to three places of their templates.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// Values for a key of the object at a pointer; null removes the key. In a pointer, `*` stands for some element.
struct Change {
    within: Within,
    pointer: &'static str,
    key: &'static str,
    values: fn() -> Value,
}

#[derive(Clone, Copy)]
enum Within {
    Template,
    Group,
    Cluster,
    Job,
}

macro_rules! change {
    ($within:ident, $pointer:literal, $key:literal, $values:tt) => {
        Change {
            within: Within::$within,
            pointer: $pointer,
            key: $key,
            values: || json!($values),
        }
    };
}

/// What people write wrong in a template, and some of what is right.
const CHANGES: &[Change] = &[
    change!(
        Template,
        "/spec/containers/*/volumeMounts/*",
        "name",
        ["data", "dta", "", "config", "Data"]
    ),
    change!(
        Template,
        "/spec/containers/*/volumeMounts/*",
        "mountPath",
        ["/data", "data", "", "/etc/config", "/a:b", "/dev/shm", null]
    ),
    change!(
        Template,
        "/spec/containers/*/volumeMounts/*",
        "subPath",
        ["a", "/a", "../a", "a/../b", ""]
    ),
    change!(
        Template,
        "/spec/containers/*/volumeMounts/*",
        "subPathExpr",
        ["$(POD)", "/a", ".."]
    ),
    change!(
        Template,
        "/spec/containers/*/volumeMounts/*",
        "mountPropagation",
        ["None", "HostToContainer", "Bidirectional", "none"]
    ),
    change!(
        Template,
        "/spec/containers/*/volumeMounts/*",
        "recursiveReadOnly",
        ["Enabled", "Disabled", "IfPossible", "x"]
    ),
    change!(
        Template,
        "/spec/initContainers/*/volumeMounts/*",
        "name",
        ["data", "dta", ""]
    ),
    change!(
        Template,
        "/spec/initContainers/*",
        "name",
        [
            "copy",
            "sidecar",
            "ray-worker",
            "ray-head",
            "Copy",
            "",
            "wait-gcs-ready",
            "autoscaler",
            null
        ]
    ),
    change!(
        Template,
        "/spec/initContainers/*",
        "restartPolicy",
        ["Always", "Never", "OnFailure", "always", null]
    ),
    change!(Template, "/spec/initContainers/*", "readinessProbe", [{"exec": {"command": ["true"]}}]),
    change!(Template, "/spec/initContainers/*", "lifecycle", [{"preStop": {"exec": {"command": ["true"]}}}]),
    change!(
        Template,
        "/spec/containers/*",
        "name",
        [
            "ray-worker",
            "ray-head",
            "sidecar",
            "Ray_Worker",
            "a.b",
            "",
            "x y",
            "copy",
            "autoscaler",
            "ray-job-submitter",
            ("a".repeat(64)),
            null
        ]
    ),
    change!(Template, "/spec/containers/*", "image", ["", "a", " a", "a ", null]),
    change!(
        Template,
        "/spec/containers/*",
        "imagePullPolicy",
        ["Always", "IfNotPresent", "Never", "always", "Sometimes", ""]
    ),
    change!(
        Template,
        "/spec/containers/*",
        "terminationMessagePolicy",
        ["File", "FallbackToLogsOnError", "file"]
    ),
    change!(
        Template,
        "/spec/containers/*",
        "restartPolicy",
        ["Always", "OnFailure", null]
    ),
    change!(Template, "/spec/containers/*", "volumeMounts", [
        [], [{"name": "data", "mountPath": "/a"}, {"name": "config", "mountPath": "/a"}], [{"name": "data"}],
        [{"name": "data", "mountPath": "/a"}, {"name": "data", "mountPath": "/a/"}], [{"mountPath": "/a"}],
        [{"name": "data", "mountPath": "/dev/shm"}], [{"name": "shm", "mountPath": "/dev/shm"}], [{"name": "shared-mem", "mountPath": "/x"}],
    ]),
    change!(Template, "/spec/containers/*", "ports", [
        [], [{"containerPort": 0}], [{"containerPort": 70000}], [{"containerPort": -1}], [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}],
        [{"name": "metrics-of-the-dashboard", "containerPort": 1}], [{"name": "UPPER", "containerPort": 1}], [{"name": "8080", "containerPort": 1}],
        [{"name": "a--b", "containerPort": 1}], [{"name": "-a", "containerPort": 1}], [{"name": "a-", "containerPort": 1}], [{"name": "a_b", "containerPort": 1}],
        [{"containerPort": 1, "protocol": "tcp"}], [{"containerPort": 1, "protocol": "UDP"}], [{"containerPort": 1, "protocol": "SCTP"}],
        [{"containerPort": 1, "hostPort": 1}, {"containerPort": 2, "hostPort": 1}], [{"containerPort": 1, "hostPort": 70000}], [{"containerPort": 1, "hostPort": -1}],
        [{"containerPort": 1, "hostPort": 2}], [{"containerPort": 1}, {"containerPort": 1}], [{"containerPort": 1, "hostIP": "x"}], [{"name": "", "containerPort": 1}],
        [{"containerPort": 1, "hostPort": 1, "protocol": "UDP"}, {"containerPort": 2, "hostPort": 1}], [{"name": "a", "hostPort": 5}],
    ]),
    change!(Template, "/spec/containers/*", "env", [
        [{"name": ""}], [{"value": "a"}], [{"name": "A", "value": "a", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}], [{"name": "A=B", "value": "x"}],
        [{"name": "A", "valueFrom": {}}], [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}, "configMapKeyRef": {"name": "s", "key": "k"}}}],
        [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}], [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}],
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}], [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.nam"}}}],
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}], [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.containers"}}}],
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}}], [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}],
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a b']"}}}], [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": ""}}}],
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['A/b']"}}}], [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}],
        [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}], [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.gpu"}}}],
        [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}}], [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "2"}}}],
        [{"name": "A", "valueFrom": {"resourceFieldRef": {}}}], [{"name": "a b", "value": "x"}], [{"name": "A", "value": ""}], [{"name": "A"}, {"name": "A", "value": "x"}],
        [{"name": "A", "value": "", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}], [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "s", "key": "a/b"}}}],
        [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "S_x", "key": "k"}}}], [{"name": "1.a-_", "value": "x"}], [{"name": "\u{e4}", "value": "x"}],
    ]),
    change!(Template, "/spec/containers/*", "envFrom", [
        [{"secretRef": {"name": "s"}}], [{"configMapRef": {}}], [{}], [{"secretRef": {"name": "s"}, "configMapRef": {"name": "c"}}], [{"prefix": "A_", "secretRef": {"name": "s"}}],
        [{"prefix": "A=", "secretRef": {"name": "s"}}], [{"secretRef": {"name": "S_"}}], [{"prefix": "a b", "configMapRef": {"name": "s"}}], [{"prefix": "1", "configMapRef": {"name": "s"}}],
    ]),
    change!(Template, "/spec/containers/*", "livenessProbe", [
        {}, {"exec": {}}, {"exec": {"command": []}}, {"exec": {"command": ["true"]}}, {"exec": {"command": ["true"]}, "httpGet": {"port": 1}},
        {"httpGet": {"port": 0}}, {"httpGet": {"port": "http"}}, {"httpGet": {"port": "HTTP"}}, {"httpGet": {"path": "", "port": 80}}, {"httpGet": {"path": "x", "port": 80}},
        {"httpGet": {"port": 70000}}, {"httpGet": {"port": "way-too-long-name"}}, {"httpGet": {"port": 80, "scheme": "http"}}, {"httpGet": {"port": 80, "scheme": "HTTPS"}},
        {"httpGet": {"port": 80, "httpHeaders": [{"name": "a b", "value": "x"}]}}, {"httpGet": {"port": 80, "httpHeaders": [{"name": "X-a", "value": "x"}]}},
        {"tcpSocket": {"port": 80}}, {"tcpSocket": {}}, {"tcpSocket": {"port": "80"}}, {"grpc": {"port": 0}}, {"grpc": {"port": 5}}, {"grpc": {"port": 5, "service": "a"}},
        {"exec": {"command": ["true"]}, "successThreshold": 2}, {"exec": {"command": ["true"]}, "failureThreshold": -1}, {"exec": {"command": ["true"]}, "periodSeconds": 0},
        {"exec": {"command": ["true"]}, "timeoutSeconds": -2}, {"exec": {"command": ["true"]}, "initialDelaySeconds": -1}, {"exec": {"command": ["true"]}, "periodSeconds": -1},
        {"exec": {"command": ["true"]}, "terminationGracePeriodSeconds": 0}, {"exec": {"command": ["true"]}, "terminationGracePeriodSeconds": 5}, {"initialDelaySeconds": 5},
        {"exec": {"command": ["true"]}, "successThreshold": 0}, {"httpGet": {}}, {"exec": null},
    ]),
    change!(Template, "/spec/containers/*", "readinessProbe", [
        {}, {"exec": {"command": ["true"]}, "successThreshold": 2}, {"exec": {"command": ["true"]}, "successThreshold": -1}, {"exec": {"command": ["true"]}, "terminationGracePeriodSeconds": 5},
        {"tcpSocket": {"port": 80}, "exec": {"command": ["true"]}}, {"tcpSocket": {"port": 80}}, {"timeoutSeconds": 3},
    ]),
    change!(Template, "/spec/containers/*", "startupProbe", [
        {}, {"exec": {"command": ["true"]}, "successThreshold": 2}, {"exec": {"command": ["true"]}}, {"httpGet": {"port": "dashboard"}},
    ]),
    change!(Template, "/spec/containers/*", "lifecycle", [
        {}, {"preStop": {}}, {"preStop": {"exec": {"command": ["true"]}}}, {"preStop": {"exec": {}}}, {"postStart": {"httpGet": {"port": 80}}}, {"postStart": {"httpGet": {"port": 80, "path": "x"}}},
        {"preStop": {"exec": {"command": ["true"]}, "httpGet": {"port": 80}}}, {"preStop": {"sleep": {"seconds": 5}}}, {"preStop": {"sleep": {"seconds": -5}}}, {"preStop": {"sleep": {"seconds": 5000}}},
        {"preStop": {"tcpSocket": {"port": 0}}}, {"stopSignal": "SIGTERM"},
    ]),
    change!(Template, "/spec/containers/*", "resources", [
        {"limits": {"cpu": "1", "gpu": "1"}}, {"limits": {"nvidia/gpu": "1"}}, {"requests": {"nvidia.com/gpu": 1}}, {"limits": {"cpu": "-1"}}, {"requests": {"cpu": 2}, "limits": {"cpu": 1}},
        {"limits": {"nvidia.com/gpu": "500m"}}, {"limits": {"nvidia.com/gpu": 1}, "requests": {"nvidia.com/gpu": 2}}, {"limits": {"hugepages-2Mi": "4Mi"}}, {"limits": {"hugepages-2Mi": "4Mi", "memory": "1Gi"}},
        {"limits": {"hugepages-2Mi": "3Mi", "memory": "1Gi"}}, {"limits": {"hugepages-x": "4Mi", "memory": "1Gi"}}, {"limits": {"storage": "1Gi"}}, {"limits": {"ephemeral-storage": "1Gi"}},
        {"limits": {"memory": "500m"}}, {"limits": {"memory": "1.5"}}, {"limits": {"a b": 1}}, {"limits": {"kubernetes.io/x": 1}}, {"limits": {"requests.nvidia.com/gpu": 1}}, {"limits": {"": 1}},
        {"claims": [{"name": "gpu"}]}, {"claims": [{"name": "other"}]}, {"claims": [{"name": "gpu"}, {"name": "gpu"}]}, {"claims": [{"name": ""}]}, {"claims": [{}]}, {"claims": [{"name": "gpu", "request": "a"}, {"name": "gpu"}]},
        {"requests": {"hugepages-2Mi": "4Mi", "memory": "1Gi"}}, {"limits": {"pods": 1}}, {"limits": {"CPU": 1}}, {"limits": {"mem": "1Gi"}}, {"limits": {"hugepages-2Mi": "4Mi", "memory": "1Gi"}, "requests": {"hugepages-2Mi": "2Mi"}},
        {"limits": {"attachable-volumes-aws-ebs": 1}}, {"limits": {"nvidia.com/mig-1g.5gb": 1}}, {"limits": {"A/b": 1}},
    ]),
    change!(Template, "/spec/containers/*", "securityContext", [
        {}, {"privileged": true, "allowPrivilegeEscalation": false}, {"runAsUser": -1}, {"runAsGroup": -5}, {"runAsUser": 0, "runAsNonRoot": true}, {"capabilities": {"add": ["SYS_ADMIN"]}, "allowPrivilegeEscalation": false},
        {"capabilities": {"add": ["CAP_SYS_ADMIN"]}, "allowPrivilegeEscalation": false}, {"procMount": "Unmasked"}, {"procMount": "x"}, {"procMount": "Default"}, {"seccompProfile": {"type": "Localhost"}}, {"seccompProfile": {"type": "RuntimeDefault"}},
        {"seccompProfile": {"type": "runtimeDefault"}}, {"seccompProfile": {"type": "Localhost", "localhostProfile": "/a"}}, {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "a"}}, {"seccompProfile": {"type": "Localhost", "localhostProfile": "a"}},
        {"seccompProfile": {}}, {"appArmorProfile": {"type": "Unconfined"}}, {"appArmorProfile": {"type": "x"}}, {"appArmorProfile": {"type": "Localhost"}}, {"windowsOptions": {"hostProcess": true}}, {"windowsOptions": {"runAsUserName": ""}}, {"runAsUser": 4294967295_u64},
        {"windowsOptions": {"gmsaCredentialSpecName": "A b"}}, {"capabilities": {"add": ["SYS_PTRACE"]}},
    ]),
    change!(Template, "/spec/containers/*", "volumeDevices", [
        [{"name": "data", "devicePath": "/x"}], [{"name": "pvc", "devicePath": "/x"}], [{"name": "none", "devicePath": "/x"}], [{"name": "pvc", "devicePath": "x"}], [{"name": "pvc", "devicePath": ""}],
        [{"name": "pvc", "devicePath": "/models"}], [{"name": "pvc", "devicePath": "/x"}, {"name": "pvc", "devicePath": "/y"}],
    ]),
    change!(Template, "/spec/containers/*", "workingDir", ["x", "/x", ""]),
    change!(Template, "/spec/containers/*", "resizePolicy", [
        [{"resourceName": "cpu", "restartPolicy": "NotRequired"}], [{"resourceName": "gpu", "restartPolicy": "NotRequired"}], [{"resourceName": "cpu", "restartPolicy": "x"}], [{"resourceName": "cpu"}],
        [{"resourceName": "cpu", "restartPolicy": "NotRequired"}, {"resourceName": "cpu", "restartPolicy": "RestartContainer"}],
    ]),
    change!(
        Template,
        "/spec/volumes/*",
        "name",
        [
            "data",
            "Data",
            "",
            "a.b",
            "config",
            "shared-mem",
            "ray-logs",
            ("a".repeat(64)),
            null
        ]
    ),
    change!(Template, "/spec/volumes/*", "emptyDir", [
        {}, {"medium": "Memory"}, {"medium": "memory"}, {"sizeLimit": "-1Gi"}, {"sizeLimit": "0"}, {"sizeLimit": "1Gi", "medium": "HugePages"}, {"medium": "HugePages-2Mi"}, {"medium": "HugePages-x"}, {"medium": "Disk"}, null,
    ]),
    change!(Template, "/spec/volumes/*", "persistentVolumeClaim", [{}, {"claimName": ""}, {"claimName": "a"}, {"claimName": "A_b"}, {"claimName": "a", "readOnly": true}, null]),
    change!(Template, "/spec/volumes/*", "configMap", [
        {}, {"name": "a"}, {"name": "A_"}, {"name": "a", "items": [{"key": "a", "path": "b"}]}, {"name": "a", "items": [{"key": "a"}]}, {"name": "a", "items": [{"path": "a"}]}, {"name": "a", "items": [{"key": "a", "path": "/b"}]},
        {"name": "a", "items": [{"key": "a", "path": "../b"}]}, {"name": "a", "defaultMode": 511}, {"name": "a", "defaultMode": 600}, {"name": "a", "defaultMode": -1}, {"name": "a", "items": [{"key": "a", "path": "b", "mode": 777}]}, {"name": "a", "items": [{"key": "a/b", "path": "b"}]},
    ]),
    change!(Template, "/spec/volumes/*", "secret", [{}, {"secretName": ""}, {"secretName": "a"}, {"name": "a"}, {"secretName": "A b"}, {"secretName": "a", "defaultMode": 400}, {"secretName": "a", "defaultMode": 512}, {"secretName": "a", "items": [{"key": "", "path": "x"}]}]),
    change!(Template, "/spec/volumes/*", "hostPath", [{}, {"path": ""}, {"path": "/a"}, {"path": "a"}, {"path": "/a/../b"}, {"path": "/a", "type": "Directory"}, {"path": "/a", "type": "directory"}, {"path": "/a", "type": ""}]),
    change!(Template, "/spec/volumes/*", "nfs", [{}, {"server": "a"}, {"path": "/a"}, {"server": "a", "path": "/a"}, {"server": "a", "path": "a"}]),
    change!(Template, "/spec/volumes/*", "csi", [{}, {"driver": ""}, {"driver": "gcsfuse.csi.storage.gke.io"}, {"driver": "A b"}, {"driver": "a", "nodePublishSecretRef": {}}, {"driver": "a.b", "nodePublishSecretRef": {"name": "x"}}, {"driver": "a_b"}]),
    change!(Template, "/spec/volumes/*", "ephemeral", [
        {}, {"volumeClaimTemplate": {}}, {"volumeClaimTemplate": {"spec": {}}}, {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}},
        {"volumeClaimTemplate": {"spec": {"accessModes": ["rwo"], "resources": {"requests": {"storage": "1Gi"}}}}}, {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}, {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "0"}}}}},
        {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOncePod", "ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}, {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "A b", "resources": {"requests": {"storage": "1Gi"}}}}},
        {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "1Gi"}}}}}, {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "-1Gi"}}}}},
    ]),
    change!(Template, "/spec/volumes/*", "projected", [
        {}, {"sources": []}, {"sources": [{}]}, {"sources": [{"secret": {"name": "a"}}]}, {"sources": [{"secret": {}}]}, {"sources": [{"serviceAccountToken": {}}]}, {"sources": [{"serviceAccountToken": {"path": "a", "expirationSeconds": 5}}]},
        {"sources": [{"serviceAccountToken": {"path": "a", "expirationSeconds": 600}}]}, {"sources": [{"secret": {"name": "a"}, "configMap": {"name": "b"}}]}, {"sources": [{"downwardAPI": {"items": [{"path": "a"}]}}]}, {"sources": [{"configMap": {"name": "a", "items": [{"key": "a", "path": "x"}]}}, {"secret": {"name": "b", "items": [{"key": "b", "path": "x"}]}}]},
        {"sources": [{"serviceAccountToken": {"path": "/a"}}]}, {"sources": [{"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]},
    ]),
    change!(Template, "/spec/volumes/*", "downwardAPI", [
        {}, {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}]}, {"items": [{"path": "a"}]}, {"items": [{"fieldRef": {"fieldPath": "metadata.labels"}}]}, {"items": [{"path": "a", "fieldRef": {"fieldPath": "status.podIP"}}]},
        {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}, {"items": [{"path": "a", "resourceFieldRef": {"containerName": "sidecar", "resource": "limits.cpu"}}]},
    ]),
    change!(Template, "/spec/volumes/*", "image", [{}, {"reference": "a"}, {"reference": ""}, {"reference": "a", "pullPolicy": "x"}]),
    change!(Template, "/spec/volumes/*", "gcePersistentDisk", [{}, {"pdName": "a"}, {"pdName": "a", "partition": 300}]),
    change!(Template, "/spec/volumes/*", "awsElasticBlockStore", [{}, {"volumeID": "a"}]),
    change!(Template, "/spec/volumes/*", "fc", [{}, {"lun": 1, "targetWWNs": ["a"]}]),
    change!(Template, "/spec/volumes/*", "iscsi", [{}, {"targetPortal": "a:1", "iqn": "iqn.2015-02.example.com:test", "lun": 0}]),
    change!(Template, "/spec/volumes/*", "cephfs", [{}, {"monitors": ["a"]}]),
    change!(Template, "/spec/volumes/*", "glusterfs", [{}, {"endpoints": "a", "path": "b"}]),
    change!(Template, "/spec/volumes/*", "azureFile", [{}, {"secretName": "a", "shareName": "b"}]),
    change!(Template, "/spec/volumes/*", "flexVolume", [{}, {"driver": "a"}]),
    change!(
        Template,
        "/spec/tolerations/*",
        "operator",
        ["Exists", "Equal", "equals", "", "In", "Lt", "Gt", null]
    ),
    change!(
        Template,
        "/spec/tolerations/*",
        "effect",
        [
            "NoSchedule",
            "NoExecute",
            "PreferNoSchedule",
            "noSchedule",
            "",
            "Never",
            null
        ]
    ),
    change!(
        Template,
        "/spec/tolerations/*",
        "key",
        ["nvidia.com/gpu", "", "a b", "a/b/c", null]
    ),
    change!(
        Template,
        "/spec/tolerations/*",
        "value",
        ["present", "a b", "", "5", null]
    ),
    change!(Template, "/spec/tolerations/*", "tolerationSeconds", [5, 0, -1, null]),
    change!(
        Template,
        "/spec/nodeSelector",
        "pool",
        ["gpu", "NVIDIA A100", "", "-a", ("a".repeat(64)), "a/b"]
    ),
    change!(Template, "/spec/nodeSelector", "bad key", ["x"]),
    change!(Template, "/spec/nodeSelector", "a/b/c", ["x"]),
    change!(
        Template,
        "/spec/nodeSelector",
        "cloud.google.com/gke-accelerator",
        ["nvidia-tesla-a100", "nvidia tesla"]
    ),
    change!(
        Template,
        "/metadata/labels",
        "team",
        ["vision", "computer vision", "-", ("a".repeat(64)), "", "a@b.c"]
    ),
    change!(Template, "/metadata/labels", "a b", ["x"]),
    change!(Template, "/metadata/labels", "ray.io/cluster", ["a b"]),
    change!(Template, "/metadata/labels", "ray.io/group", ["a b"]),
    change!(Template, "/metadata/labels", "ray.io/node-type", ["a b"]),
    change!(Template, "/metadata/labels", "ray.io/identifier", ["a b"]),
    change!(Template, "/metadata/labels", "ray.io/is-ray-node", ["a b"]),
    change!(Template, "/metadata/labels", "app.kubernetes.io/name", ["a b"]),
    change!(Template, "/metadata/labels", "ray.io/serve", ["a b"]),
    change!(Template, "/metadata/annotations", "note", ["any text", ""]),
    change!(Template, "/metadata/annotations", "a b", ["x"]),
    change!(Template, "/metadata/annotations", "A.B/c", ["x"]),
    change!(Template, "/metadata/annotations", "x/", ["x"]),
    change!(
        Template,
        "/metadata/annotations",
        "container.apparmor.security.beta.kubernetes.io/sidecar",
        ["x", "runtime/default"]
    ),
    change!(
        Template,
        "/metadata/annotations",
        "controller.kubernetes.io/pod-deletion-cost",
        ["x", "5"]
    ),
    change!(Template, "/metadata", "name", ["a", "A_b", ""]),
    change!(Template, "/metadata", "namespace", ["a", "A_b", ""]),
    change!(Template, "/metadata", "finalizers", [["a"], ["a.b/c"], ["a b"]]),
    change!(Template, "/metadata", "generateName", ["a", "A_b"]),
    change!(Template, "/metadata", "ownerReferences", [[{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}], [{"apiVersion": "v1"}]]),
    change!(
        Template,
        "/spec",
        "restartPolicy",
        ["Always", "Never", "OnFailure", "never", "", "No", null]
    ),
    change!(
        Template,
        "/spec",
        "serviceAccountName",
        ["ray", "My_SA", "", "a b", ("a".repeat(254)), null]
    ),
    change!(Template, "/spec", "serviceAccount", ["ray", "My_SA", "", null]),
    change!(Template, "/spec", "priorityClassName", ["high", "High_Prio", "", null]),
    change!(
        Template,
        "/spec",
        "schedulerName",
        ["volcano", "My Scheduler", "", "a.b", null]
    ),
    change!(Template, "/spec", "runtimeClassName", ["nvidia", "Nvidia_X", "", null]),
    change!(Template, "/spec", "hostname", ["a", "A_b", "a.b", ""]),
    change!(Template, "/spec", "subdomain", ["a", "A_b", "a.b", ""]),
    change!(Template, "/spec", "setHostnameAsFQDN", [true, false]),
    change!(Template, "/spec", "hostnameOverride", ["a", "A_b"]),
    change!(Template, "/spec", "nodeName", ["a", "A_b", ""]),
    change!(
        Template,
        "/spec",
        "dnsPolicy",
        [
            "ClusterFirst",
            "Default",
            "None",
            "clusterFirst",
            "ClusterFirstWithHostNet",
            ""
        ]
    ),
    change!(Template, "/spec", "dnsConfig", [
        {}, {"nameservers": ["1.2.3.4"]}, {"nameservers": ["x"]}, {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}, {"searches": ["a.b"]}, {"searches": ["A b"]}, {"options": [{"name": "ndots", "value": "2"}]}, {"options": [{"value": "2"}]}, {"searches": ["a_b", ".", "a."]},
    ]),
    change!(Template, "/spec", "hostNetwork", [true, false]),
    change!(Template, "/spec", "hostPID", [true, false]),
    change!(Template, "/spec", "hostIPC", [true, false]),
    change!(Template, "/spec", "hostUsers", [true, false]),
    change!(Template, "/spec", "shareProcessNamespace", [true, false]),
    change!(Template, "/spec", "terminationGracePeriodSeconds", [-1, 0, 30, -30]),
    change!(
        Template,
        "/spec",
        "activeDeadlineSeconds",
        [-1, 0, 1, 3600, 4294967295_u64]
    ),
    change!(
        Template,
        "/spec",
        "preemptionPolicy",
        ["Never", "PreemptLowerPriority", "never"]
    ),
    change!(Template, "/spec", "enableServiceLinks", [true, false]),
    change!(Template, "/spec", "imagePullSecrets", [[{"name": "a"}], [{}], [{"name": "A_"}], [{"name": "a"}, {"name": "a"}]]),
    change!(Template, "/spec", "hostAliases", [[{"ip": "1.2.3.4", "hostnames": ["a"]}], [{"ip": "x", "hostnames": ["a"]}], [{"hostnames": ["a"]}], [{"ip": "1.2.3.4", "hostnames": ["A_b"]}]]),
    change!(Template, "/spec", "readinessGates", [[{"conditionType": "a.b/c"}], [{"conditionType": "a b"}], [{"conditionType": ""}]]),
    change!(Template, "/spec", "schedulingGates", [[{"name": "a"}], [{"name": "a b"}], [{"name": "a"}, {"name": "a"}], [{"name": ""}], [{"name": "kueue.x-k8s.io/topology"}]]),
    change!(Template, "/spec", "overhead", [{"cpu": "1"}, {"cpu": "-1"}, {"gpu": 1}, {}]),
    change!(Template, "/spec", "os", [{"name": "linux"}, {"name": "Linux"}, {"name": "windows"}, {}]),
    change!(Template, "/spec", "securityContext", [
        {}, {"runAsUser": -1}, {"fsGroup": -1}, {"supplementalGroups": [-1]}, {"fsGroup": 1000}, {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}, {"sysctls": [{"name": "Bad name", "value": "1"}]}, {"sysctls": [{"name": "", "value": "1"}]},
        {"sysctls": [{"name": "a.b", "value": "1"}, {"name": "a.b", "value": "1"}]}, {"seccompProfile": {"type": "x"}}, {"fsGroupChangePolicy": "Always"}, {"fsGroupChangePolicy": "always"}, {"runAsNonRoot": true}, {"sysctls": [{"name": "net.ipv4.ip_local_port_range", "value": "1"}]},
        {"supplementalGroupsPolicy": "Strict"}, {"supplementalGroupsPolicy": "x"}, {"seLinuxChangePolicy": "x"}, {"windowsOptions": {"hostProcess": true}}, {"appArmorProfile": {"type": "RuntimeDefault", "localhostProfile": "a"}}, {"runAsGroup": -3},
    ]),
    change!(Template, "/spec", "resourceClaims", [
        [], [{"name": "gpu", "resourceClaimTemplateName": "t"}], [{"name": "gpu"}], [{"name": "gpu", "resourceClaimName": "a", "resourceClaimTemplateName": "b"}], [{"name": "GPU", "resourceClaimName": "a"}], [{"name": "gpu", "resourceClaimName": "a"}, {"name": "gpu", "resourceClaimName": "b"}],
        [{"name": "", "resourceClaimName": "a"}], [{"name": "gpu", "resourceClaimName": "A_"}], [{"name": "gpu", "resourceClaimTemplateName": ""}],
    ]),
    change!(Template, "/spec", "topologySpreadConstraints", [
        [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b"}}}], [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}], [{"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}],
        [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "doNotSchedule"}], [{"maxSkew": 1, "topologyKey": "zone"}], [{"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}], [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2}],
        [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "minDomains": 0}], [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}, {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        [{"maxSkew": 1, "topologyKey": "a b", "whenUnsatisfiable": "DoNotSchedule"}], [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a b": "c"}}}], [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "nodeTaintsPolicy": "x"}],
        [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "matchLabelKeys": ["a"]}], [{"maxSkew": -1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    ]),
    change!(Template, "/spec/affinity", "nodeAffinity", [
        {}, {"requiredDuringSchedulingIgnoredDuringExecution": {}}, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}},
        {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]}}, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}]}},
        {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "in", "values": ["x"]}]}]}}, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1", "2"]}]}]}},
        {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a b", "operator": "In", "values": ["x"]}]}]}}, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["NVIDIA A100"]}]}]}},
        {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]}, {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 101, "preference": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}]},
        {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": {}}]}, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["x"]}]}]}},
        {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [{"key": "x", "operator": "In", "values": ["x"]}]}]}}, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Lt", "values": ["x"]}]}]}},
    ]),
    change!(Template, "/spec/affinity", "podAntiAffinity", [
        {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}, {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {"matchLabels": {"a": "b"}}}]}, {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": ""}]},
        {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]}, {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "exists"}]}}]},
        {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "podAffinityTerm": {"topologyKey": "a"}}]}, {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "podAffinityTerm": {}}]}, {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a b"}]},
        {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a", "namespaces": ["A_b"]}]}, {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a", "labelSelector": {"matchLabels": {"a": "b c"}}}]},
    ]),
    change!(Template, "/spec/affinity", "podAffinity", [{"requiredDuringSchedulingIgnoredDuringExecution": [{}]}, {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 200, "podAffinityTerm": {"topologyKey": "a"}}]}, {}]),
    change!(Template, "/spec", "ephemeralContainers", [[], [{"name": "debug", "image": "a"}]]),
    change!(Template, "/spec", "resources", [{"limits": {"cpu": "8"}}, {"limits": {"cpu": "1m"}}, {"requests": {"nvidia.com/gpu": 1}}, {}]),
    change!(Template, "/spec", "volumes", [
        [], [{"name": "data"}, {"name": "config", "configMap": {"name": "a"}}, {"name": "data", "emptyDir": {}}], [{"name": "data", "emptyDir": {}}], [{"emptyDir": {}}],
    ]),
    change!(Template, "/spec", "initContainers", [[], [{"name": "a", "image": "b"}, {"name": "a", "image": "b"}], [{"image": "b"}], [{"name": "wait-gcs-ready", "image": "b"}], [{"name": "a", "image": ""}]]),
    change!(Template, "/spec", "workloadRef", [{"name": "a", "podGroup": "b"}]),
    change!(Group, "", "labels", [{"a": "b"}, {"a": "b c"}, {"a b": "c"}, {}]),
    change!(Group, "", "maxReplicas", [0, 3]),
    change!(Group, "", "numOfHosts", [1, 4]),
    change!(Group, "", "groupName", ["one", "a b", "A"]),
    change!(Group, "", "rayStartParams", [{}, {"plasma-directory": "/x"}, {"dashboard-agent-listen-port": "70000"}, {"dashboard-agent-listen-port": "5"}, {"port": "6380"}, {"redis-password": "x"}]),
    change!(Group, "", "headService", [
        {}, {"metadata": {"name": "head"}}, {"metadata": {"name": "Head"}}, {"metadata": {"name": ("a".repeat(64))}}, {"spec": {"type": "NodePort"}}, {"spec": {"type": "nodePort"}}, {"metadata": {"labels": {"a": "b c"}}}, {"metadata": {"annotations": {"a b": "c"}}}, {"spec": {"ports": [{"port": 80}]}}, {"spec": {"ports": [{"name": "x", "port": 0}]}},
        {"spec": {"type": "ExternalName"}}, {"spec": {"clusterIP": "None"}}, {"spec": {"ports": [{"name": "metrics", "port": 8080}]}}, {"metadata": {"name": "1a"}},
    ]),
    change!(
        Group,
        "",
        "serviceType",
        ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "clusterIP", ""]
    ),
    change!(Cluster, "", "enableInTreeAutoscaling", [true, false]),
    change!(
        Cluster,
        "",
        "rayVersion",
        ["2.52.1", "2.53.0", "v2.54.0", "nightly", null]
    ),
    change!(Cluster, "", "autoscalerOptions", [
        {}, {"version": "v2"}, {"version": "v1"}, {"volumeMounts": [{"name": "data", "mountPath": "/a"}]}, {"volumeMounts": [{"name": "none", "mountPath": "/a"}]}, {"env": [{"name": ""}]}, {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
        {"image": ""}, {"image": "a"}, {"imagePullPolicy": "always"}, {"securityContext": {"runAsUser": -1}}, {"envFrom": [{}]}, {"resources": {}}, {"volumeMounts": [{"name": "data", "mountPath": "/tmp/ray"}]},
    ]),
    change!(Cluster, "", "authOptions", [{"mode": "token"}, {"mode": "token", "secretName": "x"}, {"mode": "token", "enableK8sTokenAuth": true}, {"mode": "disabled"}, {}]),
    change!(Cluster, "", "gcsFaultToleranceOptions", [{"redisAddress": "redis:6379"}, {"redisAddress": "r", "redisPassword": {"value": "x"}}, {"redisAddress": "r", "redisPassword": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, "redisUsername": {"value": "u"}, "externalStorageNamespace": "n"}, {}]),
    change!(Job, "", "submissionMode", ["K8sJobMode", "HTTPMode", "SidecarMode"]),
    change!(Job, "", "submitterConfig", [{"backoffLimit": 0}, {"backoffLimit": -1}, {"backoffLimit": 5}, {}]),
    change!(Job, "", "submitterPodTemplate", [null]),
    change!(Job, "", "clusterSelector", [{"ray.io/cluster": "a"}, {}]),
];

/// Values that a text, a number or a flag of a template may become.
const TEXTS: [&str; 12] = [
    "",
    "A_b",
    "a b",
    "-a",
    "a.b",
    "a/b",
    "always",
    "none",
    "1",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    "$(X)",
    "/x",
];
const NUMBERS: [i64; 8] = [-1, 0, 1, 2, 100, 600, 65536, 3_000_000];

fn template(name: &str) -> Value {
    json!({
        "metadata": {"labels": {"team": "vision"}, "annotations": {"note": "x"}},
        "spec": {
            "containers": [
                {
                    "name": name, "image": "rayproject/ray:2.52.1",
                    "resources": {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}},
                    "env": [{"name": "A", "value": "b"}],
                    "ports": [{"name": "extra", "containerPort": 9000}],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "pvc", "mountPath": "/models", "readOnly": true}],
                    "lifecycle": {"preStop": {"exec": {"command": ["ray", "stop"]}}},
                },
                {
                    "name": "sidecar", "image": "fluent/fluent-bit:3.2",
                    "volumeMounts": [{"name": "config", "mountPath": "/etc/config"}],
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 1000},
                    "livenessProbe": {"httpGet": {"path": "/", "port": 2020}, "periodSeconds": 5},
                },
            ],
            "initContainers": [
                {"name": "copy", "image": "busybox:1.37", "command": ["true"], "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            ],
            "volumes": [
                {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
                {"name": "config", "configMap": {"name": "config", "items": [{"key": "a", "path": "b"}]}},
                {"name": "pvc", "persistentVolumeClaim": {"claimName": "models"}},
            ],
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}, {"key": "team", "value": "vision"}],
            "nodeSelector": {"pool": "cpu"},
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "arch", "operator": "In", "values": ["amd64"]}]},
            ]}}},
            "imagePullSecrets": [{"name": "registry"}],
            "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
        },
    })
}

fn cluster() -> Value {
    json!({
        "rayVersion": "2.52.1",
        "headGroupSpec": {"rayStartParams": {}, "template": template("ray-head")},
        "workerGroupSpecs": [{
            "groupName": "one", "replicas": 1, "minReplicas": 1, "maxReplicas": 5, "numOfHosts": 1, "rayStartParams": {},
            "template": template("ray-worker"),
        }],
    })
}

fn job() -> Value {
    let mut submitter = template("submitter");
    submitter["spec"]["restartPolicy"] = "Never".into();
    json!({"entrypoint": "python train.py", "submissionMode": "K8sJobMode", "submitterPodTemplate": submitter, "rayClusterSpec": cluster()})
}

/// The kinds of [`objects`].
pub const KINDS: [&str; 4] = ["RayJob", "RayCluster", "RayService", "RayCronJob"];

/// A valid object of a kind, and where its cluster and its job are.
pub fn valid(kind: &str) -> (Value, &'static str, &'static str) {
    let (spec, cluster, job) = match kind {
        "RayCluster" => (cluster(), "/spec", ""),
        "RayService" => (
            json!({"serveConfigV2": "applications: []", "rayClusterConfig": cluster()}),
            "/spec/rayClusterConfig",
            "",
        ),
        "RayCronJob" => (
            json!({"schedule": "0 3 * * *", "jobTemplate": job()}),
            "/spec/jobTemplate/rayClusterSpec",
            "/spec/jobTemplate",
        ),
        _ => (job(), "/spec/rayClusterSpec", "/spec"),
    };
    let metadata = json!({"name": "train-7", "namespace": "team-a"});
    (
        json!({"apiVersion": "ray.io/v1", "kind": kind, "metadata": metadata, "spec": spec}),
        cluster,
        job,
    )
}

/// So many objects of a kind.
pub fn objects(random: &mut Random, kind: &str, count: usize) -> Vec<Value> {
    (0..count).map(|_| object(random, kind)).collect()
}

fn object(random: &mut Random, kind: &str) -> Value {
    let (mut object, cluster, job) = valid(kind);
    for _ in 0..=random.below(3) {
        let head = format!("{cluster}/headGroupSpec");
        let worker = format!("{cluster}/workerGroupSpecs/0");
        let mut templates = vec![format!("{head}/template"), format!("{worker}/template")];
        if !job.is_empty() {
            templates.push(format!("{job}/submitterPodTemplate"));
        }
        let place = templates.swap_remove(random.below(templates.len()));
        if random.one_in(3) {
            if let Some(template) = object.pointer_mut(&place) {
                disturb(random, template);
            }
            continue;
        }
        let change = &CHANGES[random.below(CHANGES.len())];
        let base = match change.within {
            Within::Template => place,
            Within::Group if random.one_in(2) => head,
            Within::Group => worker,
            Within::Cluster => cluster.to_owned(),
            Within::Job if job.is_empty() => continue,
            Within::Job => job.to_owned(),
        };
        let mut values = (change.values)();
        let values = values.as_array_mut().expect("values are a list");
        let value = values.swap_remove(random.below(values.len()));
        set(
            random,
            &mut object,
            &format!("{base}{}", change.pointer),
            change.key,
            value,
        );
    }
    object
}

/// Sets or removes the key of the object at a pointer. Objects that are missing on the way are made.
fn set(random: &mut Random, object: &mut Value, pointer: &str, key: &str, value: Value) {
    let mut at = object;
    for step in pointer.split('/').skip(1) {
        at = match at {
            Value::Array(list) => {
                let index = match step {
                    "*" if list.is_empty() => return,
                    "*" => random.below(list.len()),
                    step => step.parse().expect("an index"),
                };
                &mut list[index]
            }
            Value::Object(map) if step != "*" => map.entry(step).or_insert_with(|| Value::Object(Map::new())),
            _ => return,
        };
    }
    match at {
        Value::Object(map) if value.is_null() => drop(map.remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        _ => {}
    }
}

/// Changes some value of a template, and keeps its type.
fn disturb(random: &mut Random, value: &mut Value) {
    match value {
        Value::Array(list) if !list.is_empty() => {
            let index = random.below(list.len());
            match random.below(6) {
                0 => list.push(list[index].clone()),
                1 => drop(list.remove(index)),
                _ => disturb(random, &mut list[index]),
            }
        }
        Value::Object(map) if !map.is_empty() => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = &keys[random.below(keys.len())];
            match random.below(8) {
                0 => drop(map.remove(key)),
                _ => disturb(random, map.get_mut(key).expect("a key of the map")),
            }
        }
        Value::String(text) => *text = random.pick(&TEXTS).to_owned(),
        Value::Number(_) => *value = NUMBERS[random.below(NUMBERS.len())].into(),
        Value::Bool(flag) => *flag = !*flag,
        _ => {}
    }
}
