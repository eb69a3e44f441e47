// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type Hex, concat, encodeAbiParameters, getContractAddress, hexToBytes, keccak256, stringToHex, toHex, toRlp } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type KeyName, UINT64_MAX, UINT256_MAX, type VectorFile, account, addressOf, keys } from './common.js';

export function keccakFile(): VectorFile {
  const texts: [string, Hex][] = [
    ['empty', '0x'],
    ['one zero byte', '0x00'],
    ['abc', stringToHex('abc')],
    ['one byte under the rate', toHex(new Uint8Array(135).fill(0x61))],
    ['exactly the rate', toHex(new Uint8Array(136).fill(0x61))],
    ['one byte over the rate', toHex(new Uint8Array(137).fill(0x61))],
    ['two blocks', toHex(new Uint8Array(272).map((_, i) => i & 0xff))],
    ['response text in English', stringToHex('The network runs.')],
    ['response text in Chinese', stringToHex('网络已经运行。')],
    ['a word of ones', toHex(UINT256_MAX, { size: 32 })],
  ];
  return {
    description: 'keccak-256 (original padding, as in Ethereum) of byte strings; also response hashes of UTF-8 texts',
    cases: texts.map(([name, input]) => ({ name, input, hash: keccak256(input) })),
  };
}

export function addressFile(): VectorFile {
  const named = (Object.keys(keys) as KeyName[]).map((name): [string, Hex] => [name, keys[name]]);
  const edges: [string, Hex][] = [
    ['smallest key', toHex(1n, { size: 32 })],
    ['largest key', '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140'],
  ];
  return {
    description: 'secp256k1 key to uncompressed public key, address (lower case and EIP-55) and DID on chain 31337',
    cases: [...named, ...edges].map(([name, privateKey]) => {
      const { publicKey, address } = privateKeyToAccount(privateKey);
      const lower = address.toLowerCase();
      return { name, privateKey, publicKey, address: lower, checksum: address, did: `did:ethr:0x7a69:${lower}` };
    }),
  };
}

export function createAddressFile(): VectorFile {
  const nonces = [0n, 1n, 127n, 128n, 255n, 256n, UINT64_MAX - 1n];
  return {
    description: 'address of a contract made by CREATE: last 20 bytes of keccak256(rlp([sender, nonce]))',
    cases: nonces.map((nonce) => ({
      name: `nonce ${nonce}`,
      sender: addressOf('deployer'),
      nonce: nonce.toString(),
      address: getContractAddress({ from: addressOf('deployer'), nonce }),
    })),
  };
}

export function jobIdFile(): VectorFile {
  const nonces = [0n, 1n, UINT256_MAX].map((value) => toHex(value, { size: 32 }));
  return {
    description: 'jobId = keccak256(abi.encode(address client, address scheduler, bytes32 nonce))',
    cases: nonces.map((nonce, i) => ({
      name: `job ${i}`,
      client: addressOf('client'),
      scheduler: addressOf('scheduler'),
      nonce,
      jobId: keccak256(
        encodeAbiParameters(
          [{ type: 'address' }, { type: 'address' }, { type: 'bytes32' }],
          [addressOf('client'), addressOf('scheduler'), nonce],
        ),
      ),
    })),
  };
}

// Nested lists of byte strings, as viem takes them.
type RlpInput = Hex | RlpInput[];

export function rlpFile(): VectorFile {
  const inputs: [string, RlpInput][] = [
    ['empty string', '0x'],
    ['byte 00', '0x00'],
    ['byte 7f', '0x7f'],
    ['byte 80', '0x80'],
    ['55 bytes', toHex(new Uint8Array(55).fill(1))],
    ['56 bytes', toHex(new Uint8Array(56).fill(1))],
    ['1024 bytes', toHex(new Uint8Array(1024).fill(0xab))],
    ['empty list', []],
    ['list of words', [stringToHex('cat'), stringToHex('dog')]],
    ['set of three', [[], [[]], [[], [[]]]]],
    ['list of 55 bytes of content', Array.from({ length: 55 }, (): Hex => '0x01')],
    ['list of 56 bytes of content', Array.from({ length: 56 }, (): Hex => '0x01')],
    ['mixed', ['0x0400', [toHex(new Uint8Array(60).fill(7)), '0x'], addressOf('node').toLowerCase() as Hex]],
  ];
  return {
    description: 'RLP: a string is a byte string, an array is a list',
    cases: inputs.map(([name, input]) => ({ name, input, encoded: toRlp(input) })),
  };
}

// A signature over a fixed digest, and everything that must be refused in its place.
export async function signatureFile(): Promise<VectorFile> {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const digest = keccak256(stringToHex('vcity signature vectors'));
  const good = await account('node').sign({ hash: digest });
  const r = good.slice(2, 66);
  const s = BigInt(`0x${good.slice(66, 130)}`);
  const v = good.slice(130);
  const word = (value: bigint) => value.toString(16).padStart(64, '0');
  const other = await account('client').sign({ hash: digest });
  const variants: [string, string, boolean][] = [
    ['valid', good, true],
    ['high s, flipped v', `0x${r}${word(order - s)}${v === '1b' ? '1c' : '1b'}`, false],
    ['high s, same v', `0x${r}${word(order - s)}${v}`, false],
    ['flipped v', `0x${r}${word(s)}${v === '1b' ? '1c' : '1b'}`, false],
    ['v of 0 or 1', `0x${r}${word(s)}${v === '1b' ? '00' : '01'}`, false],
    ['v of 29', `0x${r}${word(s)}1d`, false],
    ['r zero', `0x${word(0n)}${word(s)}${v}`, false],
    ['s zero', `0x${r}${word(0n)}${v}`, false],
    ['r is the order', `0x${word(order)}${word(s)}${v}`, false],
    ['s is the order', `0x${r}${word(order)}${v}`, false],
    ['64 bytes', `0x${r}${word(s)}`, false],
    ['66 bytes', `0x${r}${word(s)}${v}00`, false],
    ['empty', '0x', false],
    ['of another signer', other, false],
  ];
  return {
    description: 'whether signature is a valid 65-byte low-s signature (r || s || v, v 27 or 28) of signer over digest',
    cases: variants.map(([name, signature, valid]) => ({
      name,
      signer: addressOf('node'),
      digest,
      signature,
      valid,
    })),
  };
}

// What a monitor's evidence is bound to; docs/monitor.md.
export function monitorReportFile(): VectorFile {
  const sha = (name: 'sha256' | 'sha512', data: Hex): Hex =>
    `0x${createHash(name).update(hexToBytes(data)).digest('hex')}`;
  const epochs = [0n, 1n, 255n, 256n, 490_000n, UINT64_MAX];
  return {
    description:
      'Report data of monitors: SHA-512("vcity-mon-v1" || monitor_key || policy || model_root || epoch as 8 bytes big-endian || nonce), monitor_key = keccak-256(monitor_point); device_nonce = SHA-256(report_data) for TPMs and GPUs',
    cases: epochs.map((epoch, i) => {
      const word = (name: string) => keccak256(stringToHex(`${name} ${i}`));
      const point = concat([word('x'), word('y')]);
      const [policy, root, nonce] = [word('policy'), word('model root'), word('nonce')];
      const key = keccak256(point);
      const data = concat([stringToHex('vcity-mon-v1'), key, policy, root, toHex(epoch, { size: 8 }), nonce]);
      const report = sha('sha512', data);
      return {
        monitor_point: point,
        monitor_key: key,
        policy,
        model_root: root,
        epoch: epoch.toString(),
        nonce,
        report_data: report,
        device_nonce: sha('sha256', report),
      };
    }),
  };
}
