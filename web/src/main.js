// The page: its state, and what its buttons do.
import { ask } from "./api.js";
import { language } from "./complete.js";
import { byId, copy, counted, el, markdown, open, prose, tabs, toast } from "./dom.js";
import { editor } from "./editor.js";
import { checked, decode, encode } from "./link.js";
import { patched } from "./patch.js";
import * as results from "./results.js";

/** How long the page waits after a key before it asks, in milliseconds. */
const PAUSE = 200;
/** The longest address that the page keeps up to date by itself, in characters. */
const LONGEST = 32_000;
/** The longest address that browsers are sure to open, in characters. */
const LONGEST_LINK = 1_900_000;
const CONTROLS = ["user", "namespace", "operation", "kuberay", "date"];
const APPLIED = /^\/metadata\/annotations\/raygate\.dev~1applied$/;

let start;
let answer = null;
let which = 0;
/** The policy files with their editor states, and the one that is open. */
let files = [];
let current = 0;

const schemas = { policy: { schema: null, roots: {} }, ray: { schema: null, roots: {} } };
const policyLanguage = language(() => schemas.policy);
const rayLanguage = language(() => schemas.ray);

const editors = {
  object: editor(byId("editor-object"), { label: "Object, YAML or JSON", language: rayLanguage, changed: edited }),
  old: editor(byId("editor-old"), { label: "Object as it is, YAML or JSON", language: rayLanguage, changed: edited }),
  policies: editor(byId("policy-editor"), { label: "Policy file, YAML", language: policyLanguage, changed: edited }),
  facts: editor(byId("facts-editor"), { label: "Facts about the cluster, YAML or JSON", changed: edited }),
};
let active = "object";
const showInput = tabs(document.querySelector('[aria-label="Texts"]'), (id) => {
  active = id.replace("tab-", "");
  problems();
  editors[active].view.requestMeasure();
});
const showResult = tabs(document.querySelector('[aria-label="Results"]'), draw);

function state() {
  keepFile();
  return {
    object: editors.object.text,
    old: byId("operation").value ? editors.old.text : "",
    policies: files.map(({ name, text }) => ({ name, text })),
    facts: editors.facts.text,
    ...Object.fromEntries(CONTROLS.map((id) => [id, byId(id).value.trim()])),
  };
}

function load(given) {
  editors.object.load(given.object);
  editors.old.load(given.old);
  editors.facts.load(given.facts);
  files = given.policies.map((file) => ({ ...file, saved: null }));
  current = 0;
  for (const id of CONTROLS) byId(id).value = given[id];
  byId("tab-old").hidden = !given.operation;
  openFile(0);
}

// Policy files

function keepFile() {
  const file = files[current];
  if (!file) return;
  file.text = editors.policies.text;
  file.saved = editors.policies.view.state;
}

function openFile(index) {
  current = Math.min(Math.max(0, index), Math.max(0, files.length - 1));
  const file = files[current];
  if (file?.saved) editors.policies.view.setState(file.saved);
  else editors.policies.load(file?.text ?? "");
  byId("policy-editor").hidden = !file;
  byId("rename").disabled = byId("remove").disabled = !file;
  drawFiles();
  underline();
}

function drawFiles() {
  const wrong = (name) => about("policies").some((one) => one.file === name && one.severity === "error");
  byId("files").replaceChildren(
    ...files.map((file, index) =>
      el(
        "button",
        {
          type: "button",
          "aria-pressed": String(index === current),
          class: wrong(file.name) ? "wrong" : null,
          onclick: () => {
            keepFile();
            openFile(index);
          },
        },
        file.name,
      ),
    ),
  );
}

function freeName(name) {
  const taken = new Set(["object", "old object", "facts", ...files.map((file) => file.name)]);
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = name.replace(/(\.yaml)?$/, `-${number}$1`);
  return free;
}

function addFile(name, text) {
  keepFile();
  files.push({ name: freeName(name), text, saved: null });
  openFile(files.length - 1);
  edited();
}

// Judging

/** The wait for the end of typing, null where nothing was typed since the last question. */
let timer = null;
let running = null;

function edited() {
  clearTimeout(timer);
  timer = setTimeout(evaluate, PAUSE);
  document.body.dataset.busy = "true";
}

async function evaluate() {
  clearTimeout(timer);
  timer = null;
  running?.abort();
  const own = (running = new AbortController());
  const given = state();
  const began = performance.now();
  try {
    const found = await ask("evaluate", { state: given }, own.signal);
    found.milliseconds = Math.round(performance.now() - began);
    answer = found;
    which = Math.min(which, Math.max(0, found.objects.length - 1));
    notice("");
    remember(given);
  } catch (error) {
    if (error.name === "AbortError") return;
    notice(error.message);
  }
  if (timer === null) delete document.body.dataset.busy;
  drawFiles();
  underline();
  draw();
}

function notice(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
}

async function remember(given) {
  const hash = `#${await encode(given)}`;
  if (hash.length <= LONGEST) history.replaceState(null, "", hash);
  else if (location.hash) history.replaceState(null, "", location.pathname);
}

const shown = () => answer?.objects[which];

// Diagnostics

const about = (id) => answer?.diagnostics[id] ?? [];
const SEVERITIES = { error: "error", warning: "warning", note: "info" };

function asDiagnostic(one) {
  return { ...one, severity: SEVERITIES[one.severity] ?? "info", text: [one.message, ...(one.help ?? [])].join("\n") };
}

function ofObject() {
  const found = about("object").map(asDiagnostic);
  for (const [index, object] of (answer?.objects ?? []).entries()) {
    for (const one of object.findings) {
      const actions = one.fixable ? [{ name: "Repair it", apply: () => repair(one.code, index) }] : [];
      const text = [one.message, one.fix, one.flyte && `Flyte: ${one.flyte}`].filter(Boolean).join("\n");
      found.push({ ...one, severity: results.severityOf(one.action), text, actions });
    }
    for (const { repair: one } of object.changes) {
      if (!one) continue;
      const actions = [{ name: "Write it into the object", apply: () => repair(one.code, index) }];
      found.push({ ...one, severity: "hint", text: `raygate repairs this: ${one.message}`, actions });
    }
  }
  return found;
}

function underline() {
  const name = files[current]?.name;
  const own = { object: ofObject(), old: about("old"), facts: about("facts"), policies: about("policies").filter((one) => one.file === name) };
  for (const [id, found] of Object.entries(own)) {
    editors[id].show(id === "object" ? found : found.map(asDiagnostic));
    const all = id === "object" ? found.filter((one) => one.severity === "error") : about(id).filter((one) => one.severity !== "note");
    const badge = byId(`tab-${id}`).querySelector(".count");
    badge.textContent = all.length;
    badge.hidden = all.length === 0;
    badge.title = counted(all.length, "problem");
    badge.dataset.level = all.some((one) => one.severity === "error") ? "error" : "warning";
  }
  problems();
}

/** What is wrong with the text of the open tab, below it. What was found in objects is on the right. */
function problems() {
  const found = about(active);
  byId("problems").hidden = found.length === 0;
  byId("problems").replaceChildren(
    ...found.map((one) =>
      el(
        "li",
        { class: one.severity },
        el(
          "button",
          {
            type: "button",
            onclick: () => (active === "policies" ? jump.policy(one.file, one.line, one.column) : editors[active].jump(one.line ?? 1, one.column)),
          },
          el("code", {}, one.code),
          " ",
          ...prose(one.message),
          one.line ? el("span", { class: "at" }, active === "policies" ? `${one.file}:${one.line}` : `line ${one.line}`) : null,
        ),
        /^R[A-Z]\d+$/.test(one.code) ? el("button", { type: "button", class: "more", onclick: () => explain(one.code) }, "Explain") : null,
        one.help?.length ? el("span", { class: "help" }, prose(one.help.join(" "))) : null,
      ),
    ),
  );
}

// Results

const jump = {
  knows: (name) => files.some((file) => file.name === name),
  object(line, column) {
    showInput("tab-object");
    editors.object.jump(line, column);
  },
  policy(name, line, column) {
    const index = files.findIndex((file) => file.name === name);
    if (index < 0) return;
    showInput("tab-policies");
    keepFile();
    openFile(index);
    editors.policies.jump(line ?? 1, column);
  },
};
const does = { jump, repair: (code) => repair(code, which), explain, applyAll, showChanges: () => showResult("tab-diff") };

function nothing() {
  if (!answer) return "";
  if (!answer.usable) return "The policies have errors. Correct them first: the Policies tab lists them.";
  const [skipped] = answer.skipped;
  if (skipped) return `${skipped.kind || "The document"} ${skipped.name} is not judged: ${skipped.reason}.`;
  if (about("object").some((one) => one.severity === "error")) return "The object cannot be read. The list below its text says why.";
  if (about("old").length > 0) return about("old")[0].message;
  return "Paste a RayJob, RayCluster, RayService or RayCronJob, or choose an example.";
}

function draw() {
  const object = shown();
  const banner = byId("banner");
  if (!answer) return;
  if (!object) {
    banner.dataset.verdict = answer.usable ? "none" : "broken";
    byId("verdict").textContent = answer.usable ? "Nothing to judge" : "Policies have errors";
    byId("summary").textContent = "";
    for (const id of ["verdict", "diff", "trace", "patch"]) byId(`${id}-view`).replaceChildren(el("p", { class: "calm" }, nothing()));
  } else {
    const { verdict, level, text } = results.summary(object, answer.milliseconds);
    banner.dataset.verdict = level;
    byId("verdict").textContent = verdict;
    byId("summary").textContent = text;
    // Only what can be seen is drawn.
    for (const id of ["verdict", "diff", "trace", "patch"]) {
      const view = byId(`${id}-view`);
      if (!view.hidden) view.replaceChildren(...results[id](object, does));
    }
  }
  const badge = byId("tab-diff").querySelector(".count");
  badge.textContent = object?.changes.length ?? 0;
  badge.hidden = !object?.changes.length;
  const select = byId("which");
  select.hidden = answer.objects.length + answer.more < 2;
  const rest = answer.more > 0 ? [el("option", { disabled: true }, `${answer.more} more are not judged`)] : [];
  select.replaceChildren(...answer.objects.map((one, index) => el("option", { value: index }, `${one.kind} ${one.name}`)), ...rest);
  select.value = which;
}

async function attempt(action) {
  try {
    await action();
  } catch (error) {
    toast(error.message);
  }
}

function repair(code, index) {
  return attempt(async () => {
    const { patch } = await ask("repair", { state: state(), code, index });
    if (patch.length === 0) return toast(`${code} finds nothing that it can repair.`);
    editors.object.edit(patched(editors.object.text, answer.objects[index], patch));
    toast(`Repaired ${code}. Ctrl-Z in the editor takes it back.`);
    showInput("tab-object");
  });
}

function applyAll() {
  return attempt(async () => {
    const object = shown();
    const operations = object.patch.filter(
      (one) => !APPLIED.test(one.path) && !(one.path === "/metadata/annotations" && Object.keys(one.value ?? {}).every((key) => key === "raygate.dev/applied")),
    );
    editors.object.edit(patched(editors.object.text, object, operations));
    showInput("tab-object");
    toast("The object has all changes. Ctrl-Z in the editor takes them back.");
  });
}

function explain(topic) {
  return attempt(async () => {
    const { page } = await ask("explain", { topic });
    const [first, ...rest] = page.split("\n");
    open(first.replace(/^#+ /, ""), ...markdown(rest.join("\n")));
  });
}

function saveCase() {
  return attempt(async () => {
    const name = el("input", { value: shown() ? `${shown().kind} ${shown().name} is ${shown().verdict}` : "" });
    const text = el("pre", { class: "code" });
    let made = "";
    const make = () =>
      attempt(async () => {
        made = (await ask("test-case", { state: state(), name: name.value })).text;
        text.textContent = made;
      });
    name.addEventListener("change", make);
    await make();
    if (!made) return;
    const download = () => {
      const link = el("a", { href: URL.createObjectURL(new Blob([made], { type: "application/yaml" })), download: "case.test.yaml" });
      link.click();
      URL.revokeObjectURL(link.href);
    };
    open(
      "Save as test case",
      el("p", {}, "Put this file beside your policies. ", el("code", {}, "raygate test DIR"), " then expects the verdict, findings and changes of now."),
      el("label", { class: "field" }, "Name ", name),
      el(
        "div",
        { class: "buttons" },
        el("button", { type: "button", class: "primary", onclick: () => copy(made, "The test case is copied.") }, "Copy"),
        el("button", { type: "button", onclick: download }, "Download"),
      ),
      text,
    );
  });
}

async function copyLink() {
  const hash = `#${await encode(state())}`;
  const link = `${location.origin}/${hash}`;
  if (link.length > LONGEST_LINK) return toast("The texts are too large for a link.");
  history.replaceState(null, "", hash);
  await copy(link, "The link is copied. It holds all texts, and works wherever raygate play runs.");
}

// Theme

const THEMES = { auto: ["◐", "as the system"], light: ["☀", "light"], dark: ["☾", "dark"] };

function theme(name) {
  const known = THEMES[name] ? name : "auto";
  const [sign, words] = THEMES[known];
  if (known === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = known;
  byId("theme").textContent = sign;
  byId("theme").setAttribute("aria-label", `Colour theme: ${words}`);
  byId("theme").dataset.name = known;
}

// Start

async function loadSchemas() {
  const release = byId("kuberay").value;
  const ray = await ask("schema/ray", { kuberay: release });
  schemas.ray = { schema: ray, roots: ray.kinds };
  if (!schemas.policy.schema) {
    const policy = await ask("schema/policy", {});
    schemas.policy = { schema: policy, roots: { Platform: "Platform", RayPolicy: "RayPolicy", Exemption: "Exemption" } };
  }
}

function group(select, examples) {
  for (const name of new Set(examples.map((one) => one.group))) {
    const options = examples.flatMap((one, index) => (one.group === name ? [el("option", { value: index }, one.title)] : []));
    select.append(el("optgroup", { label: name }, options));
  }
}

function wire() {
  byId("version").textContent = `raygate ${start.version}`;
  group(byId("example"), start.objects);
  byId("kuberay").append(...start.kuberay.map((release) => el("option", { value: release }, release)));
  byId("library").append(
    el("optgroup", { label: "Library" }, start.policies.map((file, index) => el("option", { value: index }, file.name.replace(/^policies\//, "")))),
  );
  byId("example").addEventListener("change", (event) => {
    const example = start.objects[event.target.value];
    event.target.value = "";
    if (!example) return;
    editors.object.edit(example.text);
    editors.object.jump(1);
    showInput("tab-object");
  });
  byId("library").addEventListener("change", (event) => {
    const { value } = event.target;
    event.target.value = "";
    const known = start.policies[value];
    if (value === "+") addFile("mine.yaml", "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: mine}\nspec:\n  priority: 10\n  match: {}\n");
    else if (known) addFile(known.name, known.text);
  });
  byId("rename").addEventListener("click", () => {
    const file = files[current];
    const name = el("input", { value: file.name });
    const rename = () => {
      const wanted = name.value.trim();
      byId("dialog").close();
      if (!wanted || wanted === file.name) return;
      file.name = freeName(wanted);
      drawFiles();
      edited();
    };
    open(
      "Rename the policy file",
      el("label", { class: "field" }, "Name ", name),
      el("div", { class: "buttons" }, el("button", { type: "button", class: "primary", onclick: rename }, "Rename")),
    );
    name.select();
  });
  byId("remove").addEventListener("click", () => {
    const [gone] = files.splice(current, 1);
    openFile(current);
    edited();
    toast(`Removed ${gone.name}.`);
  });
  byId("facts-example").addEventListener("click", () => editors.facts.edit(start.facts));
  for (const id of CONTROLS) byId(id).addEventListener("input", edited);
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("kuberay").addEventListener("change", () => attempt(loadSchemas));
  byId("operation").addEventListener("change", (event) => {
    const update = event.target.value !== "";
    byId("tab-old").hidden = !update;
    if (update && !editors.old.text.trim()) editors.old.load(editors.object.text);
    if (!update && active === "old") showInput("tab-object");
    edited();
  });
  byId("which").addEventListener("change", (event) => {
    which = Number(event.target.value);
    draw();
  });
  byId("save-case").addEventListener("click", saveCase);
  byId("copy-link").addEventListener("click", () => attempt(copyLink));
  byId("dialog-close").addEventListener("click", () => byId("dialog").close());
  byId("theme").addEventListener("click", (event) => {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(event.currentTarget.dataset.name) + 1) % names.length];
    theme(next);
    try {
      localStorage.setItem("raygate-theme", next);
    } catch {
      // A browser may forbid it; the theme then lasts as long as the page.
    }
  });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("results").focus();
  });
  window.addEventListener("hashchange", () => attempt(fromLink));
}

async function fromLink() {
  if (location.hash.length < 2) return false;
  try {
    load(await decode(location.hash.slice(1)));
  } catch (error) {
    throw new Error(`This link is broken: ${error.message}.`);
  }
  await evaluate();
  return true;
}

async function begin() {
  try {
    theme(localStorage.getItem("raygate-theme") ?? "auto");
  } catch {
    theme("auto");
  }
  start = await ask("start", {});
  wire();
  let linked = false;
  await attempt(async () => (linked = await fromLink()));
  if (!linked) {
    load(checked(start.state));
    await evaluate();
  }
  document.body.dataset.ready = "true";
  await loadSchemas();
}

begin().catch((error) => notice(error.message));
