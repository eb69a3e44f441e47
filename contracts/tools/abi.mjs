// SPDX-License-Identifier: Apache-2.0
// The encoding of the Solidity ABI, with holes: a value that is known only when a contract is deployed (a Reference) is
// encoded as a zero word, and the place of that word is told. Types are those of ABI files: {name, type, components}.

/** A word that the executor fills in: "address:NAME" or "config:KEY". */
export class Reference {
  constructor(ref) {
    this.ref = ref;
  }
}

const WORD = 64; // hex digits

const word = (value) => {
  if (value < 0n) value += 1n << 256n;
  return value.toString(16).padStart(WORD, '0');
};

function elementOf(parameter) {
  const match = /^(.*)\[\]$/.exec(parameter.type);
  return match ? { ...parameter, type: match[1] } : undefined;
}

function isDynamic(parameter) {
  if (elementOf(parameter)) return true;
  if (parameter.type === 'tuple') return parameter.components.some(isDynamic);
  return parameter.type === 'bytes' || parameter.type === 'string';
}

/** Text of one word; the value is a bigint, a number, a boolean or a string. */
export function encodeWord(type, value) {
  if (type === 'bool') return word(value ? 1n : 0n);
  const fixed = /^bytes(\d+)$/.exec(type);
  if (fixed) {
    const hex = /^0x([0-9a-f]*)$/i.exec(value) ? value.slice(2) : Buffer.from(value, 'ascii').toString('hex');
    if (hex.length > Number(fixed[1]) * 2) throw new Error(`${value} is longer than ${type}`);
    return hex.toLowerCase().padEnd(WORD, '0');
  }
  const number = BigInt(value);
  const bits = type === 'address' ? 160 : Number(/^u?int(\d+)$/.exec(type)?.[1]);
  if (!bits) throw new Error(`not a type of one word: ${type}`);
  const signed = type.startsWith('int');
  const [low, high] = signed ? [-(1n << BigInt(bits - 1)), 1n << BigInt(bits - 1)] : [0n, 1n << BigInt(bits)];
  if (number < low || number >= high) throw new Error(`${value} does not fit ${type}`);
  return word(number);
}

const shifted = (patches, by) => patches.map(({ offset, ref }) => ({ offset: offset + by, ref }));

function encodeBytes(value) {
  const { hex, patches } = typeof value === 'string' ? { hex: value.replace(/^0x/, ''), patches: [] } : value;
  const padded = hex.padEnd(Math.ceil(hex.length / WORD) * WORD, '0');
  return { hex: word(BigInt(hex.length / 2)) + padded, patches: shifted(patches, 32) };
}

function encodeValue(parameter, value) {
  const element = elementOf(parameter);
  if (element) {
    const list = encodeList(value.map(() => element), value);
    return { hex: word(BigInt(value.length)) + list.hex, patches: shifted(list.patches, 32) };
  }
  if (parameter.type === 'tuple') return encodeList(parameter.components, value);
  if (value instanceof Reference) return { hex: word(0n), patches: [{ offset: 0, ref: value.ref }] };
  if (parameter.type === 'string') return encodeBytes(Buffer.from(value, 'utf8').toString('hex'));
  if (parameter.type === 'bytes') return encodeBytes(value);
  return { hex: encodeWord(parameter.type, value), patches: [] };
}

/** values: an array, or an object with the names of the parameters (a leading or trailing _ does not count). */
function inOrder(parameters, values) {
  if (Array.isArray(values)) {
    if (values.length !== parameters.length) throw new Error(`${parameters.length} values expected: ${JSON.stringify(values)}`);
    return values;
  }
  const plain = (name) => name.replace(/^_+|_+$/g, '');
  const names = parameters.map(({ name }) => plain(name));
  for (const name of Object.keys(values)) {
    if (!names.includes(name)) throw new Error(`no parameter ${name} among ${names.join(', ')}`);
  }
  return names.map((name) => {
    if (values[name] === undefined) throw new Error(`parameter ${name} is missing`);
    return values[name];
  });
}

function encodeList(parameters, values) {
  const parts = inOrder(parameters, values).map((value, index) => encodeValue(parameters[index], value));
  const headSize = parts.reduce(
    (size, part, index) => size + (isDynamic(parameters[index]) ? 32 : part.hex.length / 2), 0);
  let heads = '';
  let tails = '';
  const patches = [];
  parts.forEach((part, index) => {
    if (isDynamic(parameters[index])) {
      const offset = headSize + tails.length / 2;
      heads += word(BigInt(offset));
      patches.push(...shifted(part.patches, offset));
      tails += part.hex;
    } else {
      patches.push(...shifted(part.patches, heads.length / 2));
      heads += part.hex;
    }
  });
  return { hex: heads + tails, patches };
}

/** {hex, patches}: hex without 0x, offsets in bytes from its start. */
export const encodeArguments = (parameters, values) => encodeList(parameters, values);

export function encodeCall(selector, parameters, values) {
  const list = encodeList(parameters, values);
  return { hex: selector + list.hex, patches: shifted(list.patches, selector.length / 2) };
}

/** "transfer(address,uint256)" of an ABI entry. */
export function canonicalSignature({ name, inputs }) {
  const typeOf = ({ type, components }) =>
    type.startsWith('tuple') ? `(${components.map(typeOf).join(',')})${type.slice('tuple'.length)}` : type;
  return `${name}(${inputs.map(typeOf).join(',')})`;
}
