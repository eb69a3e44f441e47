// SPDX-License-Identifier: Apache-2.0
// The rules of the network that votes can change: what parameters() of a contract says, and the call of
// setParameters() that a proposal makes.
import { type Address, decodeFunctionData, encodeFunctionData, type Hex, isAddress } from "viem";
import { ruleTables } from "./ruletables.js";
import type { Clients } from "./wallet.js";

export type RuleContract = keyof typeof ruleTables;

export type RuleName = { [C in RuleContract]: keyof (typeof ruleTables)[C] }[RuleContract];

export interface Rule {
  name: RuleName;
  /** As Solidity calls it, e.g. "uint32" or "address". */
  type: string;
  /** A decimal number or an address. */
  value: string;
}

export const ruleContracts = Object.keys(ruleTables) as RuleContract[];

function fieldsOf(contract: RuleContract): { name: RuleName; type: string }[] {
  return Object.entries(ruleTables[contract]).map(([name, type]) => ({ name: name as RuleName, type }));
}

function abiOf(contract: RuleContract) {
  const tuple = { name: "value", type: "tuple", components: fieldsOf(contract) };
  return [
    { type: "function", name: "parameters", inputs: [], outputs: [tuple], stateMutability: "view" },
    { type: "function", name: "setParameters", inputs: [tuple], outputs: [], stateMutability: "nonpayable" },
  ] as const;
}

function asRules(contract: RuleContract, values: Record<string, unknown>): Rule[] {
  return fieldsOf(contract).map((field) => ({ ...field, value: String(values[field.name]) }));
}

/** Whether a field of this type can have this value; numbers are decimal, without signs or separators. */
export function isRuleValue(type: string, value: string): boolean {
  if (type === "address") return isAddress(value, { strict: false });
  const bits = /^uint(\d+)$/.exec(type)?.[1];
  return bits !== undefined && /^\d{1,78}$/.test(value) && BigInt(value) < 2n ** BigInt(bits);
}

/** The rules that are in force. */
export async function readRules({ read }: Clients, contract: RuleContract, address: Address): Promise<Rule[]> {
  const values = await read.readContract({ address, abi: abiOf(contract), functionName: "parameters" });
  return asRules(contract, values as Record<string, unknown>);
}

/** The data of the call that puts all rules of a contract into force. Throws RangeError naming a value that cannot be. */
export function changeOfRules(contract: RuleContract, values: Readonly<Record<string, string>>): Hex {
  const given: Record<string, unknown> = {};
  for (const { name, type } of fieldsOf(contract)) {
    const value = values[name] ?? "";
    if (!isRuleValue(type, value)) throw new RangeError(`${contract}.${name} must be ${type}: ${value}`);
    // viem encodes a bigint whatever the size, though its types want small numbers.
    given[name] = type === "address" ? value : BigInt(value);
  }
  return encodeFunctionData({ abi: abiOf(contract), functionName: "setParameters", args: [given as never] });
}

/** What a call would put into force; null when it is none of setParameters(). */
export function rulesInCall(contract: RuleContract, data: Hex): Rule[] | null {
  try {
    const { functionName, args } = decodeFunctionData({ abi: abiOf(contract), data });
    return functionName === "setParameters" ? asRules(contract, (args as unknown as [Record<string, unknown>])[0]) : null;
  } catch {
    return null;
  }
}
