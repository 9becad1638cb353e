use super::*;

fn message(result: Result<(), NameError>) -> String {
    result.expect_err("the name is wrong").to_string()
}

#[test]
fn names_within_the_rules_pass() {
    assert_eq!(dns1123_label("0-a9"), Ok(()));
    assert_eq!(dns1035_label("a-9"), Ok(()));
    assert_eq!(dns1123_subdomain("0.a-b.c9"), Ok(()));
    assert_eq!(
        dns1123_subdomain(&"a".repeat(253)),
        Ok(()),
        "one label may fill the whole name"
    );
    assert_eq!(label_key("ray.io/Cluster_1.x"), Ok(()));
    assert_eq!(label_key("app"), Ok(()));
    assert_eq!(label_value(""), Ok(()));
    assert_eq!(label_value("My_value.1"), Ok(()));
    assert_eq!(label_value(&"a".repeat(63)), Ok(()));
}

#[test]
fn errors_name_what_is_wrong() {
    let rows = [
        (dns1123_label(""), "it must not be empty"),
        (dns1123_label(&"a".repeat(64)), "it has 64 bytes, the limit is 63"),
        (dns1123_label("aBc"), "`B` is not allowed"),
        (dns1123_label("a.b"), "`.` is not allowed"),
        (dns1123_label("a b"), "a space is not allowed"),
        (dns1123_label("é"), "`é` is not allowed"),
        (dns1123_label("a\n"), "`\\n` is not allowed"),
        (dns1123_label("a-"), "it must end with a lowercase letter or digit"),
        (dns1035_label("0a"), "it must start with a lowercase letter"),
        (
            dns1123_subdomain("-c"),
            "it must start with a lowercase letter or digit",
        ),
        (
            dns1123_subdomain("ab.-c"),
            "each part between dots must start with a lowercase letter or digit",
        ),
        (dns1123_subdomain("ab..c"), "each part between dots must not be empty"),
        (dns1123_subdomain("ab."), "each part between dots must not be empty"),
        (dns1123_subdomain(".ab"), "each part between dots must not be empty"),
        (dns1123_subdomain("a_b"), "`_` is not allowed"),
        (label_key("a b"), "a space is not allowed"),
        (label_key("/a"), "the part before the slash must not be empty"),
        (label_key("a.io/"), "the part after the slash must not be empty"),
        (label_key("A.io/a"), "`A` is not allowed before the slash"),
        (
            label_key("a/_b"),
            "the part after the slash must start with a letter or digit",
        ),
        (
            label_key("a/b/c"),
            "it has 2 slashes; at most one is allowed, between a DNS name and the rest",
        ),
        (label_value("a b"), "a space is not allowed"),
        (label_value("_a"), "it must start with a letter or digit"),
        (
            extended_resource_name("gpu"),
            "it must start with a vendor's domain, as in `nvidia.com/gpu`",
        ),
        (
            extended_resource_name("requests.nvidia.com/gpu"),
            "it starts with `requests.`, which is reserved for quotas",
        ),
    ];
    for (result, expected) in rows {
        assert_eq!(message(result), expected);
    }
}

#[test]
fn advice_lists_the_characters_that_are_allowed() {
    let error = dns1123_subdomain("a_b").expect_err("the name is wrong");
    assert_eq!(
        error.with_advice(),
        "`_` is not allowed; use lowercase letters, digits, `-` and `.`"
    );
}

#[test]
fn an_extended_resource_leaves_room_for_the_quota_prefix() {
    assert_eq!(extended_resource_name(&format!("{}/gpu", "a".repeat(244))), Ok(()));
    assert_eq!(
        message(extended_resource_name(&format!("{}/gpu", "a".repeat(245)))),
        "the part before the slash has 245 bytes, the limit is 244"
    );
}

#[test]
fn resource_names_have_a_kind() {
    let rows = [
        ("cpu", ResourceKind::Cpu),
        ("memory", ResourceKind::Memory),
        ("ephemeral-storage", ResourceKind::EphemeralStorage),
        ("storage", ResourceKind::Storage),
        ("hugepages-2Mi", ResourceKind::HugePages),
        ("hugepages-", ResourceKind::Unknown),
        ("nvidia.com/gpu", ResourceKind::Extended),
        ("hugepages-2Mi.io/x", ResourceKind::Unknown),
        ("kubernetes.io/batch-cpu", ResourceKind::Native),
        ("x.kubernetes.io/y", ResourceKind::Native),
        ("requests.nvidia.com/gpu", ResourceKind::Unknown),
        ("gpu", ResourceKind::Unknown),
        ("nvidia.com/", ResourceKind::Unknown),
        ("", ResourceKind::Unknown),
    ];
    for (name, kind) in rows {
        assert_eq!(resource_kind(name), kind, "{name}");
    }
}

#[test]
fn gpus_are_what_kuberay_takes_for_gpus() {
    for name in ["nvidia.com/gpu", "amd.com/gpu", "gpu", "example.com/vgpu"] {
        assert!(is_gpu_key(name, false) && is_gpu_key(name, true), "{name}");
    }
    for name in [
        "nvidia.com/mig-1g.5gb",
        "nvidia.com/mig-7g.80gb",
        "x.nvidia.com/mig-1g.10gb",
    ] {
        assert!(is_gpu_key(name, true) && !is_gpu_key(name, false), "{name}");
    }
    let others = [
        "nvidia.com/gpu.shared",
        "nvidia.com/mig-1g.5gb.me",
        "nvidia.com/mig-1g.5gb+me",
        "nvidia.com/mig-g.5gb",
        "nvidia.com/mig-1g.gb",
        "nvidia.com/mig-1.5gb",
        "nvidia.com/mig-١g.5gb",
        "gpu.intel.com/i915",
        "cpu",
        "",
    ];
    for name in others {
        assert!(!is_gpu_key(name, true), "{name}");
    }
}
