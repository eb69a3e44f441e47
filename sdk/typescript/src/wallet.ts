// SPDX-License-Identifier: Apache-2.0
// What a wallet does in the network, over viem. Every call is simulated before it is sent, and returns when it is mined.
import {
  type Account,
  type Address,
  type Chain,
  type Hex,
  type PublicClient,
  parseSignature,
  type Transport,
  type WalletClient,
} from "viem";
import { abiOfEscrow, abiOfVCAIGovernor, abiOfVCAIToken, abiOfVeVCAI } from "./abis.js";
import { type SpendingCap, spendingCapTypedData } from "./cap.js";
import type { Deployment } from "./typed.js";

export interface Clients {
  read: PublicClient;
  wallet: WalletClient<Transport, Chain | undefined, Account>;
}

export interface GovernanceAddresses {
  vcai: Address;
  ve: Address;
  governor: Address;
}

/** Support as the governor counts it. */
export const support = { against: 0, for: 1, abstain: 2 } as const;
export type Support = keyof typeof support;

/** The order of IVCAIGovernor.ProposalState. */
export const proposalStates = [
  "discussion",
  "openable",
  "voting",
  "succeeded",
  "queued",
  "executable",
  "executed",
  "defeated",
  "expired",
  "cancelled",
] as const;
export type ProposalState = (typeof proposalStates)[number];

/** Raised when a transaction was mined and failed. */
export class TransactionFailed extends Error {
  constructor(readonly transaction: Hex) {
    super(`transaction ${transaction} was refused by the chain`);
    this.name = "TransactionFailed";
  }
}

async function mined({ read }: Clients, hash: Hex): Promise<Hex> {
  const receipt = await read.waitForTransactionReceipt({ hash });
  if (receipt.status !== "success") throw new TransactionFailed(hash);
  return hash;
}

/** The wallet shows who may charge, how much and until when. Nothing is sent. */
export function signCap({ wallet }: Pick<Clients, "wallet">, cap: SpendingCap, deployment: Deployment): Promise<Hex> {
  return wallet.signTypedData({ account: wallet.account, ...spendingCapTypedData(cap, deployment) });
}

/** Allows exactly `amount`, never more, and only where less is allowed. Null: nothing had to be done. */
export async function allowExactly(clients: Clients, token: Address, spender: Address, amount: bigint) {
  const { read, wallet } = clients;
  const call = { address: token, abi: abiOfVCAIToken } as const;
  const present = await read.readContract({
    ...call,
    functionName: "allowance",
    args: [wallet.account.address, spender],
  });
  if (present >= amount) return null;
  const { request } = await read.simulateContract({
    ...call,
    functionName: "approve",
    args: [spender, amount],
    account: wallet.account,
  });
  return mined(clients, await wallet.writeContract(request));
}

const permitSeconds = 3600n;
const permitTypes = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

export interface Permit {
  deadline: bigint;
  signature: Hex;
}

/** What a permit (ERC-2612) of this token is signed with; null: the token has none. */
async function permitTerms({ read, wallet }: Clients, token: Address) {
  const call = { address: token, abi: abiOfVCAIToken } as const;
  try {
    const [nonce, [, name, version, chainId, verifyingContract]] = await Promise.all([
      read.readContract({ ...call, functionName: "nonces", args: [wallet.account.address] }),
      read.readContract({ ...call, functionName: "eip712Domain" }),
    ]);
    return { nonce, domain: { name, version, chainId: Number(chainId), verifyingContract } };
  } catch {
    return null;
  }
}

/** The wallet shows who may take exactly `amount`, within the hour. Nothing is sent. Null: the token has no permits. */
export async function signPermit(clients: Clients, token: Address, spender: Address, amount: bigint): Promise<Permit | null> {
  const terms = await permitTerms(clients, token);
  if (!terms) return null;
  const { account } = clients.wallet;
  // The chain's clock decides, and it may be ahead of ours.
  const { timestamp } = await clients.read.getBlock();
  const now = BigInt(Math.floor(Date.now() / 1000));
  const deadline = (timestamp > now ? timestamp : now) + permitSeconds;
  const signature = await clients.wallet.signTypedData({
    account,
    domain: terms.domain,
    types: permitTypes,
    primaryType: "Permit",
    message: { owner: account.address, spender, value: amount, nonce: terms.nonce, deadline },
  });
  return { deadline, signature };
}

/**
 * Puts `amount` of the stablecoin (its base units) into the account that jobs are paid from: one signature and one
 * transaction where the token has permits (ERC-2612), else an approval of exactly that much first.
 */
export async function deposit(clients: Clients, stable: Address, escrow: Address, amount: bigint): Promise<Hex> {
  const { account } = clients.wallet;
  const call = { address: escrow, abi: abiOfEscrow, account } as const;
  const permit = await signPermit(clients, stable, escrow, amount);
  if (permit) {
    const { r, s, yParity } = parseSignature(permit.signature);
    const { request } = await clients.read.simulateContract({
      ...call,
      functionName: "depositWithPermit",
      args: [account.address, amount, permit.deadline, 27 + yParity, r, s],
    });
    return mined(clients, await clients.wallet.writeContract(request));
  }
  await allowExactly(clients, stable, escrow, amount);
  const { request } = await clients.read.simulateContract({
    ...call,
    functionName: "deposit",
    args: [account.address, amount],
  });
  return mined(clients, await clients.wallet.writeContract(request));
}

/** Adds `amount` base units to the sender's lock, which then ends with `endWeek` (counted from the contract's origin). */
export async function lock(clients: Clients, at: GovernanceAddresses, amount: bigint, endWeek: bigint): Promise<Hex> {
  if (amount > 0n) await allowExactly(clients, at.vcai, at.ve, amount);
  const { request } = await clients.read.simulateContract({
    address: at.ve,
    abi: abiOfVeVCAI,
    functionName: "lock",
    args: [amount, endWeek],
    account: clients.wallet.account,
  });
  return mined(clients, await clients.wallet.writeContract(request));
}

export async function withdrawLock(clients: Clients, at: GovernanceAddresses): Promise<Hex> {
  const { request } = await clients.read.simulateContract({
    address: at.ve,
    abi: abiOfVeVCAI,
    functionName: "withdraw",
    account: clients.wallet.account,
  });
  return mined(clients, await clients.wallet.writeContract(request));
}

export async function claimRewards(clients: Clients, at: GovernanceAddresses): Promise<Hex> {
  const { request } = await clients.read.simulateContract({
    address: at.ve,
    abi: abiOfVeVCAI,
    functionName: "claim",
    args: [clients.wallet.account.address],
    account: clients.wallet.account,
  });
  return mined(clients, await clients.wallet.writeContract(request));
}

export async function castVote(clients: Clients, governor: Address, id: bigint, vote: Support): Promise<Hex> {
  const { request } = await clients.read.simulateContract({
    address: governor,
    abi: abiOfVCAIGovernor,
    functionName: "castVote",
    args: [id, support[vote]],
    account: clients.wallet.account,
  });
  return mined(clients, await clients.wallet.writeContract(request));
}

/** Steps of a proposal that anybody may take when their time has come. */
export async function advanceProposal(
  clients: Clients,
  governor: Address,
  id: bigint,
  step: "openVote" | "queue" | "execute",
): Promise<Hex> {
  const { request } = await clients.read.simulateContract({
    address: governor,
    abi: abiOfVCAIGovernor,
    functionName: step,
    args: [id],
    account: clients.wallet.account,
  });
  return mined(clients, await clients.wallet.writeContract(request));
}

export interface LockState {
  /** What is locked, its strength, and the week with which it ends; zeros: no lock. */
  amount: bigint;
  strength: bigint;
  endWeek: bigint;
  weight: bigint;
  claimable: bigint;
  totalWeight: bigint;
  totalLocked: bigint;
  /** What still streams to all locks, and until when (unix seconds). */
  streamLeft: bigint;
  streamEnds: bigint;
  /** Unix seconds; times of locks count from here. */
  origin: bigint;
  linearBelow: bigint;
}

/** Everything that a page about locks shows, at one block. */
export async function readLock(read: PublicClient, ve: Address, user: Address): Promise<LockState> {
  const blockNumber = await read.getBlockNumber();
  const at = { address: ve, abi: abiOfVeVCAI, blockNumber } as const;
  const [held, weight, claimable, totalWeight, totalLocked, stream, origin, parameters] = await Promise.all([
    read.readContract({ ...at, functionName: "locks", args: [user] }),
    read.readContract({ ...at, functionName: "weightOf", args: [user] }),
    read.readContract({ ...at, functionName: "claimable", args: [user] }),
    read.readContract({ ...at, functionName: "totalWeight" }),
    read.readContract({ ...at, functionName: "totalLocked" }),
    read.readContract({ ...at, functionName: "stream" }),
    read.readContract({ ...at, functionName: "origin" }),
    read.readContract({ ...at, functionName: "parameters" }),
  ]);
  return {
    amount: held.amount,
    strength: held.root,
    endWeek: BigInt(held.endWeek),
    weight,
    claimable,
    totalWeight,
    totalLocked,
    streamLeft: stream[0],
    streamEnds: stream[2],
    origin,
    linearBelow: parameters.linearBelow,
  };
}
