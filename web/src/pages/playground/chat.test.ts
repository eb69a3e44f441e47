// SPDX-License-Identifier: Apache-2.0
import { afterEach, expect, test, vi } from "vitest";
import { bodyOf, type ChatRequest, chat, type Progress } from "./chat";

const request: ChatRequest = {
  model: "m",
  messages: [{ role: "user", content: "hi" }],
  maxTokens: 8,
  temperature: 0.5,
  verification: "full",
  maxPrice: null,
};

function answer(lines: string[], headers: Record<string, string> = {}, status = 200): void {
  const body = lines.map((line) => `data: ${line}\n\n`).join("");
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status, headers })));
}

afterEach(() => vi.unstubAllGlobals());

const run = (seen: Progress[] = []) => chat(request, "sk-x", new AbortController().signal, (one) => seen.push(one));

test("text, quote and bill come together", async () => {
  answer(
    [
      '{"id":"chatcmpl-1","choices":[{"delta":{"role":"assistant"}}]}',
      '{"id":"chatcmpl-1","choices":[{"delta":{"content":"Hel"}}]}',
      '{"id":"chatcmpl-1","choices":[{"delta":{"content":"lo"}}]}',
      '{"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"cost_usd":"0.000007"}}',
      "[DONE]",
    ],
    { "x-quote": "0.000104" },
  );
  const seen: Progress[] = [];
  const last = await run(seen);
  expect(last.text).toBe("Hello");
  expect(last.quote).toBe("0.000104");
  expect(last.bill).toEqual({ id: "chatcmpl-1", promptTokens: 3, completionTokens: 2, costUsd: "0.000007" });
  expect(seen.map((one) => one.text)).toEqual(["", "Hel", "Hello", "Hello"]);
});

test("an error within the stream is an error, and so is an end without [DONE]", async () => {
  answer(['{"choices":[{"delta":{"content":"a"}}]}', '{"error":{"message":"the node died","code":"provider_error"}}']);
  await expect(run()).rejects.toThrow("the node died");
  answer(['{"choices":[{"delta":{"content":"a"}}]}']);
  await expect(run()).rejects.toThrow("broke before");
});

test("a limit of one's own is sent only where there is one", () => {
  expect(bodyOf(request).provider).toEqual({ verification: "full" });
  expect(bodyOf({ ...request, maxPrice: 0.2 }).provider).toEqual({
    verification: "full",
    max_price: { completion: 0.2 },
  });
});
