//! Rewriting a checked expression: loops and functions count their steps, regular expressions are compiled, equality
//! works on anything, and a number is compared from the right.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use regex::{Regex, RegexBuilder};

use crate::diag::quoted;

use super::functions::{
    BY_LENGTH, BY_SQUARE, BY_VALUES, FIND, FIND_ALL, MATCHES, METER, METERED, Pattern, REGEX, SAME, STEP,
};
use super::language::{self, Cost};
use super::{LARGEST_REGEX, Problem};

/// Rewrites an expression, and gives the regular expressions in it. The problems have no place yet but the node's id.
pub(super) fn rewrite(expr: &mut IdedExpr) -> (Vec<Pattern>, Vec<(u64, Problem)>) {
    let mut rewriter = Rewriter::default();
    rewriter.expr(expr);
    (rewriter.patterns, rewriter.problems)
}

/// The levels of a tree.
pub(super) fn depth(expr: &IdedExpr) -> usize {
    let deepest = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(depth).max().unwrap_or(0);
    1 + match &expr.expr {
        Expr::Call(called) => deepest(&mut called.target.as_deref().into_iter().chain(&called.args)),
        Expr::Select(select) => depth(&select.operand),
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => {
            let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => Some(entry),
                EntryExpr::StructField(_) => None,
            });
            deepest(&mut entries.flat_map(|entry| [&entry.key, &entry.value]))
        }
        Expr::Comprehension(loops) => {
            let parts = [&loops.iter_range, &loops.accu_init, &loops.loop_step, &loops.result];
            deepest(&mut parts.into_iter())
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => 0,
    }
}

#[derive(Default)]
struct Rewriter {
    patterns: Vec<Pattern>,
    problems: Vec<(u64, Problem)>,
}

fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr {
        id: 0,
        expr: Expr::Call(CallExpr {
            func_name: name.to_owned(),
            target: None,
            args,
        }),
    }
}

fn ident(name: &str) -> IdedExpr {
    IdedExpr {
        id: 0,
        expr: Expr::Ident(name.to_owned()),
    }
}

fn is_literal(expr: &IdedExpr) -> bool {
    matches!(expr.expr, Expr::Literal(_))
}

fn is_accumulator(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::Ident(name) if name.starts_with('@'))
}

/// Puts a call that counts around an expression.
fn wrap(expr: &mut IdedExpr, counter: &str) {
    if !is_literal(expr) {
        let inner = std::mem::take(expr);
        *expr = call(counter, vec![inner, ident(METER)]);
    }
}

impl Rewriter {
    fn expr(&mut self, expr: &mut IdedExpr) {
        match &mut expr.expr {
            Expr::Call(called) => {
                for part in called.target.as_deref_mut().into_iter().chain(&mut called.args) {
                    self.expr(part);
                }
                if let Some(instead) = self.call(expr.id, called) {
                    *expr = instead;
                }
            }
            Expr::Select(select) => self.expr(&mut select.operand),
            Expr::List(list) => list.elements.iter_mut().for_each(|element| self.expr(element)),
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        self.expr(&mut entry.key);
                        self.expr(&mut entry.value);
                    }
                }
            }
            Expr::Comprehension(comprehension) => {
                let is_loop = !comprehension.iter_var.starts_with('#');
                self.expr(&mut comprehension.iter_range);
                self.expr(&mut comprehension.accu_init);
                self.expr(&mut comprehension.loop_step);
                self.expr(&mut comprehension.result);
                if is_loop {
                    count(&mut comprehension.loop_step, &comprehension.accu_var);
                }
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
    }

    /// What stands in the place of a call; `None` where it was changed in its place.
    fn call(&mut self, id: u64, called: &mut CallExpr) -> Option<IdedExpr> {
        let name = called.func_name.clone();
        match (name.as_str(), called.args.as_mut_slice()) {
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                if is_literal(left) {
                    std::mem::swap(left, right);
                }
                if is_literal(right) || is_accumulator(left) {
                    return None;
                }
                let equal = call(SAME, vec![std::mem::take(left), std::mem::take(right), ident(METER)]);
                Some(if name == operators::EQUALS {
                    equal
                } else {
                    call(operators::LOGICAL_NOT, vec![equal])
                })
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [left, right],
            ) if is_literal(left) && !is_literal(right) => {
                std::mem::swap(left, right);
                called.func_name = match name.as_str() {
                    operators::LESS => operators::GREATER,
                    operators::LESS_EQUALS => operators::GREATER_EQUALS,
                    operators::GREATER => operators::LESS,
                    _ => operators::LESS_EQUALS,
                }
                .to_owned();
                None
            }
            (operators::IN, [_, list]) => {
                if !matches!(list.expr, Expr::List(_)) {
                    wrap(list, BY_LENGTH);
                }
                None
            }
            (operators::ADD, [left, right]) => {
                let is_number = |expr: &IdedExpr| {
                    matches!(expr.expr, Expr::Literal(LiteralValue::Int(_) | LiteralValue::Double(_)))
                };
                if is_accumulator(left) || is_number(left) || is_number(right) {
                    return None;
                }
                // Of a chain of sums the last one counts.
                if let Expr::Call(inner) = &mut left.expr
                    && inner.func_name == BY_LENGTH
                    && matches!(inner.args.first().map(|sum| &sum.expr), Some(Expr::Call(sum)) if sum.func_name == operators::ADD)
                {
                    *left = inner.args.swap_remove(0);
                }
                let sum = call(operators::ADD, std::mem::take(&mut called.args));
                Some(call(BY_LENGTH, vec![sum, ident(METER)]))
            }
            ("matches", _) => self.regex(id, called, MATCHES),
            ("find", _) => self.regex(id, called, FIND),
            ("findAll", _) => self.regex(id, called, FIND_ALL),
            _ => function(called),
        }
    }

    /// The function `instead`, with the text and the compiled pattern as its first arguments.
    fn regex(&mut self, id: u64, called: &mut CallExpr, instead: &str) -> Option<IdedExpr> {
        let target = called.target.take();
        let mut args = target
            .map(|target| *target)
            .into_iter()
            .chain(std::mem::take(&mut called.args));
        let (mut text, pattern) = (args.next()?, args.next()?);
        let Expr::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            return None;
        };
        match compiled(literal.inner()) {
            Ok(regex) => {
                let name = format!("{REGEX}{}", self.patterns.len());
                self.patterns.push(Pattern(regex));
                wrap(&mut text, if instead == FIND_ALL { BY_VALUES } else { BY_LENGTH });
                Some(call(instead, [text, ident(&name)].into_iter().chain(args).collect()))
            }
            Err(message) => {
                let id = if pattern.id == 0 { id } else { pattern.id };
                self.problems.push((id, Problem::new(0..0, message)));
                None
            }
        }
    }
}

/// Makes each round of a loop take a step before anything else in it happens.
fn count(step: &mut IdedExpr, accumulator: &str) {
    let stepped = |condition: IdedExpr, otherwise: IdedExpr| {
        let step = call(STEP, vec![ident(METER)]);
        call(operators::CONDITIONAL, vec![step, condition, otherwise])
    };
    let no = || IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::Boolean(false.into())),
    };
    if let Expr::Call(called) = &mut step.expr {
        match (called.func_name.as_str(), called.args.as_mut_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, condition]) if is_accumulator(left) => {
                *condition = stepped(std::mem::take(condition), no());
                return;
            }
            (operators::CONDITIONAL, [condition, _, otherwise]) if is_accumulator(otherwise) => {
                *condition = stepped(std::mem::take(condition), no());
                return;
            }
            _ => {}
        }
    }
    *step = stepped(std::mem::take(step), ident(accumulator));
}

/// Makes a function of the tables count, or puts the metered one in its place.
fn function(called: &mut CallExpr) -> Option<IdedExpr> {
    let full = match called.target.as_deref().map(|target| &target.expr) {
        Some(Expr::Ident(namespace)) => format!("{namespace}.{}", called.func_name),
        _ => String::new(),
    };
    let is_namespaced = language::find(&full).is_some();
    let function = language::find(if is_namespaced { &full } else { &called.func_name })?;
    if let Some((_, metered)) = METERED.iter().find(|(name, _)| *name == function.name) {
        let target = called.target.take()?;
        let mut args = vec![*target];
        args.append(&mut called.args);
        args.push(ident(METER));
        return Some(call(metered, args));
    }
    let counter = match function.cost {
        Cost::Free => return None,
        Cost::Length => BY_LENGTH,
        Cost::Values => BY_VALUES,
        Cost::Square => BY_SQUARE,
    };
    if let Some(target) = called.target.as_deref_mut().filter(|_| !is_namespaced) {
        wrap(target, counter);
    }
    called.args.iter_mut().for_each(|argument| wrap(argument, counter));
    None
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(LARGEST_REGEX)
        .dfa_size_limit(LARGEST_REGEX)
        .nest_limit(32)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("the regular expression {} is too large when compiled", quoted(pattern))
            }
            error => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("{} is no regular expression: {why}", quoted(pattern))
            }
        })
}
