//! From bytes to text.

use super::codes;
use crate::diag::{Diagnostic, SourceId, Span};

/// Bytes that are not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// The first byte that does not fit, from 0.
    pub offset: usize,
    /// What was found there.
    pub message: String,
    readable: String,
}

impl DecodeError {
    /// The text before the first byte that does not fit, to register as the source of the diagnostic.
    pub fn readable(&self) -> &str {
        &self.readable
    }

    /// The diagnostic; `source` is the id of [`Self::readable`].
    pub fn diagnostic(&self, source: SourceId) -> Diagnostic {
        let at = self.readable.len();
        Diagnostic::error(codes::NOT_UTF8, &self.message)
            .at(Span::new(source, at, at), "")
            .help("save the file as UTF-8")
    }
}

/// The byte order marks of other encodings. Of two that begin alike the longer comes first.
const OTHER_ENCODINGS: &[(&[u8], &str)] = &[
    (&[0xff, 0xfe, 0, 0], "UTF-32, little-endian"),
    (&[0, 0, 0xfe, 0xff], "UTF-32, big-endian"),
    (&[0xff, 0xfe], "UTF-16, little-endian"),
    (&[0xfe, 0xff], "UTF-16, big-endian"),
];

/// The bytes as UTF-8 text, without the byte order mark they may begin with.
///
/// # Errors
/// The first byte that is not UTF-8, or the encoding that a byte order mark names.
pub fn decode(bytes: &[u8]) -> Result<&str, DecodeError> {
    if let Some((_, name)) = OTHER_ENCODINGS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        let message = format!("the file is encoded as {name} (by its byte order mark at byte 0), not as UTF-8");
        return Err(DecodeError {
            offset: 0,
            message,
            readable: String::new(),
        });
    }
    let mark = bytes.strip_prefix(b"\xef\xbb\xbf");
    let (skipped, bytes) = mark.map_or((0, bytes), |rest| (3, rest));
    std::str::from_utf8(bytes).map_err(|error| {
        let (good, bad) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
        let offset = skipped + good.len();
        let byte = bad.first().copied().unwrap_or_default();
        let message = match error.error_len() {
            Some(_) => format!("byte {offset} of the file (0x{byte:02x}) is not UTF-8"),
            None => format!("the file ends within the UTF-8 character that begins at byte {offset}"),
        };
        DecodeError {
            offset,
            message,
            readable: String::from_utf8_lossy(good).into_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> (usize, String) {
        let error = decode(bytes).unwrap_err();
        (error.offset, error.message)
    }

    #[test]
    fn utf8_with_and_without_a_mark() {
        assert_eq!(decode("ä".as_bytes()), Ok("ä"));
        assert_eq!(decode(b"\xef\xbb\xbfa: 1"), Ok("a: 1"));
        assert_eq!(decode(b""), Ok(""));
    }

    #[test]
    fn other_encodings_are_named() {
        let wide = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> { "\u{feff}a: 1".encode_utf16().flat_map(unit).collect() };
        let expect = |name| {
            (
                0,
                format!("the file is encoded as {name} (by its byte order mark at byte 0), not as UTF-8"),
            )
        };
        assert_eq!(error(&wide(u16::to_le_bytes)), expect("UTF-16, little-endian"));
        assert_eq!(error(&wide(u16::to_be_bytes)), expect("UTF-16, big-endian"));
        assert_eq!(error(b"\xff\xfe\0\0a\0\0\0"), expect("UTF-32, little-endian"));
        assert_eq!(error(b"\0\0\xfe\xff\0\0\0a"), expect("UTF-32, big-endian"));
    }

    #[test]
    fn the_offending_byte_is_counted_in_the_file() {
        assert_eq!(
            error(b"name: M\xfcnchen"),
            (7, "byte 7 of the file (0xfc) is not UTF-8".into())
        );
        assert_eq!(
            error(b"\xef\xbb\xbfM\xfc"),
            (4, "byte 4 of the file (0xfc) is not UTF-8".into())
        );
        assert_eq!(
            error(b"a\xe5\xa4"),
            (
                1,
                "the file ends within the UTF-8 character that begins at byte 1".into()
            )
        );
        assert_eq!(decode(b"M\xfc").unwrap_err().readable(), "M");
    }
}
