//! The codes that the server itself answers with. No policy changes what they do.

use crate::diag::CodePage;

/// A denial that is a defect of raygate.
pub const DEFECT: CodePage = CodePage {
    code: "RG000",
    title: "raygate has a defect",
    text: "raygate could not evaluate the RayJob. This is a defect of raygate, not of the job. `/validate` rejects the RayJob, because \
           another try ends the same way; `/mutate` admits it unchanged with a warning.\n\n\
           Report the defect with the RayJob and the server's log line. `raygate check FILE` shows whether the RayJob causes it.",
};

/// A denial of an object with more values than [`super::json::MOST_VALUES`].
pub const TOO_MANY_VALUES: CodePage = CodePage {
    code: "RG001",
    title: "A RayJob must have at most 20,000 JSON values",
    text: "The RayJob, or its state before an update, has more than 20,000 JSON values. Every map, list, string, number, boolean and \
           null counts as one; `metadata.managedFields` does not count. The limit bounds raygate's memory. `/validate` and \
           `raygate check` reject the RayJob; `/mutate` admits it unchanged with a warning.\n\n\
           A worker group usually has about 170 values. Use fewer worker groups with more replicas, and shorter lists of \
           environment variables, volumes and annotations.",
};

/// All of them, in the order of their codes.
pub const CODES: &[CodePage] = &[DEFECT, TOO_MANY_VALUES];
