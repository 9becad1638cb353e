
"use strict";
(() => {
  const rows = JSON.parse(document.getElementById("data").textContent);
  const columns = [
    ["Verdict", (row) => row.verdict],
    ["Namespace", (row) => row.namespace],
    ["Object", (row) => row.kind + " " + row.name],
    ["Findings", (row) => row.lines.length],
    ["Changes", (row) => row.changes.length],
  ];
  const step = 200;
  let most = step, sorted = null, upwards = true;
  const body = document.querySelector("#objects tbody");
  const search = document.getElementById("search");
  const more = document.getElementById("more");
  const shown = document.getElementById("shown");
  for (const row of rows) {
    row.text = JSON.stringify([row.namespace, row.kind, row.name, row.place, row.verdict, row.lines, row.changes]).toLowerCase();
  }
  const element = (name, text, style) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (style) made.className = style;
    return made;
  };
  const details = (title, items) => {
    if (items.length === 0) return element("span", "");
    const made = document.createElement("details");
    made.append(element("summary", title));
    const list = document.createElement("ul");
    list.append(...items);
    made.append(list);
    return made;
  };
  const lineOf = ([sign, action, code, policy, path, message]) => {
    const item = document.createElement("li");
    const weight = action.endsWith("Deny") ? "denied" : action.endsWith("Warn") ? "warn" : "";
    const state = sign === "-" ? " gone" : sign === "+" ? " new" : "";
    item.append(element("span", (sign ? sign + " " : "") + action + " " + code + " ", weight + state));
    item.append(element("span", message + " "), element("code", path));
    if (policy) item.append(element("span", " policy " + policy));
    return item;
  };
  const changeOf = ([path, by, policy]) => {
    const item = document.createElement("li");
    const who = (by ? " by " + by : "") + (policy ? " of policy " + policy : "");
    item.append(element("code", path), element("span", who));
    return item;
  };
  const draw = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter((word) => word);
    let found = rows.filter((row) => words.every((word) => row.text.includes(word)));
    if (sorted) {
      const sign = upwards ? 1 : -1;
      found = found.slice().sort((one, other) => {
        const [left, right] = [sorted(one), sorted(other)];
        return (typeof left === "number" ? left - right : left < right ? -1 : left > right ? 1 : 0) * sign;
      });
    }
    body.replaceChildren(...found.slice(0, most).map((row) => {
      const made = document.createElement("tr");
      const object = element("td", row.kind + " " + row.name);
      if (row.place) object.append(document.createElement("br"), element("code", row.place));
      const codes = [...new Set(row.lines.map((line) => line[0] + line[2]))].join(" ");
      const findings = document.createElement("td");
      findings.append(details(codes, row.lines.map(lineOf)));
      const changes = document.createElement("td");
      changes.append(details(String(row.changes.length), row.changes.map(changeOf)));
      const verdict = element("td", row.verdict, row.verdict.endsWith("denied") ? "denied" : "");
      made.append(verdict, element("td", row.namespace), object, findings, changes);
      columns.forEach(([title], at) => made.children[at].dataset.title = title);
      return made;
    }));
    shown.textContent = Math.min(most, found.length) + " of " + found.length + " shown";
    more.hidden = found.length <= most;
  };
  const head = document.querySelector("#objects thead tr");
  for (const [title, key] of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    const button = element("button", title);
    button.type = "button";
    button.addEventListener("click", () => {
      upwards = sorted === key ? !upwards : true;
      sorted = key;
      for (const other of head.children) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", upwards ? "ascending" : "descending");
      draw();
    });
    cell.append(button);
    head.append(cell);
  }
  for (const button of document.querySelectorAll(".filter")) {
    button.addEventListener("click", () => { search.value = button.textContent; most = step; draw(); search.focus(); });
  }
  search.addEventListener("input", () => { most = step; draw(); });
  more.addEventListener("click", () => { most += step; draw(); });
  draw();
})();
