//! Expressions: what they give, what they refuse with which place, and that nothing makes them hang or panic.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::sync::Arc;

use raygate::admission::{Endpoint, Gate};
use raygate::cel::{Failed, Here, Inputs, LONGEST, Message, Meter, Place, Problem, Session, compile, condition};
use raygate::engine::bundle::known;
use raygate::engine::{Bundle, Compiled};
use raygate::json::Tree;
use raygate::k8s::path::Path;
use raygate::policy::Subject;
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::flyte::Identity;
use raygate::ray::{KubeRay, Workload};
use raygate::rules::check;
use serde_json::{Value, json};

static NO_DEVICES: std::sync::LazyLock<raygate::ray::device::Devices> = std::sync::LazyLock::new(Default::default);

fn rayjob() -> Value {
    json!({
        "metadata": {"name": "train", "labels": {"owner": "ml", "a.b/c": "d", "empty": null, "ünï": "çödé"}},
        "spec": {
            "submissionMode": "HTTPMode",
            "ttlSecondsAfterFinished": 300,
            "ratio": 0.5,
            "big": 18_446_744_073_709_551_615_u64,
            "rayClusterSpec": {
                "headGroupSpec": {"template": {"spec": {"containers": [
                    {"name": "ray-head", "image": "rayproject/ray:2.52.1", "env": [{"name": "KEY", "value": "secret"}],
                     "resources": {"limits": {"cpu": 2, "memory": "8Gi"}}},
                ]}}},
                "workerGroupSpecs": [
                    {"groupName": "gpu-workers", "replicas": 2, "maxReplicas": 4, "template": {"spec": {"containers": [
                        {"name": "ray-worker", "image": "rayproject/ray:2.52.1",
                         "resources": {"limits": {"nvidia.com/gpu": "4", "cpu": "500m", "memory": "16Gi"}}},
                        {"name": "logs", "image": "logs:1"},
                    ]}}},
                ],
            },
        },
    })
}

fn with_session<T>(object: &Value, old: Option<&Value>, read: impl FnOnce(&Session<'_>, &Workload<'_>) -> T) -> T {
    let object = Tree::of(object).unwrap();
    let old = old.map(|old| Tree::of(old).unwrap());
    let job = Workload::of(object.root());
    let identity = Identity {
        project: "ml".into(),
        domain: "production".into(),
        ..Identity::default()
    };
    let session = Session::new(Inputs {
        job: &job,
        old: old.as_ref().map(Tree::root),
        identity: &identity,
        verified: true,
        operation: "CREATE",
        namespace: "ml-production",
        user: "flyte",
        devices: &NO_DEVICES,
        kuberay: KubeRay::V1_6,
        flyte: "1.16.8",
    });
    read(&session, &job)
}

fn refused(problems: Vec<Problem>) -> String {
    problems
        .iter()
        .map(|problem| problem.message.clone())
        .collect::<Vec<_>>()
        .join("; ")
}

fn holds_on(object: &Value, expression: &str) -> Result<bool, Failed> {
    with_session(object, None, |session, job| {
        let program = compile(expression, Place::Container).unwrap_or_else(|p| panic!("{expression}: {}", refused(p)));
        let pod = job.workers().next().or(job.head()).unwrap();
        let here = Here::Container(pod, &pod.containers[0]);
        program.holds(session, here, &Arc::new(Meter::default()))
    })
}

fn holds(expression: &str) -> Result<bool, Failed> {
    holds_on(&rayjob(), expression)
}

#[test]
fn what_expressions_give() {
    for expression in [
        // Integers of the object are int, whatever is done with them.
        "object.spec.ttlSecondsAfterFinished + 60 == 360",
        "type(object.spec.ttlSecondsAfterFinished) == int",
        "object.spec.ttlSecondsAfterFinished in [299, 300]",
        "object.spec.big == 18446744073709551615u",
        "object.spec.ratio < 1 && 1 > object.spec.ratio",
        "-object.spec.ttlSecondsAfterFinished == -300",
        // Access.
        "has(object.metadata.labels.owner) && !has(object.metadata.labels.other)",
        "!has(object.metadata.labels.empty)",
        "object.metadata.labels['a.b/c'] == 'd'",
        "object.metadata.labels.`a.b/c` == 'd'",
        "object.?metadata.?annotations[?'x'].orValue('y') == 'y'",
        "object.metadata.?labels.?owner.hasValue()",
        "'owner' in object.metadata.labels && !('x' in object.metadata.labels)",
        "size(object.spec.rayClusterSpec.workerGroupSpecs) == 1",
        "object.spec.rayClusterSpec.workerGroupSpecs[0].groupName == 'gpu-workers'",
        "object.metadata.labels.exists(k, k == 'owner')",
        "object == object && object.metadata == {'name': 'train', 'labels': object.metadata.labels}",
        "oldObject == null && object != null && null != object.spec && object != 1 && pod.spec.containers != 'a'",
        // Equality does not ask who holds a list.
        "job.images == ['rayproject/ray:2.52.1', 'logs:1'] && ['rayproject/ray:2.52.1', 'logs:1'] == job.images",
        "pod.spec.containers.map(c, c.name) == ['ray-worker', 'logs']",
        "['ray-worker', 'logs'] == pod.spec.containers.map(c, c.name)",
        "size(pod.spec.containers + [1]) == 3 && size([1] + pod.spec.containers) == 3",
        "pod.spec.containers != pod.spec.containers.filter(c, c.name == 'logs')",
        // The facts.
        "job.gpus == 8 && job.maxGpus == 8 && job.workers == 2 && job.pods == 3",
        "job.cpus == 3 && 3 == job.cpus && job.cpus > 2 && 4 > job.cpus && job.cpus == quantity('3000m')",
        "job.memory == quantity('40Gi') && job.memory < quantity('41Gi')",
        "job.groups.all(g, g.workers == 2 && g.gpus == 4 && g.name.startsWith('gpu'))",
        "job.flyte.project == 'ml' && job.flyte.verified",
        "request.operation == 'CREATE' && request.namespace == 'ml-production' && request.user == 'flyte' && request.name == 'train'",
        "platform.kuberay == '1.6' && platform.flyte == '1.16.8'",
        "role == 'worker' && group == 'gpu-workers' && path.endsWith('workerGroupSpecs[0].template.spec.containers[0]')",
        "job['gpus'] == 8",
        // Quantities.
        "quantity('1Gi') > quantity('500Mi') && quantity('1Gi') == quantity('1024Mi')",
        "quantity(container.resources.limits.memory) >= quantity('16Gi')",
        "quantity(object.spec.rayClusterSpec.headGroupSpec.template.spec.containers[0].resources.limits.cpu) == 2",
        "isQuantity('1Ki') && !isQuantity('1K') && !isQuantity(object) && isQuantity(1)",
        "quantity('1Gi').isGreaterThan(quantity('1Mi')) && quantity('1').isLessThan(quantity('2'))",
        "quantity('1').compareTo(quantity('2')) == -1 && quantity('1').compareTo(quantity('1')) == 0",
        "quantity('-1').sign() == -1 && quantity('0').sign() == 0 && quantity('1m').sign() == 1",
        "quantity('2k').asInteger() == 2000 && quantity('2k').isInteger() && !quantity('1m').isInteger()",
        "quantity('1Gi') + quantity('1Gi') == quantity('2Gi') && quantity('50k').add(20) == quantity('50020')",
        "quantity('1Gi') - quantity('2Gi') == quantity('-1Gi') && quantity('3').sub(quantity('-1')) == 4",
        "type(quantity('1')) == type(job.cpus)",
        // Texts and lists.
        "'a-b'.matches('^[a-z]-b$') && !'x'.matches('y') && matches('aé', 'é')",
        "'TacoCat'.lowerAscii() == 'tacocat' && 'a'.upperAscii() == 'A' && ' a '.trim() == 'a'",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && ['a', 'b'].join('-') == 'a-b' && ['a', 'b'].join() == 'ab'",
        "'hello'.replace('l', 'L') == 'heLLo' && 'abc'.substring(1) == 'bc' && 'abc'.substring(0, 2) == 'ab'",
        "'héllo'.indexOf('l') == 2 && 'héllo'.lastIndexOf('l') == 3 && 'a'.indexOf('b') == -1",
        "'abc'.charAt(1) == 'b' && 'abc'.reverse() == 'cba' && strings.quote('a') == '\"a\"'",
        "'%s has %d'.format(['x', 3]) == 'x has 3'",
        "[3, 1, 2].sort() == [1, 2, 3] && [1, 2].reverse() == [2, 1] && [1, 1].distinct() == [1]",
        "[[1], [2]].flatten() == [1, 2] && [1, 2, 3].slice(1, 3) == [2, 3]",
        "pod.spec.containers.sortBy(c, c.name)[0].name == 'logs'",
        "[1, 2, 3].exists_one(x, x > 2) && [1, 2].all(x, x > 0) && [1, 2].map(x, x > 1, x * 2) == [4]",
        "[1, 2, 3].filter(x, x != 2) == [1, 3] && 'a' + 'b' == 'ab'",
        "size('äöü') == 3 && 'äöü'.size() == 3 && object.metadata.labels['ünï'] == 'çödé'",
        "[1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && ['a'].indexOf('b') == -1",
        "pod.spec.containers.map(c, c.name).indexOf('logs') == 1 && [{'a': 1}].indexOf({'a': 1}) == 0",
        "[1, 2, 2].isSorted() && !['b', 'a'].isSorted() && [].isSorted() && [quantity('1m'), quantity('1')].isSorted()",
        "[1, 2].sum() == 3 && [0.5, 0.25].sum() == 0.75 && [].sum() == 0",
        "[quantity('1Gi'), quantity('1Gi')].sum() == quantity('2Gi')",
        "job.groups.map(g, g.gpus * g.workers).sum() == job.gpus",
        "[2, 1, 3].min() == 1 && [2, 1, 3].max() == 3 && ['b', 'a'].max() == 'b'",
        "[quantity('1Gi'), quantity('2')].max() == quantity('1Gi')",
        "'ray 2.52.1'.find('[0-9]+') == '2' && 'ray'.find('[0-9]') == ''",
        "'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b22'.findAll('[0-9]+', 1) == ['1']",
        "'a1'.findAll('[0-9]', 0) == [] && 'a1b2'.findAll('[0-9]', -1) == ['1', '2'] && 'ä'.findAll('x') == []",
        "int('7') == 7 && string(7) == '7' && double('0.5') == 0.5 && bool('true') && size(bytes('ä')) == 2",
        // Optionals.
        "optional.of(1).orValue(2) == 1 && optional.none().orValue(2) == 2 && !optional.none().hasValue()",
        "optional.of(1).value() == 1 && optional.none().or(optional.of(3)).value() == 3",
        "optional.of(2).optMap(x, x + 1).orValue(0) == 3 && !optional.ofNonZeroValue('').hasValue()",
        // An error beside what decides is absorbed.
        "true || object.none && 1/0 > 1",
        "[0, 1].exists(x, 1/x == 1)",
        "job.gpus > 4 ? true : false",
    ] {
        assert_eq!(holds(expression), Ok(true), "{expression}");
    }
}

/// The API server prunes the keys of maps whose value is null, and no elements of lists (Kubernetes 1.37,
/// `apiextensions-apiserver`, `PruneNonNullableNullsWithoutDefaults`).
#[test]
fn a_null_is_absent_from_a_map_and_an_element_of_a_list() {
    let mut object = rayjob();
    object["spec"]["m"] = json!({"a": null, "b": "x"});
    object["spec"]["none"] = json!({"a": null});
    object["spec"]["l"] = json!([null, 1]);
    for expression in [
        "!has(object.spec.m.a) && has(object.spec.m.b)",
        "!('a' in object.spec.m) && 'b' in object.spec.m",
        "!object.spec.m[?'a'].hasValue() && !object.spec.?none.?a.hasValue()",
        "size(object.spec.m) == 1 && object.spec.m.size() == 1",
        "object.spec.m.all(k, k == 'b')",
        "!object.spec.m.exists(k, k == 'a') && object.spec.m.exists_one(k, true)",
        "object.spec.m.map(k, k) == ['b'] && object.spec.m.filter(k, true) == ['b']",
        "object.spec.m == {'b': 'x'} && {'b': 'x'} == object.spec.m && object.spec.m == object.spec.m",
        "size(object.spec.none) == 0 && object.spec.none == {} && !object.spec.none.exists(k, true)",
        "size(object.spec.l) == 2 && object.spec.l.size() == 2",
        "object.spec.l[0] == null && object.spec.l[1] == 1",
        "null in object.spec.l",
        "object.spec.l.exists(e, e == null) && object.spec.l.exists_one(e, e == null)",
        "!object.spec.l.all(e, e != null)",
        "object.spec.l.map(e, e) == [null, 1] && object.spec.l.filter(e, e != null) == [1]",
        "object.spec.l == [null, 1] && object.spec.l != [1]",
    ] {
        assert_eq!(holds_on(&object, expression), Ok(true), "{expression}");
    }
}

#[test]
fn the_model_is_read_and_the_old_name_of_the_account() {
    let mut object = rayjob();
    let spec = &mut object["spec"];
    spec["runtimeEnvYAML"] = "image_uri: env:1".into();
    let cluster = &mut spec["rayClusterSpec"];
    cluster["enableInTreeAutoscaling"] = true.into();
    cluster["autoscalerOptions"] = json!({"image": "autoscaler:1", "resources": {"limits": {"cpu": "1"}}});
    let pod = &mut cluster["workerGroupSpecs"][0]["template"]["spec"];
    pod["serviceAccount"] = "admin".into();
    pod["volumes"] = json!([{"name": "v", "image": {"reference": "data:1"}}]);
    pod["initContainers"] = json!([{"name": "i", "image": "rayproject/ray:2.52.1",
        "resources": {"requests": {"nvidia.com/gpu": "8", "cpu": "2"}}}]);
    for expression in [
        "has(pod.spec.serviceAccountName) && pod.spec.serviceAccountName == 'admin'",
        "!has(object.spec.rayClusterSpec.headGroupSpec.template.spec.serviceAccountName)",
        "has(pod.serviceAccountName) && pod.serviceAccountName == 'admin' && pod.spec == pod.spec",
        "pod.resources.requests['nvidia.com/gpu'] == 8 && pod.resources.requests.cpu == 2",
        "pod.resources.limits[?'memory'].hasValue() || !('memory' in pod.resources.limits)",
        "!has(pod.resources.requests.other) && !has(pod.resources.other) && size(pod.spec.containers) > 0",
        "job.gpus == 16 && job.maxGpus == 32 && job.groups[0].gpus == 8",
        "job.cpus == 7",
        "job.images == ['rayproject/ray:2.52.1', 'autoscaler:1', 'logs:1', 'data:1', 'env:1']",
        "job.downloads == []",
    ] {
        assert_eq!(holds_on(&object, expression), Ok(true), "{expression}");
    }
}

#[test]
fn what_has_no_value_says_why_and_shows_nothing() {
    for (expression, why) in [
        ("object.metadata.labels.other == 'x'", "there is no `other`"),
        ("object.metadata.labels.empty == 'x'", "there is no `empty`"),
        ("pod.spec.containers[7].name == 'x'", "there is no element 7 of a list"),
        ("1 / (job.gpus - 8) == 1", "it divides by zero"),
        ("9223372036854775807 + job.gpus > 1", "a number is too large"),
        ("object.metadata.name + 1 == 'x'", "`add` does not take these types"),
        ("[].min() == 1", "`min` has no result"),
        ("[1, 'a'].max() == 1", "the types do not fit"),
        ("['a'].sum() == 1", "`sum` does not take string"),
        ("[9223372036854775807, 1].sum() == 1", "`sum` has no result"),
        ("object.metadata.name.sum() == 1", "`sum` does not take string"),
        ("object.metadata.name > 1", "`>` does not take string and int"),
        (
            "object.metadata.name",
            "it is neither true nor false, but of type string",
        ),
        (
            "quantity(object.metadata.name) > quantity('1')",
            "`quantity` has no result",
        ),
        (
            "int(object.spec.rayClusterSpec.headGroupSpec.template.spec.containers[0].env[0].value) == 1",
            "`int` has no result",
        ),
    ] {
        assert_eq!(holds(expression).unwrap_err().to_string(), why, "{expression}");
    }
}

/// The text that is underlined, the message and the help.
fn problems(expression: &str, place: Place) -> Vec<String> {
    let problems = compile(expression, place).expect_err(expression);
    problems
        .iter()
        .map(|problem| {
            let help = problem.help.as_deref().unwrap_or("-");
            let seen = expression
                .get(problem.range.clone())
                .expect("a range of the expression");
            format!("[{seen}]@{} {}; {help}", problem.range.start, problem.message)
        })
        .collect()
}

#[test]
fn misspellings_are_found_where_they_stand() {
    for (expression, wanted) in [
        (
            "job.gpsu > 1",
            &["[gpsu]@4 `job` has no field `gpsu`; did you mean `gpus`?"][..],
        ),
        (
            "jbo.gpus > 1",
            &["[jbo]@0 there is no variable `jbo`; did you mean `job`?"],
        ),
        (
            "'ü' == 'ä' && job.flyte.prject == requst.user",
            &[
                "[prject]@26 `job.flyte` has no field `prject`; did you mean `project`?",
                "[requst]@36 there is no variable `requst`; did you mean `request`?",
            ],
        ),
        (
            "has(job.flyte.domian)",
            &["[domian]@14 `job.flyte` has no field `domian`; did you mean `domain`?"],
        ),
        (
            "job.gpus > 1 &&\n  platform.kubray == '1'",
            &["[kubray]@27 `platform` has no field `kubray`; did you mean `kuberay`?"],
        ),
        (
            "job.groups.all(g, g.nmae != '')",
            &["[nmae]@20 `job.groups[i]` has no field `nmae`; did you mean `name`?"],
        ),
        (
            "job.groups[0].gpu == 1",
            &["[gpu]@14 `job.groups[i]` has no field `gpu`; did you mean `gpus`?"],
        ),
        (
            "job.?gps.orValue(1) == 1",
            &["[gps]@5 `job` has no field `gps`; did you mean `gpus`?"],
        ),
        (
            "job['gups'] == 1",
            &["['gups']@4 `job` has no field `gups`; did you mean `gpus`?"],
        ),
        (
            "job[request.name] == 1",
            &["[.]@11 fields of this record are taken by their names; -"],
        ),
        ("job.gpus.count > 1", &["[count]@9 an int has no field `count`; -"]),
        (
            "quantiy('1') > job.cpus",
            &["[quantiy]@0 there is no function `quantiy`; did you mean `quantity`?"],
        ),
        (
            "request.name.startWith ('a')",
            &["[startWith]@13 there is no function `startWith`; did you mean `startsWith`?"],
        ),
        (
            "request.name.startsWith()",
            &["[startsWith]@13 `startsWith` is written `s.startsWith(t)`; -"],
        ),
        (
            "job.images.exist(i, i == '')",
            &[
                "[exist]@11 there is no function `exist`; did you mean `exists`?",
                "[i]@17 there is no variable `i`; here are job, request and platform",
                "[i]@20 there is no variable `i`; here are job, request and platform",
            ],
        ),
        (
            "object.spec == 1",
            &[
                "[object]@0 there is no variable `object` here; only rules have it; `match.when` has `job`, `request` and `platform`",
            ],
        ),
        (
            "'a'.matches(request.name)",
            &["[matches]@4 the pattern of `matches` must be a literal; -"],
        ),
        (
            "'a'.matches('[')",
            &["['[']@12 `[` is no regular expression: unclosed character class; -"],
        ),
        (
            "'a'.matches('(a{900}){900}')",
            &["['(a{900}){900}']@12 the regular expression `(a{900}){900}` is too large when compiled; -"],
        ),
        ("Job{gpus: 1} == 1", &["[{]@3 there are no message types here; -"]),
        (
            "{'a': 1}.all(k, k == 'a')",
            &["[{]@0 a map that is written out has no order to go through; write a list; -"],
        ),
        ("job.gpus >", &["[]@10 the expression ends too early; -"]),
        ("job.gpus 1", &["[1]@9 `1` cannot stand here; -"]),
        ("'ü' == 'é", &["['é]@8 this text is never closed; -"]),
        ("  ", &["[  ]@0 the expression is empty; -"]),
    ] {
        assert_eq!(problems(expression, Place::When), wanted, "{expression}");
    }
}

/// What surely has no value is said at load, and what may have one is not.
#[test]
fn types_that_never_fit_are_found_where_they_stand() {
    for (expression, wanted) in [
        (
            "job.memory > '4Ti'",
            "[>]@11 `>` does not compare a quantity with a string; write a quantity as quantity('4Gi')",
        ),
        (
            "job.gpus == '4'",
            "[==]@9 an int is never equal to a string; write numbers, true and false without quotes",
        ),
        (
            "job.flyte.verified != 'true'",
            "[!=]@19 a bool is never equal to a string; write numbers, true and false without quotes",
        ),
        ("job.gpus < true", "[<]@9 `<` does not compare an int with a bool; -"),
        ("job.images == 'x'", "[==]@11 a list is never equal to a string; -"),
        ("job.images > job.images", "[>]@11 `>` does not compare lists; -"),
        (
            "job.gpus && true",
            "[gpus]@4 `&&` wants true or false, this is an int; -",
        ),
        ("!request.user", "[user]@9 `!` wants true or false, this is a string; -"),
        (
            "job.gpus ? true : false",
            "[gpus]@4 before `?` stands true or false, this is an int; -",
        ),
        ("job.memory * 2 > 3", "[memory]@4 `*` does not take a quantity; -"),
        (
            "job.memory + '1Gi' > 3",
            "[+]@11 `+` does not take a quantity and a string; write a quantity as quantity('4Gi')",
        ),
        (
            "'x' in request.user",
            "[user]@15 `in` looks into a list or a map, this is a string; for a part of a text write `text.contains(part)`",
        ),
        (
            "'x' in job.gpus",
            "[gpus]@11 `in` looks into a list or a map, and this is none; -",
        ),
        (
            "job.gpus.startsWith('x')",
            "[startsWith]@9 `startsWith` is for strings, this is an int; -",
        ),
        (
            "request.user.isLessThan(job.cpus)",
            "[isLessThan]@13 `isLessThan` is for quantities, this is a string; -",
        ),
        (
            "now() > 3",
            "[now]@0 there is no function `now`; there are no times: an expression gives the same at any time",
        ),
        ("job.gpus = 3", "[=]@9 `=` cannot stand here; write =="),
    ] {
        assert_eq!(problems(expression, Place::When), [wanted], "{expression}");
    }
    for expression in [
        "job.cpus > 64 && 64 < job.cpus && job.cpus == 3 && job.gpus + job.cpus > 3",
        "object.a > 'x' && object.a && !object.b && object.c[0] * 2 == 4 && 'x' in object.d",
        "dyn(job.gpus) == 'x' || type(job.gpus) == int || job.groups.exists(g, g.gpus > 2)",
        "job.images.exists_one(i, i.startsWith('x')) && (job.gpus > 1 ? 'a' : 'b') == 'a'",
        "request.user + 'x' == 'y' && size(job.images) * 2 > 3 && [1] + [2] == [1, 2] && job.gpus / 2 == 1.5",
    ] {
        assert!(condition(expression, Place::Job).is_ok(), "{expression}");
    }
}

#[test]
fn a_condition_is_true_or_false() {
    for (expression, wanted) in [
        ("job.gpus", Some("this must be true or false, and is an int")),
        ("job.memory", Some("this must be true or false, and is a quantity")),
        ("'true'", Some("this must be true or false, and is a string")),
        ("job.images", Some("this must be true or false, and is a list")),
        ("job", Some("this must be true or false, and is a record")),
        ("size(job.images)", Some("this must be true or false, and is an int")),
        ("object.spec.suspend", None),
        ("job.flyte.verified", None),
        ("true", None),
    ] {
        let found = condition(expression, Place::Job).err().map(refused);
        assert_eq!(found.as_deref(), wanted, "{expression}");
    }
    assert!(compile("job.gpus", Place::When).is_ok(), "a message shows anything");
}

#[test]
fn variables_belong_to_their_places() {
    for (place, expression, legal) in [
        (Place::Job, "object.spec == oldObject.spec", true),
        (Place::Job, "pod.spec == 1", false),
        (Place::Pod, "pod.spec == object && role == group && path != ''", true),
        (Place::Pod, "container.name == ''", false),
        (Place::Container, "container.name == pod.spec.x", true),
    ] {
        assert_eq!(compile(expression, place).is_ok(), legal, "{expression}");
    }
}

/// On a small stack, as a worker's, and in a debug build: what is refused must be refused before it is deep.
#[test]
fn bombs_are_refused_or_bounded() {
    let deep = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let mut bombs = vec![
        "x".repeat(1 << 20),
        "(".repeat(LONGEST),
        format!("1 == 1 || {}", "a".repeat(LONGEST)),
    ];
    for times in [49, 90, 600, 1300] {
        bombs.extend([
            deep("(", "1", ")", times),
            deep("[", "1", "]", times),
            deep("{1:", "1", "}", times),
            deep("size(", "'a'", ")", times),
            deep("!", "true", "", times),
            deep("-", "1", "", times),
            deep("- ", "1", "", times),
            deep("!-", "1", "", times),
            deep("true?1:", "1", "", times),
            deep("true?", "1", ":1", times),
            deep("1+", "1", "", times),
            deep("1<", "1", "", times),
            deep("1 in ", "1", "", times),
            format!("object{}", ".a".repeat(times)),
            format!("object{}", "[0]".repeat(times)),
            format!("object{}", ".a()".repeat(times)),
            format!("object{}", ".?a".repeat(times)),
            format!("job.groups{}", ".map(x,x)".repeat(times)),
        ]);
    }
    bombs.push(deep("[1].all(x,", "true", ")", 3));
    bombs.push("[1].all(a, [1].all(b, [1].exists(c, true)))".to_owned());
    bombs.push(format!("[{}1] == 1", "1,".repeat(1200)));
    let worker = std::thread::Builder::new().stack_size(2 << 20);
    let refused = worker.spawn(move || {
        bombs
            .into_iter()
            .filter(|bomb| compile(bomb, Place::Container).is_ok())
            .map(|bomb| bomb[..bomb.len().min(40)].to_owned())
            .collect::<Vec<String>>()
    });
    assert_eq!(refused.unwrap().join().unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_at_the_bounds_is_evaluated_on_a_workers_stack() {
    let expressions = [
        format!("{}true{}", "(".repeat(20), ")".repeat(20)),
        format!("request.name{} != ''", "+request.name".repeat(30)),
        vec!["job.gpus > 0"; 150].join(" && "),
        format!("{}true", "!".repeat(36)),
        format!("[1].all(a, [2].exists(b, {}true{}))", "(".repeat(15), ")".repeat(15)),
        format!("{}true", "true ? true : ".repeat(30)),
        format!("{}'a'{} != ''", "string(".repeat(16), ")".repeat(16)),
    ];
    let worker = std::thread::Builder::new().stack_size(2 << 20);
    let run = worker.spawn(move || {
        expressions
            .iter()
            .map(|expression| holds(expression))
            .collect::<Vec<_>>()
    });
    assert!(run.unwrap().join().unwrap().iter().all(|result| *result == Ok(true)));
}

#[test]
fn no_loop_and_no_text_outruns_the_steps() {
    let mut object = rayjob();
    object["spec"]["list"] = json!((0..3000).collect::<Vec<_>>());
    object["spec"]["many"] = json!(vec!["a"; 400_000]);
    object["spec"]["text"] = json!("a".repeat(2 << 20));
    for expression in [
        "object.spec.list.all(x, object.spec.list.all(y, x + y >= 0))",
        "object.spec.list.all(x, object.spec.list.map(y, y).all(z, z >= 0))",
        "!object.spec.list.exists(x, object.spec.list.exists(y, x + y < 0))",
        "size(object.spec.list.map(x, object.spec.list.map(y, y))) > 0",
        "object.spec.list.filter(x, object.spec.list.exists_one(y, y == x)) != []",
        "object.spec.many.all(x, x in object.spec.many)",
        "[object.spec.list.map(x, x)].all(l, l.all(x, x in l)) && object.spec.many.all(x, true)",
        "object.spec.text.split('').all(x, x == 'a')",
        "size(object.spec.text.replace('a', object.spec.text)) > 0",
        "size(object.spec.many.join(object.spec.text)) > 0",
        "object.spec.list.all(x, object.spec.text.contains('b') || true)",
        "object.spec.list.all(x, object.spec.text.matches('(a|b)*c') || true)",
        "object.spec.list.all(x, size(object.spec.text + object.spec.text) > 0)",
        "size(object.spec.many.distinct()) == 1",
        "object.spec.list.all(x, object.spec.many == object.spec.many)",
        "object.spec.text.split('').sort() != [] || true",
        "true || object.spec.many.all(x, true) && object.spec.list.all(x, object.spec.list.all(y, true))",
    ] {
        let result = holds_on(&object, expression);
        if expression.starts_with("true ||") {
            assert_eq!(result, Ok(true), "{expression}");
        } else {
            assert_eq!(result, Err(Failed::Steps), "{expression}");
        }
    }
}

#[test]
fn an_error_of_the_meter_is_never_absorbed() {
    let mut object = rayjob();
    object["spec"]["many"] = json!(vec!["a"; 400_000]);
    for expression in [
        "object.spec.many.all(x, true) || true",
        "[1].exists(y, object.spec.many.all(x, true)) || true",
    ] {
        assert_eq!(holds_on(&object, expression), Err(Failed::Steps), "{expression}");
    }
}

fn rendered(message: &str) -> Result<String, Vec<Problem>> {
    let message = Message::compile(message, Place::Job)?;
    Ok(with_session(&rayjob(), None, |session, _| {
        message.render(session, Here::Job, &Arc::new(Meter::default()))
    }))
}

#[test]
fn messages_are_filled_in() {
    for (message, wanted) in [
        ("{job.gpus} GPUs need an `owner` label", "8 GPUs need an `owner` label"),
        (
            "{job.memory} and {job.cpus}, {{not}} {request.name}",
            "40Gi and 3, {not} train",
        ),
        ("{job.images}", "rayproject/ray:2.52.1, logs:1"),
        ("{[1, 2, 3, 4, 5, 6, 7]}", "1, 2, 3, 4, 5, …"),
        ("{ {'}': 'a'}['}'] + '}' }", "a}"),
        ("{object.metadata.labels.other} {object}", "? ?"),
        ("{object.metadata.labels['ünï']}", "çödé"),
        ("{'a\\nb' + '`'}", "a\\nb'"),
        // What may be secret is not shown, however it is asked for.
        (
            "{object.spec.rayClusterSpec.headGroupSpec.template.spec.containers[0].env[0].value}",
            "?",
        ),
        (
            "{object.spec.rayClusterSpec.headGroupSpec.template.spec.containers.map(c, c['env'][0].value)}",
            "?",
        ),
    ] {
        assert_eq!(rendered(message).as_deref(), Ok(wanted), "{message}");
    }
    let long = rendered(
        "{[0, 1, 2, 3, 4].map(x, 'ä'.replace('ä', 'ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää'))}",
    );
    assert!(long.unwrap().len() <= 500);
}

#[test]
fn mistakes_in_messages_have_their_places() {
    for (message, wanted) in [
        ("ü {job.gpsu} GPUs", vec![("gpsu", "`job` has no field `gpsu`")]),
        ("{job.gpus", vec![("{", "this brace is never closed")]),
        ("a } b", vec![("}", "this brace was never opened")]),
        (
            "{} {jbo}",
            vec![("", "the expression is empty"), ("jbo", "there is no variable `jbo`")],
        ),
    ] {
        let problems = rendered(message).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (&message[problem.range.clone()], problem.message.as_str()))
            .collect();
        assert_eq!(found, wanted, "{message}");
    }
}

#[test]
fn a_program_knows_the_first_path_in_it() {
    with_session(&rayjob(), None, |_, job| {
        let pod = job.workers().next().unwrap();
        let here = Here::Container(pod, &pod.containers[1]);
        let path = |expression: &str| {
            let program = compile(expression, Place::Container).unwrap();
            program.path(here).as_ref().map(Path::to_string)
        };
        for (expression, wanted) in [
            ("has(object.metadata.labels.owner)", Some("metadata.labels.owner")),
            ("job.gpus > 1 && object.?spec[?'a.b'].hasValue()", Some("spec[\"a.b\"]")),
            (
                "container.resources.limits['x'] == 1",
                Some("spec.rayClusterSpec.workerGroupSpecs[0].template.spec.containers[1].resources.limits.x"),
            ),
            (
                "pod.spec.containers.all(c, c.name != '')",
                Some("spec.rayClusterSpec.workerGroupSpecs[0].template.spec.containers"),
            ),
            ("job.gpus > 1", None),
        ] {
            assert_eq!(path(expression).as_deref(), wanted, "{expression}");
        }
    });
}

#[test]
fn only_what_looks_at_the_execution_is_advisory() {
    for (expression, advisory) in [
        ("job.gpus > 1", false),
        ("job['gpus'] > 1 && request.user == ''", false),
        ("job.flyte.project == 'a'", true),
        ("job['flyte'].project == 'a'", true),
        ("[job].exists(j, j.flyte.project == 'a')", true),
        ("job.?flyte.project.orValue('') == 'a'", true),
    ] {
        assert_eq!(
            compile(expression, Place::When).unwrap().uses_identity(),
            advisory,
            "{expression}"
        );
    }
}

fn load(text: &str) -> raygate::policy::load::Loaded {
    raygate::policy::load(&[Source::new("rules.yaml", text)], &known())
}

fn concise(loaded: &raygate::policy::load::Loaded) -> Vec<String> {
    loaded
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.concise(&loaded.sources))
        .collect()
}

#[test]
fn diagnostics_point_into_the_scalars_of_the_file() {
    let loaded = load(include_str!("policies/cel/broken.yaml"));
    let wanted = [
        "rules.yaml:6:15: error[RP301]: `job` has no field `gpsu`",
        "rules.yaml:6:27: error[RP301]: there is no variable `objct`",
        "rules.yaml:8:25: error[RP301]: `job.flyte` has no field `prject`",
        "rules.yaml:14:11: error[RP301]: there is no variable `containr`",
        "rules.yaml:18:12: error[RP301]: there is no function `quantty`",
        "rules.yaml:19:28: error[RP301]: `job` has no field `gpsu`",
        "rules.yaml:21:17: error[RP301]: there is no variable `pod` here",
        "rules.yaml:21:40: error[RP301]: there is no variable `rol`",
        "rules.yaml:22:23: error[RP301]: this brace is never closed",
        "rules.yaml:23:13: error[RP201]: there are two rules named `block`",
        "rules.yaml:24:20: error[RP301]: the expression ends too early",
        "rules.yaml:26:13: error[RP106]: `each` cannot be `Jobs`",
    ];
    assert_eq!(concise(&loaded), wanted);
    let first = loaded.diagnostics[0].render(&loaded.sources, false);
    assert!(first.contains("|               ^^^^"), "{first}");
    assert!(first.contains("did you mean `gpus`?"), "{first}");
}

fn bundle(text: &str) -> Bundle {
    let loaded = load(text);
    assert!(loaded.is_usable(), "{:#?}", concise(&loaded));
    Bundle::new(loaded.set)
}

fn flyte_job() -> Value {
    serde_json::from_str(include_str!("rayjobs/seed-01-gpu-training.json")).unwrap()
}

fn answer(bundle: Bundle, operation: &str, object: &Value, old: Option<&Value>) -> Value {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u", "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"}, "operation": operation,
            "namespace": object["metadata"]["namespace"], "name": object["metadata"]["name"],
            "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
            "object": object, "oldObject": old,
        },
    });
    let gate = Gate::new(bundle);
    serde_json::from_slice(
        &gate
            .answer(
                Endpoint::Validate,
                review.to_string().as_bytes(),
                jiff::Timestamp::UNIX_EPOCH,
            )
            .body,
    )
    .unwrap()
}

fn quiet(object: &mut Value) {
    object["metadata"]["labels"]["team"] = "team-a".into();
}

#[test]
fn a_rule_denies_in_the_authors_words() {
    let rules = rules_alone();
    let mut object = flyte_job();
    quiet(&mut object);
    let head = object.pointer_mut("/spec/rayClusterSpec/headGroupSpec/template/spec/containers/0");
    head.unwrap()["image"] = "ray\nexceeded quota:latest".into();
    let denied = answer(bundle(&rules), "CREATE", &object, None);
    let response = &denied["response"];
    assert_eq!(response["allowed"], false);
    assert_eq!(
        response["status"]["message"],
        "4 GPUs need an `owner` label [rule/big-jobs-need-an-owner] - a rule of policy owners at rules.yaml:15:13"
    );
    let causes = response["status"]["details"]["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1);
    assert_eq!(
        (&causes[0]["reason"], &causes[0]["field"]),
        (&json!("rule/big-jobs-need-an-owner"), &json!("metadata.labels.owner"))
    );
    assert_eq!(
        response["warnings"],
        json!(["head: image ray\\nquota exceeded:latest may change under the job [rule/no-latest]"])
    );
    let findings = response["auditAnnotations"]["findings"].as_str().unwrap();
    assert!(findings.starts_with("Deny rule/big-jobs-need-an-owner metadata.labels.owner; Warn rule/no-latest spec."));

    object["metadata"]["labels"]["owner"] = "ml".into();
    assert_eq!(
        answer(bundle(&rules), "CREATE", &object, None)["response"]["allowed"],
        true
    );
}

#[test]
fn a_rule_without_a_result_fails_with_its_own_action() {
    let rules = rules_alone();
    let mut object = flyte_job();
    object["metadata"]["labels"]["owner"] = "ml".into();
    let response = answer(bundle(&rules), "CREATE", &object, None);
    assert_eq!(response["response"]["allowed"], true);
    let findings = response["response"]["auditAnnotations"]["findings"].as_str().unwrap();
    assert!(
        findings.contains("Audit rule/team-is-text metadata.labels.team"),
        "{findings}"
    );

    let slow = rules
        .replace(
            "object.metadata.labels.team.startsWith('team-')",
            "object.spec.all(a, [1, 2, 3, 4, 5, 6, 7, 8].all(b, true))",
        )
        .replace("action: Audit", "action: Deny");
    let mut large = object.clone();
    for number in 0..15_000 {
        large["spec"][format!("x{number}")] = json!(1);
    }
    let response = answer(bundle(&slow), "CREATE", &large, None);
    assert_eq!(
        response["response"]["status"]["details"]["causes"][0]["message"],
        "the label `team` begins with `team-` (the rule has no result: it took more than 100000 steps) [rule/team-is-text]"
    );
}

#[test]
fn an_update_is_refused_for_what_a_rule_newly_finds() {
    let rules = rules_alone();
    let mut old = flyte_job();
    quiet(&mut old);
    let with = |count: i64| {
        let mut object = old.clone();
        let group = object.pointer_mut("/spec/rayClusterSpec/workerGroupSpecs/0").unwrap();
        group["replicas"] = count.into();
        group["maxReplicas"] = count.max(4).into();
        object
    };
    let verdict = |new: &Value| answer(bundle(&rules), "UPDATE", new, Some(&old))["response"].clone();
    let mut same = old.clone();
    same["spec"]["entrypoint"] = "python other.py".into();
    // It had no owner before either.
    assert_eq!(verdict(&same)["allowed"], true, "{}", verdict(&same));
    // More GPUs without one are another matter.
    let grown = verdict(&with(40));
    assert!(
        grown["status"]["message"]
            .as_str()
            .unwrap_or_default()
            .starts_with("40 GPUs need an `owner` label"),
        "{grown}"
    );
    let shrunk = verdict(&with(1));
    assert!(
        shrunk
            .to_string()
            .contains("the first group may not shrink [rule/no-fewer-gpus]"),
        "{shrunk}"
    );
}

/// The rules of the file, and no check beside them.
fn rules_alone() -> String {
    let actions: Vec<String> = check::all().map(|check| format!("{}: Ignore", check.code)).collect();
    let quiet = policy(
        "quiet",
        &format!("{{match: {{}}, actions: {{{}}}}}", actions.join(", ")),
    );
    format!("{}---\n{quiet}", include_str!("policies/cel/rules.yaml"))
}

fn compiled(text: &str, object: &Value, user: &str) -> Arc<Compiled> {
    let bundle = bundle(text);
    let object = Tree::of(object).unwrap();
    let job = Workload::of(object.root());
    let subject = Subject::new(Identity::of(&job), "ml-production", user, bundle.platform());
    bundle.compiled(&subject, &job)
}

fn policy(name: &str, spec: &str) -> String {
    format!("apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
}

#[test]
fn when_selects_policies() {
    let text = policy("small", "{match: {when: job.gpus < 9}, limits: {maxPodsPerJob: 5}}")
        + &policy(
            "big",
            "{match: {when: job.gpus >= 9}, priority: 1, limits: {maxPodsPerJob: 7}}",
        )
        + &policy(
            "not",
            "{match: {}, exclude: [{when: job.workers == 2}], limits: {maxTtlSeconds: 1}}",
        );
    let limits = |object: &Value| {
        let limits = &compiled(&text, object, "").effective.limits;
        (limits.max_pods_per_job, limits.max_ttl_seconds)
    };
    let mut object = rayjob();
    assert_eq!(limits(&object), (Some(5), None));
    object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] = json!(4);
    assert_eq!(limits(&object), (Some(7), Some(1)));
}

#[test]
fn a_when_without_a_value_lets_its_policy_only_tighten() {
    let sure = policy(
        "sure",
        "{match: {}, limits: {maxGpusPerJob: 8, maxPodsPerJob: 8}, actions: {RG202: Warn, RG203: Warn}, defaults: {lifecycle: {ttlSecondsAfterFinished: 1}}}",
    );
    let unsure = |selector: &str| {
        policy(
            "unsure",
            &format!(
                "{{{selector}, priority: 1, unset: [lifecycle], allowSkip: [lifecycle], limits: {{maxGpusPerJob: 4, maxPodsPerJob: 99, maxTtlSeconds: 5}}, \
                 actions: {{RG202: Deny, RG203: Ignore, RG204: Deny, RG205: Ignore}}, defaults: {{lifecycle: {{activeDeadlineSeconds: 7}}}}, \
                 force: {{head: {{serviceType: ClusterIP}}}}, rules: [{{name: r, require: 'true', message: m}}]}}"
            ),
        )
    };
    for selector in [
        "match: {when: 'job.images[9] == \"\"'}",
        "match: {}, exclude: [{when: 'job.images[9] == \"\"'}]",
    ] {
        let compiled = compiled(&(sure.clone() + &unsure(selector)), &rayjob(), "");
        let effective = &compiled.effective;
        let limits = &effective.limits;
        assert_eq!(
            (limits.max_gpus_per_job, limits.max_pods_per_job, limits.max_ttl_seconds),
            (Some(4), Some(8), Some(5))
        );
        assert_eq!(effective.actions.get("RG202"), Some(&Action::Deny));
        assert_eq!(effective.actions.get("RG203"), Some(&Action::Warn));
        assert_eq!(effective.actions.get("RG204"), Some(&Action::Deny));
        assert_eq!(effective.actions.get("RG205"), None);
        assert_eq!(effective.defaults.lifecycle.ttl_seconds_after_finished, Some(1));
        assert_eq!(effective.defaults.lifecycle.active_deadline_seconds, None);
        assert_eq!(effective.force.head.service_type, None);
        assert!(effective.allow_skip.is_empty());
        assert_eq!(effective.rules.len(), 1);
    }
}

#[test]
fn a_when_about_the_execution_loosens_only_where_it_is_verified() {
    let text = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {flyte: {serviceAccounts: [flyte], namespace: \"{project}-production\"}}\n---\n".to_owned()
        + &policy("base", "{match: {}, limits: {maxGpusPerJob: 8}}")
        + &policy("hero", "{match: {when: 'job.flyte.project == \"ml\"'}, priority: 9, limits: {maxGpusPerJob: 512}}")
        // Two that nobody verified may not do together what one may not.
        + &policy("one", "{match: {projects: [ml]}, priority: 1, limits: {maxGpusPerJob: 4}}");
    let mut object = rayjob();
    object["metadata"]["labels"]["project"] = "ml".into();
    for (user, most) in [("flyte", 512), ("somebody", 4)] {
        let compiled = compiled(&text, &object, user);
        assert_eq!(compiled.effective.limits.max_gpus_per_job, Some(most), "{user}");
    }
}
