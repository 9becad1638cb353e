//! The diagnostics of reading YAML and JSON, a page each.

use crate::diag::CodePage;

pub(super) const NOT_UTF8: &str = "RY101";
pub(super) const CONTROL_CHARACTER: &str = "RY102";
pub(super) const TOO_LARGE: &str = "RY103";
pub(super) const TOO_MANY_NODES: &str = "RY104";
pub(super) const TOO_DEEP: &str = "RY105";
pub(super) const TOO_LONG: &str = "RY106";
pub(super) const TOO_MANY_DIAGNOSTICS: &str = "RY107";
pub(super) const YAML_SYNTAX: &str = "RY201";
pub(super) const TAB: &str = "RY202";
pub(super) const DUPLICATE_KEY: &str = "RY203";
pub(super) const KEY_NOT_STRING: &str = "RY204";
pub(super) const MERGE_KEY: &str = "RY205";
pub(super) const TAG: &str = "RY206";
pub(super) const ALIAS: &str = "RY207";
pub(super) const AMBIGUOUS: &str = "RY208";
pub(super) const NOT_FINITE: &str = "RY209";
pub(super) const JSON_SYNTAX: &str = "RY301";

/// Every code of this module, in order.
pub const CODES: &[CodePage] = &[
    CodePage {
        code: NOT_UTF8,
        title: "the file is not UTF-8",
        text: "YAML and JSON files are read as UTF-8, with or without a byte order mark. Files in UTF-16, UTF-32 or a \
               national 8-bit encoding are refused at the first byte that does not fit: guessing an encoding can \
               change a value without anyone noticing. Save the file as UTF-8.",
    },
    CodePage {
        code: CONTROL_CHARACTER,
        title: "a control character in the text",
        text: "YAML allows no control characters but tab and line ends, not even within quotes. They are invisible in \
               most editors and come from copied terminal output or a broken file. Remove the character, or write it \
               as an escape in a double-quoted string: \"\\e[1m\".",
    },
    CodePage {
        code: TOO_LARGE,
        title: "the file is too large",
        text: "A policy file may have 1 MiB, as much as a ConfigMap can hold. Nothing of a larger file is read.",
    },
    CodePage {
        code: TOO_MANY_NODES,
        title: "too many values, or an alias that stands for too many",
        text: "The number of values in one file is bounded, and an alias (`*name`) counts as many as the value it \
               stands for: a few lines of aliases of aliases can stand for billions of values.",
    },
    CodePage {
        code: TOO_DEEP,
        title: "collections nested too deeply",
        text: "Mappings and lists may be nested 64 levels deep in a policy. No policy and no RayJob comes near.",
    },
    CodePage {
        code: TOO_LONG,
        title: "a scalar or a collection in brackets is too long",
        text: "One string, or one collection written in brackets (`[…]`, `{…}`), has to be held in memory as a whole \
               before it can be read on, and so its length is bounded. Write a long collection in block style, one \
               entry on each line.",
    },
    CodePage {
        code: TOO_MANY_DIAGNOSTICS,
        title: "too many diagnostics in one file",
        text: "The first hundred diagnostics of a file are shown, the others are counted.",
    },
    CodePage {
        code: YAML_SYNTAX,
        title: "the text is not YAML",
        text: "The document could not be read from this place on. Other documents of the file, after the next `---`, \
               are still read and checked.",
    },
    CodePage {
        code: TAB,
        title: "a tab is used as indentation",
        text: "YAML is indented with spaces only, because the width of a tab is not defined. Set your editor to insert \
               spaces in YAML files.",
    },
    CodePage {
        code: DUPLICATE_KEY,
        title: "a key stands twice in one mapping",
        text: "YAML and JSON demand that the keys of a mapping differ. Many readers silently take the last one; which \
               value counts should not depend on the reader. Both places are shown: remove one.",
    },
    CodePage {
        code: KEY_NOT_STRING,
        title: "a key is not a string",
        text: "Kubernetes objects are JSON, whose keys are strings. A key such as `8080:`, `true:` or `null:` is a \
               number, a boolean or null. Put it in quotes.",
    },
    CodePage {
        code: MERGE_KEY,
        title: "a merge key (`<<`)",
        text: "Merge keys are no part of YAML 1.2, and readers disagree about which value wins. Write the merged keys \
               out.",
    },
    CodePage {
        code: TAG,
        title: "a tag that is not of the core schema, or does not fit",
        text: "Only the tags of YAML's core schema (`!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map`, `!!seq`) \
               are read, on values that they fit.",
    },
    CodePage {
        code: ALIAS,
        title: "an alias without a value",
        text: "An alias (`*name`) stands for the value that was marked with an anchor (`&name`) before it in the same \
               document. It cannot stand for a value that it is part of.",
    },
    CodePage {
        code: AMBIGUOUS,
        title: "a plain value that YAML 1.1 and 1.2 read differently",
        text: "YAML 1.1 reads `yes`, `no`, `on`, `off`, `y` and `n` as booleans, `010` as 8, `1_000` as 1000, `0b11` \
               as 3 and `1:30` as 90; YAML 1.2 reads strings, or 10. Both kinds of readers are in use: kubectl follows \
               1.1 in most of these. In policies such a value is a string; in manifests it is what kubectl would send. \
               Put it in quotes if it is a string, or write it as `true`, `false` or a plain number if it is not.",
    },
    CodePage {
        code: NOT_FINITE,
        title: "a number that JSON cannot hold",
        text: "`.inf`, `.nan` and numbers beyond what a 64-bit float holds have no form in JSON, and so in no \
               Kubernetes object. If a string is meant, put it in quotes.",
    },
    CodePage {
        code: JSON_SYNTAX,
        title: "the text is not JSON",
        text: "Text that begins with `{` or `[` is read as JSON (RFC 8259): double quotes, no comments, no trailing \
               commas. To have it read as YAML, put a line with `---` before it.",
    },
];
