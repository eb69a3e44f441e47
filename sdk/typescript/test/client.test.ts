// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { VcityClient, VcityError } from "../src/index.js";
import { openaiFor } from "../src/openai.js";

const folder = fileURLToPath(new URL("..", import.meta.url));

function gatewayThat(status: number, body: unknown) {
  const asked: { url: string; init: RequestInit }[] = [];
  const answer = async (url: unknown, init?: RequestInit) => {
    asked.push({ url: String(url), init: init ?? {} });
    return new Response(JSON.stringify(body), { status, headers: { "x-request-id": "req_1" } });
  };
  const client = new VcityClient({ gateway: "http://gateway/", token: "sk-1", fetch: answer as typeof fetch });
  return { client, asked };
}

describe("the client", () => {
  it("sends the token and only what was given", async () => {
    const { client, asked } = gatewayThat(200, { data: [] });
    await client.offers("num_gpus>=1", "dph", 3);
    expect(asked[0]?.url).toBe("http://gateway/v1/offers?q=num_gpus%3E%3D1&order=dph&limit=3");
    expect((asked[0]?.init.headers as Record<string, string>).Authorization).toBe("Bearer sk-1");
  });

  it("orders with an idempotency key", async () => {
    const { client, asked } = gatewayThat(201, { id: "job-1" });
    await client.order({ budget: "1", steps: [{ run: "true" }] }, "again");
    expect((asked[0]?.init.headers as Record<string, string>)["Idempotency-Key"]).toBe("again");
  });

  it("turns a refusal into its code, message and request", async () => {
    const { client } = gatewayThat(404, { error: { code: "job_not_found", message: "no such job", param: null } });
    const failure = await client.job("../x").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(VcityError);
    expect(failure).toMatchObject({ status: 404, code: "job_not_found", message: "no such job", requestId: "req_1" });
  });
});

it("model calls go through the official client", () => {
  const client = openaiFor("http://gateway/", "sk-1", { maxRetries: 0 });
  expect(client.baseURL).toBe("http://gateway/v1");
  expect(client.apiKey).toBe("sk-1");
});

it("the ABIs are those of the contracts' build", () => {
  expect(() => execFileSync("node", ["tools/abis.mjs", "--check"], { cwd: folder })).not.toThrow();
});
