// Completion and descriptions of keys, from a JSON Schema: that of policy files, or that of KubeRay's CRDs.

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#:'"[\]{},][^\s#:]*)\s*:(?:\s|$)/;

const unquoted = (key) => key.replace(/^(["'])(.*)\1$/, "$2");

/** The columns of the dashes on a line, the column of what follows, and that. */
function parts(line) {
  const dashes = [];
  let column = line.match(/^ */)[0].length;
  while (/^- |^-$/.test(line.slice(column))) {
    dashes.push(column);
    column += 1 + line.slice(column + 1).match(/^ */)[0].length;
  }
  return { dashes, column, rest: line.slice(column) };
}

/** Where a place in block-style YAML is: the keys above it (`[]` for a list), the text typed, and for a value its key. */
export function placeAt(doc, position) {
  const line = doc.lineAt(position);
  const { dashes, column, rest } = parts(line.text.slice(0, position - line.from));
  const key = rest.match(KEY);
  const path = [];
  let indent = column;
  for (const dash of dashes.reverse()) {
    path.unshift("[]");
    indent = dash;
  }
  for (let number = line.number - 1; number >= 1 && (indent > 0 || path[0] === "[]"); number -= 1) {
    const text = doc.line(number).text;
    if (/^---(\s|$)/.test(text)) break;
    if (/^\s*(#|$)/.test(text)) continue;
    const above = parts(text);
    const named = above.rest.match(KEY);
    if (named && (above.column < indent || (path[0] === "[]" && above.column === indent && !above.dashes.length))) {
      path.unshift(unquoted(named[1]));
      indent = above.column;
    }
    for (const dash of above.dashes.reverse()) {
      if (dash < indent) {
        path.unshift("[]");
        indent = dash;
      }
    }
  }
  return { path, key: key ? unquoted(key[1]) : null, typed: key ? rest.slice(key[0].length) : rest, column };
}

/** The value of `kind` in the document around a place. */
function kindAt(doc, position) {
  const here = doc.lineAt(position).number;
  const look = (number) => doc.line(number).text;
  for (let number = here; number >= 1; number -= 1) {
    if (/^---(\s|$)/.test(look(number)) && number < here) break;
    const found = look(number).match(/^kind:\s*(\w+)/);
    if (found) return found[1];
  }
  for (let number = here + 1; number <= doc.lines && !/^---(\s|$)/.test(look(number)); number += 1) {
    const found = look(number).match(/^kind:\s*(\w+)/);
    if (found) return found[1];
  }
  return null;
}

/** What a schema says of a path; several schemas where it offers a choice. */
export function resolve(schema, root, path) {
  const open = (node) => {
    if (!node) return [];
    if (node.$ref) return open(schema.$defs[node.$ref.replace("#/$defs/", "")]);
    const more = [...(node.oneOf ?? []), ...(node.anyOf ?? []), ...(node.allOf ?? [])].flatMap(open);
    return [node, ...more];
  };
  let nodes = open(root);
  for (const step of path) {
    nodes = nodes.flatMap((node) => {
      if (step === "[]") return open(node.items);
      const found = node.properties?.[step];
      if (found) return open(found);
      return typeof node.additionalProperties === "object" ? open(node.additionalProperties) : [];
    });
  }
  return nodes;
}

function typeOf(schema, node) {
  const nodes = resolve(schema, node, []);
  const type = nodes.map((one) => one.type).find(Boolean);
  return Array.isArray(type) ? type.join(" or ") : (type ?? (nodes.some((one) => one.enum) ? "one of several" : ""));
}

/** A source of completions and descriptions for a schema and the definition of each kind in it. */
export function language(current) {
  const rootOf = (doc, position) => {
    const { schema, roots } = current();
    const kind = kindAt(doc, position);
    const names = kind && roots[kind] ? [roots[kind]] : Object.values(roots);
    return { schema, root: { oneOf: names.map((name) => ({ $ref: `#/$defs/${name}` })) }, roots };
  };
  const complete = (context) => {
    const { schema, root, roots } = rootOf(context.state.doc, context.pos);
    if (!schema) return null;
    const place = placeAt(context.state.doc, context.pos);
    if (!context.explicit && place.typed.trim() === "") return null;
    const from = context.pos - place.typed.length;
    if (place.key !== null) {
      if (place.path.length === 0 && place.key === "kind") {
        return { from, options: Object.keys(roots).map((label) => ({ label, type: "enum" })), validFor: /^\w*$/ };
      }
      const values = resolve(schema, root, [...place.path, place.key]).flatMap((node) => [
        ...(node.enum ?? []),
        ...("const" in node ? [node.const] : []),
        ...(node.type === "boolean" ? [true, false] : []),
      ]);
      const options = [...new Set(values)].map((value) => ({ label: String(value), type: "enum" }));
      return options.length > 0 ? { from, options, validFor: /^[\w.-]*$/ } : null;
    }
    const options = new Map();
    for (const node of resolve(schema, root, place.path)) {
      for (const [label, property] of Object.entries(node.properties ?? {})) {
        const type = typeOf(schema, property);
        const nested = type === "object" ? `\n${" ".repeat(place.column + 2)}` : type === "array" ? `\n${" ".repeat(place.column + 2)}- ` : " ";
        const required = (node.required ?? []).includes(label);
        options.set(label, {
          label,
          type: "property",
          detail: required ? `${type}, required` : type,
          info: property.description || undefined,
          apply: `${label}:${nested}`,
          boost: required ? 10 : 0,
        });
      }
    }
    return options.size > 0 ? { from, options: [...options.values()], validFor: /^[\w./-]*$/ } : null;
  };
  const describe = (doc, position) => {
    const line = doc.lineAt(position);
    const { column, rest } = parts(line.text);
    const key = rest.match(KEY);
    if (!key || position < line.from + column || position > line.from + column + key[1].length) return null;
    const { schema, root } = rootOf(doc, position);
    if (!schema) return null;
    const { path } = placeAt(doc, line.from + column);
    const name = unquoted(key[1]);
    for (const node of resolve(schema, root, path)) {
      const property = node.properties?.[name];
      if (property?.description || (property && typeOf(schema, property))) {
        return { from: line.from + column, name, type: typeOf(schema, property), text: property.description ?? "" };
      }
    }
    return null;
  };
  return { complete, describe };
}
