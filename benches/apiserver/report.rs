//! The result as a part of docs/performance.md.

use std::fmt::Write as _;
use std::time::Duration;

use crate::machine;
use crate::ways::Way;

/// The whole part, from the times by way, pass and number, and from the processor time of each way's webhooks for a create.
pub(crate) fn page(
    ways: &[Way],
    times: &[Vec<Vec<Duration>>],
    spent: &[Option<Duration>],
    load: f64,
    took: Duration,
) -> String {
    let passes = times.first().map_or(0, Vec::len);
    let each = times.first().and_then(|passes| passes.first()).map_or(0, Vec::len);
    let mut text = format!(
        "## Through the API server\n\n    cargo bench --bench apiserver\n\n\
         On {}; load average before the run {load:.1}; {passes} passes in {:.0} minutes.\n\n\
         One client creates {} again and again through a real kube-apiserver, in the namespace of each way in turn, {each} \
         times a pass. API server, etcd, webhooks and client share the machine. Each figure is the median over the passes \
         of the medians within them; a difference is taken within each pass. A webhook is asked twice, to mutate and to \
         validate; the last column is the processor time of both in the webhook's process. It is several times that of \
         reviews one after the other (above): between two creates in its namespace a webhook's code and data leave the \
         processor's caches.\n\n\
         | way | | a create, ms | above none, ms | of the webhook, µs |\n|---|---|---|---|---|\n",
        machine::shape(),
        took.as_secs_f64() / 60.0,
        "the first RayJob of tests/rayjobs",
    );
    let figures = Figures { ways, times };
    for (way, spent) in ways.iter().zip(spent) {
        let (Some(create), Some(above)) = (figures.create(way.name), figures.above(way.name, "none")) else {
            continue;
        };
        let spent = spent.map_or_else(String::new, |spent| spent.as_micros().to_string());
        let _ = writeln!(
            text,
            "| `{}` | {} | {create:.2} | {above:.2} | {spent} |",
            way.name, way.told
        );
    }
    text.push_str("\n### Targets\n\n| | target | measured | |\n|---|---|---|---|\n");
    for (one, other, most) in [
        ("raygate", "hard-coded", 0.5),
        ("raygate", "go", -2.0),
        ("raygate-completed", "null-completed", 0.5),
    ] {
        let (measured, verdict) = match figures.above(one, other) {
            None => ("—".to_owned(), "not measured"),
            Some(value) if value <= most => (format!("{value:.2} ms"), "met"),
            Some(value) => (format!("{value:.2} ms"), "**not met**"),
        };
        let _ = writeln!(
            text,
            "| `{one}` above `{other}` | at most {most} ms | {measured} | {verdict} |"
        );
    }
    text.trim_end().to_owned()
}

struct Figures<'a> {
    ways: &'a [Way],
    times: &'a [Vec<Vec<Duration>>],
}

impl Figures<'_> {
    /// The median of each pass, in milliseconds; none where the way was not measured.
    fn medians(&self, name: &str) -> Option<Vec<f64>> {
        let at = self.ways.iter().position(|way| way.name == name)?;
        let passes = self.times.get(at)?.iter();
        passes
            .map(|pass| median(pass.iter().map(|time| time.as_secs_f64() * 1e3).collect()))
            .collect()
    }

    fn create(&self, name: &str) -> Option<f64> {
        median(self.medians(name)?)
    }

    fn above(&self, name: &str, other: &str) -> Option<f64> {
        let pairs = self.medians(name)?.into_iter().zip(self.medians(other)?);
        median(pairs.map(|(one, other)| one - other).collect())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
