//! The codes that no check has: the server and `raygate check` answer with them. No policy changes what they do.

use crate::diag::CodePage;
use crate::engine::bound::TOO_MANY_VALUES;
use crate::engine::child::CHILDREN;
use crate::engine::update::UPGRADES;

/// A denial that is a defect of raygate.
pub const DEFECT: CodePage = CodePage {
    code: "RG000",
    title: "raygate has a defect",
    text: "raygate could not evaluate the object. This is a defect of raygate, not of the object. `/validate` rejects the object, because \
           another try ends the same way; `/mutate` admits it unchanged with a warning.\n\n\
           Report the defect with the object and the server's log line. `raygate check FILE` shows whether the object causes it.",
};

/// What `raygate check --server-dry-run` finds.
pub const REJECTED_BY_THE_API_SERVER: CodePage = CodePage {
    code: "RG900",
    title: "The API server must accept what KubeRay creates",
    text: "The API server rejects a pod, the submitter's Job or the head's Service that KubeRay would create from the object. KubeRay \
           then tries again without end: the object stays in its first state, and an event such as `FailedToCreateWorkerPod` holds the \
           API server's sentence.\n\n\
           Only `raygate check --server-dry-run` finds this. It builds the pods as KubeRay does, from the object that `/mutate` returns, \
           and posts them with `dryRun=All`, so nothing is created. The whole API server answers: validation, admission plugins such as \
           LimitRanger, ResourceQuota, Priority and PodSecurity, and the webhooks of the cluster. A quota that is exhausted now only \
           warns, because other pods may end.\n\n\
           The message names the field in the pod, the path the field in the Ray object. Correct the field, or ask the operator of the \
           cluster about an object that does not exist there.",
};

/// All of them, in the order of their codes.
pub const CODES: &[CodePage] = &[DEFECT, TOO_MANY_VALUES, UPGRADES, CHILDREN, REJECTED_BY_THE_API_SERVER];
