//! The policy language as one table: every key, its type, what it means, and an example.
//!
//! Reading, merging, `unset`, the JSON Schema, the docs and `raygate explain` all come from it.

use crate::diag::columns;

use super::rule::Each;
use super::settings::Action;

/// A key of an object.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// Whether it must stand there.
    pub required: bool,
    /// What it means.
    pub doc: &'static str,
    /// A value, in YAML.
    pub example: &'static str,
}

/// What may stand in a place.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number within these bounds.
    Int(i64, i64),
    /// Text of a form.
    Text(Form),
    /// A Kubernetes quantity.
    Quantity,
    /// A quantity, or a percentage from 1% to 100%.
    Size,
    /// One of these names, each with its meaning.
    OneOf(&'static [(&'static str, &'static str)]),
    /// An object with these keys.
    Object(&'static [Field]),
    /// An object with keys of a form and values of one kind; each entry merges on its own.
    Map(Form, &'static Kind),
    /// A list that is one leaf.
    List(&'static Kind),
    /// A list whose elements merge by the value of a key.
    Keyed(&'static str, &'static [Field]),
    /// A list of objects that merges as a set.
    Set(&'static [Field]),
    /// Any object: Kubernetes' own, passed on as it is.
    Any,
}

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text that is not empty.
    Text,
    /// Any text.
    Free,
    /// A lower-case name: letters, digits and dashes.
    Name,
    /// Text with `*` and `?`.
    Glob,
    /// A pattern of image references.
    ImagePattern,
    /// A label key.
    LabelKey,
    /// A label value.
    LabelValue,
    /// The name of a container resource.
    ResourceName,
    /// The name of a resource that a vendor defines: `nvidia.com/gpu`.
    Device,
    /// A Kubernetes user, or a service account as one.
    User,
    /// A namespace with `{project}` and `{domain}` in it.
    NamespaceTemplate,
    /// An image reference.
    Image,
    /// A CEL expression.
    Cel,
    /// A day, `2026-12-31`.
    Date,
    /// A code of a check, `RG203`.
    Code,
    /// A code of a check, or `rule/NAME`.
    Finding,
    /// A leaf of the settings, `lifecycle.ttlSecondsAfterFinished`.
    Leaf,
    /// A KubeRay version.
    KubeRay,
    /// A version like `1.16.8`.
    Version,
    /// A KubeRay feature gate.
    Gate,
    /// An injector's name.
    Injector,
    /// A level of the Pod Security Standards, and a version: `restricted:v1.34`.
    PodSecurity,
}

/// The API version of every policy document.
pub const API_VERSION: &str = "raygate.dev/v1beta1";

/// A kind of document.
#[derive(Debug)]
pub struct Document {
    /// Its `kind`.
    pub kind: &'static str,
    /// The keys of its `spec`.
    pub spec: &'static [Field],
    /// Whether `metadata.name` must be there.
    pub named: bool,
    /// What it is.
    pub doc: &'static str,
}

/// The kinds of documents.
pub static DOCUMENTS: &[Document] = &[
    Document {
        kind: "Platform",
        spec: PLATFORM,
        named: false,
        doc: "The facts of one platform: which KubeRay and Flyte run, and what a GPU means here. Several \
              documents may each give a part.",
    },
    Document {
        kind: "RayPolicy",
        spec: POLICY,
        named: true,
        doc: "Defaults, forced settings, limits and actions for the Ray objects that it matches.",
    },
    Document {
        kind: "Exemption",
        spec: EXEMPTION,
        named: true,
        doc: "Findings that are waived and limits that are raised, for named namespaces, projects or users, until a day.",
    },
];

const fn field(key: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Field {
    Field {
        key,
        kind,
        required: false,
        doc,
        example,
    }
}

const fn required(key: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Field {
    Field {
        key,
        kind,
        required: true,
        doc,
        example,
    }
}

const SECONDS: Kind = Kind::Int(0, i32::MAX as i64);
const COUNT: Kind = Kind::Int(0, i32::MAX as i64);
const GLOBS: Kind = Kind::List(&Kind::Text(Form::Glob));
const LABELS: Kind = Kind::Map(Form::LabelKey, &Kind::Text(Form::LabelValue));
const ANNOTATIONS: Kind = Kind::Map(Form::LabelKey, &Kind::Text(Form::Free));
const RESOURCES: Kind = Kind::Map(Form::ResourceName, &Kind::Quantity);

/// The keys of metadata.
pub static METADATA: &[Field] = &[field(
    "name",
    Kind::Text(Form::Name),
    "A name, unique among its kind.",
    "base",
)];

static PLATFORM: &[Field] = &[
    field(
        "kuberay",
        Kind::Object(KUBERAY),
        "The KubeRay that is installed.",
        "{version: \"1.7\"}",
    ),
    field(
        "flyte",
        Kind::Object(FLYTE),
        "The Flyte that creates Ray objects.",
        "{version: \"1.16.8\"}",
    ),
    field(
        "queue",
        Kind::Object(QUEUE),
        "The queue that starts and suspends jobs.",
        "{controllers: [\"system:serviceaccount:kueue-system:kueue-controller-manager\"]}",
    ),
    field(
        "accelerators",
        Kind::Map(Form::Name, &Kind::Object(ACCELERATOR)),
        "The kinds of accelerators of this platform, under names of your choice.",
        "{a100: {resource: nvidia.com/gpu}}",
    ),
    field(
        "otherDevices",
        Kind::Object(OTHER_DEVICES),
        "Devices of this platform that are not accelerators. Limits on accelerators count them as zero.",
        "{resources: [\"example.com/fpga-*\"]}",
    ),
    field(
        "capacity",
        Kind::Object(CAPACITY),
        "Which nodes this platform has or can have. Only checks that have facts about the cluster use it.",
        "{world: Closed}",
    ),
    field(
        "mode",
        Kind::OneOf(&[
            ("Enforce", "raygate changes and denies objects"),
            (
                "Preview",
                "raygate reports what it would do, and neither changes nor denies any object",
            ),
        ]),
        "Whether raygate acts. `raygate serve --preview` does the same as `Preview`.",
        "Preview",
    ),
    field(
        "preview",
        RAY_KIND_LIST,
        "Kinds of Ray objects in Preview: raygate reports what it would do, and neither changes nor denies these objects.",
        "[RayCluster, RayService]",
    ),
];

static KUBERAY: &[Field] = &[
    field(
        "version",
        Kind::Text(Form::KubeRay),
        "Its version: the rules and defaults of that release apply. Without it, those of the newest one, and rules that not \
         every release from 1.4 on has only warn.",
        "\"1.7\"",
    ),
    field(
        "featureGates",
        Kind::Map(Form::Gate, &Kind::Bool),
        "Feature gates of the operator. Without a gate its default in the release applies, and rules that depend on it only \
         warn.",
        "{RayJobDeletionPolicy: true}",
    ),
    field(
        "operators",
        Kind::List(&Kind::Text(Form::User)),
        "The users that the KubeRay operator runs as. The default names the operator's service account in the namespaces \
         `ray-system`, `kuberay-operator` and `kuberay-system`. No pod of a Ray object may use these accounts.",
        "[\"system:serviceaccount:ray-system:kuberay-operator\"]",
    ),
];

static QUEUE: &[Field] = &[field(
    "controllers",
    Kind::List(&Kind::Text(Form::User)),
    "The users that the queue's controllers run as. The default names Kueue's service account in the namespace \
     `kueue-system`. No pod of a Ray object may use these accounts.",
    "[\"system:serviceaccount:kueue-system:kueue-controller-manager\"]",
)];

static FLYTE: &[Field] = &[
    field(
        "version",
        Kind::Text(Form::Version),
        "Its version. From 1.16.7 on, a denial is sent as 422, which Flyte does not try again; else as 403.",
        "\"1.16.8\"",
    ),
    field(
        "serviceAccounts",
        Kind::List(&Kind::Text(Form::User)),
        "The users whose word on project, domain, workflow and task is taken: Flyte's own service accounts.",
        "[\"system:serviceaccount:flyte:flytepropeller\"]",
    ),
    field(
        "namespace",
        Kind::Text(Form::NamespaceTemplate),
        "The template of the namespaces that Flyte creates RayJobs in.",
        "\"{project}-{domain}\"",
    ),
    field(
        "taskDefaults",
        RESOURCES,
        "Flyte's `task_resources.defaults`: what a container has whose author asked for nothing.",
        "{cpu: 100m, memory: 500Mi}",
    ),
];

static ACCELERATOR: &[Field] = &[
    field(
        "resource",
        Kind::Text(Form::Device),
        "The container resource that asks for it. Each unit counts as one accelerator.",
        "nvidia.com/gpu",
    ),
    field(
        "claimTemplates",
        Kind::Map(Form::Name, &COUNT),
        "The ResourceClaimTemplates that ask for it, each with the accelerators of one claim. raygate counts by the name \
         and does not see the template, so only the platform may have the right to create templates.",
        "{one-a100: 1, eight-a100: 8}",
    ),
    field(
        "deviceClasses",
        Kind::Map(Form::Name, &COUNT),
        "The DeviceClasses whose devices it is, each with the accelerators of one device. They count where a container \
         requests `deviceclass.resource.kubernetes.io/NAME`.",
        "{gpu.nvidia.com: 1}",
    ),
    field(
        "nodeSelector",
        LABELS,
        "The labels of the nodes that have it.",
        "{nvidia.com/gpu.product: NVIDIA-L4}",
    ),
    field(
        "tolerations",
        Kind::List(&Kind::Object(TOLERATION)),
        "The tolerations that its nodes want.",
        "[{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]",
    ),
];

static CAPACITY: &[Field] = &[
    field(
        "world",
        Kind::OneOf(&[
            (
                "Open",
                "an autoscaler that raygate does not see may add nodes of any kind. RG801 to RG805 and RG818 only warn",
            ),
            (
                "Closed",
                "there are no other nodes than those that run now, those of Karpenter's NodePools, and those of `pools`. \
                 RG801 to RG805 and RG818 deny",
            ),
        ]),
        "Whether the cluster can have other nodes than those that raygate knows. The default is `Open`.",
        "Closed",
    ),
    field(
        "pools",
        Kind::Map(Form::Name, &Kind::Object(POOL)),
        "Nodes that may not exist now, under names of your choice. For a group of the cluster-autoscaler at zero, use its name.",
        "{h200: {labels: {nvidia.com/gpu.product: NVIDIA-H200}, allocatable: {nvidia.com/gpu: \"8\"}, maxNodes: 16}}",
    ),
    field(
        "extendedResourceToleration",
        Kind::Bool,
        "Whether the API server lets each pod tolerate the taints whose key is a device that it requests (the admission \
         plugin ExtendedResourceToleration). The default is `true`. If it is `false`, RG804 finds pods without such a toleration.",
        "false",
    ),
];

static POOL: &[Field] = &[
    field(
        "labels",
        LABELS,
        "The labels of its nodes. They may have other labels of Kubernetes, the cloud and Karpenter, and no others.",
        "{nvidia.com/gpu.product: NVIDIA-H200}",
    ),
    field(
        "taints",
        Kind::List(&Kind::Object(TAINT)),
        "The taints of its nodes.",
        "[{key: nvidia.com/gpu, effect: NoSchedule}]",
    ),
    field(
        "allocatable",
        RESOURCES,
        "What one node gives to pods. Without CPU or memory, a node has any amount of it; without a device, none.",
        "{cpu: \"190\", memory: 1900Gi, nvidia.com/gpu: \"8\"}",
    ),
    field(
        "maxNodes",
        COUNT,
        "The most nodes that it may have. Without it, there is no bound.",
        "16",
    ),
];

static TAINT: &[Field] = &[
    required("key", Kind::Text(Form::LabelKey), "Its key.", "nvidia.com/gpu"),
    field("value", Kind::Text(Form::LabelValue), "Its value.", "\"true\""),
    required(
        "effect",
        Kind::OneOf(&[
            ("NoSchedule", "no new pods"),
            ("PreferNoSchedule", "no new pods if others fit"),
            ("NoExecute", "no pods"),
        ]),
        "What it does to pods that do not tolerate it.",
        "NoSchedule",
    ),
];

static OTHER_DEVICES: &[Field] = &[
    field(
        "resources",
        GLOBS,
        "Container resources, as patterns. raygate knows the usual devices for networks, storage and virtual machines.",
        "[\"example.com/fpga-*\"]",
    ),
    field(
        "claimTemplates",
        GLOBS,
        "ResourceClaimTemplates whose claims hold no accelerator, as patterns.",
        "[rdma-*]",
    ),
];

static TOLERATION: &[Field] = &[
    field("key", Kind::Text(Form::LabelKey), "The taint's key.", "nvidia.com/gpu"),
    field(
        "operator",
        Kind::OneOf(&[("Exists", "any value"), ("Equal", "the given value")]),
        "How the taint's value is compared.",
        "Exists",
    ),
    field("value", Kind::Text(Form::LabelValue), "The taint's value.", "\"true\""),
    field(
        "effect",
        Kind::OneOf(&[
            ("NoSchedule", "new pods stay away"),
            ("PreferNoSchedule", "new pods stay away where they can"),
            ("NoExecute", "running pods are driven out too"),
        ]),
        "The taint's effect; every effect where it is absent.",
        "NoSchedule",
    ),
    field(
        "tolerationSeconds",
        SECONDS,
        "How long a `NoExecute` taint is borne.",
        "300",
    ),
];

/// The keys of a RayPolicy's `spec`.
pub static POLICY: &[Field] = &[
    field(
        "description",
        Kind::Text(Form::Free),
        "What the policy is for.",
        "GPU training in production",
    ),
    field(
        "mode",
        Kind::OneOf(&[
            ("Enforce", "the policy acts"),
            (
                "Preview",
                "the policy changes and refuses nothing; what it would do goes to the log, the metrics and the audit log",
            ),
            ("Disabled", "the policy does nothing"),
        ]),
        "What the policy does; `Enforce` where it is absent.",
        "Enforce",
    ),
    field(
        "priority",
        Kind::Int(-1_000_000, 1_000_000),
        "Leaf by leaf, the policy with the higher priority wins; 0 where it is absent.",
        "10",
    ),
    required(
        "match",
        Kind::Object(SELECTOR),
        "The Ray objects that it is for; `{}` is every one.",
        "{domains: [production]}",
    ),
    field(
        "exclude",
        Kind::List(&Kind::Object(SELECTOR)),
        "The Ray objects that it is not for, though they match.",
        "[{namespaces: [\"*-sandbox\"]}]",
    ),
    field(
        "allowSkip",
        Kind::List(&Kind::Text(Form::Injector)),
        "The injectors that an author may turn off with the annotation `raygate.dev/skip`.",
        "[readiness]",
    ),
    field(
        "defaults",
        Kind::Object(SETTINGS),
        "What fills the places that the author left empty.",
        "{readiness: Http}",
    ),
    field(
        "force",
        Kind::Object(SETTINGS),
        "What replaces the author's values, and is verified afterwards.",
        "{head: {serviceType: ClusterIP}}",
    ),
    field(
        "unset",
        Kind::List(&Kind::Text(Form::Leaf)),
        "Leaves of `defaults` and `force` that policies of a lower priority set, and that this policy removes.",
        "[lifecycle.activeDeadlineSeconds]",
    ),
    field(
        "limits",
        Kind::Object(LIMITS),
        "The most that one Ray object of any kind may ask for.",
        "{maxGpusPerJob: 64}",
    ),
    field(
        "actions",
        Kind::Map(Form::Code, &Kind::OneOf(Action::ALL)),
        "What happens to the findings of a check, by its code, or of a family of checks, such as `RG6*`. In one policy a code wins \
         over its family. Only a code can have `Fix`.",
        "{RG203: Fix, \"RG6*\": Warn}",
    ),
    field(
        "roll",
        Kind::Bool,
        "Whether an unchanged manifest that is applied again takes on changed policies, although its pods run. KubeRay then \
         replaces the cluster of a RayService, and that of a RayCluster with `upgradeStrategy.type: Recreate`. The default \
         is `false`: the stored object stays as it is.",
        "true",
    ),
    field(
        "rules",
        Kind::List(&Kind::Object(RULE)),
        "The platform's own rules, in CEL; those of all policies that match hold.",
        "[{name: owner, require: has(object.metadata.labels.owner), message: no owner}]",
    ),
];

static RULE: &[Field] = &[
    required(
        "name",
        Kind::Text(Form::Name),
        "Its name, unique among all policies; its findings carry it as `rule/NAME`.",
        "big-jobs-need-an-owner",
    ),
    field(
        "each",
        Kind::OneOf(Each::ALL),
        "What it looks at; `Job` where it is absent.",
        "Container",
    ),
    field(
        "when",
        Kind::Text(Form::Cel),
        "A CEL expression that says when it looks; always where it is absent.",
        "job.gpus >= 16",
    ),
    required(
        "require",
        Kind::Text(Form::Cel),
        "A CEL expression that must be true. The rule fails too where it has no value.",
        "has(object.metadata.labels.owner)",
    ),
    required(
        "message",
        Kind::Text(Form::Text),
        "What is said where it is not, with CEL expressions in braces.",
        "\"{job.gpus} GPUs need an `owner` label\"",
    ),
    field(
        "action",
        Kind::OneOf(&[
            ("Deny", "refuse the object"),
            ("Warn", "admit the object with a warning"),
            (
                "Audit",
                "admit it and write the finding to the log, the metrics and the audit log",
            ),
        ]),
        "What happens then; `Deny` where it is absent.",
        "Deny",
    ),
];

/// The keys of an Exemption's `spec`.
pub static EXEMPTION: &[Field] = &[
    required(
        "match",
        Kind::Object(EXEMPTED),
        "The Ray objects that it is for. It names a project, a namespace or a user, each by more than wildcards. What is \
         Flyte's counts only where a Flyte service account of the Platform sent the object into its namespace.",
        "{projects: [hero]}",
    ),
    field(
        "waive",
        Kind::List(&Kind::Text(Form::Finding)),
        "Checks, and rules as `rule/NAME`, whose findings are neither repaired nor refused nor warned of: they go to the \
         log, the metrics and the audit log. What KubeRay itself refuses, RG1xx, cannot be waived.",
        "[RG310, rule/big-jobs-need-an-owner]",
    ),
    field(
        "raise",
        Kind::Object(LIMITS),
        "Limits that are higher here, with the keys of `limits`; `allowedImages` adds patterns. It never lowers one.",
        "{maxGpusPerJob: 512}",
    ),
    required("owner", Kind::Text(Form::Text), "Who answers for it.", "ml-platform"),
    required(
        "reason",
        Kind::Text(Form::Text),
        "Why it is granted.",
        "one run on 512 GPUs",
    ),
    required(
        "expires",
        Kind::Text(Form::Date),
        "The last day on which it holds, UTC.",
        "2026-12-31",
    ),
];

const PROJECTS: Field = field("projects", GLOBS, "Flyte projects.", "[\"ml*\"]");
const DOMAINS: Field = field("domains", GLOBS, "Flyte domains.", "[production]");
const WORKFLOWS: Field = field("workflows", GLOBS, "Flyte workflows.", "[\"*training*\"]");
const TASKS: Field = field(
    "tasks",
    GLOBS,
    "Flyte tasks, by their dotted name. The name is the author's word: alone it loosens nothing, and an author can escape \
     a policy that only this key selects.",
    "[\"*.train_*\"]",
);
const NAMESPACES: Field = field("namespaces", GLOBS, "Kubernetes namespaces.", "[\"team-a-*\"]");
const USERS: Field = field(
    "users",
    GLOBS,
    "Kubernetes users who create or change the object.",
    "[\"system:serviceaccount:ci:*\"]",
);

/// A list of kinds of Ray objects.
const RAY_KIND_LIST: Kind = Kind::List(&Kind::OneOf(&[
    ("RayJob", "a cluster and a job that runs on it"),
    ("RayCluster", "a cluster alone"),
    ("RayService", "a cluster that serves applications"),
    ("RayCronJob", "a schedule and a template for RayJobs"),
]));

const RAY_KINDS: Field = field(
    "kinds",
    RAY_KIND_LIST,
    "Kinds of Ray objects. Without it, every kind. A RayJob that KubeRay creates for a RayCronJob is a RayJob.",
    "[RayJob, RayCluster]",
);

/// The keys of an Exemption's `match`. An expression is none of them: it may be about anything.
static EXEMPTED: &[Field] = &[PROJECTS, DOMAINS, WORKFLOWS, TASKS, NAMESPACES, USERS, RAY_KINDS];

/// The keys of `match` and of each entry of `exclude`.
pub static SELECTOR: &[Field] = &[
    PROJECTS,
    DOMAINS,
    WORKFLOWS,
    TASKS,
    NAMESPACES,
    USERS,
    RAY_KINDS,
    field(
        "when",
        Kind::Text(Form::Cel),
        "A CEL expression over `job`, `request` and `platform`. Where it has no value, the policy may only tighten.",
        "job.gpus > 0",
    ),
];

/// The keys of `defaults` and `force`.
pub static SETTINGS: &[Field] = &[
    field(
        "lifecycle",
        Kind::Object(LIFECYCLE),
        "Times and clean-up of RayJobs, and of those that a RayCronJob creates.",
        "{ttlSecondsAfterFinished: 300}",
    ),
    field(
        "sharedMemory",
        Kind::Object(SHARED_MEMORY),
        "The memory volume at `/dev/shm`.",
        "{size: 50%}",
    ),
    field(
        "accelerators",
        Kind::Map(Form::Device, &Kind::Text(Form::Name)),
        "For each accelerator resource, the kind of the Platform that is meant where the author names none.",
        "{nvidia.com/gpu: a100-80gb}",
    ),
    field(
        "readiness",
        Kind::OneOf(READINESS),
        "How the readiness of head and workers is probed.",
        "Http",
    ),
    field(
        "wget",
        Kind::Object(WGET),
        "Where the wget of the readiness mode `Wget` comes from.",
        "{image: busybox:1.37-musl}",
    ),
    field(
        "job",
        Kind::Object(JOB),
        "The object's own metadata.",
        "{labels: {kueue.x-k8s.io/queue-name: gpu}}",
    ),
    field(
        "head",
        Kind::Object(HEAD),
        "The head pod.",
        "{minimum: {cpu: \"2\", memory: 8Gi}}",
    ),
    field(
        "workers",
        Kind::Object(WORKERS),
        "The pods of every worker group.",
        "{restartPolicy: Never}",
    ),
    field(
        "submitter",
        Kind::Object(SUBMITTER),
        "The submitter pod.",
        "{requests: {cpu: 500m, memory: 512Mi}}",
    ),
    field(
        "pods",
        Kind::Object(PODS),
        "All pods; `head`, `workers` and `submitter` go before it.",
        "{priorityClassName: training}",
    ),
];

static LIFECYCLE: &[Field] = &[
    field(
        "shutdownAfterJobFinishes",
        Kind::Bool,
        "Whether KubeRay deletes the cluster when the job is over.",
        "true",
    ),
    field(
        "ttlSecondsAfterFinished",
        SECONDS,
        "How long it waits before it does.",
        "300",
    ),
    field(
        "activeDeadlineSeconds",
        Kind::Int(1, i32::MAX as i64),
        "How long the job may take, from its start.",
        "172800",
    ),
    field(
        "preRunningDeadlineSeconds",
        Kind::Int(1, i32::MAX as i64),
        "How long the cluster may take to become ready. Set where the Platform names KubeRay 1.6 or later; older CRDs drop it.",
        "14400",
    ),
];

static SHARED_MEMORY: &[Field] = &[
    field(
        "size",
        Kind::Size,
        "A share of the Ray container's memory, or a quantity. What Ray's object store takes is always granted.",
        "50%",
    ),
    field("min", Kind::Quantity, "Never less than this.", "256Mi"),
    field("max", Kind::Quantity, "Never more than this.", "128Gi"),
];

static READINESS: &[(&str, &str)] = &[
    (
        "Http",
        "HTTP probes on Ray's own health endpoints: no tool in the image is needed",
    ),
    ("Python", "probes that run Python, which every Ray image has"),
    ("Wget", "KubeRay's own probes, and a wget for images that have none"),
    ("KubeRay", "KubeRay's own probes, untouched"),
];

static WGET: &[Field] = &[field(
    "image",
    Kind::Text(Form::Image),
    "An image with a static busybox at `/bin/busybox`. Without it, a script in the Ray image serves as wget.",
    "busybox:1.37-musl",
)];

static JOB: &[Field] = &[
    field(
        "labels",
        LABELS,
        "Labels of the object, such as a queue's.",
        "{kueue.x-k8s.io/queue-name: gpu}",
    ),
    field(
        "annotations",
        ANNOTATIONS,
        "Annotations of the object.",
        "{example.com/team: vision}",
    ),
];

const RAY_START_PARAMS: Field = field(
    "rayStartParams",
    Kind::Map(Form::Text, &Kind::Text(Form::Free)),
    "Parameters of `ray start`, all of them text.",
    "{num-cpus: \"0\"}",
);
const MINIMUM: Field = field(
    "minimum",
    Kind::Object(&[
        field("cpu", Kind::Quantity, "CPUs.", "\"1\""),
        field("memory", Kind::Quantity, "Memory.", "4Gi"),
    ]),
    "The least that a Ray container needs. It replaces Flyte's platform default; below an author's own value it warns.",
    "{cpu: \"1\", memory: 4Gi}",
);
const RESTART_POLICY: Field = field(
    "restartPolicy",
    Kind::OneOf(&[
        ("Never", "a container that ends is not started again"),
        ("OnFailure", "it is started again where it failed"),
        ("Always", "it is always started again"),
    ]),
    "What happens to a container that ends.",
    "Never",
);
const PRIORITY_CLASS: Field = field(
    "priorityClassName",
    Kind::Text(Form::Name),
    "The pods' priority class.",
    "training",
);
const RUNTIME_CLASS: Field = field(
    "runtimeClassName",
    Kind::Text(Form::Name),
    "The pods' runtime class.",
    "nvidia",
);
const SCHEDULER: Field = field(
    "schedulerName",
    Kind::Text(Form::Text),
    "The scheduler that places the pods.",
    "volcano",
);
const POD_LABELS: Field = field("labels", LABELS, "Labels of the pods.", "{cost-centre: vision}");
const POD_ANNOTATIONS: Field = field(
    "annotations",
    ANNOTATIONS,
    "Annotations of the pods.",
    "{example.com/team: vision}",
);
const ENV: Field = field(
    "env",
    Kind::Keyed(
        "name",
        &[
            required("name", Kind::Text(Form::Text), "The variable's name.", "NCCL_DEBUG"),
            field("value", Kind::Text(Form::Free), "Its value.", "WARN"),
            field(
                "valueFrom",
                Kind::Any,
                "Where its value comes from, as Kubernetes has it.",
                "{fieldRef: {fieldPath: status.podIP}}",
            ),
        ],
    ),
    "Environment variables of the Ray container, or of the submitter's.",
    "[{name: NCCL_DEBUG, value: WARN}]",
);
const PULL_SECRETS: Field = field(
    "imagePullSecrets",
    Kind::Keyed(
        "name",
        &[required(
            "name",
            Kind::Text(Form::Name),
            "The Secret's name.",
            "registry",
        )],
    ),
    "Secrets to pull images with.",
    "[{name: registry}]",
);
const NODE_SELECTOR: Field = field(
    "nodeSelector",
    LABELS,
    "Node labels that the pods need.",
    "{pool: training}",
);
const TOLERATIONS: Field = field(
    "tolerations",
    Kind::Set(TOLERATION),
    "Tolerations of the pods.",
    "[{key: spot, operator: Exists}]",
);

static HEAD: &[Field] = &[
    RAY_START_PARAMS,
    MINIMUM,
    RESTART_POLICY,
    field(
        "serviceType",
        Kind::OneOf(&[
            ("ClusterIP", "reachable inside the cluster"),
            ("NodePort", "a port on every node"),
            ("LoadBalancer", "an address of its own"),
        ]),
        "The type of the head's Service.",
        "ClusterIP",
    ),
    field(
        "enableIngress",
        Kind::Bool,
        "Whether KubeRay makes an Ingress for the dashboard. Flyte 1.16.3 and older always ask for one.",
        "false",
    ),
    PRIORITY_CLASS,
    RUNTIME_CLASS,
    SCHEDULER,
    POD_LABELS,
    POD_ANNOTATIONS,
    ENV,
    PULL_SECRETS,
    NODE_SELECTOR,
    TOLERATIONS,
];

static WORKERS: &[Field] = &[
    RAY_START_PARAMS,
    MINIMUM,
    RESTART_POLICY,
    PRIORITY_CLASS,
    RUNTIME_CLASS,
    SCHEDULER,
    POD_LABELS,
    POD_ANNOTATIONS,
    ENV,
    PULL_SECRETS,
    NODE_SELECTOR,
    TOLERATIONS,
];

static SUBMITTER: &[Field] = &[
    field(
        "requests",
        RESOURCES,
        "What the container of a submitter template requests; written together with `limits`. KubeRay's own submitter keeps its size \
         unless both are forced.",
        "{cpu: 500m, memory: 512Mi}",
    ),
    field(
        "limits",
        RESOURCES,
        "The limits of the container of a submitter template; written together with `requests`.",
        "{cpu: \"1\", memory: 1Gi}",
    ),
    RESTART_POLICY,
    PRIORITY_CLASS,
    RUNTIME_CLASS,
    SCHEDULER,
    POD_LABELS,
    POD_ANNOTATIONS,
    ENV,
    PULL_SECRETS,
    NODE_SELECTOR,
    TOLERATIONS,
];

static PODS: &[Field] = &[
    PRIORITY_CLASS,
    RUNTIME_CLASS,
    SCHEDULER,
    POD_LABELS,
    POD_ANNOTATIONS,
    ENV,
    PULL_SECRETS,
    NODE_SELECTOR,
    TOLERATIONS,
];

/// The keys of `limits`.
pub static LIMITS: &[Field] = &[
    field(
        "maxGpusPerJob",
        COUNT,
        "Accelerators that the scheduler reserves for all pods together, at the autoscaler's most.",
        "64",
    ),
    field(
        "accelerators",
        Kind::Map(Form::Name, &COUNT),
        "Accelerators of one kind that all pods together may take, at the autoscaler's most, by the name of the kind in the \
         Platform. A pod counts for every kind whose nodes it may run on. `maxGpusPerJob` limits the sum of all kinds.",
        "{a100-80gb: 16}",
    ),
    field(
        "maxCpusPerJob",
        Kind::Quantity,
        "CPUs that the scheduler reserves for all pods together, at the autoscaler's most.",
        "\"512\"",
    ),
    field(
        "maxMemoryPerJob",
        Kind::Quantity,
        "Memory that the scheduler reserves for all pods together, at the autoscaler's most.",
        "4Ti",
    ),
    field(
        "maxPodsPerJob",
        COUNT,
        "All pods together, at the autoscaler's most.",
        "100",
    ),
    field(
        "maxWorkersPerGroup",
        COUNT,
        "Pods of one worker group, at the autoscaler's most.",
        "32",
    ),
    field(
        "maxTtlSeconds",
        SECONDS,
        "The longest `ttlSecondsAfterFinished`.",
        "86400",
    ),
    field(
        "maxDeletionDelaySeconds",
        SECONDS,
        "The longest `rayClusterDeletionDelaySeconds`: how long a RayService keeps the old cluster after an upgrade.",
        "600",
    ),
    field(
        "maxActiveDeadlineSeconds",
        SECONDS,
        "The longest `activeDeadlineSeconds`, which must then be set.",
        "604800",
    ),
    field(
        "maxPreRunningDeadlineSeconds",
        SECONDS,
        "The longest `preRunningDeadlineSeconds`, which must then be set.",
        "14400",
    ),
    field(
        "maxBackoffLimit",
        COUNT,
        "The largest `backoffLimit`, where each retry is a new cluster, and the largest `submitterConfig.backoffLimit`.",
        "2",
    ),
    field(
        "allowedImages",
        Kind::List(&Kind::Text(Form::ImagePattern)),
        "Patterns of images, one of which every image must fit: those of containers, of volumes, of the autoscaler and of \
         runtime environments. `**` crosses slashes, `*` does not.",
        "[\"ghcr.io/my-org/**\"]",
    ),
    field(
        "clusterSelector",
        Kind::OneOf(&[
            ("Allow", "admit the RayJob, with a warning if another limit is set"),
            ("Forbid", "deny the RayJob"),
        ]),
        "What happens to a RayJob that selects an existing cluster: limits cannot see that cluster. The default is `Allow`.",
        "Forbid",
    ),
    field(
        "unknownDevices",
        Kind::OneOf(&[
            ("Warn", "admit the object with a warning"),
            ("Deny", "refuse the object"),
        ]),
        "What happens to devices that raygate cannot count, such as resource claims. It acts only where `maxGpusPerJob` or \
         `accelerators` is set. The default is `Warn`.",
        "Deny",
    ),
    field(
        "podSecurity",
        Kind::Text(Form::PodSecurity),
        "The level of Kubernetes' Pod Security Standards that every pod must meet: `restricted`, `baseline` or \
         `privileged`. A version pins the rules of a Kubernetes release: `restricted:v1.34`. Without one, raygate uses the \
         newest rules that it has.",
        "restricted",
    ),
];

impl Kind {
    /// What may stand there, in a few words.
    pub fn words(&self) -> String {
        match self {
            Kind::Bool => "true or false".to_owned(),
            Kind::Int(least, most) if *most == i64::from(i32::MAX) => format!("whole number, at least {least}"),
            Kind::Int(least, most) => format!("whole number from {least} to {most}"),
            Kind::Text(Form::Glob) => "pattern with * and ?".to_owned(),
            Kind::Text(Form::ImagePattern) => "image pattern".to_owned(),
            Kind::Text(Form::PodSecurity) => "Pod Security level".to_owned(),
            Kind::Text(_) => "text".to_owned(),
            Kind::Quantity => "quantity".to_owned(),
            Kind::Size => "quantity, or 1% to 100%".to_owned(),
            Kind::OneOf(names) => names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | "),
            Kind::Object(_) | Kind::Any => "object".to_owned(),
            Kind::Map(_, kind) => format!("map of {}", kind.words()),
            Kind::List(kind) => format!("list of {}", kind.words()),
            Kind::Keyed(key, _) => format!("list of objects, merged by {key}"),
            Kind::Set(_) => "list of objects, merged as a set".to_owned(),
        }
    }

    fn fields(&self) -> &'static [Field] {
        match self {
            Kind::Object(fields) | Kind::Keyed(_, fields) | Kind::Set(fields) => fields,
            Kind::Map(_, kind) | Kind::List(kind) => kind.fields(),
            _ => &[],
        }
    }
}

/// A key of the language with the path that leads to it, such as `spec.defaults.sharedMemory.size`.
#[derive(Debug)]
pub struct Entry {
    /// The kind of document that has it.
    pub document: &'static str,
    /// The keys down to it, joined by dots.
    pub path: String,
    /// The key.
    pub field: &'static Field,
}

/// Every key of the language, in the order of the table.
pub fn entries() -> Vec<Entry> {
    fn walk(document: &'static str, fields: &'static [Field], prefix: &str, out: &mut Vec<Entry>) {
        for field in fields {
            let path = format!("{prefix}.{}", field.key);
            // `force` has the keys of `defaults`, and `raise` those of `limits`: they are described once.
            let below = match field.key {
                "force" | "raise" => &[],
                _ => field.kind.fields(),
            };
            out.push(Entry {
                document,
                path: path.clone(),
                field,
            });
            walk(document, below, &path, out);
        }
    }
    let mut out = Vec::new();
    for document in DOCUMENTS {
        walk(document.kind, document.spec, "spec", &mut out);
    }
    out
}

/// The key that a person means by `name`: its whole path, or the end of it.
pub fn find(name: &str) -> Option<Entry> {
    let alias = |prefix: &str, section: &str| Some(format!("{section}.{}", name.strip_prefix(prefix)?));
    let name = alias("force.", "defaults")
        .or_else(|| alias("raise.", "limits"))
        .unwrap_or_else(|| name.to_owned());
    let fits = |path: &str| path == name || path.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'));
    let fitting = entries().into_iter().filter(|entry| fits(&entry.path));
    fitting.min_by_key(|entry| entry.path.matches('.').count())
}

/// The keys of a kind of document, a line each.
pub fn keys(kind: &str) -> Option<String> {
    let document = DOCUMENTS.iter().find(|document| document.kind == kind)?;
    let entries: Vec<Entry> = entries().into_iter().filter(|entry| entry.document == kind).collect();
    let name = |entry: &Entry| entry.path.trim_start_matches("spec.").to_owned();
    let rows: Vec<[String; 2]> = entries
        .iter()
        .map(|entry| [name(entry), entry.field.kind.words()])
        .collect();
    let mut text = format!("# {kind}\n\n{}\n\n", document.doc);
    for row in columns(&rows, [0; 2], usize::MAX) {
        text.push_str(&row);
        text.push('\n');
    }
    text.push_str("\nraygate explain KEY prints the page of a key.\n");
    Some(text)
}

impl Entry {
    /// The key's page as Markdown.
    pub fn markdown(&self) -> String {
        let Entry { document, path, field } = self;
        let mut text = format!(
            "## `{path}`\n\nIn a {document}: {}.\n\n{}\n",
            field.kind.words(),
            field.doc
        );
        if let Kind::OneOf(names) = field.kind {
            text.push('\n');
            for (name, meaning) in names {
                text.push_str(&format!("- `{name}`: {meaning}\n"));
            }
        }
        text.push_str(&format!("\n```yaml\n{}: {}\n```\n", field.key, field.example));
        let below = field.kind.fields();
        if !below.is_empty() {
            text.push_str("\nKeys:\n\n");
        }
        for field in below {
            text.push_str(&format!("- `{}`: {}\n", field.key, field.doc));
        }
        text
    }
}
