//! Places in a document, looked up by their steps.

use crate::k8s::path::Step;

/// A set of places, none of which stands below another.
#[derive(Debug, Default)]
pub(super) struct Places {
    is_whole: bool,
    /// In the order of their steps.
    below: Vec<(Step, Places)>,
}

impl Places {
    /// Whether the place that the steps lead to is one of them, or stands below one.
    pub(super) fn cover(&self, steps: &[Step]) -> bool {
        let mut at = self;
        for step in steps {
            match at.position(step).ok().and_then(|position| at.below.get(position)) {
                Some((_, below)) => at = below,
                None => break,
            }
        }
        at.is_whole
    }

    /// Adds a place instead of those below it, and says whether it did: not where one covers it.
    pub(super) fn insert<'s>(&mut self, steps: impl IntoIterator<Item = &'s Step>) -> bool {
        let mut at = self;
        for step in steps {
            if at.is_whole {
                return false;
            }
            let position = at.position(step).unwrap_or_else(|position| {
                at.below.insert(position, (step.clone(), Places::default()));
                position
            });
            let Some((_, below)) = at.below.get_mut(position) else {
                return false;
            };
            at = below;
        }
        at.below.clear();
        !std::mem::replace(&mut at.is_whole, true)
    }

    /// Takes out the place that the steps lead to and all below it, and says whether there was any.
    pub(super) fn remove(&mut self, steps: &[Step]) -> bool {
        let Some((last, parents)) = steps.split_last() else {
            return false;
        };
        let mut at = self;
        for step in parents {
            let Ok(position) = at.position(step) else {
                return false;
            };
            let Some((_, below)) = at.below.get_mut(position) else {
                return false;
            };
            at = below;
        }
        let position = at.position(last);
        position.is_ok_and(|position| {
            at.below.remove(position);
            true
        })
    }

    fn position(&self, step: &Step) -> Result<usize, usize> {
        self.below.binary_search_by(|(known, _)| known.cmp(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::path::Path;

    #[test]
    fn a_place_covers_what_stands_below_it_until_it_is_taken_out() {
        let mut places = Places::default();
        let (list, item) = (Path::of(["a", "list"]), Path::of(["a", "list"]).index(3));
        assert!(places.insert(item.steps()) && !places.insert(item.key("x").steps()));
        assert!(places.cover(item.steps()) && places.cover(item.key("x").steps()));
        assert!(!places.cover(list.steps()) && !places.cover(list.index(2).steps()));
        assert!(places.insert(list.steps()));
        assert!(places.cover(list.index(2).steps()));
        assert!(!places.remove(Path::of(["b"]).steps()) && !places.remove(list.index(3).steps()));
        assert!(places.remove(Path::of(["a"]).steps()));
        assert!(!places.cover(item.steps()));
    }
}
