//! Holds quantities, names, image references, the sizes of pods and the Pod Security Standards against the Go code that
//! Kubernetes itself runs.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "quantity/generate.rs"]
mod generate;
#[path = "quantity/pod_security.rs"]
mod pod_security;
#[path = "tools/random.rs"]
mod random;
#[path = "tools/reference.rs"]
mod reference;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use raygate::json::Tree;
use raygate::k8s::image::Image;
use raygate::k8s::names;
use raygate::k8s::quantity::Quantity;
use raygate::ray::{Workload, effective};
use serde::Deserialize;
use serde_json::{Value, json};

use random::Random;
use reference::{Reference, assert_none};

/// Kubernetes' own code.
static KUBERNETES: Reference = Reference::new("quantity", "Kubernetes' own");

#[derive(Deserialize)]
struct QuantityAnswer {
    ok: bool,
    canonical: String,
    sign: i32,
    value: Option<i64>,
    milli: Option<i64>,
    cmp: Option<i32>,
    sum: Option<String>,
}

#[test]
fn quantities_are_what_kubernetes_says() {
    let texts = generate::quantities(&mut Random::new(1), 150_000);
    let Some(answers) = KUBERNETES.answers::<QuantityAnswer>("quantity", &texts) else {
        return;
    };
    let mut differences = Vec::new();
    let (mut valid, mut values, mut sums) = (0, 0, 0);
    let mut previous: Option<Quantity> = None;
    for (text, go) in texts.iter().zip(&answers) {
        let mut differs = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
            differences.push(format!("{text:?} {what}: {ours:?}, Go {theirs:?}"));
        };
        let ours = Quantity::parse(text);
        if ours.is_ok() != go.ok {
            differs("is a quantity", &ours, &go.ok);
        }
        let Ok(ours) = ours else {
            previous = None;
            continue;
        };
        valid += 1;
        if ours.to_string() != go.canonical {
            differs("prints", &ours.to_string(), &go.canonical);
        }
        let sign = i32::from(!ours.is_zero()) * if ours.is_negative() { -1 } else { 1 };
        if sign != go.sign {
            differs("sign", &sign, &go.sign);
        }
        let scaled = [
            ("value", ours.value(), go.value, Quantity::from(i64::MAX)),
            (
                "milli value",
                ours.milli_value(),
                go.milli,
                Quantity::from_milli(i64::MAX),
            ),
        ];
        for (what, number, theirs, max) in scaled {
            // Go rounds long negative numbers the wrong way, and wraps around or answers 0 past the ends.
            let Some(theirs) = theirs.filter(|_| !ours.is_negative()) else {
                continue;
            };
            let expected = if ours > max { i64::MAX } else { theirs };
            if number != expected {
                differs(what, &number, &expected);
            }
            values += 1;
        }
        if let Some(positive) = text.strip_prefix('-') {
            let positive = Quantity::parse(&format!("+{positive}")).expect("the sign alone is different");
            if (-positive.value()).max(-i64::MAX) != ours.value().max(-i64::MAX) {
                differs("value", &ours.value(), &"that without the sign");
            }
        }
        if let (Some(left), Some(order), Some(sum)) = (&previous, go.cmp, &go.sum) {
            if left.cmp(&ours) != order.cmp(&0) {
                differs("compared with the one before", &left.cmp(&ours), &order);
            }
            if (left == &ours) != (left.cmp(&ours) == Ordering::Equal) {
                differs("equality", &(left == &ours), &left.cmp(&ours));
            }
            // Go forgets the factors of 1024 in -2^63, and in no other number.
            let exact = left
                .checked_add(&ours)
                .filter(|exact| *exact != Quantity::from(i64::MIN));
            if let Some(exact) = exact {
                sums += 1;
                if exact.to_string() != *sum {
                    differs("added to the one before", &exact.to_string(), sum);
                }
            }
        }
        previous = Some(ours);
    }
    assert_none(&differences, texts.len());
    // The generator is worth something only if much of what it makes is valid, and much is not.
    assert!(
        (50_000..texts.len() - 30_000).contains(&valid),
        "{valid} of {} are valid",
        texts.len()
    );
    assert!(
        values > 80_000 && sums > 30_000,
        "{values} values and {sums} sums compared"
    );
}

#[derive(Deserialize)]
struct NamesAnswer {
    label: bool,
    subdomain: bool,
    label1035: bool,
    key: bool,
    value: bool,
    native: bool,
    extended: bool,
}

#[test]
fn names_are_what_kubernetes_says() {
    let texts = generate::names(&mut Random::new(2), 40_000);
    let Some(answers) = KUBERNETES.answers::<NamesAnswer>("names", &texts) else {
        return;
    };
    let mut differences = Vec::new();
    let mut accepted = [0; 7];
    for (text, go) in texts.iter().zip(&answers) {
        let rows = [
            ("DNS-1123 label", names::dns1123_label(text).is_ok(), go.label),
            (
                "DNS-1123 subdomain",
                names::dns1123_subdomain(text).is_ok(),
                go.subdomain,
            ),
            ("DNS-1035 label", names::dns1035_label(text).is_ok(), go.label1035),
            ("label key", names::label_key(text).is_ok(), go.key),
            ("label value", names::label_value(text).is_ok(), go.value),
            ("native resource", names::is_native_resource(text), go.native),
            (
                "extended resource",
                names::extended_resource_name(text).is_ok(),
                go.extended,
            ),
        ];
        for (index, (what, ours, theirs)) in rows.into_iter().enumerate() {
            if ours != theirs {
                differences.push(format!("{text:?} as {what}: {ours}, Go {theirs}"));
            }
            accepted[index] += usize::from(theirs);
        }
    }
    assert_none(&differences, texts.len());
    assert!(
        accepted.iter().all(|&count| (500..texts.len() - 500).contains(&count)),
        "accepted by kind: {accepted:?}"
    );
}

#[derive(Deserialize)]
struct ImageAnswer {
    ok: bool,
    registry: String,
    repository: String,
    tag: String,
    digest: String,
}

#[test]
fn image_references_are_what_the_kubelet_says() {
    let texts = generate::images(&mut Random::new(3), 60_000);
    let Some(answers) = KUBERNETES.answers::<ImageAnswer>("image", &texts) else {
        return;
    };
    let mut differences = Vec::new();
    let mut valid = 0;
    for (text, go) in texts.iter().zip(&answers) {
        // Go takes `a_b.c/x` for a repository without a registry, which no runtime can pull.
        let theirs = (go.ok && !go.registry.is_empty())
            .then(|| [&go.registry, &go.repository, &go.tag, &go.digest].map(String::as_str));
        let image = Image::parse(text);
        let ours = image.as_ref().ok().map(|image| {
            [
                image.registry(),
                image.repository(),
                image.tag().unwrap_or_default(),
                image.digest().unwrap_or_default(),
            ]
        });
        if ours != theirs {
            differences.push(format!("{text:?}: {image:?}, Go {theirs:?}"));
        }
        valid += usize::from(theirs.is_some());
    }
    assert_none(&differences, texts.len());
    assert!(
        (10_000..texts.len() - 10_000).contains(&valid),
        "{valid} of {} are valid",
        texts.len()
    );
}

/// A map of quantities by the name of the resource, without those that are zero.
fn nonzero<'q>(quantities: impl Iterator<Item = (&'q str, Quantity)>) -> BTreeMap<String, Quantity> {
    let quantities = quantities.filter(|(_, quantity)| !quantity.is_zero());
    quantities.map(|(key, quantity)| (key.to_owned(), quantity)).collect()
}

#[derive(Deserialize)]
struct PodAnswer {
    requests: BTreeMap<String, String>,
    limits: BTreeMap<String, String>,
}

#[test]
fn pods_reserve_and_may_use_what_kubernetes_says() {
    let texts = generate::pods(&mut Random::new(4), 20_000);
    let Some(answers) = KUBERNETES.answers::<PodAnswer>("pod", &texts) else {
        return;
    };
    let mut differences = Vec::new();
    let (mut peaks, mut limited) = (0, 0);
    for (text, go) in texts.iter().zip(&answers) {
        let spec: Value = serde_json::from_str(text).unwrap();
        let object = json!({"spec": {"submitterPodTemplate": {"spec": spec}}});
        let object = Tree::of(&object).unwrap();
        let job = Workload::of(object.root());
        let pod = job.submitter().unwrap();
        let read = |list: &BTreeMap<String, String>| {
            nonzero(
                list.iter()
                    .map(|(key, text)| (key.as_str(), Quantity::parse(text).unwrap())),
            )
        };
        let theirs = read(&go.requests);
        for (what, ours, theirs) in [
            ("requests", effective::requests(pod), &theirs),
            ("limits", effective::limits(pod), &read(&go.limits)),
        ] {
            let ours = nonzero(ours.into_iter());
            if ours != *theirs {
                differences.push(format!("{what} of {text}: {ours:?}, Go {theirs:?}"));
            }
        }
        let plain: Quantity = pod
            .running()
            .filter_map(|container| container.given("cpu"))
            .fold(Quantity::from(0), |sum, cpu| sum.saturating_add(cpu));
        let sum: Quantity = pod
            .running()
            .filter_map(|container| container.limit("cpu")?.quantity())
            .fold(Quantity::from(0), |sum, cpu| sum.saturating_add(cpu));
        let limit = effective::limits(pod).remove("cpu").unwrap_or(Quantity::from(0));
        limited += usize::from(limit != sum);
        peaks += usize::from(theirs.get("cpu").is_some_and(|cpu| *cpu != plain));
    }
    assert_none(&differences, texts.len());
    assert!(
        peaks > 5_000 && limited > 5_000,
        "only {peaks} pods reserve, and {limited} may use, something else than their containers ask for"
    );
}
