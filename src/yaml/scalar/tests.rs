use super::*;

fn number(value: impl Into<Number>) -> Scalar {
    Scalar::Number(value.into())
}

fn float(value: f64) -> Scalar {
    Scalar::Number(Number::from_f64(value).unwrap())
}

/// Plain text, its reading in YAML 1.2, to kubectl, and in strict YAML 1.1.
fn table() -> Vec<(&'static str, Scalar, Scalar, Scalar)> {
    use Scalar::{Bool, NotFinite, Null, Text};
    vec![
        ("", Null, Null, Null),
        ("~", Null, Null, Null),
        ("Null", Null, Null, Null),
        ("nULL", Text, Text, Text),
        ("True", Bool(true), Bool(true), Bool(true)),
        ("yes", Text, Bool(true), Bool(true)),
        ("NO", Text, Bool(false), Bool(false)),
        ("On", Text, Bool(true), Bool(true)),
        ("off", Text, Bool(false), Bool(false)),
        ("y", Text, Bool(true), Bool(true)),
        ("N", Text, Bool(false), Bool(false)),
        ("yEs", Text, Text, Text),
        ("0", number(0), number(0), number(0)),
        ("-12", number(-12), number(-12), number(-12)),
        ("+12", number(12), number(12), number(12)),
        ("010", number(10), number(8), number(8)),
        ("-010", number(-10), number(-8), number(-8)),
        ("007", number(7), number(7), number(7)),
        ("08", number(8), number(8), Text),
        ("0o10", number(8), number(8), Text),
        ("0x1F", number(31), number(31), number(31)),
        ("-0x1F", Text, number(-31), number(-31)),
        ("0X1F", Text, number(31), Text),
        ("0b11", Text, number(3), number(3)),
        ("0b-11", Text, number(-3), Text),
        (".2_5", Text, float(0.25), float(0.25)),
        (".2__5", Text, Text, float(0.25)),
        ("0b", Text, Text, Text),
        ("0x", Text, Text, Text),
        ("1_000", Text, number(1000), number(1000)),
        ("_1", Text, Text, Text),
        ("1:30", Text, Text, number(90)),
        ("1:90", Text, Text, Text),
        ("12:30:45", Text, Text, number(45045)),
        ("1:30.5", Text, Text, float(90.5)),
        (".5", float(0.5), float(0.5), float(0.5)),
        ("1.", float(1.0), number(1), float(1.0)),
        ("1.5", float(1.5), float(1.5), float(1.5)),
        ("1e3", float(1000.0), number(1000), Text),
        ("1.5e3", float(1500.0), number(1500), Text),
        ("1.5e+3", float(1500.0), number(1500), float(1500.0)),
        ("1e", Text, Text, Text),
        ("e3", Text, Text, Text),
        ("1.2.3", Text, Text, Text),
        (".", Text, Text, Text),
        ("-", Text, Text, Text),
        ("+", Text, Text, Text),
        (".inf", NotFinite, NotFinite, NotFinite),
        ("-.INF", NotFinite, NotFinite, NotFinite),
        (".NaN", NotFinite, NotFinite, NotFinite),
        ("inf", Text, Text, Text),
        ("1e999", NotFinite, NotFinite, Text),
        (
            "9223372036854775807",
            number(i64::MAX),
            number(i64::MAX),
            number(i64::MAX),
        ),
        (
            "18446744073709551615",
            number(u64::MAX),
            number(u64::MAX),
            number(u64::MAX),
        ),
        ("1Gi", Text, Text, Text),
        ("500m", Text, Text, Text),
        ("50%", Text, Text, Text),
        ("2026-12-31", Text, Text, Text),
        ("10.0.0.1", Text, Text, Text),
        ("v1", Text, Text, Text),
    ]
}

#[test]
fn three_readings() {
    for (text, in_core, in_kubectl, in_older) in table() {
        assert_eq!(
            (core(text), kubectl(text), older(text)),
            (in_core, in_kubectl, in_older),
            "{text}"
        );
    }
}

#[test]
fn a_warning_exactly_where_two_readings_differ() {
    for (text, in_core, in_kubectl, in_older) in table() {
        let differ = !(same(&in_core, &in_kubectl) && same(&in_core, &in_older)) && in_core != Scalar::NotFinite;
        for reading in [Reading::Cautious, Reading::Kubectl] {
            let (_, ambiguity) = plain(text, reading);
            assert_eq!(ambiguity.is_some(), differ, "{text}");
        }
    }
}

#[test]
fn cautious_takes_words_and_odd_numbers_as_strings() {
    for text in ["yes", "off", "Y", "010", "-010", "08", "1_000", "0b11", "1:30", "0X1F"] {
        assert_eq!(plain(text, Reading::Cautious).0, Scalar::Text, "{text}");
    }
    for (text, value) in [
        ("0o10", number(8)),
        ("007", number(7)),
        ("1e3", float(1000.0)),
        ("0", number(0)),
    ] {
        assert_eq!(plain(text, Reading::Cautious).0, value, "{text}");
    }
}

#[test]
fn kubectl_reading_is_what_kubectl_sends() {
    let cases = [
        ("yes", Scalar::Bool(true)),
        ("010", number(8)),
        ("08", number(8)),
        ("1_000", number(1000)),
        ("1:30", Scalar::Text),
        ("1e3", number(1000)),
        ("0b11", number(3)),
    ];
    for (text, value) in cases {
        assert_eq!(plain(text, Reading::Kubectl).0, value, "{text}");
    }
}

#[test]
fn both_readings_are_named() {
    let (_, found) = plain("010", Reading::Cautious);
    let found = found.unwrap();
    assert_eq!(
        found.message,
        "`010` is the number 10 in YAML 1.2, and the number 8 in YAML 1.1, which kubectl reads"
    );
    assert_eq!(
        found.help,
        "it is taken as the string \"010\"; write \"010\" in quotes, or 10 or 8 without"
    );
    let found = plain("yes", Reading::Kubectl).1.unwrap();
    assert_eq!(
        found.message,
        "`yes` is the string \"yes\" in YAML 1.2, and the boolean true in YAML 1.1, which kubectl reads"
    );
    assert_eq!(
        found.help,
        "it is taken as the boolean true; write \"yes\" in quotes, or true without"
    );
}

#[test]
fn long_scalars_are_not_examined() {
    let text = "1".repeat(1 << 20);
    assert_eq!(plain(&text, Reading::Cautious), (Scalar::NotFinite, None));
}
