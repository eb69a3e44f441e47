// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { bytesText, isOver, lossesOf, pollMs, type TuneEvent, toneOf } from "./data";

function metrics(step: number, data: Partial<NonNullable<TuneEvent["data"]>>): TuneEvent {
  return { id: `e-${step}`, created_at: 0, level: "info", message: "", type: "metrics", data: { step, ...data } };
}

test("losses are ordered by step, and a later attempt replaces an earlier one", () => {
  const events = [
    metrics(6, { train_loss: 1.5, valid_loss: 1.25 }),
    metrics(3, { train_loss: 2.4 }),
    metrics(3, { train_loss: 2.5, valid_loss: 2.25 }),
    metrics(0, { valid_loss: 3 }),
    { ...metrics(9, {}), type: "message" },
  ];
  expect(lossesOf(events)).toEqual({ steps: [0, 3, 6], training: [null, 2.4, 1.5], validation: [3, 2.25, 1.25] });
});

test("no events are no losses", () => {
  expect(lossesOf([]).steps).toEqual([]);
});

test("what is over is not asked for again", () => {
  expect(["succeeded", "failed", "cancelled", "done"].every(isOver)).toBe(true);
  expect(pollMs("failed")).toBe(false);
  expect(pollMs("active")).toBe(2_000);
  expect(pollMs(undefined)).toBe(2_000);
  expect(toneOf("failed")).toBe("bad");
  expect(toneOf("something new")).toBe("plain");
});

test("sizes are told in the unit that fits", () => {
  expect(bytesText(0)).toBe("0 B");
  expect(bytesText(1023)).toBe("1023 B");
  expect(bytesText(1536)).toBe("1.5 KiB");
  expect(bytesText(5 * 2 ** 20)).toBe("5.0 MiB");
  expect(bytesText(3 * 2 ** 40)).toBe("3.0 TiB");
});
