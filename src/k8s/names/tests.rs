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
fn errors_say_which_character_or_length_is_wrong() {
    let rows = [
        (dns1123_label(""), "a DNS label must not be empty"),
        (
            dns1123_label(&"a".repeat(64)),
            "a DNS label has 64 bytes, at most 63 are allowed",
        ),
        (
            dns1123_label("aBc"),
            "a DNS label has 'B' as character 2, allowed are a-z, 0-9 and `-`",
        ),
        (
            dns1123_label("a.b"),
            "a DNS label has '.' as character 2, allowed are a-z, 0-9 and `-`",
        ),
        (
            dns1123_label("é"),
            "a DNS label has 'é' as character 1, allowed are a-z, 0-9 and `-`",
        ),
        (
            dns1123_label("a-"),
            "a DNS label has '-' as character 2, where only a-z and 0-9 may stand",
        ),
        (
            dns1123_label("a\n"),
            "a DNS label has '\\n' as character 2, allowed are a-z, 0-9 and `-`",
        ),
        (
            dns1035_label("0a"),
            "a DNS label has '0' as character 1, where only a-z may stand",
        ),
        (
            dns1123_subdomain("ab.-c"),
            "a DNS name has '-' as character 4, where only a-z and 0-9 may stand",
        ),
        (
            dns1123_subdomain("ab..c"),
            "a DNS name has '.' as character 4, where only a-z and 0-9 may stand",
        ),
        (
            dns1123_subdomain("ab."),
            "a DNS name has '.' as character 3, where only a-z and 0-9 may stand",
        ),
        (
            dns1123_subdomain(".ab"),
            "a DNS name has '.' as character 1, where only a-z and 0-9 may stand",
        ),
        (
            dns1123_subdomain("a_b"),
            "a DNS name has '_' as character 2, allowed are a-z, 0-9, `-` and `.`",
        ),
        (label_key("/a"), "the prefix of a key must not be empty"),
        (label_key("a.io/"), "the name part of a key must not be empty"),
        (
            label_key("A.io/a"),
            "the prefix of a key has 'A' as character 1, allowed are a-z, 0-9, `-` and `.`",
        ),
        (
            label_key("a/b/c"),
            "a key has 2 slashes, at most one is allowed: an optional DNS prefix, a slash, a name",
        ),
        (
            label_value("a b"),
            "a label value has ' ' as character 2, allowed are A-Z, a-z, 0-9, `-`, `_` and `.`",
        ),
        (
            label_value("_a"),
            "a label value has '_' as character 1, where only A-Z, a-z and 0-9 may stand",
        ),
        (
            extended_resource_name("gpu"),
            "the resource name \"gpu\" has no vendor's domain in front, as in `nvidia.com/gpu`",
        ),
        (
            extended_resource_name("requests.nvidia.com/gpu"),
            "the resource name \"requests.nvidia.com/gpu\" starts with `requests.`, which is reserved for quotas",
        ),
    ];
    for (result, expected) in rows {
        assert_eq!(message(result), expected);
    }
}

#[test]
fn an_extended_resource_leaves_room_for_the_quota_prefix() {
    assert_eq!(extended_resource_name(&format!("{}/gpu", "a".repeat(244))), Ok(()));
    assert_eq!(
        message(extended_resource_name(&format!("{}/gpu", "a".repeat(245)))),
        "the domain of a resource name has 245 bytes, at most 244 are allowed"
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

#[test]
fn text_of_a_user_stays_on_one_line_and_short() {
    assert_eq!(shown("a\nb\u{202e}`"), "a\\nb\\u{202e}`");
    assert_eq!(shown(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
    assert_eq!(shown(&"x".repeat(64)), "x".repeat(64));
}
