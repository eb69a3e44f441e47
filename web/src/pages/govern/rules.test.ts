// SPDX-License-Identifier: Apache-2.0
import { changeOfRules } from "@vcity/sdk";
import { expect, test } from "vitest";
import { ruleContractTitle, ruleTitle } from "../../i18n/rules";
import { changeIn } from "./rules";

const TREASURY = "0xE6675D5FE8D742bBf1A08FC055C712629e1d2f2E";

test("rules have names that people read, in both languages", () => {
  expect([ruleTitle("reserveTarget", "en"), ruleTitle("gain", "en"), ruleTitle("minimumPpm", "en")]).toEqual([
    "Reserve target",
    "Gain",
    "Minimum ppm",
  ]);
  expect([ruleTitle("reserveTarget", "zh"), ruleContractTitle("Treasury", "zh")]).toEqual(["储备目标", "金库"]);
  expect(ruleContractTitle("Treasury", "en")).toBe("Treasury");
});

test("a call that sets rules is told by its contract and values, whatever the case of the address", () => {
  const data = changeOfRules("Treasury", { reserveTarget: "5000000" });
  const target = TREASURY.toLowerCase() as `0x${string}`;
  expect(changeIn({ target, data }, { Treasury: TREASURY })).toEqual({
    contract: "Treasury",
    rules: [{ name: "reserveTarget", type: "uint128", value: "5000000" }],
  });
  expect(changeIn({ target, data: "0x" }, { Treasury: TREASURY })).toBeNull();
  expect(changeIn({ target, data }, {})).toBeNull();
});
