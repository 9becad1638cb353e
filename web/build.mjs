// Makes dist/, which the binary contains, from src/: `npm ci && npm run build`. With --check nothing is written, and the
// exit code is 1 where dist/ is not what these sources make.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const at = (...parts) => join(root, ...parts);

// The sources as one digest: tests/play.rs computes the same, so that a stale dist/ is found without Node.
function digest() {
  const names = readdirSync(at("src")).map((name) => `src/${name}`);
  const hash = createHash("sha256");
  for (const name of [...names, "build.mjs", "package.json", "package-lock.json"].sort()) {
    const text = readFileSync(at(name));
    hash.update(`${name} ${text.length}\n`);
    hash.update(text);
  }
  return `${hash.digest("hex")}\n`;
}

// The licence of each package that is in the bundle.
function notices(inputs) {
  const folders = new Set();
  for (const input of Object.keys(inputs)) {
    const found = input.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/);
    if (found) folders.add(found[0]);
  }
  const parts = [...folders].sort().map((folder) => {
    const about = JSON.parse(readFileSync(at(folder, "package.json"), "utf8"));
    const file = readdirSync(at(folder)).find((name) => /^licen[cs]e/i.test(name));
    if (!file) throw new Error(`${about.name} has no licence file`);
    return `${about.name} ${about.version} (${about.license})\n\n${readFileSync(at(folder, file), "utf8").trim()}\n`;
  });
  const line = "-".repeat(78);
  return `The page of raygate play contains these packages.\n\n${parts.join(`\n${line}\n\n`)}`;
}

const bundled = await build({
  absWorkingDir: root,
  entryPoints: ["src/main.js", "src/app.css"],
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  legalComments: "none",
  metafile: true,
  write: false,
});
const made = new Map(
  bundled.outputFiles.map((file) => [file.path.endsWith(".css") ? "app.css" : "app.js", file.text]),
);
made.set("index.html", readFileSync(at("src/index.html"), "utf8"));
made.set("icon.svg", readFileSync(at("src/icon.svg"), "utf8"));
made.set("notices.txt", notices(bundled.metafile.inputs));
made.set("sources.sha256", digest());

const stale = [];
mkdirSync(at("dist"), { recursive: true });
for (const [name, text] of made) {
  const path = at("dist", name);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  stale.push(name);
  if (!process.argv.includes("--check")) writeFileSync(path, text);
}
if (process.argv.includes("--check") && stale.length > 0) {
  console.error(`web/dist is stale: ${stale.join(", ")}. Run npm ci && npm run build in web/.`);
  process.exit(1);
}
console.log(`${[...made].map(([name, text]) => `${name} ${text.length}`).join(", ")}`);
