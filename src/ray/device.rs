//! Which extended resources are accelerators.
//!
//! The names are those of the vendors' device plugins and of the systems that share GPUs: HAMi 2.8 (`charts/hami`), Volcano,
//! Aliyun's and Tencent's GPU sharing, AMD's and NVIDIA's operators, the SR-IOV network operator. Device classes are those
//! of the vendors' drivers for dynamic resource allocation.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::Json;
use crate::k8s::glob::Glob;
use crate::k8s::json::{items, text};
use crate::k8s::quantity::Quantity;

/// What a container resource is for limits on accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// No accelerator: CPU, memory, and known devices for networks, storage and virtual machines.
    None,
    /// It counts accelerators, whole ones or shares.
    Accelerator,
    /// It says how much of an accelerator a container gets: memory, cores or a percentage. Beside a resource of the same
    /// domain that counts accelerators it adds nothing.
    Share,
    /// It cannot be known.
    Unknown,
}

/// Domains whose resources are no accelerators.
const NO_ACCELERATORS: [&str; 15] = [
    "rdma",
    "vpc.amazonaws.com",
    "networking.gke.io",
    "networking.gke.io.networks",
    "cloud.google.com",
    "devices.kubevirt.io",
    "bridge.network.kubevirt.io",
    "macvtap.network.kubevirt.io",
    "k8s.cni.cncf.io",
    "mellanox.com",
    "openshift.io",
    "sgx.intel.com",
    "sgx.k8s.io",
    "qat.intel.com",
    "dsa.intel.com",
];

/// Parts of names that network devices have.
const NETWORK: [&str; 6] = ["rdma", "sriov", "roce", "hostdev", "mlnx", "hca"];

/// How names end that say how much of an accelerator a container gets.
const SHARES: [&str; 14] = [
    "mem",
    "memory",
    "memory.max",
    "cores",
    "millicores",
    "-core",
    "_core",
    ".core",
    "vcore",
    "percentage",
    "percent",
    "-pct",
    "tiles",
    "priority",
];

/// Accelerators by domain, with how their names begin. Ray knows them by names of its own or not at all.
const ACCELERATORS: [(&str, &str); 20] = [
    ("google.com", "tpu"),
    ("aws.amazon.com", "neuron"),
    ("habana.ai", "gaudi"),
    ("huawei.com", "Ascend"),
    ("huawei.com", "npu"),
    ("cambricon.com", "mlu"),
    ("cambricon.com", "vmlu"),
    ("hygon.com", "dcu"),
    ("enflame.com", "gcu"),
    ("enflame.com", "vgcu"),
    ("enflame.com", "drs-gcu"),
    ("kunlunxin.com", "xpu"),
    ("kunlunxin.com", "vxpu"),
    ("metax-tech.com", "sgpu"),
    ("baidu.com", "cgpu"),
    ("aliyun.com", "ppu"),
    ("qualcomm.com", "qaic"),
    ("furiosa.ai", "rngd"),
    ("rebellions.ai", "ATOM"),
    ("vastaitech.com", "va"),
];

/// The model names that NVIDIA's plugin gives GPUs begin with one of these, unless they begin with letters and a digit.
const NVIDIA: [&str; 6] = ["tesla", "quadro", "geforce", "rtx", "gtx", "grid"];

/// How AMD's plugin names the partitions of a GPU: `amd.com/cpx_nps4`.
const AMD_PARTITIONS: [&str; 5] = ["spx_", "dpx_", "tpx_", "qpx_", "cpx_"];

/// How a resource begins that asks for devices of a class of dynamic resource allocation (Kubernetes 1.34,
/// `k8s.io/api/resource/v1`, `ResourceDeviceClassPrefix`). The name of the class follows.
const DEVICE_CLASS: &str = "deviceclass.resource.kubernetes.io/";

/// Device classes whose devices are accelerators, by the names that the vendors' drivers give them.
const ACCELERATOR_CLASSES: [&str; 6] = [
    "gpu.nvidia.com",
    "mig.nvidia.com",
    "vfio.gpu.nvidia.com",
    "gpu.amd.com",
    "gpu.intel.com",
    "tpu.google.com",
];

/// Device classes of NVIDIA's driver that connect nodes.
const CHANNEL_CLASS: &str = "compute-domain-";

/// The variables by which container runtimes and their hooks give a container the devices of its node, requested or not, by
/// vendor: the container toolkits of NVIDIA, AMD, Habana, Ascend, Moore Threads, Enflame (and Tencent's for it), Cambricon,
/// Iluvatar, Biren and MetaX, and the OCI hook of AWS Neuron. Kubernetes puts an author's value behind the device plugin's, and
/// the last one counts. Variables that a vendor's library reads inside the container, such as `CUDA_VISIBLE_DEVICES` and
/// `NEURON_RT_VISIBLE_CORES`, only hide devices.
pub const SHOWN_BY: [&str; 12] = [
    "NVIDIA_VISIBLE_DEVICES",
    "AMD_VISIBLE_DEVICES",
    "HABANA_VISIBLE_DEVICES",
    "ASCEND_VISIBLE_DEVICES",
    "AWS_NEURON_VISIBLE_DEVICES",
    "MTHREADS_VISIBLE_DEVICES",
    "ENFLAME_VISIBLE_DEVICES",
    "TENCENT_VISIBLE_DEVICES",
    "CAMBRICON_VISIBLE_DEVICES",
    "ILUVATAR_COREX_VISIBLE_DEVICES",
    "BIREN_VISIBLE_DEVICES",
    "METAX_VISIBLE_DEVICES",
];

/// What a platform says of its devices, beside what is known by their names.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    /// Extended resources, each unit of which is an accelerator.
    pub resources: BTreeSet<String>,
    /// Device classes, with the accelerators of one device.
    pub classes: BTreeMap<String, i64>,
    /// Templates of resource claims, with the accelerators of one claim.
    pub claim_templates: BTreeMap<String, i64>,
    /// Resources that are no accelerators.
    pub other_resources: Vec<Glob>,
    /// Templates whose claims hold no accelerator.
    pub other_claim_templates: Vec<Glob>,
}

impl Devices {
    /// The accelerators in one unit of a resource, 0 for other devices; `None` where that cannot be known. A share is known
    /// only beside a resource that counts accelerators, see [`domain`].
    pub fn each(&self, key: &str) -> Option<i64> {
        if let Some(count) = device_class(key).and_then(|class| self.classes.get(class)) {
            return Some(*count);
        }
        if self.resources.contains(key) {
            return Some(1);
        }
        if self.other_resources.iter().any(|other| other.matches(key)) {
            return Some(0);
        }
        match device(key) {
            Device::None => Some(0),
            Device::Accelerator => Some(1),
            Device::Share | Device::Unknown => None,
        }
    }

    /// The accelerators in so much of a resource.
    pub fn count(&self, key: &str, quantity: &Quantity) -> i64 {
        self.each(key).unwrap_or_default().saturating_mul(quantity.value())
    }

    /// The accelerators that a claim of a pod, an element of `resourceClaims`, takes; `None` where that cannot be known.
    pub fn claimed(&self, claim: Json<'_>) -> Option<i64> {
        let template = text(claim, CLAIM_TEMPLATE)?;
        let is_other = || self.other_claim_templates.iter().any(|other| other.matches(template));
        let count = self.claim_templates.get(template).copied();
        count.or_else(|| is_other().then_some(0))
    }

    /// The accelerators of all claims of a pod whose number is known. Kubernetes allocates them for the pod, whether or not
    /// a container uses them.
    pub fn claimed_by(&self, spec: Json<'_>) -> i64 {
        let claims = items(spec, "resourceClaims").iter();
        let known = claims.filter_map(|claim| self.claimed(claim));
        known.fold(0, i64::saturating_add)
    }
}

/// The field of an element of `resourceClaims` that names a template of claims.
pub const CLAIM_TEMPLATE: &str = "resourceClaimTemplateName";

/// The device class that a resource asks for.
pub fn device_class(key: &str) -> Option<&str> {
    key.strip_prefix(DEVICE_CLASS)
}

/// The domain of a resource. A share is counted by a resource of its domain, of which its container asks too: one plugin or
/// scheduler gives out both.
pub fn domain(key: &str) -> Option<&str> {
    key.rsplit_once('/').map(|(domain, _)| domain)
}

/// What the resource `key` is.
pub fn device(key: &str) -> Device {
    let Some((domain, name)) = key.rsplit_once('/') else {
        return Device::None;
    };
    if let Some(class) = device_class(key) {
        return match class {
            class if ACCELERATOR_CLASSES.contains(&class) => Device::Accelerator,
            class if class.starts_with(CHANNEL_CLASS) => Device::None,
            _ => Device::Unknown,
        };
    }
    if is_gpu(domain, name) || is_other_accelerator(domain, name) {
        Device::Accelerator
    } else if is_no_accelerator(domain, name) {
        Device::None
    } else if is_share(name) {
        Device::Share
    } else {
        Device::Unknown
    }
}

/// Whether a resource counts devices that Ray and people call GPUs or accelerators, by a name that Ray's users meet.
pub fn is_accelerator(key: &str) -> bool {
    let Some((domain, name)) = key.rsplit_once('/') else {
        return false;
    };
    is_gpu(domain, name)
        || matches!(
            (domain, name),
            ("google.com", "tpu")
                | ("aws.amazon.com", "neuron" | "neuroncore" | "neurondevice")
                | ("habana.ai", "gaudi")
        )
        || (domain == "huawei.com" && name.starts_with("Ascend") && !is_share(name))
}

/// Whether a resource counts GPUs, and no other accelerators.
pub fn counts_gpus(key: &str) -> bool {
    key.rsplit_once('/').is_some_and(|(domain, name)| is_gpu(domain, name))
        || device_class(key).is_some_and(|class| class.contains("gpu") || class.starts_with("mig."))
}

fn is_gpu(domain: &str, name: &str) -> bool {
    if is_share(name) {
        return false;
    }
    let is_named_gpu = matches!(name, "gpu" | "vgpu" | "sgpu")
        || name.ends_with("-vgpu")
        || ["gpu.", "gpu-", "vgpu-", "mig-"]
            .iter()
            .any(|start| name.starts_with(start));
    is_named_gpu
        || match domain {
            "nvidia.com" => is_nvidia_model(name),
            "amd.com" => AMD_PARTITIONS.iter().any(|start| name.starts_with(start)),
            "gpu.intel.com" => !name.ends_with("_monitoring"),
            _ => false,
        }
}

/// Whether a name of NVIDIA's is a model: `A100`, `H100-SXM5-80GB`, `GA102GL_A10`, `Tesla-T4`. Names of ConnectX and
/// BlueField network cards begin like models too.
fn is_nvidia_model(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let digits = name.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let letters = name.len() - digits.len();
    let is_network_card = name.starts_with("cx") || name.starts_with("bf") || is_network(&name);
    let is_model = (1..=4).contains(&letters) && digits.starts_with(|c: char| c.is_ascii_digit());
    !is_network_card && (is_model || NVIDIA.iter().any(|start| name.starts_with(start)))
}

fn is_other_accelerator(domain: &str, name: &str) -> bool {
    let begins = |(known, start): &(&str, &str)| *known == domain && name.starts_with(start);
    !is_share(name) && ACCELERATORS.iter().any(begins)
}

fn is_no_accelerator(domain: &str, name: &str) -> bool {
    NO_ACCELERATORS.contains(&domain)
        || domain == "kubernetes.io"
        || domain.ends_with(".kubernetes.io")
        || name == "fuse"
        || name.ends_with("_monitoring")
        || is_network(&name.to_ascii_lowercase())
}

fn is_network(name: &str) -> bool {
    NETWORK.iter().any(|part| name.contains(part))
}

fn is_share(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SHARES.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;
    use serde_json::json;

    #[test]
    fn names_tell_accelerators_from_shares_and_other_devices() {
        for key in [
            "nvidia.com/gpu",
            "nvidia.com/gpu.shared",
            "nvidia.com/gpu-shared",
            "nvidia.com/vgpu",
            "nvidia.com/mig-1g.5gb",
            "nvidia.com/A100",
            "nvidia.com/H100-SXM5-80GB",
            "nvidia.com/GA102GL_A10",
            "nvidia.com/Tesla-T4",
            "nvidia.com/L40S.shared",
            "amd.com/gpu",
            "amd.com/cpx_nps4",
            "gpu.intel.com/i915",
            "aws.amazon.com/neuroncore",
            "google.com/tpu",
            "huawei.com/Ascend910",
            "cambricon.com/mlu370",
            "volcano.sh/vgpu-number",
            "aliyun.com/gpu-count",
            "iluvatar.ai/MR-V100-vgpu",
            "enflame.com/drs-gcu",
            "enflame.com/gcu",
            "hygon.com/dcunum",
            "kunlunxin.com/xpu",
            "metax-tech.com/sgpu",
            "mthreads.com/sgpu",
            "birentech.com/gpu",
            "vastaitech.com/va",
            "deviceclass.resource.kubernetes.io/gpu.nvidia.com",
            "deviceclass.resource.kubernetes.io/mig.nvidia.com",
        ] {
            assert_eq!(device(key), Device::Accelerator, "{key}");
        }
        for key in [
            "nvidia.com/gpumem",
            "nvidia.com/gpumem-percentage",
            "nvidia.com/gpucores",
            "aliyun.com/gpu-mem",
            "aliyun.com/gpu-core.percentage",
            "tencent.com/vcuda-core",
            "volcano.sh/vgpu-memory",
            "gpu.intel.com/millicores",
            "gpu.intel.com/memory.max",
            "huawei.com/Ascend910B-memory",
            "iluvatar.ai/MR-V100.vCore",
            "iluvatar.ai/MR-V100.vMem",
            "amd.com/gpu-core-pct",
            "amd.com/gpu-mem",
            "hygon.com/dcumem",
            "hygon.com/dcucores",
            "kunlunxin.com/vxpu-memory",
            "metax-tech.com/vmemory",
            "cambricon.com/mlu.smlu.vcore",
            "enflame.com/vgcu-percentage",
            "enflame.com/gcu-memory",
        ] {
            assert_eq!(device(key), Device::Share, "{key}");
        }
        for key in [
            "cpu",
            "hugepages-2Mi",
            "rdma/hca_shared_devices_a",
            "vpc.amazonaws.com/efa",
            "networking.gke.io.networks/rdma-0",
            "devices.kubevirt.io/kvm",
            "smarter-devices/fuse",
            "github.com/fuse",
            "intel.com/intel_sriov_netdevice",
            "nvidia.com/hostdev",
            "nvidia.com/sriov_rdma_vf",
            "gpu.intel.com/i915_monitoring",
            "deviceclass.resource.kubernetes.io/compute-domain-default-channel.nvidia.com",
        ] {
            assert_eq!(device(key), Device::None, "{key}");
        }
        for key in [
            "nvidia.com/cx7",
            "nvidia.com/",
            "example.com/thing",
            "smarter-devices/nvidia0",
            "/",
            "a/b/c",
            "deviceclass.resource.kubernetes.io/fast",
        ] {
            assert_eq!(device(key), Device::Unknown, "{key}");
        }
    }

    #[test]
    fn a_share_has_the_domain_of_what_counts_it() {
        let is_counted = |share, other| device(share) == Device::Share && domain(share) == domain(other);
        for (share, other) in [
            ("nvidia.com/gpumem", "nvidia.com/gpu"),
            ("volcano.sh/vgpu-memory", "volcano.sh/vgpu-number"),
            ("gpu.intel.com/millicores", "gpu.intel.com/i915"),
            ("huawei.com/Ascend910B-memory", "huawei.com/Ascend910B"),
        ] {
            assert!(is_counted(share, other), "{share}");
        }
        for (share, other) in [
            ("aliyun.com/gpu-mem", "nvidia.com/gpu"),
            ("tencent.com/vcuda-core", "nvidia.com/gpu"),
            ("nvidia.com/gpu", "nvidia.com/gpu"),
        ] {
            assert!(!is_counted(share, other), "{share}");
        }
    }

    #[test]
    fn what_a_platform_describes_is_counted() {
        let devices = Devices {
            resources: ["example.com/thing".to_owned()].into(),
            classes: [("fast".to_owned(), 2), ("gpu.nvidia.com".to_owned(), 0)].into(),
            claim_templates: [("eight".to_owned(), 8)].into(),
            other_resources: vec![Glob::new("example.com/*")],
            other_claim_templates: vec![Glob::new("nic-?")],
        };
        for (key, each) in [
            ("example.com/thing", Some(1)),
            ("nvidia.com/gpu", Some(1)),
            ("deviceclass.resource.kubernetes.io/fast", Some(2)),
            ("deviceclass.resource.kubernetes.io/gpu.nvidia.com", Some(0)),
            ("deviceclass.resource.kubernetes.io/slow", None),
            ("fast", Some(0)),
            ("cpu", Some(0)),
            ("aliyun.com/gpu-mem", None),
            ("example.com/other", Some(0)),
            ("example.org/other", None),
        ] {
            assert_eq!(devices.each(key), each, "{key}");
        }
        let spec = document!({"resourceClaims": [
            {"name": "a", "resourceClaimTemplateName": "eight"},
            {"name": "b", "resourceClaimTemplateName": "other"},
            {"name": "c", "resourceClaimName": "eight"},
            {"name": "d", "resourceClaimTemplateName": "eight"}, 7, null,
        ]});
        assert_eq!(devices.claimed_by(spec.root()), 16);
        let claims: Vec<Option<i64>> = [json!("nic-1"), json!("nic-10"), json!(7)]
            .into_iter()
            .map(|name| devices.claimed(document!({"resourceClaimTemplateName": name}).root()))
            .collect();
        assert_eq!(claims, [Some(0), None, None]);
    }

    #[test]
    fn what_ray_calls_a_gpu_is_an_accelerator() {
        for key in [
            "nvidia.com/gpu",
            "habana.ai/gaudi",
            "huawei.com/Ascend310P",
            "gpu.intel.com/xe",
            "x.y/mig-1g.5gb",
        ] {
            assert!(is_accelerator(key) && device(key) == Device::Accelerator, "{key}");
        }
        for key in [
            "gpu",
            "cambricon.com/mlu",
            "nvidia.com/GPU",
            "nvidia.com/gpumem",
            "gpu.intel.com/tiles",
        ] {
            assert!(!is_accelerator(key), "{key}");
        }
    }
}
