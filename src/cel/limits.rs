//! The bounds of expressions.

/// The longest expression, in bytes.
pub const LONGEST: usize = 4096;

/// The most nodes of an expression, after its macros are expanded.
pub const MOST_NODES: usize = 1000;

/// The deepest nesting of brackets, and of operators and calls below each other, those that count among them. A level
/// takes some 35 KiB of a request's stack in a debug build.
pub const DEEPEST: usize = 40;

/// The most comprehensions (`all`, `exists`, `map`, …) inside each other.
pub const MOST_LOOPS: usize = 2;

/// The most that a compiled regular expression may take, in bytes.
pub const LARGEST_REGEX: usize = 1 << 18;

/// The steps that one rule may take for one RayJob: looks into the object, rounds of loops, and texts by their length.
pub const MOST_STEPS: u32 = 100_000;
