// SPDX-License-Identifier: Apache-2.0
// plan.mjs against the ABIs: deployments/plan.json. Every step has the same fields, so that a reader needs one shape:
//
//   name         for people and for the record of what is done; a creation's name is what "address:NAME" refers to
//   kind         create | call | read (read: an eth_call whose first word is from then on word:NAME, and address:NAME
//                when it is a contract of the plan)
//   profile      "" or the one profile that has this step
//   unless       create: the setting that, when given, is the address, and nothing is created
//   artifact     create: whose creation code; data are the constructor's arguments
//   to           call, read: a reference
//   data         hex, zero where a word is filled in; patches: [{offset: byte, ref}]
//   done         {to, data, patches}: a view; a first word that is not zero means that the step is done. to "": none
//
// A setting's value is a decimal or hex number, or a word: see plan.mjs; "?" must be given.
import { canonicalSignature, encodeArguments, encodeCall, encodeWord, Reference } from './abi.mjs';
import {
  admin, asksItself, calls, creations, facts, members, others, restricted, settings, temporary, timelock,
} from './plan.mjs';

const WIRING_CALLS_MAX = 24; // in one transaction
const ADMIN_ROLE = 0; // of AccessManager
const NOTHING = { to: '', data: '0x', patches: [] };
const DEPLOYER = new Reference('config:deployer');
const profiles = ['production', 'devnet'];

const isPerProfile = (value) =>
  value !== null && typeof value === 'object' && Object.keys(value).join() === profiles.join();
const isLeaf = (value) => value === null || typeof value !== 'object' || isPerProfile(value);
const plain = (name) => name.replace(/^_+|_+$/g, '');

function textOf(type, value) {
  if (value === null) return '?';
  if (typeof value === 'string' && /^(now(\+\d+)?|deployer|address:\w+|)$/.test(value)) return value;
  const word = `0x${encodeWord(type, value)}`;
  return type.startsWith('uint') ? BigInt(value).toString() : word;
}

class Planner {
  constructor(artifacts, roleIds) {
    this.artifacts = artifacts;
    this.roleIds = roleIds;
    this.config = {};
    this.artifactOf = { ...others };
    for (const { name, artifact } of creations) this.artifactOf[name] = artifact ?? name;
    for (const [key, { type, about, ...values }] of Object.entries(settings)) {
      const defaults = Object.fromEntries(profiles.map((profile) => [profile, textOf(type, values[profile])]));
      this.config[key] = { word: type, about, ...defaults };
    }
  }

  abiOf(name) {
    const artifact = this.artifacts[this.artifactOf[name]];
    if (!artifact) throw new Error(`the plan has no contract ${name}`);
    return artifact;
  }

  /** A plain value becomes a setting of its own, and the argument refers to it. */
  configured(path, parameter, value) {
    if (value instanceof Reference) return value;
    if (parameter.type === 'tuple' && !Array.isArray(value)) return this.configuredAll(path, parameter.components, value);
    const dynamic = parameter.type.endsWith('[]') || ['string', 'bytes', 'tuple'].includes(parameter.type);
    if (dynamic || !isLeaf(value)) return value;
    const values = isPerProfile(value) ? value : Object.fromEntries(profiles.map((profile) => [profile, value]));
    const key = `${path}.${plain(parameter.name)}`;
    if (this.config[key]) throw new Error(`two settings are named ${key}`);
    this.config[key] = { word: parameter.type, about: '' };
    for (const profile of profiles) this.config[key][profile] = textOf(parameter.type, values[profile]);
    return new Reference(`config:${key}`);
  }

  configuredAll(path, parameters, values) {
    const made = {};
    for (const [name, value] of Object.entries(values)) {
      const parameter = parameters.find((candidate) => plain(candidate.name) === name);
      if (!parameter) throw new Error(`${path} has no parameter ${name}: ${parameters.map((p) => p.name).join(', ')}`);
      made[name] = this.configured(path, parameter, value);
    }
    return made;
  }

  step(fields) {
    return { name: '', kind: 'call', profile: '', unless: '', artifact: '', to: '', data: '0x', patches: [], done: NOTHING, ...fields };
  }

  creation({ name, artifact, unless, profile, arguments: given }) {
    const constructor = this.abiOf(name).abi.find(({ type }) => type === 'constructor');
    const parameters = constructor?.inputs ?? [];
    let encoded;
    try {
      encoded = encodeArguments(parameters, this.configuredAll(name, parameters, given));
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
    return this.step({
      name,
      kind: 'create',
      profile: profile ?? '',
      unless: unless ?? '',
      artifact: artifact ?? name,
      data: `0x${encoded.hex}`,
      patches: encoded.patches,
    });
  }

  functionOf(contract, name) {
    const { abi, methodIdentifiers } = this.abiOf(contract);
    const found = Object.entries(methodIdentifiers).filter(
      ([signature]) => signature === name || signature.startsWith(`${name}(`));
    if (found.length !== 1) throw new Error(`${contract} has ${found.length} functions ${name}`);
    const [signature, selector] = found[0];
    const entry = abi.find((item) => item.type === 'function' && signature === canonicalSignature(item));
    return { signature, selector, inputs: entry.inputs };
  }

  encoded(contract, name, values) {
    const { selector, inputs } = this.functionOf(contract, name);
    try {
      return encodeCall(selector, inputs, values);
    } catch (error) {
      throw new Error(`${contract}.${name}: ${error.message}`);
    }
  }

  view({ contract, function: name, arguments: values }) {
    const { hex, patches } = this.encoded(contract, name, values ?? []);
    return { to: `address:${contract}`, data: `0x${hex}`, patches };
  }

  call({ name, kind, profile, contract, function: method, arguments: values, done }) {
    return this.step({
      name: name ?? `${contract}.${method}`,
      kind: kind ?? 'call',
      profile: profile ?? '',
      ...this.view({ contract, function: method, arguments: values }),
      done: done ? this.view(done) : NOTHING,
    });
  }

  /** Inner calls of the access manager, in as few transactions as is wise. */
  wiring(name, inner, done) {
    const steps = [];
    for (let start = 0; start < inner.length; start += WIRING_CALLS_MAX) {
      const data = inner.slice(start, start + WIRING_CALLS_MAX);
      const suffix = inner.length > WIRING_CALLS_MAX ? ` ${steps.length + 1}` : '';
      steps.push(this.call({ name: name + suffix, contract: 'AccessManager', function: 'multicall', arguments: [data], done }));
    }
    return steps;
  }

  restrictions() {
    const rows = [];
    for (const [role, contracts] of Object.entries(restricted)) {
      for (const [contract, names] of Object.entries(contracts)) {
        for (const name of names) {
          const { signature, selector } = this.functionOf(contract, name);
          if (rows.some((row) => row.target === contract && row.selector === `0x${selector}`)) {
            throw new Error(`${contract}.${name} has two roles`);
          }
          rows.push({ target: contract, signature, selector: `0x${selector}`, role, roleId: this.idOf(role) });
        }
      }
    }
    return rows;
  }

  idOf(role) {
    if (this.roleIds[role] === undefined) throw new Error(`src/Roles.sol has no role ${role}`);
    return this.roleIds[role];
  }

  /** Inside AccessManager.multicall. */
  inner(name, values) {
    return this.encoded('AccessManager', name, values);
  }

  roleCalls(rows) {
    const inner = [];
    for (const role of Object.keys(restricted)) {
      inner.push(this.inner('labelRole', [this.idOf(role), role]));
      for (const contract of Object.keys(restricted[role])) {
        const selectors = rows.filter((row) => row.role === role && row.target === contract).map((row) => row.selector);
        inner.push(this.inner('setTargetFunctionRole', [at(contract), selectors, this.idOf(role)]));
      }
      if (!members[role]) throw new Error(`nobody has role ${role}`);
      for (const member of members[role]) inner.push(this.inner('grantRole', [this.idOf(role), member, 0]));
    }
    return inner;
  }

  temporaryRoles() {
    return Object.entries(temporary).map(([role, profile]) => this.call({
      name: `deployer may for now: ${role}`,
      profile,
      contract: 'AccessManager',
      function: 'grantRole',
      arguments: [this.idOf(role), DEPLOYER, 0],
    }));
  }

  /** In one transaction, so that there is always exactly one administrator. */
  handover() {
    const inner = [this.inner('grantRole', [ADMIN_ROLE, admin, 0])];
    for (const role of Object.keys(temporary)) inner.push(this.inner('revokeRole', [this.idOf(role), DEPLOYER]));
    inner.push(this.inner('renounceRole', [ADMIN_ROLE, DEPLOYER]));
    const done = { contract: 'AccessManager', function: 'hasRole', arguments: [ADMIN_ROLE, admin] };
    return this.wiring('hand over to the timelock', inner, done);
  }

  memberRows() {
    const rows = Object.entries(members).map(([role, list]) => ({ role, roleId: this.idOf(role), members: list.map(refOf) }));
    return [{ role: 'ADMIN', roleId: ADMIN_ROLE, members: [refOf(admin)] }, ...rows];
  }

  factRows() {
    const rows = facts.map((fact) => ({
      says: fact.says,
      profile: fact.profile ?? '',
      atStart: fact.start ?? false,
      ...this.view({ contract: fact.contract, function: fact.function, arguments: fact.arguments }),
      equals: fact.equals instanceof Reference ? fact.equals.ref : fact.equals.toString(),
    }));
    for (const { name } of creations) {
      const isManaged = Object.keys(this.abiOf(name).methodIdentifiers).includes('authority()');
      if (!isManaged) continue;
      rows.push({
        says: `${name} obeys the access manager`,
        profile: '',
        atStart: false,
        ...this.view({ contract: name, function: 'authority' }),
        equals: 'address:AccessManager',
      });
    }
    return rows;
  }
}

const at = (name) => new Reference(`address:${name}`);
const refOf = ({ ref }) => ref;

function checkReferences(plan) {
  const known = new Set([
    ...plan.contracts.map(({ name }) => `address:${name}`),
    ...plan.steps.filter(({ kind }) => kind === 'read').map(({ name }) => `word:${name}`),
    ...plan.config.map(({ name }) => `config:${name}`),
  ]);
  for (const step of plan.steps) {
    for (const ref of [step.to, step.done.to, ...step.patches.map((p) => p.ref), ...step.done.patches.map((p) => p.ref)]) {
      if (ref !== '' && !known.has(ref)) throw new Error(`step ${step.name} refers to ${ref}`);
    }
  }
}

/**
 * declared: contract -> the functions that its sources mark `restricted`. Each must have a role, and no other function.
 */
function checkRestrictions(rows, declared) {
  for (const { name, artifact } of creations) {
    const expected = [...(declared[artifact ?? name] ?? []), ...(asksItself[name] ?? [])].sort();
    const given = rows.filter(({ target }) => target === name).map(({ signature }) => signature.split('(')[0]).sort();
    const missing = expected.filter((item) => !given.includes(item));
    const extra = given.filter((item) => !expected.includes(item));
    if (missing.length > 0) throw new Error(`${name}: no role opens ${missing.join(', ')}`);
    if (extra.length > 0) throw new Error(`${name}: not restricted: ${extra.join(', ')}`);
  }
}

/** The text of plan.json. */
export function encodePlan(artifacts, roleIds, declared) {
  const planner = new Planner(artifacts, roleIds);
  const rows = planner.restrictions();
  checkRestrictions(rows, declared);
  const steps = [
    ...creations.map((creation) => planner.creation(creation)),
    ...planner.wiring('roles', planner.roleCalls(rows)),
    ...planner.temporaryRoles(),
    ...calls.map((call) => planner.call(call)),
    ...planner.handover(),
  ];
  const plan = {
    config: Object.entries(planner.config).map(([name, fields]) => ({ name, ...fields })),
    steps,
    contracts: Object.entries(planner.artifactOf).map(([name, artifact]) => ({ name, artifact })),
    restricted: rows,
    members: planner.memberRows(),
    timelock: Object.entries(timelock).map(([role, list]) => ({ role, roleId: 0, members: list.map(refOf) })),
    facts: planner.factRows(),
  };
  checkReferences(plan);
  return `${JSON.stringify(plan, null, 2)}\n`;
}
