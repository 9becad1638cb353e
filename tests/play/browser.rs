//! Headless Chromium, driven over two pipes with the DevTools protocol.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long Chromium may take for one answer before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, if there is one.
pub fn program() -> Option<String> {
    let named = std::env::var("RAYGATE_BROWSER").ok();
    let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    named.into_iter().chain(known.map(str::to_owned)).find(|program| {
        let version = Command::new(program).arg("--version").stderr(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    })
}

/// A running browser.
pub struct Browser {
    child: Child,
    input: File,
    answers: Receiver<Value>,
    events: VecDeque<Value>,
    next: u64,
    _profile: TempDir,
}

impl Browser {
    pub fn start(program: &str) -> Browser {
        let profile = TempDir::new().unwrap();
        let pipe = |name: &str| profile.path().join(name);
        let made = Command::new("mkfifo").args([pipe("in"), pipe("out")]).status().unwrap();
        assert!(made.success());
        // The protocol's pipes are the file descriptors 3 and 4. The sandbox needs rights that containers lack.
        let child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<\"$PIPE_IN\" 4>\"$PIPE_OUT\"", program])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", pipe("profile").display()))
            .env("PIPE_IN", pipe("in"))
            .env("PIPE_OUT", pipe("out"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = OpenOptions::new().write(true).open(pipe("in")).unwrap();
        let output = BufReader::new(File::open(pipe("out")).unwrap());
        let (sender, answers) = channel();
        thread::spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
            }
        });
        Browser {
            child,
            input,
            answers,
            events: VecDeque::new(),
            next: 0,
            _profile: profile,
        }
    }

    fn call(&mut self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.input.write_all(message.to_string().as_bytes()).unwrap();
        self.input.write_all(&[0]).unwrap();
        loop {
            let answer = self
                .answers
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|error| panic!("{method} {params}: {error}"));
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            if answer.get("method").is_some() {
                self.events.push_back(answer);
            }
        }
    }

    /// A page in a profile of its own.
    pub fn page(&mut self, url: &str) -> Page<'_> {
        let context = self.call(None, "Target.createBrowserContext", &json!({}))["browserContextId"].clone();
        let target = self.call(
            None,
            "Target.createTarget",
            &json!({"url": "about:blank", "browserContextId": context, "width": 1440, "height": 900}),
        );
        let attached = self.call(
            None,
            "Target.attachToTarget",
            &json!({"targetId": target["targetId"], "flatten": true}),
        );
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let mut page = Page {
            browser: self,
            session,
            context,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page.call("Page.navigate", &json!({"url": url}));
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page.
pub struct Page<'b> {
    browser: &'b mut Browser,
    session: String,
    context: Value,
}

impl Page<'_> {
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        let session = self.session.clone();
        self.browser.call(Some(&session), method, params)
    }

    /// The value of an expression, a promise's once it has one.
    pub fn eval(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn wait(&mut self, expression: &str) {
        self.eval(&format!(
            "new Promise((done) => {{ const look = () => ({expression}) ? done() : setTimeout(look, 20); look(); }})"
        ));
    }

    /// Waits until the page has an answer to what its editors hold now.
    pub fn settled(&mut self) {
        self.wait("document.body?.dataset.ready === 'true' && !document.body.dataset.busy");
    }

    /// Types a text where the focus is.
    pub fn types(&mut self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// Presses a key: its name as in `KeyboardEvent.key`, its code, and modifiers (Ctrl is 2, Shift 8).
    pub fn press(&mut self, key: &str, code: u32, modifiers: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                &json!({
                    "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers,
                }),
            );
        }
    }

    /// Moves the pointer to the middle of an element.
    pub fn hover(&mut self, selector: &str) {
        let place = self.eval(&format!(
            "(() => {{ const box = document.querySelector({}).getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        ));
        self.call(
            "Input.dispatchMouseEvent",
            &json!({"type": "mouseMoved", "x": place[0], "y": place[1]}),
        );
    }

    pub fn click(&mut self, selector: &str) {
        self.eval(&format!("document.querySelector({}).click()", json!(selector)));
    }

    /// The text of an element as a reader sees it.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({}).innerText", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Puts a text into the editor below an element, in place of what is there, as a paste does.
    pub fn paste(&mut self, editor: &str, text: &str) {
        self.focus(editor);
        self.press("a", 65, 2);
        self.eval(&format!(
            "(() => {{ const data = new DataTransfer(); data.setData('text/plain', {}); \
             document.activeElement.dispatchEvent(new ClipboardEvent('paste', {{clipboardData: data, bubbles: true, cancelable: true}})); }})()",
            json!(text)
        ));
        self.settled();
    }

    /// Takes the completion that is offered. The editor takes an Enter for one only if its list has been open for a moment.
    pub fn accept(&mut self) {
        self.eval("new Promise((done) => setTimeout(done, 100))");
        self.press("Enter", 13, 0);
        self.wait("!document.querySelector('.cm-tooltip-autocomplete')");
    }

    /// Puts the focus into the editor below an element.
    pub fn focus(&mut self, editor: &str) {
        self.eval(&format!(
            "document.querySelector({}).focus()",
            json!(format!("{editor} .cm-content"))
        ));
    }

    /// Waits until the editor below an element has a text, and the page an answer to it.
    pub fn holds(&mut self, editor: &str, text: &str) {
        let content = json!(format!("{editor} .cm-content"));
        let text = json!(text);
        self.wait(&format!(
            "document.querySelector({content}).cmTile.view.state.doc.toString().includes({text})"
        ));
        self.settled();
    }

    /// The whole text of the editor below an element, also what is scrolled out of sight.
    pub fn editor(&mut self, editor: &str) -> String {
        let content = json!(format!("{editor} .cm-content"));
        let text = self.eval(&format!(
            "document.querySelector({content}).cmTile.view.state.doc.toString()"
        ));
        text.as_str().unwrap().to_owned()
    }

    pub fn dark(&mut self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({"features": [{"name": "prefers-color-scheme", "value": value}]}),
        );
    }

    pub fn size(&mut self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// Writes a picture of the page.
    pub fn picture(&mut self, file: &Path) {
        let answer = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(answer["data"].as_str().unwrap())
            .unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    /// The errors that the browser noted, among them everything that the policy of the page forbids, and the addresses
    /// that it asked for.
    pub fn noted(&mut self) -> (Vec<String>, Vec<String>) {
        self.eval("1");
        let session = self.session.clone();
        let own = self
            .browser
            .events
            .iter()
            .filter(|event| event["sessionId"] == session.as_str());
        let (mut errors, mut asked) = (Vec::new(), Vec::new());
        for event in own {
            let params = &event["params"];
            match event["method"].as_str().unwrap() {
                "Runtime.exceptionThrown" => errors.push(params.to_string()),
                "Log.entryAdded" if params["entry"]["level"] == "error" => errors.push(params.to_string()),
                "Network.requestWillBeSent" => asked.push(params["request"]["url"].as_str().unwrap().to_owned()),
                _ => {}
            }
        }
        (errors, asked)
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            let context = self.context.clone();
            self.browser.call(
                None,
                "Target.disposeBrowserContext",
                &json!({"browserContextId": context}),
            );
        }
    }
}
