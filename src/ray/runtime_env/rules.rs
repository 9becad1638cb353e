//! What Ray rejects in a runtime environment, by release.
//!
//! `ray job submit` and Ray's dashboard both build a `RuntimeEnv` (`runtime_env/runtime_env.py`,
//! `_private/runtime_env/validation.py`). The client first uploads the paths in `working_dir` and `py_modules`
//! (`_private/runtime_env/working_dir.py`, `py_modules.py`); the dashboard accepts only URIs there.
//! `tests/runtime_env.rs` compares all of this with six releases of Ray.

use crate::diag::{listed, quoted, suggest};
use crate::ray::release::Release;
use crate::ray::serve_config::keys::PROTOCOLS;
use crate::ray::serve_config::kinds::Releases;
use crate::ray::uri::{self, Uri};
use crate::yaml::{Node, NodeValue};

/// The first known releases with `image_uri`, with `uv` and `py_executable`, with pip's options and paths in `RuntimeEnv`,
/// and with archives other than `.zip` and `.whl`.
const WITH_IMAGE_URI: Release = Release::new(2, 35, 0);
const WITH_UV: Release = Release::new(2, 46, 0);
const WITH_PATHS: Release = Release::new(2, 52, 1);
const WITH_TAR: Release = Release::new(2, 60, 0);
/// The first known release that reads `config.log_files`.
const WITH_LOG_FILES: Release = Release::new(2, 20, 0);

/// The most names that one problem repeats.
const SHOWN: usize = 5;

/// How the environment reaches Ray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `ray job submit` runs in a submitter.
    Submitted,
    /// KubeRay posts it to Ray's dashboard (`HTTPMode`).
    Posted,
}

/// What Ray does about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// These releases reject the environment.
    Rejected(Releases),
    /// These releases reject the environment unless a file or directory exists where Ray reads it.
    Missing(Releases),
    /// These releases ignore what was written.
    Ignored(Releases),
}

/// Something wrong with a runtime environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was found, as a sentence without its end. Values of variables and URIs are not repeated.
    pub found: String,
    /// What to do, as a sentence without its end.
    pub fix: String,
    /// What Ray does.
    pub effect: Effect,
    /// The path that must exist, for [`Effect::Missing`].
    pub path: Option<String>,
}

/// The problems of an environment in the order in which Ray looks at it.
pub fn problems(environment: &Node, way: Way) -> Vec<Problem> {
    let mut rules = Rules { way, problems: vec![] };
    if environment.as_mapping().is_some() {
        rules.keys(environment);
        rules.exclusive(environment);
        rules.options(environment);
    }
    rules.problems
}

/// The releases that know a key at the top; `None` for one that no release knows. A plugin of the cluster may add more.
fn known(key: &str) -> Option<Releases> {
    Some(match key {
        "_inject_current_ray"
        | "_nsight"
        | "_ray_commit"
        | "_ray_release"
        | "conda"
        | "config"
        | "container"
        | "env_vars"
        | "excludes"
        | "java_jars"
        | "nsight"
        | "pip"
        | "py_modules"
        | "worker_process_setup_hook"
        | "working_dir" => Releases::ALL,
        "docker" | "mpi" => !Releases::since(WITH_PATHS),
        "image_uri" => Releases::since(WITH_IMAGE_URI),
        "py_executable" | "uv" => Releases::since(WITH_UV),
        "_rocprof_sys" | "rocprof_sys" => Releases::since(WITH_PATHS),
        _ => return None,
    })
}

/// The keys that an author may have meant.
const COMMON: [&str; 13] = [
    "conda",
    "config",
    "container",
    "env_vars",
    "excludes",
    "image_uri",
    "nsight",
    "pip",
    "py_executable",
    "py_modules",
    "uv",
    "worker_process_setup_hook",
    "working_dir",
];

/// The arguments of `RuntimeEnv`: one that is null counts as left out, another key that is null does not.
fn is_argument(key: &str, release: Releases) -> bool {
    let (since_image, since_uv, since_paths) = (
        Releases::since(WITH_IMAGE_URI),
        Releases::since(WITH_UV),
        Releases::since(WITH_PATHS),
    );
    let by = match key {
        "conda"
        | "config"
        | "container"
        | "env_vars"
        | "nsight"
        | "pip"
        | "py_modules"
        | "worker_process_setup_hook"
        | "working_dir" => Releases::ALL,
        "image_uri" => since_image,
        "mpi" => !since_paths,
        "py_executable" | "uv" => since_uv,
        "rocprof_sys" => since_paths,
        _ => Releases::NONE,
    };
    !(by & release).is_none()
}

/// Each known release alone.
fn each() -> impl Iterator<Item = Releases> {
    (0..u8::BITS)
        .map(|bit| Releases(1 << bit))
        .filter(|one| !(*one & Releases::ALL).is_none())
}

/// The value of a key, unless it is null.
fn given<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|value| value.value != NodeValue::Null)
}

/// Whether Python takes a value for true.
fn is_true(node: &Node) -> bool {
    match &node.value {
        NodeValue::Null => false,
        NodeValue::Bool(value) => *value,
        NodeValue::Number(number) => number.as_f64() != Some(0.0),
        NodeValue::String(text) => !text.is_empty(),
        NodeValue::Sequence(items) => !items.is_empty(),
        NodeValue::Mapping(entries) => !entries.is_empty(),
    }
}

/// Whether Ray keeps an entry: it drops options that are empty.
fn remains(key: &str, value: &Node) -> bool {
    let is_empty = |node: &Node| match &node.value {
        NodeValue::String(text) => text.is_empty(),
        NodeValue::Sequence(items) => items.is_empty(),
        NodeValue::Mapping(entries) => entries.is_empty(),
        _ => false,
    };
    match key {
        "env_vars" => !is_empty(value) && value.value != NodeValue::Null,
        "pip" | "uv" => !is_empty(value.get("packages").unwrap_or(value)) && value.value != NodeValue::Null,
        _ => value.value != NodeValue::Null,
    }
}

fn is_boolean(node: &Node) -> bool {
    matches!(node.value, NodeValue::Bool(_))
}

fn are_strings(items: &[Node]) -> bool {
    items.iter().all(|item| item.as_str().is_some())
}

struct Rules {
    way: Way,
    problems: Vec<Problem>,
}

impl Rules {
    fn push(&mut self, found: String, fix: impl Into<String>, effect: Effect) {
        let (Effect::Rejected(by) | Effect::Missing(by) | Effect::Ignored(by)) = effect;
        if !by.is_none() {
            self.problems.push(Problem {
                found,
                fix: fix.into(),
                effect,
                path: None,
            });
        }
    }

    fn reject(&mut self, found: String, fix: impl Into<String>, by: Releases) {
        self.push(found, fix, Effect::Rejected(by));
    }

    /// A path that must exist where Ray reads the environment.
    fn needs(&mut self, key: &str, path: &str, fix: &str, by: Releases) {
        self.push(format!("{key} {} must exist", quoted(path)), fix, Effect::Missing(by));
        if let Some(problem) = self.problems.last_mut().filter(|_| !by.is_none()) {
            problem.path = Some(path.to_owned());
        }
    }

    fn keys(&mut self, environment: &Node) {
        for entry in environment.as_mapping().unwrap_or_default() {
            let key = entry.key.text.as_str();
            let unknown = !known(key).unwrap_or(Releases::NONE);
            let fix = match known(key) {
                Some(_) => "use a Ray release that knows it".to_owned(),
                None => suggest(key, COMMON).map_or("remove it, or correct its name".to_owned(), did_you_mean),
            };
            self.push(format!("unknown key {}", quoted(key)), fix, Effect::Ignored(unknown));
        }
    }

    /// Options that exclude others.
    fn exclusive(&mut self, environment: &Node) {
        let since_uv = Releases::since(WITH_UV);
        let (conda, pip) = (given(environment, "conda"), given(environment, "pip"));
        let uv = given(environment, "uv");
        let set: Vec<String> = [("conda", conda), ("pip", pip), ("uv", uv)]
            .into_iter()
            .filter(|(_, value)| value.is_some())
            .map(|(key, _)| quoted(key))
            .collect();
        let mut by = Releases::NONE;
        if set.len() > 1 {
            by = by | since_uv;
        }
        if conda.is_some_and(is_true) && pip.is_some_and(is_true) {
            by = Releases::ALL;
        }
        self.reject(
            format!("only one of {} can be set", listed(&set)),
            "keep one of them; conda installs pip packages from its own dependencies",
            by,
        );
        for (key, since) in [
            ("container", Releases::ALL),
            ("image_uri", Releases::since(WITH_IMAGE_URI)),
        ] {
            if !environment.get(key).is_some_and(is_true) {
                continue;
            }
            // The keys beside it that each release rejects.
            let is_other = |entry: &str, value: &Node, release: Releases| {
                let is_since = |since: Release| !(Releases::since(since) & release).is_none();
                let is_allowed = match entry {
                    "config" => is_since(WITH_IMAGE_URI),
                    "env_vars" => is_since(WITH_UV),
                    _ => entry == key,
                };
                !is_allowed && (value.value != NodeValue::Null || !is_argument(entry, release))
            };
            let entries = environment.as_mapping().unwrap_or_default();
            let mut others: Vec<&str> = Vec::new();
            let mut by = Releases::NONE;
            for release in each().filter(|one| !(*one & since).is_none()) {
                for entry in entries
                    .iter()
                    .filter(|entry| is_other(&entry.key.text, &entry.value, release))
                {
                    by = by | release;
                    if !others.contains(&entry.key.text.as_str()) {
                        others.push(&entry.key.text);
                    }
                }
            }
            let others: Vec<String> = others.into_iter().take(SHOWN).map(quoted).collect();
            self.reject(
                format!("{} cannot be combined with {}", quoted(key), listed(&others)),
                "put the packages and the code into the image",
                by,
            );
        }
    }

    fn options(&mut self, environment: &Node) {
        if let Some(modules) = given(environment, "py_modules") {
            match modules.as_sequence() {
                None => self.mismatch("py_modules", modules, "a list of strings", Releases::ALL),
                Some(items) => {
                    for item in items {
                        self.package("py_modules", item);
                    }
                }
            }
        }
        if let Some(directory) = given(environment, "working_dir") {
            self.package("working_dir", directory);
        }
        if let Some(excludes) = environment.get("excludes") {
            let entries = environment.as_mapping().unwrap_or_default();
            let is_wrong = match &excludes.value {
                // The client copies an environment that is not empty, and with it the null.
                NodeValue::Null => {
                    self.way == Way::Submitted && entries.iter().any(|entry| remains(&entry.key.text, &entry.value))
                }
                _ => !excludes.as_sequence().is_some_and(are_strings),
            };
            if is_wrong {
                self.mismatch("excludes", excludes, "a list of strings", Releases::ALL);
            }
        }
        if let Some(conda) = given(environment, "conda") {
            self.conda(conda);
        }
        if let Some(pip) = given(environment, "pip") {
            self.installer("pip", pip, Releases::ALL);
        }
        if let Some(uv) = given(environment, "uv") {
            self.installer("uv", uv, Releases::since(WITH_UV));
        }
        if let Some(variables) = given(environment, "env_vars") {
            self.variables(variables);
        }
        if let Some(config) = given(environment, "config") {
            self.config(config);
        }
        if let Some(hook) = environment.get("worker_process_setup_hook")
            && self.way == Way::Submitted
            && is_true(hook)
            && hook.as_str().is_none()
        {
            self.mismatch(
                "worker_process_setup_hook",
                hook,
                "the name of a module as a string",
                Releases::ALL,
            );
        }
    }

    fn mismatch(&mut self, key: &str, node: &Node, expected: &str, by: Releases) {
        self.reject(
            format!("{key} is {}, must be {expected}", node.kind()),
            format!("write {expected}"),
            by,
        );
    }

    /// `working_dir`, or an element of `py_modules`: a path, or the URI of an archive.
    fn package(&mut self, key: &'static str, node: &Node) {
        let Some(text) = node.as_str() else {
            let what = if key == "working_dir" {
                "working_dir"
            } else {
                "an element of py_modules"
            };
            return self.mismatch(what, node, "a string", Releases::ALL);
        };
        let since_paths = Releases::since(WITH_PATHS);
        let Some(uri) = uri::parse(text) else {
            let fix = "give the URI of a .zip file, or a path in the image";
            match self.way {
                Way::Submitted if uri::is_always_a_directory(text) => {}
                Way::Submitted => self.needs(key, text, fix, Releases::ALL),
                Way::Posted => {
                    let is_accepted = key == "working_dir" && text.is_empty();
                    let by = if is_accepted { !since_paths } else { Releases::ALL };
                    let found = format!("{key} {} is a path that HTTPMode does not upload", quoted(text));
                    self.reject(found, "give the URI of a .zip file, or remove it", by);
                }
            }
            return;
        };
        // Python checks brackets and characters that are not ASCII further.
        if uri.authority.contains(['[', ']']) || !uri.authority.is_ascii() {
            return;
        }
        let protocol = PROTOCOLS.iter().find(|protocol| protocol.name == uri.scheme);
        let knowing = protocol.map_or(Releases::NONE, |protocol| protocol.known);
        let found = format!("{key} has the protocol {}", quoted(&uri.scheme));
        let fix = "use https, s3, gs or file";
        match self.way {
            Way::Submitted => self.push(found, fix, Effect::Missing(!knowing)),
            Way::Posted => self.reject(found, fix, !knowing),
        }
        let rejecting = each()
            .filter(|one| !(*one & knowing).is_none() && !self.is_package(key, text, &uri, *one))
            .fold(Releases::NONE, |all, one| all | one);
        let found = if uri.scheme == "local" {
            format!("{key} with the protocol `local` must be an absolute path of a directory")
        } else {
            format!("the URI in {key} does not end in {}", archives(key))
        };
        self.reject(
            found,
            format!("upload an archive, and write a URI that ends in {}", archives(key)),
            rejecting,
        );
    }

    /// Whether a release accepts the form of a URI whose protocol it knows.
    fn is_package(&self, key: &str, text: &str, uri: &Uri, release: Releases) -> bool {
        let is_since = |since: Release| !(Releases::since(since) & release).is_none();
        let is_remote = !matches!(uri.scheme.as_str(), "gcs" | "conda" | "pip" | "uv" | "local");
        let raw = format!("{}{}", uri.authority, uri.path);
        let ends_in = |text: &str, endings: &[&str]| endings.iter().any(|ending| text.ends_with(ending));
        let is_wheel = if is_since(WITH_UV) {
            uri.path.ends_with(".whl")
        } else {
            text.ends_with(".whl")
        };
        if is_since(WITH_TAR) {
            let archives = [".zip", ".tar.gz", ".tgz", ".tar.xz"];
            return match uri.scheme.as_str() {
                "local" => is_local_directory(text),
                "gcs" => ends_in(&uri.authority, &archives) || key == "py_modules" && uri.authority.ends_with(".whl"),
                _ if !is_remote => true,
                _ if is_wheel => key == "py_modules",
                _ => {
                    let is_compound = ends_in(&raw, &[".tar.gz", ".tar.bz2", ".tar.xz"]);
                    let suffix = if is_compound { raw.as_str() } else { uri::suffix(&raw) };
                    ends_in(suffix, &archives) || key == "py_modules" && suffix.ends_with(".whl")
                }
            };
        }
        let takes_wheels = key == "py_modules" || self.way == Way::Posted;
        match is_wheel {
            _ if !is_remote => true,
            true => takes_wheels,
            false => raw.ends_with(".zip") || takes_wheels && raw.ends_with(".whl"),
        }
    }

    fn conda(&mut self, conda: &Node) {
        let Some(text) = conda.as_str() else {
            if conda.as_mapping().is_none() {
                self.mismatch("conda", conda, "a mapping, a name or a path", Releases::ALL);
            }
            return;
        };
        if matches!(uri::suffix(text), ".yaml" | ".yml") {
            let fix = "write the conda environment as a mapping";
            self.needs("conda file", text, fix, Releases::ALL);
        } else if text.starts_with('/') && !uri::is_always_a_directory(text) {
            let fix = "name a conda environment of the image";
            self.needs("conda environment", text, fix, Releases::since(WITH_UV));
        }
    }

    /// `pip` or `uv`.
    fn installer(&mut self, key: &'static str, node: &Node, by: Releases) {
        match &node.value {
            NodeValue::String(text) => self.requirements(key, text, by),
            NodeValue::Sequence(items) if are_strings(items) => {}
            NodeValue::Sequence(_) => {
                let found = format!("{key} has an element that is not a string");
                self.reject(found, format!("quote each element of {key}"), by);
            }
            NodeValue::Mapping(_) => self.packages(key, node, by),
            _ => self.mismatch(key, node, "a list of packages", by),
        }
    }

    /// A string in the place of a list of packages: the path of a file that lists them.
    fn requirements(&mut self, key: &str, text: &str, by: Releases) {
        let fix = format!("write a list of packages below {key}");
        if uri::is_always_a_directory(text) {
            let found = format!("{key} {} is not a requirements file", quoted(text));
            self.reject(found, fix, by);
        } else {
            self.needs(&format!("{key}: the requirements file"), text, &fix, by);
        }
    }

    /// The mapping below `pip` or `uv`.
    fn packages(&mut self, key: &'static str, node: &Node, by: Releases) {
        let since_tar = Releases::since(WITH_TAR) & by;
        let (check, version, options) = match key {
            "pip" => ("pip_check", "pip_version", "pip_install_options"),
            _ => ("uv_check", "uv_version", "uv_pip_install_options"),
        };
        let knows_options = if key == "pip" { Releases::since(WITH_PATHS) } else { by };
        for entry in node.as_mapping().unwrap_or_default() {
            let name = entry.key.text.as_str();
            let unknown = match name {
                _ if name == options => by & !knows_options,
                _ if ["packages", check, version].contains(&name) => Releases::NONE,
                _ => by,
            };
            let fix = meant(name, ["packages", check, version, options]);
            self.reject(format!("unknown key {} below {key}", quoted(name)), fix, unknown);
        }
        if let Some(value) = node.get(check).filter(|value| !is_boolean(value)) {
            self.mismatch(&format!("{key}.{check}"), value, "true or false", by);
        }
        if let Some(value) = node.get(version).filter(|value| value.as_str().is_none()) {
            self.mismatch(&format!("{key}.{version}"), value, "a string", by);
        }
        if let Some(value) = node
            .get(options)
            .filter(|value| !value.as_sequence().is_some_and(are_strings))
        {
            self.mismatch(
                &format!("{key}.{options}"),
                value,
                "a list of strings",
                by & knows_options,
            );
        }
        let name = format!("{key}.packages");
        match node.get("packages").map(|packages| (packages, &packages.value)) {
            None => self.reject(format!("{key} lacks `packages`"), format!("add {name}"), by),
            Some((_, NodeValue::String(text))) if key == "pip" => self.requirements(&name, text, by),
            Some((_, NodeValue::Sequence(items))) => {
                let is_nested = |item: &Node| item.as_sequence().is_some() || item.as_mapping().is_some();
                let by = if items.iter().any(is_nested) {
                    by
                } else if key == "uv" && !are_strings(items) {
                    since_tar
                } else {
                    Releases::NONE
                };
                let found = format!("{name} has an element that is not a string");
                self.reject(found, format!("quote each element of {name}"), by);
            }
            Some((packages, _)) => self.mismatch(&name, packages, "a list of packages", by),
        }
    }

    fn variables(&mut self, node: &Node) {
        let Some(variables) = node.as_mapping() else {
            let is_empty = match &node.value {
                NodeValue::String(text) => text.is_empty(),
                NodeValue::Sequence(items) => items.is_empty(),
                _ => false,
            };
            if !is_empty {
                self.mismatch("env_vars", node, "a mapping of strings", Releases::ALL);
            }
            return;
        };
        let others = variables.iter().filter(|entry| entry.value.as_str().is_none());
        let others: Vec<String> = others.take(SHOWN).map(|entry| quoted(&entry.key.text)).collect();
        if !others.is_empty() {
            let found = format!("the value of {} in env_vars must be a string", listed(&others));
            self.reject(found, "put the values of env_vars in quotation marks", Releases::ALL);
        }
    }

    fn config(&mut self, config: &Node) {
        let Some(entries) = config.as_mapping() else {
            return self.mismatch("config", config, "a mapping", Releases::ALL);
        };
        let names = ["setup_timeout_seconds", "eager_install", "log_files"];
        for entry in entries {
            let name = entry.key.text.as_str();
            let unknown = match name {
                "setup_timeout_seconds" | "eager_install" => Releases::NONE,
                "log_files" => !Releases::since(WITH_LOG_FILES),
                _ => Releases::ALL,
            };
            let found = format!("unknown key {} below config", quoted(name));
            self.push(found, meant(name, names), Effect::Ignored(unknown));
        }
        if let Some(value) = config.get("setup_timeout_seconds") {
            // Python takes `true` for 1.
            let is_accepted = match &value.value {
                NodeValue::Bool(value) => *value,
                NodeValue::Number(number) if !number.is_f64() => {
                    number.as_i64().is_none_or(|number| number > 0 || number == -1)
                }
                _ => false,
            };
            if !is_accepted {
                let expected = "a positive integer, or -1 for no timeout";
                self.mismatch("config.setup_timeout_seconds", value, expected, Releases::ALL);
            }
        }
        if let Some(value) = config.get("eager_install").filter(|value| !is_boolean(value)) {
            self.mismatch("config.eager_install", value, "true or false", Releases::ALL);
        }
        if let Some(value) = given(config, "log_files").filter(|value| !value.as_sequence().is_some_and(are_strings)) {
            let by = Releases::since(WITH_LOG_FILES);
            self.mismatch("config.log_files", value, "a list of strings", by);
        }
    }
}

fn did_you_mean(key: &str) -> String {
    format!("did you mean `{key}`?")
}

/// What to do about an unknown key below another one.
fn meant<const N: usize>(key: &str, known: [&'static str; N]) -> String {
    match suggest(key, known) {
        Some(meant) => did_you_mean(meant),
        None => format!("use {}", one_of(&known)),
    }
}

fn one_of(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// The endings of the archives that every release accepts.
fn archives(key: &str) -> &'static str {
    if key == "working_dir" { ".zip" } else { ".zip or .whl" }
}

/// Whether a URI with the protocol `local` is the absolute path of a directory.
fn is_local_directory(text: &str) -> bool {
    let prefix = "local://";
    let Some((start, path)) = text.split_at_checked(prefix.len()) else {
        return false;
    };
    let has_drive = |path: &str| {
        let mut characters = path.chars();
        characters.next().is_some_and(|letter| letter.is_ascii_alphabetic())
            && characters.next() == Some(':')
            && matches!(characters.next(), Some('/' | '\\'))
    };
    let is_archive = [".zip", ".tar.gz", ".tgz", ".tar.xz", ".whl"]
        .iter()
        .any(|ending| path.ends_with(ending));
    start.eq_ignore_ascii_case(prefix) && (path.starts_with('/') || has_drive(path)) && !is_archive
}
