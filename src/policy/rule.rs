//! The platform's own rules, in the language of [`crate::cel`].

use std::sync::Arc;

use crate::cel::{Message, Place, Problem, Program, condition};
use crate::yaml::Node;

use super::origin::Origin;
use super::settings::Action;

/// What a rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Each {
    /// The RayJob as a whole.
    #[default]
    Job,
    /// Each pod template.
    Pod,
    /// Each container, init containers included.
    Container,
}

impl Each {
    /// Every one with its meaning.
    pub const ALL: &[(&str, &str)] = &[
        ("Job", "the object as a whole"),
        (
            "Pod",
            "each pod template: the head's, each worker group's, the submitter's",
        ),
        ("Container", "each container of each pod, init containers included"),
    ];

    fn of(name: &str) -> Each {
        match name {
            "Pod" => Each::Pod,
            "Container" => Each::Container,
            _ => Each::Job,
        }
    }

    fn place(self) -> Place {
        match self {
            Each::Job => Place::Job,
            Each::Pod => Place::Pod,
            Each::Container => Place::Container,
        }
    }
}

/// A rule, compiled.
#[derive(Debug)]
pub struct Rule {
    /// Its name, unique among all policies.
    pub name: Arc<str>,
    /// `rule/NAME`: what stands for it where a check has its code.
    pub code: Arc<str>,
    /// What it looks at.
    pub each: Each,
    /// When it looks; always where it is absent.
    pub when: Option<Program>,
    /// What must be true.
    pub require: Program,
    /// What to say where it is not.
    pub message: Message,
    /// What happens then: `Deny`, `Warn` or `Audit`.
    pub action: Action,
    /// Where it stands.
    pub origin: Arc<Origin>,
}

/// Compiles an element of `rules`; what is wrong goes to `report`, with the scalar that it stands in. There is no rule
/// where something is wrong or missing.
pub(super) fn read(
    node: &Node,
    origin: impl FnOnce() -> Arc<Origin>,
    mut report: impl FnMut(&Node, Vec<Problem>),
) -> Option<Rule> {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    let each = text("each").map(Each::of).unwrap_or_default();
    let place = each.place();
    let mut program = |key: &str| {
        let node = node.get(key)?;
        condition(node.as_str().filter(|text| !text.is_empty())?, place)
            .map_err(|problems| report(node, problems))
            .ok()
    };
    let when = program("when");
    let require = program("require");
    let message = node.get("message").and_then(|node| {
        Message::compile(node.as_str()?, place)
            .map_err(|problems| report(node, problems))
            .ok()
    });
    let action = node.get("action").map(Node::to_json);
    let name: Arc<str> = text("name")?.into();
    Some(Rule {
        code: format!("rule/{name}").into(),
        name,
        each,
        when,
        require: require?,
        message: message?,
        action: action
            .and_then(|action| serde_json::from_value(action).ok())
            .unwrap_or(Action::Deny),
        origin: origin(),
    })
}
