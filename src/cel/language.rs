//! The variables and functions of expressions, as tables: names are checked against them when a policy is loaded, and
//! the docs are written from them.

/// Where an expression stands, which decides its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `match.when`.
    When,
    /// A rule for the whole RayJob.
    Job,
    /// A rule for each pod.
    Pod,
    /// A rule for each container.
    Container,
}

/// What a value is, as far as it is known when a policy is loaded.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Anything: a part of the object.
    Any,
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// A Kubernetes quantity.
    Quantity,
    /// A list.
    List(&'static Shape),
    /// A record with these fields.
    Record(&'static [Field]),
}

impl Shape {
    /// Its name in the docs.
    pub fn name(&self) -> String {
        match self {
            Shape::Any => "any".to_owned(),
            Shape::Text => "string".to_owned(),
            Shape::Int => "int".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Quantity => "quantity".to_owned(),
            Shape::List(of) => format!("list of {}", of.name()),
            Shape::Record(_) => "record".to_owned(),
        }
    }
}

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub shape: Shape,
    /// What it means.
    pub doc: &'static str,
}

/// A variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The first place that has it; those below have it too.
    pub from: Place,
    /// What it is.
    pub shape: Shape,
    /// What it means.
    pub doc: &'static str,
}

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, doc }
}

const fn variable(name: &'static str, from: Place, shape: Shape, doc: &'static str) -> Variable {
    Variable { name, from, shape, doc }
}

/// Every variable.
pub static VARIABLES: &[Variable] = &[
    variable(
        "job",
        Place::When,
        Shape::Record(JOB),
        "What the object adds up to, and who made it. Of a RayCronJob, what one of its RayJobs adds up to.",
    ),
    variable(
        "request",
        Place::When,
        Shape::Record(REQUEST),
        "The request that creates or changes it.",
    ),
    variable(
        "platform",
        Place::When,
        Shape::Record(PLATFORM),
        "What the Platform says.",
    ),
    variable(
        "object",
        Place::Job,
        Shape::Any,
        "The Ray object, without its `metadata.managedFields`.",
    ),
    variable(
        "oldObject",
        Place::Job,
        Shape::Any,
        "The Ray object as it was; `null` unless it is changed.",
    ),
    variable(
        "pod",
        Place::Pod,
        Shape::Any,
        "The pod template, with its `metadata` and `spec`. `pod.resources.requests` and `pod.resources.limits` are what \
         Kubernetes computes for the pod, as quantities by resource; `pod.serviceAccountName` is its service account.",
    ),
    variable(
        "role",
        Place::Pod,
        Shape::Text,
        "What the pod is for: `head`, `worker` or `submitter`.",
    ),
    variable(
        "group",
        Place::Pod,
        Shape::Text,
        "The `groupName` of a worker; `head` or `submitter` for the others.",
    ),
    variable(
        "path",
        Place::Pod,
        Shape::Text,
        "Where the pod template or the container is in the object.",
    ),
    variable(
        "container",
        Place::Container,
        Shape::Any,
        "The container; init containers are looked at too.",
    ),
];

static JOB: &[Field] = &[
    field(
        "kind",
        Shape::Text,
        "The kind of the object: `RayJob`, `RayCluster`, `RayService` or `RayCronJob`.",
    ),
    field(
        "gpus",
        Shape::Int,
        "Accelerators that the scheduler reserves for all pods together.",
    ),
    field("maxGpus", Shape::Int, "The same at the autoscaler's most."),
    field(
        "cpus",
        Shape::Quantity,
        "CPUs that the scheduler reserves for all pods together; it compares with numbers.",
    ),
    field("maxCpus", Shape::Quantity, "The same at the autoscaler's most."),
    field(
        "memory",
        Shape::Quantity,
        "Memory that the scheduler reserves for all pods together: `job.memory > quantity('4Ti')`.",
    ),
    field("maxMemory", Shape::Quantity, "The same at the autoscaler's most."),
    field("workers", Shape::Int, "Worker pods."),
    field("maxWorkers", Shape::Int, "The same at the autoscaler's most."),
    field("pods", Shape::Int, "All pods: head, workers, submitter."),
    field("maxPods", Shape::Int, "The same at the autoscaler's most."),
    field(
        "groups",
        Shape::List(&Shape::Record(GROUP)),
        "The worker groups, in their order.",
    ),
    field(
        "images",
        Shape::List(&Shape::Text),
        "The images of all containers, of image volumes, of the autoscaler and of the runtime environment, each once.",
    ),
    field(
        "flyte",
        Shape::Record(FLYTE),
        "The Flyte execution that the object says it is of.",
    ),
    field(
        "cronJob",
        Shape::Text,
        "The RayCronJob: its own name, or what the label `ray.io/cronjob-name` of a RayJob says; else empty.",
    ),
];

static GROUP: &[Field] = &[
    field("name", Shape::Text, "Its `groupName`."),
    field("workers", Shape::Int, "Its pods."),
    field("maxWorkers", Shape::Int, "Its pods at the autoscaler's most."),
    field("gpus", Shape::Int, "Accelerators of one of its pods."),
];

static FLYTE: &[Field] = &[
    field("project", Shape::Text, "The project."),
    field("domain", Shape::Text, "The domain."),
    field("workflow", Shape::Text, "The workflow."),
    field(
        "task",
        Shape::Text,
        "The task, by its dotted name where the pod has it.",
    ),
    field("execution", Shape::Text, "The execution."),
    field("user", Shape::Text, "The user on whose behalf it runs."),
    field(
        "verified",
        Shape::Bool,
        "Whether that is more than the object's own word: one of Flyte's service accounts sent it.",
    ),
];

static REQUEST: &[Field] = &[
    field("operation", Shape::Text, "`CREATE` or `UPDATE`."),
    field("namespace", Shape::Text, "The namespace."),
    field("user", Shape::Text, "The Kubernetes user."),
    field("name", Shape::Text, "The RayJob's name, or how it will begin."),
];

static PLATFORM: &[Field] = &[
    field("kuberay", Shape::Text, "KubeRay's version: `1.6`."),
    field("flyte", Shape::Text, "Flyte's version; empty where it is not known."),
];

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `size(x)`.
    Global,
    /// `x.lowerAscii()`.
    Member,
    /// Either way.
    Both,
}

/// What a call takes from the meter for each argument, before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Nothing: it looks at a few bytes.
    Free,
    /// By the length of what it is given.
    Length,
    /// By the number of values that it makes of a text.
    Values,
    /// By the square of the number of elements.
    Square,
}

/// A function.
#[derive(Debug)]
pub struct Function {
    /// Its name, with its namespace.
    pub name: &'static str,
    /// How it is called.
    pub style: Style,
    /// The least and the most arguments that it takes; the value that a member is called on counts where both styles are
    /// legal.
    pub arguments: (usize, usize),
    /// What it costs.
    pub cost: Cost,
    /// How it is written.
    pub signature: &'static str,
    /// What it does.
    pub doc: &'static str,
}

const fn function(
    name: &'static str,
    style: Style,
    arguments: (usize, usize),
    cost: Cost,
    signature: &'static str,
    doc: &'static str,
) -> Function {
    Function {
        name,
        style,
        arguments,
        cost,
        signature,
        doc,
    }
}

use Cost::{Free, Length, Square, Values};
use Style::{Both, Global, Member};

/// Every function; `has` and the loops are macros, see [`MACROS`].
pub static FUNCTIONS: &[Function] = &[
    function(
        "quantity",
        Global,
        (1, 1),
        Length,
        "quantity('1Gi')",
        "A quantity, of a text or a number.",
    ),
    function(
        "isQuantity",
        Global,
        (1, 1),
        Length,
        "isQuantity(x)",
        "Whether that can be read as a quantity.",
    ),
    function("compareTo", Member, (1, 1), Free, "q.compareTo(r)", "-1, 0 or 1."),
    function(
        "isGreaterThan",
        Member,
        (1, 1),
        Free,
        "q.isGreaterThan(r)",
        "As `q > r`.",
    ),
    function("isLessThan", Member, (1, 1), Free, "q.isLessThan(r)", "As `q < r`."),
    function("sign", Member, (0, 0), Free, "q.sign()", "-1, 0 or 1."),
    function(
        "isInteger",
        Member,
        (0, 0),
        Free,
        "q.isInteger()",
        "Whether `asInteger` has a result.",
    ),
    function(
        "asInteger",
        Member,
        (0, 0),
        Free,
        "q.asInteger()",
        "The amount as an int; an error where that is not exact.",
    ),
    function("add", Member, (1, 1), Free, "q.add(r)", "As `q + r`."),
    function("sub", Member, (1, 1), Free, "q.sub(r)", "As `q - r`."),
    function(
        "size",
        Both,
        (1, 1),
        Length,
        "size(x)",
        "The characters of a text, the elements of a list, the keys of a map.",
    ),
    function(
        "contains",
        Member,
        (1, 1),
        Length,
        "s.contains(t)",
        "Whether the text has that part.",
    ),
    function(
        "startsWith",
        Member,
        (1, 1),
        Free,
        "s.startsWith(t)",
        "Whether it begins so.",
    ),
    function("endsWith", Member, (1, 1), Free, "s.endsWith(t)", "Whether it ends so."),
    function(
        "matches",
        Both,
        (2, 2),
        Length,
        "s.matches('^a+$')",
        "Whether a regular expression (RE2's syntax, written as a literal) matches some part of it.",
    ),
    function(
        "find",
        Member,
        (1, 1),
        Length,
        "s.find('[0-9]+')",
        "The first part of the text that a regular expression (a literal) matches, or ''.",
    ),
    function(
        "findAll",
        Member,
        (1, 2),
        Values,
        "s.findAll('[0-9]+')",
        "All parts that it matches; `s.findAll('[0-9]+', 2)` gives two at most.",
    ),
    function(
        "charAt",
        Member,
        (1, 1),
        Length,
        "s.charAt(0)",
        "The character at a position.",
    ),
    function(
        "indexOf",
        Member,
        (1, 1),
        Length,
        "s.indexOf(t)",
        "The position of the first `t` in a text or list, or -1.",
    ),
    function(
        "lastIndexOf",
        Member,
        (1, 1),
        Length,
        "s.lastIndexOf(t)",
        "The position of the last `t` in a text or list, or -1.",
    ),
    function(
        "lowerAscii",
        Member,
        (0, 0),
        Length,
        "s.lowerAscii()",
        "With small letters.",
    ),
    function(
        "upperAscii",
        Member,
        (0, 0),
        Length,
        "s.upperAscii()",
        "With capital letters.",
    ),
    function(
        "replace",
        Member,
        (2, 2),
        Length,
        "s.replace(t, u)",
        "With each `t` replaced.",
    ),
    function(
        "split",
        Member,
        (1, 2),
        Values,
        "s.split(',')",
        "The parts between separators.",
    ),
    function(
        "substring",
        Member,
        (1, 2),
        Length,
        "s.substring(0, 3)",
        "The characters from one position to before another.",
    ),
    function(
        "trim",
        Member,
        (0, 0),
        Length,
        "s.trim()",
        "Without white space at its ends.",
    ),
    function(
        "reverse",
        Member,
        (0, 0),
        Length,
        "x.reverse()",
        "A text or list from its end to its beginning.",
    ),
    function(
        "format",
        Member,
        (1, 1),
        Length,
        "'%s: %d'.format([s, n])",
        "The text with each clause replaced.",
    ),
    function(
        "join",
        Member,
        (0, 1),
        Length,
        "l.join(', ')",
        "The texts of a list in one.",
    ),
    function(
        "strings.quote",
        Global,
        (1, 1),
        Length,
        "strings.quote(s)",
        "The text in quotes, with escapes.",
    ),
    function(
        "slice",
        Member,
        (2, 2),
        Length,
        "l.slice(0, 3)",
        "The elements from one position to before another.",
    ),
    function(
        "flatten",
        Member,
        (0, 1),
        Length,
        "l.flatten()",
        "The elements of the lists in a list.",
    ),
    function("distinct", Member, (0, 0), Square, "l.distinct()", "Each element once."),
    function("sort", Member, (0, 0), Length, "l.sort()", "The elements in order."),
    function(
        "isSorted",
        Member,
        (0, 0),
        Length,
        "l.isSorted()",
        "Whether no element is less than the one before.",
    ),
    function(
        "sum",
        Member,
        (0, 0),
        Length,
        "l.sum()",
        "The sum of numbers or quantities; 0 of none.",
    ),
    function(
        "min",
        Member,
        (0, 0),
        Length,
        "l.min()",
        "The least element; an error of none.",
    ),
    function(
        "max",
        Member,
        (0, 0),
        Length,
        "l.max()",
        "The greatest element; an error of none.",
    ),
    function("int", Global, (1, 1), Length, "int('7')", "A whole number."),
    function(
        "uint",
        Global,
        (1, 1),
        Length,
        "uint(7)",
        "A whole number without sign.",
    ),
    function(
        "double",
        Global,
        (1, 1),
        Length,
        "double('0.5')",
        "A number with a fraction.",
    ),
    function("string", Global, (1, 1), Length, "string(7)", "A text."),
    function("bool", Global, (1, 1), Length, "bool('true')", "True or false."),
    function("bytes", Global, (1, 1), Length, "bytes('a')", "The bytes of a text."),
    function("dyn", Global, (1, 1), Free, "dyn(x)", "The value itself."),
    function(
        "type",
        Global,
        (1, 1),
        Free,
        "type(x) == string",
        "The type: `int`, `uint`, `double`, `string`, `bytes`, `bool`, `list`, `map`, `null_type`.",
    ),
    function(
        "optional.of",
        Global,
        (1, 1),
        Free,
        "optional.of(x)",
        "An optional with a value; `a.?b` and `a[?b]` make them too.",
    ),
    function(
        "optional.ofNonZeroValue",
        Global,
        (1, 1),
        Free,
        "optional.ofNonZeroValue(x)",
        "An optional, empty for 0, '' and the like.",
    ),
    function(
        "optional.none",
        Global,
        (0, 0),
        Free,
        "optional.none()",
        "An empty optional.",
    ),
    function(
        "hasValue",
        Member,
        (0, 0),
        Free,
        "o.hasValue()",
        "Whether an optional has a value.",
    ),
    function(
        "value",
        Member,
        (0, 0),
        Free,
        "o.value()",
        "Its value; an error where it has none.",
    ),
    function(
        "orValue",
        Member,
        (1, 1),
        Free,
        "o.orValue(x)",
        "Its value, or another.",
    ),
    function(
        "or",
        Member,
        (1, 1),
        Free,
        "o.or(p)",
        "It, or another optional where it is empty.",
    ),
];

/// The macros: how each is written, and what it does.
pub static MACROS: &[(&str, &str, &str)] = &[
    (
        "has",
        "has(a.b)",
        "Whether `a` has the field `b`; null counts as absent.",
    ),
    (
        "all",
        "l.all(x, cond)",
        "Whether it holds for every element, or key of a map.",
    ),
    ("exists", "l.exists(x, cond)", "Whether it holds for one at least."),
    (
        "exists_one",
        "l.exists_one(x, cond)",
        "Whether it holds for just one; also `existsOne`.",
    ),
    (
        "map",
        "l.map(x, expr)",
        "A list of what the expression gives; `l.map(x, cond, expr)` leaves some out.",
    ),
    ("filter", "l.filter(x, cond)", "The elements for which it holds."),
    (
        "sortBy",
        "l.sortBy(x, expr)",
        "The elements in the order of what the expression gives.",
    ),
    (
        "optMap",
        "o.optMap(x, expr)",
        "An optional of what the expression gives for its value.",
    ),
    (
        "optFlatMap",
        "o.optFlatMap(x, expr)",
        "The optional that the expression gives for its value.",
    ),
];

/// The names of types, as `type(x)` gives them.
pub static TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "uint",
    "type",
];

/// The function of this name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The variables of a place.
pub fn variables(place: Place) -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().filter(move |variable| variable.from <= place)
}

/// What an expression has under a name: a variable, a field of one, or a function.
pub fn page(name: &str) -> Option<String> {
    let mut path = name.split('.');
    let first = path.next()?;
    let variable = VARIABLES.iter().find(|variable| variable.name == first);
    let field = variable.and_then(|variable| {
        path.try_fold((variable.shape, variable.doc), |(shape, _), key| {
            let fields = match shape {
                Shape::Record(fields) | Shape::List(&Shape::Record(fields)) => fields,
                _ => return None,
            };
            let field = fields.iter().find(|field| field.name == key)?;
            Some((field.shape, field.doc))
        })
    });
    if let Some((shape, doc)) = field {
        return Some(format!("## `{name}`\n\nIn expressions: {}.\n\n{doc}\n", shape.name()));
    }
    let function = FUNCTIONS.iter().find(|function| function.name == name);
    let function = function.map(|function| (function.signature, function.doc));
    let written = function.or_else(|| {
        let found = MACROS.iter().find(|(known, ..)| *known == name)?;
        Some((found.1, found.2))
    });
    written.map(|(signature, doc)| format!("## `{signature}`\n\nIn expressions.\n\n{doc}\n"))
}

/// The page of the docs, as Markdown.
pub fn markdown() -> String {
    let mut text = PAGE.to_owned();
    text.push_str("\n## Variables\n\n| variable | type | in | meaning |\n|---|---|---|---|\n");
    for variable in VARIABLES {
        let place = match variable.from {
            Place::When => "`match.when`, rules",
            Place::Job => "rules",
            Place::Pod => "rules with `each: Pod` or `Container`",
            Place::Container => "rules with `each: Container`",
        };
        let (name, shape, doc) = (variable.name, variable.shape.name(), variable.doc);
        text.push_str(&format!("| `{name}` | {shape} | {place} | {doc} |\n"));
        rows(name, variable.shape, place, &mut text);
    }
    text.push_str("\n## Macros\n\n| written | gives |\n|---|---|\n");
    for (_, written, doc) in MACROS {
        text.push_str(&format!("| `{written}` | {doc} |\n"));
    }
    text.push_str("\n## Functions\n\n| written | gives |\n|---|---|\n");
    for function in FUNCTIONS {
        text.push_str(&format!("| `{}` | {} |\n", function.signature, function.doc));
    }
    text
}

fn rows(prefix: &str, shape: Shape, place: &str, text: &mut String) {
    let (fields, prefix) = match shape {
        Shape::Record(fields) => (fields, prefix.to_owned()),
        Shape::List(Shape::Record(fields)) => (*fields, format!("{prefix}[i]")),
        _ => return,
    };
    for field in fields {
        let (name, shape, doc) = (format!("{prefix}.{}", field.name), field.shape.name(), field.doc);
        text.push_str(&format!("| `{name}` | {shape} | {place} | {doc} |\n"));
        rows(&name, field.shape, place, text);
    }
}

const PAGE: &str = include_str!("language.md");
