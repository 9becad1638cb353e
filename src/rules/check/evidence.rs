//! What backs a check.

use std::fmt::{Display, Formatter, Result};

/// Why raygate may act on the findings of a check. A check that denies needs more than a [`Reason`](Evidence::Reason).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The program and release, the file and the lines that reject the object or make it fail.
    Source(&'static str, &'static str, &'static [u32]),
    /// The file and the name of a test in this repository that runs the program itself.
    Test(&'static str, &'static str),
    /// The key below `limits` in a policy: the platform forbids what the check finds in a field.
    Limit(&'static str),
    /// The key below `limits` in a policy: the platform bounds a sum over all pods. The findings are about the whole job,
    /// whatever field they point at.
    Budget(&'static str),
    /// What the check protects, in a clause: `it guards …`. No Exemption waives it.
    Guard(&'static str),
    /// Why a finding needs attention although the object may work.
    Reason(&'static str),
}

impl Display for Evidence {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Evidence::Source(program, file, lines) => {
                write!(f, "{program}, `{file}`")?;
                for (index, line) in lines.iter().enumerate() {
                    let before = match index {
                        0 if lines.len() == 1 => " line",
                        0 => " lines",
                        _ if index + 1 == lines.len() => " and",
                        _ => ",",
                    };
                    write!(f, "{before} {line}")?;
                }
                Ok(())
            }
            Evidence::Test(file, name) => write!(f, "the test `{name}` in `{file}`"),
            Evidence::Limit(key) | Evidence::Budget(key) => write!(f, "`limits.{key}` of the policies"),
            Evidence::Guard(reason) | Evidence::Reason(reason) => f.write_str(reason),
        }
    }
}
