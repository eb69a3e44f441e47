// SPDX-License-Identifier: Apache-2.0
import { type Hex, type TransactionSerializable, keccak256, pad, parseTransaction, serializeTransaction } from 'viem';
import { type Case, UINT64_MAX, type VectorFile, account, addressOf, keys } from './common.js';

const legacy = { type: 'legacy', chainId: 31337, gasPrice: 2_000_000_000n, gas: 100_000n } as const;
const fees = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };
const modern = { type: 'eip1559', chainId: 31337, gas: 5_000_000n, ...fees } as const;
const to = addressOf('node');
const longData: Hex = `0x${'c0de'.repeat(150)}`;

const transactions: [string, TransactionSerializable][] = [
  ['legacy transfer', { ...legacy, nonce: 0, to, value: 1n }],
  ['legacy call, large chain id', { ...legacy, chainId: 0xffffffff, nonce: 200, to, value: 0n, data: '0xdeadbeef' }],
  ['legacy creation', { ...legacy, nonce: 7, value: 0n, data: longData }],
  ['EIP-1559 transfer of zero', { ...modern, nonce: 0, to, value: 0n }],
  ['EIP-1559 call', { ...modern, nonce: 128, to, value: 10n ** 18n, data: longData }],
  ['EIP-1559 creation', { ...modern, nonce: 65_536, value: 0n, data: longData }],
  [
    'EIP-1559 with wide values',
    { ...modern, nonce: 1, to, value: 2n ** 200n, maxFeePerGas: UINT64_MAX, maxPriorityFeePerGas: UINT64_MAX },
  ],
];

async function caseOf(name: string, transaction: TransactionSerializable): Promise<Case> {
  const unsigned = serializeTransaction(transaction);
  const raw = await account('deployer').signTransaction(transaction);
  const parsed = parseTransaction(raw as Hex) as { r: Hex; s: Hex; v?: bigint; yParity?: number };
  const isLegacy = transaction.type === 'legacy';
  return {
    name,
    type: isLegacy ? 'legacy' : 'eip1559',
    privateKey: keys.deployer,
    from: addressOf('deployer'),
    chainId: String(transaction.chainId),
    nonce: String(transaction.nonce),
    gasPrice: isLegacy ? String(transaction.gasPrice) : '0',
    maxPriorityFeePerGas: isLegacy ? '0' : String(transaction.maxPriorityFeePerGas),
    maxFeePerGas: isLegacy ? '0' : String(transaction.maxFeePerGas),
    gas: String(transaction.gas),
    to: transaction.to ?? '0x',
    value: String(transaction.value),
    data: transaction.data ?? '0x',
    unsigned,
    signingHash: keccak256(unsigned),
    r: pad(parsed.r, { size: 32 }),
    s: pad(parsed.s, { size: 32 }),
    v: isLegacy ? String(parsed.v) : String(parsed.yParity),
    raw,
    hash: keccak256(raw as Hex),
  };
}

export async function transactionFile(): Promise<VectorFile> {
  return {
    description:
      'Signed transactions: legacy with EIP-155 and EIP-1559. An empty `to` (0x) creates a contract; v is the EIP-155 ' +
      'value for legacy and the y parity for EIP-1559; fees that do not apply are 0; signatures are RFC 6979',
    cases: await Promise.all(transactions.map(([name, transaction]) => caseOf(name, transaction))),
  };
}
