//! A `raygate play` of a test, and questions to it without a browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::{Value, json};

/// A process that serves the page.
pub struct Played {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// The token of its page.
    pub token: String,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Played {
    /// Starts it on a free port with these arguments.
    pub fn start(arguments: &[&str]) -> Played {
        let mut child = Command::new(env!("CARGO_BIN_EXE_raygate"))
            .args(["play", "--port", "0"])
            .args(arguments)
            .env_remove("RAYGATE_POLICIES")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let mut played = Played {
            address: address.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned(),
            child,
            token: String::new(),
        };
        let page = played.get("/").body;
        let token = page.split("name=\"raygate-token\" content=\"").nth(1);
        played.token = token.and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        played
    }

    /// Sends a request as it is.
    pub fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // A server that refuses early does not read all of it.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        let address = &self.address;
        self.send(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
    }

    /// Posts with these headers instead of those of the page.
    pub fn post(&self, question: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.address);
        let own = [
            ("host", self.address.as_str()),
            ("origin", &origin),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
            ("x-raygate-token", &self.token),
        ];
        let mut request = format!(
            "POST /api/{question} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in own {
            let value = headers
                .iter()
                .find(|(other, _)| *other == name)
                .map_or(value, |(_, value)| value);
            if !value.is_empty() {
                request.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        self.send(format!("{request}\r\n{body}").as_bytes())
    }

    /// Asks as the page does.
    pub fn ask(&self, question: &str, input: &Value) -> Value {
        let answer = self.post(question, &input.to_string(), &[]);
        assert_eq!(answer.status, 200, "{question}: {}", answer.body);
        answer.json()
    }

    /// Sends what Ctrl-C sends, and waits for the end.
    pub fn interrupt(&mut self) -> ExitStatus {
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }

    /// The state that the page begins with.
    pub fn state(&self) -> Value {
        self.ask("start", &json!({}))["state"].clone()
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
