//! Any text as a quantity: what is read keeps its amount when it is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use raygate::k8s::quantity::Quantity;

fuzz_target!(|text: &str| {
    let Ok(quantity) = Quantity::parse(text) else { return };
    let again = Quantity::parse(&quantity.to_string()).expect("what was written can be read");
    // From 10^21 upwards Go prints no unit, and so do we: such an amount is not read back.
    if quantity.value().unsigned_abs() < i64::MAX.unsigned_abs() {
        assert!(again == quantity, "{text:?} became {again}");
    }
    let _ = (quantity.value(), quantity.milli_value(), quantity.is_integer());
    assert!(quantity.saturating_add(&quantity) >= quantity || quantity.is_negative());
});
