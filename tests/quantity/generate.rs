//! Deterministic texts: by the grammar, nearly by the grammar, and at its ends.

use serde_json::{Value, json};

use crate::random::Random;

const SIGNS: [&str; 6] = ["", "", "", "", "-", "+"];
const UNITS: [&str; 17] = [
    "", "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
];
const QUANTITY_ALPHABET: &str = "0123456789000+-..eEinumkKMGTPEbB _\t\n,x\u{660}\u{ff11}\u{b2}\u{a0}";
const NUMBERS: [&str; 42] = [
    "0",
    "00",
    "1",
    "7",
    "8",
    "9",
    "10",
    "100",
    "999",
    "1000",
    "1001",
    "1023",
    "1024",
    "1025",
    "1048576",
    "99999",
    "100000",
    "99999999",
    "100000000",
    "99999999999",
    "100000000000",
    "999999999999999999",
    "1000000000000000000",
    "1500000000000000000",
    "9223372036854775806",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "170141183460469231731",
    "170141183460469231731687303715",
    "170141183460469231731687303716",
    "1234567890123456789012345678901",
    "0.5",
    ".5",
    "1.",
    ".",
    "",
    "1.500",
    "1.123456789123",
    "0.000000001",
    "0.0000000001",
    "0.999999999999999999999",
];

/// Exponents that Go can take with at most 18 digits before them; those past 32 bits are cut.
const EXTREME_EXPONENTS: [&str; 14] = [
    "400",
    "1000",
    "2147483645",
    "2147483646",
    "2147483647",
    "4294967296",
    "4294967297",
    "-4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999",
    "0000000000000000000000003",
    "+00",
];

/// Every combination of the tables above, then `count` random texts.
pub fn quantities(random: &mut Random, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for number in NUMBERS {
        for sign in ["", "-", "+"] {
            for unit in UNITS {
                texts.push(format!("{sign}{number}{unit}"));
            }
            for exponent in [
                "e0", "e1", "e2", "E3", "e-3", "e+9", "e-9", "e-10", "e18", "e21", "e-30", "e", "e-",
            ] {
                texts.push(format!("{sign}{number}{exponent}"));
            }
        }
    }
    for exponent in EXTREME_EXPONENTS {
        for number in ["1", "-1", "12", "100", "999999999999999999", "+5", "0", "1.5", "."] {
            texts.push(format!("{number}e{exponent}"));
            texts.push(format!("{number}E{exponent}"));
        }
    }
    // Go wraps the scale around where a point meets the lowest exponent.
    texts.extend(["1.5e-2147483648", "-12.25e-2147483648", "1.00e-2147483647"].map(str::to_owned));
    // Below one, a binary unit turns decimal, which only a sum shows: 2048 and not 2Ki.
    texts.extend(["0.00048828125Ki", "2047.5", "-0.00048828125Ki", "-2047.5"].map(str::to_owned));
    let end = texts.len() + count;
    while texts.len() < end {
        let text = match random.below(8) {
            0..4 => quantity(random),
            4..7 => {
                let text = quantity(random);
                random.mutate(&text, QUANTITY_ALPHABET)
            }
            _ => {
                let length = random.below(7);
                random.text(QUANTITY_ALPHABET, length)
            }
        };
        if !is_slow_in_go(&text) {
            texts.push(text);
        }
    }
    texts
}

fn quantity(random: &mut Random) -> String {
    let mut text = random.pick(&SIGNS).to_owned();
    if random.one_in(10) {
        let zeros = random.below(25);
        text.push_str(&"0".repeat(zeros));
    }
    if random.one_in(4) {
        text.push_str(random.pick(&NUMBERS));
    } else {
        let longest = [3, 6, 12, 22, 45][random.below(5)];
        let length = random.below(longest) + 1;
        text.push_str(&random.text("01234567890", length));
        if random.one_in(3) {
            let length = random.below(longest);
            text.push('.');
            text.push_str(&random.text("0001234567899", length));
        }
    }
    if random.one_in(4) {
        let range = [4, 12, 40, 400][random.below(4)];
        let sign = random.pick(&["", "", "+", "-"]);
        text.push_str(&format!("{}{sign}{}", random.pick(&["e", "E"]), random.below(range)));
    } else {
        text.push_str(random.pick(&UNITS));
    }
    text
}

/// Go writes these out with as many digits as the exponent says, which takes minutes or all memory.
fn is_slow_in_go(text: &str) -> bool {
    let exponent = text
        .rsplit(['e', 'E'])
        .next()
        .and_then(|exponent| exponent.parse::<i64>().ok());
    exponent.is_some_and(|exponent| (exponent as i32).unsigned_abs() > 1000)
}

const NAME_ALPHABET: &str = "abcxyz0189-._/AZ \n:@%é\u{660}\u{ff41}";
const NAME_WORDS: [&str; 20] = [
    "cpu",
    "memory",
    "storage",
    "hugepages-2Mi",
    "ephemeral-storage",
    "nvidia.com/gpu",
    "nvidia.com/mig-1g.5gb",
    "kubernetes.io/batch-cpu",
    "node.kubernetes.io/x",
    "requests.cpu",
    "requests.nvidia.com/gpu",
    "ray.io/cluster",
    "a-b.c-d",
    "0-9",
    "My_Label.value",
    "-a",
    "a-",
    "a..b",
    "/a",
    "a/",
];

pub fn names(random: &mut Random, count: usize) -> Vec<String> {
    let mut texts: Vec<String> = NAME_WORDS.iter().map(|&word| word.to_owned()).collect();
    texts.push(String::new());
    while texts.len() < count {
        let text = match random.below(6) {
            0 => name(random),
            1 => format!("{}/{}", name(random), name(random)),
            2 => {
                let word = random.pick(&NAME_WORDS);
                random.mutate(word, NAME_ALPHABET)
            }
            3 => format!(
                "{}{}",
                random.pick(&["requests.", "kubernetes.io/", "x.kubernetes.io/", "hugepages-"]),
                name(random)
            ),
            4 => {
                let text = name(random);
                random.mutate(&text, NAME_ALPHABET)
            }
            _ => {
                let length = random.below(6);
                random.text(NAME_ALPHABET, length)
            }
        };
        texts.push(text);
    }
    texts
}

fn name(random: &mut Random) -> String {
    let length = match random.below(6) {
        0 => 61 + random.below(4),
        1 => 241 + random.below(14),
        _ => random.below(14),
    };
    let alphabet = random.pick(&[
        "abc",
        "abc019",
        "abc019--",
        "abc019.",
        "abc019-.",
        "abcXYZ019-_.",
        "019",
    ]);
    random.text(alphabet, length)
}

const REGISTRIES: [&str; 20] = [
    "",
    "",
    "docker.io/",
    "index.docker.io/",
    "ghcr.io/",
    "localhost/",
    "localhost:5000/",
    "registry:5000/",
    "GHCR.io/",
    "Registry/",
    "127.0.0.1:80/",
    "[::1]/",
    "[2001:DB8::1]:5000/",
    "[::1",
    "a_b.c/",
    "-a.b/",
    "a-.b/",
    "a.b:/",
    ".a/",
    "x:y/",
];
const COMPONENTS: [&str; 18] = [
    "python",
    "ray-ml",
    "a",
    "library",
    "my-org",
    "a.b",
    "a_b",
    "a__b",
    "a---b",
    "0",
    "a..b",
    "a___b",
    "-a",
    "a-",
    "A",
    "",
    "a._b",
    "localhost",
];
const TAGS: [&str; 12] = [
    "", "", "", ":latest", ":3.11", ":_x", ":.x", ":-x", ":", ":A-b.C_d", ":1/2", ":a:b",
];
const IMAGE_ALPHABET: &str = "abz09.-_:/@[]A é\n";

pub fn images(random: &mut Random, count: usize) -> Vec<String> {
    let mut texts = vec![String::new(), "f".repeat(64), "f".repeat(63), "F".repeat(64)];
    while texts.len() < count {
        // Half of the references hold nothing that is wrong by itself.
        let (registries, components, tags) = if random.one_in(2) {
            (&REGISTRIES[..13], &COMPONENTS[..10], &TAGS[..6])
        } else {
            (&REGISTRIES[..], &COMPONENTS[..], &TAGS[..])
        };
        let mut text = random.pick(registries).to_owned();
        for at in 0..=random.below(4) {
            if at > 0 {
                text.push('/');
            }
            if random.one_in(40) {
                let length = [1, 2, 245, 246, 247, 248, 253, 254, 255, 256][random.below(10)];
                text.push_str(&"a".repeat(length));
            } else {
                text.push_str(random.pick(components));
            }
        }
        if random.one_in(30) {
            let length = 126 + random.below(4);
            text.push_str(&format!(":{}", "t".repeat(length)));
        } else {
            text.push_str(random.pick(tags));
        }
        if random.one_in(4) {
            let algorithm = random.pick(&[
                "sha256",
                "sha256",
                "sha384",
                "sha512",
                "sha1",
                "md5",
                "SHA256",
                "",
                "sha256+b64",
            ]);
            let length = [64, 64, 64, 96, 128, 63, 65, 32, 0][random.below(9)];
            let digits = random.pick(&["0123456789abcdef", "0123456789abcdef", "abcdefABCDEF", "xyz"]);
            text.push_str(&format!("@{algorithm}:{}", random.text(digits, length)));
        }
        if random.one_in(3) {
            text = random.mutate(&text, IMAGE_ALPHABET);
        }
        texts.push(text);
    }
    texts
}

/// Specs of pods, as JSON: containers, init containers and native sidecars, resources of the pod itself, overhead.
pub fn pods(random: &mut Random, count: usize) -> Vec<String> {
    (0..count).map(|_| pod(random).to_string()).collect()
}

fn pod(random: &mut Random) -> Value {
    let containers = containers(random, 3, false);
    let mut spec = json!({"containers": containers, "initContainers": self::containers(random, 4, true)});
    if random.one_in(3) {
        spec["resources"] = resources(random);
    }
    if random.one_in(4) {
        spec["overhead"] = block(random);
    }
    spec
}

fn containers(random: &mut Random, most: usize, init: bool) -> Vec<Value> {
    let count = random.below(most + 1);
    let container = |random: &mut Random| {
        let mut container = json!({"name": "c", "resources": resources(random)});
        if init && random.one_in(2) {
            container["restartPolicy"] = random.pick(&["Always", "Always", "Never"]).into();
        }
        container
    };
    (0..count).map(|_| container(random)).collect()
}

fn resources(random: &mut Random) -> Value {
    let mut resources = json!({});
    for key in ["requests", "limits"] {
        if !random.one_in(3) {
            resources[key] = block(random);
        }
    }
    resources
}

fn block(random: &mut Random) -> Value {
    let mut block = json!({});
    for _ in 0..random.below(4) {
        let key = random.pick(&["cpu", "memory", "nvidia.com/gpu", "hugepages-2Mi", "ephemeral-storage"]);
        block[key] = random
            .pick(&["0", "1", "2", "500m", "1500m", "3", "1Gi", "512Mi", "4Ti", "7", "100u"])
            .into();
    }
    block
}
