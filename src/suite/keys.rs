//! The keys of a test file, as one table: reading and the docs come from it.

use crate::engine::preview::Effect;
use crate::policy::schema::{Field, Form, Kind};
use crate::policy::settings::Action;

const fn key(key: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Field {
    Field {
        key,
        kind,
        required: false,
        doc,
        example,
    }
}

const fn required(field: Field) -> Field {
    Field {
        required: true,
        ..field
    }
}

const OBJECT: Field = key("object", Kind::Any, "The Ray object itself.", "{kind: RayJob}");
const FROM: Field = key(
    "from",
    Kind::Text(Form::Text),
    "The file that holds the object, relative to this one.",
    "rayjobs/training.json",
);
const SET: Field = key(
    "set",
    Kind::Any,
    "What is merged into the object: mappings key by key, lists element by element. Null removes a key.",
    "{spec: {suspend: true}}",
);
const UNSET: Field = key(
    "unset",
    Kind::List(&Kind::Text(Form::Text)),
    "Paths that are removed after that.",
    "[spec.ttlSecondsAfterFinished]",
);
const NAME: Field = required(key(
    "name",
    Kind::Text(Form::Text),
    "What the case shows.",
    "a job without a TTL gets one",
));
const REQUEST_KEY: Field = key(
    "request",
    Kind::Object(REQUEST),
    "The request. Without it, Flyte creates the object in the object's namespace.",
    "{namespace: ml-production}",
);
const FACTS: Field = key(
    "facts",
    Kind::Any,
    "What is known of the cluster: the part of a file with facts below `kinds`.",
    "{PriorityClass: {items: [{metadata: {name: training}}]}}",
);
const WANT_KEY: Field = key(
    "want",
    Kind::Object(WANT),
    "The expected result. Only what it names is compared.",
    "{verdict: Allow}",
);

/// The keys of a test file.
pub static CASE: &[Field] = &[
    NAME,
    OBJECT,
    FROM,
    SET,
    UNSET,
    REQUEST_KEY,
    FACTS,
    WANT_KEY,
    key(
        "cases",
        Kind::List(&Kind::Object(ROW)),
        "A table of cases that share the object, `request` and `facts` above. Each has a `want` of its own, and the file none.",
        "[{name: a job without labels, unset: [metadata.labels], want: {verdict: Allow}}]",
    ),
];

/// The keys of a case in a table.
pub static ROW: &[Field] = &[
    NAME,
    Field {
        doc: "What is merged into the object of the file, after its `set` and `unset`.",
        ..SET
    },
    UNSET,
    Field {
        doc: "The request; a key here replaces the same key of the file's `request`.",
        ..REQUEST_KEY
    },
    Field {
        doc: "The facts of this case, instead of those of the file.",
        ..FACTS
    },
    WANT_KEY,
];

static REQUEST: &[Field] = &[
    key(
        "operation",
        Kind::OneOf(&[("CREATE", "the object is new"), ("UPDATE", "it replaces `old`")]),
        "The operation.",
        "UPDATE",
    ),
    key(
        "user",
        Kind::Text(Form::Text),
        "Who asks. Without it, the Platform's first Flyte service account for an object from Flyte, else nobody.",
        "system:serviceaccount:flyte:flytepropeller",
    ),
    key(
        "namespace",
        Kind::Text(Form::Text),
        "The namespace of the request. Without it, the object's namespace.",
        "ml-production",
    ),
    key(
        "at",
        Kind::Text(Form::Date),
        "The day of the request in UTC, for exemptions that end. Without it, 2000-01-01.",
        "2027-01-01",
    ),
    key(
        "old",
        Kind::Object(OLD),
        "The stored object of an UPDATE: an object as above, or changes of the new one.",
        "{unset: [spec.suspend]}",
    ),
];

static OLD: &[Field] = &[OBJECT, FROM, SET, UNSET];

static WANT: &[Field] = &[
    key(
        "exact",
        Kind::Bool,
        "Whether everything is compared: a key that is absent then means that there is nothing.",
        "true",
    ),
    key(
        "verdict",
        Kind::OneOf(&[
            ("Allow", "the object may be stored"),
            ("Deny", "it may not"),
            (
                "Retry",
                "it may not as it is, and may after the mutation at the next try",
            ),
        ]),
        "The answer.",
        "Allow",
    ),
    key(
        "findings",
        Kind::List(&Kind::Object(FINDING)),
        "Findings that must be there, in any order. An empty list means that there must be none.",
        "[{code: RG203, action: Deny}]",
    ),
    key(
        "changes",
        Kind::Any,
        "What the mutation must set: values under their paths, null where it removes something. A mapping names the keys that \
         are compared; a list is compared as a whole. An empty mapping means that nothing may change.",
        "{spec.ttlSecondsAfterFinished: 300}",
    ),
    key(
        "previews",
        Kind::List(&Kind::Object(PREVIEW)),
        "What policies in Preview would have done, in any order. An empty list means nothing.",
        "[{policy: next, code: RG203, effect: Deny}]",
    ),
];

static PREVIEW: &[Field] = &[
    required(key("policy", Kind::Text(Form::Name), "The policy.", "next")),
    required(key(
        "code",
        Kind::Text(Form::Text),
        "The injector, the check, or the rule as `rule/NAME`.",
        "RG203",
    )),
    key(
        "effect",
        Kind::OneOf(Effect::ALL),
        "What would have happened; anything if it is absent.",
        "Deny",
    ),
    key(
        "path",
        Kind::Text(Form::Text),
        "Where; anywhere if it is absent.",
        "spec.backoffLimit",
    ),
];

static FINDING: &[Field] = &[
    required(key(
        "code",
        Kind::Text(Form::Finding),
        "The check, or the rule as `rule/NAME`.",
        "RG203",
    )),
    key(
        "path",
        Kind::Text(Form::Text),
        "Where; anywhere if it is absent.",
        "spec.backoffLimit",
    ),
    key(
        "action",
        Kind::OneOf(Action::ALL),
        "What happens; anything if it is absent.",
        "Deny",
    ),
];
