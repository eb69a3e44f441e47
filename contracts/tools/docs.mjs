#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes ../docs/contracts/reference/: a page for each contract, from the ABI and the NatSpec that the compiler puts
// into out/, with the roles of plan.mjs. It also fills in the defaults in ../docs/contracts/parameters.md and looks
// whether the tests that ../docs/contracts/invariants.md names exist. With --check it writes nothing and fails if a
// committed page is not what the sources give. Needs a finished `forge build`.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Reference } from './abi.mjs';
import { asksItself, creations, members, restricted } from './plan.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const pages = join(root, '../docs/contracts/reference');
const invariantsPage = join(root, '../docs/contracts/invariants.md');
const parametersPage = join(root, '../docs/contracts/parameters.md');

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
  const held = `role \`${role}\` (${holders(role)})`;
  if (role && asksItself[name]?.includes(functionName)) notes.push(`**Who:** as said, or ${held}.`);
  else if (role) notes.push(`**Who:** ${held}.`);
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

function renderHead(name, docs, constructor) {
  const { path } = units.get(name);
  const out = [`# ${name}`, '', '<!-- Written by contracts/tools/docs.mjs. -->', ''];
  out.push(`Source: [\`src/${path}\`](${relative(pages, join(root, 'src', path))})`, '');
  const title = titleOf(name);
  if (title) out.push(`**${sentence(title)}**`, '');
  const notice = lookUp(ownDocsOf(name), ({ user }) => user.notice);
  if (notice) out.push(prose(notice), '');
  const { details } = docs[0].dev;
  if (details) out.push(prose(details), '');
  if (constructor?.inputs.length) {
    out.push('## Constructor', '', '```solidity', `constructor(${argumentsOf(constructor.inputs)})`, '```', '');
  }
  return out;
}

function renderReads(docs, reads) {
  const rows = reads.map((item) => {
    const text = meaning(ofMethod(docs, signatureOf(item)));
    return `| \`${item.name}(${argumentsOf(item.inputs)})\` | \`${argumentsOf(item.outputs)}\` | ${cell(text)} |`;
  });
  return rows.length ? ['## Reads', '', '| function | gives | meaning |', '| --- | --- | --- |', ...rows, ''] : [];
}

function renderEvents(docs, events) {
  const rows = events.map((item) =>
    `| \`${item.name}(${argumentsOf(item.inputs, true)})\` | ${cell(ofEvent(docs, signatureOf(item)))} |`);
  return rows.length ? ['## Events', '', '| event | meaning |', '| --- | --- |', ...rows, ''] : [];
}

function renderErrors(docs, errors) {
  const rows = errors.map((item) => {
    const text = prose(ofError(docs, signatureOf(item)));
    return `- \`${item.name}(${argumentsOf(item.inputs)})\`${text ? `: ${text}` : ''}`;
  });
  return rows.length ? ['## Errors', '', ...rows, ''] : [];
}

function renderTypes(abi) {
  const structs = structsOf(abi).map(([struct, fields]) =>
    `- \`struct ${struct} { ${fields.map((field) => `${shortType(field)} ${field.name};`).join(' ')} }\``);
  const kinds = enumsOf(abi).map((kind) => `- \`enum ${kind} { ${enums.get(kind).join(', ')} }\``);
  return structs.length + kinds.length ? ['## Types', '', ...structs, ...kinds, ''] : [];
}

function renderPage(name) {
  const { abi, methodIdentifiers } = artifactOf(name);
  const docs = docsOf(name);
  const of = (type) => abi.filter((item) => item.type === type).sort((a, b) => a.name.localeCompare(b.name));
  const isRead = ({ stateMutability }) => ['view', 'pure'].includes(stateMutability);
  const calls = of('function').filter((item) => !isRead(item));
  const out = [
    ...renderHead(name, docs, abi.find(({ type }) => type === 'constructor')),
    ...(calls.length ? ['## Functions', ''] : []),
    ...calls.flatMap((item) => renderCall(name, docs, item)),
    ...renderReads(docs, of('function').filter(isRead)),
    ...renderEvents(docs, of('event')),
    ...renderErrors(docs, of('error')),
    ...renderTypes(abi),
    '## Selectors', '', '| selector | function |', '| --- | --- |',
    ...Object.entries(methodIdentifiers).sort(([a], [b]) => a.localeCompare(b))
      .map(([signature, selector]) => `| \`0x${selector}\` | \`${signature}\` |`),
  ];
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

// --- defaults

function shown(value) {
  if (value === null) return 'must be given';
  if (Array.isArray(value)) return 'see the plan';
  if (value instanceof Reference) return `setting ${value.ref.replace(/^config:/, '')}`;
  if (typeof value === 'string') return value === '' ? 'empty' : value;
  const big = BigInt(value);
  const milli = 10n ** 15n;
  if (big >= milli && big % milli === 0n) return `${(Number(big / milli) / 1000).toLocaleString('en-US')}e18`;
  const million = 10n ** 6n;
  if (big >= million && big % million === 0n) return `${(big / million).toLocaleString('en-US')}e6`;
  return value.toLocaleString('en-US');
}

const isAddress = (value) => value instanceof Reference && /^address:|^config:deployer$/.test(value.ref);
const isTuple = (value) => value?.constructor === Object;

/** Contract.parameter -> what production and devnet take; addresses of contracts are left out. */
function defaultsOf(name, values, found) {
  for (const [key, value] of Object.entries(values)) {
    const each = value?.production !== undefined ? [value.production, value.devnet] : [value, value];
    if ([each[0]].flat().some(isAddress)) continue;
    if (isTuple(each[0])) defaultsOf(name, each[0], found);
    else found.set(`${name}.${key}`, each.map(shown));
  }
  return found;
}

function renderParameters() {
  const defaults = new Map();
  for (const { name, arguments: values } of creations) defaultsOf(name, values, defaults);
  const text = readFileSync(parametersPage, 'utf8').replace(
    /^\| `(\w+\.\w+)` \| [^|]* \| [^|]* \|/gm,
    (row, key) => {
      const values = defaults.get(key);
      if (!values) throw new Error(`parameters.md has a row for ${key}, plan.mjs has no such parameter`);
      defaults.delete(key);
      return `| \`${key}\` | ${values.join(' | ')} |`;
    },
  );
  if (defaults.size !== 0) throw new Error(`parameters.md has no row for ${[...defaults.keys()].join(', ')}`);
  return text;
}

/** What invariants.md names and nobody wrote. */
function missingTests() {
  const text = readFileSync(invariantsPage, 'utf8');
  return [...text.matchAll(/`([\w/]+\.t\.sol):(\w+)`/g)].filter(([, path, name]) => {
    const file = join(root, 'test', path);
    return !existsSync(file) || !new RegExp(`\\bfunction ${name}\\(`).test(readFileSync(file, 'utf8'));
  }).map(([, path, name]) => `${path}:${name}`);
}

const missing = missingTests();
missing.forEach((test) => console.error(`docs/contracts/invariants.md names ${test}, which does not exist`));
const names = [...units.values()].filter(({ kind }) => kind === 'contract').map(({ name }) => name).sort();
const wanted = new Map(names.map((name) => [`${name}.md`, renderPage(name)]));
wanted.set('README.md', renderIndex(names));

if (process.argv.includes('--check')) {
  const present = existsSync(pages) ? readdirSync(pages) : [];
  const stale = [...wanted].filter(([file, text]) =>
    !present.includes(file) || readFileSync(join(pages, file), 'utf8') !== text).map(([file]) => file);
  stale.push(...present.filter((file) => !wanted.has(file)));
  if (readFileSync(parametersPage, 'utf8') !== renderParameters()) stale.push('../parameters.md');
  stale.forEach((file) => console.error(`docs/contracts/reference/${file} is stale: run "node tools/docs.mjs"`));
  if (stale.length === 0) console.log('docs/contracts is fresh');
  process.exitCode = stale.length + missing.length === 0 ? 0 : 1;
} else {
  rmSync(pages, { recursive: true, force: true });
  mkdirSync(pages, { recursive: true });
  for (const [file, text] of wanted) writeFileSync(join(pages, file), text);
  writeFileSync(parametersPage, renderParameters());
  console.log(`wrote ${wanted.size} pages to docs/contracts/reference`);
}
