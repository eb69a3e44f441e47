// SPDX-License-Identifier: Apache-2.0
// Writes src/abis.ts and src/ruletables.ts from contracts/deployments/artifacts.json: of each contract what people's
// programs call and read, and the rules that votes can change. `--check` writes nothing and fails when a file is not
// what the contracts say.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatAbiItem } from "viem/utils";

const chosen = {
  VeVCAI:
    "lock withdraw claim locks weightOf totalWeight totalLocked claimable stream currentWeek timeOf origin parameters",
  VCAIGovernor: "propose openVote castVote queue execute state proposals voteOf callsOf parameters",
  IncentiveController: "closePeriod currentPeriod utilization supplyShare parameters released startsAt",
  VCAIToken: "approve allowance balanceOf decimals eip712Domain nonces symbol",
  Settlement: "batchOf isFinal claim claimed pool receiptVoided receiptDigest voided",
  Escrow: "deposit depositWithPermit available capDigest caps lockedOf nonceUsed",
  NodeRegistry: "nodeOf stakeOf minimumStake isActive topUp requestUnbond withdrawUnbonded unbondingDelay",
  SlashingCourt: "caseOf caseCount appealOf",
};

const source = fileURLToPath(new URL("../../../contracts/deployments/artifacts.json", import.meta.url));
const artifacts = JSON.parse(readFileSync(source, "utf8"));
const bare = ({ name, type, components, indexed }) => ({
  ...(name ? { name } : {}),
  type,
  ...(indexed ? { indexed } : {}),
  ...(components ? { components: components.map(bare) } : {}),
});

function entry(contract, names) {
  const wanted = new Set(names.split(" "));
  const items = artifacts[contract].abi
    .filter((item) => (item.type === "function" && wanted.delete(item.name)) || item.type === "error")
    .map(({ inputs, outputs, type, name, stateMutability }) => ({
      type,
      name,
      inputs: inputs.map(bare),
      ...(type === "function" ? { outputs: outputs.map(bare), stateMutability } : {}),
    }));
  if (wanted.size > 0) throw new Error(`${contract} has no ${[...wanted].join(", ")}`);
  const lines = items.flatMap((item) => [`  // ${formatAbiItem(item).slice(0, 108)}`, `  ${JSON.stringify(item)},`]);
  return `export const abiOf${contract} = [\n${lines.join("\n")}\n] as const;\n`;
}

/** The fields of setParameters(), which is the same as what parameters() gives. */
function rules([contract, { abi }]) {
  const change = abi.find(({ type, name }) => type === "function" && name === "setParameters");
  if (!change) return "";
  const fields = change.inputs[0].components.map(({ name, type }) => `    ${name}: "${type}",\n`);
  return `  ${contract}: {\n${fields.join("")}  },\n`;
}

const head =
  "// SPDX-License-Identifier: Apache-2.0\n// Written by tools/abis.mjs from the contracts' build: do not edit.\n";
const entries = Object.entries(chosen).map(([contract, names]) => entry(contract, names));
const tables = Object.entries(artifacts).map(rules).join("");
const texts = {
  "../src/abis.ts": `${head}\n${entries.join("\n")}`,
  "../src/ruletables.ts": `${head}\nexport const ruleTables = {\n${tables}} as const;\n`,
};
for (const [name, text] of Object.entries(texts)) {
  const target = fileURLToPath(new URL(name, import.meta.url));
  if (!process.argv.includes("--check")) writeFileSync(target, text);
  else if (readFileSync(target, "utf8") !== text) throw new Error(`${name} is old: run \`npm run abis\``);
}
