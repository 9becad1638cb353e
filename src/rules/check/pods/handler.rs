//! The handler of a probe or a hook.

use crate::diag::{listed, quoted};
use crate::json::Json;
use crate::k8s::json::{child, given, items, text};
use crate::k8s::path::Path;
use crate::ray::Container;

use super::fault::Faults;
use super::port;

/// A probe or a hook.
pub(super) struct Handler<'h> {
    /// Its name: `livenessProbe`, `preStop`.
    pub(super) name: &'h str,
    /// Where it is.
    pub(super) path: &'h dyn Fn() -> Path,
    /// The handlers that it may have.
    pub(super) known: &'h [&'static str],
}

impl Handler<'_> {
    /// Reports a handler that is missing, doubled or incomplete (`validateHandler`).
    pub(super) fn look(&self, faults: &mut Faults<'_, '_, '_>, container: &Container<'_>, value: Json<'_>) {
        let name = self.name;
        let given: Vec<(&str, Json<'_>)> = self
            .known
            .iter()
            .filter_map(|key| Some((*key, given(value, key)?)))
            .collect();
        let Some(((key, action), others)) = given.split_first() else {
            let fix = format!("add one of {}", listed(self.known));
            faults.report_in(container, (self.path)(), &format!("{name} has no handler"), &fix);
            return;
        };
        if let Some((second, _)) = others.first() {
            let what = format!("{name} has both {key} and {second}");
            faults.report_in(container, (self.path)().name(second), &what, "keep one handler");
        }
        let at = || (self.path)().name(key);
        match *key {
            "exec" if items(*action, "command").is_empty() => {
                let what = format!("{name}: its exec has no command");
                faults.report_in(container, at().then_key("command"), &what, "set command");
            }
            "httpGet" | "tcpSocket" | "grpc" => {
                let number = child(*action, "port");
                if let Some(wrong) = port::fault(number) {
                    let what = format!("{name}: its port {} {wrong}", shown(number));
                    faults.report_in(
                        container,
                        at().then_key("port"),
                        &what,
                        "write the port's number, or its name in `ports`",
                    );
                }
                let scheme = text(*action, "scheme").unwrap_or_default();
                if *key == "httpGet" && !matches!(scheme, "" | "HTTP" | "HTTPS") {
                    let what = format!("{name}: its scheme {} is unknown", quoted(scheme));
                    faults.report_in(container, at().then_key("scheme"), &what, "write HTTP or HTTPS");
                }
            }
            _ => {}
        }
    }
}

fn shown(port: Json<'_>) -> String {
    match port.as_str() {
        Some(name) => quoted(name),
        None => port.as_i64().unwrap_or_default().to_string(),
    }
}
