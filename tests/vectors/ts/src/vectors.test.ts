// SPDX-License-Identifier: Apache-2.0
// Reads the committed files as any other user of them does, and checks that they are what the generator gives.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Hex,
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionData,
  fromRlp,
  keccak256,
  parseTransaction,
  recoverAddress,
  recoverTransactionAddress,
  size,
} from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { abiOf } from './calls.js';
import { WAD, isqrt, lnWad, splitExactly, streamIncrement } from './economy.js';
import type { Case, VectorFile } from './common.js';
import { allFiles, folder, render } from './files.js';
import { earningsLeaf, receiptLeaf, rootFromProof } from './tree.js';
import { type TypeName, structHashByHand } from './typed.js';

const read = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as VectorFile;
const hex = (fields: Case, name: string): Hex => fields[name] as Hex;
const text = (fields: Case, name: string): string => fields[name] as string;

// What the contracts and the C++ side accept: 65 bytes, v of 27 or 28, low s, and the right signer.
async function isValid(signer: Hex, digest: Hex, signature: Hex): Promise<boolean> {
  const half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
  if (size(signature) !== 65 || !['1b', '1c'].includes(signature.slice(-2))) return false;
  if (BigInt(`0x${signature.slice(66, 130)}`) > half) return false;
  try {
    return (await recoverAddress({ hash: digest, signature })).toLowerCase() === signer.toLowerCase();
  } catch {
    return false;
  }
}

test('the committed files are fresh and there are no others', async () => {
  const files = await allFiles();
  for (const [name, file] of files) {
    assert.equal(readFileSync(new URL(`${name}.json`, folder), 'utf8'), render(file), `${name}.json is stale`);
  }
  const present = ['', 'economy/'].flatMap((part) =>
    readdirSync(new URL(part, folder))
      .filter((name) => name.endsWith('.json'))
      .map((name) => part + name),
  );
  assert.deepEqual(present.sort(), [...files.keys()].map((name) => `${name}.json`).sort());
});

test('keys give their addresses', () => {
  for (const fields of read('addresses').cases) {
    assert.equal(privateKeyToAddress(hex(fields, 'privateKey')), fields['checksum']);
    assert.equal(`0x${keccak256(`0x${text(fields, 'publicKey').slice(4)}`).slice(-40)}`, fields['address']);
  }
});

test('struct hashes follow from the fields', () => {
  const files: [string, TypeName][] = [
    ['usage_receipts', 'UsageReceipt'],
    ['spending_caps', 'SpendingCap'],
    ['verdicts', 'Verdict'],
    ['link_hellos', 'LinkHello'],
    ['agreements', 'Agreement'],
  ];
  for (const [file, type] of files) {
    for (const fields of read(file).cases) assert.equal(structHashByHand(type, fields), fields['structHash']);
  }
});

test('digests follow from separator and struct hash, and signatures recover', async () => {
  for (const file of ['usage_receipts', 'spending_caps', 'verdicts', 'link_hellos', 'agreements']) {
    for (const fields of read(file).cases) {
      const parts = text(fields, 'domainSeparator').slice(2) + text(fields, 'structHash').slice(2);
      assert.equal(keccak256(`0x1901${parts}`), fields['digest']);
      const pairs =
        file === 'usage_receipts'
          ? [['node', 'nodeSignature'] as const, ['scheduler', 'schedulerSignature'] as const]
          : [['signer', 'signature'] as const];
      for (const [signer, signature] of pairs) {
        assert.ok(await isValid(hex(fields, signer), hex(fields, 'digest'), hex(fields, signature)));
      }
    }
  }
});

test('only the valid signature is valid', async () => {
  for (const fields of read('signatures').cases) {
    const valid = await isValid(hex(fields, 'signer'), hex(fields, 'digest'), hex(fields, 'signature'));
    assert.equal(valid, fields['valid'], text(fields, 'name'));
  }
});

test('Merkle proofs lead to the root', () => {
  for (const file of ['merkle_proofs', 'earnings']) {
    for (const fields of read(file).cases) {
      assert.equal(rootFromProof(hex(fields, 'leaf'), fields['proof'] as Hex[]), fields['root']);
    }
  }
  for (const fields of read('earnings').cases) {
    assert.equal(earningsLeaf(hex(fields, 'node'), BigInt(text(fields, 'cumulative'))), fields['leaf']);
  }
  for (const fields of read('usage_receipts').cases) {
    const signatures = [hex(fields, 'nodeSignature'), hex(fields, 'schedulerSignature')] as const;
    assert.equal(receiptLeaf(hex(fields, 'structHash'), ...signatures), fields['leaf']);
  }
});

test('RLP decodes to what was encoded', () => {
  for (const fields of read('rlp').cases) assert.deepEqual(fromRlp(hex(fields, 'encoded')), fields['input']);
});

test('calls, events and errors decode to their names', () => {
  for (const fields of read('abi_calls').cases) {
    const { functionName } = decodeFunctionData({ abi: abiOf(text(fields, 'contract')), data: hex(fields, 'calldata') });
    assert.ok(text(fields, 'signature').startsWith(`${functionName}(`));
  }
  for (const fields of read('abi_events').cases) {
    const topics = fields['topics'] as [Hex, ...Hex[]];
    assert.equal(topics[0], fields['topic0']);
    const { eventName } = decodeEventLog({
      abi: abiOf(text(fields, 'contract')),
      topics,
      data: hex(fields, 'data'),
    });
    assert.ok(text(fields, 'signature').startsWith(`${eventName}(`));
  }
  for (const fields of read('abi_errors').cases) {
    const { errorName } = decodeErrorResult({ abi: abiOf(text(fields, 'contract')), data: hex(fields, 'data') });
    assert.ok(text(fields, 'signature').startsWith(`${errorName}(`));
  }
});

test('transactions recover their sender', async () => {
  for (const fields of read('transactions').cases) {
    const raw = hex(fields, 'raw') as never;
    assert.equal(await recoverTransactionAddress({ serializedTransaction: raw }), fields['from']);
    const parsed = parseTransaction(raw) as { nonce?: number; value?: bigint; to?: Hex | null };
    assert.equal(String(parsed.nonce ?? 0), fields['nonce']);
    assert.equal(String(parsed.value ?? 0n), fields['value']);
    assert.equal(parsed.to?.toLowerCase() ?? '0x', text(fields, 'to').toLowerCase());
  }
});

test('the economy keeps what it promises', () => {
  const number = (fields: Case, name: string) => BigInt(text(fields, name));
  for (const fields of read('economy/ln_wads').cases) {
    const exact = Math.log(Number(fields['x']) / 1e18);
    assert.ok(Math.abs(Number(lnWad(number(fields, 'x'))) / 1e18 - exact) < 1e-12 * Math.max(1, exact));
  }
  for (const fields of read('economy/stream_increments').cases) {
    const [weightStart, decay, emission] = ['weightStart', 'decay', 'emission'].map((name) => number(fields, name));
    const { i0, j } = streamIncrement({
      weightStart: weightStart!,
      weightEnd: number(fields, 'weightEnd'),
      decay: decay!,
      emission: emission!,
    });
    assert.ok(weightStart! * i0 - decay! * j <= emission!);
  }
  for (const fields of read('economy/exact_splits').cases) {
    const weights = (fields['weights'] as string[]).map(BigInt);
    const shares = splitExactly(number(fields, 'amount'), weights);
    const expected = weights.some((weight) => weight > 0n) ? number(fields, 'amount') : 0n;
    assert.equal(
      shares.reduce((sum, share) => sum + share, 0n),
      expected,
    );
  }
  assert.equal(isqrt(10n ** 36n), WAD);
});
