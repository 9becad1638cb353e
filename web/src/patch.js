// JSON Patch on the text of a YAML or JSON document: of YAML, what the patch does not touch keeps its comments and style.
import { isAlias, isMap, isSeq, LineCounter, parseAllDocuments } from "yaml";

/** The largest text that is rewritten, in characters. */
const MOST = 2 << 20;

/** The document that has the object on a line, and the path to the object in it. */
function locate(documents, offset) {
  const within = (node) => node?.range && node.range[0] <= offset && offset < node.range[2];
  const found = documents.find((one) => within(one)) ?? documents[0];
  if (!isMap(found?.contents)) throw new Error("the object is no mapping");
  const kind = String(found.get("kind") ?? "");
  if (kind === "AdmissionReview") return [found, ["request", "object"]];
  const items = found.get("items", true);
  if (kind.endsWith("List") && isSeq(items)) return [found, ["items", Math.max(0, items.items.findIndex(within))]];
  return [found, []];
}

/** Takes the place of aliases on the way to a path, so that an edit changes this place alone. */
function own(document, path) {
  for (let length = 1; length <= path.length; length += 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isAlias(node)) {
      const copy = node.resolve(document).clone();
      delete copy.anchor;
      document.setIn(path.slice(0, length), copy);
    }
  }
}

function apply(document, root, operation) {
  const path = [...root];
  for (const key of parts(operation.path)) {
    own(document, path);
    const parent = path.length === 0 ? document.contents : document.getIn(path, true);
    path.push(isSeq(parent) ? (key === "-" ? parent.items.length : Number(key)) : key);
  }
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const value = operation.value;
  if (operation.op === "remove") document.deleteIn(path);
  else if (operation.op === "add" && isSeq(parent)) parent.items.splice(path.at(-1), 0, document.createNode(value));
  else if (operation.op === "add" || operation.op === "replace") {
    const scalar = typeof value !== "object" || value === null;
    document.setIn(path, scalar ? value : document.createNode(value));
  } else throw new Error(`cannot do ${operation.op}`);
}

const parts = (path) =>
  path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

/** Applies an operation to the object at `root` of a JSON value. */
function applyToJson(value, root, operation) {
  const path = [...root, ...parts(operation.path)];
  const key = path.pop();
  const holder = path.reduce((at, step) => (at[step] ??= {}), value);
  const isList = Array.isArray(holder);
  const index = key === "-" ? holder.length : Number(key);
  if (operation.op === "remove" && isList) holder.splice(index, 1);
  else if (operation.op === "remove") delete holder[key];
  else if (operation.op === "add" && isList) holder.splice(index, 0, operation.value);
  else if (operation.op === "add" || operation.op === "replace") holder[isList ? index : key] = operation.value;
  else throw new Error(`cannot do ${operation.op}`);
}

/** The value of a text that is JSON. */
function json(text) {
  try {
    return /^\s*\{/.test(text) ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The text with a patch of the object that begins at a line and a column in characters, both from 1. */
export function patched(text, { line, column }, operations) {
  if (text.length > MOST) throw new Error("the text is too large to be edited for you");
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, keepSourceTokens: false });
  const start = lines.lineStarts[line - 1] ?? 0;
  const before = [...text.slice(start, lines.lineStarts[line] ?? text.length)].slice(0, column - 1);
  const offset = start + before.join("").length;
  const [document, root] = locate(documents, offset);
  const value = json(text);
  if (value !== undefined) {
    for (const operation of operations) applyToJson(value, root, operation);
    const indent = text.match(/^\s*\{\s*\n([ \t]+)/)?.[1];
    return JSON.stringify(value, null, indent) + (text.endsWith("\n") ? "\n" : "");
  }
  for (const operation of operations) apply(document, root, operation);
  const style = {
    lineWidth: 0,
    flowCollectionPadding: !/[{[][^\s}\]]/.test(text),
    indentSeq: !/^( *)[^\s#-][^\n]*:\n\1- /m.test(text),
  };
  return documents.map((one) => one.toString(style)).join("");
}

/** The smallest change that makes one text of another. */
export function change(before, after) {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}
