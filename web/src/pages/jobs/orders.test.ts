// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { countExamples, isBudget, jobOrder } from "./orders";

test("the order of a job has the numbers of the form, and the budget as it was typed", () => {
  const form = { name: " ", script: "echo", copies: "4", cores: "0.5", memory: "1", minutes: "2", budget: " 0.50 " };
  expect(jobOrder(form)).toMatchObject({
    name: "job",
    budget: "0.50",
    steps: [{ run: "echo", count: 4, seconds_max: 120, resources: { cpus: 0.5, memory_gb: 1 } }],
  });
});

test("a budget is an amount above nothing", () => {
  expect(isBudget("0.000001")).toBe(true);
  for (const wrong of ["", "0", "0.0000001", "-1", "1e3", "five"]) expect(isBudget(wrong)).toBe(false);
});

test("training data is counted, and its first bad line is named", () => {
  const line = JSON.stringify({ messages: [] });
  expect(countExamples(`${line}\n\n${line}\n`)).toEqual({ examples: 2, wrongLine: null });
  expect(countExamples(`${line}\n{"a": 1}\n`)).toEqual({ examples: 1, wrongLine: 2 });
  expect(countExamples("not json")).toEqual({ examples: 0, wrongLine: 1 });
  expect(countExamples("")).toEqual({ examples: 0, wrongLine: 1 });
});
