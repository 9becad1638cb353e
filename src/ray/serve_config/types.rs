//! The shapes of Ray's models, as the generated table writes them.

/// Some of the releases of Ray in [`RELEASES`](super::keys::RELEASES), one bit each; the lowest bit is the oldest release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Releases(pub u8);

/// A protocol of the URIs in a `runtime_env`.
#[derive(Debug)]
pub struct Protocol {
    /// Its name.
    pub name: &'static str,
    /// The releases that know it.
    pub known: Releases,
}

/// One of Ray's models.
#[derive(Debug)]
pub struct Model {
    /// The name of its class.
    pub name: &'static str,
    /// The releases that have it.
    pub known: Releases,
    /// The releases in which it rejects unknown keys; in the others it ignores them.
    pub forbids: Releases,
    /// Its keys, by name.
    pub fields: &'static [Field],
}

/// A key of a model.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// The releases that know it.
    pub known: Releases,
    /// The releases that require it.
    pub required: Releases,
    /// The releases that accept null for it.
    pub nullable: Releases,
    /// Its type in each of the releases.
    pub types: &'static [Typed],
}

/// A type and the releases in which a key has it.
#[derive(Debug)]
pub struct Typed {
    /// The releases.
    pub known: Releases,
    /// The type.
    pub kind: Kind,
}

/// A type.
#[derive(Debug)]
pub enum Kind {
    /// Any JSON value.
    Any,
    /// A string.
    Str,
    /// True or false.
    Bool,
    /// A mapping that is not looked into.
    Dict,
    /// A number.
    Number(Number),
    /// A list of one type.
    List(&'static Kind),
    /// A mapping whose values are of one type.
    Map(&'static Kind),
    /// One of the strings.
    Enum(&'static [&'static str]),
    /// One of the types.
    OneOf(&'static [Kind]),
    /// A model, by name.
    Model(&'static str),
}

/// A number and its bounds.
#[derive(Debug)]
pub struct Number {
    /// Whether it is a whole one.
    pub whole: Whole,
    /// It must be this at least.
    pub least: Option<f64>,
    /// It must be more than this.
    pub above: Option<f64>,
    /// It must be this at most.
    pub most: Option<f64>,
}

/// Whether a number is a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Any number.
    No,
    /// A whole number, or what pydantic converts to one.
    Lax,
    /// A whole number, and nothing is converted.
    Strict,
}
