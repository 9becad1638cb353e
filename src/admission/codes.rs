//! The codes that no policy changes: what the server itself answers with, and what the commands say of the API server.

use crate::diag::CodePage;
use crate::engine::bound::TOO_MANY_VALUES;
use crate::engine::decode::{MISMATCH, UNKNOWN_FIELD};
use crate::engine::update::UPGRADES;

/// A denial that is a defect of raygate.
pub const DEFECT: CodePage = CodePage {
    code: "RG000",
    title: "raygate has a defect",
    text: "raygate could not evaluate the object. This is a defect of raygate, not of the object. `/validate` rejects the object, because \
           another try ends the same way; `/mutate` admits it unchanged with a warning.\n\n\
           Report the defect with the object and the server's log line. `raygate check FILE` shows whether the object causes it.",
};

/// All of them, in the order of their codes.
pub const CODES: &[CodePage] = &[DEFECT, TOO_MANY_VALUES, UPGRADES, UNKNOWN_FIELD, MISMATCH];
