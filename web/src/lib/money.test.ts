// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { parseToken, parseUsd, tokenText, usdShort, usdText } from "./money";

test("amounts survive both ways", () => {
  for (const text of ["0.000000", "0.000001", "12.500000", "999999999999.999999"]) {
    expect(usdText(parseUsd(text) as bigint)).toBe(text);
  }
  expect(parseUsd("12.5")).toBe(12_500_000n);
});

test("what is no amount is refused", () => {
  for (const text of ["", ".5", "1.", "-1", "1e3", "0.0000001", "1,000", "abc", "1234567890123"]) {
    expect(parseUsd(text), text).toBeNull();
  }
});

test("people see cents, and more only below a dollar", () => {
  expect(usdShort(12_500_000n)).toBe("$12.50");
  expect(usdShort(1_234_567n)).toBe("$1.23");
  expect(usdShort(1_234n)).toBe("$0.001234");
  expect(usdShort(0n)).toBe("$0.00");
  expect(usdShort(-2_000_000n)).toBe("-$2.00");
});

test("tokens with 18 decimals stay exact", () => {
  expect(tokenText(1_234_567_890_000_000_000_000n, 18)).toBe("1,234.5678");
  expect(parseToken("1,234.5", 18)).toBe(1_234_500_000_000_000_000_000n);
  expect(parseToken("0.0000000000000000001", 18)).toBeNull();
});
