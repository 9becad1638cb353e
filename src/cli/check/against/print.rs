//! What a comparison prints: for people, a line an object, or JSON.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::cli::page::{self, Line, Medium, Page, Place, Row};
use crate::cli::{Failure, is_coloured};
use crate::diag::{counted, one_line, shorten};
use crate::engine::{Judged, Verdict};
use crate::suite::changes::Changed;

use super::super::report::{Format, verdict};
use super::{Counts, Differ, Difference, Pair, Previewed, Side};

/// The longest value that is shown, in characters.
const LONGEST: usize = 100;

/// Prints differences as they are found.
pub struct Printer<'o> {
    format: Format,
    out: &'o mut dyn Write,
    printed: usize,
    is_coloured: bool,
    page: Page,
}

impl<'o> Printer<'o> {
    /// A printer in a format.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a format that has no place for differences.
    pub fn new(format: Format, out: &'o mut dyn Write) -> Result<Printer<'o>, Failure> {
        match format {
            Format::Junit | Format::Sarif | Format::Github => Err(Failure::Usage(
                "--against prints differences, not findings: --output full, concise, json, jsonl, html or markdown"
                    .to_owned(),
            )),
            _ => Ok(Printer {
                format,
                out,
                printed: 0,
                is_coloured: is_coloured(),
                page: Page {
                    title: "What other policies change",
                    names_places: true,
                    ..Page::default()
                },
            }),
        }
    }

    /// Says which sets are compared.
    pub fn begin(&mut self, sides: &[Side<'_>; 2]) -> io::Result<()> {
        match self.format {
            Format::Full => {
                for (word, side) in ["before", "after "].iter().zip(sides) {
                    let policies = counted(side.bundle.policies().policies.len(), "policy");
                    writeln!(
                        self.out,
                        "{word}  {}: {policies}, bundle {}",
                        side.name,
                        side.bundle.short_digest()
                    )?;
                }
                Ok(())
            }
            Format::Json => {
                let [before, after] = sides
                    .each_ref()
                    .map(|side| json!({"policies": side.name, "bundle": side.bundle.digest()}));
                write!(
                    self.out,
                    "{{\"version\":1,\"before\":{before},\"after\":{after},\"objects\":["
                )
            }
            Format::Html | Format::Markdown => {
                for (word, side) in ["before", "after"].into_iter().zip(sides) {
                    let digest = side.bundle.short_digest();
                    self.page
                        .about
                        .push((word, format!("{}, bundle {digest}", one_line(&side.name))));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A document that cannot be read.
    pub fn unreadable(&mut self, line: &str) -> io::Result<()> {
        match self.format {
            Format::Json | Format::Jsonl => self.object(&json!({"error": line})),
            Format::Html | Format::Markdown => {
                self.page.problems.push(line.to_owned());
                Ok(())
            }
            _ => writeln!(self.out, "{line}"),
        }
    }

    /// A difference.
    pub fn difference(&mut self, difference: &Difference<'_>) -> io::Result<()> {
        match self.format {
            Format::Full => self.full(difference),
            Format::Concise => {
                let mut parts: Vec<String> = difference
                    .findings
                    .iter()
                    .filter_map(|pair| Some(format!("{}{}", sign(pair), pair.0.or(pair.1)?.code())))
                    .collect();
                parts.dedup();
                parts.extend(difference.changes.keys().map(|path| format!("*{path}")));
                parts.extend(difference.previews.iter().filter_map(|pair| {
                    let Previewed { policy, would } = pair.0.or(pair.1)?;
                    Some(format!("{}preview[{policy}]:{}", sign(pair), would.code))
                }));
                parts.dedup();
                let (name, verdicts) = (name(difference), verdicts(difference));
                writeln!(
                    self.out,
                    "{}: {name}: {verdicts}: {}",
                    difference.place,
                    parts.join(" ")
                )
            }
            Format::Html | Format::Markdown => {
                self.page.rows.push(row(difference));
                Ok(())
            }
            _ => self.object(&as_json(difference)),
        }
    }

    fn full(&mut self, difference: &Difference<'_>) -> io::Result<()> {
        let [red, green, bold] = if self.is_coloured {
            [
                AnsiColor::Red.on_default(),
                AnsiColor::Green.on_default(),
                Style::new().bold(),
            ]
        } else {
            [Style::new(); 3]
        };
        let asked = difference.asked;
        let user = match asked.user.as_deref() {
            Some(user) => format!(" by {}", one_line(user)),
            None => String::new(),
        };
        writeln!(
            self.out,
            "{bold}{}{bold:#}  {}  {} {}  {}{user}",
            verdicts(difference),
            one_line(&difference.place),
            asked.kind().name,
            name(difference),
            asked.operation.name(),
        )?;
        for pair in &difference.findings {
            let colour = match pair {
                (Some(_), None) => green,
                (None, Some(_)) => red,
                _ => Style::new(),
            };
            writeln!(self.out, "  {colour}{} {}{colour:#}", sign(pair), finding(pair))?;
        }
        for (path, changed) in &difference.changes {
            let (old, new) = (value(&changed.old), value(&changed.value));
            writeln!(self.out, "  * {}: {old} -> {new}", one_line(path))?;
        }
        for pair in &difference.previews {
            writeln!(self.out, "  {} {}", sign(pair), preview(pair))?;
        }
        Ok(())
    }

    fn object(&mut self, object: &Value) -> io::Result<()> {
        let separator = if self.printed > 0 { "," } else { "" };
        self.printed += 1;
        if self.format == Format::Json {
            write!(self.out, "{separator}\n{object}")
        } else {
            writeln!(self.out, "{object}")
        }
    }

    /// The counts.
    pub fn finish(&mut self, counts: &Counts) -> io::Result<()> {
        match self.format {
            Format::Full => self.counts(counts),
            Format::Json => writeln!(self.out, "\n],\"total\":{}}}", total(counts)),
            Format::Jsonl => writeln!(self.out, "{}", json!({"total": total(counts)})),
            Format::Html => self.page(counts, Medium::Html),
            Format::Markdown => self.page(counts, Medium::Markdown),
            _ => Ok(()),
        }
    }

    fn page(&mut self, counts: &Counts, medium: Medium) -> io::Result<()> {
        let verdicts = counts
            .verdicts
            .iter()
            .map(|((before, after), count)| (format!("{before} -> {after}"), *count));
        self.page.counts = verdicts.collect();
        self.page.counts.extend([
            ("differ".to_owned(), counts.differ),
            ("differ in Preview alone".to_owned(), counts.previewed),
            ("different ways".to_owned(), counts.ways()),
            ("compared".to_owned(), counts.total.judged),
        ]);
        self.page.rows.sort_by_key(|row| !row.verdict.ends_with("-> denied"));
        self.page.print(medium, self.out)
    }

    fn counts(&mut self, counts: &Counts) -> io::Result<()> {
        for ((before, after), count) in &counts.verdicts {
            writeln!(self.out, "{before} -> {after}: {count}")?;
        }
        let codes = counts.codes.iter().map(|(code, differ)| (code.clone(), differ));
        let previews = counts
            .previews
            .iter()
            .map(|((policy, code), differ)| (format!("preview[{policy}] {code}"), differ));
        let rows: Vec<(String, &Differ)> = codes.chain(previews).collect();
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, Differ { gone, new, changed }) in rows {
            writeln!(self.out, "{name:<width$}  {gone} gone, {new} new, {changed} changed")?;
        }
        let repeated = match counts.repeated {
            0 => String::new(),
            _ => format!(", in {}", counted(counts.ways(), "different way")),
        };
        let judged = counted(counts.total.judged, "request");
        let previewed = match counts.previewed {
            0 => String::new(),
            previewed => format!(", {previewed} in Preview alone"),
        };
        writeln!(
            self.out,
            "{judged} compared, {} differ{previewed}{repeated}{}",
            counts.differ,
            counts.total.not_judged()
        )
    }
}

/// A difference without the values that changed.
fn row(difference: &Difference<'_>) -> Row {
    let asked = difference.asked;
    let findings = difference.findings.iter().filter_map(|pair| {
        let line = Line::of(symbol(pair), pair.1.or(pair.0)?);
        let action = match pair {
            (Some(before), Some(after)) if before.action != after.action => {
                format!("{} -> {}", before.action.name(), after.action.name())
            }
            _ => return Some(line),
        };
        Some(Line { action, ..line })
    });
    let previews = difference.previews.iter().filter_map(|pair| {
        let Previewed { policy, would } = pair.1.or(pair.0)?;
        Some(Line {
            sign: symbol(pair),
            action: format!("Preview: {}", would.effect.name()),
            code: would.code.to_string(),
            policy: policy.to_owned(),
            path: one_line(&would.path.to_string()).into_owned(),
            message: one_line(&would.message).into_owned(),
        })
    });
    let place = |(path, changed): (&String, &Changed)| {
        let change = difference.change_at(changed);
        Place {
            path: one_line(path).into_owned(),
            policy: change.map(page::policy).unwrap_or_default(),
            by: change.map_or_else(String::new, |change| change.by.to_owned()),
        }
    };
    Row {
        namespace: one_line(&asked.namespace).into_owned(),
        kind: asked.kind().name,
        name: one_line(&asked.name).into_owned(),
        place: one_line(&difference.place).into_owned(),
        verdict: verdicts(difference),
        lines: findings.chain(previews).collect(),
        changes: difference.changes.iter().map(place).collect(),
    }
}

fn symbol<T>(pair: &Pair<T>) -> &'static str {
    match sign(pair) {
        '-' => "-",
        '+' => "+",
        _ => "~",
    }
}

fn name(difference: &Difference<'_>) -> String {
    let asked = difference.asked;
    one_line(&format!("{}/{}", asked.namespace, asked.name)).into_owned()
}

/// `denied -> allowed`, or the verdict alone where it is the same.
fn verdicts(difference: &Difference<'_>) -> String {
    let (before, after) = difference.verdicts;
    if before == after {
        verdict(before).to_owned()
    } else {
        format!("{} -> {}", verdict(before), verdict(after))
    }
}

/// `-` where it is gone, `+` where it is new, `~` where it changed.
fn sign<T>(pair: &Pair<T>) -> char {
    match pair {
        (Some(_), None) => '-',
        (None, _) => '+',
        (Some(_), Some(_)) => '~',
    }
}

fn finding((before, after): &Pair<&Judged>) -> String {
    let Some(judged) = after.or(*before) else {
        return String::new();
    };
    let action = match (before, after) {
        (Some(before), Some(after)) if before.action != after.action => {
            format!("{} -> {}", before.action.name(), after.action.name())
        }
        _ => judged.action.name().to_owned(),
    };
    let (path, message) = (&judged.finding.path, one_line(&judged.finding.message));
    format!("{action} {} {path}: {message}", judged.code())
}

/// As `check` shows what a policy in Preview would do.
fn preview((before, after): &Pair<Previewed<'_>>) -> String {
    let Some(Previewed { policy, would }) = after.or(*before) else {
        return String::new();
    };
    let effect = match (before, after) {
        (Some(before), Some(after)) if before.would.effect != after.would.effect => {
            format!("{} -> {}", before.would.effect.name(), after.would.effect.name())
        }
        _ => would.effect.name().to_owned(),
    };
    let (code, path) = (&would.code, &would.path);
    match would.message.as_str() {
        "" => format!("preview[{policy}] {effect} {code} {path}"),
        message => format!("preview[{policy}] {effect} {code} {path}: {}", one_line(message)),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        value => shorten(&value.to_string(), LONGEST),
    }
}

fn as_json(difference: &Difference<'_>) -> Value {
    let asked = difference.asked;
    let said = |judged: &Judged| json!({"action": judged.action.name(), "message": judged.finding.message});
    let findings: Vec<Value> = difference
        .findings
        .iter()
        .filter_map(|(before, after)| {
            let judged = after.or(*before)?;
            Some(json!({
                "code": judged.code(),
                "path": judged.finding.path.to_string(),
                "before": before.map(said),
                "after": after.map(said),
            }))
        })
        .collect();
    let changes: Vec<Value> = difference
        .changes
        .iter()
        .map(|(path, changed)| json!({"path": path, "before": changed.old, "after": changed.value}))
        .collect();
    let would = |seen: Previewed<'_>| json!({"effect": seen.would.effect.name(), "message": seen.would.message});
    let previews: Vec<Value> = difference
        .previews
        .iter()
        .filter_map(|(before, after)| {
            let seen = after.or(*before)?;
            Some(json!({
                "policy": seen.policy,
                "code": &*seen.would.code,
                "path": seen.would.path.to_string(),
                "before": before.map(would),
                "after": after.map(would),
            }))
        })
        .collect();
    let (before, after) = difference.verdicts;
    json!({
        "place": difference.place,
        "kind": asked.kind().name,
        "name": asked.name,
        "namespace": asked.namespace,
        "operation": asked.operation.name(),
        "user": asked.user,
        "verdict": {"before": verdict(before), "after": verdict(after)},
        "allowed": {"before": before == Verdict::Allow, "after": after == Verdict::Allow},
        "findings": findings,
        "changes": changes,
        "previews": previews,
    })
}

fn total(counts: &Counts) -> Value {
    let verdicts: serde_json::Map<String, Value> = counts
        .verdicts
        .iter()
        .map(|((before, after), count)| (format!("{before} -> {after}"), json!(count)))
        .collect();
    let codes: serde_json::Map<String, Value> = counts
        .codes
        .iter()
        .map(|(code, Differ { gone, new, changed })| {
            (code.clone(), json!({"gone": gone, "new": new, "changed": changed}))
        })
        .collect();
    let previews: Vec<Value> = counts
        .previews
        .iter()
        .map(|((policy, code), Differ { gone, new, changed })| {
            json!({"policy": policy, "code": code, "gone": gone, "new": new, "changed": changed})
        })
        .collect();
    json!({
        "compared": counts.total.judged,
        "differ": counts.differ,
        "previewed": counts.previewed,
        "repeated": counts.repeated,
        "verdicts": verdicts,
        "codes": codes,
        "previews": previews,
        "skipped": counts.total.skipped,
        "unreadable": counts.total.unreadable,
    })
}
