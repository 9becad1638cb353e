//! Values that expressions read in place: the object's JSON, and records of known fields.

use std::fmt;
use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::{Adder, Container, Indexer, Iterable, Iterator as CelIterator, Sizer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt, Kind, LIST_TYPE, MAP_TYPE, Type,
};
use cel::common::value::{CowVal, Val};

use crate::json::{Json, View};
use crate::ray::effective::{self, Amounts};
use crate::ray::pod::{SERVICE_ACCOUNT_NAME, field_of};
use crate::ray::{Container as Described, Pod};

use super::meter::Meter;
use super::quantity::Amount;

/// Keys whose values may hold secrets; a message cannot show them.
const SECRET: [&str; 3] = ["env", "envFrom", "runtimeEnvYAML"];

/// The field in which expressions see what a pod asks for and may use.
pub(super) const RESOURCES: &str = "resources";

/// What the views of one evaluation share.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// What looks are taken from.
    pub meter: &'a Meter,
    /// Whether the value will be shown to people.
    pub shown: bool,
}

/// What expressions see with more than the fields that are written.
#[derive(Clone, Copy)]
enum Model<'a> {
    /// Nothing.
    None,
    /// A pod, whose template the value is.
    Pod(&'a Pod<'a>),
    /// A container of a pod.
    Container(&'a Pod<'a>, &'a Described<'a>),
}

/// A list or a map of the object. The elements are made when they are first asked for.
pub(super) struct Collection<'a> {
    value: Json<'a>,
    /// What the value is in the model, where expressions see it as that.
    model: Model<'a>,
    reading: Reading<'a>,
    items: OnceLock<Vec<Box<dyn Val + 'a>>>,
}

impl fmt::Debug for Collection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json")
    }
}

/// A JSON value as a value of expressions. Integers are `int`, or `uint` where `int` is too small.
pub(super) fn wrap<'a>(value: Json<'a>, reading: Reading<'a>) -> Box<dyn Val + 'a> {
    match value.view() {
        View::Null => Box::new(CelNull),
        View::Bool(value) => Box::new(CelBool::from(value)),
        View::String(text) => Box::new(CelString::from(text)),
        View::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Box::new(CelInt::from(int)),
            (None, Some(uint)) => Box::new(CelUInt::from(uint)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        View::Array(_) | View::Object(_) => Box::new(Collection {
            value,
            model: Model::None,
            reading,
            items: OnceLock::new(),
        }),
    }
}

/// A pod: its template, with the fields that the model adds.
pub(super) fn wrap_pod<'a>(pod: &'a Pod<'a>, reading: Reading<'a>) -> Box<dyn Val + 'a> {
    if !pod.template.is_object() {
        return wrap(pod.template, reading);
    }
    Box::new(Collection {
        value: pod.template,
        model: Model::Pod(pod),
        reading,
        items: OnceLock::new(),
    })
}

/// A container, with what KubeRay gives it where its options leave that out.
pub(super) fn wrap_container<'a>(
    pod: &'a Pod<'a>,
    container: &'a Described<'a>,
    reading: Reading<'a>,
) -> Box<dyn Val + 'a> {
    if !container.slot.is_kuberays() || !container.value.is_object() {
        return wrap(container.value, reading);
    }
    Box::new(Collection {
        value: container.value,
        model: Model::Container(pod, container),
        reading,
        items: OnceLock::new(),
    })
}

/// What a pod asks for and may use, as Kubernetes computes them.
fn resources<'a>(pod: &Pod<'a>) -> Record<'a> {
    let record = |amounts: Amounts<'a>| -> Box<dyn Val + 'a> {
        let amounts = amounts.into_iter();
        Box::new(Record(
            amounts
                .map(|(key, amount)| (key, Box::new(Amount(amount)) as Box<dyn Val + 'a>))
                .collect(),
        ))
    };
    Record(vec![
        ("requests", record(effective::requests(pod))),
        ("limits", record(effective::limits(pod))),
    ])
}

impl<'a> Collection<'a> {
    /// How many entries there are in the JSON, null or not.
    fn written(&self) -> usize {
        match self.value.view() {
            View::Array(items) => items.len(),
            View::Object(map) => map.len(),
            _ => 0,
        }
    }

    /// The elements of a list; the keys of a map, but for those whose value is null, which count as absent.
    fn items(&self) -> &[Box<dyn Val + 'a>] {
        self.items.get_or_init(|| match self.value.view() {
            View::Array(items) => items.iter().map(|item| wrap(item, self.reading)).collect(),
            View::Object(map) => map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, _)| Box::new(CelString::from(key)) as Box<dyn Val + 'a>)
                .collect(),
            _ => Vec::new(),
        })
    }

    /// As [`Collection::items`], with steps for making them; none where the steps ran out.
    fn metered(&self) -> &[Box<dyn Val + 'a>] {
        let fits = self.items.get().is_some() || self.reading.meter.take(self.written() / 8);
        if fits { self.items() } else { &[] }
    }

    /// A field that the model adds to a pod or a container.
    fn of_the_model(&self, index: &dyn Val) -> Result<Option<Box<dyn Val + 'a>>, ExecutionError> {
        let Some(key) = index.downcast_ref::<CelString<'_>>() else {
            return Ok(None);
        };
        let given = |text: Option<&'a str>| text.map(|text| Box::new(CelString::from(text)) as Box<dyn Val + 'a>);
        Ok(match (self.model, key.inner()) {
            (Model::Pod(pod), RESOURCES) => {
                self.reading.meter.charge(effective::entries(pod))?;
                Some(Box::new(resources(pod)))
            }
            (Model::Pod(pod), SERVICE_ACCOUNT_NAME) => {
                self.reading.meter.charge(1)?;
                given(pod.service_account().map(|(_, name)| name))
            }
            (Model::Container(_, container), RESOURCES) => {
                self.reading.meter.charge(1)?;
                Some(wrap(container.resources, self.reading)).filter(|_| !container.resources.is_null())
            }
            (Model::Container(_, container), "name") => given(Some(container.name)),
            (Model::Container(pod, container), "image") => given(pod.image(container)),
            _ => None,
        })
    }

    /// The value under a key, at a position, or of the model.
    fn field(&self, index: &dyn Val) -> Result<Box<dyn Val + 'a>, ExecutionError> {
        match self.of_the_model(index)? {
            Some(value) => Ok(value),
            None => Ok(wrap(self.child(index)?, self.reading)),
        }
    }

    fn child(&self, index: &dyn Val) -> Result<Json<'a>, ExecutionError> {
        self.reading.meter.charge(1)?;
        match self.value.view() {
            View::Object(map) => {
                let key = index.downcast_ref::<CelString<'_>>().ok_or_else(|| mismatch(index))?;
                let key = key.inner();
                let hidden = self.reading.shown && SECRET.contains(&key);
                field_of(map, key)
                    .filter(|value| !value.is_null() && !hidden)
                    .ok_or_else(|| ExecutionError::no_such_key(key))
            }
            View::Array(items) => {
                let position = position(index)?;
                usize::try_from(position)
                    .ok()
                    .and_then(|position| items.get(position))
                    .ok_or(ExecutionError::IndexOutOfBounds(cel::Value::Int(position)))
            }
            _ => Err(mismatch(index)),
        }
    }
}

fn mismatch(value: &dyn Val) -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: value.get_type().name().to_owned(),
        want: "another type".to_owned(),
    }
}

fn position(index: &dyn Val) -> Result<i64, ExecutionError> {
    if let Some(int) = index.downcast_ref::<CelInt>() {
        return Ok(*int.inner());
    }
    let uint = index.downcast_ref::<CelUInt>().ok_or_else(|| mismatch(index))?;
    i64::try_from(*uint.inner()).map_err(|_| mismatch(index))
}

impl Val for Collection<'_> {
    fn get_type(&self) -> &Type {
        if self.value.is_array() { &LIST_TYPE } else { &MAP_TYPE }
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        self.value.is_array().then_some(self as &(dyn Adder + 'v))
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        same(self, other, self.reading.meter)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        match self.model {
            Model::None => wrap(self.value, self.reading),
            Model::Pod(pod) => wrap_pod(pod, self.reading),
            Model::Container(pod, container) => wrap_container(pod, container, self.reading),
        }
    }
}

impl Adder for Collection<'_> {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let mut sum: Vec<Box<dyn Val + 'v>> = Vec::with_capacity(self.written());
        let mut mine = self.iter();
        while let Some(item) = mine.next() {
            sum.push(item.clone_as_boxed());
        }
        let mut theirs = other.as_iterable().ok_or_else(|| mismatch(other))?.iter();
        while let Some(item) = theirs.next() {
            sum.push(item.clone_as_boxed());
        }
        Ok(CowVal::owned(CelList::from(sum)))
    }
}

impl Container for Collection<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        if self.value.is_array() {
            self.reading.meter.charge(self.written() + 1)?;
            return Ok(self
                .items()
                .iter()
                .any(|item| same(item.as_ref(), value, self.reading.meter)));
        }
        match self.field(value) {
            Ok(_) => Ok(true),
            Err(ExecutionError::NoSuchKey(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Indexer for Collection<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Ok(CowVal::Owned(self.field(index)?))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.field(index)
    }
}

impl Iterable for Collection<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn CelIterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Items {
            items: self.metered().iter(),
            meter: self.reading.meter,
        })
    }
}

struct Items<'b, 'a> {
    items: std::slice::Iter<'b, Box<dyn Val + 'a>>,
    meter: &'b Meter,
}

impl<'b, 'v, 'a: 'v> CelIterator<'b, 'v> for Items<'b, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        if !self.meter.take(1) {
            return None;
        }
        self.items.next().map(|item| &**item as &'b (dyn Val + 'v))
    }
}

impl Sizer for Collection<'_> {
    fn size(&self) -> CelInt {
        let size = match self.value.view() {
            View::Object(_) => self.metered().len(),
            _ => self.written(),
        };
        CelInt::from(i64::try_from(size).unwrap_or(i64::MAX))
    }
}

/// Whether two values are equal, whatever holds them: lists element by element, maps key by key, quantities and
/// numbers by their amount.
pub(super) fn same(one: &dyn Val, other: &dyn Val, meter: &Meter) -> bool {
    if !meter.take(1) {
        return false;
    }
    match (one.get_type().kind(), other.get_type().kind()) {
        (Kind::List, Kind::List) => same_lists(one, other, meter).unwrap_or(false),
        (Kind::Map, Kind::Map) => same_maps(one, other, meter).unwrap_or(false),
        (Kind::List | Kind::Map, _) | (_, Kind::List | Kind::Map) => false,
        _ if other.downcast_ref::<Amount>().is_some() => other.equals(one),
        _ => one.equals(other),
    }
}

fn same_lists(one: &dyn Val, other: &dyn Val, meter: &Meter) -> Option<bool> {
    if one.as_sizer()?.size() != other.as_sizer()?.size() {
        return Some(false);
    }
    let (mut mine, mut theirs) = (one.as_iterable()?.iter(), other.as_iterable()?.iter());
    while let Some(item) = mine.next() {
        if !same(item, theirs.next()?, meter) {
            return Some(false);
        }
    }
    Some(true)
}

fn same_maps(one: &dyn Val, other: &dyn Val, meter: &Meter) -> Option<bool> {
    if one.as_sizer()?.size() != other.as_sizer()?.size() {
        return Some(false);
    }
    let (mine, theirs) = (one.as_indexer()?, other.as_indexer()?);
    let mut keys = one.as_iterable()?.iter();
    while let Some(key) = keys.next() {
        let (Ok(mine), Ok(theirs)) = (mine.get(key), theirs.get(key)) else {
            return Some(false);
        };
        if !same(mine.as_ref(), theirs.as_ref(), meter) {
            return Some(false);
        }
    }
    Some(true)
}

/// A record of values by their names.
#[derive(Clone)]
pub(super) struct Record<'a>(pub Vec<(&'a str, Box<dyn Val + 'a>)>);

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("record")
    }
}

impl Container for Record<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        let key = value.downcast_ref::<CelString<'_>>().ok_or_else(|| mismatch(value))?;
        Ok(self.0.iter().any(|(name, _)| *name == key.inner()))
    }
}

impl Val for Record<'_> {
    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Record(
            self.0
                .iter()
                .map(|(name, value)| (*name, value.clone_as_boxed()))
                .collect(),
        ))
    }
}

impl Indexer for Record<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let key = index.downcast_ref::<CelString<'_>>().ok_or_else(|| mismatch(index))?;
        let key = key.inner();
        self.0
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| CowVal::Borrowed(&**value as &'b (dyn Val + 'v)))
            .ok_or_else(|| ExecutionError::no_such_key(key))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}
