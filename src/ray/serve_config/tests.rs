use crate::ray::release::Release;

use super::*;

/// The problems of a config: line and column, path, sentences, and whether they are certain.
fn problems(text: &str) -> Vec<String> {
    let problems = read(text)
        .problems
        .into_iter()
        .filter(|problem| problem.matters_to(None));
    let shown = problems.map(|problem| {
        let Place { path, line, column } = &problem.place;
        let certain = if problem.is_certain() { "certain" } else { "possible" };
        format!("{line}:{column} {path} [{certain}] {}. {}", problem.found, problem.fix)
    });
    shown.collect()
}

const GOOD: &str = "\
proxy_location: EveryNode
http_options: {port: 8000}
applications:
  - name: summary
    route_prefix: /summary
    import_path: app.summary:deployment
    runtime_env: {working_dir: \"https://github.com/a/b/archive/c.zip\", pip: [torch]}
    deployments:
      - name: Model
        num_replicas: auto
        autoscaling_config: {min_replicas: 1, max_replicas: 4, target_ongoing_requests: 5}
        ray_actor_options: {num_cpus: 2, num_gpus: 0.5, memory: 1073741824, resources: {tpu: 1}}
      - name: Router
        num_replicas: 2
      - name: Llm
        placement_group_bundles: [{CPU: 1, GPU: 1}, {GPU: 1, a: 2}]
        placement_group_strategy: STRICT_PACK
  - name: translate
    route_prefix: /translate
    import_path: app.translate
";

#[test]
fn a_good_config_has_no_problems_and_tells_what_it_needs() {
    let config = read(GOOD);
    let ray = Some(Release::new(2, 52, 1));
    assert!(
        !config.problems.iter().any(|problem| problem.matters_to(ray)),
        "{:?}",
        config.problems
    );
    assert_eq!(config.port, Some(8000));
    let [model, router, llm] = config.deployments.as_slice() else {
        panic!("{:?}", config.deployments)
    };
    assert_eq!((&*model.application, &*model.name), ("summary", "Model"));
    assert_eq!(model.place.path.to_string(), "applications[0].deployments[0]");
    assert_eq!((model.place.line, model.place.column), (9, 9));
    let replicas = Replicas::Between {
        min: 1,
        initial: None,
        max: 4,
    };
    assert_eq!(model.replicas, replicas);
    let actor = Needs {
        cpus: Some(2.0),
        gpus: Some(0.5),
        memory: Some(1_073_741_824.0),
        others: vec![("tpu".to_owned(), 1.0)],
        accelerator_type: None,
    };
    assert_eq!(model.actor, Some(actor));
    assert_eq!((router.replicas, &router.actor), (Replicas::Fixed(2), &None));
    assert_eq!(llm.replicas, Replicas::Code);
    let bundle = Needs {
        gpus: Some(1.0),
        others: vec![("a".to_owned(), 2.0)],
        ..Needs::default()
    };
    assert_eq!(llm.bundles.get(1), Some(&bundle));
    assert_eq!(llm.strategy.as_deref(), Some("STRICT_PACK"));
}

#[test]
fn problems_say_where_they_are_and_what_to_do() {
    for (text, expected) in [
        (
            "applications:\n  - importPath: a:b\n",
            &[
                "2:5 applications[0].importPath [possible] unknown key `importPath`, Ray ignores it. \
                 Did you mean `import_path`?",
                "2:5 applications[0] [certain] `applications[0]` lacks `import_path`, Ray rejects it. \
                 Write `import_path` instead of `importPath`",
            ][..],
        ),
        (
            "import_path: a:b\n",
            &[
                "1:1 import_path [possible] unknown key `import_path`, Ray ignores it. Write it below `applications`",
                "1:1  [certain] the config lacks `applications`, Ray rejects it. Add `applications`",
            ],
        ),
        (
            "applications:\n- import_path: a:b\n  deployments:\n  - name: m\n    num_gpus: 1\n    num_replicas: 0\n",
            &[
                "5:5 applications[0].deployments[0].num_gpus [possible] unknown key `num_gpus`, Ray ignores it. \
                 Write it below `ray_actor_options`",
                "6:19 applications[0].deployments[0].num_replicas [certain] `num_replicas` \
                 is 0, must be an integer of at least 1 or `auto`, Ray rejects it. Write an integer of at least 1 or `auto`",
            ],
        ),
        (
            "applications: [{import_path: a:b}, {import_path: c:d, name: x}]",
            &[
                "1:36 applications[1].route_prefix [certain] route prefix `/`, which is the default, is used twice, \
               Ray rejects it. Give each application a unique `route_prefix`",
            ],
        ),
        (
            "applications: [{import_path: a:b, logging_config: {logLevel: INFO}}]",
            &[
                "1:52 applications[0].logging_config.logLevel [certain] unknown key `logLevel`, Ray rejects it. \
               Did you mean `log_level`?",
            ],
        ),
        (
            "proxy_location: Everynode\napplications: [{import_path: a:b, name: 7}]",
            &[
                "1:17 proxy_location [certain] `proxy_location` is `Everynode`, must be one of `Disabled`, `EveryNode` and \
                 `HeadOnly`, Ray rejects it. Did you mean `EveryNode`?",
                "2:41 applications[0].name [possible] `name` is 7, must be a string, Ray 2.60.0 rejects it. \
                 Write a string",
            ],
        ),
        (
            "applications: [{import_path: a:b, deployments: [{name: m, num_replicas: 2, autoscaling_config: {}}]}]",
            &[
                "1:73 applications[0].deployments[0].num_replicas [certain] `num_replicas` is a number and \
               `autoscaling_config` is set, Ray rejects it. Write `num_replicas: auto`, or remove `autoscaling_config`",
            ],
        ),
        (
            "applications: [{import_path: a:b, deployments: [{name: m, autoscaling_config: {min_replicas: 3}}]}]",
            &[
                "1:94 applications[0].deployments[0].autoscaling_config.min_replicas [certain] `min_replicas` is 3 and \
               `max_replicas` is 1, its default, Ray rejects it. Set `max_replicas` to at least `min_replicas`",
            ],
        ),
        (
            "applications: [{import_path: a:b, runtime_env: {working_dir: ./src}}]",
            &[
                "1:62 applications[0].runtime_env.working_dir [certain] `working_dir` is not a URI, \
               Ray rejects it. Upload the code and write its URI, such as `https://…/code.zip` or `s3://…/code.zip`",
            ],
        ),
        (
            "importPath: a:b\napplications: []\n---\napplications: [{}]\n",
            &[
                "1:1 importPath [possible] unknown key `importPath`, Ray ignores it. Did you mean `import_path` below `applications`?",
                "3:1  [possible] a second YAML document, KubeRay reads only the first. Put all applications into one document",
            ],
        ),
        (
            "applications: [{import_path: a:b, runtime_env: {pip: [a], conda: b}}]",
            &[
                "1:66 applications[0].runtime_env.conda [certain] `pip` and `conda` are both set, Ray rejects it. \
                 Keep one of them; `conda` can list pip packages",
            ],
        ),
        (
            "applications: [{import_path: a:b, runtime_env: {pip: [a], conda: {}, uv: null}}]\n---\n# no more\n...\n",
            &[
                "1:66 applications[0].runtime_env.conda [possible] `pip` and `conda` are both set, Ray 2.46.0 to 2.60.0 reject it. \
                 Keep one of them; `conda` can list pip packages",
            ],
        ),
        (
            "applications:\n- import_path: app\n  port: 8000\n",
            &[
                "2:16 applications[0].import_path [certain] import_path `app` names no module, Ray rejects it. \
                 Write it as `module.submodule:application`",
                "3:3 applications[0].port [certain] an application must not have `port`, Ray rejects it. \
                 Set `port` below `http_options`",
            ],
        ),
    ] {
        assert_eq!(problems(text), expected, "{text}");
    }
}

#[test]
fn what_kuberay_cannot_read_is_certain() {
    for (text, expected) in [
        (
            "",
            "1:1  [certain] the config is empty, Ray requires `applications`. Write a mapping with `applications`",
        ),
        (
            "# none\n",
            "1:1  [certain] the config is empty, Ray requires `applications`. Write a mapping with `applications`",
        ),
        (
            "- a",
            "1:1  [certain] the config is a list, KubeRay reads a mapping only. Write a mapping with `applications`",
        ),
        (
            "a: 1\nb: [",
            "2:1  [certain] the config is not YAML in line 2, KubeRay cannot read it. Correct the YAML",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text:?}");
    }
}

#[test]
fn where_readers_differ_nothing_is_certain() {
    let duplicate = problems("applications: 1\napplications: []\n");
    assert!(
        duplicate.iter().all(|problem| problem.contains("[possible]")),
        "{duplicate:?}"
    );
    assert!(
        duplicate
            .iter()
            .any(|problem| problem.contains("key `applications` is duplicate")),
        "{duplicate:?}"
    );
    // The merged key is not seen, and not said to be missing.
    assert_eq!(problems("x: &x {import_path: a:b}\napplications: [{<<: *x}]").len(), 1);
}

#[test]
fn credentials_in_uris_are_not_repeated() {
    let text = "applications: [{import_path: a:b, runtime_env: {working_dir: \"ftp://user:secret@host/x.zip\"}}]";
    let problems = problems(text);
    assert!(
        problems.iter().any(|problem| problem.contains("protocol `ftp`")),
        "{problems:?}"
    );
    assert!(!problems.concat().contains("secret"), "{problems:?}");
}

#[test]
fn the_work_is_bounded() {
    let large = format!("a: {}", "x".repeat(3 << 20));
    let found = problems(&large);
    assert_eq!(found.len(), 1);
    assert!(
        found.concat().contains("[possible] the config has 3145731 bytes"),
        "{found:?}"
    );
    let aliases: String = (0..20)
        .map(|at| format!("a{at}: &a{at} [*a{0}, *a{0}]\n", at.max(1) - 1))
        .collect();
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(50_000),
        aliases,
        "applications:\n".repeat(10_000),
    ] {
        let _ = read(&text);
    }
    let deployments = "{name: a}, ".repeat(6_000);
    let wide = read(&format!(
        "{{applications: [{{import_path: a:b, deployments: [{deployments}]}}]}}"
    ));
    assert_eq!(wide.deployments.len(), 6_000);
    let many = read(&format!("applications:\n{}", "- {a: 1}\n".repeat(2_000)));
    assert_eq!((many.problems.len(), many.more), (50, 7_948));
}

#[test]
fn a_problem_matters_to_some_releases() {
    let text = "applications: [{import_path: a:b, deployments: [{name: m, num_replicas: auto}]}]";
    let config = read(text);
    let [problem] = config.problems.as_slice() else {
        panic!("{:?}", config.problems)
    };
    for (release, matters) in [
        ((2, 9, 3), true),
        ((2, 8, 0), true),
        ((2, 19, 0), true),
        ((2, 20, 0), false),
        ((3, 0, 0), false),
    ] {
        let release = Release::new(release.0, release.1, release.2);
        assert_eq!(problem.matters_to(Some(release)), matters, "{release}");
    }
    assert!(!problem.matters_to(None) && !problem.is_certain());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..60)) {
        let config = read(&pieces.concat());
        for problem in config.problems {
            assert!(problem.place.line > 0 && problem.place.column > 0, "{problem:?}");
        }
    }
}

/// What configs are made of, and what readers stumble over.
const PIECES: [&str; 40] = [
    "applications",
    "deployments",
    "name",
    "import_path",
    "route_prefix",
    "autoscaling_config",
    "num_replicas",
    "auto",
    "min_replicas",
    "runtime_env",
    "working_dir",
    "logging_config",
    "a",
    "1",
    "-1",
    "1.5",
    "1e9",
    "true",
    "null",
    "~",
    ": ",
    ":",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&x ",
    "*x",
    "<<",
    "\"",
    "'",
    "# é\n",
    "| \n",
    "---\n",
];
