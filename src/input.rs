//! Reading what is to be judged: files, directories and standard input, document by document.
//!
//! Line-delimited JSON is read line by line, so that a log of any size takes the memory of its longest line. Anything
//! else is read as a whole, up to the limit of [`Limits::manifests`].

pub mod asked;
mod audit;
pub mod request;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use crate::diag::{Diagnostic, SourceId, Sources};
use crate::files::{Bounded, FilesError, bounded, cannot_read, find};
use crate::yaml::{self, Limits, Node, Reading};

/// The endings of the files that are read below a directory.
const ENDINGS: &[&str] = &[".yaml", ".yml", ".json", ".jsonl"];

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file or folder cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A folder has no manifest.
    #[error("{} has no file that ends in {}", .0.display(), ENDINGS.join(" or "))]
    NoManifest(PathBuf),
    /// A file has none of the objects that it is to have.
    #[error("{} has no Ray object", .0.display())]
    NothingToJudge(PathBuf),
    /// A document cannot be read where all are needed; the text says which and why.
    #[error("{0}")]
    Unreadable(String),
    /// An update of an object of which nobody says what it is now.
    #[error("an update of {namespace}/{name} needs the {kind} of that name as it is: --old FILE")]
    NoOld {
        /// Its kind.
        kind: &'static str,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// A part of the input.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A document; an item of a List is one too.
    Document(SourceId, &'a Node),
    /// A document that cannot be read.
    Unreadable(&'a Diagnostic),
    /// Something about a document that can be read.
    Remark(&'a Diagnostic),
}

/// What is done with each part; the registry holds the text that it stands in.
pub type Each<'a, E> = &'a mut dyn FnMut(&Sources, Piece<'_>) -> Result<(), E>;

/// The files that arguments name: themselves, `-` for standard input, and the manifests below directories.
///
/// # Errors
/// [`InputError`] if one does not exist, or a directory has no manifest.
pub fn files(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            files.push(argument.clone());
            continue;
        }
        let is_folder = fs::metadata(argument)
            .map_err(|error| cannot_read(argument, error))?
            .is_dir();
        if !is_folder {
            files.push(argument.clone());
            continue;
        }
        let below = find(std::slice::from_ref(argument), |name| {
            ENDINGS.iter().any(|ending| name.ends_with(ending))
        })?;
        if below.is_empty() {
            return Err(InputError::NoManifest(argument.clone()));
        }
        files.extend(below);
    }
    Ok(files)
}

/// Reads files from [`files`] to their end, part by part. The registry that each part comes with begins with the
/// texts of `sources`.
///
/// # Errors
/// [`InputError`] if a file cannot be read, and what `each` returns.
pub fn read<E: From<InputError>>(files: &[PathBuf], sources: &Sources, each: Each<'_, E>) -> Result<(), E> {
    for file in files {
        if file.as_os_str() == "-" {
            read_one(Path::new("<stdin>"), &mut io::stdin().lock(), sources, each)?;
        } else {
            let open = File::open(file).map_err(|error| InputError::from(cannot_read(file, error)))?;
            read_one(file, &mut BufReader::with_capacity(1 << 16, open), sources, each)?;
        }
    }
    Ok(())
}

/// Reads a text like a file of that name, part by part.
///
/// # Errors
/// What `each` returns.
pub fn read_text<E: From<InputError>>(name: &str, text: &str, sources: &Sources, each: Each<'_, E>) -> Result<(), E> {
    read_one(Path::new(name), &mut text.as_bytes(), sources, each)
}

fn read_one<E: From<InputError>>(
    path: &Path,
    reader: &mut dyn BufRead,
    sources: &Sources,
    each: Each<'_, E>,
) -> Result<(), E> {
    let name = path.display().to_string();
    let read = |error: io::Error| InputError::from(cannot_read(path, error));
    let first = Text::line(reader).map_err(read)?;
    let second = Text::line(reader).map_err(read)?;
    if !is_line_delimited(&first.bytes, &second.bytes) {
        let whole = first.and(second).and_rest(reader).map_err(read)?;
        return whole.pieces(&name, 0, sources, each);
    }
    let (mut text, mut next) = (first, Some(second));
    for before in 0.. {
        if text.size == 0 {
            break;
        }
        if !text.bytes.trim_ascii().is_empty() {
            text.pieces(&name, before, sources, each)?;
        }
        text = match next.take() {
            Some(text) => text,
            None => Text::line(reader).map_err(read)?,
        };
    }
    Ok(())
}

/// Whether a text is JSON, an object a line: one of its first two lines is a whole object, and the first, which may be
/// what a cut left of its line, ends like one.
fn is_line_delimited(first: &[u8], second: &[u8]) -> bool {
    let is_object = |line: &[u8]| {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok()
    };
    !second.trim_ascii().is_empty()
        && (is_object(first) || (first.trim_ascii_end().ends_with(b"}") && is_object(second)))
}

/// A text on its way in. Of one past the limit only the beginning is kept.
struct Text {
    bytes: Vec<u8>,
    size: u64,
}

impl Text {
    const LIMITS: Limits = Limits::manifests();

    /// The next line with its end, empty at the end of the input.
    fn line(reader: &mut dyn BufRead) -> io::Result<Text> {
        let mut bytes = Vec::new();
        reader.take(most()).read_until(b'\n', &mut bytes)?;
        let mut size = length(&bytes);
        if size == most() && !bytes.ends_with(b"\n") {
            size += u64::try_from(reader.skip_until(b'\n')?).unwrap_or(u64::MAX);
        }
        Ok(Text { bytes, size })
    }

    fn and(mut self, next: Text) -> Text {
        self.bytes.extend(next.bytes);
        Text {
            bytes: self.bytes,
            size: self.size + next.size,
        }
    }

    /// With all that follows.
    fn and_rest(mut self, reader: &mut dyn BufRead) -> io::Result<Text> {
        let Bounded { bytes, is_cut } = bounded(&mut *reader, most().saturating_sub(self.size))?;
        self.bytes.extend(bytes);
        let read = self.size.max(length(&self.bytes)) + u64::from(is_cut);
        self.size = read + io::copy(reader, &mut io::sink())?;
        Ok(self)
    }

    /// Hands out the documents of this text, and what is wrong with it, in its order. A document with an error is left
    /// out.
    fn pieces<E>(&self, name: &str, lines_before: usize, sources: &Sources, each: Each<'_, E>) -> Result<(), E> {
        let mut sources = sources.clone();
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if size > Self::LIMITS.bytes {
            let diagnostic = yaml::refuse(&mut sources, name, size, &Self::LIMITS)
                .help("or write it as JSON, an object a line: only a line of that is read at a time");
            return each(&sources, Piece::Unreadable(&diagnostic));
        }
        let (source, documents, diagnostics) =
            yaml::read(&mut sources, name, &self.bytes, Reading::Kubectl, &Self::LIMITS);
        sources.begins_after(source, lines_before);
        for remark in diagnostics.iter().filter(|diagnostic| !diagnostic.is_error()) {
            each(&sources, Piece::Remark(remark))?;
        }
        let mut errors: Vec<&Diagnostic> = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
        errors.sort_by_key(|diagnostic| start(diagnostic));
        let mut errors = errors.into_iter().peekable();
        for document in &documents {
            let mut is_broken = false;
            while let Some(error) = errors.next_if(|error| start(error) < document.span.end) {
                is_broken |= start(error) >= document.span.start;
                each(&sources, Piece::Unreadable(error))?;
            }
            if !is_broken {
                for item in items(document) {
                    each(&sources, Piece::Document(source, item))?;
                }
            }
        }
        for error in errors {
            each(&sources, Piece::Unreadable(error))?;
        }
        Ok(())
    }
}

/// One byte more than may be read.
fn most() -> u64 {
    u64::try_from(Text::LIMITS.bytes).unwrap_or(u64::MAX).saturating_add(1)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn start(diagnostic: &Diagnostic) -> usize {
    diagnostic.primary.as_ref().map_or(0, |(span, _)| span.start)
}

/// The items of a List, or the document itself.
fn items(document: &Node) -> Vec<&Node> {
    let kind = document.get("kind").and_then(Node::as_str).unwrap_or_default();
    match document.get("items").and_then(Node::as_sequence) {
        Some(items) if kind.ends_with("List") => items.iter().collect(),
        _ => vec![document],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_one_document() {
        let cases: &[(&[u8], &[u8], bool)] = &[
            (b"{\"a\": 1}\n", b"{\"b\": 2}\n", true),
            (b"\xef\xbb\xbf{\"a\": 1}\r\n", b"{broken\r\n", true),
            (b"cut\": 1}\n", b"{\"b\": 2}\n", true),
            (b"{\"a\": 1}\n", b"", false),
            (b"{\n", b"  \"a\": 1\n", false),
            (b"a: {}\n", b"b: {}\n", false),
            (b"[1]\n", b"[2]\n", false),
        ];
        for (first, second, expected) in cases {
            assert_eq!(is_line_delimited(first, second), *expected, "{first:?}");
        }
    }

    #[test]
    fn a_line_past_the_limit_is_counted_and_not_kept() {
        let size = most() + 70_000;
        let mut reader = BufReader::new(io::repeat(b'x').take(size).chain(&b"\nnext"[..]));
        let text = Text::line(&mut reader).unwrap();
        assert_eq!((length(&text.bytes), text.size), (most(), size + 1));
        assert_eq!(Text::line(&mut reader).unwrap().bytes, b"next");
    }
}
