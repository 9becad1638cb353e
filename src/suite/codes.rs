//! The diagnostics of test files, a page each. What is wrong with their keys and values has the codes of policy files.

use crate::diag::CodePage;

pub(super) const NOT_A_CASE: &str = "RT101";
pub(super) const NO_OBJECT: &str = "RT102";
pub(super) const NO_WANT: &str = "RT103";
pub(super) const CHANGES_NOTHING: &str = "RT104";
pub(super) const BAD_PATH: &str = "RT105";
pub(super) const BAD_REQUEST: &str = "RT106";
pub(super) const BAD_FACTS: &str = "RT107";
pub(super) const NOT_NOTICED: &str = "RT201";

/// Every code of this module, in order.
pub const CODES: &[CodePage] = &[
    CodePage {
        code: NOT_A_CASE,
        title: "A test file must be one case or one table of cases",
        text: "A file that ends in `.test.yaml` is one document: a mapping with `name`, an object, and either `want` or a \
               list `cases`, whose elements have `name` and `want`. Cases of other objects need other files.",
    },
    CodePage {
        code: NO_OBJECT,
        title: "A case must have one object",
        text: "A case has its object under `object`, or names a file under `from`, relative to the test file: YAML or \
               JSON with one Ray object in it. It has one of the two.",
    },
    CodePage {
        code: NO_WANT,
        title: "A case must want something",
        text: "`want` must name a verdict, findings, changes or previews. `raygate test --bless` writes the verdict and the \
               findings of today. With `want: {changes: {}}` it writes the changes, with `want: {exact: true}` everything. \
               Read what it wrote before you keep it.",
    },
    CodePage {
        code: CHANGES_NOTHING,
        title: "`set` and `unset` must change something",
        text: "The object already has what `set` puts in, or lacks what `unset` removes. The case then does not test \
               what it seems to test.",
    },
    CodePage {
        code: BAD_PATH,
        title: "Paths must be readable",
        text: "Paths are written as raygate prints them: `spec.rayClusterSpec.workerGroupSpecs[0].groupName`, and \
               `metadata.labels[\"example.com/team\"]` if a key is not a plain word.",
    },
    CodePage {
        code: BAD_REQUEST,
        title: "A request must be possible",
        text: "An UPDATE has an old object and a CREATE has none.",
    },
    CodePage {
        code: BAD_FACTS,
        title: "Facts must be readable",
        text: "`facts` has what a file with facts has below `kinds`, or names a file relative to the test file: one of \
               `raygate snapshot`, or a List that `kubectl get … -o yaml` printed.",
    },
    CodePage {
        code: NOT_NOTICED,
        title: "A case must notice each part of a policy",
        text: "Without this part of the policy, every case still passes. Add a case that depends on the part, or remove \
               the part: it may have no effect.",
    },
];
