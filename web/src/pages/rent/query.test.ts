// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { noFilters, placeOf, priceMicro, queryOf } from "./query";

describe("filters", () => {
  it("say nothing when nothing is set", () => {
    expect(queryOf(noFilters)).toBe("");
  });

  it("become conditions of the search language", () => {
    const filters = { kind: "gpu", model: "H100 SXM", priceMax: "2.5", region: "eu-west", verified: true } as const;
    expect(queryOf(filters)).toBe("num_gpus>=1 gpu_name=H100_SXM dph<=2.5 geolocation=eu-west verified=true");
  });

  it("cannot smuggle in a second condition", () => {
    const hostile = { ...noFilters, model: "x dph<0", priceMax: "1 or 2", region: "eu verified=true" };
    expect(queryOf({ ...hostile, model: "x<0" })).toBe("");
    expect(queryOf(hostile)).toBe("");
  });
});

it("regions have a place when their name says one", () => {
  expect(placeOf("us-west-2")?.longitude).toBe(-120);
  expect(placeOf("EU-central-1")?.latitude).toBe(50);
  expect(placeOf("local")).toBeNull();
  expect(placeOf("european")).toBeNull();
});

it("prices are whole millionths", () => {
  expect(priceMicro(0.01)).toBe(10_000n);
  expect(priceMicro("2.500000")).toBe(2_500_000n);
  expect(priceMicro(null)).toBe(0n);
});
