//! Holding an expression against the tables of the language.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators};

use crate::diag::{listed, quoted, suggest};

use super::language::{self, Field, MACROS, Place, Shape, Style, TYPES};
use super::{DEEPEST, MOST_LOOPS, MOST_NODES, Problem, types};

/// A step of a path that stands in an expression as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathStep {
    /// A key.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// What was learned of an expression.
#[derive(Debug)]
pub(super) struct Learned {
    pub problems: Vec<Problem>,
    /// What it gives.
    pub shape: Shape,
    /// The first path into `object`, `pod` or `container`: the variable, and the steps.
    pub path: Option<(&'static str, Vec<PathStep>)>,
    /// Whether it looks at what the RayJob says of its Flyte execution.
    pub uses_identity: bool,
    /// The fields of `job`, `request` and `platform` that it looks at, each once: `job.gpus`.
    pub reads: Vec<String>,
}

/// Functions of CEL about times, which expressions do not have here.
const TIMES: [&str; 3] = ["now", "timestamp", "duration"];

struct Walk<'a> {
    source: &'a str,
    info: &'a SourceInfo,
    place: Place,
    bound: Vec<(String, Shape)>,
    nodes: usize,
    loops: usize,
    is_too_deep: bool,
    learned: Learned,
}

/// Everything that is wrong with an expression.
pub(super) fn check(source: &str, info: &SourceInfo, expr: &IdedExpr, place: Place) -> Learned {
    let mut walk = Walk {
        source,
        info,
        place,
        bound: Vec::new(),
        nodes: 0,
        loops: 0,
        is_too_deep: false,
        learned: Learned {
            problems: Vec::new(),
            shape: Shape::Any,
            path: None,
            uses_identity: false,
            reads: Vec::new(),
        },
    };
    walk.learned.shape = walk.expr(expr, 0);
    if walk.nodes > MOST_NODES {
        let message = format!(
            "the expression has {} nodes, more than the {MOST_NODES} allowed",
            walk.nodes
        );
        walk.learned.problems = vec![Problem::new(0..source.len(), message).help("split it into several rules")];
    }
    if walk.is_too_deep {
        walk.learned.problems = vec![Problem::too_deep(0..source.len())];
    }
    walk.learned.problems.sort_by_key(|problem| problem.range.start);
    walk.learned
}

impl Walk<'_> {
    fn expr(&mut self, expr: &IdedExpr, depth: usize) -> Shape {
        self.nodes += 1;
        if depth > DEEPEST {
            self.is_too_deep = true;
            return Shape::Any;
        }
        self.path(expr);
        match &expr.expr {
            Expr::Ident(name) => self.ident(expr, name),
            Expr::Select(select) => self.select(expr, select, depth),
            Expr::Call(call) => self.call(expr, call, depth),
            Expr::List(list) => {
                for element in &list.elements {
                    self.expr(element, depth + 1);
                }
                Shape::List(&Shape::Any)
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.expr(&entry.key, depth + 1);
                        self.expr(&entry.value, depth + 1);
                    }
                }
                Shape::Any
            }
            Expr::Struct(_) => {
                self.problem(expr, "there are no message types here".to_owned());
                Shape::Any
            }
            Expr::Comprehension(comprehension) => {
                let is_loop = !comprehension.iter_var.starts_with('#');
                let range = self.expr(&comprehension.iter_range, depth + 1);
                if matches!(comprehension.iter_range.expr, Expr::Map(_)) {
                    self.problem(
                        &comprehension.iter_range,
                        "a map that is written out has no order to go through; write a list".to_owned(),
                    );
                }
                let init = self.expr(&comprehension.accu_init, depth + 1);
                self.loops += usize::from(is_loop);
                if is_loop && self.loops == MOST_LOOPS + 1 {
                    let message = format!("more than {MOST_LOOPS} loops inside each other");
                    self.problem(expr, message);
                }
                let before = self.bound.len();
                let element = match range {
                    Shape::List(element) => *element,
                    _ => Shape::Any,
                };
                let accumulated = if is_loop { Shape::Any } else { init };
                self.bound.push((comprehension.iter_var.clone(), element));
                self.bound.push((comprehension.accu_var.clone(), accumulated));
                for part in [
                    &comprehension.loop_cond,
                    &comprehension.loop_step,
                    &comprehension.result,
                ] {
                    self.expr(part, depth + 1);
                }
                self.bound.truncate(before);
                self.loops -= usize::from(is_loop);
                Shape::Any
            }
            Expr::Literal(LiteralValue::String(_)) => Shape::Text,
            Expr::Literal(LiteralValue::Int(_)) => Shape::Int,
            Expr::Literal(LiteralValue::Boolean(_)) => Shape::Bool,
            Expr::Literal(_) | Expr::Unspecified => Shape::Any,
        }
    }

    fn ident(&mut self, expr: &IdedExpr, name: &str) -> Shape {
        if let Some((_, shape)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return *shape;
        }
        let plain = name.strip_prefix('.').unwrap_or(name);
        if let Some(variable) = language::variables(self.place).find(|variable| variable.name == plain) {
            self.learned.uses_identity |= plain == "job";
            return variable.shape;
        }
        if TYPES.contains(&plain) {
            return Shape::Any;
        }
        let elsewhere = language::VARIABLES.iter().find(|variable| variable.name == plain);
        let known: Vec<&str> = language::variables(self.place).map(|variable| variable.name).collect();
        let bound: Vec<&str> = self.bound.iter().map(|(name, _)| name.as_str()).collect();
        let near = suggest(plain, known.iter().copied().chain(bound.iter().copied()));
        let (message, help) = match (elsewhere, near) {
            (Some(variable), _) => (
                format!("there is no variable {} here", quoted(plain)),
                where_it_is(variable.from).to_owned(),
            ),
            (None, Some(near)) => (
                format!("there is no variable {}", quoted(plain)),
                format!("did you mean `{near}`?"),
            ),
            (None, None) => (
                format!("there is no variable {}", quoted(plain)),
                format!("here are {}", listed(&known)),
            ),
        };
        let range = self.range(expr);
        let help = self.key_with_dash(&range, plain).unwrap_or(help);
        self.push(Problem::new(range, message).help(help));
        Shape::Any
    }

    /// What to write for `a.b-c`, which is `a.b` minus the variable `c`.
    fn key_with_dash(&self, range: &Range<usize>, name: &str) -> Option<String> {
        let before = self.source.get(..range.start)?.strip_suffix('-')?;
        let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let start = before.rfind(|c| !is_path(c)).map_or(0, |at| at + 1);
        let (parent, first) = before.get(start..)?.rsplit_once('.')?;
        Some(format!(
            "for a key that is not a plain word, write: {parent}['{first}-{name}']"
        ))
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr, depth: usize) -> Shape {
        let before = self.learned.uses_identity;
        let shape = self.expr(&select.operand, depth + 1);
        let range = self.after(expr, Some(&select.operand), &select.field);
        let found = self.field(shape, &select.field, range);
        self.reads(expr, found);
        // `job` itself is seen with the field that is taken of it.
        if is_job(&select.operand) && !matches!(select.field.as_str(), "flyte" | "cronJob") {
            self.learned.uses_identity = before;
        }
        found
    }

    fn field(&mut self, shape: Shape, name: &str, range: Range<usize>) -> Shape {
        let (fields, what): (&[Field], &str) = match shape {
            Shape::Any => return Shape::Any,
            Shape::Record(fields) => (fields, "the fields are"),
            other => {
                let message = format!("{} has no field {}", types::article(other), quoted(name));
                self.push(Problem::new(range, message));
                return Shape::Any;
            }
        };
        if let Some(field) = fields.iter().find(|field| field.name == name) {
            return field.shape;
        }
        let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let help = match suggest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{what} {}", listed(&known)),
        };
        let owner = self.owner(fields);
        let message = format!("`{owner}` has no field {}", quoted(name));
        self.push(Problem::new(range, message).help(help));
        Shape::Any
    }

    /// How the language names a record.
    fn owner(&self, fields: &[Field]) -> String {
        fn find(name: &str, shape: Shape, wanted: &[Field]) -> Option<String> {
            let (fields, name) = match shape {
                Shape::Record(fields) => (fields, name.to_owned()),
                Shape::List(Shape::Record(fields)) => (*fields, format!("{name}[i]")),
                _ => return None,
            };
            if std::ptr::eq(fields.as_ptr(), wanted.as_ptr()) {
                return Some(name);
            }
            fields
                .iter()
                .find_map(|field| find(&format!("{name}.{}", field.name), field.shape, wanted))
        }
        language::VARIABLES
            .iter()
            .find_map(|variable| find(variable.name, variable.shape, fields))
            .unwrap_or_default()
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr, depth: usize) -> Shape {
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            (operators::INDEX | operators::OPT_INDEX, [operand, index]) => {
                return self.index(operand, index, depth);
            }
            (operators::OPT_SELECT, [operand, field]) => {
                let shape = self.expr(operand, depth + 1);
                self.nodes += 1;
                if let Expr::Literal(LiteralValue::String(name)) = &field.expr {
                    let range = self.after(expr, Some(operand), name.inner());
                    self.field(shape, name.inner(), range);
                }
                return Shape::Any;
            }
            _ => {}
        }
        let is_namespace = call
            .target
            .as_deref()
            .and_then(|target| match &target.expr {
                Expr::Ident(namespace) => Some(format!("{namespace}.{name}")),
                _ => None,
            })
            .filter(|full| language::find(full).is_some());
        let target = call.target.as_deref().filter(|_| is_namespace.is_none());
        let on = target.map(|target| self.expr(target, depth + 1));
        let operands: Vec<Shape> = call
            .args
            .iter()
            .map(|argument| self.expr(argument, depth + 1))
            .collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.operator(expr, call, &operands);
        }
        let full = is_namespace.as_deref().unwrap_or(name);
        self.function(expr, full, on.is_some(), call);
        if let (Some(on), Some(wanted)) = (on, types::receiver(full))
            && !types::may_be(on, wanted)
        {
            let range = self.before(expr, name);
            let wanted = if matches!(wanted, Shape::Text) {
                "strings"
            } else {
                "quantities"
            };
            let message = format!("`{name}` is for {wanted}, this is {}", types::article(on));
            let problem = Problem::new(range, message);
            self.push(match (name, on) {
                ("contains", Shape::List(_)) => problem.help("for an element of a list write `element in list`"),
                _ => problem,
            });
        }
        types::function(full)
    }

    fn operator(&mut self, expr: &IdedExpr, call: &CallExpr, operands: &[Shape]) -> Shape {
        match types::operator(&call.func_name, operands) {
            Ok(shape) => shape,
            Err(mismatch) => {
                let blamed = mismatch.operand.and_then(|at| call.args.get(at)).unwrap_or(expr);
                let range = match &blamed.expr {
                    Expr::Select(select) => self.after(blamed, Some(&select.operand), &select.field),
                    _ => self.range(blamed),
                };
                let problem = Problem::new(range, mismatch.message);
                self.push(match mismatch.help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
                Shape::Any
            }
        }
    }

    fn index(&mut self, operand: &IdedExpr, index: &IdedExpr, depth: usize) -> Shape {
        let before = self.learned.uses_identity;
        let shape = self.expr(operand, depth + 1);
        self.expr(index, depth + 1);
        match (shape, &index.expr) {
            (Shape::Record(_), Expr::Literal(LiteralValue::String(name))) => {
                if is_job(operand) && name.inner() != "flyte" {
                    self.learned.uses_identity = before;
                }
                let range = self.range(index);
                self.field(shape, name.inner(), range)
            }
            (Shape::Record(_), _) => {
                self.problem(index, "fields of this record are taken by their names".to_owned());
                Shape::Any
            }
            (Shape::List(element), _) => *element,
            _ => Shape::Any,
        }
    }

    fn function(&mut self, expr: &IdedExpr, name: &str, is_member: bool, call: &CallExpr) {
        let range = self.before(expr, &call.func_name);
        let Some(function) = language::find(name) else {
            let known = language::FUNCTIONS.iter().map(|function| function.name);
            let macros = MACROS.iter().map(|(name, ..)| *name);
            if let Some((_, written, _)) = MACROS.iter().find(|(known, ..)| *known == name) {
                let message = format!("`{name}` is written `{written}`");
                return self.push(Problem::new(range, message));
            }
            let problem = Problem::new(range, format!("there is no function {}", quoted(name)));
            return self.push(match suggest(name, known.chain(macros)) {
                _ if TIMES.contains(&name) => {
                    problem.help("there are no times: an expression gives the same at any time")
                }
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            });
        };
        let style_fits = match function.style {
            Style::Global => !is_member,
            Style::Member => is_member,
            Style::Both => true,
        };
        // Called on nothing, the value that a member is called on is an argument.
        let given = match function.style {
            Style::Both => call.args.len() + usize::from(is_member),
            _ => call.args.len(),
        };
        let (least, most) = function.arguments;
        if !style_fits || !(least..=most).contains(&given) {
            let message = format!("`{name}` is written `{}`", function.signature);
            return self.push(Problem::new(range, message));
        }
        let pattern = match name {
            "matches" => call.args.last(),
            "find" | "findAll" => call.args.first(),
            _ => return,
        };
        if !matches!(
            pattern.map(|pattern| &pattern.expr),
            Some(Expr::Literal(LiteralValue::String(_)))
        ) {
            self.push(Problem::new(
                range,
                format!("the pattern of `{name}` must be a literal"),
            ));
        }
    }

    /// Remembers the first path that is written out.
    fn path(&mut self, expr: &IdedExpr) {
        if self.learned.path.is_none()
            && let Some((root, steps)) = written_path(expr)
            && !steps.is_empty()
            && !self.bound.iter().any(|(name, _)| name == root)
        {
            self.learned.path = Some((root, steps));
        }
    }

    /// Remembers a field of a known record.
    fn reads(&mut self, expr: &IdedExpr, shape: Shape) {
        if matches!(shape, Shape::Record(_)) {
            return;
        }
        if let Some(path) = known_field(expr)
            && !self.learned.reads.contains(&path)
            && !self.bound.iter().any(|(name, _)| path.split('.').next() == Some(name))
        {
            self.learned.reads.push(path);
        }
    }

    fn push(&mut self, problem: Problem) {
        self.learned.problems.push(problem);
    }

    fn problem(&mut self, expr: &IdedExpr, message: String) {
        let range = self.range(expr);
        self.push(Problem::new(range, message));
    }

    /// The bytes that the parser gives for a node: the whole of a name or a literal, the operator of everything else.
    fn range(&self, expr: &IdedExpr) -> Range<usize> {
        let (start, last) = self.info.offset_for(expr.id).unwrap_or_default();
        let (start, last) = (start as usize, last as usize);
        let end = (last + 1).clamp(start, self.source.len().max(start));
        if self.source.is_char_boundary(start) && self.source.is_char_boundary(end) {
            start..end
        } else {
            0..self.source.len()
        }
    }

    /// The name that stands right before a node's own place, its bracket.
    fn before(&self, expr: &IdedExpr, name: &str) -> Range<usize> {
        let bracket = self.range(expr).start;
        let before = self.source.get(..bracket).unwrap_or_default().trim_end();
        if before.ends_with(name) {
            before.len() - name.len()..before.len()
        } else {
            self.range(expr)
        }
    }

    /// The name of a field, which follows the operand and a dot.
    fn after(&self, expr: &IdedExpr, operand: Option<&IdedExpr>, name: &str) -> Range<usize> {
        let own = self.range(expr);
        let from = operand.map_or(own.start, |operand| own.start.max(self.range(operand).start));
        let rest = self.source.get(from..).unwrap_or_default();
        for (at, _) in rest.match_indices(name) {
            let before = rest.get(..at).unwrap_or_default().trim_end_matches('`').trim_end();
            let after = rest.get(at + name.len()..).unwrap_or_default();
            let ends = !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            if ends && (before.ends_with('.') || before.ends_with('?')) {
                return from + at..from + at + name.len();
            }
        }
        own
    }
}

fn is_job(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::Ident(name) if name == "job")
}

fn where_it_is(place: Place) -> &'static str {
    match place {
        Place::When => "it is everywhere",
        Place::Job => "only rules have it; `match.when` has `job`, `request` and `platform`",
        Place::Pod => "only rules with `each: Pod` or `each: Container` have it",
        Place::Container => "only rules with `each: Container` have it",
    }
}

/// The path of an expression that is nothing but a field of `job`, `request` or `platform`.
fn known_field(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => language::VARIABLES
            .iter()
            .any(|variable| variable.name == name && matches!(variable.shape, Shape::Record(_)))
            .then(|| name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", known_field(&select.operand)?, select.field)),
        _ => None,
    }
}

/// The variable and the steps of an expression that is nothing but a path.
fn written_path(expr: &IdedExpr) -> Option<(&'static str, Vec<PathStep>)> {
    match &expr.expr {
        Expr::Ident(name) => ["object", "pod", "container"]
            .into_iter()
            .find(|root| root == name)
            .map(|root| (root, Vec::new())),
        Expr::Select(select) => {
            let (root, mut steps) = written_path(&select.operand)?;
            steps.push(PathStep::Key(select.field.clone()));
            Some((root, steps))
        }
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, [operand, step]) => {
                let (root, mut steps) = written_path(operand)?;
                match &step.expr {
                    Expr::Literal(LiteralValue::String(key)) => steps.push(PathStep::Key(key.inner().to_owned())),
                    Expr::Literal(LiteralValue::Int(index)) => {
                        steps.push(PathStep::Index(usize::try_from(*index.inner()).ok()?));
                    }
                    _ => return None,
                }
                Some((root, steps))
            }
            _ => None,
        },
        _ => None,
    }
}
