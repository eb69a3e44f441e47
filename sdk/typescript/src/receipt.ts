// SPDX-License-Identifier: Apache-2.0
import { encodeAbiParameters, hashStruct, hashTypedData, keccak256, recoverAddress } from "viem";
import { type Hex, rootOf } from "./merkle.js";
import { type Deployment, settlementDomain, usageReceiptTypes } from "./typed.js";

/** What node and scheduler signed about one job. Amounts in millionths of a dollar, times in unix milliseconds. */
export interface UsageReceipt {
  jobId: Hex;
  client: Hex;
  node: Hex;
  scheduler: Hex;
  fencingToken: bigint;
  inputUnits: bigint;
  outputUnits: bigint;
  amount: bigint;
  quote: bigint;
  modelRoot: Hex;
  requestHash: Hex;
  responseHash: Hex;
  verificationRoot: Hex;
  startedAt: bigint;
  finishedAt: bigint;
}

export interface SignedReceipt {
  receipt: UsageReceipt;
  nodeSignature: Hex;
  schedulerSignature: Hex;
}

export function receiptHash(receipt: UsageReceipt): Hex {
  return hashStruct({ data: { ...receipt }, primaryType: "UsageReceipt", types: usageReceiptTypes });
}

export function receiptDigest(receipt: UsageReceipt, deployment: Deployment): Hex {
  return hashTypedData({
    domain: settlementDomain(deployment),
    types: usageReceiptTypes,
    primaryType: "UsageReceipt",
    message: receipt,
  });
}

/** Leaf of the tree of a batch: keccak256(keccak256(receipt hash, hashes of both signatures)). */
export function receiptLeaf(hash: Hex, nodeSignature: Hex, schedulerSignature: Hex): Hex {
  const words = encodeAbiParameters(
    [{ type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }],
    [hash, keccak256(nodeSignature), keccak256(schedulerSignature)],
  );
  return keccak256(keccak256(words));
}

export type CheckName = "hash" | "within_quote" | "node_signature" | "scheduler_signature" | "in_batch";

export interface Check {
  name: CheckName;
  holds: boolean;
  /** What was compared, for people. */
  found: string;
  expected: string;
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const HIGHEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** As the contracts recover: 65 bytes, v 27 or 28, s in the lower half. Anything else is signed by nobody. */
export async function signerOf(digest: Hex, signature: Hex): Promise<Hex | null> {
  if (signature.length !== 132 || !/^1[bc]$/i.test(signature.slice(130))) return null;
  if (BigInt(`0x${signature.slice(66, 130)}`) > HIGHEST_S) return null;
  try {
    return await recoverAddress({ hash: digest, signature });
  } catch {
    return null;
  }
}

async function signedBy(digest: Hex, signature: Hex): Promise<string> {
  return (await signerOf(digest, signature)) ?? "no valid signature";
}

export interface Evidence {
  signed: SignedReceipt;
  deployment: Deployment;
  /** As the answer's header x-receipt says. */
  claimedHash?: Hex;
  /** Of the batch: the proof from the gateway, the root from the chain. */
  batch?: { proof: readonly Hex[]; root: Hex };
}

/** Everything that can be checked without trusting the gateway; needs no network. */
export async function checkReceipt({ signed, deployment, claimedHash, batch }: Evidence): Promise<Check[]> {
  const { receipt, nodeSignature, schedulerSignature } = signed;
  const hash = receiptHash(receipt);
  const digest = receiptDigest(receipt, deployment);
  const node = await signedBy(digest, nodeSignature);
  const scheduler = await signedBy(digest, schedulerSignature);
  const checks: Check[] = [
    { name: "hash", holds: !claimedHash || same(hash, claimedHash), found: hash, expected: claimedHash ?? hash },
    {
      name: "within_quote",
      holds: receipt.amount <= receipt.quote,
      found: receipt.amount.toString(),
      expected: `at most ${receipt.quote}`,
    },
    { name: "node_signature", holds: same(node, receipt.node), found: node, expected: receipt.node },
    {
      name: "scheduler_signature",
      holds: same(scheduler, receipt.scheduler),
      found: scheduler,
      expected: receipt.scheduler,
    },
  ];
  if (batch) {
    const root = rootOf(receiptLeaf(hash, nodeSignature, schedulerSignature), batch.proof);
    checks.push({ name: "in_batch", holds: same(root, batch.root), found: root, expected: batch.root });
  }
  return checks;
}

/** The receipt as the gateway writes it (GET /v1/generation). Throws when a field is missing or of another kind. */
export function readReceipt(json: Record<string, unknown>): SignedReceipt {
  const hex = (name: string, bytes: number): Hex => {
    const value = json[name];
    if (typeof value !== "string" || !new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`).test(value)) {
      throw new TypeError(`receipt.${name} is not ${bytes} bytes in hexadecimal`);
    }
    return value as Hex;
  };
  const whole = (name: string): bigint => {
    const value = json[name];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
    if (typeof value === "string" && /^\d{1,39}$/.test(value)) return BigInt(value);
    throw new TypeError(`receipt.${name} is not a whole number`);
  };
  return {
    receipt: {
      jobId: hex("job_id", 32),
      client: hex("client", 20),
      node: hex("node", 20),
      scheduler: hex("scheduler", 20),
      fencingToken: whole("fencing_token"),
      inputUnits: whole("input_units"),
      outputUnits: whole("output_units"),
      amount: whole("amount"),
      quote: whole("quote"),
      modelRoot: hex("model_root", 32),
      requestHash: hex("request_hash", 32),
      responseHash: hex("response_hash", 32),
      verificationRoot: hex("verification_root", 32),
      startedAt: whole("started_at"),
      finishedAt: whole("finished_at"),
    },
    nodeSignature: hex("node_signature", 65),
    schedulerSignature: hex("scheduler_signature", 65),
  };
}
