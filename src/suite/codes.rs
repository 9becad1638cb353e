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
        title: "the test file is no case",
        text: "A file that ends in `.test.yaml` holds one case: one document, a mapping with `name`, an object, and \
               `want`. Put further cases into files of their own.",
    },
    CodePage {
        code: NO_OBJECT,
        title: "a case without an object",
        text: "A case has its object under `object`, or names a file under `from`, relative to the test file: YAML or \
               JSON with one Ray object in it. It has one of the two.",
    },
    CodePage {
        code: NO_WANT,
        title: "a case that wants nothing",
        text: "Without `want` nothing is tested. `raygate test --bless` writes what comes out today; read it before you \
               keep it.",
    },
    CodePage {
        code: CHANGES_NOTHING,
        title: "a key that changes nothing",
        text: "What `set` puts in is there already, or what `unset` takes away is not there. The case is then not about \
               what it seems to be about.",
    },
    CodePage {
        code: BAD_PATH,
        title: "a path that cannot be read",
        text: "Paths are written as raygate prints them: `spec.rayClusterSpec.workerGroupSpecs[0].groupName`, and \
               `metadata.labels[\"example.com/team\"]` where a key is no plain word.",
    },
    CodePage {
        code: BAD_REQUEST,
        title: "a request that cannot be made",
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
        title: "a part of a policy that no case notices",
        text: "With this part taken out of the policy, every case still comes out as it wants. Add a case that depends on \
               it, or take it out: it may have no effect at all.",
    },
];
