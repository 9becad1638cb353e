//! The environment of every expression: the standard functions, the extension libraries for texts and lists, the
//! functions of quantities, and those that count, into which the rewriting turns what could be slow.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelInt, CelList, CelString, Kind, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError, extensions};
use regex::Regex;

use super::gauge::{anything, meter};
use super::lists;
use super::quantity::{self, QUANTITY};
use super::value::same;

/// The name that the meter has in rewritten expressions; nobody can write it.
pub(super) const METER: &str = "@meter";
/// What the name of a compiled regular expression begins with.
pub(super) const REGEX: &str = "@regex";
/// Gives its argument back, and takes steps by its length.
pub(super) const BY_LENGTH: &str = "@byLength";
/// The same by the number of values that may be made of a text.
pub(super) const BY_VALUES: &str = "@byValues";
/// The same by the square of the number of elements.
pub(super) const BY_SQUARE: &str = "@bySquare";
/// `true`, for one step; where there is none left it is an error.
pub(super) const STEP: &str = "@step";
/// Equality of anything with anything.
pub(super) const SAME: &str = "@same";
/// `matches` with a compiled regular expression.
pub(super) const MATCHES: &str = "@matches";
/// `find` with a compiled regular expression.
pub(super) const FIND: &str = "@find";
/// `findAll` with a compiled regular expression, and the most parts.
pub(super) const FIND_ALL: &str = "@findAll";
/// Functions that take steps from the meter themselves, with what stands in their place.
pub(super) const METERED: [(&str, &str); 8] = [
    ("replace", "@replace"),
    ("join", "@join"),
    ("indexOf", "@indexOf"),
    ("lastIndexOf", "@lastIndexOf"),
    ("isSorted", "@isSorted"),
    ("sum", "@sum"),
    ("min", "@min"),
    ("max", "@max"),
];

/// Bytes of text that are one step.
const BYTES: usize = 64;

static REGEX_TYPE: Type = Type::new_unspecified_type("regex");

/// A compiled regular expression as a value.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub Regex);

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &REGEX_TYPE
    }

    fn cel_type() -> &'static Type {
        &REGEX_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

/// The environment. Its declarations do not clash, which a test of every function shows.
pub(super) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let declared = declare(&mut env);
    debug_assert!(declared.is_ok(), "{declared:?}");
    Arc::new(env)
});

fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::lists)?;
    env.add_type(QUANTITY.to_owned())?;
    env.add_overload("quantity", "quantity", anything(1), quantity::quantity)?;
    env.add_overload("isQuantity", "isQuantity", anything(1), quantity::is_quantity)?;
    for (name, takes_other, function) in quantity::members() {
        let arguments = if takes_other { anything(1) } else { vec![] };
        env.add_member_overload(
            name,
            &format!("quantity.{name}"),
            QUANTITY.to_owned(),
            arguments,
            function,
        )?;
    }
    env.add_overload(BY_LENGTH, BY_LENGTH, anything(2), |args| {
        charged(args, |value| match weight(value) {
            Weight::Bytes(bytes) => bytes / BYTES,
            Weight::Items(items) => items / 4,
        })
    })?;
    env.add_overload(BY_VALUES, BY_VALUES, anything(2), |args| {
        charged(args, |value| match weight(value) {
            Weight::Bytes(bytes) => bytes / 2,
            Weight::Items(items) => items,
        })
    })?;
    env.add_overload(BY_SQUARE, BY_SQUARE, anything(2), |args| {
        charged(args, |value| match weight(value) {
            Weight::Bytes(bytes) => bytes / BYTES,
            Weight::Items(items) => items.saturating_mul(items) / 4,
        })
    })?;
    env.add_overload(STEP, STEP, anything(1), |args| {
        meter(&args, 0)?.charge(1)?;
        Ok(CowVal::owned(CelBool::from(true)))
    })?;
    env.add_overload(SAME, SAME, anything(3), |args| {
        let meter = meter(&args, 2)?;
        let is_same = match (args.first(), args.get(1)) {
            (Some(one), Some(other)) => same(one.as_ref(), other.as_ref(), meter),
            _ => false,
        };
        Ok(CowVal::owned(CelBool::from(is_same)))
    })?;
    env.add_overload(MATCHES, MATCHES, anything(2), |args| {
        let text = text(&args, 0, "matches")?;
        Ok(CowVal::owned(CelBool::from(pattern(&args)?.is_match(text))))
    })?;
    env.add_overload(FIND, FIND, anything(2), |args| {
        let text = text(&args, 0, "find")?;
        let found = pattern(&args)?.find(text).map_or("", |found| found.as_str());
        Ok(CowVal::owned(CelString::from(found.to_owned())))
    })?;
    env.add_overload(FIND_ALL, FIND_ALL, anything(2), find_all)?;
    env.add_overload(FIND_ALL, "@findAll2", anything(3), find_all)?;
    env.add_overload("@replace", "@replace", anything(4), replace)?;
    env.add_overload("@join", "@join1", anything(2), join)?;
    env.add_overload("@join", "@join2", anything(3), join)?;
    env.add_overload("@indexOf", "@indexOf", anything(3), |args| {
        position(
            &args,
            "indexOf",
            |text, part| text.find(part),
            |found, _| found.is_none(),
        )
    })?;
    env.add_overload("@lastIndexOf", "@lastIndexOf", anything(3), |args| {
        position(&args, "lastIndexOf", |text, part| text.rfind(part), |_, _| true)
    })?;
    lists::declare(env)
}

fn pattern<'a>(args: &'a [CowVal<'_, '_>]) -> Result<&'a Regex, ExecutionError> {
    let pattern = args.get(1).and_then(|value| value.as_ref().downcast_ref::<Pattern>());
    pattern
        .map(|pattern| &pattern.0)
        .ok_or_else(ExecutionError::missing_argument_or_target)
}

fn find_all<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let whole = text(&args, 0, "findAll")?;
    let most = match args.get(2).map(|most| most.as_ref().downcast_ref::<CelInt>()) {
        None => usize::MAX,
        Some(most) => {
            let most = most.map(|most| *most.inner());
            let most = most.ok_or_else(|| ExecutionError::no_such_overload("findAll", vec![]))?;
            // As in Kubernetes, a negative number is no bound.
            usize::try_from(most).unwrap_or(usize::MAX)
        }
    };
    let parts: Vec<Box<dyn Val + 'v>> = pattern(&args)?
        .find_iter(whole)
        .take(most)
        .map(|part| Box::new(CelString::from(part.as_str().to_owned())) as Box<dyn Val + 'v>)
        .collect();
    Ok(CowVal::owned(CelList::from(parts)))
}

enum Weight {
    Bytes(usize),
    Items(usize),
}

fn weight(value: &dyn Val) -> Weight {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return Weight::Bytes(text.inner().len());
    }
    match value.get_type().kind() {
        Kind::List | Kind::Map => {
            let size = value.as_sizer().map_or(0, |sizer| *sizer.size().inner());
            Weight::Items(usize::try_from(size).unwrap_or(usize::MAX))
        }
        _ => Weight::Items(0),
    }
}

/// Gives the first argument back after steps were taken from the meter, the second.
fn charged<'b, 'v>(
    args: Vec<CowVal<'b, 'v>>,
    steps: impl Fn(&dyn Val) -> usize,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let cost = args.first().map_or(0, |value| steps(value.as_ref()));
    meter(&args, 1)?.charge(cost)?;
    args.into_iter()
        .next()
        .ok_or_else(ExecutionError::missing_argument_or_target)
}

fn text<'a>(args: &'a [CowVal<'_, '_>], position: usize, function: &str) -> Result<&'a str, ExecutionError> {
    let value = args
        .get(position)
        .ok_or_else(ExecutionError::missing_argument_or_target)?;
    let text = value.as_ref().downcast_ref::<CelString<'_>>().map(CelString::inner);
    text.ok_or_else(|| ExecutionError::no_such_overload(function, vec![value.get_type().name().to_owned()]))
}

fn replace<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let at = |position| text(&args, position, "replace");
    let (whole, part, instead) = (at(0)?, at(1)?, at(2)?);
    let meter = meter(&args, 3)?;
    meter.charge(whole.len() / BYTES + 1)?;
    let times = if part.is_empty() {
        whole.chars().count() + 1
    } else {
        whole.matches(part).count()
    };
    meter.charge(times.saturating_mul(instead.len()) / BYTES)?;
    Ok(CowVal::owned(CelString::from(whole.replace(part, instead))))
}

fn join<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let last = args.len().saturating_sub(1);
    let meter = meter(&args, last)?;
    let separator = if last > 1 { text(&args, 1, "join")? } else { "" };
    let list = args.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let mismatch = || ExecutionError::no_such_overload("join", vec![list.get_type().name().to_owned()]);
    let mut items = list.as_iterable().ok_or_else(mismatch)?.iter();
    let mut joined = String::new();
    let mut is_first = true;
    while let Some(item) = items.next() {
        let item = item.downcast_ref::<CelString<'_>>().ok_or_else(mismatch)?.inner();
        meter.charge((item.len() + separator.len()) / BYTES + 1)?;
        if !std::mem::take(&mut is_first) {
            joined.push_str(separator);
        }
        joined.push_str(item);
    }
    Ok(CowVal::owned(CelString::from(joined)))
}

/// The position of a text in a text, or of an element in a list. `wants` says whether a further position of an element
/// counts.
fn position<'b, 'v>(
    args: &[CowVal<'b, 'v>],
    function: &str,
    find: impl Fn(&str, &str) -> Option<usize>,
    wants: impl Fn(Option<i64>, i64) -> bool,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    if let (Some(list), Some(wanted)) = (args.first(), args.get(1))
        && list.get_type().kind() == Kind::List
    {
        let found = lists::position(list.as_ref(), wanted.as_ref(), meter(args, 2)?, wants)?;
        return Ok(CowVal::owned(CelInt::from(found.unwrap_or(-1))));
    }
    let (whole, part) = (text(args, 0, function)?, text(args, 1, function)?);
    meter(args, 2)?.charge((whole.len() + part.len()) / BYTES + 1)?;
    let before = find(whole, part).and_then(|at| whole.get(..at));
    let position = before.map_or(-1, |before| i64::try_from(before.chars().count()).unwrap_or(i64::MAX));
    Ok(CowVal::owned(CelInt::from(position)))
}
