//! What the API server's refusals mean, in one word for metrics and in one line for people.

use std::fmt::Write as _;

use crate::diag::shorten;

/// The reason that the client gives to a refusal in words of its sender's own: of a proxy on the way, or of the API server
/// when it has too much to do.
const NO_STATUS: &str = "Failed to parse error data";
/// As many of its characters as are shown.
const SHOWN: usize = 200;

/// Why a request to the API server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// 401: the token or certificate is not accepted.
    Unauthorized,
    /// 403: the role does not allow it.
    Forbidden,
    /// 404: there is no such object, or no such API.
    NotFound,
    /// 409: it exists already, or has changed since it was read.
    Conflict,
    /// 400 and 422: the API server takes the request for wrong.
    Invalid,
    /// 429: too many requests.
    Throttled,
    /// 500 and above.
    Server,
    /// No answer: no connection, no TLS, or no byte in time.
    Unreachable,
    /// An answer that cannot be understood, or another refusal.
    Other,
}

impl Cause {
    /// The cause of a failed request.
    pub fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                400 | 422 => Self::Invalid,
                401 => Self::Unauthorized,
                403 => Self::Forbidden,
                404 => Self::NotFound,
                409 => Self::Conflict,
                429 => Self::Throttled,
                500.. => Self::Server,
                _ => Self::Other,
            },
            kube::Error::Service(_) | kube::Error::HyperError(_) => Self::Unreachable,
            kube::Error::Auth(_) => Self::Unauthorized,
            _ => Self::Other,
        }
    }

    /// The value of a `cause` label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Throttled => "throttled",
            Self::Server => "server",
            Self::Unreachable => "unreachable",
            Self::Other => "other",
        }
    }
}

/// A failed request in one line: the API server's own words, or every cause down to the socket.
pub fn describe(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        if status.reason == NO_STATUS {
            let words: Vec<_> = status.message.split_whitespace().collect();
            return format!("{}: {}", status.code, shorten(&words.join(" "), SHOWN));
        }
        return format!("{} {}: {}", status.code, status.reason, status.message);
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // Many a wrapper prints what it wraps.
        if !text.contains(&inner_text) {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {inner_text}");
        }
        cause = inner.source();
    }
    text
}
