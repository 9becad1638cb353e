//! From the text of an expression to a program, and its evaluation.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cel::common::ast::{IdedExpr, SourceInfo};
use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, Value};

use crate::diag::quoted;
use crate::k8s::path::Path;
use crate::ray::pod::SERVICE_ACCOUNT_NAME;

use super::functions::{ENV, Pattern};
use super::language::{Place, Shape};
use super::meter::Meter;
use super::names::{self, PathStep};
use super::scope::{Here, Scope, Session};
use super::types::article;
use super::value::RESOURCES;
use super::{DEEPEST, Failed, Problem, lexical, rewrite};

/// The stack on which expressions are compiled, in bytes.
const STACK: usize = 16 << 20;

/// A compiled expression.
#[derive(Debug)]
pub struct Program {
    expr: IdedExpr,
    patterns: Vec<Pattern>,
    path: Option<(&'static str, Vec<PathStep>)>,
    uses_identity: bool,
    reads: Vec<String>,
    shape: Shape,
}

/// Compiles an expression that must be true or false.
///
/// # Errors
/// As of [`compile`], and where it surely gives something else.
pub fn condition(source: &str, place: Place) -> Result<Program, Vec<Problem>> {
    let program = compile(source, place)?;
    match program.shape {
        Shape::Bool | Shape::Any => Ok(program),
        shape => {
            let message = format!("this must be true or false, and is {}", article(shape));
            let help = match shape {
                Shape::Int | Shape::Quantity => "compare it, for example with `> 0`",
                Shape::Text => "compare it, for example with `!= ''`",
                _ => "compare it",
            };
            Err(vec![Problem::new(0..source.trim_end().len(), message).help(help)])
        }
    }
}

/// Compiles an expression for a place.
///
/// # Errors
/// Everything that is wrong with it, each with its place in the text.
pub fn compile(source: &str, place: Place) -> Result<Program, Vec<Problem>> {
    lexical::check(source).map_err(|problem| vec![problem])?;
    // The parser takes some 130 KiB of stack for each bracket in a debug build.
    let compiled = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread
            .spawn_scoped(scope, || compile_here(source, place))
            .map(std::thread::ScopedJoinHandle::join)
    });
    match compiled {
        Ok(Ok(compiled)) => compiled,
        // Whatever the parser does with a text that it was not made for ends here.
        Ok(Err(_)) | Err(_) => Err(vec![Problem::new(0..source.len(), "the expression cannot be read")]),
    }
}

fn compile_here(source: &str, place: Place) -> Result<Program, Vec<Problem>> {
    let (mut expr, info) = parse(source).map_err(|problem| vec![problem])?;
    let learned = names::check(source, &info, &expr, place);
    if !learned.problems.is_empty() {
        return Err(learned.problems);
    }
    let (patterns, problems) = rewrite::rewrite(&mut expr);
    if !problems.is_empty() {
        let placed = |(id, mut problem): (u64, Problem)| {
            problem.range = info
                .offset_for(id)
                .map_or(0..source.len(), |(start, last)| start as usize..last as usize + 1);
            problem
        };
        return Err(problems.into_iter().map(placed).collect());
    }
    if rewrite::depth(&expr) > DEEPEST {
        return Err(vec![Problem::too_deep(0..source.len())]);
    }
    Ok(Program {
        expr,
        patterns,
        path: learned.path,
        uses_identity: learned.uses_identity,
        reads: learned.reads,
        shape: learned.shape,
    })
}

/// The tree of an expression.
fn parse(source: &str) -> Result<(IdedExpr, SourceInfo), Problem> {
    let parser = ENV.parser().enable_ident_escape_syntax(true);
    parser.parse_with_source_info(source).map_err(|errors| {
        let first = errors.errors.first();
        let (line, column) = first.map_or((0, 0), |error| error.pos);
        let message = first.map_or("", |error| error.msg.as_str());
        unreadable(source, at(source, line, column), message)
    })
}

/// One character at a line and column, both from 1.
fn at(source: &str, line: isize, column: isize) -> Range<usize> {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    let mut characters = rest.char_indices().skip(column).map(|(at, _)| start + at);
    match (characters.next(), characters.next()) {
        (Some(at), next) => at..next.unwrap_or(source.len()),
        (None, _) => source.len()..source.len(),
    }
}

/// `has()` of something that is no field, such as `has(a.b-c)` or `has(a['b'])`: the same question of a key.
fn not_a_field(source: &str, place: Range<usize>) -> Problem {
    let problem = Problem::new(
        place.clone(),
        "`has()` needs a field, such as `has(object.metadata.labels)`",
    );
    let before = source.get(..place.start).unwrap_or_default();
    let start = before.rfind("has(").map_or(place.start, |at| at + "has(".len());
    let argument = source.get(start..).unwrap_or_default();
    let argument = argument.split(')').next().unwrap_or_default().trim();
    let is_path = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    let parts = match argument.split_once('[') {
        Some((parent, key)) => Some((parent, key.trim_end_matches(']').trim_matches(['\'', '"']))),
        None => argument.split_once('-').and_then(|(left, _)| {
            let (parent, _) = left.rsplit_once('.')?;
            Some((parent, argument.get(parent.len() + 1..)?))
        }),
    };
    match parts {
        Some((parent, key)) if is_path(parent) && !key.is_empty() && !key.contains(['\'', '[', ' ']) => problem.help(
            format!("for a key that is not a plain word, write: has({parent}) && '{key}' in {parent}"),
        ),
        _ => problem,
    }
}

/// The parser's words, without the list of everything that would have been legal.
fn unreadable(source: &str, place: Range<usize>, message: &str) -> Problem {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message = message.split(" expecting ").next().unwrap_or(message);
    if let Some((missing, _)) = message
        .strip_prefix("missing '")
        .and_then(|rest| rest.split_once("' at "))
    {
        return Problem::new(place, format!("a {} is missing", quoted(missing)));
    }
    let seen = message
        .split_once('\'')
        .map_or("", |(_, rest)| rest.strip_suffix('\'').unwrap_or(rest))
        .trim_end();
    let rest = source.get(place.start..).unwrap_or_default();
    let place = if rest.starts_with(seen) {
        place.start..place.end.max(place.start + seen.len())
    } else {
        place
    };
    match seen {
        "" => {
            let message = crate::diag::shorten(message, 120);
            if message.contains("has() macro") {
                return not_a_field(source, place);
            }
            Problem::new(place, format!("the expression cannot be read: {message}"))
        }
        "<EOF>" => Problem::new(place, "the expression ends too early"),
        text if text.starts_with(['\'', '"']) && text.contains('\\') => Problem::new(
            place,
            "a backslash in a text begins an escape, and this is none that CEL has",
        )
        .help("put an `r` before the quotes of a regular expression: r'[0-9]+\\.[0-9]+'"),
        text if text.starts_with(['\'', '"']) => Problem::new(place, "this text is never closed"),
        seen => {
            let known = [
                ("and", "&&"),
                ("or", "||"),
                ("not", "!"),
                ("=", "=="),
                ("=>", ">="),
                ("=<", "<="),
                ("&", "&&"),
                ("|", "||"),
            ];
            let problem = Problem::new(place, format!("{} cannot stand here", quoted(seen)));
            match known.iter().find(|(wrong, _)| *wrong == seen) {
                Some((_, right)) => problem.help(format!("write {right}")),
                None => problem,
            }
        }
    }
}

impl Program {
    /// Whether it looks at what the RayJob says of its Flyte execution.
    pub fn uses_identity(&self) -> bool {
        self.uses_identity
    }

    /// The fields of `job`, `request` and `platform` that it looks at, each once: `job.gpus`.
    pub fn reads(&self) -> &[String] {
        &self.reads
    }

    /// The place in the RayJob that the expression names first, for a finding.
    pub fn path(&self, here: Here<'_>) -> Option<Path> {
        let (root, steps) = self.path.as_ref()?;
        let start = match (*root, here) {
            ("object", _) => Path::ROOT,
            ("pod", Here::Pod(pod) | Here::Container(pod, _)) => match steps.first() {
                Some(PathStep::Key(key)) if key == RESOURCES => return Some(pod.spec_path()),
                Some(PathStep::Key(key)) if key == SERVICE_ACCOUNT_NAME => pod.spec_path(),
                _ => pod.template_path(),
            },
            ("container", Here::Container(pod, container)) => pod.container_path(container),
            _ => return None,
        };
        Some(steps.iter().fold(start, |path, step| match step {
            PathStep::Key(key) => path.name(key),
            PathStep::Index(index) => path.index(*index),
        }))
    }

    /// Whether the expression is true.
    ///
    /// # Errors
    /// [`Failed`] if it has no value, or one that is neither true nor false.
    pub fn holds(&self, session: &Session<'_>, here: Here<'_>, meter: &Arc<Meter>) -> Result<bool, Failed> {
        self.evaluate(session, here, meter, false, |value| {
            let is_true = value.downcast_ref::<CelBool>().map(|value| *value.inner());
            is_true.ok_or_else(|| {
                let kind = value.get_type().name();
                Failed::Error(format!("it is neither true nor false, but of type {kind}"))
            })
        })
    }

    /// Evaluates the expression and reads its value.
    pub(super) fn evaluate<T>(
        &self,
        session: &Session<'_>,
        here: Here<'_>,
        meter: &Arc<Meter>,
        shown: bool,
        read: impl Fn(&dyn Val) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let scope = Scope {
            session,
            here,
            meter,
            shown,
            patterns: &self.patterns,
        };
        let run = || {
            let mut context = Context::with_env(Arc::clone(&ENV));
            context.set_variable_resolver(&scope);
            let value: Result<CowVal<'_, '_>, _> = Value::resolve_val(&self.expr, &context);
            match value {
                // An operator may have absorbed the error of the meter.
                _ if meter.is_empty() => Err(Failed::Steps),
                Ok(value) => read(value.as_ref()),
                Err(error) => Err(failed(&error)),
            }
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(_)) if meter.is_empty() => Err(Failed::Steps),
            Ok(result) => result,
            Err(_) => Err(Failed::Error("it cannot be evaluated".to_owned())),
        }
    }
}

/// The interpreter's error in words that hold no value of the object.
fn failed(error: &ExecutionError) -> Failed {
    match error {
        ExecutionError::NoSuchKey(key) => Failed::Missing(format!("there is no {}", quoted(key))),
        ExecutionError::IndexOutOfBounds(Value::Int(index)) => {
            Failed::Missing(format!("there is no element {index} of a list"))
        }
        ExecutionError::IndexOutOfBounds(_) => Failed::Missing("there is no such element of a list".to_owned()),
        ExecutionError::NoSuchOverload(overload) => {
            let types = overload.argument_types();
            let function = overload.function().trim_start_matches('@').replace('_', "");
            if types.is_empty() {
                Failed::Error(format!("`{function}` does not take these types"))
            } else {
                Failed::Error(format!("`{function}` does not take {}", crate::diag::listed(types)))
            }
        }
        ExecutionError::FunctionError { function, .. } => Failed::Error(format!("`{function}` has no result")),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            Failed::Error("it divides by zero".to_owned())
        }
        ExecutionError::Overflow(..) => Failed::Error("a number is too large".to_owned()),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            Failed::Error(format!("`{operator}` does not take these types"))
        }
        _ => Failed::Error("the types do not fit".to_owned()),
    }
}
