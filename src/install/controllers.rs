//! The users whose writes do not come to raygate, in the match conditions of the webhook configurations.

use serde_json::Value;

use crate::policy::settings::{OPERATORS, QUEUE_CONTROLLERS};

use super::platforms::platforms;

/// The users whose writes do not come to raygate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controllers {
    /// KubeRay's operators: neither their updates nor the RayClusters that they create come.
    pub kuberay_operators: Vec<String>,
    /// Queue controllers such as Kueue's: their suspensions do not come.
    pub queue_controllers: Vec<String>,
}

impl Default for Controllers {
    fn default() -> Self {
        let owned = |users: &[&str]| users.iter().map(|user| (*user).to_owned()).collect();
        Self {
            kuberay_operators: owned(OPERATORS),
            queue_controllers: owned(QUEUE_CONTROLLERS),
        }
    }
}

impl Controllers {
    /// Those that the Platform of these policy files names, as `kuberay.operators` and `queue.controllers`. The users in
    /// `deploy/` take the place of a key that is absent or unreadable: whoever loads the policies reports mistakes.
    pub fn of_policies<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut controllers = Self::default();
        for platform in platforms(texts) {
            for (pointer, users) in [
                ("/spec/kuberay/operators", &mut controllers.kuberay_operators),
                ("/spec/queue/controllers", &mut controllers.queue_controllers),
            ] {
                if let Some(Value::Array(named)) = platform.pointer(pointer) {
                    *users = named.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                }
            }
        }
        controllers
    }

    /// Writes these users into an expression of `deploy/`, where it lists its own.
    pub(super) fn fill(&self, expression: &str) -> String {
        expression
            .replace(&list(OPERATORS), &list(&self.kuberay_operators))
            .replace(&list(QUEUE_CONTROLLERS), &list(&self.queue_controllers))
    }
}

/// A list of texts as CEL writes it. JSON's escapes are among CEL's.
fn list(texts: &[impl AsRef<str>]) -> String {
    Value::from_iter(texts.iter().map(AsRef::as_ref)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Controllers {
        Controllers::of_policies(texts.iter().map(|text| text.as_bytes()))
    }

    #[test]
    fn the_platform_names_them() {
        let policy = "kind: RayPolicy\nspec: {queue: {controllers: [a]}}\n";
        let platform = "kind: RayPolicy\n---\nkind: Platform\nspec:\n  kuberay: {operators: [ray, 'o''k']}\n";
        assert_eq!(of(&[]), Controllers::default());
        assert_eq!(of(&[policy]), Controllers::default());
        let named = of(&[policy, platform]);
        assert_eq!(named.kuberay_operators, ["ray", "o'k"]);
        assert_eq!(named.queue_controllers, QUEUE_CONTROLLERS);
        let none = of(&["kind: Platform\nspec: {queue: {controllers: []}}\n"]);
        assert_eq!(none.queue_controllers, [""; 0]);
    }

    #[test]
    fn nonsense_is_no_user() {
        for nonsense in [
            "kind: Platform",
            "kind: Platform\nspec: {kuberay: {operators: ray}, queue: []}",
            "kind: [",
            "\u{0}",
        ] {
            assert_eq!(of(&[nonsense]), Controllers::default(), "{nonsense}");
        }
    }

    #[test]
    fn names_are_quoted() {
        let controllers = Controllers {
            kuberay_operators: vec!["a\"]) || true || (\"b".to_owned(), "\\\n".to_owned()],
            queue_controllers: Vec::new(),
        };
        let expression = format!("u in {} || v in {}", list(OPERATORS), list(QUEUE_CONTROLLERS));
        assert_eq!(
            controllers.fill(&expression),
            r#"u in ["a\"]) || true || (\"b","\\\n"] || v in []"#
        );
        assert_eq!(Controllers::default().fill(&expression), expression);
    }
}
