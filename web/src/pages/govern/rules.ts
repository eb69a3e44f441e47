// SPDX-License-Identifier: Apache-2.0
import { type Rule, type RuleContract, ruleContracts, rulesInCall } from "@vcity/sdk";
import type { Hex } from "../../lib/chain";

/** Which contract's rules a call of a proposal sets, and to what; null when it is another call. */
export function changeIn(
  call: { target: Hex; data: Hex },
  contracts: Record<string, Hex>,
): { contract: RuleContract; rules: Rule[] } | null {
  const contract = ruleContracts.find((name) => contracts[name]?.toLowerCase() === call.target.toLowerCase());
  const rules = contract && rulesInCall(contract, call.data);
  return rules ? { contract, rules } : null;
}
