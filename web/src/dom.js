// Elements. What a user wrote becomes text, never markup: nothing in this page sets innerHTML.

export const byId = (id) => document.getElementById(id);

/** An element with properties (`class`, `on…` handlers, attributes) and children: elements, texts, or nothing. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** "1 error", "2 errors". */
export const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

let hiding;
/** Says something for a few seconds. */
export function toast(text) {
  const place = byId("toast");
  place.textContent = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => (place.textContent = ""), 4000 + 40 * text.length);
}

/** Puts a text on the clipboard and says so. */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    toast("The browser does not allow copying.");
  }
}

/** Opens the dialog with a title and content. */
export function open(title, ...content) {
  byId("dialog-title").textContent = title;
  byId("dialog-body").replaceChildren(...content);
  const dialog = byId("dialog");
  if (!dialog.open) dialog.showModal();
}

/** Text with `code` in backticks. */
export function prose(text) {
  return text.split(/(`[^`]+`)/).map((part) => (/^`.+`$/.test(part) ? el("code", {}, part.slice(1, -1)) : part));
}

/** A page of `raygate explain`, which is Markdown of headings, paragraphs, lists and code. */
export function markdown(text) {
  const nodes = [];
  let paragraph = [];
  const flush = () => {
    const text = paragraph.join(" ");
    const item = text.match(/^- (.*)/s);
    if (item && nodes.at(-1)?.tagName === "UL") nodes.at(-1).append(el("li", {}, prose(item[1])));
    else if (item) nodes.push(el("ul", {}, el("li", {}, prose(item[1]))));
    else if (text) nodes.push(el("p", {}, prose(text)));
    paragraph = [];
  };
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const heading = lines[at].match(/^#+ (.*)/);
    const fence = lines[at].match(/^(`{3,})/);
    if (fence) {
      flush();
      const end = lines.indexOf(fence[1], at + 1);
      const last = end < 0 ? lines.length : end;
      nodes.push(el("pre", {}, lines.slice(at + 1, last).join("\n")));
      at = last;
    } else if (heading) {
      flush();
      nodes.push(el("h3", {}, heading[1]));
    } else if (lines[at].trim() === "") flush();
    else {
      if (lines[at].startsWith("- ")) flush();
      paragraph.push(lines[at].trim());
    }
  }
  flush();
  return nodes;
}

/** Makes the tabs of a tablist work by click and by arrow keys; `shown` is told the id of the tab. */
export function tabs(list, shown = () => {}) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const choose = (tab) => {
    for (const other of all) {
      const selected = other === tab;
      other.setAttribute("aria-selected", String(selected));
      other.tabIndex = selected ? 0 : -1;
      byId(other.getAttribute("aria-controls")).hidden = !selected;
    }
    shown(tab.id);
  };
  for (const tab of all) tab.addEventListener("click", () => choose(tab));
  list.addEventListener("keydown", (event) => {
    const open = all.filter((tab) => !tab.hidden);
    const at = open.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const target =
      event.key === "Home" ? open[0] : event.key === "End" ? open.at(-1) : step && open.at((at + step) % open.length);
    if (at < 0 || !target) return;
    event.preventDefault();
    choose(target);
    target.focus();
  });
  return (id) => choose(byId(id));
}
