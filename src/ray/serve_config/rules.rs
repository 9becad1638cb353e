//! What Ray's models demand beyond the types: their validators, in code there and here.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::k8s::path::Path;
use crate::ray::release::Release;
use crate::ray::uri;
use crate::yaml::{Node, NodeValue};

use super::deployments::{is_auto, set};
use super::keys::{PROTOCOLS, PYDANTIC_1};
use super::kinds::{Number, Releases, Whole};
use super::walk::{Walk, described};

/// The release in which `num_replicas` can be `auto` and further validators came.
const AUTO_SINCE: Release = Release::new(2, 20, 0);

/// The first of the known releases in which `pip`, `uv` and `conda` exclude each other.
const ONE_INSTALLER_SINCE: Release = Release::new(2, 46, 0);

/// The names of Python's log levels, and their numbers.
const LEVELS: [&str; 8] = [
    "CRITICAL", "FATAL", "ERROR", "WARN", "WARNING", "INFO", "DEBUG", "NOTSET",
];
const LEVEL_NUMBERS: [f64; 6] = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0];

/// A whole number, converted as pydantic does.
const WHOLE: Number = Number {
    whole: Whole::Lax,
    least: None,
    above: None,
    most: None,
};

impl Walk<'_> {
    /// Checks a mapping that these releases read as a model.
    pub(super) fn check_rules(&mut self, model: &str, node: &Node, path: &Path, releases: Releases) {
        match model {
            "ServeDeploySchema" => applications(self, node, path, releases),
            "ServeApplicationSchema" => application(self, node, path, releases),
            "DeploymentSchema" => deployment(self, node, path, releases),
            "RayActorOptionsSchema" => runtime_env(self, node, path, releases),
            "LoggingConfig" => logging(self, node, path, releases),
            _ => {}
        }
    }
}

/// A string, or the one that pydantic 1 makes of a number, with the releases that read it so.
fn string(node: &Node) -> Option<(Cow<'_, str>, Releases)> {
    match &node.value {
        NodeValue::String(text) => Some((Cow::Borrowed(text), Releases::ALL)),
        NodeValue::Number(number) => Some((Cow::Owned(number.to_string()), PYDANTIC_1)),
        NodeValue::Bool(true) => Some((Cow::Borrowed("True"), PYDANTIC_1)),
        NodeValue::Bool(false) => Some((Cow::Borrowed("False"), PYDANTIC_1)),
        _ => None,
    }
}

/// Names and route prefixes must be unique. An application without them is named `default` and has the prefix `/`.
fn applications(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    let path = path.key("applications");
    let applications = node.get("applications").and_then(Node::as_sequence).unwrap_or_default();
    for (key, default, what) in [
        ("name", "default", "application name"),
        ("route_prefix", "/", "route prefix"),
    ] {
        let mut seen: BTreeSet<Cow<'_, str>> = BTreeSet::new();
        for (index, application) in applications.iter().enumerate() {
            let value = application.get(key);
            let text = match value {
                Some(value) => string(value).map(|(text, _)| text),
                None => Some(Cow::Borrowed(default)),
            };
            let Some(text) = text else { continue };
            if seen.contains(&text) {
                let is_default = if value.is_none() { ", which is the default," } else { "" };
                walk.reject(
                    &path.index(index).key(key),
                    value.unwrap_or(application).span,
                    &format!("{what} {}{is_default} is used twice", quoted(&text)),
                    format!("Give each application a unique `{key}`"),
                    releases,
                );
            } else {
                seen.insert(text);
            }
        }
    }
}

fn application(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    if let Some(value) = node.get("name")
        && value.as_str() == Some("")
    {
        let path = path.key("name");
        walk.reject(
            &path,
            value.span,
            "the application name is empty",
            "Give it a name, or leave `name` out",
            releases,
        );
    }
    for key in ["host", "port"] {
        if let Some(entry) = node.entry(key) {
            let found = format!("an application must not have `{key}`");
            let fix = format!("Set `{key}` below `http_options`");
            walk.reject(&path.key(key), entry.key.span, &found, fix, releases);
        }
    }
    if let Some(value) = node.get("import_path")
        && let Some((text, by)) = string(value)
        && let Some(problem) = import_path(&text)
    {
        let found = format!("import_path {} {problem}", quoted(&text));
        let fix = "Write it as `module.submodule:application`";
        walk.reject(&path.key("import_path"), value.span, &found, fix, by & releases);
    }
    route_prefix(walk, node, path, releases);
    runtime_env(walk, node, path, releases);
    let deployments = node.get("deployments").and_then(Node::as_sequence).unwrap_or_default();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (index, deployment) in deployments.iter().enumerate() {
        let Some(value) = deployment.get("name") else { continue };
        let Some(name) = value.as_str() else { continue };
        if !seen.insert(name) {
            let path = path.key("deployments").index(index).key("name");
            let found = format!("deployment {} is listed twice, the last one counts", quoted(name));
            walk.report(&path, value.span, found, "Remove one of the two".to_owned());
        }
    }
}

/// What is wrong with the form of an import path (`import_path_format_valid`).
fn import_path(text: &str) -> Option<&'static str> {
    let separator = if text.contains(':') { ':' } else { '.' };
    if text.matches(':').count() > 1 {
        return Some("has more than one colon");
    }
    match text.rsplit_once(separator) {
        None => Some("names no module"),
        Some(("", _) | (_, "")) => Some("begins or ends with its separator"),
        Some(_) => None,
    }
}

/// A route prefix begins with `/` and does not end with it. Ray takes another one, does not deploy the application, and
/// reports no status any more (`_route_prefix_format`).
fn route_prefix(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    let Some(value) = node.get("route_prefix") else { return };
    let Some((text, by)) = string(value) else { return };
    let problem = if !text.starts_with('/') {
        "does not begin with `/`"
    } else if text.len() > 1 && text.ends_with('/') {
        "ends with `/`"
    } else if text.contains(['{', '}']) {
        "has a wildcard"
    } else {
        return;
    };
    let found = format!("route_prefix {} {problem}", quoted(&text));
    let fix = "Write a path such as `/summary`";
    walk.reject(&path.key("route_prefix"), value.span, &found, fix, by & releases);
}

/// `working_dir` and `py_modules` are URIs (`runtime_env_contains_remote_uris`). They are not repeated: they may hold
/// credentials.
fn runtime_env(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    let Some(environment) = node
        .get("runtime_env")
        .filter(|environment| environment.as_mapping().is_some())
    else {
        return;
    };
    let path = path.key("runtime_env");
    installers(walk, environment, &path, releases);
    variables(walk, environment, &path, releases);
    if let Some(directory) = environment.get("working_dir") {
        remote(walk, directory, &path.key("working_dir"), releases);
    }
    let Some(modules) = environment.get("py_modules") else {
        return;
    };
    let path = path.key("py_modules");
    match modules.as_sequence() {
        Some(items) => {
            for (index, item) in items.iter().enumerate() {
                remote(walk, item, &path.index(index), releases);
            }
        }
        None => {
            let found = format!("{} is {}, must be a list", described(&path), modules.kind());
            walk.reject(&path, modules.span, &found, "Write a list of URIs", releases);
        }
    }
}

/// At most one of `pip`, `uv` and `conda`. Up to Ray 2.45, what is empty does not count, and `uv` not at all. The
/// application fails to deploy (`runtime_env.py`, `RuntimeEnv.__init__`).
fn installers(walk: &mut Walk<'_>, environment: &Node, path: &Path, releases: Releases) {
    let is_full = |node: &Node| match &node.value {
        NodeValue::String(text) => !text.is_empty(),
        NodeValue::Sequence(items) => !items.is_empty(),
        NodeValue::Mapping(entries) => !entries.is_empty(),
        _ => false,
    };
    let given = ["pip", "uv", "conda"].map(|key| (key, set(environment, key)));
    let mut given = given.into_iter().filter_map(|(key, node)| Some((key, node?)));
    let (Some((first, one)), Some((second, other))) = (given.next(), given.next_back()) else {
        return;
    };
    let since = Releases::since(ONE_INSTALLER_SINCE);
    let both = (first, second) == ("pip", "conda") && is_full(one) && is_full(other);
    walk.reject(
        &path.key(second),
        other.span,
        &format!("`{first}` and `{second}` are both set"),
        "Keep one of them; `conda` can list pip packages",
        releases & if both { Releases::ALL } else { since },
    );
}

/// The values of `env_vars` are strings. The application fails to deploy (`validation.py`, `parse_and_validate_env_vars`).
fn variables(walk: &mut Walk<'_>, environment: &Node, path: &Path, releases: Releases) {
    let path = path.key("env_vars");
    let variables = environment
        .get("env_vars")
        .and_then(Node::as_mapping)
        .unwrap_or_default();
    for entry in variables.iter().filter(|entry| entry.value.as_str().is_none()) {
        let found = format!(
            "variable {} is {}, must be a string",
            quoted(&entry.key.text),
            entry.value.kind()
        );
        let fix = "Put the value in quotation marks";
        walk.reject(&path.name(&entry.key.text), entry.value.span, &found, fix, releases);
    }
}

fn remote(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    if node.value == NodeValue::Null {
        return;
    }
    let scheme = node.as_str().and_then(uri::scheme).unwrap_or_default();
    let known = PROTOCOLS.iter().find(|protocol| protocol.name == scheme);
    let rejecting = known.map_or(Releases::ALL, |protocol| !protocol.known) & releases;
    let found = if scheme.is_empty() {
        format!("{} is not a URI", described(path))
    } else {
        format!("{} has the protocol {}", described(path), quoted(&scheme))
    };
    let fix = "Upload the code and write its URI, such as `https://…/code.zip` or `s3://…/code.zip`";
    walk.reject(path, node.span, &found, fix, rejecting);
}

fn deployment(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    num_replicas(walk, node, path, releases);
    replica_order(walk, node, path, releases);
    let since_auto = releases & Releases::since(AUTO_SINCE);
    if let (Some(entry), Some(_)) = (
        node.entry("max_replicas_per_node"),
        set(node, "placement_group_bundles"),
    ) {
        walk.reject(
            &path.key("max_replicas_per_node"),
            entry.key.span,
            "`max_replicas_per_node` and `placement_group_bundles` are both set",
            "Remove one of the two",
            since_auto,
        );
    }
    if let Some(value) = node.get("max_queued_requests")
        && let NodeValue::Number(number) = &value.value
        && number.as_i64().is_some_and(|number| number < 1 && number != -1)
    {
        let found = format!("max_queued_requests is {number}");
        let fix = "Write -1 for no limit, or a positive integer";
        walk.reject(&path.key("max_queued_requests"), value.span, &found, fix, since_auto);
    }
    // Later releases do not know the key.
    route_prefix(walk, node, path, releases & !Releases::since(Release::new(2, 46, 0)));
}

/// A fixed number of replicas excludes autoscaling, and `auto` is the only text.
fn num_replicas(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    let Some(value) = set(node, "num_replicas") else { return };
    let first = PYDANTIC_1 & releases;
    let second = !PYDANTIC_1 & releases;
    let is_number_to_first = WHOLE.read(value, true).is_some_and(|number| number >= 1.0);
    let is_number_to_second = match &value.value {
        NodeValue::Number(number) => !number.is_f64(),
        value => matches!(value, NodeValue::Bool(_)),
    };
    let mut numbers = Releases::NONE;
    let mut texts = Releases::NONE;
    for (is_number, releases) in [(is_number_to_first, first), (is_number_to_second, second)] {
        match is_number {
            true => numbers = numbers | releases,
            false => texts = texts | releases,
        }
    }
    let path = path.key("num_replicas");
    if set(node, "autoscaling_config").is_some() {
        let found = "`num_replicas` is a number and `autoscaling_config` is set";
        let fix = "Write `num_replicas: auto`, or remove `autoscaling_config`";
        walk.reject(&path, value.span, found, fix, numbers);
    }
    if string(value).is_some() && !is_auto(node) {
        let found = "`num_replicas` is neither a positive integer nor `auto`";
        let fix = "Write a positive integer, or `auto`";
        walk.reject(&path, value.span, found, fix, texts & Releases::since(AUTO_SINCE));
    }
}

/// `min_replicas`, `initial_replicas` and `max_replicas` must be in this order. Serve's controller demands it, and the
/// application fails to deploy.
fn replica_order(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    let Some(config) = set(node, "autoscaling_config").filter(|config| config.as_mapping().is_some()) else {
        return;
    };
    // `num_replicas: auto` raises the default.
    let default_max = if is_auto(node) { 100.0 } else { 1.0 };
    let order = |first| {
        let read = |key: &str, default| match config.get(key) {
            Some(value) if value.value == NodeValue::Null => None,
            Some(value) => WHOLE.read(value, first),
            None => default,
        };
        let (least, most) = (read("min_replicas", Some(1.0)), read("max_replicas", Some(default_max)));
        let initial = read("initial_replicas", None);
        if least.zip(most).is_some_and(|(least, most)| least > most) {
            Some(("min_replicas", least, "max_replicas", most))
        } else if least.zip(initial).is_some_and(|(least, initial)| least > initial) {
            Some(("min_replicas", least, "initial_replicas", initial))
        } else if initial.zip(most).is_some_and(|(initial, most)| initial > most) {
            Some(("initial_replicas", initial, "max_replicas", most))
        } else {
            None
        }
    };
    let (by_first, by_second) = (order(true), order(false));
    let Some((low, low_value, high, high_value)) = by_second.or(by_first) else {
        return;
    };
    let rejecting = |order: Option<_>, releases| if order.is_some() { releases } else { Releases::NONE };
    let by = rejecting(by_first, PYDANTIC_1) | rejecting(by_second, !PYDANTIC_1);
    let (key, default) = match config.get(high) {
        Some(_) => (high, ""),
        None => (low, ", its default"),
    };
    let found = format!(
        "`{low}` is {} and `{high}` is {}{default}",
        low_value.unwrap_or_default(),
        high_value.unwrap_or_default()
    );
    let path = path.key("autoscaling_config").key(key);
    let span = config.get(key).unwrap_or(config).span;
    walk.reject(
        &path,
        span,
        &found,
        format!("Set `{high}` to at least `{low}`"),
        by & releases,
    );
}

fn logging(walk: &mut Walk<'_>, node: &Node, path: &Path, releases: Releases) {
    if let Some(value) = node.get("encoding")
        && let Some((text, by)) = string(value)
        && !matches!(&*text, "TEXT" | "JSON")
    {
        let found = format!("encoding {} is unknown", quoted(&text));
        walk.reject(
            &path.key("encoding"),
            value.span,
            &found,
            "Write `TEXT` or `JSON`",
            by & releases,
        );
    }
    if let Some(value) = node.get("log_level") {
        let level = |first| match (WHOLE.read(value, first), value.as_str()) {
            (_, Some(text)) if !first => Some(LEVELS.contains(&text)),
            (Some(number), _) => Some(LEVEL_NUMBERS.contains(&number)),
            (None, Some(text)) => Some(LEVELS.contains(&text)),
            (None, None) => None,
        };
        let by = |first, releases| {
            if level(first) == Some(false) {
                releases
            } else {
                Releases::NONE
            }
        };
        let by = by(true, PYDANTIC_1) | by(false, !PYDANTIC_1);
        let found = "`log_level` is not a level of Python's logging";
        walk.reject(
            &path.key("log_level"),
            value.span,
            found,
            "Write `INFO` or `DEBUG`",
            by & releases,
        );
    }
}
