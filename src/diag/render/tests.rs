use crate::diag::{Diagnostic, SourceId, Sources, Span};

fn span(sources: &Sources, id: SourceId, needle: &str) -> Span {
    let start = sources.get(id).unwrap().text.find(needle).unwrap();
    Span::new(id, start, start + needle.len())
}

fn manifest(sources: &mut Sources) -> SourceId {
    let lines = "      requests: {cpu: \"8\", memory: 32Gi}\n      x: y\n      limits: {cpu: \"8\", memory: 500Mi}\n";
    sources.add("jobs/train.yaml", &format!("{}{lines}", "\n".repeat(85)))
}

#[test]
fn two_places_in_one_file_and_one_in_another() {
    let mut sources = Sources::new();
    let job = manifest(&mut sources);
    let policy = sources.add("policies/base.yaml", "spec:\n  actions:\n    RG203: Deny\n");
    let diagnostic = Diagnostic::error("RG203", "group `gpu`: memory limit 500Mi is below its request 32Gi")
        .at(
            span(&sources, job, "500Mi"),
            "containers[ray-worker].resources.limits.memory",
        )
        .and_at(span(&sources, job, "32Gi"), "needs at least this")
        .and_at(span(&sources, policy, "RG203: Deny"), "denied here")
        .help("Flyte: WorkerNodeConfig(group_name=\"gpu\", limits=Resources(mem=\"32Gi\"))");
    assert_eq!(
        diagnostic.render(&sources, false),
        r#"error[RG203]: group `gpu`: memory limit 500Mi is below its request 32Gi
  --> jobs/train.yaml:88:34
   |
86 |       requests: {cpu: "8", memory: 32Gi}
   |                                    ---- needs at least this
87 |       x: y
88 |       limits: {cpu: "8", memory: 500Mi}
   |                                  ^^^^^ containers[ray-worker].resources.limits.memory
   |
  ::: policies/base.yaml:3:5
   |
 3 |     RG203: Deny
   |     ----------- denied here
   |
   = Flyte: WorkerNodeConfig(group_name="gpu", limits=Resources(mem="32Gi"))"#
    );
}

#[test]
fn colour_adds_escapes_and_nothing_else() {
    let mut sources = Sources::new();
    let job = manifest(&mut sources);
    let diagnostic = Diagnostic::warning("RG1", "low")
        .at(span(&sources, job, "500Mi"), "here")
        .help("raise it");
    let colored = diagnostic.render(&sources, true);
    assert!(colored.starts_with("\u{1b}["));
    let mut plain = String::new();
    for (index, part) in colored.split('\u{1b}').enumerate() {
        plain.push_str(if index == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        });
    }
    assert_eq!(plain, diagnostic.render(&sources, false));
}

#[test]
fn long_lines_are_cut_and_columns_stay_true() {
    let mut sources = Sources::new();
    let text = format!(
        "{{\"a\": \"{}\", \"bad\": 1, \"c\": \"{}\", \"far\": 2}}",
        "ä".repeat(9990),
        "y".repeat(9990)
    );
    let id = sources.add("long.json", &text);
    let diagnostic = Diagnostic::error("RG1", "no")
        .at(span(&sources, id, "\"bad\""), "this")
        .and_at(span(&sources, id, "\"far\""), "and that");
    for color in [false, true] {
        let rendered = diagnostic.render(&sources, color);
        assert!(rendered.contains("long.json:1:10001"), "{rendered}");
        assert!(rendered.lines().all(|line| line.chars().count() < 300), "{rendered}");
        assert!(
            rendered.contains("^^^^^") && rendered.contains("this") && rendered.contains("and that"),
            "{rendered}"
        );
    }
}

#[test]
fn text_of_users_stays_on_its_line() {
    let mut sources = Sources::new();
    let id = sources.add("a\nb.yaml", "名前: 大\t値\u{1b}[31m\u{202e}x\u{2028}\r\nnext: 1\r\n");
    let diagnostic = Diagnostic::error("RG1", "bad\n  --> c.yaml:1:1\u{1b}[0m")
        .at(span(&sources, id, "値"), "a\rb")
        .help("x\ny");
    assert_eq!(
        diagnostic.render(&sources, false),
        "error[RG1]: bad\\n  --> c.yaml:1:1\\u{1b}[0m
 --> a\\nb.yaml:1:7
  |
1 | 名前: 大    値\u{fffd}[31m\u{fffd}x\u{fffd}
  |             ^^ a\\rb
  |
  = x\\ny"
    );
}

#[test]
fn spans_of_several_lines_are_shown_on_the_first() {
    let mut sources = Sources::new();
    let id = sources.add("a.yaml", "spec:  \n  a: 1\n  b: 2\n");
    assert_eq!(
        Diagnostic::note("RG1", "all of it")
            .at(Span::new(id, 0, 20), "")
            .render(&sources, false),
        "note[RG1]: all of it\n --> a.yaml:1:1\n  |\n1 | spec:  \n  | ^^^^^"
    );
}

#[test]
fn places_far_apart_are_two_snippets() {
    let mut sources = Sources::new();
    let id = sources.add("a.yaml", &format!("a: 1{}a: 2", "\n".repeat(1_000_000)));
    let end = sources.get(id).unwrap().text.len();
    let rendered = Diagnostic::error("RG1", "twice")
        .at(Span::new(id, end - 4, end - 3), "again")
        .and_at(Span::new(id, 0, 1), "first")
        .render(&sources, false);
    assert_eq!(
        rendered,
        "error[RG1]: twice
       --> a.yaml:1000001:1
        |
1000001 | a: 2
        | ^ again
        |
       ::: a.yaml:1:1
        |
      1 | a: 1
        | - first"
    );
}

#[test]
fn any_span_is_legal() {
    let mut sources = Sources::new();
    let empty = sources.add("empty.yaml", "");
    let short = sources.add("short.yaml", "é\n");
    let mut others = sources.clone();
    let foreign = others.add("other.yaml", "x");
    for id in [empty, short, foreign] {
        for (start, end) in [(0, 0), (1, 1), (1, 2), (0, 99), (99, 99), (usize::MAX, usize::MAX)] {
            let diagnostic = Diagnostic::error("RG1", "x")
                .at(Span::new(id, start, end), "y")
                .and_at(Span::new(id, end, start), "");
            assert!(diagnostic.render(&sources, false).starts_with("error[RG1]: x"));
            assert!(diagnostic.concise(&sources).ends_with("error[RG1]: x"));
            assert_eq!(diagnostic.to_json(&sources)["code"], "RG1");
        }
    }
    assert_eq!(Diagnostic::error("RG1", "x").render(&sources, false), "error[RG1]: x");
}
