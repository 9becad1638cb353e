//! What the API server does with an object that a client writes, before any webhook and after `/mutate`: it drops fields
//! that the CRD does not have, and rejects values that do not fit (Kubernetes, `apiextensions-apiserver/pkg/apiserver`).

use std::cmp::Reverse;

use crate::diag::CodePage;
use crate::json::Tree;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::KubeRay;
use crate::ray::crd::{self, Problem};
use crate::ray::defaults::may_be_filled;
use crate::rules::Finding;

use super::bound::has_too_many_values;
use super::judged::{Finder, Judged, Verdict};
use super::{Bundle, Outcome};

/// A field that the CRD does not have.
pub const UNKNOWN_FIELD: CodePage = CodePage {
    code: "RG004",
    title: "Every field must be in KubeRay's CRD",
    text: "The object has a field that KubeRay's CRD does not have. `kubectl apply` rejects it (`strict decoding error: unknown field`). \
           Of other clients, such as Flyte, the API server drops the field without an error, so that it has no effect.\n\n\
           `raygate check`, `explain` and `test` report it for manifests, and then judge the object without the field, as the cluster \
           does. They use the CRD of the KubeRay release that the Platform names. Without one, they report what no release has. The \
           server never sees such a field.",
};

/// A value that the CRD does not allow.
pub const MISMATCH: CodePage = CodePage {
    code: "RG005",
    title: "Every value must fit KubeRay's CRD",
    text: "A value has another type than in KubeRay's CRD or is not one of its values, a number is too small, a required field or the name is \
           missing, or two elements of a list have the same key. The \
           API server rejects the object with 422 Invalid, whatever raygate does.\n\n\
           `raygate check`, `explain` and `test` report it for manifests. They use the CRD of the KubeRay release that the Platform names. \
           Without one, they report what every release rejects. Numbers are the usual cause: YAML reads `rayVersion: 2.52` as a \
           number, and `rayVersion: \"2.52.0\"` as a string.",
};

/// What reading an object by its CRD has found.
#[derive(Debug, Default)]
pub struct Decoded {
    dropped: Vec<Judged>,
    is_written: bool,
    is_nameless: bool,
}

impl Decoded {
    /// Reads an object as its author wrote it, and drops its unknown fields.
    pub fn of(bundle: &Bundle, object: &mut Tree<'_>) -> Decoded {
        if has_too_many_values(object.root()) {
            return Decoded::default();
        }
        let unknown = crd::unknown_fields(object.root(), release(bundle));
        let (filled, unknown): (Vec<_>, Vec<_>) = unknown
            .into_iter()
            .partition(|problem| may_be_filled(object.root(), &problem.path));
        crd::prune(object, &filled);
        crd::prune(object, &unknown);
        let dropped = |problem| {
            judged(
                &UNKNOWN_FIELD,
                Action::Warn,
                "kubectl rejects it, other clients lose it",
                problem,
            )
        };
        Decoded {
            dropped: unknown.into_iter().map(dropped).collect(),
            is_written: true,
            is_nameless: ["/metadata/name", "/metadata/generateName"].iter().all(|pointer| {
                object
                    .root()
                    .pointer(pointer)
                    .is_none_or(|name| name.as_str() == Some(""))
            }),
        }
    }

    /// Adds to what came of the request what the API server says itself.
    pub fn complete(self, bundle: &Bundle, outcome: &mut Outcome<'_>) {
        if !self.is_written {
            return;
        }
        let nameless = self.is_nameless.then(|| Problem {
            path: Path::of(["metadata", "name"]),
            found: "the object has no name".to_owned(),
            fix: "set `metadata.name`, or `metadata.generateName` for `kubectl create`".to_owned(),
        });
        let mismatches = crd::mismatches(outcome.document.value(), release(bundle))
            .into_iter()
            .chain(nameless);
        let rejected = mismatches.map(|problem| judged(&MISMATCH, Action::Deny, "the API server rejects it", problem));
        let others = outcome.findings.len();
        outcome.findings.extend(self.dropped);
        outcome.findings.extend(rejected);
        if outcome.findings.len() == others {
            return;
        }
        outcome
            .findings
            .sort_by(|one, other| (Reverse(one.action), one.code()).cmp(&(Reverse(other.action), other.code())));
        if outcome.findings.iter().any(|judged| judged.code() == MISMATCH.code) {
            outcome.verdict = Verdict::Deny;
        }
    }
}

/// The release whose CRD counts, where the Platform names one.
fn release(bundle: &Bundle) -> Option<KubeRay> {
    let platform = bundle.platform();
    platform.names_kuberay.then_some(platform.kuberay)
}

fn judged(page: &'static CodePage, action: Action, effect: &str, problem: Problem) -> Judged {
    Judged {
        finder: Finder::Server(page),
        finding: Finding::new(problem.path, format!("{}; {effect}", problem.found)).fix(problem.fix),
        action,
        origin: None,
        exemption: None,
        more: 0,
    }
}
