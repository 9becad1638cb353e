//! Finds a container resource that no node can have.

use std::borrow::Cow;

use crate::diag::suggest;
use crate::k8s::names;
use crate::policy::settings::Action;
use crate::ray::device::is_accelerator;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::{named, place};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{is_device, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG301",
    title: "Resource names must be spelled as nodes offer them",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("unknown_resource.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/apis/core/validation/validation.go",
        &[7876, 7880],
    )],
    run,
};

/// The resources of a container that Kubernetes defines itself, beside `hugepages-…`.
const NATIVE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// What people write for a resource, and its name.
const MEANT: [(&str, &str); 9] = [
    ("gpu", "nvidia.com/gpu"),
    ("gpus", "nvidia.com/gpu"),
    ("nvidia", "nvidia.com/gpu"),
    ("tpu", "google.com/tpu"),
    ("neuron", "aws.amazon.com/neuron"),
    ("mem", "memory"),
    ("ram", "memory"),
    ("disk", "ephemeral-storage"),
    ("storage", "ephemeral-storage"),
];

/// The devices of the vendors' own plugins.
const DEVICES: [(&str, &str, &str); 7] = [
    ("nvidia.com", "gpu", "nvidia.com/gpu"),
    ("amd.com", "gpu", "amd.com/gpu"),
    ("google.com", "tpu", "google.com/tpu"),
    ("habana.ai", "gaudi", "habana.ai/gaudi"),
    ("aws.amazon.com", "neuron", "aws.amazon.com/neuron"),
    ("aws.amazon.com", "neuroncore", "aws.amazon.com/neuroncore"),
    ("aws.amazon.com", "neurondevice", "aws.amazon.com/neurondevice"),
];

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in &pod.containers {
            for resource in container.asked() {
                let key = resource.key;
                let Some(fault) = fault(cx, key) else { continue };
                let fix = fault.meant.map_or_else(
                    || "write the name of a resource that the nodes have, such as nvidia.com/gpu".to_owned(),
                    |meant| format!("write {meant}"),
                );
                let finding = Finding::new(
                    resource_path(pod, container, key),
                    format!("{}: {} {}", place(pod, container), named(key), fault.what),
                )
                .fix(fix)
                .flyte(match fault.meant {
                    Some(meant) => flyte::resource_setting(pod, "requests", meant, &resource.seen()),
                    None => flyte::setting(pod, "pod_template=PodTemplate(…)"),
                });
                findings.push(if fault.warn_only { finding.warn_only() } else { finding });
            }
        }
    }
}

/// What is wrong with the name of a resource.
struct Fault {
    what: Cow<'static, str>,
    meant: Option<&'static str>,
    warn_only: bool,
}

fn fault(cx: &Cx<'_>, key: &str) -> Option<Fault> {
    let fault = |what: Cow<'static, str>, meant| {
        Some(Fault {
            what,
            meant,
            warn_only: false,
        })
    };
    let Some((domain, name)) = key.split_once('/') else {
        if NATIVE.contains(&key) || key.starts_with("hugepages-") {
            return None;
        }
        let known = MEANT.iter().find(|(written, _)| key.eq_ignore_ascii_case(written));
        let meant = known.map(|(_, meant)| *meant).or_else(|| suggest(key, NATIVE));
        return fault(
            "is no resource that Kubernetes knows, no pod can be created".into(),
            meant,
        );
    };
    if domain.starts_with("requests.") || names::label_key(key).is_err() {
        return fault("is no name for a resource, no pod can be created".into(), None);
    }
    if is_known(cx, domain, name, key) {
        return None;
    }
    if let Some(meant) = misspelt(domain, name) {
        return Some(Fault {
            what: format!("is not a name that device plugins use; {meant} is probably meant").into(),
            meant: Some(meant),
            warn_only: true,
        });
    }
    (domain == "nvidia.com" && name.starts_with("mig") && !is_mig_profile(name)).then_some(Fault {
        what: "is no MIG profile, those read like nvidia.com/mig-1g.5gb".into(),
        meant: Some("nvidia.com/mig-1g.5gb"),
        warn_only: true,
    })
}

fn is_known(cx: &Cx<'_>, domain: &str, name: &str, key: &str) -> bool {
    let is_vendors = DEVICES.iter().any(|(d, n, _)| (*d, *n) == (domain, name));
    is_vendors || (is_device(cx, key) && !is_accelerator(key))
}

/// The device that a misspelt name stands for.
fn misspelt(domain: &str, name: &str) -> Option<&'static str> {
    let (domain, name) = (domain.to_ascii_lowercase(), name.to_ascii_lowercase());
    let singular = name.strip_suffix('s').unwrap_or(&name);
    let is_vendor = DEVICES.iter().any(|(vendor, ..)| *vendor == domain);
    let found = DEVICES.iter().find(|(vendor, device, _)| {
        let same_domain = domain == *vendor;
        let near_domain = same_domain
            || vendor.split('.').next() == Some(&domain)
            || (!is_vendor
                && domain.len() <= vendor.len() + 2
                && strsim::damerau_levenshtein(&domain, vendor) <= vendor.len() / 5);
        (near_domain && singular == *device) || (same_domain && is_swapped(&name, device))
    });
    found.map(|(.., key)| *key)
}

/// Whether two neighbouring letters changed places.
fn is_swapped(name: &str, device: &str) -> bool {
    name.len() == device.len() && name != device && strsim::damerau_levenshtein(name, device) == 1 && {
        let sorted = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.sort_unstable();
            bytes
        };
        sorted(name) == sorted(device)
    }
}

/// Whether a name begins like NVIDIA's profiles: `mig-1g.5gb`, `mig-1g.5gb.me`, `mig-1c.3g.20gb`.
fn is_mig_profile(name: &str) -> bool {
    let counted = |part: Option<&str>, unit: &str| {
        part.and_then(|part| part.strip_suffix(unit))
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let Some(profile) = name.strip_prefix("mig-") else {
        return false;
    };
    let mut parts = profile.split('.').peekable();
    parts.next_if(|part| counted(Some(*part), "c"));
    counted(parts.next(), "g") && counted(parts.next(), "gb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_misspellings_are_corrected() {
        for (domain, name, meant) in [
            ("nvidia.com", "gpus", Some("nvidia.com/gpu")),
            ("nvidia.com", "GPU", Some("nvidia.com/gpu")),
            ("nvidia.com", "gup", Some("nvidia.com/gpu")),
            ("nvidia", "gpu", Some("nvidia.com/gpu")),
            ("nvdia.com", "gpu", Some("nvidia.com/gpu")),
            ("amd", "gpus", Some("amd.com/gpu")),
            ("google.com", "tpus", Some("google.com/tpu")),
            ("nvidia.com", "gpumem", None),
            ("nvidia.com", "vgpu", None),
            ("nvidia.com", "gpu.shared", None),
            ("intel.com", "gpu", None),
            ("aliyun.com", "gpu-mem", None),
            ("example.com", "gpu", None),
        ] {
            assert_eq!(misspelt(domain, name), meant, "{domain}/{name}");
        }
    }

    #[test]
    fn mig_profiles_are_known_by_their_form() {
        for name in ["mig-1g.5gb", "mig-3g.20gb", "mig-1g.5gb.me", "mig-1c.3g.20gb"] {
            assert!(is_mig_profile(name), "{name}");
        }
        for name in ["mig-1g", "mig-1g-5gb", "mig1g.5gb", "mig-.5gb", "mig-1c", "mig-"] {
            assert!(!is_mig_profile(name), "{name}");
        }
    }
}
