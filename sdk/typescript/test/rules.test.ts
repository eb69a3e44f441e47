// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { changeOfRules, isRuleValue, ruleContracts, rulesInCall } from "../src/index.js";

test("a change of rules is the call that the contract takes, and reads back as what was asked", () => {
  const data = changeOfRules("Treasury", { reserveTarget: "5000000" });
  // cast calldata "setParameters((uint128))" "(5000000)"
  expect(data).toBe(`${data.slice(0, 10)}${(5_000_000).toString(16).padStart(64, "0")}`);
  expect(rulesInCall("Treasury", data)).toEqual([{ name: "reserveTarget", type: "uint128", value: "5000000" }]);
});

test("addresses and small numbers stand beside each other", () => {
  const treasury = `0x${"ab".repeat(20)}`;
  const read = rulesInCall("Settlement", changeOfRules("Settlement", { treasury, challengeWindow: "3600" }));
  expect(read?.map(({ name, value }) => [name, value.toLowerCase()])).toEqual([
    ["treasury", treasury],
    ["challengeWindow", "3600"],
  ]);
});

test("a value that does not fit is refused by its name", () => {
  expect(() => changeOfRules("Treasury", { reserveTarget: "-1" })).toThrow(/Treasury\.reserveTarget must be uint128/);
  expect(() => changeOfRules("Treasury", {})).toThrow(RangeError);
  expect(isRuleValue("uint8", "255")).toBe(true);
  expect(isRuleValue("uint8", "256")).toBe(false);
  expect(isRuleValue("uint256", "0x10")).toBe(false);
  expect(isRuleValue("address", "0x12")).toBe(false);
  expect(isRuleValue("bytes", "1")).toBe(false);
});

test("other calls are not taken for changes of rules", () => {
  expect(rulesInCall("Treasury", "0x")).toBeNull();
  expect(rulesInCall("Treasury", "0x12345678")).toBeNull();
  expect(ruleContracts).toContain("VCAIGovernor");
});
