// SPDX-License-Identifier: Apache-2.0
import {
  type Address,
  type Hex,
  type TypedDataDefinition,
  type TypedDataDomain,
  domainSeparator,
  encodeAbiParameters,
  hashStruct,
  hashTypedData,
  keccak256,
  stringToHex,
} from 'viem';
import {
  type Case,
  type KeyName,
  UINT64_MAX,
  UINT128_MAX,
  UINT256_MAX,
  type VectorFile,
  account,
  addressOf,
  plainFields,
} from './common.js';
import { receiptLeaf } from './tree.js';

export const types = {
  UsageReceipt: [
    { name: 'jobId', type: 'bytes32' },
    { name: 'client', type: 'address' },
    { name: 'node', type: 'address' },
    { name: 'scheduler', type: 'address' },
    { name: 'fencingToken', type: 'uint64' },
    { name: 'inputUnits', type: 'uint64' },
    { name: 'outputUnits', type: 'uint64' },
    { name: 'amount', type: 'uint128' },
    { name: 'quote', type: 'uint128' },
    { name: 'modelRoot', type: 'bytes32' },
    { name: 'requestHash', type: 'bytes32' },
    { name: 'responseHash', type: 'bytes32' },
    { name: 'verificationRoot', type: 'bytes32' },
    { name: 'startedAt', type: 'uint64' },
    { name: 'finishedAt', type: 'uint64' },
  ],
  SpendingCap: [
    { name: 'client', type: 'address' },
    { name: 'scheduler', type: 'address' },
    { name: 'limit', type: 'uint128' },
    { name: 'expiry', type: 'uint64' },
    { name: 'nonce', type: 'uint256' },
  ],
  Verdict: [
    { name: 'receiptHash', type: 'bytes32' },
    { name: 'node', type: 'address' },
    { name: 'verifier', type: 'address' },
    { name: 'outcome', type: 'uint8' },
    { name: 'evidenceHash', type: 'bytes32' },
    { name: 'checkedAt', type: 'uint64' },
  ],
  LinkHello: [
    { name: 'peer', type: 'address' },
    { name: 'role', type: 'uint8' },
    { name: 'challenge', type: 'bytes32' },
    { name: 'issuedAt', type: 'uint64' },
  ],
  Agreement: [
    { name: 'kind', type: 'uint8' },
    { name: 'client', type: 'address' },
    { name: 'provider', type: 'address' },
    { name: 'payee', type: 'address' },
    { name: 'price', type: 'uint128' },
    { name: 'rate', type: 'uint128' },
    { name: 'maximumRate', type: 'uint128' },
    { name: 'start', type: 'uint64' },
    { name: 'duration', type: 'uint64' },
    { name: 'periods', type: 'uint32' },
    { name: 'acceptance', type: 'uint32' },
    { name: 'expiry', type: 'uint64' },
    { name: 'specification', type: 'bytes32' },
    { name: 'nonce', type: 'uint256' },
  ],
} as const;

export type TypeName = keyof typeof types;

const contracts = {
  'Vcity Settlement': '0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9',
  'Vcity Escrow': '0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9',
  'Vcity Link': '0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0',
  'Vcity Agreements': '0x5FC8d32690cc91D4c39d9d3abcBD16989F875707',
} as const satisfies Record<string, Address>;

type DomainName = keyof typeof contracts;
type Domain = Required<Pick<TypedDataDomain, 'name' | 'version' | 'verifyingContract'>> & { chainId: number };

const domainOf = (name: DomainName, chainId = 31337): Domain => ({
  name,
  version: '1',
  chainId,
  verifyingContract: contracts[name],
});

const domainFields = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
];

const separatorOf = (domain: Domain): Hex => domainSeparator({ domain });
const encodeType = (name: string, fields: readonly { name: string; type: string }[]) =>
  `${name}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})`;
const hashOf = (text: string): Hex => keccak256(stringToHex(text));

export function domainFile(): VectorFile {
  const names = Object.keys(contracts) as DomainName[];
  const cases = names.flatMap((name) => [1, 31337, 0xffffffff].map((chainId) => domainOf(name, chainId)));
  return {
    description: 'EIP-712 domain separators of {name, version, chainId, verifyingContract}',
    cases: cases.map((domain) => ({ ...plainFields(domain), separator: separatorOf(domain) })),
  };
}

export function typeFile(): VectorFile {
  const all = [['EIP712Domain', domainFields] as const, ...Object.entries(types)];
  return {
    description: 'EIP-712 type strings and type hashes',
    cases: all.map(([name, fields]) => {
      const type = encodeType(name, fields);
      return { name, type, typeHash: hashOf(type) };
    }),
  };
}

interface Signed {
  signature: Hex;
  fields: Case;
}

async function signTyped(name: TypeName, domainName: DomainName, message: object, signer: KeyName): Promise<Signed> {
  const domain = domainOf(domainName);
  const data = message as Record<string, unknown>;
  const definition = { domain, types, primaryType: name, message: data } as unknown as TypedDataDefinition;
  const digest = hashTypedData(definition);
  const signature = await account(signer).sign({ hash: digest });
  return {
    signature,
    fields: {
      ...plainFields(data),
      ...plainFields({ chainId: domain.chainId, verifyingContract: domain.verifyingContract }),
      structHash: hashStruct({ data, types, primaryType: name } as unknown as Parameters<typeof hashStruct>[0]),
      domainSeparator: separatorOf(domain),
      digest,
    },
  };
}

const zeroHash: Hex = `0x${'00'.repeat(32)}`;
const onesHash: Hex = `0x${'ff'.repeat(32)}`;
const zeroAddress: Address = `0x${'00'.repeat(20)}`;

const parties = { client: addressOf('client'), node: addressOf('node'), scheduler: addressOf('scheduler') };

export const receipts = {
  typical: {
    jobId: hashOf('job 1'),
    ...parties,
    fencingToken: 7n,
    inputUnits: 42n,
    outputUnits: 128n,
    amount: 2_345n,
    quote: 4_000n,
    modelRoot: hashOf('model'),
    requestHash: hashOf('request'),
    responseHash: hashOf('The network runs.'),
    verificationRoot: hashOf('trace'),
    startedAt: 1_795_341_600_000n,
    finishedAt: 1_795_341_601_250n,
  },
  zero: {
    jobId: zeroHash,
    ...parties,
    client: zeroAddress,
    fencingToken: 0n,
    inputUnits: 0n,
    outputUnits: 0n,
    amount: 0n,
    quote: 0n,
    modelRoot: zeroHash,
    requestHash: zeroHash,
    responseHash: zeroHash,
    verificationRoot: zeroHash,
    startedAt: 0n,
    finishedAt: 0n,
  },
  largest: {
    jobId: onesHash,
    ...parties,
    fencingToken: UINT64_MAX,
    inputUnits: UINT64_MAX,
    outputUnits: UINT64_MAX,
    amount: UINT128_MAX,
    quote: UINT128_MAX,
    modelRoot: onesHash,
    requestHash: onesHash,
    responseHash: onesHash,
    verificationRoot: onesHash,
    startedAt: UINT64_MAX,
    finishedAt: UINT64_MAX,
  },
};

export async function receiptFile(): Promise<VectorFile> {
  const cases = Object.entries(receipts).map(async ([name, receipt]) => {
    const node = await signTyped('UsageReceipt', 'Vcity Settlement', receipt, 'node');
    const scheduler = await signTyped('UsageReceipt', 'Vcity Settlement', receipt, 'scheduler');
    return {
      name,
      ...node.fields,
      nodeSignature: node.signature,
      schedulerSignature: scheduler.signature,
      leaf: receiptLeaf(node.fields['structHash'] as Hex, node.signature, scheduler.signature),
    };
  });
  return {
    description:
      'UsageReceipt: structHash (the receipt hash), digest in the domain "Vcity Settlement", the signatures of ' +
      'node and scheduler over it (keys in addresses.json), and the leaf of the receipts tree',
    cases: await Promise.all(cases),
  };
}

const day = 86_400n;
export const caps = {
  typical: {
    client: addressOf('client'),
    scheduler: addressOf('scheduler'),
    limit: 25_000_000n,
    expiry: 1_795_341_600n + 30n * day,
    nonce: 1n,
  },
  zero: { client: addressOf('client'), scheduler: zeroAddress, limit: 0n, expiry: 0n, nonce: 0n },
  largest: {
    client: addressOf('client'),
    scheduler: addressOf('scheduler'),
    limit: UINT128_MAX,
    expiry: UINT64_MAX,
    nonce: UINT256_MAX,
  },
};

export const verdicts = {
  accepted: {
    receiptHash: hashOf('receipt'),
    node: addressOf('node'),
    verifier: addressOf('verifier'),
    outcome: 0,
    evidenceHash: zeroHash,
    checkedAt: 1_795_341_602_000n,
  },
  rejected: {
    receiptHash: hashOf('receipt'),
    node: addressOf('node'),
    verifier: addressOf('verifier'),
    outcome: 1,
    evidenceHash: hashOf('evidence'),
    checkedAt: UINT64_MAX,
  },
};

const agreementOf = (kind: number, fields: object) => ({
  kind,
  client: addressOf('client'),
  provider: addressOf('node'),
  payee: addressOf('node'),
  price: 100_000_000n,
  rate: 0n,
  maximumRate: 0n,
  start: 1_795_341_600n,
  duration: 30n * day,
  periods: 1,
  acceptance: 0,
  expiry: 1_795_341_600n + day,
  specification: hashOf('what is to be done'),
  nonce: BigInt(kind),
  ...fields,
});

// The client signs these; the provider signs the same digest.
export const agreements = {
  task: agreementOf(0, { duration: day, acceptance: 7_200 }),
  subscription: agreementOf(1, { periods: 12 }),
  reserved: agreementOf(2, {}),
  spot: agreementOf(3, { rate: 5_000_000n, maximumRate: 12_000_000n }),
  largest: agreementOf(3, {
    price: UINT128_MAX,
    rate: UINT128_MAX,
    maximumRate: UINT128_MAX,
    start: UINT64_MAX,
    duration: UINT64_MAX,
    periods: 0xffffffff,
    acceptance: 0xffffffff,
    expiry: UINT64_MAX,
    specification: onesHash,
    nonce: UINT256_MAX,
  }),
};

const hellos = Object.fromEntries(
  (['node', 'scheduler', 'verifier', 'gateway'] as const).map((name, role) => [
    name,
    { peer: addressOf(name), role, challenge: hashOf(`challenge ${role}`), issuedAt: 1_795_341_600_000n },
  ]),
);

async function simpleFile(
  name: TypeName,
  domain: DomainName,
  messages: Record<string, object>,
  signerOf: (caseName: string) => KeyName,
): Promise<VectorFile> {
  const cases = Object.entries(messages).map(async ([caseName, message]) => {
    const { fields, signature } = await signTyped(name, domain, message, signerOf(caseName));
    return { name: caseName, ...fields, signer: addressOf(signerOf(caseName)), signature };
  });
  return {
    description: `${name}: structHash, digest in the domain "${domain}" and the signature over it`,
    cases: await Promise.all(cases),
  };
}

export const capFile = () => simpleFile('SpendingCap', 'Vcity Escrow', caps, () => 'client');
export const verdictFile = () => simpleFile('Verdict', 'Vcity Settlement', verdicts, () => 'verifier');
export const agreementFile = () => simpleFile('Agreement', 'Vcity Agreements', agreements, () => 'client');
export const linkHelloFile = () => simpleFile('LinkHello', 'Vcity Link', hellos, (name) => name as KeyName);

// keccak256(abi.encode(Charge[])), which a batch keeps of its charges.
export function chargeHashFile(): VectorFile {
  const lists = [0, 1, 3].map((count) =>
    Array.from({ length: count }, (_, index) => ({
      capId: hashOf(`cap ${index}`),
      amount: index === 2 ? UINT128_MAX : BigInt(index),
    })),
  );
  const fields = [
    { name: 'capId', type: 'bytes32' },
    { name: 'amount', type: 'uint128' },
  ];
  return {
    description: 'The hash of the charges of a batch: keccak256 of abi.encode((bytes32 capId, uint128 amount)[])',
    cases: lists.map((charges) => ({
      capIds: charges.map((charge) => charge.capId),
      amounts: charges.map((charge) => charge.amount.toString()),
      hash: keccak256(encodeAbiParameters([{ type: 'tuple[]', components: fields }] as never, [charges] as never)),
    })),
  };
}

// abi.encode of the struct behind its type hash, spelled out; the test compares it with viem's hashStruct.
export function structHashByHand(name: TypeName, message: Record<string, unknown>): Hex {
  const fields = types[name];
  const values = fields.map((field) => message[field.name]);
  return keccak256(
    encodeAbiParameters(
      [{ type: 'bytes32' }, ...fields.map((field) => ({ type: field.type }))] as never,
      [hashOf(encodeType(name, fields)), ...values] as never,
    ),
  );
}
