//! Which extended resources are accelerators.
//!
//! The names are those of the vendors' device plugins and of the systems that share GPUs: HAMi, Volcano, Aliyun's and
//! Tencent's GPU sharing, AMD's and NVIDIA's operators, the SR-IOV network operator.

/// What a container resource is for limits on accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// No accelerator: CPU, memory, and known devices for networks, storage and virtual machines.
    None,
    /// It counts accelerators, whole ones or shares.
    Accelerator,
    /// It says how much of an accelerator a container gets: memory, cores or a percentage. Beside a resource that
    /// counts accelerators it adds nothing.
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
const SHARES: [&str; 13] = [
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
    "tiles",
    "priority",
];

/// Accelerators by domain, with how their names begin. Ray knows them by names of its own or not at all.
const ACCELERATORS: [(&str, &str); 18] = [
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
    ("kunlunxin.com", "xpu"),
    ("kunlunxin.com", "vxpu"),
    ("metax-tech.com", "sgpu"),
    ("baidu.com", "cgpu"),
    ("aliyun.com", "ppu"),
    ("qualcomm.com", "qaic"),
    ("furiosa.ai", "rngd"),
    ("rebellions.ai", "ATOM"),
];

/// The model names that NVIDIA's plugin gives GPUs begin with one of these, unless they begin with letters and a digit.
const NVIDIA: [&str; 6] = ["tesla", "quadro", "geforce", "rtx", "gtx", "grid"];

/// How AMD's plugin names the partitions of a GPU: `amd.com/cpx_nps4`.
const AMD_PARTITIONS: [&str; 5] = ["spx_", "dpx_", "tpx_", "qpx_", "cpx_"];

/// What the resource `key` is.
pub fn device(key: &str) -> Device {
    let Some((domain, name)) = key.rsplit_once('/') else {
        return Device::None;
    };
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

fn is_gpu(domain: &str, name: &str) -> bool {
    if is_share(name) {
        return false;
    }
    let is_named_gpu = matches!(name, "gpu" | "vgpu")
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
        ] {
            assert_eq!(device(key), Device::Unknown, "{key}");
        }
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
