//! Runtime environments: from what Ray documents, with mistakes that people make.

use serde_json::{Map, Value, json};

use crate::random::Random;

const PATHS: [&str; 22] = [
    "",
    ".",
    "./",
    "..",
    "../..",
    "/",
    "src",
    "./src",
    "../src",
    "/raygate-none/app",
    "requirements.txt",
    "./requirements.txt",
    "/raygate-none/requirements.txt",
    "torch==2.1",
    "environment.yaml",
    "conda/environment.yml/",
    "/raygate-none/env.yaml",
    ".yaml",
    "module.py",
    "module.whl",
    "code.zip",
    "name",
];
const SCHEMES: [&str; 18] = [
    "https://",
    "https://",
    "s3://",
    "s3://",
    "gs://",
    "file://",
    "http://",
    "HTTPS://",
    "gcs://",
    "conda://",
    "pip://",
    "uv://",
    "azure://",
    "abfss://",
    "local://",
    "git+https://",
    "hdfs://",
    "s3:",
];
const REST: [&str; 30] = [
    "bucket/code.zip",
    "bucket/code.zip",
    "bucket/code.zip",
    "bucket/a/b/code.whl",
    "bucket/code",
    "bucket/code/",
    "bucket/code.zip/",
    "bucket/code.tar.gz",
    "bucket/code.tgz",
    "bucket/code.tar.xz",
    "bucket/code.tar.bz2",
    "bucket/code.tar",
    "bucket/code.jar",
    "bucket/code.ZIP",
    "bucket/code.zip?token=1",
    "bucket/code.whl?token=1",
    "bucket/code.zip#part",
    "bucket/code.zip;v=1",
    "bucket/code?file=a.zip",
    "bucket/code?file=a.whl",
    "package.zip",
    "package.whl",
    "package.tar.gz",
    "/raygate-none/code.zip",
    "/raygate-none/code",
    "C:/code",
    "C:/code.zip",
    "user:word@host/code.zip",
    "",
    "_ray_pkg_0.zip",
];

pub fn environments(random: &mut Random, count: usize) -> Vec<String> {
    // The fewer mistakes an environment has, the more each of them says.
    let environment = |random: &mut Random| {
        let mistakes = [1000, 30, 8][random.below(3)];
        Generator { random, mistakes }.environment().to_string()
    };
    (0..count).map(|_| environment(random)).collect()
}

struct Generator<'r> {
    random: &'r mut Random,
    mistakes: usize,
}

impl Generator<'_> {
    fn is_wrong(&mut self) -> bool {
        self.random.one_in(self.mistakes)
    }

    fn environment(&mut self) -> Value {
        let mut object = Map::new();
        let mut add = |key: &str, value: Value| {
            object.insert(key.to_owned(), value);
        };
        let installer = self.random.below(8);
        if installer == 0 || self.is_wrong() {
            add("conda", self.conda());
        }
        if installer == 1 || installer == 2 || self.is_wrong() {
            add("pip", self.installer("pip"));
        }
        if installer == 3 || self.is_wrong() {
            add("uv", self.installer("uv"));
        }
        if self.random.one_in(12) {
            add("image_uri", self.string("docker.io/team/image:1"));
        } else if self.random.one_in(12) {
            let container = json!({"image": "team/image:1", "run_options": ["--cap-drop"]});
            add("container", self.other(container));
        } else {
            if self.random.one_in(3) {
                add("working_dir", self.package());
            }
            if self.random.one_in(4) {
                let modules = (0..self.random.below(3)).map(|_| self.package()).collect();
                add("py_modules", self.other(Value::Array(modules)));
            }
            if self.random.one_in(6) {
                let excludes = self.strings(&["*.pyc", "data/", ".git"]);
                add("excludes", excludes);
            }
        }
        if self.random.one_in(2) {
            add("env_vars", self.variables());
        }
        if self.random.one_in(5) {
            add("config", self.config());
        }
        for (key, value) in [
            ("py_executable", "uv run"),
            ("worker_process_setup_hook", "module.hook"),
            ("nsight", "default"),
            ("java_jars", "a.jar"),
        ] {
            if self.random.one_in(15) {
                add(key, self.string(value));
            }
        }
        for key in [
            "mpi",
            "docker",
            "rocprof_sys",
            "_nsight",
            "envVars",
            "env",
            "workingDir",
            "image",
            "foo",
        ] {
            if self.random.one_in(10 * self.mistakes) {
                add(key, json!({"a": "b"}));
            }
        }
        Value::Object(object)
    }

    /// The value, or one of another type.
    fn other(&mut self, value: Value) -> Value {
        if !self.is_wrong() {
            return value;
        }
        let others = [
            Value::Null,
            json!(true),
            json!(false),
            json!(0),
            json!(7),
            json!(1.5),
            json!(""),
            json!("text"),
            json!([]),
            json!(["a"]),
            json!([1]),
            json!({}),
            json!({"a": "b"}),
        ];
        others[self.random.below(others.len())].clone()
    }

    fn string(&mut self, text: &str) -> Value {
        self.other(json!(text))
    }

    fn strings(&mut self, from: &[&str]) -> Value {
        let items = (0..self.random.below(4)).map(|_| {
            let item = self.random.pick(from).to_owned();
            self.string(&item)
        });
        let items = Value::Array(items.collect());
        self.other(items)
    }

    fn package(&mut self) -> Value {
        let text = if self.random.one_in(3) {
            self.random.pick(&PATHS).to_owned()
        } else {
            let scheme = self.random.pick(&SCHEMES);
            format!("{scheme}{}", self.random.pick(&REST))
        };
        self.string(&text)
    }

    fn conda(&mut self) -> Value {
        if self.random.one_in(3) {
            let path = self.random.pick(&PATHS).to_owned();
            return self.string(&path);
        }
        self.other(json!({"dependencies": ["pip", {"pip": ["numpy"]}]}))
    }

    fn installer(&mut self, key: &str) -> Value {
        let packages = ["numpy", "torch==2.1", "ray[serve]"];
        match self.random.below(4) {
            0 => {
                let path = self.random.pick(&PATHS).to_owned();
                self.string(&path)
            }
            1 | 2 => self.strings(&packages),
            _ => {
                let mut object = Map::new();
                if !self.is_wrong() {
                    let packages = self.strings(&packages);
                    object.insert("packages".to_owned(), packages);
                }
                let check = self.other(json!(false));
                let version = self.string("==24.0");
                let options = self.strings(&["--no-cache"]);
                let install = if key == "pip" {
                    "pip_install_options"
                } else {
                    "uv_pip_install_options"
                };
                for (name, value, often) in [
                    (format!("{key}_check"), check, 2),
                    (format!("{key}_version"), version, 3),
                    (install.to_owned(), options, 3),
                    ("package".to_owned(), json!([]), 3 * self.mistakes),
                ] {
                    if self.random.one_in(often) {
                        object.insert(name, value);
                    }
                }
                self.other(Value::Object(object))
            }
        }
    }

    fn variables(&mut self) -> Value {
        let mut object = Map::new();
        for name in ["EPOCHS", "DEBUG", "PATH"] {
            if self.random.one_in(2) {
                let value = self.string("1");
                object.insert(name.to_owned(), value);
            }
        }
        self.other(Value::Object(object))
    }

    fn config(&mut self) -> Value {
        let mut object = Map::new();
        let end = if self.is_wrong() { 5 } else { 3 };
        let seconds = [600, 1, -1, 0, -2][self.random.below(end)];
        let seconds = self.other(json!(seconds));
        let eager = self.other(json!(true));
        let files = self.strings(&["a.log"]);
        for (name, value, often) in [
            ("setup_timeout_seconds", seconds, 2),
            ("eager_install", eager, 2),
            ("log_files", files, 4),
            ("timeout", json!(1), 3 * self.mistakes),
        ] {
            if self.random.one_in(often) {
                object.insert(name.to_owned(), value);
            }
        }
        self.other(Value::Object(object))
    }
}
