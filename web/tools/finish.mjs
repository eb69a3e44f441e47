// SPDX-License-Identifier: Apache-2.0
// After the build: a compressed form beside each file, and the weight of what the first page loads.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = new URL("../dist", import.meta.url).pathname;
const FIRST_LOAD_MAX = 250 * 1024;
const WORTH_IT = 1024;

function* files(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else if (/\.(html|js|css|svg|json|txt)$/.test(name)) yield path;
  }
}

for (const path of files(root)) {
  const content = readFileSync(path);
  if (content.length < WORTH_IT) continue;
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
}

// What index.html names, and everything those files import at once.
const seen = new Set();
function load(url) {
  if (seen.has(url)) return;
  seen.add(url);
  const code = readFileSync(join(root, url), "utf8");
  for (const found of code.matchAll(
    /(?:^|[;}\s])(?:import|export)\s*(?:[^"'();]*?from\s*)?["'](\.\/[^"']+\.js)["']/g,
  )) {
    load(join("/assets", found[1]));
  }
}
const page = readFileSync(join(root, "index.html"), "utf8");
for (const found of page.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)) load(found[1]);
const bytes = [...seen].reduce((sum, url) => sum + gzipSync(readFileSync(join(root, url)), { level: 9 }).length, 0);
console.log(
  `first load: ${seen.size} scripts, ${(bytes / 1024).toFixed(1)} KiB gzip (at most ${FIRST_LOAD_MAX / 1024})`,
);
if (seen.size === 0 || bytes > FIRST_LOAD_MAX) process.exit(1);
