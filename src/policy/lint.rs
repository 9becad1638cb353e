//! What is legal in a set of policies and may still not be meant. Only what is certain is said.

use crate::diag::{CodePage, Diagnostic, Sources, Span, listed};
use crate::k8s::glob::Glob;

use super::load::{Known, Loaded};
use super::origin::Origin;
use super::selector::{Key, Selector};
use super::settings::{Action, Mode, leniency};
use super::{Platform, RayPolicy, SetLeaf, capacity};

const SHADOWED: &str = "RL101";
const NEVER_MATCHES: &str = "RL102";
const LIMIT_LOOSENED: &str = "RL103";
const ACTION_LOOSENED: &str = "RL104";
const NOTHING_TO_RAISE: &str = "RL105";
const WHEN_CHANGES: &str = "RL106";
const NO_SUCH_NODES: &str = "RL108";

/// What the repairs, the minimum and the submitter's requests change in most RayJobs.
const COMPLETED: [&str; 4] = ["job.cpus", "job.maxCpus", "job.memory", "job.maxMemory"];
/// What the repair of `limits.maxWorkersPerGroup` changes besides.
const CUT: [&str; 3] = ["job.maxWorkers", "job.maxPods", "job.maxGpus"];

/// Every code of this module, in order.
pub const CODES: &[CodePage] = &[
    CodePage {
        code: SHADOWED,
        title: "a leaf that another policy always overrides",
        text: "A policy with a higher `priority` is for every RayJob that this policy is for, and sets the same leaf. So \
               the value here never holds. Take it out, or turn the priorities round.",
    },
    CodePage {
        code: NEVER_MATCHES,
        title: "a policy that is for no RayJob",
        text: "An entry of `exclude` fits every RayJob that `match` fits, or `match.namespaces` has no pattern that a \
               Kubernetes namespace can match. The policy has no effect.",
    },
    CodePage {
        code: LIMIT_LOOSENED,
        title: "a limit that another policy loosens",
        text: "For RayJobs that match both policies, the one with the higher `priority` lets through more than the lower \
               one. That is legal, and often meant: a large team has larger limits. It is always said, because a limit \
               that does not hold is easily taken for one that does.",
    },
    CodePage {
        code: ACTION_LOOSENED,
        title: "an action that lets through what is refused or repaired by default",
        text: "The check refuses or repairs by default, and the policy only warns, writes to the audit log, or ignores.",
    },
    CodePage {
        code: NOTHING_TO_RAISE,
        title: "an exemption that raises a limit that no policy sets",
        text: "What is not limited cannot be raised. Perhaps the limit has another name, or its policy is gone.",
    },
    CodePage {
        code: WHEN_CHANGES,
        title: "a `when` that looks at what the mutating webhook changes",
        text: "`/mutate` sees the object as it was sent, `/validate` sees it completed: repairs raise its CPUs and memory, and \
               cut its workers. So the policy may be for a RayJob in one of them and not in the other. Its defaults are then \
               not filled in; what it forces is missing each time, and the object is never admitted. Limits, actions and \
               rules alone are judged by the completed numbers, and are not meant here.",
    },
    CodePage {
        code: NO_SUCH_NODES,
        title: "The nodes of each accelerator must exist",
        text: "By the facts about the cluster, no node has the labels in `nodeSelector` of this accelerator. raygate adds them \
               to pods, which then stay pending. Correct the selector. If an autoscaler adds such nodes, declare them in \
               `capacity.pools` of the Platform.",
    },
];

/// What keeps policies from being enforced, by file and place. Unlike the other lints it is reported at every load.
pub fn not_enforced(loaded: &Loaded) -> Vec<Diagnostic> {
    let lint = Lint {
        sources: &loaded.sources,
    };
    let policies = loaded.set.policies.iter();
    let policies = policies.filter(|policy| policy.mode != Mode::Disabled);
    let mut found: Vec<Diagnostic> = policies.filter_map(|policy| lint.never_matches(policy)).collect();
    sort(&mut found);
    found
}

/// The accelerators of the Platform whose nodes do not exist, by what is known of the cluster.
pub fn missing_nodes(loaded: &Loaded, facts: &crate::facts::Known<'_>) -> Vec<Diagnostic> {
    let lint = Lint {
        sources: &loaded.sources,
    };
    let unmatched = capacity::unmatched(&loaded.set.platform, facts).into_iter();
    unmatched
        .filter_map(|one| {
            let found = Diagnostic::warning(NO_SUCH_NODES, one.message);
            Some(found.at(lint.span(&one.origin)?, "").help(one.help))
        })
        .collect()
}

fn sort(found: &mut [Diagnostic]) {
    found.sort_by_key(|diagnostic| diagnostic.primary.as_ref().map(|(span, _)| (span.source, span.start)));
}

/// The lints of a set of policies, by file and place, except those of [`not_enforced`].
pub fn lint(loaded: &Loaded, known: &Known) -> Vec<Diagnostic> {
    let lint = Lint {
        sources: &loaded.sources,
    };
    let policies: Vec<&RayPolicy> = loaded
        .set
        .policies
        .iter()
        .filter(|policy| policy.mode != Mode::Disabled)
        .collect();
    let mut found = Vec::new();
    for policy in &policies {
        found.extend(lint.when_changes(policy, &policies));
        for leaf in &policy.leaves {
            found.extend(lint.shadowed(policy, leaf, &policies));
            found.extend(lint.limit_loosened(policy, leaf, &policies));
            found.extend(lint.action_loosened(leaf, known));
        }
    }
    for exemption in &loaded.set.exemptions {
        for leaf in &exemption.raise {
            found.extend(lint.nothing_to_raise(leaf, &policies));
        }
    }
    sort(&mut found);
    found
}

struct Lint<'a> {
    sources: &'a Sources,
}

impl Lint<'_> {
    /// Where something stands; only what came from files has a place.
    fn span(&self, origin: &Origin) -> Option<Span> {
        let place = crate::diag::Location {
            line: origin.line,
            column: origin.column,
        };
        self.sources.rest_of_line(&origin.file, place)
    }

    fn never_matches(&self, policy: &RayPolicy) -> Option<Diagnostic> {
        let excluded = policy
            .excludes
            .iter()
            .position(|exclude| !exclude.is_advisory() && exclude.covers(&policy.matches));
        let no_namespace = policy
            .matches
            .patterns
            .iter()
            .find(|(key, globs)| *key == Key::Namespaces && globs.iter().all(fits_no_namespace));
        let (message, help) = match (excluded, no_namespace) {
            (Some(excluded), _) => (
                format!(
                    "the policy `{}` is for no RayJob: exclude[{excluded}] fits whatever `match` fits",
                    policy.name
                ),
                "narrow the entry of `exclude`, or take the policy out",
            ),
            (None, Some((_, globs))) => (
                format!(
                    "policy `{}` matches no RayJob: no namespace can match {}",
                    policy.name,
                    listed(&globs.iter().map(Glob::as_str).collect::<Vec<_>>())
                ),
                "namespaces have lowercase letters, digits and `-`, at most 63 characters",
            ),
            (None, None) => return None,
        };
        Some(
            Diagnostic::warning(NEVER_MATCHES, message)
                .at(self.span(&policy.origin)?, "")
                .help(help),
        )
    }

    fn when_changes(&self, policy: &RayPolicy, policies: &[&RayPolicy]) -> Option<Diagnostic> {
        let of = |leaf: &SetLeaf, group: &str| leaf.path.first().is_some_and(|first| first == group);
        let acts =
            |leaf: &SetLeaf| of(leaf, "defaults") || of(leaf, "force") || (of(leaf, "actions") && leaf.value == "Fix");
        if policy.unset.is_empty() && !policy.leaves.iter().any(acts) {
            return None;
        }
        let cuts =
            |leaf: &SetLeaf| of(leaf, "limits") && leaf.path.last().is_some_and(|key| key == "maxWorkersPerGroup");
        let is_cut = policies.iter().flat_map(|policy| &policy.leaves).any(cuts);
        let changes = |path: &str| COMPLETED.contains(&path) || (is_cut && CUT.contains(&path));
        let (span, path) = std::iter::once(&policy.matches)
            .chain(&policy.excludes)
            .find_map(|selector| {
                let read = selector.when.as_ref()?.reads().iter().find(|path| changes(path))?;
                Some((selector.when_span?, read))
            })?;
        let message = format!(
            "`when` looks at `{path}`, which repairs change: the policy `{}` may be for a RayJob in /mutate and not in /validate",
            policy.name
        );
        Some(
            Diagnostic::warning(WHEN_CHANGES, message)
                .at(span, "")
                .help("look at what the author wrote, such as `job.gpus`; limits and rules may look at anything, in a policy of their own"),
        )
    }

    fn shadowed(&self, policy: &RayPolicy, leaf: &SetLeaf, policies: &[&RayPolicy]) -> Option<Diagnostic> {
        // A policy in Preview shadows nothing, and what it sets is compared as if it were enforced.
        let (other, shadow) = policies
            .iter()
            .filter(|other| other.priority > policy.priority && other.mode == Mode::Enforce)
            .filter(|other| other.excludes.is_empty() && !other.matches.is_advisory())
            .filter(|other| other.matches.covers(&policy.matches))
            .find_map(|other| {
                let shadow = other.leaves.iter().find(|shadow| shadow.path == leaf.path)?;
                (shadow.value != leaf.value).then_some((other, shadow))
            })?;
        let message = format!(
            "`{}` of the policy `{}` never holds: `{}` sets it for every RayJob that this policy is for",
            leaf.path.join("."),
            policy.name,
            other.name
        );
        Some(
            Diagnostic::warning(SHADOWED, message)
                .at(self.span(&leaf.origin)?, "")
                .and_at(
                    self.span(&shadow.origin)?,
                    format!("priority {} goes before {}", other.priority, policy.priority),
                )
                .help("take it out, or give this policy the higher `priority`"),
        )
    }

    fn limit_loosened(&self, policy: &RayPolicy, leaf: &SetLeaf, policies: &[&RayPolicy]) -> Option<Diagnostic> {
        let (group, keys) = leaf.path.split_first()?;
        let value = leniency(&leaf.value).filter(|_| group == "limits")?;
        let key = keys.join(".");
        // The next lower one: what is looser still is its own lint's.
        let (lower, tighter) = policies
            .iter()
            .rev()
            .filter(|lower| lower.priority < policy.priority && !lower.matches.is_disjoint(&policy.matches))
            .find_map(|lower| {
                let tighter = lower.leaves.iter().find(|tighter| tighter.path == leaf.path)?;
                (leniency(&tighter.value)? < value).then_some((lower, tighter))
            })?;
        let message = format!(
            "the policy `{}` loosens `{key}` from {} to {}, for RayJobs that match both",
            policy.name, tighter.value, leaf.value
        );
        Some(
            Diagnostic::note(LIMIT_LOOSENED, message)
                .at(self.span(&leaf.origin)?, "")
                .and_at(self.span(&tighter.origin)?, format!("the limit of `{}`", lower.name)),
        )
    }

    fn action_loosened(&self, leaf: &SetLeaf, known: &Known) -> Option<Diagnostic> {
        let [group, code] = leaf.path.as_slice() else {
            return None;
        };
        let action: Action = serde_json::from_value(leaf.value.clone())
            .ok()
            .filter(|_| group == "actions")?;
        let default = known.code(code)?.action;
        if action > Action::Warn || default <= Action::Warn {
            return None;
        }
        let message = format!("{code} is {} here, and {} by default", action.name(), default.name());
        Some(
            Diagnostic::note(ACTION_LOOSENED, message)
                .at(self.span(&leaf.origin)?, "")
                .help(format!("`raygate explain {code}` says what comes of it")),
        )
    }

    fn nothing_to_raise(&self, leaf: &SetLeaf, policies: &[&RayPolicy]) -> Option<Diagnostic> {
        let (_, keys) = leaf.path.split_first()?;
        let key = keys.join(".");
        let sets = |set: &SetLeaf| {
            let limit = set.path.split_first();
            limit.is_some_and(|(group, limit)| group == "limits" && limit == keys)
        };
        let is_set = policies.iter().flat_map(|policy| &policy.leaves).any(sets);
        if is_set {
            return None;
        }
        Some(
            Diagnostic::warning(NOTHING_TO_RAISE, format!("no policy sets the limit `{key}`"))
                .at(self.span(&leaf.origin)?, "")
                .help("take it out, or set the limit in a RayPolicy"),
        )
    }
}

/// Whether a pattern surely fits no name of a namespace, which is a DNS label (Kubernetes, `ValidateNamespaceName`).
fn fits_no_namespace(glob: &Glob) -> bool {
    let pattern = glob.as_str();
    let is_legal = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '*' | '?');
    !pattern.chars().all(is_legal)
        || pattern.starts_with('-')
        || pattern.ends_with('-')
        || pattern.chars().filter(|character| *character != '*').count() > 63
}

impl Selector {
    /// Whether it surely fits every subject that the other fits.
    fn covers(&self, other: &Selector) -> bool {
        self.when.is_none()
            && self.patterns.iter().all(|(key, mine)| {
                other.patterns.iter().any(|(other_key, theirs)| {
                    key == other_key && theirs.iter().all(|glob| mine.iter().any(|wide| wide.covers(glob)))
                })
            })
    }

    /// Whether it rests on what the object says of itself, at least in part.
    fn is_advisory(&self) -> bool {
        self.when.is_some() || self.patterns.iter().any(|(key, _)| key.is_advisory())
    }
}
