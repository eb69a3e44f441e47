// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { csv, typedCap, windowOf } from "./data";

test("tables keep commas, quotes and line ends, and no formula runs", () => {
  expect(
    csv([
      ["a", 'b "c", d'],
      ["=1+1", "line\nend"],
    ]),
  ).toBe('a,"b ""c"", d"\r\n\'=1+1,"line\nend"\r\n');
});

test("what the wallet signs has the limit in millionths and the domain's type", () => {
  const terms = {
    domain: { name: "Vcity Escrow", version: "1", chainId: 31337, verifyingContract: "0x01" },
    types: { SpendingCap: [{ name: "client", type: "address" }] },
    primaryType: "SpendingCap",
    message: { client: "0x01", scheduler: "0x02", nonce: "7" } as never,
    expiry_max: 100,
  };
  const typed = JSON.parse(typedCap(terms, "25000000", 99));
  expect(typed.message).toEqual({ client: "0x01", scheduler: "0x02", nonce: "7", limit: "25000000", expiry: "99" });
  expect(typed.types.EIP712Domain.map((field: { name: string }) => field.name)).toEqual([
    "name",
    "version",
    "chainId",
    "verifyingContract",
  ]);
});

test("a window of a budget is a count of days or hours", () => {
  expect([windowOf("1d"), windowOf("30d"), windowOf("5h")]).toEqual([
    [1, "d"],
    [30, "d"],
    [5, "h"],
  ]);
});
