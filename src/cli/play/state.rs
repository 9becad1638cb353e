//! What the page holds: the texts of its editors and its controls. A link to the page has all of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::time::time;
use crate::diag::{Diagnostic, Sources, Span};
use crate::engine::bundle::known;
use crate::engine::{Bundle, Operation};
use crate::facts::{self, Facts, FactsError};
use crate::input::request::{Overrides, Requests};
use crate::input::{self, InputError, Piece, asked::Found};
use crate::json::Tree;
use crate::play::Wrong;
use crate::policy::load::{Loaded, Source, load};
use crate::ray::KubeRay;
use crate::yaml::{self, Limits, Node, Reading, Step};

/// The name of the object's text in diagnostics.
pub(super) const OBJECT: &str = "object";
/// The name of the text with the object as it is.
pub(super) const OLD: &str = "old object";
/// The name of the facts' text.
pub(super) const FACTS: &str = "facts";

/// The page's texts and controls. Those that are missing are empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct State {
    /// The object.
    pub(super) object: String,
    /// The object as it is, for an update.
    pub(super) old: String,
    /// The policy files.
    pub(super) policies: Vec<PolicyFile>,
    /// Facts about the cluster; none where this is blank.
    pub(super) facts: String,
    /// Who asks; who would probably ask where it is empty.
    pub(super) user: String,
    /// The namespace; the object's own where it is empty.
    pub(super) namespace: String,
    /// `UPDATE`; anything else creates.
    pub(super) operation: String,
    /// The KubeRay release; the Platform's where it is empty.
    pub(super) kuberay: String,
    /// The date or time; now where it is empty.
    pub(super) date: String,
}

/// A policy file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PolicyFile {
    /// Its name.
    pub(super) name: String,
    /// Its text.
    pub(super) text: String,
}

impl State {
    /// Reads what the page sends.
    pub(super) fn read(value: &Value) -> Result<State, Wrong> {
        let state: State = serde_json::from_value(value.clone()).map_err(|error| Wrong::Input(error.to_string()))?;
        let mut names = BTreeSet::from([OBJECT, OLD, FACTS]);
        match state.policies.iter().find(|file| !names.insert(&file.name)) {
            Some(file) => Err(Wrong::Input(format!("two files are named {:?}", file.name))),
            None => Ok(state),
        }
    }

    /// The policies, broken or not.
    pub(super) fn load(&self) -> Loaded {
        let files: Vec<Source> = self
            .policies
            .iter()
            .map(|file| Source::new(&file.name, &file.text))
            .collect();
        load(&files, &known())
    }

    /// The policies for the release of KubeRay that is asked for.
    ///
    /// # Errors
    /// If that is no release.
    pub(super) fn bundle(&self, loaded: &Loaded) -> Result<Bundle, Wrong> {
        let mut set = loaded.set.clone();
        if !self.kuberay.is_empty() {
            set.platform.kuberay = self.kuberay.parse::<KubeRay>().map_err(Wrong::Input)?;
            set.platform.names_kuberay = true;
        }
        Ok(Bundle::new(set))
    }

    /// The time of the request.
    ///
    /// # Errors
    /// If the date is none.
    pub(super) fn now(&self) -> Result<Timestamp, Wrong> {
        match self.date.trim() {
            "" => Ok(Timestamp::now()),
            date => time(date).map_err(Wrong::Input),
        }
    }

    /// Whether the object is updated.
    pub(super) fn is_update(&self) -> bool {
        self.operation == Operation::Update.name()
    }

    /// What the controls say of every request; the diagnostics are those of the old object's text.
    pub(super) fn overrides(&self) -> (Overrides, Sources, Vec<Diagnostic>) {
        let mut overrides = Overrides {
            user: Some(self.user.clone()).filter(|user| !user.is_empty()),
            namespace: Some(self.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            operation: self.is_update().then_some(Operation::Update),
            old: Vec::new(),
        };
        let (sources, diagnostics) = if self.is_update() {
            self.read_old(&mut overrides.old)
        } else {
            (Sources::new(), Vec::new())
        };
        (overrides, sources, diagnostics)
    }

    fn read_old(&self, old: &mut Vec<Tree<'static>>) -> (Sources, Vec<Diagnostic>) {
        let (mut kept, mut diagnostics) = (Sources::new(), Vec::new());
        let Ok(mut requests) = Requests::new(Overrides::default(), None) else {
            return (kept, diagnostics);
        };
        // Without an override no document is refused, and so nothing ends the reading.
        let _: Result<(), InputError> = input::read_text(OLD, &self.old, &Sources::new(), &mut |sources, piece| {
            kept = sources.clone();
            match piece {
                Piece::Document(_, node) => {
                    if let Found::Asked(asked) = requests.of(node)? {
                        old.push(asked.object);
                    }
                }
                Piece::Unreadable(diagnostic) => diagnostics.push(diagnostic.clone()),
                Piece::Remark(_) => {}
            }
            Ok(())
        });
        (kept, diagnostics)
    }

    /// The facts, or none with what is wrong with their text.
    pub(super) fn read_facts(&self) -> (Arc<Facts>, Sources, Vec<Diagnostic>) {
        let mut sources = Sources::new();
        if self.facts.trim().is_empty() {
            return (Facts::none(), sources, Vec::new());
        }
        let (id, documents, mut diagnostics) = yaml::read(
            &mut sources,
            FACTS,
            self.facts.as_bytes(),
            Reading::Kubectl,
            &Limits::manifests(),
        );
        diagnostics.retain(Diagnostic::is_error);
        if !diagnostics.is_empty() {
            return (Facts::none(), sources, diagnostics);
        }
        match Facts::parse(FACTS, self.facts.as_bytes()) {
            Ok(facts) => (Arc::new(facts.timeless()), sources, diagnostics),
            Err(error) => {
                let span = documents
                    .first()
                    .map_or(Span::new(id, 0, 0), |document| place_of(&error, document));
                let diagnostic = Diagnostic::error("facts", format!("these are no facts: {error}")).at(span, "");
                (Facts::none(), sources, vec![diagnostic])
            }
        }
    }
}

/// Where an error in facts is.
fn place_of(error: &FactsError, document: &Node) -> Span {
    let within = |place: &str| {
        let keys: Vec<&str> = place.split('.').filter(|key| *key != facts::KIND).collect();
        let steps: Vec<Step<'_>> = keys.iter().map(|key| Step::Key(key)).collect();
        (document.at(&steps), document.locate(&steps))
    };
    match error {
        FactsError::Key { key, place, .. } => {
            let (holder, span) = within(place);
            let entry = holder.and_then(|holder| holder.entry(key.trim_matches('`')));
            entry.map_or(span, |entry| entry.key.span)
        }
        FactsError::Field { place, .. } => within(place).1,
        FactsError::Version(_) => within("apiVersion").1,
        FactsError::Kind(_) | FactsError::Unreadable(_) | FactsError::Empty | FactsError::Documents => within("kind").1,
    }
}
