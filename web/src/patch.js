// JSON Patch on the text of a YAML document: what the patch does not touch keeps its comments and style.
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
  for (const part of operation.path.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
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

/** The text with a patch of the object that begins on a line (from 1). */
export function patched(text, line, operations) {
  if (text.length > MOST) throw new Error("the text is too large to be edited for you");
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, keepSourceTokens: false });
  const offset = lines.lineStarts[Math.max(0, (line ?? 1) - 1)] ?? 0;
  const [document, root] = locate(documents, offset);
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
