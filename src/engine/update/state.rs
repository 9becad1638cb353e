//! An update, and what runs while it comes.

use crate::engine::compare::says_the_same;
use crate::json::Json;
use crate::k8s::json::{below, text};
use crate::policy::Platform;
use crate::ray::kind::SUSPEND;

/// What an update is, by who asks for it and what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Nothing that is judged: a write of KubeRay's operator, a queue controller's suspend, or a change of neither spec
    /// nor labels nor annotations.
    NotJudged,
    /// Another write of a queue controller. It is not edited, because Kueue compares pod templates exactly, and it is
    /// judged for what it adds outside scheduling.
    Controller,
    /// A suspended RayJob is resumed. KubeRay builds a cluster from the spec, as after a creation.
    Resume,
    /// An edit.
    Edit,
}

impl Update {
    /// What the update from `old` to `new` by `user` is.
    pub fn of(platform: &Platform, user: &str, old: Json<'_>, new: Json<'_>) -> Update {
        let (was, is) = (is_suspended(old), is_suspended(new));
        if platform.is_operator(user) || !changes(old, new) {
            return Update::NotJudged;
        }
        match (platform.is_queue_controller(user), was, is) {
            (true, false, true) => Update::NotJudged,
            (true, ..) => Update::Controller,
            (false, true, false) => Update::Resume,
            (false, ..) => Update::Edit,
        }
    }
}

/// Whether the spec, the labels or the annotations say something else.
pub(super) fn changes(old: Json<'_>, new: Json<'_>) -> bool {
    let places: [&[&str]; 3] = [&["spec"], &["metadata", "labels"], &["metadata", "annotations"]];
    places
        .iter()
        .any(|keys| !says_the_same(below(old, keys), below(new, keys)))
}

pub(super) fn is_suspended(object: Json<'_>) -> bool {
    below(object, &["spec", SUSPEND]).as_bool() == Some(true)
}

pub(super) fn has_cluster(object: Json<'_>) -> bool {
    text(below(object, &["status"]), "rayClusterName").is_some_and(|name| !name.is_empty())
}
