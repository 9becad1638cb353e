//! How a text is read, and what bounds that.

/// What a plain scalar means where YAML 1.1 and 1.2 disagree. There is a warning either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// For files of our own: words like `yes` and numbers like `010` and `1_000` are strings, and the author has to
    /// say what was meant.
    Cautious,
    /// For manifests: what kubectl would send to the cluster, `true`, `8` and `1000`.
    Kubectl,
}

/// The bounds of one call, each checked before the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text. In line-delimited JSON the other limits hold for each line, this one for the whole.
    pub bytes: usize,
    /// Values and keys of all documents together, each alias counting as many as it stands for. As many again may be
    /// in the anchored values of one document, since a copy of each is kept for its aliases.
    pub nodes: usize,
    /// Collections within collections.
    pub depth: usize,
    /// Characters of YAML between one node and the next: the longest scalar, and the longest collection in brackets,
    /// which is kept in memory as a whole until it is known whether it is a key.
    pub lookahead: usize,
}

impl Limits {
    /// For policy files: 1 MiB (a ConfigMap cannot hold more), 20,000 values and keys, 64 levels.
    pub const fn policies() -> Self {
        Self {
            bytes: 1 << 20,
            nodes: 20_000,
            depth: 64,
            lookahead: 1 << 18,
        }
    }

    /// For manifests and recorded objects: 64 MiB, a million values and keys, and 127 levels as serde_json's own limit.
    pub const fn manifests() -> Self {
        Self {
            bytes: 1 << 26,
            nodes: 1_000_000,
            depth: 127,
            lookahead: 1 << 21,
        }
    }
}
