//! What the runtime environments of a Ray object make Ray download on each node.
//!
//! The fields are those of Ray 2.60 (`python/ray/_private/runtime_env`), the options those of pip 26 and uv 0.11. What cannot
//! be read has the host [`UNKNOWN`], so that a rule that lists allowed hosts holds.

use crate::k8s::json::text;
use crate::yaml::Node;

use super::runtime_env;
use super::workload::Workload;

/// The host of a download that cannot be known.
pub const UNKNOWN: &str = "?";

/// Something that Ray loads for a runtime environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Download {
    /// The field that asks for it: `pip`, `working_dir`. `env_vars` stands for a variable that steers a package manager, and
    /// `runtime_env` for an environment that cannot be read.
    pub what: &'static str,
    /// The scheme of its URI in lower case: `https`, `s3`, `git+ssh`; empty without a URI.
    pub scheme: String,
    /// The host or bucket in lower case, without user and port; empty for the package index that the image or a policy
    /// configures, and [`UNKNOWN`].
    pub host: String,
}

/// The options of pip and uv that change neither what is loaded nor from where, as they begin.
const HARMLESS: [&str; 22] = [
    "--no-cache",
    "--no-deps",
    "--no-index",
    "--no-binary",
    "--only-binary",
    "--prefer-binary",
    "--no-build",
    "--no-color",
    "--no-input",
    "--no-progress",
    "--no-warn",
    "--disable-pip-version-check",
    "--force-reinstall",
    "--ignore-installed",
    "--pre",
    "--prerelease",
    "--quiet",
    "--require-hashes",
    "--timeout",
    "--upgrade",
    "--verbose",
    "--system",
];

/// The short options of pip and uv that change neither.
const HARMLESS_SHORT: [&str; 5] = ["-U", "-q", "-v", "-vv", "-I"];

/// How the variables begin that steer a package manager, in upper case.
const STEERING: [&str; 6] = ["PIP_", "UV_", "CONDA_", "MAMBA_", "HTTP_PROXY", "HTTPS_PROXY"];

/// Everything that the runtime environments of an object load, each once.
pub fn of(job: &Workload<'_>) -> Vec<Download> {
    let mut found = Vec::new();
    if let Some(written) = text(job.spec, "runtimeEnvYAML").filter(|written| !runtime_env::is_blank(written)) {
        match runtime_env::read(written) {
            Some(environment) => in_environment(&environment, &mut found),
            None => found.push(unknown("runtime_env")),
        }
    }
    if let Some(written) = job
        .written_serve_config()
        .filter(|written| !runtime_env::is_blank(written))
    {
        match runtime_env::read(written) {
            Some(config) => in_config(&config, &mut found),
            None => found.push(unknown("runtime_env")),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn unknown(what: &'static str) -> Download {
    Download {
        what,
        scheme: String::new(),
        host: UNKNOWN.to_owned(),
    }
}

/// The environments of applications and of the actors of deployments, wherever they stand.
fn in_config(config: &Node, found: &mut Vec<Download>) {
    let mut left = vec![config];
    while let Some(node) = left.pop() {
        for entry in node.as_mapping().unwrap_or_default() {
            match entry.key.text.as_str() {
                runtime_env::MERGE => found.push(unknown("runtime_env")),
                "runtime_env" => in_environment(&entry.value, found),
                _ => left.push(&entry.value),
            }
        }
        left.extend(node.as_sequence().unwrap_or_default());
    }
}

fn in_environment(environment: &Node, found: &mut Vec<Download>) {
    let Some(entries) = environment.as_mapping() else {
        found.push(unknown("runtime_env"));
        return;
    };
    for entry in entries {
        let value = &entry.value;
        match entry.key.text.as_str() {
            runtime_env::MERGE => found.push(unknown("runtime_env")),
            "working_dir" => archives("working_dir", std::slice::from_ref(value), found),
            "py_modules" => archives("py_modules", value.as_sequence().unwrap_or_default(), found),
            "java_jars" => archives("java_jars", value.as_sequence().unwrap_or_default(), found),
            "pip" => packages("pip", value, found),
            "uv" => packages("uv", value, found),
            "conda" => conda(value, found),
            // A command in the place of the interpreter: `uv run --with x`.
            "py_executable" if !value.as_str().is_some_and(is_one_path) => found.push(unknown("py_executable")),
            "env_vars" => variables(value, found),
            _ => {}
        }
    }
}

fn is_one_path(command: &str) -> bool {
    !command.contains(char::is_whitespace)
}

/// URIs of archives. A path without a scheme is the submitter's own, which uploads it.
fn archives(what: &'static str, uris: &[Node], found: &mut Vec<Download>) {
    for uri in uris {
        match uri.as_str() {
            Some(uri) => found.extend(source(uri).map(|(scheme, host)| Download { what, scheme, host })),
            None => found.push(unknown(what)),
        }
    }
}

/// `pip` or `uv`: a list of requirements, a mapping with `packages` and options, or the path of a requirements file.
fn packages(what: &'static str, value: &Node, found: &mut Vec<Download>) {
    if let Some(list) = value.as_sequence() {
        requirements(what, list, found);
        return;
    }
    let Some(entries) = value.as_mapping() else {
        found.push(unknown(what));
        return;
    };
    for entry in entries {
        match entry.key.text.as_str() {
            "packages" => match entry.value.as_sequence() {
                Some(list) => requirements(what, list, found),
                None => found.push(unknown(what)),
            },
            "pip_install_options" | "uv_pip_install_options" => match entry.value.as_sequence() {
                Some(list) => options(what, list.iter().map(Node::as_str), found),
                None => found.push(unknown(what)),
            },
            "pip_check" | "pip_version" | "uv_check" | "uv_version" => {}
            _ => found.push(unknown(what)),
        }
    }
}

/// Lines of a requirements file: a package, a package `@` a URI, a URI, a file, or an option.
fn requirements(what: &'static str, lines: &[Node], found: &mut Vec<Download>) {
    for line in lines {
        // Ray writes each element into the file as it is, so that one element may be several lines.
        let Some(text) = line.as_str() else {
            found.push(unknown(what));
            continue;
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let line = line.split(" #").next().unwrap_or_default();
            if line.starts_with('-') {
                options(what, line.split_whitespace().map(Some), found);
                continue;
            }
            // pip puts the value of a variable in the place of `${NAME}`.
            let is_unclear = line.contains(['$', '\\']) || line.ends_with('@');
            let reference = line.split_once('@').map_or(line, |(_, reference)| reference).trim();
            let download = match source(reference).or_else(|| source(line)) {
                _ if is_unclear => unknown(what),
                Some((scheme, host)) => Download { what, scheme, host },
                None if line.contains('@') => unknown(what),
                None => Download {
                    what,
                    scheme: String::new(),
                    host: String::new(),
                },
            };
            found.push(download);
            // Options may follow a requirement.
            let rest = line.split_whitespace().skip_while(|word| !word.starts_with("--"));
            options(what, rest.map(Some), found);
        }
    }
}

/// Options of pip or uv and their values: every option that is not known to be harmless counts, at the host of its value
/// where it has one.
fn options<'w>(what: &'static str, words: impl Iterator<Item = Option<&'w str>>, found: &mut Vec<Download>) {
    let mut harmful = false;
    for word in words {
        let Some(word) = word else {
            found.push(unknown(what));
            continue;
        };
        let (option, value) = word
            .split_once('=')
            .map_or((word, None), |(option, value)| (option, Some(value)));
        if option == "--hash" {
            continue;
        }
        let is_option = word.starts_with('-');
        if is_option {
            harmful = !HARMLESS.iter().any(|known| option.starts_with(known)) && !HARMLESS_SHORT.contains(&word);
        }
        let uri = value.or((!is_option).then_some(word)).unwrap_or_default();
        match source(uri) {
            Some((scheme, host)) if !uri.contains(['$', '\\']) => {
                found.push(Download { what, scheme, host });
                harmful = false;
            }
            Some(_) => found.push(unknown(what)),
            None if harmful && (!is_option || value.is_some()) => found.push(unknown(what)),
            // `-ihttps://…`, or an option without a value.
            None if harmful && !option.starts_with("--") && option.len() > 2 => found.push(unknown(what)),
            None => {}
        }
    }
    if harmful {
        found.push(unknown(what));
    }
}

/// `conda`: the name of an environment of the image, or one to be made.
fn conda(value: &Node, found: &mut Vec<Download>) {
    let is_name = |name: &str| {
        ![".yml", ".yaml"]
            .iter()
            .any(|end| name.to_ascii_lowercase().ends_with(end))
    };
    if !value.as_str().is_some_and(is_name) {
        found.push(unknown("conda"));
    }
}

/// Variables that steer a package manager, at the host of their value.
fn variables(value: &Node, found: &mut Vec<Download>) {
    let Some(entries) = value.as_mapping() else {
        found.push(unknown("env_vars"));
        return;
    };
    for entry in entries {
        let name = entry.key.text.to_ascii_uppercase();
        if name == runtime_env::MERGE {
            found.push(unknown("env_vars"));
        } else if STEERING.iter().any(|start| name.starts_with(start)) {
            let (scheme, host) = entry
                .value
                .as_str()
                .filter(|value| !value.contains(['$', '\\']) && value.split_whitespace().count() == 1)
                .and_then(source)
                .unwrap_or((String::new(), UNKNOWN.to_owned()));
            found.push(Download {
                what: "env_vars",
                scheme,
                host,
            });
        }
    }
}

/// Scheme and host of a URI; `None` for a text that is none. Where two readers may take different hosts from it, the host is
/// [`UNKNOWN`].
fn source(uri: &str) -> Option<(String, String)> {
    let uri: String = uri
        .chars()
        .filter(|character| !matches!(character, '\t' | '\r' | '\n'))
        .collect();
    let (scheme, rest) = uri.trim().split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'));
    if !is_scheme {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let unknown = || Some((scheme.clone(), UNKNOWN.to_owned()));
    let Some(rest) = rest.strip_prefix("//") else {
        return unknown();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host
        .rsplit_once(':')
        .map_or(host, |(host, _)| host)
        .to_ascii_lowercase();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    if host.is_empty() && scheme == "file" {
        return Some((scheme, host));
    }
    if host.is_empty() || !host.chars().all(is_plain) || authority.contains(['\\', ' ', '%']) {
        return unknown();
    }
    Some((scheme, host.trim_end_matches('.').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;

    fn found(environment: &str) -> Vec<String> {
        let object = document!({"kind": "RayJob", "spec": {"runtimeEnvYAML": environment}});
        let downloads = of(&Workload::of(object.root()));
        let one = |download: Download| [download.what, &download.scheme, &download.host].join(" ");
        downloads.into_iter().map(one).collect()
    }

    #[test]
    fn what_is_loaded_and_from_where() {
        for (environment, wanted) in [
            ("", vec![]),
            ("env_vars: {A: b}\nworking_dir: ./src\nexcludes: [a]", vec![]),
            (
                "pip: [requests, 'numpy==1.26.0 ; python_version < \"3.12\"']",
                vec!["pip  "],
            ),
            (
                "pip: {packages: [requests], pip_check: false, pip_version: ==24.0}",
                vec!["pip  "],
            ),
            (
                "uv: {packages: [requests], uv_pip_install_options: [--no-cache]}",
                vec!["uv  "],
            ),
            ("conda: base", vec![]),
            ("py_executable: /usr/bin/python3", vec![]),
            ("working_dir: s3://ours/a.zip", vec!["working_dir s3 ours"]),
            (
                "working_dir: HTTPS://User:Pw@Files.Example.com:8443/a.zip",
                vec!["working_dir https files.example.com"],
            ),
            (
                "py_modules: ['gs://b/x.zip', ./here, 'azure://c@acc/y.zip']",
                vec!["py_modules azure acc", "py_modules gs b"],
            ),
            (
                "pip: ['x @ https://e.com/x.whl', 'git+ssh://git@e.org/x', 'hg+https://e.net/x']",
                vec!["pip git+ssh e.org", "pip hg+https e.net", "pip https e.com"],
            ),
            (
                "pip: ['--index-url https://e.com/simple', x]",
                vec!["pip  ", "pip https e.com"],
            ),
            ("pip: ['-i', 'https://e.com/simple']", vec!["pip  ?", "pip https e.com"]),
            (
                "pip: {packages: [x], pip_install_options: [--index-url, 'http://e.com']}",
                vec!["pip  ", "pip http e.com"],
            ),
            (
                "pip: {packages: [x], pip_install_options: ['--extra-index-url=http://e.com']}",
                vec!["pip  ", "pip http e.com"],
            ),
            (
                "uv: {packages: [x], uv_pip_install_options: ['--index', 'a=https://e.com']}",
                vec!["uv  ", "uv https e.com"],
            ),
            ("pip: ['x --hash=sha256:00']", vec!["pip  "]),
            (
                "pip: [\"x\\n--index-url=https://e.com\"]",
                vec!["pip  ", "pip https e.com"],
            ),
            (
                "env_vars: {pip_index_url: 'https://e.com', UV_OFFLINE: '1'}",
                vec!["env_vars  ?", "env_vars https e.com"],
            ),
        ] {
            assert_eq!(found(environment), wanted, "{environment}");
        }
    }

    #[test]
    fn what_is_unclear_is_unknown() {
        for environment in [
            "- a",
            "pip: [",
            "a: !!python/object x",
            "<<: {pip: [x]}",
            "working_dir: {a: b}",
            "working_dir: 'https:e.com/a.zip'",
            "working_dir: 'https://e.com\\@ours.internal/a.zip'",
            "working_dir: 'https://[::1]/a.zip'",
            "working_dir: 's3:///a.zip'",
            "pip: requirements.txt",
            "pip: 7",
            "pip: [7]",
            "pip: {packages: x}",
            "pip: {packages: [x], other: y}",
            "pip: ['x @ ${URL}']",
            "pip: ['x @ /tmp/x']",
            "pip: ['-r other.txt']",
            "pip: ['-rother.txt']",
            "pip: {packages: [], pip_install_options: ['--config-settings=a']}",
            "pip: {packages: [], pip_install_options: ['--proxy', 'e.com:80']}",
            "conda: {dependencies: [x]}",
            "'conda': {dependencies: [x]}",
            "\"con\\x64a\": {dependencies: [x]}",
            "? conda\n: {dependencies: [x]}",
            "!!str conda: {}",
            "conda: environment.yml",
            "py_executable: uv run --with x python",
            "env_vars: {PIP_CONFIG_FILE: /tmp/x}",
            "env_vars: {PIP_EXTRA_INDEX_URL: 'https://ours.internal https://e.com'}",
        ] {
            let found = found(environment);
            assert!(found.iter().any(|one| one.ends_with(" ?")), "{environment}: {found:?}");
        }
    }

    #[test]
    fn serve_applications_and_deployments_have_environments_too() {
        let deployments = "[{name: d, ray_actor_options: {runtime_env: {pip: ['git+https://e.org/x']}}}]";
        let environment = "{working_dir: 'https://e.com/a.zip'}";
        let config = format!("applications: [{{name: a, runtime_env: {environment}, deployments: {deployments}}}]");
        let object = document!({"kind": "RayService", "spec": {"serveConfigV2": config}});
        let downloads = of(&Workload::of(object.root()));
        let hosts: Vec<&str> = downloads.iter().map(|download| download.host.as_str()).collect();
        assert_eq!(hosts, ["e.org", "e.com"]);
    }
}
