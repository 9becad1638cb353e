//! The API server as far as admission sees it, with one object.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use raygate::engine::admit::{answer_as_is, answer_mutate, answer_validate};
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::engine::{Bundle, Finder, Operation, Outcome, Request, Verdict};
use raygate::json::Tree;
use raygate::k8s::path::{self, Step};
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::{Kind, defaults};
use serde_json::{Value, json};

use crate::conditions::match_request;
use crate::random::Random;

pub const TENANT: &str = "tenant";
pub const FLYTE: &str = "system:serviceaccount:flyte:flytepropeller";
pub const OPERATOR: &str = "system:serviceaccount:ray-system:kuberay-operator";
pub const KUEUE: &str = "system:serviceaccount:kueue-system:kueue-controller-manager";
pub const HEAD_POD: &str = "system:serviceaccount:mlplatform-production:default";
const NAMESPACE: &str = "mlplatform-production";

/// What every bundle begins with.
const PLATFORM: &str = "
apiVersion: raygate.dev/v1beta1
kind: Platform
spec:
  kuberay: {featureGates: {RayCronJob: true}}
  flyte: {serviceAccounts: [\"system:serviceaccount:flyte:flytepropeller\"], namespace: \"{project}-{domain}\"}
";

/// The policies of each bundle, beside the shipped ones.
const POLICIES: [&[&str]; 4] = [
    &[],
    &[
        "{match: {}, limits: {maxGpusPerJob: 12, maxPodsPerJob: 5, allowedImages: [\"ghcr.io/my-org/**\", \"rayproject/**\"]}, \
         defaults: {pods: {labels: {cost: a}, env: [{name: COST, value: a}]}}, \
         force: {head: {serviceType: ClusterIP}, pods: {nodeSelector: {pool: batch}}}}",
    ],
    &[
        "{match: {when: job.maxGpus > 8}, priority: 5, force: {workers: {labels: {size: large}}, pods: {priorityClassName: large}}}",
        "{match: {domains: [staging]}, priority: 6, limits: {maxGpusPerJob: 4}, force: {head: {serviceType: ClusterIP}}}",
        "{match: {}, priority: 1, limits: {maxTtlSeconds: 1000, clusterSelector: Forbid, podSecurity: baseline}, \
         rules: [{name: owner, when: job.maxGpus > 8, require: has(object.metadata.labels.owner), message: no owner}]}",
    ],
    &[
        "{match: {}, priority: 1, limits: {maxWorkersPerGroup: 4, maxCpusPerJob: \"100\", maxMemoryPerJob: 600Gi}, \
         defaults: {job: {labels: {kueue.x-k8s.io/queue-name: gpus}}, pods: {tolerations: [{key: spot, operator: Exists}]}}, \
         actions: {RG709: Deny, RG609: Deny, RG606: Deny}, \
         force: {lifecycle: {shutdownAfterJobFinishes: true}, workers: {restartPolicy: Never}}}",
    ],
];

static BUNDLES: LazyLock<Vec<Bundle>> = LazyLock::new(|| {
    POLICIES
        .iter()
        .enumerate()
        .map(|(at, policies)| {
            let mut text = PLATFORM.to_owned();
            for (number, spec) in policies.iter().enumerate() {
                let kind = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy";
                text.push_str(&format!(
                    "---\n{kind}\nmetadata: {{name: own-{number}}}\nspec: {spec}\n"
                ));
            }
            let shipped: Vec<Source> = EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect();
            let sources = [shipped, vec![Source::new("own.yaml", &text)]].concat();
            let loaded = raygate::policy::load(&sources, &known());
            let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
            assert!(loaded.is_usable(), "bundle {at}: {errors:#?}");
            Bundle::new(loaded.set)
        })
        .collect()
});

/// A cluster of a head and two workers with four GPUs each, as an object of a kind.
pub fn manifest(kind: &Kind) -> Value {
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs/seed-01-gpu-training.json");
    let mut job: Value = serde_json::from_slice(&fs::read(seed).unwrap()).unwrap();
    let metadata = job["metadata"].as_object_mut().unwrap();
    metadata.remove("ownerReferences");
    metadata.insert("name".to_owned(), json!("train"));
    let group = &mut job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0];
    for (key, count) in [("replicas", 2), ("minReplicas", 2), ("maxReplicas", 2)] {
        group[key] = count.into();
    }
    let resources = &mut group["template"]["spec"]["containers"][0]["resources"];
    for list in ["requests", "limits"] {
        resources[list] = json!({"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "4"});
    }
    kind.from_job(Tree::of(&job).unwrap().root())
}

/// Denials by code and place, each with how bad it is.
pub type Denials = BTreeMap<(String, String), i64>;

/// The model: the stored object, the policies in use, and what has happened.
pub struct World {
    pub kind: &'static Kind,
    seed: u64,
    bundle: usize,
    pub stored: Option<Value>,
    pub generation: u64,
    /// What the author's file says.
    pub manifest: Value,
    /// What was applied last on the server's side.
    pub applied: Option<Value>,
    /// What denies the stored object and which forced values it lacks since the policies changed.
    excused: (Denials, BTreeSet<String>),
    /// Whether the RayCronJob was admitted under the policies in use, with a warning that its RayJobs will be denied or not.
    pub told: Option<bool>,
    log: Vec<String>,
    pub accepted: usize,
    pub refused: usize,
    pub built: usize,
}

impl World {
    pub fn new(kind: &'static Kind, seed: u64, random: &mut Random) -> World {
        let mut manifest = manifest(kind);
        crate::edits::vary(&mut manifest, kind, random);
        World {
            kind,
            seed,
            bundle: random.below(BUNDLES.len()),
            stored: None,
            generation: 0,
            manifest,
            applied: None,
            excused: (Denials::new(), BTreeSet::new()),
            told: None,
            log: Vec::new(),
            accepted: 0,
            refused: 0,
            built: 0,
        }
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.log.push(text.into());
    }

    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        panic!(
            "{} seed {}: {why}\nbundle {}, after:\n  {}\nstored: {}",
            self.kind.name,
            self.seed,
            self.bundle,
            self.log.join("\n  "),
            self.stored.as_ref().map_or_else(String::new, Value::to_string)
        )
    }

    /// Other policies from now on. What the object has is excused from now on.
    pub fn change_policies(&mut self, random: &mut Random) {
        self.bundle = random.below(BUNDLES.len());
        self.note(format!("policies: bundle {}", self.bundle));
        self.told = None;
        if let Some(stored) = &self.stored {
            self.excused = (self.denials(stored), self.unforced(stored));
        }
    }

    /// A request; whether it is accepted. An honest one must be.
    pub fn ask(&mut self, user: &str, what: &str, new: Value, is_honest: bool) -> bool {
        self.ask_with(true, user, what, new, is_honest)
    }

    /// A request that the mutating webhook may miss: it was not reachable, and its failures are ignored.
    pub fn ask_with(&mut self, mutates: bool, user: &str, what: &str, new: Value, is_honest: bool) -> bool {
        match self.admit(mutates, user, &new) {
            Err(denial) => {
                self.note(format!("{user}: {what}: refused: {denial}"));
                self.refused += 1;
                if is_honest {
                    self.fail(&format!("an honest request is refused: {denial}\nasked: {new}"));
                }
                false
            }
            Ok(object) => {
                self.note(format!("{user}: {what}"));
                self.accepted += 1;
                let before = self.stored.as_ref().map(|old| self.denials(old)).unwrap_or_default();
                let after = self.denials(&object);
                if let Some(((code, place), _)) = more(&before, &after) {
                    self.fail(&format!(
                        "an accepted request adds {code} at {place}\nasked: {new}\nstores: {object}"
                    ));
                }
                if self.stored.as_ref().map(|old| &old["spec"]) != Some(&object["spec"]) {
                    self.generation += 1;
                }
                self.stored = Some(object);
                true
            }
        }
    }

    fn admit(&mut self, mutates: bool, user: &str, new: &Value) -> Result<Value, String> {
        let old = self.stored.clone();
        let mut object = with_defaults(new);
        let is_mutated = mutates && match_request(user, old.as_ref(), &object);
        if is_mutated {
            let once = mutated(self.bundle, self.request(user, old.as_ref(), &object));
            let twice = mutated(self.bundle, self.request(user, old.as_ref(), &once));
            if once != twice {
                self.fail(&format!(
                    "a second pass changes something: {user}\nasked: {new}\nonce: {once}\ntwice: {twice}"
                ));
            }
            object = once;
        }
        // The status is written elsewhere.
        let map = object.as_object_mut().unwrap();
        match old.as_ref().and_then(|old| old.get("status")) {
            Some(status) => drop(map.insert("status".to_owned(), status.clone())),
            None => drop(map.remove("status")),
        }
        if !match_request(user, old.as_ref(), &object) {
            return Ok(object);
        }
        let outcome = answer_validate(&BUNDLES[self.bundle], self.request(user, old.as_ref(), &object));
        if outcome.verdict == Verdict::Retry && is_mutated {
            self.fail(&format!(
                "the mutating webhook left something: {:?}\nasked: {new}\nhas: {object}",
                outcome.changes
            ));
        }
        if self.kind.is_template() {
            let told = outcome
                .findings
                .iter()
                .any(|judged| judged.finding.message.contains("will be denied"));
            self.told = (outcome.verdict == Verdict::Allow).then_some(told);
        }
        match outcome.verdict {
            Verdict::Allow => Ok(object),
            _ => Err(denial(&outcome)),
        }
    }

    fn request(&self, user: &str, old: Option<&Value>, object: &Value) -> Request<'static> {
        Request {
            operation: if old.is_some() {
                Operation::Update
            } else {
                Operation::Create
            },
            namespace: NAMESPACE.to_owned(),
            user: user.to_owned(),
            object: Tree::of(object).unwrap(),
            old: old.map(|old| Tree::of(old).unwrap()),
            now: Timestamp::UNIX_EPOCH,
            facts: std::sync::Arc::default(),
        }
    }

    /// Whether an object made by a user passes both webhooks, of a kind that is not this world's.
    pub fn accepts(&self, user: &str, object: &Value) -> Result<(), String> {
        let object = with_defaults(object);
        if !match_request(user, None, &object) {
            return Ok(());
        }
        let once = mutated(self.bundle, self.request(user, None, &object));
        let outcome = answer_validate(&BUNDLES[self.bundle], self.request(user, None, &once));
        match outcome.verdict {
            Verdict::Allow => Ok(()),
            _ => Err(denial(&outcome)),
        }
    }

    /// What denies an object under the policies in use.
    pub fn denials(&self, object: &Value) -> Denials {
        let outcome = answer_as_is(&BUNDLES[self.bundle], self.request(TENANT, None, object));
        let denials = outcome.findings.iter().filter(|judged| judged.action == Action::Deny);
        let mut found = Denials::new();
        for judged in denials {
            let place = match judged.finder {
                Finder::Check(check) if check.is_job_wide() => String::new(),
                _ => by_names(&judged.finding.path, object),
            };
            let weight = found.entry((judged.code().to_owned(), place)).or_default();
            *weight = judged.finding.weight.max(*weight);
        }
        found
    }

    /// The places where an object differs from what the policies in use force.
    fn unforced(&self, object: &Value) -> BTreeSet<String> {
        let outcome = answer_mutate(&BUNDLES[self.bundle], self.request(TENANT, None, object));
        let forced = outcome.changes.iter().filter(|change| change.forced);
        forced
            .flat_map(|change| &change.places)
            .map(|place| by_names(place, object))
            .collect()
    }

    /// KubeRay builds pods from the stored object.
    pub fn build(&mut self) {
        let Some(stored) = self.stored.clone() else { return };
        self.built += 1;
        self.note("pods are built");
        if let Some(((code, place), _)) = more(&self.excused.0, &self.denials(&stored)) {
            self.fail(&format!("pods are built with {code} at {place}"));
        }
        if let Some(place) = self.unforced(&stored).difference(&self.excused.1).next() {
            self.fail(&format!("pods are built without the forced value at {place}"));
        }
    }

    /// Deletes the object. Nothing is asked.
    pub fn delete(&mut self) {
        self.note("deleted");
        self.stored = None;
        self.applied = None;
        self.told = None;
        self.excused = (Denials::new(), BTreeSet::new());
    }
}

fn mutated(bundle: usize, request: Request<'static>) -> Value {
    answer_mutate(&BUNDLES[bundle], request).document.value().to_value()
}

/// The first denial that is new or worse.
fn more<'d>(before: &Denials, after: &'d Denials) -> Option<(&'d (String, String), &'d i64)> {
    after
        .iter()
        .find(|(key, weight)| before.get(*key).is_none_or(|known| known < weight))
}

fn with_defaults(object: &Value) -> Value {
    let mut tree = Tree::of(object).unwrap();
    defaults::apply(&mut tree);
    tree.root().to_value()
}

fn denial(outcome: &Outcome<'_>) -> String {
    let denials = outcome.findings.iter().filter(|judged| judged.action == Action::Deny);
    denials
        .map(|judged| format!("{} {}: {}", judged.code(), judged.finding.path, judged.finding.message))
        .collect::<Vec<_>>()
        .join("; ")
}

/// A path in which elements of lists go by their names.
fn by_names(path: &path::Path, object: &Value) -> String {
    let mut at = Some(object);
    let mut text = String::new();
    for step in path.steps() {
        match step {
            Step::Key(key) => {
                at = at.and_then(|value| value.get(&**key));
                text.push_str(&format!("/{key}"));
            }
            Step::Index(index) => {
                at = at.and_then(|value| value.get(index));
                let name =
                    at.and_then(|value| ["groupName", "name", "key"].iter().find_map(|key| value[*key].as_str()));
                text.push_str(&format!("/{}", name.map_or_else(|| index.to_string(), str::to_owned)));
            }
        }
    }
    text
}
