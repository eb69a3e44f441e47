// SPDX-License-Identifier: Apache-2.0
// Finds a receipt and checks it in the browser. Heavy with viem, so it is loaded when somebody checks.
import {
  abiOfSettlement,
  type Check,
  checkReceipt,
  climb,
  deploymentOf,
  type NetworkInfo,
  readReceipt,
  receiptHash,
  receiptLeaf,
  type SignedReceipt,
} from "@vcity/sdk";
import { ApiError, getJson } from "../../lib/api";
import { clientsOf, type Hex, type Listed } from "../../lib/chain";
import type { Wallet } from "../../lib/wallet";
import type { ChainBatch } from "./data";

export interface Found {
  receipt: Record<string, unknown>;
  batch: { index: number; transaction: Hex | null; proof: Hex[] } | null;
}

export interface Report {
  signed: SignedReceipt;
  hash: Hex;
  checks: Check[];
  leaf: Hex;
  steps: { sibling: Hex; hash: Hex }[];
  batch: Found["batch"];
  root: { value: Hex; from: "chain" | "explorer" } | null;
}

export class NotAReceipt extends Error {}
export class NoReceiptYet extends Error {}

interface Wire {
  receipt?: Record<string, unknown> | null;
  batch?: Found["batch"];
  data?: Wire;
}

function foundIn(wire: Wire): Found {
  const inner = wire.data ?? wire;
  if (!inner.receipt) throw new NoReceiptYet();
  return { receipt: inner.receipt, batch: inner.batch?.proof ? inner.batch : null };
}

/** By generation id (needs a key), by the receipt's hash (public), or the JSON itself. */
export async function find(given: string): Promise<Found> {
  const text = given.trim();
  if (text.startsWith("{")) {
    try {
      const wire = JSON.parse(text) as Wire & Record<string, unknown>;
      return "node_signature" in wire ? { receipt: wire, batch: null } : foundIn(wire);
    } catch (failure) {
      if (failure instanceof NoReceiptYet) throw failure;
      throw new NotAReceipt();
    }
  }
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) {
    return foundIn(await getJson<Wire>(`/api/v1/receipts/${text.toLowerCase()}`, { token: null }));
  }
  if (!/^[\w-]{8,128}$/.test(text)) throw new NotAReceipt();
  return foundIn(await getJson<Wire>("/v1/generation", { query: { id: text } }));
}

async function rootOnChain(wallet: Wallet, network: NetworkInfo, scheduler: Hex, index: number): Promise<Hex> {
  const { read } = await clientsOf(wallet, network);
  const address = deploymentOf(network).settlement;
  const call = { address, abi: abiOfSettlement, functionName: "batchOf" } as const;
  return (await read.readContract({ ...call, args: [scheduler, BigInt(index)] })).receiptsRoot;
}

async function rootInExplorer(scheduler: Hex, index: number): Promise<Hex | null> {
  let cursor: string | undefined;
  for (let page = 0; page < 20; ++page) {
    const list = await getJson<Listed<ChainBatch>>("/api/v1/batches", {
      query: { limit: 1_000, cursor },
      token: null,
    }).catch((failure: unknown) => {
      if (failure instanceof ApiError) return { data: [], next_cursor: null };
      throw failure;
    });
    const same = (row: ChainBatch) => row.index === index && row.scheduler.toLowerCase() === scheduler.toLowerCase();
    const batch = list.data.find(same);
    if (batch) return batch.receipts_root;
    if (!list.next_cursor) return null;
    cursor = list.next_cursor;
  }
  return null;
}

/** wallet: null when none is connected; then the root is the explorer's word. */
export async function check(given: string, network: NetworkInfo, wallet: Wallet | null): Promise<Report> {
  const { receipt, batch } = await find(given);
  const signed = readReceipt(receipt);
  const scheduler = signed.receipt.scheduler;
  let root: Report["root"] = null;
  if (batch) {
    const value = wallet
      ? await rootOnChain(wallet, network, scheduler, batch.index)
      : await rootInExplorer(scheduler, batch.index);
    if (value) root = { value, from: wallet ? "chain" : "explorer" };
  }
  const claimed = typeof receipt.hash === "string" ? { claimedHash: receipt.hash as Hex } : {};
  const placed = batch && root ? { batch: { proof: batch.proof, root: root.value } } : {};
  const checks = await checkReceipt({ signed, deployment: deploymentOf(network), ...claimed, ...placed });
  const hash = receiptHash(signed.receipt);
  const leaf = receiptLeaf(hash, signed.nodeSignature, signed.schedulerSignature);
  return { signed, hash, checks, leaf, steps: batch ? climb(leaf, batch.proof) : [], batch, root };
}
