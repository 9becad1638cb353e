//! Serve configs: from the models that Ray has, mostly valid ones.

use raygate::ray::serve_config::kinds::{Kind, Model, Whole};
use serde_json::{Map, Value, json};

use crate::random::Random;

/// Keys that only the newest releases look into, with rules that are not followed here: no release rejects them all.
const LEFT_OUT: [&str; 15] = [
    "additional_log_standard_attrs",
    "aggregation_function",
    "backpressure_config",
    "controller_options",
    "deployment_actors",
    "external_scaler_enabled",
    "fallback_strategy",
    "gang_scheduling_config",
    "label_selector",
    "placement_group_bundle_label_selector",
    "policy",
    "request_router_config",
    "ssl_certfile",
    "ssl_keyfile",
    "tracing_config",
];

const UNKNOWN: [&str; 9] = [
    "importPath",
    "routePrefix",
    "numReplicas",
    "rayActorOptions",
    "num_cpu",
    "minReplicas",
    "foo",
    "Name",
    "object_store",
];

pub fn configs(random: &mut Random, count: usize) -> Vec<String> {
    // The fewer mistakes a config has, the more each of them says.
    let config = |random: &mut Random| {
        let mistakes = [1000, 60, 25][random.below(3)];
        model(random, "ServeDeploySchema", mistakes).to_string()
    };
    (0..count).map(|_| config(random)).collect()
}

/// A mapping of a model; one in `mistakes` of its values is wrong, and as many keys.
fn model(random: &mut Random, name: &str, mistakes: usize) -> Value {
    let model = Model::named(name).unwrap();
    let mut object = Map::new();
    for field in model.fields.iter().filter(|field| !LEFT_OUT.contains(&field.key)) {
        let is_main = matches!(field.key, "name" | "deployments" | "route_prefix");
        let is_odd = matches!(
            (name, field.key),
            ("ServeApplicationSchema", "host" | "port") | ("DeploymentSchema", "route_prefix")
        );
        let is_there = if !field.required.is_none() {
            !random.one_in(mistakes)
        } else if is_odd {
            random.one_in(mistakes)
        } else if is_main {
            !random.one_in(4)
        } else {
            random.one_in(5)
        };
        if is_there {
            let value = if random.one_in(mistakes) {
                wrong(random)
            } else {
                special(random, field.key).unwrap_or_else(|| {
                    let typed = &field.types[random.below(field.types.len())];
                    value(random, &typed.kind, mistakes)
                })
            };
            object.insert(field.key.to_owned(), value);
        }
    }
    if random.one_in(mistakes / 2) {
        object.insert(random.pick(&UNKNOWN).to_owned(), wrong(random));
    }
    Value::Object(object)
}

/// Values for keys that have rules beyond their types.
fn special(random: &mut Random, key: &str) -> Option<Value> {
    Some(match key {
        "import_path" => one(
            random,
            &[
                "app:app",
                "a.b.c:d",
                "module.app",
                "app:app",
                ":a",
                "a:",
                "a:b:c",
                "app",
                ".",
                "a.",
                "a..b",
                ".a.b",
            ],
        ),
        "route_prefix" => one(
            random,
            &[
                "/", "/a", "/a/b", "/b", "/c", "/d", "/e", "/f", "a", "/a/", "", "/{x}", "//",
            ],
        ),
        "name" => {
            let length = 1 + random.below(2);
            Value::from(if random.one_in(60) {
                String::new()
            } else {
                random.text("abcdefg", length)
            })
        }
        "num_replicas" => match random.below(12) {
            0..5 => json!("auto"),
            5 => Value::Null,
            6 => wrong(random),
            _ => json!(1 + random.below(4)),
        },
        "runtime_env" => {
            let mut environment = json!({"env_vars": {"A": "1"}});
            if random.one_in(2) {
                environment["working_dir"] = uri(random);
            }
            if random.one_in(3) {
                environment["py_modules"] = json!([uri(random), uri(random)]);
            }
            if random.one_in(6) {
                environment["pip"] = json!(["torch"]);
            }
            if random.one_in(8) {
                environment["conda"] =
                    [json!("base"), json!({"dependencies": ["pip"]}), json!(null)][random.below(3)].clone();
            }
            if random.one_in(12) {
                environment["uv"] = json!(["numpy"]);
            }
            environment
        }
        "log_level" => one(random, &["INFO", "DEBUG", "WARNING", "info", "20", "TRACE"]),
        "encoding" => one(random, &["TEXT", "JSON", "TEXT", "json"]),
        "max_replicas" => json!(1 + random.below(6)),
        "min_replicas" | "initial_replicas" => json!(random.below(4)),
        "max_queued_requests" => json!([-1, 10, 0, -2, 1][random.below(5)]),
        _ => return None,
    })
}

/// The first half of the texts is chosen more often.
fn one(random: &mut Random, texts: &[&str]) -> Value {
    let few = random.one_in(2) || random.one_in(2);
    let end = if few { texts.len().div_ceil(3) } else { texts.len() };
    Value::from(texts[random.below(end)])
}

fn uri(random: &mut Random) -> Value {
    if random.one_in(30) {
        return wrong(random);
    }
    one(
        random,
        &[
            "https://a.b/c.zip",
            "s3://a/c.zip",
            "gs://a/c.zip",
            "HTTPS://a.b/c.whl",
            "file:///a/c.zip",
            "local:///app",
            "http://a.b/c.zip",
            "abfss://a@b/c.zip",
            "./app",
            "/app",
            "app",
            "ftp://a/c.zip",
            "",
            "1s3://a",
        ],
    )
}

fn value(random: &mut Random, kind: &Kind, mistakes: usize) -> Value {
    match kind {
        Kind::Any => json!({"a": [1, "b"]}),
        Kind::Str => json!("text"),
        Kind::Bool => json!(random.one_in(2)),
        Kind::Dict => json!({"a": 1}),
        Kind::Number(number) => {
            let least = number.least.or(number.above).unwrap_or(0.0);
            let value = least + 1.0 + random.below(3) as f64;
            let value = number.most.map_or(value, |most| value.min(most));
            match number.whole {
                Whole::No if random.one_in(2) && number.most.is_none() => json!(value + 0.5),
                _ => json!(value as i64),
            }
        }
        Kind::List(inner) => (0..=random.below(2)).map(|_| item(random, inner, mistakes)).collect(),
        Kind::Map(inner) => json!({"a": item(random, inner, mistakes), "b": item(random, inner, mistakes)}),
        Kind::Enum(values) => Value::from(random.pick(values)),
        Kind::OneOf(kinds) => {
            let kind = &kinds[random.below(kinds.len())];
            value(random, kind, mistakes)
        }
        Kind::Model(name) => model(random, name, mistakes),
    }
}

fn item(random: &mut Random, kind: &Kind, mistakes: usize) -> Value {
    if random.one_in(mistakes * 2) {
        wrong(random)
    } else {
        value(random, kind, mistakes)
    }
}

fn wrong(random: &mut Random) -> Value {
    let values = json!([
        null, true, false, 0, -1, 1, 3, 20, 100, 1000, 1.5, -0.5, 1e9, "x", "", "auto", "1", " 7 ", "1.0", "1_0", "+3", "1e3", "nan",
        "true", "off", "TEXT", "INFO", "20", [], {}, ["x"], [["a", 1]], {"a": 1}, {"name": "a"}, [null], [[]], [1], "EveryNode",
        "everynode",
    ]);
    values[random.below(values.as_array().unwrap().len())].clone()
}
