#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes ../docs/contracts/reference/: a page for each contract, from the ABI and the NatSpec that the compiler puts into
// out/, with the roles of plan.mjs. With --check it writes nothing and fails if a committed page is not what the sources
// give. Needs a finished `forge build`.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { members, restricted } from './plan.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const pages = join(root, '../docs/contracts/reference');

// --- what the sources say and the ABI does not: kinds, parents, modifiers, enums

const withoutComments = (text) => text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '');

function readSources() {
  const units = new Map();
  const enums = new Map();
  for (const path of readdirSync(join(root, 'src'), { recursive: true }).filter((name) => name.endsWith('.sol')).sort()) {
    const text = withoutComments(readFileSync(join(root, 'src', path), 'utf8'));
    for (const [, name, values] of text.matchAll(/\benum\s+(\w+)\s*\{([^}]*)\}/g)) {
      enums.set(name, values.split(',').map((value) => value.trim()).filter(Boolean));
    }
    const heads = [...text.matchAll(/^(abstract contract|contract|interface|library)\s+(\w+)\s*(?:is\s+([^{]*))?\{/gm)];
    heads.forEach((head, i) => {
      const [, kind, name, parents = ''] = head;
      const body = text.slice(head.index, heads[i + 1]?.index);
      const bases = parents.replace(/\([^)]*\)/g, '').split(',').map((base) => base.trim()).filter(Boolean);
      units.set(name, { kind, name, path, bases, modifiers: modifiersOf(body) });
    });
  }
  return { units, enums };
}

/** Function name -> the words between its parameters and its body. */
function modifiersOf(body) {
  const found = new Map();
  for (const [, name, words] of body.matchAll(/\bfunction\s+(\w+)\s*\([^)]*\)([^{;]*)[{;]/g)) {
    found.set(name, `${found.get(name) ?? ''} ${words}`);
  }
  return found;
}

const { units, enums } = readSources();

/** The contract and all of our code that it inherits from, nearest first. */
function lineage(name, seen = new Set()) {
  if (seen.has(name) || !units.has(name)) return [];
  seen.add(name);
  const { bases } = units.get(name);
  return [name, ...[...bases].reverse().flatMap((base) => lineage(base, seen))];
}

function artifactOf(name) {
  const { path } = units.get(name);
  const file = join(root, 'out', path.split('/').at(-1), `${name}.json`);
  if (!existsSync(file)) throw new Error(`${name} is not built: run "forge build" first`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

// --- words

const shortType = ({ type, internalType = type }) =>
  internalType.startsWith('struct ') || internalType.startsWith('enum ')
    ? internalType.replace(/^\w+ /, '').split('.').at(-1)
    : internalType.startsWith('contract ') ? internalType.slice(9) : type;

const canonicalType = ({ type, components }) =>
  components ? `(${components.map(canonicalType).join(',')})${type.slice('tuple'.length)}` : type;

const argumentsOf = (inputs, mark = false) =>
  inputs.map((input) => [shortType(input), mark && input.indexed ? 'indexed' : '', input.name].filter(Boolean).join(' '))
    .join(', ');

const signatureOf = ({ name, inputs }) => `${name}(${inputs.map(canonicalType).join(',')})`;

/** Tables of NatSpec arrive on one line; they are repeated in parameters.md. */
const prose = (text) => (text ?? '').replace(/\s\|\s.*$/s, '').replace(/\s+/g, ' ').trim();
const sentence = (text) => (/[.!?]$/.test(prose(text)) ? prose(text) : `${prose(text)}.`);
const cell = (text) => prose(text).replaceAll('|', '\\|');

/** First text that the contract or one of its ancestors has. */
function lookUp(docs, pick) {
  for (const doc of docs) {
    const text = pick(doc);
    if (text !== undefined && text !== '') return text;
  }
  return undefined;
}

function docsOf(name) {
  return lineage(name).map((unit) => {
    // Not `metadata`: what forge parses of it leaves out titles, events and errors.
    const { userdoc, devdoc } = JSON.parse(artifactOf(unit).rawMetadata).output;
    return { user: userdoc, dev: devdoc };
  });
}

/** Title and purpose are the contract's own or its interface's, never those of a base it builds on. */
const ownDocsOf = (name) => docsOf(name).filter((_, i) => [name, `I${name}`].includes(lineage(name)[i]));
const titleOf = (name) => lookUp(ownDocsOf(name), ({ dev }) => dev.title);

const ofMethod = (docs, signature) => ({
  notice: lookUp(docs, ({ user }) => user.methods?.[signature]?.notice),
  details: lookUp(docs, ({ dev }) => dev.methods?.[signature]?.details),
  params: lookUp(docs, ({ dev }) => dev.methods?.[signature]?.params) ?? {},
  returns: lookUp(docs, ({ dev }) => dev.methods?.[signature]?.returns) ?? {},
});

const ofEvent = (docs, signature) => lookUp(docs, ({ user }) => user.events?.[signature]?.notice);
const ofError = (docs, signature) => lookUp(docs, ({ user }) => user.errors?.[signature]?.[0]?.notice);

/** The value of a public constant or variable is documented like a function; its text may be in the dev part only. */
const meaning = ({ notice, details, returns }) =>
  prose(notice) || prose(Object.values(returns)[0]) || prose(details);

// --- who may call

function roleOf(name, functionName) {
  const roles = Object.entries(restricted)
    .filter(([, targets]) => targets[name]?.includes(functionName))
    .map(([role]) => role);
  return roles[0];
}

function holders(role) {
  const text = (members[role] ?? []).map(({ ref }) => ref.replace(/^address:/, '').replace(/^config:/, 'setting '));
  return text.length === 0 ? 'nobody' : text.join(', ');
}

function callers(name, functionName) {
  const words = lineage(name).map((unit) => units.get(unit).modifiers.get(functionName) ?? '').join(' ');
  const role = roleOf(name, functionName);
  const notes = [];
  if (role) notes.push(`**Who:** role \`${role}\` (${holders(role)}).`);
  else if (/\brestricted\b/.test(words)) notes.push('**Who:** the administrator; the plan grants no role for it.');
  if (/\bwhenNotPaused\b/.test(words)) notes.push('**When:** not while the module is paused.');
  return notes.join(' ');
}

// --- pages

function structsOf(abi) {
  const found = new Map();
  const walk = (parameter) => {
    if (!parameter.components) return;
    found.set(shortType(parameter).replace(/(\[\d*\])+$/, ''), parameter.components);
    parameter.components.forEach(walk);
  };
  abi.forEach(({ inputs = [], outputs = [] }) => [...inputs, ...outputs].forEach(walk));
  return [...found].sort(([a], [b]) => a.localeCompare(b));
}

function enumsOf(abi) {
  const found = new Set();
  const walk = (parameter) => {
    const match = /^enum (?:\w+\.)?(\w+)/.exec(parameter.internalType ?? '');
    if (match && enums.has(match[1])) found.add(match[1]);
    (parameter.components ?? []).forEach(walk);
  };
  abi.forEach(({ inputs = [], outputs = [] }) => [...inputs, ...outputs].forEach(walk));
  return [...found].sort();
}

function renderCall(name, docs, item) {
  const signature = signatureOf(item);
  const doc = ofMethod(docs, signature);
  const lines = [`### ${item.name}`, '', '```solidity', `${item.name}(${argumentsOf(item.inputs)})`];
  if (item.outputs.length !== 0) lines[3] += ` returns (${argumentsOf(item.outputs)})`;
  lines.push('```', '');
  const text = prose(doc.notice) || prose(doc.details);
  if (text) lines.push(text, '');
  const who = callers(name, item.name);
  if (who) lines.push(who, '');
  const described = [
    ...item.inputs.filter((input) => doc.params[input.name]).map((input) => [input.name, doc.params[input.name]]),
    ...Object.entries(doc.returns).map(([key, value]) => [key.startsWith('_') ? 'returns' : `returns ${key}`, value]),
  ];
  described.forEach(([key, value]) => lines.push(`- \`${key}\`: ${prose(value)}`));
  if (described.length !== 0) lines.push('');
  if (doc.details && prose(doc.notice)) lines.push(prose(doc.details), '');
  return lines;
}

function renderPage(name) {
  const { abi, methodIdentifiers } = artifactOf(name);
  const docs = docsOf(name);
  const { path } = units.get(name);
  const of = (type) => abi.filter((item) => item.type === type).sort((a, b) => a.name.localeCompare(b.name));
  const calls = of('function').filter(({ stateMutability }) => !['view', 'pure'].includes(stateMutability));
  const reads = of('function').filter(({ stateMutability }) => ['view', 'pure'].includes(stateMutability));
  const constructor = abi.find(({ type }) => type === 'constructor');
  const source = relative(pages, join(root, 'src', path));
  const out = [`# ${name}`, '', `<!-- Written by contracts/tools/docs.mjs. -->`, ''];
  out.push(`Source: [\`src/${path}\`](${source})`, '');
  const title = titleOf(name);
  if (title) out.push(`**${sentence(title)}**`, '');
  const notice = lookUp(ownDocsOf(name), ({ user }) => user.notice);
  if (notice) out.push(prose(notice), '');
  const details = docs[0].dev.details;
  if (details) out.push(prose(details), '');
  if (constructor?.inputs.length) {
    out.push('## Constructor', '', '```solidity', `constructor(${argumentsOf(constructor.inputs)})`, '```', '');
  }
  if (calls.length) out.push('## Functions', '', ...calls.flatMap((item) => renderCall(name, docs, item)));
  if (reads.length) {
    out.push('## Reads', '', '| function | gives | meaning |', '| --- | --- | --- |');
    reads.forEach((item) => {
      const text = meaning(ofMethod(docs, signatureOf(item)));
      out.push(`| \`${item.name}(${argumentsOf(item.inputs)})\` | \`${argumentsOf(item.outputs)}\` | ${cell(text)} |`);
    });
    out.push('');
  }
  const events = of('event');
  if (events.length) {
    out.push('## Events', '', '| event | meaning |', '| --- | --- |');
    events.forEach((item) =>
      out.push(`| \`${item.name}(${argumentsOf(item.inputs, true)})\` | ${cell(ofEvent(docs, signatureOf(item)))} |`));
    out.push('');
  }
  const errors = of('error');
  if (errors.length) {
    out.push('## Errors', '');
    errors.forEach((item) => {
      const text = prose(ofError(docs, signatureOf(item)));
      out.push(`- \`${item.name}(${argumentsOf(item.inputs)})\`${text ? `: ${text}` : ''}`);
    });
    out.push('');
  }
  const structs = structsOf(abi);
  const kinds = enumsOf(abi);
  if (structs.length + kinds.length) out.push('## Types', '');
  structs.forEach(([struct, fields]) => out.push(`- \`struct ${struct} { ${fields.map((field) =>
    `${shortType(field)} ${field.name};`).join(' ')} }\``));
  kinds.forEach((kind) => out.push(`- \`enum ${kind} { ${enums.get(kind).join(', ')} }\``));
  if (structs.length + kinds.length) out.push('');
  out.push('## Selectors', '', '| selector | function |', '| --- | --- |');
  Object.entries(methodIdentifiers).sort(([a], [b]) => a.localeCompare(b))
    .forEach(([signature, selector]) => out.push(`| \`0x${selector}\` | \`${signature}\` |`));
  return `${out.join('\n').trimEnd()}\n`;
}

function renderIndex(names) {
  const out = ['# Contract reference', '', '<!-- Written by contracts/tools/docs.mjs. -->', ''];
  out.push('Every contract that is deployed, from its ABI and NatSpec. Roles are those of `contracts/tools/plan.mjs`.', '');
  out.push('| contract | area | purpose |', '| --- | --- | --- |');
  names.forEach((name) => {
    out.push(`| [${name}](${name}.md) | ${dirname(units.get(name).path)} | ${cell(titleOf(name))} |`);
  });
  return `${out.join('\n')}\n`;
}

const names = [...units.values()].filter(({ kind }) => kind === 'contract').map(({ name }) => name).sort();
const wanted = new Map(names.map((name) => [`${name}.md`, renderPage(name)]));
wanted.set('README.md', renderIndex(names));

if (process.argv.includes('--check')) {
  const present = existsSync(pages) ? readdirSync(pages) : [];
  const stale = [...wanted].filter(([file, text]) =>
    !present.includes(file) || readFileSync(join(pages, file), 'utf8') !== text).map(([file]) => file);
  stale.push(...present.filter((file) => !wanted.has(file)));
  stale.forEach((file) => console.error(`docs/contracts/reference/${file} is stale: run "node tools/docs.mjs"`));
  if (stale.length === 0) console.log('docs/contracts/reference is fresh');
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  rmSync(pages, { recursive: true, force: true });
  mkdirSync(pages, { recursive: true });
  for (const [file, text] of wanted) writeFileSync(join(pages, file), text);
  console.log(`wrote ${wanted.size} pages to docs/contracts/reference`);
}
