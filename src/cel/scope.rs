//! The variables of an evaluation.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use cel::common::types::{CelBool, CelInt, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use crate::json::Json;
use crate::k8s::path::Path;
use crate::k8s::quantity::Quantity;
use crate::ray::device::Devices;
use crate::ray::downloads;
use crate::ray::facts::{self, Facts};
use crate::ray::flyte::Identity;
use crate::ray::{Container, KubeRay, Pod, Workload};

use super::functions::{METER, Pattern, REGEX};
use super::gauge::Gauge;
use super::meter::Meter;
use super::quantity::Amount;
use super::value::{Reading, Record, wrap, wrap_container, wrap_pod};

/// What expressions can see of a request.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The object.
    pub job: &'a Workload<'a>,
    /// The object as it was, on an update.
    pub old: Option<Json<'a>>,
    /// What the RayJob says of its Flyte execution.
    pub identity: &'a Identity,
    /// Whether that is verified.
    pub verified: bool,
    /// `CREATE` or `UPDATE`.
    pub operation: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The Kubernetes user.
    pub user: &'a str,
    /// What the platform says of its devices.
    pub devices: &'a Devices,
    /// The installed KubeRay.
    pub kuberay: KubeRay,
    /// The version of Flyte, empty where it is not known.
    pub flyte: &'a str,
}

/// The variables of one request. What no expression asks for is never made.
#[derive(Debug)]
pub struct Session<'a> {
    inputs: Inputs<'a>,
    job: OnceLock<Record<'a>>,
    request: OnceLock<Record<'a>>,
    platform: OnceLock<Record<'a>>,
}

/// What a rule is looking at.
#[derive(Clone, Copy, Debug)]
pub enum Here<'a> {
    /// The whole RayJob.
    Job,
    /// A pod.
    Pod(&'a Pod<'a>),
    /// A container of a pod.
    Container(&'a Pod<'a>, &'a Container<'a>),
}

impl Here<'_> {
    /// Where it stands in the RayJob.
    pub fn path(&self) -> Path {
        match self {
            Here::Job => Path::of(["spec"]),
            Here::Pod(pod) => pod.template_path(),
            Here::Container(pod, container) => pod.container_path(container),
        }
    }
}

impl<'a> Session<'a> {
    /// The variables of a request.
    pub fn new(inputs: Inputs<'a>) -> Session<'a> {
        Session {
            inputs,
            job: OnceLock::new(),
            request: OnceLock::new(),
            platform: OnceLock::new(),
        }
    }

    fn job(&self) -> &Record<'a> {
        self.job.get_or_init(|| job_record(&self.inputs))
    }

    fn request(&self) -> &Record<'a> {
        self.request.get_or_init(|| {
            let inputs = &self.inputs;
            Record(vec![
                ("operation", string(inputs.operation)),
                ("namespace", string(inputs.namespace)),
                ("user", string(inputs.user)),
                ("name", string(inputs.job.name())),
            ])
        })
    }

    fn platform(&self) -> &Record<'a> {
        self.platform.get_or_init(|| {
            Record(vec![
                ("kuberay", Box::new(CelString::from(self.inputs.kuberay.to_string()))),
                ("flyte", string(self.inputs.flyte)),
            ])
        })
    }
}

fn string<'a>(text: &'a str) -> Box<dyn Val + 'a> {
    Box::new(CelString::from(text))
}

fn int<'a>(number: i64) -> Box<dyn Val + 'a> {
    Box::new(CelInt::from(number))
}

fn job_record<'a>(inputs: &Inputs<'a>) -> Record<'a> {
    let job = inputs.job;
    let facts = Facts::of(job, inputs.devices);
    let cpus = |milli| Box::new(Amount(Quantity::from_milli(milli))) as Box<dyn Val + 'a>;
    let bytes = |bytes| Box::new(Amount(Quantity::from_bytes(bytes))) as Box<dyn Val + 'a>;
    let groups: Vec<Box<dyn Val + 'a>> = job
        .workers()
        .map(|group| {
            Box::new(Record(vec![
                ("name", string(group.group_name())),
                ("workers", int(facts::replicas(group))),
                ("maxWorkers", int(facts::pods_at_most(job, group))),
                ("gpus", int(facts::size(group, inputs.devices).gpus)),
            ])) as Box<dyn Val + 'a>
        })
        .collect();
    let mut images: Vec<Box<dyn Val + 'a>> = Vec::new();
    let mut known = BTreeSet::new();
    for place in job.places() {
        let unknown = || vec![Cow::Borrowed(downloads::UNKNOWN)];
        for image in place.images().map_or_else(|_| unknown(), Iterator::collect) {
            if known.insert(image.clone().into_owned()) {
                images.push(Box::new(CelString::from(image.into_owned())));
            }
        }
    }
    let downloads: Vec<Box<dyn Val + 'a>> = downloads::of(job)
        .into_iter()
        .map(|download| {
            Box::new(Record(vec![
                ("what", string(download.what)),
                ("scheme", Box::new(CelString::from(download.scheme))),
                ("host", Box::new(CelString::from(download.host))),
            ])) as Box<dyn Val + 'a>
        })
        .collect();
    let identity = inputs.identity;
    let flyte = Record(vec![
        ("project", string(&identity.project)),
        ("domain", string(&identity.domain)),
        ("workflow", string(&identity.workflow)),
        ("task", string(&identity.task)),
        ("execution", string(&identity.execution)),
        ("user", string(&identity.user)),
        ("verified", Box::new(CelBool::from(inputs.verified))),
    ]);
    Record(vec![
        ("kind", string(job.kind.name)),
        ("gpus", int(facts.gpus)),
        ("maxGpus", int(facts.max_gpus)),
        ("cpus", cpus(facts.milli_cpus)),
        ("maxCpus", cpus(facts.max_milli_cpus)),
        ("memory", bytes(facts.memory)),
        ("maxMemory", bytes(facts.max_memory)),
        ("workers", int(facts.workers)),
        ("maxWorkers", int(facts.max_workers)),
        ("pods", int(facts.pods)),
        ("maxPods", int(facts.max_pods)),
        ("groups", Box::new(CelList::from(groups))),
        ("images", Box::new(CelList::from(images))),
        ("downloads", Box::new(CelList::from(downloads))),
        ("flyte", Box::new(flyte)),
        ("cronJob", string(job.cron_job())),
    ])
}

/// The variables of one expression, by their names.
pub(super) struct Scope<'s, 'a> {
    pub session: &'s Session<'a>,
    pub here: Here<'s>,
    pub meter: &'s Arc<Meter>,
    pub shown: bool,
    pub patterns: &'s [Pattern],
}

impl VariableResolver for Scope<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let reading = Reading {
            meter: self.meter,
            shown: self.shown,
        };
        let json = |value: Json<'b>| Some(CowVal::Owned(wrap(value, reading)));
        let owned = |text: &'b str| Some(CowVal::owned(CelString::from(text)));
        let (pod, container) = match self.here {
            Here::Job => (None, None),
            Here::Pod(pod) => (Some(pod), None),
            Here::Container(pod, container) => (Some(pod), Some(container)),
        };
        match name {
            "job" => Some(CowVal::Borrowed(self.session.job())),
            "request" => Some(CowVal::Borrowed(self.session.request())),
            "platform" => Some(CowVal::Borrowed(self.session.platform())),
            "object" => json(self.session.inputs.job.object),
            "oldObject" => json(self.session.inputs.old.unwrap_or(Json::NULL)),
            "pod" => Some(CowVal::Owned(wrap_pod(pod?, reading))),
            "role" => owned(pod?.role.name()),
            "group" => owned(pod?.group_name()),
            "path" => pod.map(|_| CowVal::owned(CelString::from(self.here.path().to_string()))),
            "container" => Some(CowVal::Owned(wrap_container(pod?, container?, reading))),
            METER => Some(CowVal::owned(Gauge(Arc::clone(self.meter)))),
            _ => {
                let index: usize = name.strip_prefix(REGEX)?.parse().ok()?;
                self.patterns.get(index).map(|pattern| CowVal::Borrowed(pattern as _))
            }
        }
    }
}
