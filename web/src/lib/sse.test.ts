// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { events } from "./sse";

function body(...pieces: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const event of events(stream)) found.push(event);
  return found;
}

test("events come whole however the bytes were cut", async () => {
  const text = ': keep-alive\r\n\r\ndata: {"a":"世界"}\n\ndata: one\ndata: two\n\ndata: [DONE]\n\n';
  const expected = ['{"a":"世界"}', "one\ntwo", "[DONE]"];
  expect(await all(body(text))).toEqual(expected);
  expect(await all(body(...text.split("")))).toEqual(expected);
});

test("an event without its end is not one", async () => {
  expect(await all(body("data: half"))).toEqual([]);
});
