// SPDX-License-Identifier: Apache-2.0
import { addressFile, createAddressFile, jobIdFile, keccakFile, monitorReportFile, rlpFile, signatureFile } from './basics.js';
import { callFile, errorFile, eventFile } from './calls.js';
import type { Value, VectorFile } from './common.js';
import { economyFiles } from './economy_files.js';
import { chargeFile, feeFile } from './money.js';
import { transactionFile } from './transactions.js';
import { earningsFile, merkleProofFile, merkleRootFile, receiptLeafFile } from './tree.js';
import {
  agreementFile,
  capFile,
  chargeHashFile,
  domainFile,
  linkHelloFile,
  receiptFile,
  typeFile,
  verdictFile,
} from './typed.js';

export const folder = new URL('../../', import.meta.url);

// Every vector file by name, computed afresh.
export async function allFiles(): Promise<Map<string, VectorFile>> {
  return new Map<string, VectorFile>([
    ['keccak256', keccakFile()],
    ['addresses', addressFile()],
    ['create_addresses', createAddressFile()],
    ['signatures', await signatureFile()],
    ['eip712_domains', domainFile()],
    ['eip712_types', typeFile()],
    ['usage_receipts', await receiptFile()],
    ['spending_caps', await capFile()],
    ['verdicts', await verdictFile()],
    ['link_hellos', await linkHelloFile()],
    ['agreements', await agreementFile()],
    ['charge_hashes', chargeHashFile()],
    ['job_ids', jobIdFile()],
    ['receipt_leaves', receiptLeafFile()],
    ['earnings', earningsFile()],
    ['merkle_roots', merkleRootFile()],
    ['merkle_proofs', merkleProofFile()],
    ['charges', chargeFile()],
    ['fees', feeFile()],
    ['monitor_report_data', monitorReportFile()],
    ['rlp', rlpFile()],
    ['abi_calls', callFile()],
    ['abi_events', eventFile()],
    ['abi_errors', errorFile()],
    ['transactions', await transactionFile()],
    ...economyFiles().map(([name, file]): [string, VectorFile] => [`economy/${name}`, file]),
  ]);
}

// One line for each value, so that a change reads well in review.
export function render(file: VectorFile): string {
  const line = (value: Value) => JSON.stringify(value);
  const cases = file.cases.map((fields) => {
    const lines = Object.entries(fields).map(([name, value]) => `      ${JSON.stringify(name)}: ${line(value)}`);
    return `    {\n${lines.join(',\n')}\n    }`;
  });
  return `{\n  "description": ${JSON.stringify(file.description)},\n  "cases": [\n${cases.join(',\n')}\n  ]\n}\n`;
}
