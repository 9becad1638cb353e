//! The page itself, in headless Chromium. Without one these tests say that they skip; `RAYGATE_REQUIRE_BROWSER=1` turns
//! that into a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::browser::{Browser, Page, program};
use super::root;
use super::served::Played;
use super::{BAD_POLICY, CAPS};

static BROWSER: LazyLock<Option<Mutex<Browser>>> =
    LazyLock::new(|| program().map(|program| Mutex::new(Browser::start(&program))));

/// The browser that all tests share; it ends with the process, because its pipes do.
fn browser() -> Option<MutexGuard<'static, Browser>> {
    let browser = BROWSER
        .as_ref()
        .map(|one| one.lock().unwrap_or_else(PoisonError::into_inner));
    if browser.is_none() {
        assert!(
            std::env::var_os("RAYGATE_REQUIRE_BROWSER").is_none(),
            "RAYGATE_REQUIRE_BROWSER is set, and there is no Chromium: apt-get install chromium, or name it in RAYGATE_BROWSER"
        );
        eprintln!("SKIPPED: the tests of raygate play's page need Chromium; set RAYGATE_BROWSER to its path");
    }
    browser
}

/// Opens the page of a server, with what follows `#`.
fn open<'b>(browser: &'b mut Browser, played: &Played, link: &str) -> Page<'b> {
    let mut page = browser.page(&format!("http://{}/{link}", played.address));
    page.size(1440, 900);
    page.settled();
    page
}

/// The page asked only its own server, and the browser had nothing to report. Chromium's own controls have pictures in
/// `data:` addresses.
fn is_sound(page: &mut Page<'_>, played: &Played) {
    let (errors, asked) = page.noted();
    assert_eq!(errors, Vec::<String>::new());
    let own = format!("http://{}/", played.address);
    let others: Vec<&String> = asked
        .iter()
        .filter(|url| !url.starts_with(&own) && !url.starts_with("data:"))
        .collect();
    assert!(others.is_empty() && !asked.is_empty(), "{others:?}");
}

fn example(name: &str) -> String {
    fs::read_to_string(root().join("docs/examples").join(name)).unwrap()
}

fn picture(page: &mut Page<'_>, name: &str) {
    page.picture(&pictures().join(name));
}

/// Pictures for whoever changes the page: below the target folder, never compared.
fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("play")
}

#[test]
fn typing_is_judged_and_findings_are_underlined_where_they_are() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let mut page = open(&mut browser, &played, "");
    assert_eq!(page.text("#verdict"), "Allowed");
    page.paste("#editor-object", &example("1-rejected.yaml"));
    assert_eq!(page.text("#verdict"), "Denied");
    let console = page.text(".answer .console");
    assert!(
        console.starts_with("admission webhook \"rayjob.raygate.dev\" denied the request: ")
            && console.contains("[RG501]"),
        "{console}"
    );
    assert_eq!(page.text("#tab-object .count"), "1");
    // The second of the two names, which is out of sight at first.
    page.click(".finding.error .place");
    page.wait("document.querySelector('#editor-object .cm-lintRange-error')");
    let underlined = page.text("#editor-object .cm-lintRange-error");
    assert_eq!(underlined, "workers");
    let line = page.text("#editor-object .cm-activeLine");
    assert!(line.contains("groupName: workers"), "{line}");
    // The cursor is before the name: with other letters there it is another name.
    page.types("more-");
    page.holds("#editor-object", "groupName: more-workers");
    assert_eq!(page.text("#verdict"), "Allowed");
    assert_eq!(page.eval("document.querySelectorAll('.cm-lintRange-error').length"), 0);
    picture(&mut page, "typed.png");
    is_sound(&mut page, &played);
}

#[test]
fn a_repair_is_one_click_and_keeps_the_rest_of_the_text() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let mut page = open(&mut browser, &played, "");
    let text = example("2-repaired.yaml");
    page.paste("#editor-object", &text);
    page.click(".finding.repaired .fix");
    page.wait("!document.querySelector('.finding.repaired')");
    page.settled();
    let repaired = page.editor("#editor-object");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(&text), lines(&repaired));
    assert_eq!(before.len(), after.len(), "{repaired}");
    let changed: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(
        !changed.is_empty()
            && changed
                .iter()
                .all(|line| line.contains("limits") || line.contains("cpu") || line.contains("memory")),
        "{changed:?}"
    );
    page.focus("#editor-object");
    page.press("z", 90, 2);
    page.settled();
    assert_eq!(page.editor("#editor-object"), text);
    // By keyboard: to the next problems, and the repair of one.
    for _ in 0..10 {
        page.press("F8", 119, 0);
        if page
            .text("#editor-object .cm-activeLine")
            .contains("limits: {cpu: 100m")
        {
            break;
        }
    }
    page.press(".", 190, 2);
    page.wait("!document.querySelector('.finding.repaired')");
    page.settled();
    assert_eq!(page.editor("#editor-object"), repaired);
    // In place: the repair is in the tooltip of what is underlined.
    page.press("z", 90, 2);
    page.holds("#editor-object", "cpu: 100m");
    page.click(".finding.repaired .place");
    page.wait("document.querySelector('#editor-object .cm-lintRange-hint')");
    page.hover("#editor-object .cm-lintRange-hint");
    page.wait("document.querySelector('.cm-tooltip-lint')");
    picture(&mut page, "tooltip.png");
    assert!(
        page.text(".cm-tooltip-lint")
            .contains("cpu limit 100m raised to its request 8")
    );
    page.eval("document.querySelector('.cm-tooltip-lint .cm-diagnosticAction').dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))");
    page.wait("!document.querySelector('.finding.repaired')");
    page.settled();
    assert_eq!(page.editor("#editor-object"), repaired);
    // Everything that /mutate does: then it has nothing left to do.
    page.click("#tab-diff");
    page.click("#diff-view .bar button");
    page.wait("document.querySelector('#diff-view').innerText.includes('changes nothing')");
    page.settled();
    assert!(
        page.editor("#editor-object").starts_with(text.lines().next().unwrap()),
        "the comment is kept"
    );
    is_sound(&mut page, &played);
}

/// What "write all" makes of a text is what `/mutate` makes of the object, in every form of text.
#[test]
fn a_text_is_edited_as_mutate_edits_the_object() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let start = played.ask("start", &json!({}));
    let (policies, examples) = (&start["state"]["policies"], start["objects"].as_array().unwrap());
    let judged = |text: &str| {
        let state = json!({"object": text, "policies": policies, "date": "2026-11-26"});
        played.ask("evaluate", &json!({"state": state}))["objects"].clone()
    };
    let mut texts: Vec<(String, usize)> = examples
        .iter()
        .map(|example| (example["text"].as_str().unwrap().to_owned(), 0))
        .collect();
    assert!(texts.len() > 13);
    let json_text = fs::read_to_string(root().join("tests/rayjobs/seed-02-heterogeneous-groups.json")).unwrap();
    let object: Value = serde_json::from_str(&json_text).unwrap();
    texts.push((json_text, 0));
    texts.push((
        json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod"}, object]}).to_string(),
        0,
    ));
    texts.push((format!("# first\n{}---\n# second\n{}", texts[0].0, texts[2].0), 1));
    let mut page = open(&mut browser, &played, "");
    for (text, index) in texts {
        page.click("#tab-object");
        page.paste("#editor-object", &text);
        let before = judged(&text);
        page.eval(&format!(
            "(() => {{ const which = document.querySelector('#which'); which.value = '{index}'; \
             which.dispatchEvent(new Event('change')); }})()"
        ));
        page.click("#tab-diff");
        page.click("#diff-view .bar button");
        page.wait("document.querySelector('#toast').innerText.startsWith('The object has all changes')");
        page.settled();
        assert_eq!(
            page.text("#diff-view"),
            "raygate changes nothing in this object.",
            "{text}"
        );
        let after = judged(&page.editor("#editor-object"));
        let mut expected = before[index]["object"].clone();
        let mut found = after[index]["object"].clone();
        for object in [&mut expected, &mut found] {
            // The record is the cluster's.
            let metadata = object["metadata"].as_object_mut().unwrap();
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove("raygate.dev/applied");
            }
            metadata.retain(|_, value| *value != json!({}));
        }
        assert_eq!(found, expected, "{text}");
        if index > 0 {
            assert_eq!(after[0], before[0], "the other document stays");
        }
    }
    is_sound(&mut page, &played);
}

#[test]
fn the_policy_line_behind_a_change_is_one_click_away() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let mut page = open(&mut browser, &played, "");
    page.click("#tab-diff");
    picture(&mut page, "diff.png");
    assert_eq!(page.text("#tab-diff .count"), "15");
    let origin = page.text("#diff-view .origin .place");
    let line: usize = origin.rsplit(':').next().unwrap().trim().parse().unwrap();
    page.click("#diff-view .origin .place");
    assert_eq!(
        page.eval("document.activeElement.getAttribute('aria-label')"),
        "Policy file, YAML"
    );
    let active = page.text("#policy-editor .cm-activeLine");
    let policies = page.editor("#policy-editor");
    assert_eq!(policies.lines().nth(line - 1).unwrap().trim(), active.trim());
    let key = origin
        .split_whitespace()
        .find(|word| word.contains('.'))
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap();
    assert!(active.contains(key), "{origin} leads to {active}");
    picture(&mut page, "policies.png");
    page.click("#tab-trace");
    picture(&mut page, "trace.png");
    let trace = page.text("#trace-view");
    assert!(
        trace.contains("Policies, the highest priority last") && trace.contains("sharedMemory"),
        "{trace}"
    );
    page.click("#tab-patch");
    picture(&mut page, "patch.png");
    assert!(page.text("#patch-view .code").contains("\"op\": \"add\""));
    is_sound(&mut page, &played);
}

#[test]
fn policies_are_completed_and_their_mistakes_shown() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let mut page = open(&mut browser, &played, "");
    page.eval("(() => { const s = document.querySelector('#library'); s.value = '+'; s.dispatchEvent(new Event('change')); })()");
    page.click("#tab-policies");
    page.paste("#policy-editor", BAD_POLICY);
    assert_eq!(page.text("#verdict"), "Policies have errors");
    assert_eq!(page.text("#policy-editor .cm-lintRange-error"), "maxGpuPerJob");
    assert_eq!(page.text("#tab-policies .count"), "1");
    assert!(page.text("#problems").contains("did you mean maxGpusPerJob?"));
    picture(&mut page, "mistake.png");
    page.paste("#policy-editor", CAPS);
    assert_eq!(page.text("#verdict"), "Denied");
    assert!(page.text(".answer .console").contains("[RG310]"));
    // The decided line leads to the limit.
    page.click(".finding.error .decided .place");
    assert!(page.text("#policy-editor .cm-activeLine").contains("maxGpusPerJob: 2"));
    // A key of the schema.
    page.press("End", 35, 2);
    page.types("  act");
    page.wait("document.querySelector('.cm-tooltip-autocomplete')");
    assert!(page.text(".cm-tooltip-autocomplete").starts_with("actions"));
    picture(&mut page, "completion.png");
    page.accept();
    page.types("RG310: W");
    page.wait("document.querySelector('.cm-tooltip-autocomplete')");
    assert!(page.text(".cm-tooltip-autocomplete").contains("Warn"));
    page.accept();
    page.settled();
    assert!(
        page.editor("#policy-editor").ends_with("  actions:\n    RG310: Warn"),
        "{}",
        page.editor("#policy-editor")
    );
    assert_eq!(page.text("#verdict"), "Allowed");
    // A field of the CRD.
    page.click("#tab-object");
    page.paste("#editor-object", "apiVersion: ray.io/v1\nkind: RayJob\nspec:\n");
    page.press("End", 35, 2);
    page.types("  entryp");
    page.wait("document.querySelector('.cm-tooltip-autocomplete')");
    assert!(page.text(".cm-tooltip-autocomplete").contains("entrypoint"));
    is_sound(&mut page, &played);
}

#[test]
fn a_link_holds_the_whole_state() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let (link, verdict) = {
        let mut page = open(&mut browser, &played, "");
        page.paste(
            "#editor-object",
            &format!("# ünïcödé 🦀\n{}", example("1-rejected.yaml")),
        );
        page.eval(
            "(() => { for (const [id, value] of [['user', 'someone'], ['kuberay', '1.5'], ['date', '2026-11-26'], ['operation', 'UPDATE']]) { \
             const field = document.getElementById(id); field.value = value; field.dispatchEvent(new Event('input', {bubbles: true})); \
             field.dispatchEvent(new Event('change', {bubbles: true})); } })()",
        );
        page.settled();
        page.click("#copy-link");
        page.wait("document.querySelector('#toast').innerText !== ''");
        let link = page.eval("location.hash");
        (
            link.as_str().unwrap().to_owned(),
            page.text("#verdict") + &page.text(".asked"),
        )
    };
    assert!(link.starts_with("#1.") && link.len() < 4000, "{link}");
    // Another profile, and another start of the server.
    let other = Played::start(&["docs/examples/3-completed.yaml"]);
    let mut page = open(&mut browser, &other, &link);
    assert_eq!(page.text("#verdict") + &page.text(".asked"), verdict);
    assert!(
        verdict.contains("UPDATE of RayJob team-a/batch-inference by someone"),
        "{verdict}"
    );
    assert!(page.editor("#editor-object").starts_with("# ünïcödé 🦀\n"));
    assert_eq!(
        page.eval("['kuberay', 'date', 'operation'].map((id) => document.getElementById(id).value)"),
        json!(["1.5", "2026-11-26", "UPDATE"])
    );
    is_sound(&mut page, &other);
    drop(page);
    for broken in ["#1.AAAA", "#1.%%%", "#2.x", "#x"] {
        let mut page = open(&mut browser, &other, broken);
        assert!(page.text("#toast").starts_with("This link is broken"), "{broken}");
        assert!(page.text(".asked").contains("data-preparation"), "{broken}");
    }
}

#[test]
fn a_megabyte_stays_usable() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let mut page = open(&mut browser, &played, "");
    let mut text = example("1-rejected.yaml");
    text.extend((0..25_000).map(|number| format!("# line {number}: a comment of a few words more\n")));
    assert!(text.len() > 1 << 20 && text.len() < 2 << 20, "{}", text.len());
    page.paste("#editor-object", &text);
    assert_eq!(page.text("#verdict"), "Denied");
    assert_eq!(page.editor("#editor-object").len(), text.len());
    page.click(".finding.error .place");
    page.types("more-");
    page.holds("#editor-object", "groupName: more-workers");
    assert_eq!(page.text("#verdict"), "Allowed");
    for tab in ["#tab-diff", "#tab-trace", "#tab-patch", "#tab-verdict"] {
        page.click(tab);
    }
    let documents = (0..60)
        .map(|_| example("3-completed.yaml"))
        .collect::<Vec<_>>()
        .join("---\n");
    page.paste("#editor-object", &documents);
    assert!(page.text("#which").contains("40 more are not judged"));
    let mut many = example("3-completed.yaml").replace("metadata:\n", "metadata:\n  annotations:\n");
    let entries: String = (0..25_000)
        .map(|number| format!("    key-{number}: \"a value of number {number}\"\n"))
        .collect();
    many.insert_str(many.find("annotations:\n").unwrap() + "annotations:\n".len(), &entries);
    page.paste("#editor-object", &many);
    assert_eq!(page.text("#verdict"), "Denied");
    is_sound(&mut page, &played);
}

/// What somebody wrote never runs and never becomes markup, wherever the page shows it.
#[test]
fn hostile_text_stays_text() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let evil = "<img src=x onerror=hacked()><script>hacked()</script><b id=planted>";
    let quoted = json!(evil).to_string();
    let object = example("1-rejected.yaml")
        .replace("batch-inference", &quoted)
        .replace("team-a", &quoted)
        .replace("groupName: workers", &format!("groupName: {quoted}"))
        .replace("entrypoint:", &format!("{quoted}: 1\n  entrypoint:"));
    let policy = format!(
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: evil}}\nspec:\n  description: {quoted}\n  match: {{}}\n  \
         rules: [{{name: evil, require: 'false', message: {}}}]\n",
        json!(format!("{evil} {{object.metadata.name}}"))
    );
    let state = json!({
        "object": object, "policies": [{"name": evil, "text": policy}, {"name": "b.yaml", "text": BAD_POLICY}],
        "facts": format!("{quoted}: ["), "user": evil, "namespace": evil, "operation": "UPDATE", "old": evil, "date": evil,
    });
    let link = |browser: &mut Browser, state: &Value| {
        let mut page = open(browser, &played, "");
        let link = page.eval(&format!(
            "(async () => {{ const stream = new Blob([JSON.stringify({state})]).stream().pipeThrough(new CompressionStream('deflate-raw')); \
             const bytes = new Uint8Array(await new Response(stream).arrayBuffer()); let text = ''; for (const byte of bytes) text += String.fromCharCode(byte); \
             return '#1.' + btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''); }})()"
        ));
        link.as_str().unwrap().to_owned()
    };
    let broken = link(&mut browser, &state);
    let mut state = state;
    state["date"] = "".into();
    state["operation"] = "".into();
    state["facts"] = "".into();
    state["policies"].as_array_mut().unwrap().truncate(1);
    let sound = link(&mut browser, &state);
    for link in [broken, sound.clone()] {
        let mut page = open(&mut browser, &played, &link);
        for tab in [
            "#tab-policies",
            "#tab-facts",
            "#tab-object",
            "#tab-diff",
            "#tab-trace",
            "#tab-patch",
            "#tab-verdict",
        ] {
            page.click(tab);
            let planted = page.eval("document.querySelector('#planted, img:not(h1 img), script:not([src])')");
            assert!(planted.is_null(), "{tab}");
        }
        assert_eq!(page.eval("typeof hacked"), "undefined");
        is_sound_but_refused(&mut page);
    }
    let mut page = open(&mut browser, &played, &sound);
    assert_eq!(page.text("#verdict"), "Denied");
    assert!(
        page.text("#verdict-view").contains("<b id=planted>"),
        "it is shown as it is"
    );
    page.click("#save-case");
    page.wait("document.querySelector('dialog[open]')");
    assert!(page.text("#dialog-body pre").contains("<script>hacked()</script>"));
    picture(&mut page, "hostile.png");
    is_sound(&mut page, &played);
}

/// As [`is_sound`], but a question with an impossible date is refused, which Chromium notes.
fn is_sound_but_refused(page: &mut Page<'_>) {
    let (mut errors, _) = page.noted();
    errors.retain(|error| !error.contains("status of 422"));
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn it_works_by_keyboard_on_narrow_screens_and_in_the_dark() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&["docs/examples/1-rejected.yaml"]);
    let mut page = open(&mut browser, &played, "");
    let light = page.eval("getComputedStyle(document.body).backgroundColor");
    picture(&mut page, "light.png");
    page.dark(true);
    picture(&mut page, "dark.png");
    let dark = page.eval("getComputedStyle(document.body).backgroundColor");
    assert_ne!(light, dark);
    page.click("#theme");
    assert_eq!(
        page.eval("getComputedStyle(document.body).backgroundColor"),
        light,
        "a choice beats the system"
    );
    page.click("#theme");
    page.dark(false);
    assert_eq!(page.eval("getComputedStyle(document.body).backgroundColor"), dark);
    page.click("#theme");

    // The arrow keys move through tabs, and Tab leaves the editor.
    page.eval("document.querySelector('#tab-verdict').focus()");
    page.press("ArrowRight", 39, 0);
    assert_eq!(page.eval("document.activeElement.id"), "tab-diff");
    assert_eq!(page.eval("document.querySelector('#diff-view').hidden"), false);
    page.press("Home", 36, 0);
    assert_eq!(page.eval("document.activeElement.id"), "tab-verdict");
    page.focus("#editor-object");
    page.press("Tab", 9, 0);
    assert_eq!(
        page.eval("document.querySelector('#editor-object').contains(document.activeElement)"),
        false
    );
    let unnamed = page.eval(
        "[...document.querySelectorAll('button, select, input')].filter((one) => !one.hidden && !(one.labels?.length) && \
         !one.innerText?.trim() && !one.getAttribute('aria-label')).map((one) => one.id)",
    );
    assert_eq!(unnamed, json!([]), "controls without a name");

    page.size(390, 844);
    assert_eq!(page.eval("document.documentElement.scrollWidth <= innerWidth"), true);
    picture(&mut page, "narrow.png");
    page.eval("document.querySelector('#results').scrollIntoView()");
    picture(&mut page, "narrow-verdict.png");
    page.click("#tab-diff");
    assert_eq!(page.eval("document.documentElement.scrollWidth <= innerWidth"), true);
    picture(&mut page, "narrow-diff.png");
    page.click("#tab-trace");
    assert_eq!(page.eval("document.documentElement.scrollWidth <= innerWidth"), true);
    is_sound(&mut page, &played);
}

/// The example facts change the verdict of the first example, and a code leads to its page.
#[test]
fn facts_are_used_and_codes_explained() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let mut page = open(&mut browser, &played, "");
    assert_eq!(
        page.eval("document.querySelectorAll('.finding.error, .finding.warning').length"),
        0
    );
    page.click("#tab-facts");
    page.click("#facts-example");
    page.wait("document.querySelector('.finding.error, .finding.warning')");
    page.settled();
    picture(&mut page, "facts.png");
    let found = page.text(".finding.error, .finding.warning");
    assert!(found.contains("RG8") && found.contains("quota"), "{found}");
    // The check can repair other findings, and not this one.
    assert!(
        page.eval("document.querySelector('.finding.error .fix, .finding.warning .fix')")
            .is_null()
    );
    page.click("#verdict-view .finding .buttons button:last-child");
    page.wait("document.querySelector('dialog[open]')");
    assert!(page.text("#dialog-title").starts_with("RG8"));
    assert!(page.text("#dialog-body").contains("What it does"));
    assert!(
        page.eval("document.querySelectorAll('#dialog-body li').length")
            .as_u64()
            .unwrap()
            > 1
    );
    picture(&mut page, "explain.png");
    page.press("Escape", 27, 0);
    page.wait("!document.querySelector('dialog[open]')");
    is_sound(&mut page, &played);
}

#[test]
fn a_page_without_its_server_says_so() {
    let Some(mut browser) = browser() else { return };
    let played = Played::start(&[]);
    let mut page = open(&mut browser, &played, "");
    drop(played);
    page.focus("#editor-object");
    page.types("# more\n");
    page.wait("!document.querySelector('#notice').hidden");
    assert!(page.text("#notice").contains("Run raygate play again"));
}

/// The picture in the guide: `RAYGATE_BLESS=1` makes it anew.
#[test]
fn the_guide_has_a_picture() {
    let file = root().join("docs/guide/play.png");
    if std::env::var_os("RAYGATE_BLESS").is_some()
        && let Some(mut browser) = browser()
    {
        let played = Played::start(&["docs/examples/1-rejected.yaml"]);
        let mut page = open(&mut browser, &played, "");
        page.size(1280, 760);
        page.click(".finding.error .place");
        page.wait("document.querySelector('#editor-object .cm-lintRange-error')");
        page.picture(&file);
    }
    let guide = fs::read_to_string(root().join("docs/guide/play.md")).unwrap();
    assert!(guide.contains("](play.png)") && file.is_file());
}
