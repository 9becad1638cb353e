//! Alert rules and dashboard ask only for what raygate measures: every name and label of every query stands in the table.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use raygate::metrics::{FAMILIES, Kind};
use serde_json::Value;

/// Labels that Prometheus gives to the series of a pod.
const TARGET: [&str; 4] = ["instance", "job", "namespace", "pod"];

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/monitoring")
        .join(name);
    fs::read_to_string(path).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&read(name)).unwrap()
}

/// The labels of a series, by its name; what a histogram makes of its own name included.
fn labels_of(series: &str) -> Option<Vec<&'static str>> {
    let family = |name: &str| FAMILIES.iter().find(|family| family.name == name);
    if let Some(family) = family(series).filter(|family| family.kind != Kind::Histogram) {
        return Some(family.labels.to_vec());
    }
    [("_bucket", Some("le")), ("_sum", None), ("_count", None)]
        .into_iter()
        .find_map(|(suffix, more)| {
            let family = family(series.strip_suffix(suffix)?).filter(|family| family.kind == Kind::Histogram)?;
            Some(family.labels.iter().copied().chain(more).collect())
        })
}

/// Everything in a query that the table does not have.
#[derive(Default)]
struct Strangers {
    names: BTreeSet<String>,
    found: Vec<String>,
}

impl Strangers {
    fn of(query: &str) -> Self {
        let expr = parser::parse(query).unwrap_or_else(|error| panic!("{error}: {query}"));
        let mut strangers = Self::default();
        walk_expr(&mut strangers, &expr).unwrap();
        strangers
    }

    fn selector(&mut self, selector: &VectorSelector) {
        let name = selector.name.clone().unwrap_or_default();
        match labels_of(&name) {
            None => self.found.push(format!("no series `{name}`")),
            Some(labels) => {
                let matchers = &selector.matchers;
                for matcher in matchers.matchers.iter().chain(matchers.or_matchers.iter().flatten()) {
                    if !labels.contains(&&*matcher.name) && !TARGET.contains(&&*matcher.name) {
                        self.found.push(format!("`{name}` has no label `{}`", matcher.name));
                    }
                }
            }
        }
        self.names.insert(name);
    }

    /// Labels by which the series of an expression are grouped or matched.
    fn grouping<'a>(&mut self, labels: impl IntoIterator<Item = &'a String>, of: &Expr) {
        let mut below = Self::default();
        walk_expr(&mut below, of).unwrap();
        for label in labels {
            for name in &below.names {
                let known = labels_of(name).unwrap_or_default();
                if !known.contains(&label.as_str()) && !TARGET.contains(&label.as_str()) {
                    self.found.push(format!("`{name}` has no label `{label}` to group by"));
                }
            }
        }
    }
}

impl ExprVisitor for Strangers {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs),
            Expr::Aggregate(aggregate) => {
                if let Some(by) = &aggregate.modifier {
                    self.grouping(&by.labels().labels, &aggregate.expr);
                }
            }
            Expr::Binary(binary) => {
                if let Some(on) = binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref()) {
                    for side in [&binary.lhs, &binary.rhs] {
                        self.grouping(&on.labels().labels, side);
                    }
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// Holds a query to the table, and gives back the series that it asks for.
fn hold(what: &str, query: &str) -> BTreeSet<String> {
    let strangers = Strangers::of(query);
    assert!(strangers.found.is_empty(), "{what}: {:?} in {query}", strangers.found);
    assert!(!strangers.names.is_empty(), "{what} asks for nothing: {query}");
    strangers.names
}

/// The names between the braces of a template, behind `before`.
fn named<'a>(template: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    template.split("{{").skip(1).filter_map(move |rest| {
        let (inside, _) = rest.split_once("}}")?;
        let name = inside.trim().strip_prefix(before)?;
        Some(name.split_whitespace().next().unwrap_or_default())
    })
}

/// The labels that the series of a query's result have, or may have.
fn result_labels(query: &str) -> BTreeSet<String> {
    fn of(expr: &Expr) -> BTreeSet<String> {
        match expr {
            Expr::Aggregate(aggregate) => match &aggregate.modifier {
                Some(parser::LabelModifier::Include(by)) => by.labels.iter().cloned().collect(),
                Some(parser::LabelModifier::Exclude(_)) => of(&aggregate.expr),
                // `topk` and `bottomk` keep the labels of what they pick.
                None if aggregate.param.is_some() => of(&aggregate.expr),
                None => BTreeSet::new(),
            },
            Expr::Binary(binary) => &of(&binary.lhs) | &of(&binary.rhs),
            Expr::Call(call) => call.args.args.iter().flat_map(|arg| of(arg)).collect(),
            Expr::Paren(paren) => of(&paren.expr),
            Expr::Unary(unary) => of(&unary.expr),
            Expr::Subquery(subquery) => of(&subquery.expr),
            Expr::VectorSelector(selector) => series(selector),
            Expr::MatrixSelector(matrix) => series(&matrix.vs),
            _ => BTreeSet::new(),
        }
    }
    fn series(selector: &VectorSelector) -> BTreeSet<String> {
        let own = labels_of(selector.name.as_deref().unwrap_or_default()).unwrap_or_default();
        own.into_iter().chain(TARGET).map(str::to_owned).collect()
    }
    of(&parser::parse(query).unwrap())
}

#[test]
fn every_alert_asks_for_what_there_is_and_says_what_to_do() {
    let rules = yaml("rules.yaml");
    let alerts = rules["groups"][0]["rules"].as_array().unwrap();
    assert!(alerts.len() > 5);
    let mut names = BTreeSet::new();
    for alert in alerts {
        let name = alert["alert"].as_str().unwrap();
        assert!(name.starts_with("Raygate") && names.insert(name), "{name}");
        let query = alert["expr"].as_str().unwrap();
        hold(name, query);
        let severity = alert["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}: {severity}"
        );
        let labels = result_labels(query);
        for part in ["summary", "description", "runbook"] {
            let text = alert["annotations"][part].as_str().unwrap_or_default();
            assert!(text.len() > 20, "{name} has no {part}");
            for label in named(text, "$labels.") {
                assert!(
                    labels.contains(label),
                    "{name}: its {part} names {label}, of {labels:?}"
                );
            }
        }
    }
}

#[test]
fn the_operator_gets_the_same_alerts() {
    let rule = yaml("prometheusrule.yaml");
    assert_eq!(
        (&rule["apiVersion"], &rule["kind"]),
        (&"monitoring.coreos.com/v1".into(), &"PrometheusRule".into())
    );
    assert_eq!(
        rule["spec"],
        yaml("rules.yaml"),
        "prometheusrule.yaml and rules.yaml differ"
    );
}

#[test]
fn every_panel_asks_for_what_there_is_and_no_family_is_left_out() {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let mut ids = BTreeSet::new();
    let mut shown = BTreeSet::new();
    let mut query = |what: &str, text: &str| {
        // Grafana puts these in before it asks.
        let text = text.replace("$__rate_interval", "1m").replace("$__range", "1h");
        shown.extend(hold(what, &text));
        text
    };
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{title} has the id of another panel"
        );
        if panel["type"] == "row" {
            continue;
        }
        assert!(
            panel["description"].as_str().is_some_and(|text| !text.is_empty()),
            "{title}"
        );
        for target in panel["targets"].as_array().unwrap() {
            let asked = query(title, target["expr"].as_str().unwrap());
            let labels = result_labels(&asked);
            for label in named(target["legendFormat"].as_str().unwrap(), "") {
                assert!(
                    labels.contains(label),
                    "{title}: its legend names {label}, of {labels:?}"
                );
            }
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        query("an annotation", annotation["expr"].as_str().unwrap());
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(asked) = variable["query"]["query"].as_str() {
            let inside = asked
                .strip_prefix("label_values(")
                .and_then(|rest| rest.strip_suffix(')'))
                .unwrap();
            let (series, label) = inside.rsplit_once(',').unwrap();
            let asked = query("a variable", series);
            assert!(result_labels(&asked).contains(label.trim()), "{inside}");
        }
    }
    for family in FAMILIES {
        assert!(
            shown.iter().any(|series| series.starts_with(family.name)),
            "no panel shows {}",
            family.name
        );
    }
}

#[test]
fn a_stranger_would_be_seen() {
    for query in [
        "raygate_request_total",
        "sum(rate(raygate_requests_total{cause=\"x\"}[5m]))",
        "sum by (cause) (rate(raygate_requests_total[5m]))",
        "rate(raygate_request_duration_seconds[5m])",
        "raygate_panics_total * on (verdict) raygate_in_flight",
    ] {
        assert!(!Strangers::of(query).found.is_empty(), "{query}");
    }
}
