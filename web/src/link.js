// The state of the page as a part of its address: everything behind `#`, which no browser sends to a server.

/** The first part of a link; another one if the state's shape changes. */
const VERSION = "1.";
/** The largest state that a link may hold, in bytes. */
const MOST = 16 << 20;

const TEXTS = ["object", "old", "facts", "user", "namespace", "operation", "kuberay", "date"];

async function through(stream, bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MOST) throw new Error("it is too large");
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The state as the text behind `#`. */
export async function encode(state) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(JSON.stringify(state)));
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return VERSION + btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The state of the text behind `#`. Throws an error that says what is wrong with it. */
export async function decode(hash) {
  if (!hash.startsWith(VERSION)) throw new Error("it is from another release of raygate");
  const text = atob(hash.slice(VERSION.length).replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = await through(new DecompressionStream("deflate-raw"), Uint8Array.from(text, (c) => c.charCodeAt(0)));
  return checked(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
}

/** A state of the right shape; what is missing is empty. */
export function checked(state) {
  if (typeof state !== "object" || state === null) throw new Error("it is no state");
  const text = (value) => (typeof value === "string" ? value : "");
  const files = Array.isArray(state.policies) ? state.policies : [];
  return {
    ...Object.fromEntries(TEXTS.map((key) => [key, text(state[key])])),
    policies: files.map((file) => ({ name: text(file?.name), text: text(file?.text) })),
  };
}
