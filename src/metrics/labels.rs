//! Labels whose values are not among the program's own words, and what keeps them few.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelSetEncoder, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// A word of the program's own, or a name out of the policy files, of which there are as many as there are files to read.
#[derive(Clone, Debug)]
pub(super) enum Word {
    Known(&'static str),
    Named(Arc<str>),
}

impl Word {
    fn as_str(&self) -> &str {
        match self {
            Self::Known(word) => word,
            Self::Named(name) => name,
        }
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Word {}

impl Hash for Word {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.as_str())
    }
}

/// The longest id of an exemplar, in bytes: a uid of the API server has 36, a trace's id 32.
const LONGEST_ID: usize = 36;

/// What leads from a bucket of a histogram to one request in it: its uid, as in the log, or its trace. Exemplars are no
/// series, so that their values may differ for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemplar {
    label: &'static str,
    id: [u8; LONGEST_ID],
    length: usize,
}

impl Exemplar {
    /// The request of this uid; `None` for one that the API server would not make.
    pub fn uid(uid: &str) -> Option<Self> {
        Self::new("uid", uid)
    }

    /// The trace of this id, in hexadecimal.
    pub fn trace(id: &str) -> Option<Self> {
        Self::new("trace_id", id)
    }

    fn new(label: &'static str, text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let mut id = [0; LONGEST_ID];
        id.get_mut(..text.len())
            .filter(|_| plain && !text.is_empty())?
            .copy_from_slice(text.as_bytes());
        Some(Self {
            label,
            id,
            length: text.len(),
        })
    }
}

impl EncodeLabelSet for Exemplar {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let id = self.id.get(..self.length).and_then(|id| std::str::from_utf8(id).ok());
        [(self.label, id.unwrap_or_default())].encode(encoder)
    }
}

/// A family that has one series at most: that of the labels that hold now.
#[derive(Debug)]
pub(super) struct Only<const N: usize>(
    Family<[(&'static str, String); N], Gauge>,
    Mutex<Option<[(&'static str, String); N]>>,
);

impl<const N: usize> Only<N>
where
    [(&'static str, String); N]: Clone + Eq + Hash,
{
    pub(super) fn new(family: Family<[(&'static str, String); N], Gauge>) -> Self {
        Self(family, Mutex::default())
    }

    /// Sets the series of these labels and ends the former one, in this order: no scrape finds none.
    pub(super) fn set(&self, now: Option<([(&'static str, String); N], i64)>) {
        let Self(family, current) = self;
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = now.map(|(labels, value)| {
            family.get_or_create(&labels).set(value);
            labels
        });
        let former = std::mem::replace(&mut *current, labels);
        if let Some(former) = former.filter(|former| Some(former) != current.as_ref()) {
            family.remove(&former);
        }
    }
}

/// Counters whose labels hold names out of the policy files. A series ends with what it is named after: names that are new
/// at each reload would otherwise pile up until the restart.
#[derive(Debug)]
pub(super) struct Named<const N: usize> {
    family: Family<[(&'static str, Word); N], Counter>,
    /// The labels of each series, which the family does not tell.
    series: Mutex<HashSet<[(&'static str, Word); N]>>,
}

impl<const N: usize> Named<N>
where
    [(&'static str, Word); N]: Clone + Eq + Hash,
{
    pub(super) fn new(family: Family<[(&'static str, Word); N], Counter>) -> Self {
        Self {
            family,
            series: Mutex::default(),
        }
    }

    pub(super) fn inc(&self, labels: [(&'static str, Word); N]) {
        self.inc_by(labels, 1);
    }

    /// Begins a series at zero: the first increase of one that begins with it is none to Prometheus.
    pub(super) fn begin(&self, labels: [(&'static str, Word); N]) {
        self.inc_by(labels, 0);
    }

    fn inc_by(&self, labels: [(&'static str, Word); N], count: u64) {
        if let Some(counter) = self.family.get(&labels) {
            counter.inc_by(count);
            return;
        }
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        self.family.get_or_create(&labels).inc_by(count);
        series.insert(labels);
    }

    /// Ends the series with a name that is not among these. One that a review under the former policies makes once more
    /// ends the next time.
    pub(super) fn keep(&self, names: &HashSet<&str>) {
        let is_kept = |word: &Word| match word {
            Word::Known(_) => true,
            Word::Named(name) => names.contains(&**name),
        };
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.retain(|labels| {
            let is_kept = labels.iter().all(|(_, word)| is_kept(word));
            if !is_kept {
                self.family.remove(labels);
            }
            is_kept
        });
    }
}
