//! What the Dockerfile names is there, and is what the Deployment expects.

use crate::{deployed, of_kind, only, read, repository};

/// The arguments of each of its lines that begin with this instruction.
fn instructions(name: &str) -> Vec<Vec<String>> {
    let text = read(&repository("deploy/Dockerfile")).replace("\\\n", " ");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines
        .map(|arguments| arguments.split_whitespace().map(str::to_owned).collect())
        .collect()
}

/// The argument that follows another.
fn after<'a>(arguments: &'a [String], flag: &str) -> &'a str {
    let at = arguments.iter().position(|argument| argument == flag).unwrap();
    &arguments[at + 1]
}

#[test]
fn what_is_copied_is_there() {
    let build = instructions("RUN").into_iter().find(|run| run[0] == "cargo").unwrap();
    let profile = after(&build, "--profile");
    let manifest = read(&repository("Cargo.toml"));
    assert!(manifest.contains(&format!("[profile.{profile}]\n")));
    // Built for the architecture of the machine, and copied to a place without it in its name.
    let target = "$(uname -m)-unknown-linux-musl";
    let added = instructions("RUN")
        .into_iter()
        .find(|run| run[0] == "apt-get")
        .unwrap()
        .join(" ");
    assert!(added.contains(&format!("rustup target add \"{target}\"")), "{added}");
    let binary = format!("\"target/{target}/{profile}/{}\"", after(&build, "--bin"));
    let build = build.join(" ");
    assert!(build.contains(&format!("--target \"{target}\"")), "{build}");
    let (_, copy) = build.split_once("&& cp ").unwrap();
    let built = copy.strip_prefix(&binary).unwrap().trim();
    let copied = instructions("COPY");
    assert_eq!(copied.len(), 2);
    for arguments in copied {
        let (stage, paths): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with("--"));
        for source in &paths[..paths.len() - 1] {
            if stage.is_empty() {
                assert!(repository(source).exists(), "{source}");
            } else {
                assert_eq!(**source, built);
            }
        }
    }
}

/// Files that the sources take in at compile time, and what Cargo.toml names, have to reach the build.
#[test]
fn nothing_that_is_built_in_is_ignored() {
    let ignored = read(&repository("deploy/Dockerfile.dockerignore"));
    let ignored: Vec<_> = ignored.lines().filter_map(|line| line.strip_prefix('/')).collect();
    assert!(ignored.contains(&"certs"), "keys must not get into an image");
    let mut seen = 0;
    let mut folders = vec![repository("src")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = read(&path);
            for (at, marker) in text.match_indices("include_str!(\"") {
                let name = text[at + marker.len()..].split('"').next().unwrap();
                let file = path.parent().unwrap().join(name).canonicalize().unwrap();
                let file = file
                    .strip_prefix(repository("").canonicalize().unwrap())
                    .unwrap()
                    .to_owned();
                assert!(
                    !ignored.iter().any(|folder| file.starts_with(folder)),
                    "{}",
                    file.display()
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 3);
}

#[test]
fn the_image_is_what_the_deployment_runs() {
    let objects = deployed();
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    let security = &pod["securityContext"];
    let user = format!("{}:{}", security["runAsUser"], security["runAsGroup"]);
    assert_eq!(instructions("USER"), [[user]]);
    let container = only(&pod["containers"]);
    let ports: Vec<_> = container["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["containerPort"].to_string())
        .collect();
    assert_eq!(instructions("EXPOSE"), [ports]);
    let destination = instructions("COPY").pop().unwrap().pop().unwrap();
    assert_eq!(instructions("ENTRYPOINT"), [[format!("[\"{destination}\"]")]]);
    assert!(container["command"].is_null());
}
