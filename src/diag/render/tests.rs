use super::super::{Diagnostic, Sources, Span};

fn span(sources: &Sources, id: super::SourceId, needle: &str) -> Span {
    let start = sources.get(id).unwrap().text.find(needle).unwrap();
    Span::new(id, start, start + needle.len())
}

#[test]
fn p() {
    let mut sources = Sources::new();
    let a = sources.add(
        "jobs/train.yaml",
        &format!(
            "{}      requests: {{cpu: \"8\", memory: 32Gi}}\n      x: y\n      limits: {{cpu: \"8\", memory: 500Mi}}\n",
            "\n".repeat(85)
        ),
    );
    let b = sources.add("policies/base.yaml", "spec:\n  actions:\n    RG203: Deny\n");
    let d = Diagnostic::error(
        "RG203",
        "group `gpu-workers`: memory limit 500Mi is below its request 32Gi",
    )
    .at(
        span(&sources, a, "500Mi"),
        "containers[ray-worker].resources.limits.memory",
    )
    .and_at(span(&sources, a, "32Gi"), "needs at least this")
    .and_at(span(&sources, b, "RG203: Deny"), "denied here")
    .help("Flyte: WorkerNodeConfig(group_name=\"gpu-workers\", limits=Resources(mem=\"32Gi\"))")
    .help("raygate explain RG203");
    println!("{}", d.render(&sources, false));
    println!("{}", d.render(&sources, true));
    let long = format!(
        "{}\n{{\"a\": \"{}\", \"bad\": 1, \"c\": \"{}\", \"far\": 2}}",
        "z".repeat(10),
        "x".repeat(100000),
        "y".repeat(100000)
    );
    let c = sources.add("long\n.json", &long);
    let d = Diagnostic::warning("RG1", "bad\nnews")
        .at(span(&sources, c, "\"bad\""), "this")
        .and_at(span(&sources, c, "\"far\""), "and that");
    println!("{}", d.render(&sources, false));
    println!("{}", d.concise(&sources));
    println!("{}", d.render(&sources, true));
    let c = sources.add("w.yaml", "名前: 大きい\t値\u{1b}[31m\u{202e}x # \u{2028}\r\nnext: \r\n");
    let d = Diagnostic::warning("RG1", "bad").at(span(&sources, c, "値"), "wide");
    println!("{}", d.render(&sources, false));
    let d = Diagnostic::warning("RG1", "bad")
        .at(Span::new(c, 10000, 10000), "end")
        .and_at(Span::new(c, 1, 60), "many lines");
    println!("{}", d.render(&sources, false));
    println!(
        "{}",
        Diagnostic::note("RG1", "bad").help("do it").render(&sources, false)
    );
    let e = sources.add("e.yaml", "");
    println!(
        "{}",
        Diagnostic::note("RG1", "bad")
            .at(Span::new(e, 0, 0), "")
            .help("do it")
            .render(&sources, false)
    );
    let e = sources.add("far.yaml", &format!("a: 1{}a: 2", "\n".repeat(500)));
    println!(
        "{}",
        Diagnostic::note("RG1", "bad")
            .at(Span::new(e, 504, 505), "again")
            .and_at(Span::new(e, 0, 1), "first")
            .help("do it")
            .render(&sources, false)
    );
}
