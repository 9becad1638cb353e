//! Diagnostics like a compiler's: what is wrong, where, and what to do about it.
//!
//! A [`Diagnostic`] points into texts that a [`Sources`] registry holds. It is rendered in three forms from the same
//! data: the human one with the lines underlined ([`Diagnostic::render`]), one line for editors and logs
//! ([`Diagnostic::concise`]), and JSON ([`Diagnostic::to_json`]). No text of a user can break the layout of the first
//! two: whatever is not printable is shown escaped, and long lines are cut around the place that matters.

mod columns;
mod concise;
mod placeholder;
mod render;
mod source;
mod suggest;
mod text;

use std::borrow::Cow;

pub use columns::columns;
pub use placeholder::placeholder;
pub use source::{Location, Source, SourceId, Sources, Span};
pub use suggest::suggest;
pub use text::{counted, is_hidden, listed, one_line, quoted, safe, shorten, truncated};

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It cannot be used as it stands.
    Error,
    /// It can be used, and probably does not do what its author meant.
    Warning,
    /// Something worth knowing.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The page of one diagnostic code: what `raygate explain` and the docs print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePage {
    /// The code, unique in the program.
    pub code: &'static str,
    /// What it stands for, in a few words.
    pub title: &'static str,
    /// Why it is one, and what to do.
    pub text: &'static str,
}

impl CodePage {
    /// The whole page as Markdown.
    pub fn markdown(&self) -> String {
        format!("# {}: {}\n\n{}\n", self.code, self.title, self.text.trim_end())
    }
}

/// One finding about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable code, such as `RY203`, or the name of a platform's own rule.
    pub code: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence that stands alone.
    pub message: String,
    /// The place it is about, and a label for it, which may be empty.
    pub primary: Option<(Span, String)>,
    /// Other places that matter, in this or another source.
    pub secondary: Vec<(Span, String)>,
    /// What to do, a sentence each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic without a place yet.
    pub fn new(severity: Severity, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            help: Vec::new(),
        }
    }

    /// An error without a place yet.
    pub fn error(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning without a place yet.
    pub fn warning(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A note without a place yet.
    pub fn note(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    /// Sets the place it is about; the label says what stands there, or is empty.
    #[must_use]
    pub fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.primary = Some((span, label.into()));
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn and_at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push((span, label.into()));
        self
    }

    /// Adds a sentence that says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Whether one of them is an error.
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}
