// SPDX-License-Identifier: Apache-2.0
// @vitest-environment node
import { readFileSync } from "node:fs";
import fontkit from "@pdf-lib/fontkit";
import { PDFDocument } from "pdf-lib";
import { expect, test } from "vitest";
import { type Bill, linesOf, monthsUntil, numberOf, spanOf } from "./bill";
import { invoicePdf, invoiceWords } from "./invoice";

const FONT = readFileSync(new URL("./invoice-zh.ttf", import.meta.url));
const font = new Uint8Array(FONT).buffer;
const NOVEMBER = spanOf("2026-11");

function bill(lines: number): Bill {
  return {
    number: numberOf("0xD735cA0000000000000000000000000000004f4e", "2026-11"),
    account: "0xD735cA0000000000000000000000000000004f4e",
    gateway: { address: "0x4e4b71b544cdc4c285390d0a86528440896e7181", url: "http://127.0.0.1:8080" },
    chainId: 31337,
    ...NOVEMBER,
    issued: NOVEMBER.until,
    lines: Array.from({ length: lines }, (_, index) => ({
      day: NOVEMBER.from + (index % 30) * 86_400,
      item: index === 0 ? "模型 model" : `model-${index}`,
      amount: BigInt(index + 1),
    })),
  };
}

test("an invoice is a PDF of as many pages as its lines need, in both languages", async () => {
  for (const [lines, pages] of [
    [0, 1],
    [30, 1],
    [100, 4],
  ] as const) {
    for (const language of ["en", "zh"] as const) {
      const bytes = await invoicePdf(bill(lines), language, language === "zh" ? font : null);
      const read = await PDFDocument.load(bytes);
      expect(read.getTitle()).toBe("Vcity VC-202611-d735ca00");
      expect(Math.abs(read.getPageCount() - pages), `${lines} lines`).toBeLessThanOrEqual(1);
    }
  }
});

test("the font has every letter of the Chinese invoice", () => {
  const words = Object.values(invoiceWords.zh).map((text) => (typeof text === "function" ? text(1, 2) : text));
  const letters = [...new Set(words.join(""))].filter((letter) => !/[ -~]/.test(letter));
  const known = new Set(fontkit.create(FONT).characterSet);
  expect(letters.filter((letter) => !known.has(letter.codePointAt(0) ?? 0))).toEqual([]);
});

test("months go back over the turn of the year and end where the next begins", () => {
  expect(monthsUntil(Date.UTC(2026, 0, 31) / 1_000, 3)).toEqual(["2026-01", "2025-12", "2025-11"]);
  expect(spanOf("2026-12")).toEqual({ from: Date.UTC(2026, 11, 1) / 1_000, until: Date.UTC(2027, 0, 1) / 1_000 });
});

test("days without charges have no line, and amounts stay exact", () => {
  const result = (micro_usd: number, line_item: string | null) => ({ amount: { micro_usd }, line_item });
  const pages = [
    { data: [{ start_time: 1, results: [] }], next_page: "2" },
    { data: [{ start_time: 2, results: [result(3, "model"), result(0, "none"), result(4, null)] }], next_page: null },
  ];
  expect(linesOf(pages)).toEqual([
    { day: 2, item: "model", amount: 3n },
    { day: 2, item: "-", amount: 4n },
  ]);
});
