//! The codes that the server itself answers with. No policy changes what they do.

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

/// All of them, in the order of their codes.
pub const CODES: &[CodePage] = &[DEFECT, TOO_MANY_VALUES, UPGRADES, CHILDREN];
