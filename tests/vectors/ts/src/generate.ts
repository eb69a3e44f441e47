// SPDX-License-Identifier: Apache-2.0
// Writes tests/vectors/*.json.
import { writeFileSync } from 'node:fs';
import { allFiles, folder, render } from './files.js';

for (const [name, file] of await allFiles()) {
  writeFileSync(new URL(`${name}.json`, folder), render(file));
  console.log(`${name}.json: ${file.cases.length} cases`);
}
