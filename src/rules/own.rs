//! The platform's own rules, looked at like checks.

use std::sync::Arc;

use crate::cel::{Failed, Here, Meter, Session};
use crate::policy::rule::{Each, Rule};
use crate::ray::Workload;

use super::{Finding, Findings};

/// Fills the findings with what a rule finds in a RayJob. Where one of its expressions has no value, it finds that.
pub fn run(rule: &Rule, job: &Workload<'_>, session: &Session<'_>, mut findings: Findings) -> Findings {
    let meter = Arc::new(Meter::default());
    let mut look = |here: Here<'_>| match look(rule, session, here, &meter) {
        Ok(true) => true,
        Ok(false) => {
            findings.push(finding(rule, session, here, None));
            true
        }
        Err(failed) => {
            let goes_on = failed != Failed::Steps;
            findings.push(finding(rule, session, here, Some(failed)));
            goes_on
        }
    };
    at_each(rule.each, job, &mut look);
    findings
}

/// Whether a rule looks at anything of a RayJob: its `when` is true somewhere, or has no value.
pub fn looks(rule: &Rule, job: &Workload<'_>, session: &Session<'_>) -> bool {
    let Some(when) = &rule.when else { return true };
    let meter = Arc::new(Meter::default());
    let mut looks = false;
    at_each(rule.each, job, &mut |here| {
        looks = when.holds(session, here, &meter) != Ok(false);
        !looks
    });
    looks
}

/// Goes through what a rule looks at, as long as `look` wants to go on.
fn at_each(each: Each, job: &Workload<'_>, look: &mut dyn FnMut(Here<'_>) -> bool) {
    match each {
        Each::Job => {
            look(Here::Job);
        }
        Each::Pod => {
            job.pods.iter().all(|pod| look(Here::Pod(pod)));
        }
        Each::Container => {
            job.pods
                .iter()
                .flat_map(|pod| pod.described().map(move |container| (pod, container)))
                .all(|(pod, container)| look(Here::Container(pod, container)));
        }
    }
}

fn look(rule: &Rule, session: &Session<'_>, here: Here<'_>, meter: &Arc<Meter>) -> Result<bool, Failed> {
    if let Some(when) = &rule.when
        && !when.holds(session, here, meter)?
    {
        return Ok(true);
    }
    rule.require.holds(session, here, meter)
}

fn finding(rule: &Rule, session: &Session<'_>, here: Here<'_>, failed: Option<Failed>) -> Finding {
    let path = rule.require.path(here).unwrap_or_else(|| here.path());
    // The message has steps of its own: it shall say what it can where the rule has none left.
    let mut message = rule.message.render(session, here, &Arc::new(Meter::default()));
    if let Some(failed) = failed {
        message.push_str(&format!(" (the rule has no result: {failed})"));
    }
    Finding::new(path, message)
}
