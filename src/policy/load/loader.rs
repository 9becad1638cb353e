//! From the bytes of policy files to a set of policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::cel::{Place, Problem, condition};
use crate::diag::{self, Diagnostic, Sources, Span, any_error, suggest};
use crate::k8s::glob::Glob;
use crate::policy::exemption::Exemption;
use crate::policy::origin::Origin;
use crate::policy::read::{ReadLeaf, Reader, family};
use crate::policy::rule::{self, Rule};
use crate::policy::schema::{API_VERSION, DOCUMENTS, Field, Kind, METADATA, POLICY, SETTINGS};
use crate::policy::selector::{Key, PARTS, Selector};
use crate::policy::settings::{Action, Mode};
use crate::policy::{Platform, PolicySet, RayPolicy, SetLeaf, codes, platform};
use crate::yaml::{self, Limits, Node, Reading, Step, Style};

/// One policy file.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name shown to people.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Source {
    /// A file of this name and text.
    pub fn new(name: &str, text: &str) -> Source {
        Source {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }
}

/// The names that a policy may use of what this room does not know.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The checks.
    pub codes: Vec<KnownCode>,
    /// The names of the injectors.
    pub injectors: Vec<&'static str>,
}

/// A check, as far as policies can name it.
#[derive(Clone, Copy, Debug)]
pub struct KnownCode {
    /// Its code.
    pub code: &'static str,
    /// Whether it can repair.
    pub fixes: bool,
    /// Why no exemption may waive it, if none may.
    pub never_waived: Option<&'static str>,
    /// What happens to its findings where no policy says so.
    pub action: Action,
}

impl Known {
    /// The codes that an exemption may waive.
    pub fn waivable(&self) -> impl Iterator<Item = &'static str> {
        self.codes
            .iter()
            .filter(|known| known.never_waived.is_none())
            .map(|known| known.code)
    }

    pub(in crate::policy) fn code(&self, code: &str) -> Option<&KnownCode> {
        self.codes.iter().find(|known| known.code == code)
    }
}

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The policies; not to be used where a diagnostic is an error.
    pub set: PolicySet,
    /// The texts that the diagnostics point into.
    pub sources: Sources,
    /// Everything that was found, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the last days of the exemptions stand, in the order of [`PolicySet::exemptions`].
    pub(in crate::policy) last_days: Vec<Span>,
}

impl Loaded {
    /// Whether the policies can be used.
    pub fn is_usable(&self) -> bool {
        !any_error(&self.diagnostics)
    }
}

/// Reads policy files. Neither their order nor that of their documents means anything.
pub fn load(files: &[Source], known: &Known) -> Loaded {
    read(files, known, true)
}

/// Reads what is left of policy files. A Platform may be missing, and a policy that RayJobs can escape enforces more than
/// none: it only warns.
pub(super) fn load_rest(files: &[Source], known: &Known) -> Loaded {
    read(files, known, false)
}

fn read(files: &[Source], known: &Known, is_whole: bool) -> Loaded {
    let mut loader = Loader {
        known,
        is_whole,
        sources: Sources::new(),
        reader: Reader::default(),
        policies: vec![],
        exemptions: vec![],
        waived_rules: vec![],
        platforms: vec![],
        rule_names: BTreeMap::new(),
    };
    let mut files: Vec<&Source> = files.iter().collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut documents = Vec::new();
    for file in files {
        let (source, nodes, diagnostics) = yaml::read(
            &mut loader.sources,
            &file.name,
            &file.bytes,
            Reading::Cautious,
            &Limits::policies(),
        );
        if nodes.is_empty() && !any_error(&diagnostics) {
            let span = Span::new(source, 0, 0);
            let diagnostic = error(codes::EMPTY_FILE, span, "the file contains no document".to_owned());
            loader.push(diagnostic.help("restore its policies, or delete the file to remove them"));
        }
        loader.reader.diagnostics.extend(diagnostics);
        documents.extend(nodes);
    }
    for node in &documents {
        loader.document(node);
    }
    loader.finish(&documents)
}

pub(super) struct Read {
    pub(super) policy: RayPolicy,
    pub(super) name_span: Span,
    pub(super) leaves: Vec<ReadLeaf>,
    /// The labels that it matches by, projects and domains, each with the place that says so.
    pub(super) labels: Vec<(Key, Span)>,
}

/// An exemption, and where its name and its last day stand.
pub(super) struct ReadExemption {
    pub(super) exemption: Exemption,
    pub(super) last_day: Span,
    pub(super) name_span: Span,
}

pub(super) struct Loader<'a> {
    pub(super) known: &'a Known,
    /// Whether these are all documents.
    pub(super) is_whole: bool,
    pub(super) sources: Sources,
    pub(super) reader: Reader,
    pub(super) policies: Vec<Read>,
    pub(super) exemptions: Vec<ReadExemption>,
    /// The rules that exemptions waive, by name.
    pub(super) waived_rules: Vec<(String, Span)>,
    /// The `spec`s of the sound documents of kind Platform.
    pub(super) platforms: Vec<Node>,
    pub(super) rule_names: BTreeMap<String, Span>,
}

/// The keys of a document.
pub(super) const TOP: &[&str] = &["apiVersion", "kind", "metadata", "spec"];

pub(super) fn error(code: &'static str, span: Span, message: String) -> Diagnostic {
    Diagnostic::error(code, message).at(span, "")
}

pub(super) fn same_name(what: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(codes::DUPLICATE_NAME, format!("there are two {what} named `{name}`"))
        .at(span, "")
        .and_at(first, "the first")
        .help("give one of them another name")
}

impl Loader<'_> {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.reader.diagnostics.push(diagnostic);
    }

    pub(super) fn document(&mut self, node: &Node) {
        let version = node.get("apiVersion").and_then(Node::as_str);
        let kind = node.get("kind").and_then(Node::as_str);
        if node.as_mapping().is_none() || version != Some(API_VERSION) {
            let keys = || node.as_mapping().unwrap_or_default().iter().map(|entry| &entry.key);
            let misspelt = keys().find(|key| suggest(&key.text, ["apiVersion"]).is_some());
            let span = match (node.get("apiVersion"), misspelt) {
                (Some(version), _) => version.span,
                (None, Some(key)) => key.span,
                (None, None) => node.locate(&[]),
            };
            let message = match version {
                Some(version) => format!("apiVersion {} is not {API_VERSION}", diag::quoted(version)),
                None => format!("the document has no `apiVersion: {API_VERSION}`"),
            };
            let help = match version {
                Some(version) if version.starts_with("raygate.dev/") => format!("write `apiVersion: {API_VERSION}`"),
                None if misspelt.is_some() => "did you mean `apiVersion`?".to_owned(),
                _ => "policy files hold policies only; keep other files outside the policy directory".to_owned(),
            };
            return self.push(error(codes::NOT_A_POLICY, span, message).help(help));
        }
        let Some(document) = DOCUMENTS.iter().find(|document| Some(document.kind) == kind) else {
            let span = node.locate(&[Step::Key("kind")]);
            let kinds: Vec<&str> = DOCUMENTS.iter().map(|document| document.kind).collect();
            let help = match kind.and_then(|kind| suggest(kind, kinds.iter().copied())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the kinds are {}", diag::listed(&kinds)),
            };
            let message = match (kind, node.get("kind")) {
                (Some(kind), _) => format!("there is no kind {}", diag::quoted(kind)),
                (None, Some(kind)) => format!("`kind` wants a name, this is {}", kind.kind()),
                (None, None) => "the document has no `kind`".to_owned(),
            };
            return self.push(error(codes::NOT_A_POLICY, span, message).help(help));
        };
        let before = self.reader.diagnostics.len();
        for entry in node.as_mapping().unwrap_or_default() {
            let key = entry.key.text.as_str();
            if !TOP.contains(&key) {
                self.reader.unknown_key(entry.key.span, key, TOP, document.kind);
            }
        }
        let Some(spec) = node.get("spec") else {
            let message = format!("a {} needs a `spec`", document.kind);
            let example = if document.named { "{match: {}}" } else { "{}" };
            let diagnostic = error(codes::MISSING_KEY, node.locate(&[Step::Key("kind")]), message);
            return self.push(diagnostic.help(format!("for example `spec: {example}`")));
        };
        self.reader.object(spec, document.spec, "spec");
        let metadata = node.get("metadata");
        if let Some(metadata) = metadata {
            self.reader.object(metadata, METADATA, "metadata");
        }
        let name = metadata.and_then(|metadata| metadata.get("name"));
        if document.named && name.is_none() {
            let diagnostic = error(
                codes::MISSING_KEY,
                node.locate(&[]),
                format!("a {} needs a `metadata.name`", document.kind),
            );
            self.push(diagnostic.help("for example `metadata: {name: base}`"));
        }
        let is_sound = !any_error(self.reader.diagnostics.get(before..).unwrap_or_default());
        match document.kind {
            "Platform" if is_sound => self.platforms.push(spec.clone()),
            "Platform" => {}
            "Exemption" => self.exemption(spec, name, is_sound),
            _ => self.policy(spec, name, is_sound),
        }
    }

    pub(super) fn policy(&mut self, spec: &Node, name: Option<&Node>, is_sound: bool) {
        let Some(name) = name.filter(|name| name.as_str().is_some()) else {
            return;
        };
        let text = name.as_str().unwrap_or_default();
        if let Some(first) = self.policies.iter().find(|read| &*read.policy.name == text) {
            let first = first.name_span;
            return self.push(same_name("policies", text, name.span, first));
        }
        self.names(spec);
        let policy_name: Arc<str> = text.into();
        let matches = spec.get("match").map(|node| self.selector(node)).unwrap_or_default();
        let excludes: Vec<Selector> = spec
            .get("exclude")
            .and_then(Node::as_sequence)
            .unwrap_or_default()
            .iter()
            .map(|node| self.selector(node))
            .collect();
        let labels = labels(&matches, spec.get("match"));
        let rules = self.rules(&policy_name, spec);
        if !is_sound {
            return;
        }
        let mut leaves = Reader::leaves(spec, POLICY, &["defaults", "force", "limits", "actions", "roll"]);
        self.spread_families(&mut leaves);
        let texts = |key: &str| -> Vec<String> {
            let items = spec.get(key).and_then(Node::as_sequence).unwrap_or_default();
            items.iter().filter_map(Node::as_str).map(str::to_owned).collect()
        };
        let policy = RayPolicy {
            mode: spec
                .get("mode")
                .and_then(|mode| serde_json::from_value(mode.to_json()).ok())
                .unwrap_or(Mode::Enforce),
            priority: spec
                .get("priority")
                .and_then(|priority| priority.to_json().as_i64())
                .unwrap_or(0),
            matches,
            excludes,
            rules,
            allow_skip: texts("allowSkip"),
            leaves: leaves.iter().map(|leaf| self.set_leaf(&policy_name, leaf)).collect(),
            unset: texts("unset")
                .iter()
                .filter_map(|leaf| keys_of(SETTINGS, leaf))
                .collect(),
            origin: self.origin(&policy_name, name.span),
            name: policy_name,
        };
        self.policies.push(Read {
            policy,
            name_span: name.span,
            leaves,
            labels,
        });
    }

    /// Puts a leaf for each check of a family in place of the family's, unless the policy names the check itself.
    fn spread_families(&self, leaves: &mut Vec<ReadLeaf>) {
        let of_family = |leaf: &ReadLeaf| match leaf.path.as_slice() {
            [group, code] if group == "actions" => family(code).map(str::to_owned),
            _ => None,
        };
        let (families, named): (Vec<_>, Vec<_>) = std::mem::take(leaves)
            .into_iter()
            .partition(|leaf| of_family(leaf).is_some());
        *leaves = named;
        for leaf in families {
            let prefix = of_family(&leaf).unwrap_or_default();
            for known in self.known.codes.iter().filter(|known| known.code.starts_with(&prefix)) {
                let path = vec!["actions".to_owned(), known.code.to_owned()];
                if !leaves.iter().any(|named| named.path == path) {
                    leaves.push(ReadLeaf { path, ..leaf.clone() });
                }
            }
        }
    }

    /// The names of checks, injectors and leaves that a policy uses.
    pub(super) fn names(&mut self, spec: &Node) {
        for entry in spec.get("actions").and_then(Node::as_mapping).unwrap_or_default() {
            let code = entry.key.text.as_str();
            let diagnostic = match self.known.code(code) {
                None if family(code)
                    .is_some_and(|prefix| self.known.codes.iter().all(|known| !known.code.starts_with(prefix))) =>
                {
                    error(
                        codes::UNKNOWN_CODE,
                        entry.key.span,
                        format!("no check is of the family {code}"),
                    )
                    .help("`raygate explain` lists the codes")
                }
                None if family(code).is_some() && entry.value.as_str() == Some("Fix") => error(
                    codes::CANNOT_FIX,
                    entry.value.span,
                    format!("not every check of the family {code} can repair"),
                )
                .help("use Deny, Warn, Audit or Ignore, and Fix for single codes"),
                None if code.starts_with("RG") && code.len() == 5 => self.unknown_code(code, entry.key.span),
                Some(known) if !known.fixes && entry.value.as_str() == Some("Fix") => error(
                    codes::CANNOT_FIX,
                    entry.value.span,
                    format!("the check {code} cannot repair"),
                )
                .help("use Deny, Warn, Audit or Ignore"),
                _ => continue,
            };
            self.push(diagnostic);
        }
        for item in spec.get("allowSkip").and_then(Node::as_sequence).unwrap_or_default() {
            let Some(name) = item.as_str().filter(|name| !self.known.injectors.contains(name)) else {
                continue;
            };
            let near = suggest(name, self.known.injectors.iter().copied()).map_or_else(
                || format!("the injectors are {}", diag::listed(&self.known.injectors)),
                |near| format!("did you mean `{near}`?"),
            );
            let diagnostic = error(
                codes::BAD_VALUE,
                item.span,
                format!("there is no injector {}", diag::quoted(name)),
            );
            self.push(diagnostic.help(near));
        }
        for item in spec.get("unset").and_then(Node::as_sequence).unwrap_or_default() {
            let Some(leaf) = item.as_str() else { continue };
            if keys_of(SETTINGS, leaf).is_none() {
                let message = format!("there is no leaf {}", diag::quoted(leaf));
                self.push(error(codes::UNKNOWN_LEAF, item.span, message).help(leaf_meant(leaf)));
            }
        }
    }

    pub(super) fn unknown_code(&self, code: &str, span: Span) -> Diagnostic {
        let known = || self.known.codes.iter().map(|known| known.code);
        // Of equally near ones, the one of the same family.
        let family = known().filter(|known| known.get(..3) == code.get(..3));
        let help = suggest(code, family.chain(known())).map_or_else(
            || "`raygate explain` lists the codes".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        error(codes::UNKNOWN_CODE, span, format!("no check has the code {code}")).help(help)
    }

    pub(super) fn selector(&mut self, node: &Node) -> Selector {
        let globs = |node: &Node| -> Vec<Glob> {
            let items = node.as_sequence().unwrap_or_default().iter();
            items.filter_map(Node::as_str).map(Glob::new).collect()
        };
        let entries = node.as_mapping().unwrap_or_default();
        let patterns = entries
            .iter()
            .filter_map(|entry| Some((Key::of(&entry.key.text)?, globs(&entry.value))))
            .collect();
        let when_span = node.get("when").map(|node| node.span);
        let when = node.get("when").and_then(|node| {
            let text = node.as_str().filter(|text| !text.is_empty())?;
            match condition(text, Place::When) {
                Ok(program) => Some(Arc::new(program)),
                Err(problems) => {
                    self.expression(node, problems);
                    None
                }
            }
        });
        Selector {
            patterns,
            when,
            when_span,
        }
    }

    pub(super) fn rules(&mut self, policy: &Arc<str>, spec: &Node) -> Vec<Arc<Rule>> {
        let mut rules = Vec::new();
        for node in spec.get("rules").and_then(Node::as_sequence).unwrap_or_default() {
            let name = node.get("name").filter(|name| name.as_str().is_some());
            let origin = self.origin(policy, name.map_or(node.span, |name| name.span));
            let mut found = Vec::new();
            let rule = rule::read(node, || origin, |node, problems| found.push((node.clone(), problems)));
            for (node, problems) in found {
                self.expression(&node, problems);
            }
            if let Some(name) = name {
                let text = name.as_str().unwrap_or_default();
                match self.rule_names.get(text) {
                    Some(first) => {
                        let diagnostic = same_name("rules", text, name.span, *first);
                        self.push(diagnostic);
                    }
                    None => {
                        self.rule_names.insert(text.to_owned(), name.span);
                    }
                }
            }
            rules.extend(rule.map(Arc::new));
        }
        rules
    }

    /// What is wrong with the expression in a scalar, each at its place inside it.
    pub(super) fn expression(&mut self, node: &Node, problems: Vec<Problem>) {
        for problem in problems {
            let source = self.sources.get(node.span.source);
            let span = source.map_or(node.span, |source| node.within(source, problem.range));
            let diagnostic = error(codes::BAD_EXPRESSION, span, problem.message);
            let cut = source.is_some_and(|source| is_cut_at_a_comma(node, source));
            let comma = "between braces a comma ends the value: put the expression in quotes".to_owned();
            let help = problem.help.into_iter().chain(cut.then_some(comma));
            self.push(help.fold(diagnostic, Diagnostic::help));
        }
    }

    pub(super) fn set_leaf(&self, policy: &Arc<str>, leaf: &ReadLeaf) -> SetLeaf {
        SetLeaf {
            path: leaf.path.clone(),
            value: leaf.value.clone(),
            origin: self.origin(policy, leaf.span),
        }
    }

    pub(super) fn origin(&self, policy: &Arc<str>, span: Span) -> Arc<Origin> {
        let place = self.sources.location(span);
        Arc::new(Origin {
            policy: Arc::clone(policy),
            file: self.sources.name(span.source).into(),
            line: place.map_or(0, |place| place.line),
            column: place.map_or(0, |place| place.column),
        })
    }

    pub(super) fn finish(mut self, documents: &[Node]) -> Loaded {
        let platform_name: Arc<str> = "Platform".into();
        let (platform, found) = platform::join(&self.platforms, |span| self.origin(&platform_name, span));
        self.reader.diagnostics.extend(found);
        self.accelerators(&platform);
        self.waived_rules_exist();
        self.conflicts();
        self.escapes(&platform);
        if self.policies.is_empty() && !any_error(&self.reader.diagnostics) {
            let message = "no RayPolicy was found: RayJobs are only checked";
            self.push(
                Diagnostic::warning(codes::NOTHING_LOADED, message)
                    .help("policies stand in files *.yaml below the policy directories, but not in *.test.yaml"),
            );
        }
        let acts = |node: &&Node| {
            let mode = node
                .get("spec")
                .and_then(|spec| spec.get("mode"))
                .and_then(Node::as_str);
            !matches!(mode, Some("Preview" | "Disabled"))
        };
        let acting_digest = digest(documents.iter().filter(acts));
        let digest = digest(documents.iter());
        let mut policies: Vec<RayPolicy> = self.policies.into_iter().map(|read| read.policy).collect();
        policies.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        self.exemptions.sort_by(|a, b| a.exemption.name.cmp(&b.exemption.name));
        let last_days = self.exemptions.iter().map(|read| read.last_day).collect();
        let exemptions = self.exemptions.into_iter().map(|read| read.exemption).collect();
        let mut diagnostics = self.reader.diagnostics;
        let place = |diagnostic: &Diagnostic| diagnostic.primary.as_ref().map(|(span, _)| (span.source, span.start));
        diagnostics.sort_by_key(place);
        Loaded {
            set: PolicySet {
                platform,
                policies,
                exemptions,
                digest,
                acting_digest,
            },
            sources: self.sources,
            diagnostics,
            last_days,
        }
    }

    pub(super) fn accelerators(&mut self, platform: &Platform) {
        let mut found = Vec::new();
        for leaf in self.policies.iter().flat_map(|read| &read.leaves) {
            let [group, limit, name] = leaf.path.as_slice() else {
                continue;
            };
            if (group.as_str(), limit.as_str()) != ("limits", "accelerators") {
                continue;
            }
            if platform.accelerators.contains_key(name) {
                continue;
            }
            let names: Vec<&str> = platform.accelerators.keys().map(String::as_str).collect();
            let help = match suggest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => {
                    "describe it under `accelerators` in the document of kind Platform".to_owned()
                }
                None => format!("the Platform has {}", diag::listed(&names)),
            };
            found.push(
                Diagnostic::error(
                    codes::UNKNOWN_ACCELERATOR,
                    format!("the Platform has no accelerator {}", diag::quoted(name)),
                )
                .at(leaf.span, "")
                .help(help),
            );
        }
        for leaf in self.policies.iter().flat_map(|read| &read.leaves) {
            let [_, section, resource] = leaf.path.as_slice() else {
                continue;
            };
            let Some(name) = leaf.value.as_str().filter(|_| section == "accelerators") else {
                continue;
            };
            let message = match platform.accelerators.get(name) {
                None => format!("the Platform has no accelerator {}", diag::quoted(name)),
                Some(kind) if kind.resource.as_ref() != Some(resource) => match &kind.resource {
                    Some(other) => format!("the accelerator `{name}` is for {other}, not for {resource}"),
                    None => format!("the accelerator `{name}` has no `resource`, so it is not for {resource}"),
                },
                Some(_) => continue,
            };
            let kinds = platform.accelerators.iter();
            let names: Vec<&str> = kinds
                .filter(|(_, kind)| kind.resource.as_ref() == Some(resource))
                .map(|(name, _)| name.as_str())
                .collect();
            let help = match suggest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => {
                    format!("describe one for {resource} under `accelerators` in the document of kind Platform")
                }
                None => format!("for {resource} the Platform has {}", diag::listed(&names)),
            };
            found.push(
                Diagnostic::error(codes::UNKNOWN_ACCELERATOR, message)
                    .at(leaf.value_span, "")
                    .help(help),
            );
        }
        self.reader.diagnostics.extend(found);
    }

    /// Leaves that two policies of equal priority set differently, and that may meet in one RayJob.
    pub(super) fn conflicts(&mut self) {
        type Setters<'a> = Vec<(&'a Read, &'a ReadLeaf)>;
        let mut setters: BTreeMap<(i64, &[String]), Setters<'_>> = BTreeMap::new();
        for read in self.policies.iter().filter(|read| read.policy.mode != Mode::Disabled) {
            for leaf in &read.leaves {
                setters
                    .entry((read.policy.priority, &leaf.path))
                    .or_default()
                    .push((read, leaf));
            }
        }
        let mut found = Vec::new();
        for ((priority, path), setters) in &setters {
            for (position, (second, second_leaf)) in setters.iter().enumerate() {
                let clash = setters.iter().take(position).find(|(first, first_leaf)| {
                    first_leaf.value != second_leaf.value && !first.policy.matches.is_disjoint(&second.policy.matches)
                });
                let Some((first, first_leaf)) = clash else { continue };
                let message = format!(
                    "policies `{}` and `{}` of priority {priority} both set `{}`, to {} and {}",
                    first.policy.name,
                    second.policy.name,
                    path.join("."),
                    shown(&first_leaf.value),
                    shown(&second_leaf.value)
                );
                found.push(
                    Diagnostic::error(codes::CONFLICT, message)
                        .at(second_leaf.span, format!("`{}` sets it here", second.policy.name))
                        .and_at(first_leaf.span, format!("`{}` sets it here", first.policy.name))
                        .help("give one of them a higher `priority`, or matches that exclude each other"),
                );
            }
        }
        self.reader.diagnostics.extend(found);
    }

    /// Policies that match by a label which their Platform cannot derive from the namespace. Nobody escapes a default: without
    /// the label, an object gets less.
    fn escapes(&mut self, platform: &Platform) {
        let template = platform.flyte.namespace.as_deref().unwrap_or_default();
        let enforces = |policy: &RayPolicy| {
            let mut groups = policy.leaves.iter().filter_map(|leaf| leaf.path.first());
            !policy.rules.is_empty() || groups.any(|group| group != "defaults")
        };
        let mut found = Vec::new();
        for read in &self.policies {
            if read.policy.mode == Mode::Disabled || !enforces(&read.policy) {
                continue;
            }
            let derived = |key: Key| {
                PARTS
                    .iter()
                    .any(|(known, part)| *known == key && template.contains(part))
            };
            let Some((key, span)) = read.labels.iter().find(|(key, _)| !derived(*key)) else {
                continue;
            };
            let label = if *key == Key::Projects { "project" } else { "domain" };
            let message = format!(
                "policy `{}` matches by {label}, and the Platform has no `flyte.namespace` with {{{label}}}: a RayJob that does not \
                 name its {label} escapes the policy",
                read.policy.name
            );
            let diagnostic = match self.is_whole {
                true => Diagnostic::error(codes::LABEL_ESCAPES, message),
                false => Diagnostic::warning(codes::LABEL_ESCAPES, message),
            };
            let help = "set `flyte: {namespace: \"{project}-{domain}\"}` in the Platform, or match by `namespaces`";
            found.push(diagnostic.at(*span, "").help(help));
        }
        self.reader.diagnostics.extend(found);
    }
}

/// The labels that a `match` rests on, projects and domains, each with its place.
fn labels(selector: &Selector, node: Option<&Node>) -> Vec<(Key, Span)> {
    let reads = |label: &str| {
        let when = selector.when.as_ref().filter(|when| when.uses_identity());
        let named = |read: &String| read.strip_prefix("job.flyte.").map(|field| field == label);
        // It looks at them, or at the identity as a whole.
        when.is_some_and(|when| {
            let mut named = when.reads().iter().filter_map(named).peekable();
            named.peek().is_none() || named.any(|is_it| is_it)
        })
    };
    let of = |(key, name, label): (Key, &str, &str)| {
        let span = node.and_then(|node| node.get(name)).map(|node| node.span);
        let span = span.or_else(|| selector.when_span.filter(|_| reads(label)))?;
        Some((key, span))
    };
    let labels = [
        (Key::Projects, "projects", "project"),
        (Key::Domains, "domains", "domain"),
    ];
    labels.into_iter().filter_map(of).collect()
}

/// Whether an expression without quotes was cut inside its brackets, at a comma, which ends a value between braces.
pub(super) fn is_cut_at_a_comma(node: &Node, source: &diag::Source) -> bool {
    let text = node.as_str().unwrap_or_default();
    let is_open = text.matches(['(', '[']).count() > text.matches([')', ']']).count();
    let rest = source.text.get(node.span.end..).unwrap_or_default();
    node.style == Style::Plain && is_open && rest.trim_start().starts_with(',')
}

/// What was probably meant by a name of `unset` that is no leaf.
pub(super) fn leaf_meant(leaf: &str) -> String {
    let path: Vec<&str> = leaf.split('.').collect();
    let known = leaf_names();
    if let [group @ ("defaults" | "force"), rest @ ..] = path.as_slice()
        && keys_of(SETTINGS, &rest.join(".")).is_some()
    {
        return format!("leave `{group}.` out: {}", rest.join("."));
    }
    if let ["limits" | "actions", ..] = path.as_slice() {
        return "limits and actions are not taken back; set them anew with a higher `priority`".to_owned();
    }
    if let Some(near) = suggest(leaf, known.iter().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    let section = format!("{}.", path.first().copied().unwrap_or_default());
    let below: Vec<&str> = known.iter().filter_map(|name| name.strip_prefix(&section)).collect();
    match path.first() {
        Some(section) if !below.is_empty() => format!("`{section}` has: {}", below.join(", ")),
        _ => {
            let sections: Vec<&str> = SETTINGS.iter().map(|field| field.key).collect();
            format!("leaves begin with {}", diag::listed(&sections))
        }
    }
}

/// The keys down to a leaf of the settings, or to something above leaves, that a text names with dots between them.
/// Below a map all of the rest is one key, which may have dots of its own.
pub(super) fn keys_of(fields: &[Field], text: &str) -> Option<Vec<String>> {
    let (first, rest) = match text.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    };
    let kind = fields.iter().find(|field| field.key == first)?.kind;
    let below = match (kind, rest) {
        (_, None) => vec![],
        (Kind::Object(fields), Some(rest)) => keys_of(fields, rest)?,
        (Kind::Map(..) | Kind::Keyed(..) | Kind::Set(_), Some(rest)) => vec![rest.to_owned()],
        _ => return None,
    };
    Some(std::iter::once(first.to_owned()).chain(below).collect())
}

/// The names of all leaves of the settings, in the order of the table.
pub fn leaf_names() -> Vec<String> {
    fn walk(fields: &[Field], prefix: &str, out: &mut Vec<String>) {
        for field in fields {
            let name = if prefix.is_empty() {
                field.key.to_owned()
            } else {
                format!("{prefix}.{}", field.key)
            };
            match field.kind {
                Kind::Object(fields) => walk(fields, &name, out),
                _ => out.push(name),
            }
        }
    }
    let mut names = Vec::new();
    walk(SETTINGS, "", &mut names);
    names
}

/// The digest over the documents without their places and their order.
pub(super) fn digest<'n>(documents: impl Iterator<Item = &'n Node>) -> String {
    let mut texts: Vec<String> = documents.map(|node| node.to_json().to_string()).collect();
    texts.sort_unstable();
    let mut hasher = Sha256::new();
    for text in &texts {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The words of a value, for a message: text without its quotation marks, else JSON.
fn shown(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
