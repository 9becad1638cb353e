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
    "What is merged into the object: objects key by key, lists element by element, null takes a key away.",
    "{spec: {suspend: true}}",
);
const UNSET: Field = key(
    "unset",
    Kind::List(&Kind::Text(Form::Text)),
    "Paths that are taken away after that.",
    "[spec.ttlSecondsAfterFinished]",
);

/// The keys of a test file.
pub static CASE: &[Field] = &[
    required(key(
        "name",
        Kind::Text(Form::Text),
        "What the case shows.",
        "a job without a TTL gets one",
    )),
    OBJECT,
    FROM,
    SET,
    UNSET,
    key(
        "request",
        Kind::Object(REQUEST),
        "The request, where it is not Flyte's own to create the object in its namespace.",
        "{namespace: ml-production}",
    ),
    key(
        "facts",
        Kind::Any,
        "What is known of the cluster: what a file with facts has below `kinds`.",
        "{PriorityClass: {items: [{metadata: {name: training}}]}}",
    ),
    key("want", Kind::Object(WANT), "What shall come of it.", "{verdict: Allow}"),
];

static REQUEST: &[Field] = &[
    key(
        "operation",
        Kind::OneOf(&[
            ("CREATE", "the object is new"),
            ("UPDATE", "it takes the place of `old`"),
        ]),
        "What is asked for.",
        "UPDATE",
    ),
    key(
        "user",
        Kind::Text(Form::Text),
        "Who asks. Without it, Flyte's first service account of the Platform for an object of Flyte's, else nobody.",
        "system:serviceaccount:flyte:flytepropeller",
    ),
    key(
        "namespace",
        Kind::Text(Form::Text),
        "The namespace of the request; the object's own where it is absent.",
        "ml-production",
    ),
    key(
        "at",
        Kind::Text(Form::Date),
        "The day of the request, UTC: exemptions end. Without it 2000-01-01, when none has ended.",
        "2027-01-01",
    ),
    key(
        "old",
        Kind::Object(OLD),
        "The object as it is, on an UPDATE: given as the object is, or as changes of it.",
        "{unset: [spec.suspend]}",
    ),
];

static OLD: &[Field] = &[OBJECT, FROM, SET, UNSET];

static WANT: &[Field] = &[
    required(key(
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
    )),
    key(
        "findings",
        Kind::List(&Kind::Object(FINDING)),
        "Everything that is found in the object as it became, in any order. Without it, nothing.",
        "[{code: RG203, action: Deny}]",
    ),
    key(
        "changes",
        Kind::Any,
        "What the mutation set, each value under its path; null where it took something away. Without it, nothing.",
        "{spec.ttlSecondsAfterFinished: 300}",
    ),
    key(
        "previews",
        Kind::List(&Kind::Object(PREVIEW)),
        "Everything that policies in Preview would have done, in any order. Without it, nothing.",
        "[{policy: next, code: RG203, effect: Deny, path: spec.backoffLimit}]",
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
    required(key(
        "effect",
        Kind::OneOf(Effect::ALL),
        "What would have happened.",
        "Deny",
    )),
    required(key("path", Kind::Text(Form::Text), "Where.", "spec.backoffLimit")),
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
