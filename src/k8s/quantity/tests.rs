use super::*;
use serde_json::json;

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn texts_print_and_count_as_in_go() {
    let rows = [
        ("0", "0", 0, 0),
        ("1", "1", 1, 1000),
        ("500m", "500m", 1, 500),
        ("0.5", "500m", 1, 500),
        (".5", "500m", 1, 500),
        ("1.", "1.", 1, 1000),
        ("+1", "+1", 1, 1000),
        ("1.500", "1.500", 2, 1500),
        ("1500m", "1500m", 2, 1500),
        ("-1500m", "-1500m", -2, -1500),
        ("1e3", "1e3", 1000, 1_000_000),
        ("1E3", "1E3", 1000, 1_000_000),
        ("1e+3", "1e+3", 1000, 1_000_000),
        ("1000", "1k", 1000, 1_000_000),
        ("1e-3", "1e-3", 1, 1),
        ("100n", "100n", 1, 1),
        ("1u", "1u", 1, 1),
        ("1Ki", "1Ki", 1024, 1_024_000),
        ("1.5Gi", "1536Mi", 1_610_612_736, 1_610_612_736_000),
        ("32Gi", "32Gi", 34_359_738_368, 34_359_738_368_000),
        ("1023Ki", "1023Ki", 1_047_552, 1_047_552_000),
        ("0.5Ki", "512", 512, 512_000),
        ("1E", "1E", 1_000_000_000_000_000_000, i64::MAX),
        ("1Ei", "1Ei", 1_152_921_504_606_846_976, i64::MAX),
        ("10Ei", "9223372036854775807", i64::MAX, i64::MAX),
        ("-10Ei", "-9223372036854775807", -i64::MAX, i64::MIN),
        ("1e400", "10e399", i64::MAX, i64::MAX),
        ("-1e400", "-10e399", i64::MIN, i64::MIN),
        (
            "1234567890123456789012345678901",
            "1234567890123456789012345678901",
            i64::MAX,
            i64::MAX,
        ),
    ];
    for (text, canonical, value, milli) in rows {
        let quantity = quantity(text);
        let seen = (quantity.to_string(), quantity.value(), quantity.milli_value());
        assert_eq!(seen, (canonical.to_owned(), value, milli), "{text}");
    }
}

#[test]
fn what_is_finer_than_a_nano_is_rounded_away_from_zero() {
    assert_eq!(quantity("1.123456789123").to_string(), "1123456790n");
    assert_eq!(quantity("5e-10"), quantity("1n"));
    assert_eq!(quantity("-5e-10"), quantity("-1n"));
    assert_eq!(quantity("0.0000000001n").to_string(), "1n");
    assert_eq!(quantity("0.99999999999999999999").to_string(), "1");
    assert_eq!(quantity("1e-2147483648").to_string(), "1e-9");
}

#[test]
fn what_go_takes_for_zero_is_zero() {
    for text in [
        "0",
        "-0",
        "000",
        "Ki",
        "Ti",
        "k",
        "e5",
        "+",
        "-",
        ".",
        "0Ei",
        "0e-400",
        "0e2147483647",
    ] {
        let quantity = quantity(text);
        assert!(quantity.is_zero() && !quantity.is_negative(), "{text}");
        assert_eq!(quantity.to_string(), "0", "{text}");
    }
}

#[test]
fn what_go_refuses_is_refused() {
    let texts = [
        "",
        " ",
        "1 Gi",
        " 1",
        "1\n",
        "1K",
        "1Kib",
        "1KB",
        "1gb",
        "1e",
        "1e-",
        "1e1.5",
        "1E3Mi",
        "--1",
        "1.2.3",
        "Pi",
        "Ei",
        "1e9223372036854775808",
        "１",
        "٣",
        "e-20",
        "1mm",
        "0x10",
        "1_000",
        "NaN",
        "inf",
    ];
    for text in texts {
        assert!(Quantity::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn hostile_exponents_and_lengths_cost_nothing_and_keep_their_order() {
    let ascending = [
        "-1e2147483647",
        "-10E",
        "-1n",
        "0",
        "1n",
        "170141183460469231731687303715",
        "170141183460469231731687303716",
        "1e31",
        "1e400",
        "1.5e400",
        "2e400",
        "1e2147483646",
        "1e2147483647",
        "1234567890123456789012345e2147483647",
    ];
    let mut quantities: Vec<Quantity> = ascending.iter().map(|text| quantity(text)).collect();
    quantities.reverse();
    quantities.sort();
    let expected: Vec<Quantity> = ascending.iter().map(|text| quantity(text)).collect();
    assert_eq!(quantities, expected);
    assert!(quantities.windows(2).all(|pair| pair[0] < pair[1]));

    let long = format!("{}.{}Gi", "1".repeat(100_000), "9".repeat(100_000));
    assert_eq!(quantity(&long).value(), i64::MAX);
    let zeros = format!("0.{}1", "0".repeat(100_000));
    assert_eq!(quantity(&zeros).to_string(), "1n");
}

#[test]
fn equality_is_by_value() {
    assert_eq!(quantity("1Gi"), quantity("1024Mi"));
    assert_eq!(quantity("1"), quantity("1000m"));
    assert_eq!(quantity("1e400"), quantity("1000e397"));
    assert_ne!(quantity("1G"), quantity("1Gi"));
    assert_eq!(quantity("2").max(quantity("1500m")), quantity("2"));
}

#[test]
fn json_is_read_as_the_custom_resource_allows() {
    assert_eq!(Quantity::from_value(&json!("32Gi")), Ok(quantity("32Gi")));
    assert_eq!(Quantity::from_value(&json!(8)), Ok(quantity("8")));
    assert_eq!(Quantity::from_value(&json!(-1)), Ok(quantity("-1")));
    assert_eq!(Quantity::from_value(&json!(8.0)), Ok(quantity("8")));
    for value in [
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(null),
        json!(true),
        json!([1]),
        json!({"a": 1}),
    ] {
        assert!(Quantity::from_value(&value).is_err(), "{value}");
    }
    assert_eq!(
        Quantity::from_value(&json!(0.5)).unwrap_err().to_string(),
        "cannot read the number 0.5 as a quantity: a number in JSON must be whole and below 2^53 where it has a point \
         or an exponent; write it in quotes, such as \"500m\""
    );
    assert_eq!(
        Quantity::from_value(&json!(null)).unwrap_err().to_string(),
        "cannot read null as a quantity: write text such as \"500m\" or \"32Gi\", or a whole number"
    );
}

#[test]
fn errors_name_what_was_seen_and_what_is_meant() {
    let rows = [
        (
            "32GB",
            "cannot read `32GB` as a quantity: `GB` is not a unit; did you mean `Gi` (1024³) or `G` (1000³)? \
             the units are n u m k M G T P E and Ki Mi Gi Ti Pi Ei, directly after the number",
        ),
        (
            "1 Xi",
            "cannot read `1 Xi` as a quantity: ` Xi` is not a unit; \
             the units are n u m k M G T P E and Ki Mi Gi Ti Pi Ei, directly after the number",
        ),
        (
            "1e3Mi",
            "cannot read `1e3Mi` as a quantity: its exponent must be a whole number with no unit after it, such as 1e3",
        ),
        (
            "lots\n",
            "cannot read `lots\\n` as a quantity: write a number with an optional unit, such as 500m, 2 or 32Gi",
        ),
    ];
    for (text, message) in rows {
        assert_eq!(Quantity::parse(text).unwrap_err().to_string(), message);
    }
    assert!(Quantity::parse(&"x".repeat(10_000)).unwrap_err().to_string().len() < 300);
}

#[test]
fn sums_are_exact_and_keep_the_first_unit() {
    let sum = |left: &str, right: &str| quantity(left).checked_add(&quantity(right)).map(|sum| sum.to_string());
    assert_eq!(sum("1Gi", "512Mi").as_deref(), Some("1536Mi"));
    assert_eq!(sum("0", "1Gi").as_deref(), Some("1Gi"));
    assert_eq!(sum("1", "1n").as_deref(), Some("1000000001n"));
    assert_eq!(
        sum("+1", "0").as_deref(),
        Some("1"),
        "a sum is canonical, whatever its parts looked like"
    );
    assert_eq!(sum("1e400", "1"), None);
    assert_eq!(quantity("1e400").saturating_add(&quantity("1")), quantity("1e400"));
    assert_eq!(quantity("1").saturating_add(&quantity("-1e400")), quantity("-1e400"));
    assert_eq!(quantity("1").saturating_add(&quantity("1")), quantity("2"));
}

#[test]
fn products_are_exact() {
    assert_eq!(
        quantity("32Gi")
            .checked_mul(4)
            .map(|product| product.to_string())
            .as_deref(),
        Some("128Gi")
    );
    assert_eq!(quantity("500m").checked_mul(3), Some(quantity("1500m")));
    assert_eq!(quantity("1e400").checked_mul(2), None);
    assert_eq!(quantity("1e400").saturating_mul(2), quantity("1e400"));
    assert!(quantity("1e400").saturating_mul(0).is_zero());
    assert!(quantity("1e28").saturating_mul(u64::MAX) > quantity("1e29"));
    assert!(quantity("-1e28").saturating_mul(u64::MAX) < quantity("-1e29"));
}

#[test]
fn percentages_round_up_to_whole_bytes() {
    let half = |text: &str| quantity(text).checked_percent(50).map(|half| half.to_string());
    assert_eq!(half("1Gi").as_deref(), Some("512Mi"));
    assert_eq!(half("3").as_deref(), Some("2"));
    assert_eq!(half("-3").as_deref(), Some("-2"));
    assert_eq!(half("0").as_deref(), Some("0"));
    assert_eq!(half("1e400"), None);
    assert_eq!(quantity("10Gi").checked_percent(110), Some(quantity("11Gi")));
    assert_eq!(quantity("8Gi").checked_percent(0), Some(Quantity::ZERO));
    assert_eq!(
        quantity("1.5").checked_percent(100),
        Some(quantity("2")),
        "whole units even at 100 %"
    );
}

#[test]
fn whole_and_fractional() {
    assert!(quantity("2").is_integer() && quantity("2000m").is_integer() && quantity("1e400").is_integer());
    assert!(!quantity("500m").is_integer() && !quantity("1n").is_integer());
}

#[test]
fn counts_of_bytes_print_with_binary_units() {
    let rows = [
        (0, "0"),
        (1000, "1000"),
        (1024, "1Ki"),
        (34_359_738_368, "32Gi"),
        (1_610_612_736, "1.5Gi"),
        (1 << 60, "1Ei"),
        (-(3 << 9), "-1.5Ki"),
    ];
    for (bytes, text) in rows {
        assert_eq!((bytes_down(bytes).as_str(), bytes_up(bytes).as_str()), (text, text));
    }
    for (bytes, down, up) in [
        ((32 << 30) - 1, "31.99Gi", "32Gi"),
        ((32 << 30) + 1, "32Gi", "32.01Gi"),
        (1100, "1.07Ki", "1.08Ki"),
        (i64::MAX, "7.99Ei", "8Ei"),
    ] {
        assert_eq!((bytes_down(bytes).as_str(), bytes_up(bytes).as_str()), (down, up));
    }
    assert_eq!(Quantity::from_bytes(34_359_738_368).to_string(), "32Gi");
    assert_eq!(Quantity::from_milli(1500).to_string(), "1500m");
}
