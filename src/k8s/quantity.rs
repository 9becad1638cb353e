//! stub
use serde_json::Value;
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i128);
impl Quantity {
    pub fn parse(text: &str) -> Result<Quantity, String> {
        let bad = || format!("{text:?} is no quantity");
        let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (n, s) = text.split_at(at);
        let f: f64 = n.parse().map_err(|_| bad())?;
        let m: f64 = match s {
            "" => 1e9,
            "m" => 1e6,
            "k" => 1e12,
            "M" => 1e15,
            "G" => 1e18,
            "Ki" => 1024e9,
            "Mi" => 1048576e9,
            "Gi" => 1073741824e9,
            "Ti" => 1099511627776e9,
            "e30" => 1e30,
            _ => return Err(bad()),
        };
        Ok(Quantity((f * m) as i128))
    }
    pub fn from_json(v: &Value) -> Result<Quantity, String> {
        match v {
            Value::String(s) => Self::parse(s),
            Value::Number(n) => Self::parse(&n.to_string()),
            _ => Err("x".into()),
        }
    }
    pub fn from_bytes(b: i64) -> Quantity {
        Quantity(b as i128 * 1_000_000_000)
    }
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
    pub fn is_negative(&self) -> bool {
        self.0 < 0
    }
    pub fn is_integer(&self) -> bool {
        self.0 % 1_000_000_000 == 0
    }
    pub fn value(&self) -> i64 {
        ((self.0 + 999_999_999) / 1_000_000_000) as i64
    }
    pub fn milli_value(&self) -> i64 {
        (self.0 / 1_000_000) as i64
    }
}
impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let v = self.0 / 1_000_000_000;
        for (s, m) in [("Gi", 1i128 << 30), ("Mi", 1 << 20)] {
            if v > 0 && v % m == 0 {
                return write!(f, "{}{s}", v / m);
            }
        }
        if self.is_integer() {
            write!(f, "{v}")
        } else {
            write!(f, "{}m", self.0 / 1_000_000)
        }
    }
}
impl<'de> serde::Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Quantity::from_json(&Value::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}
