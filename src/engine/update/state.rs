//! An update, and what it changes.

use crate::engine::compare::says_the_same;
use crate::json::Json;
use crate::k8s::json::below;
use crate::policy::Platform;
use crate::ray::Kind;

use super::autoscaler;

/// What an update is, by who asks for it and what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Nothing that is judged: a write of KubeRay's operator, a queue controller's suspend, the scaling of Ray's
    /// autoscaler, or a change of neither spec nor labels nor annotations.
    NotJudged,
    /// Another write of a queue controller. It is not edited, because Kueue compares pod templates exactly, and it is
    /// judged for what it adds outside scheduling.
    Controller,
    /// A suspended object is resumed. KubeRay builds pods from the spec, as after a creation.
    Resume,
    /// An edit of the spec of a RayCronJob that is not suspended: no pods run, and the next RayJob is made from it. It is
    /// judged as a creation.
    Template,
    /// Another edit.
    Edit,
}

impl Update {
    /// What the update from `old` to `new`, which are of one kind, by `user` is.
    pub fn of(platform: &Platform, user: &str, old: Json<'_>, new: Json<'_>) -> Update {
        let kind = Kind::of(new);
        if platform.is_operator(user) || !changes(old, new) || autoscaler::only_scales(old, new) {
            return Update::NotJudged;
        }
        match (
            platform.is_queue_controller(user),
            kind.is_suspended(old),
            kind.is_suspended(new),
        ) {
            (true, false, true) => Update::NotJudged,
            (true, ..) => Update::Controller,
            (false, true, false) => Update::Resume,
            (false, _, false) if kind.is_template() && changes_spec(old, new) => Update::Template,
            (false, ..) => Update::Edit,
        }
    }

    /// Whether it is judged for what it adds alone.
    pub fn is_compared(self) -> bool {
        matches!(self, Update::Controller | Update::Edit)
    }
}

fn changes_spec(old: Json<'_>, new: Json<'_>) -> bool {
    !says_the_same(below(old, &["spec"]), below(new, &["spec"]))
}

/// Whether the spec, the labels or the annotations say something else.
pub(super) fn changes(old: Json<'_>, new: Json<'_>) -> bool {
    let places: [&[&str]; 3] = [&["spec"], &["metadata", "labels"], &["metadata", "annotations"]];
    places
        .iter()
        .any(|keys| !says_the_same(below(old, keys), below(new, keys)))
}
