//! The controls, in the order of their names; those of the level restricted come last.

use serde_json::Value;

use crate::diag::{listed, quoted};
use crate::k8s::json::{below, child, given, items};

use super::pod::{CONTEXT, Owner, Pod, Report, Violation, flag};
use super::profile::{Level, Profile, Version};

/// A control of the standards.
struct Control {
    /// Its name.
    id: &'static str,
    /// The levels that have it.
    levels: &'static [Level],
    /// The first minor version that has it.
    since: u8,
    /// The first minor version of the level restricted that has a stricter one instead.
    restricted_until: u8,
    /// Looks at a pod.
    run: fn(&Pod<'_>, Version, &mut Report<'_, '_>),
}

impl Control {
    const fn new(
        id: &'static str,
        levels: &'static [Level],
        run: fn(&Pod<'_>, Version, &mut Report<'_, '_>),
    ) -> Control {
        Control {
            id,
            levels,
            since: Version::OLDEST,
            restricted_until: u8::MAX,
            run,
        }
    }

    /// Whether a profile has the control.
    fn applies(&self, profile: Profile) -> bool {
        let minor = profile.version.minor();
        self.levels.contains(&profile.level)
            && minor >= self.since
            && (profile.level != Level::Restricted || minor < self.restricted_until)
    }
}

impl Pod<'_> {
    /// What the pod violates of a profile; nothing if the profile admits it.
    pub fn violations(&self, profile: Profile) -> Vec<Violation> {
        let mut violations = Vec::new();
        for control in CONTROLS.iter().filter(|control| control.applies(profile)) {
            let mut report = Report {
                pod: self,
                control: control.id,
                violations: &mut violations,
            };
            (control.run)(self, profile.version, &mut report);
        }
        violations
    }
}

/// The levels of a control that restricted replaces by a stricter one.
const BASELINE: &[Level] = &[Level::Baseline];
const RESTRICTED: &[Level] = &[Level::Restricted];
const BOTH: &[Level] = &[Level::Baseline, Level::Restricted];

/// Since this version a pod in a user namespace may run as root, and at the level baseline see all of `/proc`.
const USER_NAMESPACES: u8 = 35;

/// All controls.
static CONTROLS: &[Control] = &[
    Control::new("appArmorProfile", BOTH, app_armor),
    Control::new("capabilities_baseline", BASELINE, added_capabilities),
    Control::new("hostNamespaces", BOTH, host_namespaces),
    Control::new("hostPathVolumes", BASELINE, host_paths),
    Control::new("hostPorts", BOTH, host_ports),
    Control {
        since: 34,
        ..Control::new("hostProbesAndHostLifecycle", BOTH, probe_hosts)
    },
    Control::new("privileged", BOTH, privileged),
    Control {
        restricted_until: USER_NAMESPACES,
        ..Control::new("procMount", BOTH, proc_mount_of_host_users)
    },
    Control::new("seLinuxOptions", BOTH, selinux),
    Control::new("seccompProfile_baseline", BASELINE, seccomp),
    Control::new("sysctls", BOTH, sysctls),
    Control::new("windowsHostProcess", BOTH, windows_host_process),
    Control::new("allowPrivilegeEscalation", RESTRICTED, privilege_escalation),
    Control::new("capabilities_restricted", RESTRICTED, kept_capabilities),
    Control {
        since: USER_NAMESPACES,
        ..Control::new("procMount_restricted", RESTRICTED, proc_mount)
    },
    Control::new("restrictedVolumes", RESTRICTED, volume_types),
    Control::new("runAsNonRoot", RESTRICTED, non_root),
    Control::new("runAsUser", RESTRICTED, root_user),
    Control::new("seccompProfile_restricted", RESTRICTED, seccomp_set),
];

/// The most names that one violation repeats.
const SHOWN: usize = 5;

/// Whether the version relaxes controls for this pod.
fn is_relaxed(pod: &Pod<'_>, version: Version) -> bool {
    version.minor() >= USER_NAMESPACES && pod.has_user_namespace()
}

fn each_container<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = (Owner, &'a Value)> + use<'p, 'a> {
    let containers = pod.containers.iter().enumerate();
    containers.map(|(index, container)| (Owner::Container(index), container.value))
}

fn app_armor(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";
    const FIX: &str = "use the AppArmor profile RuntimeDefault, or leave it out";
    for (owner, context) in pod.contexts() {
        let Some(profile) = given(context, "appArmorProfile") else {
            continue;
        };
        let kind = text(profile, "type");
        if !is_confined(kind) {
            let found = format!("appArmorProfile.type is {}", quoted(kind));
            report.context(owner, ["appArmorProfile", "type"], found, FIX);
        }
    }
    let annotations = below(pod.template, &["metadata", "annotations"]).as_object();
    for (key, value) in annotations
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.starts_with(ANNOTATION))
    {
        let profile = value.as_str().unwrap_or_default();
        if !profile.is_empty() && profile != "runtime/default" && !profile.starts_with("localhost/") {
            let path = report.pod.at.keys(["metadata", "annotations"]).name(key);
            let found = format!("annotation {} is {}", quoted(key), quoted(profile));
            report.path(Owner::Pod, path, found, FIX);
        }
    }
}

/// Whether a profile of AppArmor or seccomp is one.
fn is_confined(kind: &str) -> bool {
    matches!(kind, "RuntimeDefault" | "Localhost")
}

/// The capabilities that a container adds, without those that are allowed.
fn forbidden_capabilities(context: &Value, allowed: &[&str]) -> Option<String> {
    let capabilities = given(context, "capabilities")?;
    let added = items(capabilities, "add")
        .iter()
        .map(|name| name.as_str().unwrap_or_default());
    let names: Vec<String> = added
        .filter(|name| !allowed.contains(name))
        .map(quoted)
        .take(SHOWN)
        .collect();
    (!names.is_empty()).then(|| format!("capabilities.add has {}", listed(&names)))
}

fn added_capabilities(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    const ALLOWED: [&str; 13] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    for (owner, container) in each_container(pod) {
        let context = given(container, CONTEXT);
        if let Some(found) = context.and_then(|context| forbidden_capabilities(context, &ALLOWED)) {
            let fix = "remove them from capabilities.add";
            report.context(owner, ["capabilities", "add"], found, fix);
        }
    }
}

fn host_namespaces(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        if flag(pod.spec(), key) == Some(true) {
            report.field(Owner::Pod, [key], format!("{key} is true"), format!("leave {key} out"));
        }
    }
}

fn host_paths(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (index, volume) in pod.volumes().iter().enumerate() {
        if given(volume, "hostPath").is_some() {
            let path = report
                .at(Owner::Pod)
                .then_key("volumes")
                .then_index(index)
                .then_key("hostPath");
            let found = format!("volume {} is of the type hostPath", quoted(text(volume, "name")));
            report.path(Owner::Pod, path, found, "use an emptyDir or a PersistentVolumeClaim");
        }
    }
}

fn host_ports(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (owner, container) in each_container(pod) {
        for (index, port) in items(container, "ports").iter().enumerate() {
            let port = port
                .get("hostPort")
                .filter(|port| port.as_f64().is_some_and(|port| port != 0.0));
            if let Some(port) = port {
                let path = report
                    .at(owner)
                    .then_key("ports")
                    .then_index(index)
                    .then_key("hostPort");
                report.path(owner, path, format!("hostPort is {port}"), "leave hostPort out");
            }
        }
    }
}

fn probe_hosts(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (owner, container) in each_container(pod) {
        for (keys, host) in hosts(container) {
            let path = keys.iter().fold(report.at(owner), |path, key| path.then_key(key));
            let found = format!("a probe or hook sets the host {}", quoted(host));
            report.path(owner, path, found, "leave host out");
        }
    }
}

fn privileged(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (owner, container) in each_container(pod) {
        if given(container, CONTEXT).and_then(|context| flag(context, "privileged")) == Some(true) {
            report.context(
                owner,
                ["privileged"],
                "privileged is true".to_owned(),
                "leave privileged out",
            );
        }
    }
}

fn proc_mount_of_host_users(pod: &Pod<'_>, version: Version, report: &mut Report<'_, '_>) {
    if !is_relaxed(pod, version) {
        proc_mount(pod, version, report);
    }
}

fn proc_mount(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (owner, container) in each_container(pod) {
        let mount = given(container, CONTEXT).and_then(|context| given(context, "procMount"));
        if let Some(mount) = mount.filter(|mount| mount.as_str() != Some("Default")) {
            let found = format!("procMount is {}", quoted(mount.as_str().unwrap_or_default()));
            report.context(owner, ["procMount"], found, "leave procMount out");
        }
    }
}

fn selinux(pod: &Pod<'_>, version: Version, report: &mut Report<'_, '_>) {
    const FIX: &str = "leave it out of seLinuxOptions";
    for (owner, context) in pod.contexts() {
        let Some(options) = given(context, "seLinuxOptions") else {
            continue;
        };
        let is_allowed = match text(options, "type") {
            "" | "container_t" | "container_init_t" | "container_kvm_t" => true,
            "container_engine_t" => version.minor() >= 31,
            _ => false,
        };
        for (key, is_allowed) in [
            ("type", is_allowed),
            ("user", text(options, "user").is_empty()),
            ("role", text(options, "role").is_empty()),
        ] {
            if !is_allowed {
                let found = format!("seLinuxOptions.{key} is {}", quoted(text(options, key)));
                report.context(owner, ["seLinuxOptions", key], found, FIX);
            }
        }
    }
}

/// The profile of a security context that is none, and what it is.
fn unconfined(context: &Value) -> Option<&str> {
    let profile = given(context, "seccompProfile")?;
    Some(text(profile, "type")).filter(|kind| !is_confined(kind))
}

fn seccomp(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (owner, context) in pod.contexts() {
        if let Some(kind) = unconfined(context) {
            let found = format!("seccompProfile.type is {}", quoted(kind));
            let fix = "set seccompProfile.type to RuntimeDefault";
            report.context(owner, ["seccompProfile", "type"], found, fix);
        }
    }
}

/// Whether the pod does not have a field in its own security context, and a container does not have it either.
fn is_missing(pod: &Pod<'_>, key: &str) -> bool {
    let has = |holder: &Value| given(holder, CONTEXT).is_some_and(|context| given(context, key).is_some());
    !has(pod.spec()) && !pod.containers.iter().all(|container| has(container.value))
}

fn seccomp_set(pod: &Pod<'_>, version: Version, report: &mut Report<'_, '_>) {
    if pod.is_windows() {
        return;
    }
    seccomp(pod, version, report);
    if is_missing(pod, "seccompProfile") {
        let found = "seccompProfile is not set".to_owned();
        let fix = "set seccompProfile.type to RuntimeDefault in the pod's securityContext";
        report.context(Owner::Pod, ["seccompProfile", "type"], found, fix);
    }
}

fn sysctls(pod: &Pod<'_>, version: Version, report: &mut Report<'_, '_>) {
    /// The sysctls that are allowed, with the first version that allows them.
    const ALLOWED: [(&str, u8); 14] = [
        ("kernel.shm_rmid_forced", 0),
        ("net.ipv4.ip_local_port_range", 0),
        ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.ping_group_range", 0),
        ("net.ipv4.ip_unprivileged_port_start", 0),
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
        ("net.ipv4.tcp_slow_start_after_idle", 37),
        ("net.ipv4.tcp_notsent_lowat", 37),
    ];
    let set = items(child(pod.spec(), CONTEXT), "sysctls");
    for (index, sysctl) in set.iter().enumerate() {
        let name = text(sysctl, "name");
        let is_allowed = |(allowed, since): &(&str, u8)| *allowed == name && version.minor() >= *since;
        if !ALLOWED.iter().any(is_allowed) {
            let path = report
                .at(Owner::Pod)
                .keys([CONTEXT, "sysctls"])
                .then_index(index)
                .then_key("name");
            let found = format!("sysctl {} is set", quoted(name));
            report.path(Owner::Pod, path, found, "remove it from sysctls");
        }
    }
}

fn windows_host_process(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (owner, context) in pod.contexts() {
        let options = given(context, "windowsOptions");
        if options.and_then(|options| flag(options, "hostProcess")) == Some(true) {
            let found = "hostProcess is true".to_owned();
            report.context(owner, ["windowsOptions", "hostProcess"], found, "leave hostProcess out");
        }
    }
}

fn privilege_escalation(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    const KEY: &str = "allowPrivilegeEscalation";
    if pod.is_windows() {
        return;
    }
    for (owner, container) in each_container(pod) {
        let allowed = given(container, CONTEXT).and_then(|context| flag(context, KEY));
        if allowed != Some(false) {
            let seen = if allowed.is_some() { "true" } else { "not set" };
            report.context(owner, [KEY], format!("{KEY} is {seen}"), format!("set {KEY} to false"));
        }
    }
}

fn kept_capabilities(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    if pod.is_windows() {
        return;
    }
    for (owner, container) in each_container(pod) {
        let context = given(container, CONTEXT);
        let capabilities = context.and_then(|context| given(context, "capabilities"));
        let dropped = capabilities.map_or(&[][..], |capabilities| items(capabilities, "drop"));
        if !dropped.iter().any(|name| name == "ALL") {
            let found = "capabilities.drop lacks ALL".to_owned();
            report.context(owner, ["capabilities", "drop"], found, "set capabilities.drop to [ALL]");
        }
        if let Some(found) = context.and_then(|context| forbidden_capabilities(context, &["NET_BIND_SERVICE"])) {
            let fix = "remove them from capabilities.add";
            report.context(owner, ["capabilities", "add"], found, fix);
        }
    }
}

fn volume_types(pod: &Pod<'_>, _: Version, report: &mut Report<'_, '_>) {
    for (index, volume) in pod.volumes().iter().enumerate() {
        if let Some(key) = restricted_source(volume) {
            let path = report
                .at(Owner::Pod)
                .then_key("volumes")
                .then_index(index)
                .then_key(key);
            let found = format!("volume {} is of the type {key}", quoted(text(volume, "name")));
            report.path(Owner::Pod, path, found, "use an emptyDir or a PersistentVolumeClaim");
        }
    }
}

/// The type of a volume, if the level restricted forbids it. A volume without a type becomes an emptyDir, which is allowed
/// (Kubernetes 1.37, `pkg/apis/core/v1/defaults.go`).
pub fn restricted_source(volume: &Value) -> Option<&'static str> {
    const ALLOWED: [&str; 9] = [
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
    const OTHERS: [&str; 21] = [
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
    ];
    let has = |key: &&str| given(volume, key).is_some();
    if ALLOWED.iter().any(has) {
        return None;
    }
    OTHERS.into_iter().find(has)
}

fn non_root(pod: &Pod<'_>, version: Version, report: &mut Report<'_, '_>) {
    const KEY: &str = "runAsNonRoot";
    if is_relaxed(pod, version) {
        return;
    }
    for (owner, context) in pod.contexts() {
        if flag(context, KEY) == Some(false) {
            report.context(owner, [KEY], format!("{KEY} is false"), format!("set {KEY} to true"));
        }
    }
    if is_missing(pod, KEY) {
        let fix = format!("set {KEY} to true in the pod's securityContext");
        report.context(Owner::Pod, [KEY], format!("{KEY} is not set"), fix);
    }
}

fn root_user(pod: &Pod<'_>, version: Version, report: &mut Report<'_, '_>) {
    const KEY: &str = "runAsUser";
    if is_relaxed(pod, version) {
        return;
    }
    for (owner, context) in pod.contexts() {
        if context.get(KEY).and_then(Value::as_f64) == Some(0.0) {
            report.context(
                owner,
                [KEY],
                format!("{KEY} is 0"),
                format!("leave {KEY} out, or use another user"),
            );
        }
    }
}

/// The fields of a container that send a probe or a hook of the kubelet to another host than the pod.
const HOSTS: [&[&str]; 10] = [
    &["livenessProbe", "httpGet", "host"],
    &["livenessProbe", "tcpSocket", "host"],
    &["readinessProbe", "httpGet", "host"],
    &["readinessProbe", "tcpSocket", "host"],
    &["startupProbe", "httpGet", "host"],
    &["startupProbe", "tcpSocket", "host"],
    &["lifecycle", "postStart", "httpGet", "host"],
    &["lifecycle", "postStart", "tcpSocket", "host"],
    &["lifecycle", "preStop", "httpGet", "host"],
    &["lifecycle", "preStop", "tcpSocket", "host"],
];

/// The hosts of a container's probes and hooks, each with its field.
pub fn hosts(container: &Value) -> impl Iterator<Item = (&'static [&'static str], &str)> {
    HOSTS.into_iter().filter_map(move |keys| {
        let host = below(container, keys).as_str()?;
        (!host.is_empty()).then_some((keys, host))
    })
}

/// The text under a key, empty if it is absent.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    child(value, key).as_str().unwrap_or_default()
}
