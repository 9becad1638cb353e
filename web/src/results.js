// The right side: the verdict, the changes with the policy line behind each, the trace, and the patch.
import { copy, counted, el, prose } from "./dom.js";

/** How many lines of a diff and characters of a patch are shown before the reader asks for more. */
const LINES = 2000;
const CHARACTERS = 200_000;
/** The longest line of a diff, in characters. */
const LONGEST = 160;

const ACTIONS = { Deny: "error", Fix: "error", Warn: "warning", Audit: "note", Ignore: "note" };
export const severityOf = (action) => ({ error: "error", warning: "warning", note: "info" })[ACTIONS[action] ?? "note"];

/** `where.yaml:3:5` at the end of a text, as a button that leads there. */
function linked(text, jump) {
  const found = text.match(/^(.*?)([^\s`]+?):(\d+)(?::(\d+))?(?=[\s`,;)]|$)(.*)$/s);
  if (!found || !jump.knows(found[2])) return prose(text);
  const [, before, file, line, column, after] = found;
  const go = () => jump.policy(file, Number(line), Number(column ?? 1));
  return [...prose(before), el("button", { type: "button", class: "place", onclick: go }, `${file}:${line}`), ...prose(after)];
}

/** The two lines above everything: what became of the object. */
export function summary(object, milliseconds) {
  const count = (severity) => object.findings.filter((one) => ACTIONS[one.action] === severity).length;
  const [errors, warnings, notes] = ["error", "warning", "note"].map(count);
  const parts = [counted(object.changes.length, "change")];
  if (errors) parts.push(counted(errors, "error"));
  if (warnings) parts.push(counted(warnings, "warning"));
  if (notes) parts.push(counted(notes, "note"));
  parts.push(`${milliseconds} ms`);
  const verdict = { denied: "Denied", retry: "Retry", allowed: "Allowed" }[object.verdict];
  return { verdict, level: object.verdict === "allowed" && warnings ? "warned" : object.verdict, text: parts.join(" · ") };
}

function answer(object) {
  const { message, code, reason, console, own_words: own } = object.answer;
  const rows = [];
  const before = console === "kubectl" ? `Error from server (${reason}): error when creating "object.yaml": ` : "";
  if (message) {
    rows.push(el("pre", { class: "console" }, before + message));
    if (!own) rows.push(el("p", { class: "calm" }, "The API server rejects it by the CRD, in words like these. raygate is not asked."));
  }
  else {
    const stored = object.changes.length > 0 ? `stored with ${counted(object.changes.length, "change")}` : "stored as it is";
    rows.push(el("p", { class: "calm" }, `Nothing: the object is ${stored}.`));
  }
  if (object.warnings.length > 0) {
    const list = object.warnings.map((warning) => `Warning: ${warning}`).join("\n");
    rows.push(
      el("details", {}, el("summary", {}, `kubectl also prints ${counted(object.warnings.length, "warning")}`), el("pre", { class: "console" }, list)),
    );
  }
  const status = message ? `HTTP ${code} ${reason}` : "";
  const title = console === "kubectl" ? "What kubectl shows" : `What the ${console} shows`;
  const head = el("div", { class: "console-head" }, el("h2", {}, title), el("span", {}, status));
  return el("section", { class: "answer" }, head, rows);
}

function finding(one, does) {
  const severity = ACTIONS[one.action] ?? "note";
  const where = one.line
    ? el("button", { type: "button", class: "place", onclick: () => does.jump.object(one.line, one.column) }, `line ${one.line}`)
    : null;
  const actions = el("div", { class: "buttons" });
  if (one.fixable) {
    actions.append(el("button", { type: "button", class: "fix", onclick: () => does.repair(one.code) }, "Repair it"));
  }
  if (!one.code.startsWith("rule/")) {
    actions.append(el("button", { type: "button", onclick: () => does.explain(one.code) }, "Explain"));
  }
  const decided = one.decided.split("   ")[0];
  return el(
    "li",
    { class: `finding ${severity}` },
    el("div", { class: "finding-head" }, el("span", { class: "pill" }, severity), el("code", {}, one.code), el("span", { class: "title" }, one.title), where),
    el("p", { class: "message" }, prose(one.message)),
    one.fix ? el("p", { class: "todo" }, prose(one.fix)) : null,
    one.flyte ? el("p", { class: "todo" }, "In Flyte: ", el("code", {}, one.flyte)) : null,
    el("p", { class: "path" }, one.path),
    el("p", { class: "decided" }, linked(decided, does.jump)),
    actions,
  );
}

function repaired(change, does) {
  const { repair } = change;
  const where = repair.line
    ? el("button", { type: "button", class: "place", onclick: () => does.jump.object(repair.line, repair.column) }, `line ${repair.line}`)
    : null;
  return el(
    "li",
    { class: "finding repaired" },
    el("div", { class: "finding-head" }, el("span", { class: "pill" }, "repaired"), el("code", {}, repair.code), el("span", { class: "title" }, repair.title), where),
    el("p", { class: "message" }, prose(repair.message)),
    el(
      "div",
      { class: "buttons" },
      el("button", { type: "button", class: "fix", onclick: () => does.repair(repair.code) }, "Write it into the object"),
      el("button", { type: "button", onclick: () => does.explain(repair.code) }, "Explain"),
    ),
  );
}

/** What a policy in Preview would have done. */
function preview(one) {
  const rows = one.would.map((would) =>
    el("li", {}, el("span", { class: "pill" }, would.effect), " ", el("code", {}, would.code), " ", prose(would.message || would.path)),
  );
  return el("li", { class: "finding note" }, el("div", { class: "finding-head" }, el("span", { class: "title" }, one.policy)), el("ul", { class: "would" }, rows));
}

/** Everything that was found and repaired. */
export function verdict(object, does) {
  const repairs = object.changes.filter((change) => change.repair);
  const filled = object.changes.length - repairs.length;
  const list = (title, items) =>
    items.length > 0 ? [el("h2", {}, title), el("ol", { class: "findings" }, items)] : [];
  const worst = object.findings.filter((one) => ACTIONS[one.action] !== "note");
  const notes = object.findings.filter((one) => ACTIONS[one.action] === "note");
  return [
    answer(object),
    ...list("Findings", worst.map((one) => finding(one, does))),
    ...list("Repaired by raygate", repairs.map((change) => repaired(change, does))),
    ...list("Notes, for the audit log only", notes.map((one) => finding(one, does))),
    ...list("Policies in Preview would have", object.previews.filter((one) => one.would.length > 0).map(preview)),
    filled > 0
      ? el("p", { class: "calm" }, `raygate also filled in ${counted(filled, "place")}. `, el("button", { type: "button", onclick: does.showChanges }, "Show the changes"))
      : null,
    el("p", { class: "asked" }, `${object.operation} of ${object.kind} ${object.namespace || "(no namespace)"}/${object.name || "(no name)"} ${object.user ? `by ${object.user}` : "(user not given)"}. Policies: ${object.policies.join(", ") || "none"}.`),
  ].filter(Boolean);
}

/** The rows of a diff. Where the same stands behind several lines, it is said once. */
function rows(lines, jump) {
  const made = [];
  let cell = null;
  let behind = null;
  for (const line of lines) {
    const kind = { "+": "added", "-": "removed", "@": "hunk" }[line.sign] ?? "same";
    const text = line.sign === "@" ? `@${line.text}` : line.text;
    const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    const row = el(
      "tr",
      { class: kind },
      el("td", { class: "sign", "aria-label": kind === "same" || kind === "hunk" ? null : kind }, line.sign === "@" ? "" : line.sign),
      el("td", { class: "text", title: short === text ? null : text }, short),
    );
    if (line.origin && line.origin === behind) {
      cell.rowSpan += 1;
    } else {
      behind = line.origin;
      cell = el("td", { class: "origin" }, origin(line, jump));
      row.append(cell);
    }
    made.push(row);
  }
  return made;
}

function origin(line, jump) {
  if (!line.place || !jump.knows(line.place.file)) return line.origin;
  const go = () => jump.policy(line.place.file, line.place.line, line.place.column);
  return el("button", { type: "button", class: "place", onclick: go, title: "Show this line of the policy" }, line.origin);
}

/** The object before and after, and behind each changed line where the change comes from. */
export function diff(object, does) {
  if (object.diff.length === 0) return [el("p", { class: "calm" }, "raygate changes nothing in this object.")];
  const table = el("tbody", {}, rows(object.diff.slice(0, LINES), does.jump));
  const bar = el(
    "div",
    { class: "bar" },
    el("p", {}, "What /mutate changes, and the policy line behind it."),
    el("button", { type: "button", onclick: does.applyAll }, "Write all into the object"),
  );
  const parts = [bar, el("table", { class: "diff" }, table)];
  if (object.diff.length > LINES) {
    const more = el("button", { type: "button", onclick: () => {
      table.append(...rows(object.diff.slice(LINES), does.jump));
      more.remove();
    } }, `Show ${object.diff.length - LINES} more lines`);
    parts.push(more);
  }
  return parts;
}

/** What became of each policy, injector and check. */
export function trace(object, does) {
  const sections = object.trace.sections.map((section) =>
    el(
      "section",
      {},
      el("h2", {}, section.title[0].toUpperCase() + section.title.slice(1)),
      el(
        "table",
        { class: "trace" },
        el("tbody", {}, section.rows.map(([name, what, place]) =>
          el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, prose(what)), el("td", {}, linked(place, does.jump))),
        )),
      ),
    ),
  );
  return [el("pre", { class: "asker" }, object.trace.asker.replace(/^ {2}/gm, "").trimEnd()), ...sections];
}

/** The JSON Patch that the API server applies. */
export function patch(object) {
  if (object.patch.length === 0) return [el("p", { class: "calm" }, "There is no patch: raygate changes nothing.")];
  const text = JSON.stringify(object.patch, null, 2);
  const bar = el(
    "div",
    { class: "bar" },
    el("p", {}, `JSON Patch (RFC 6902), ${counted(object.patch.length, "operation")}.`),
    el("button", { type: "button", onclick: () => copy(text, "The patch is copied.") }, "Copy"),
  );
  const cut = text.length > CHARACTERS;
  return [bar, el("pre", { class: "code" }, cut ? `${text.slice(0, CHARACTERS)}\n…` : text), cut ? el("p", { class: "calm" }, "The rest is cut here. Copy has all of it.") : null].filter(Boolean);
}
