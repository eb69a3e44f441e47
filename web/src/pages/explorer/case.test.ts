// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { sumsOf } from "./case";

const at = (event: string, values: Record<string, string>) => ({
  event,
  values,
  block: 1,
  transaction: "0x01" as const,
});

test("a case tells what was found and taken only when it was ruled, and what was paid when it has ended", () => {
  const opened = at("CaseOpened", { lossUsd: "1500000" });
  const ruled = at("CaseRuled", { tier: "2", lossUsd: "1000000", fromStake: "30", fromUnbonding: "12" });
  const executed = at("CaseExecuted", { paidUsd: "1000000", paidVcai: "7" });
  expect(sumsOf([opened])).toEqual({ tier: null, lossUsd: 1_500_000n, taken: null, paidUsd: null, paidVcai: null });
  expect(sumsOf([opened, ruled])).toMatchObject({ tier: "medium", lossUsd: 1_000_000n, taken: 42n, paidUsd: null });
  expect(sumsOf([opened, ruled, executed])).toMatchObject({ paidUsd: 1_000_000n, paidVcai: 7n });
  expect(sumsOf([])).toMatchObject({ tier: null, lossUsd: null });
});
