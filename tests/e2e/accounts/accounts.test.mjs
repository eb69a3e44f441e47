// SPDX-License-Identifier: Apache-2.0
// Wallets, keys and webhooks of a real gateway, with the packages that others use for them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { before, test } from "node:test";
import { Wallet } from "ethers";
import OpenAI from "openai";
import { SiweMessage } from "siwe";
import { Webhook } from "standardwebhooks";

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set`);
  return value;
}

const gateway = required("VCITY_GATEWAY");
const wallet = new Wallet(required("VCITY_WALLET_KEY"));

async function ask(method, path, { bearer, body } = {}) {
  const headers = { "content-type": "application/json" };
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  const answer = await fetch(gateway + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, headers: answer.headers, json: await answer.json() };
}

async function messageFor(signer, change = {}) {
  const { json } = await ask("GET", "/api/v1/siwe/nonce");
  return new SiweMessage({
    domain: json.domain,
    address: signer.address,
    statement: json.statement,
    uri: json.uri,
    version: "1",
    chainId: json.chain_id,
    nonce: json.nonce,
    ...change,
  }).prepareMessage();
}

async function signIn(signer, change) {
  const message = await messageFor(signer, change);
  const signature = await signer.signMessage(message);
  return ask("POST", "/api/v1/siwe/sessions", { body: { message, signature } });
}

async function signedCap(session, micro) {
  const { json: terms } = await ask("GET", "/api/v1/cap/terms", { bearer: session });
  const message = { ...terms.message, limit: String(micro), expiry: terms.expiry_suggested };
  return { cap: message, cap_signature: await wallet.signTypedData(terms.domain, terms.types, message) };
}

let session;
before(async () => {
  const { status, json } = await signIn(wallet);
  assert.equal(status, 201, JSON.stringify(json));
  assert.equal(json.address, wallet.address);
  session = json.token;
});

test("a hundred messages of npm siwe sign in, with every field it knows", async () => {
  for (let number = 0; number < 100; ++number) {
    const change = {};
    if (number % 2) change.statement = undefined;
    if (number % 3 === 0) change.expirationTime = new Date(Date.now() + 60_000).toISOString();
    if (number % 5 === 0) change.notBefore = new Date(Date.now() - 60_000).toISOString();
    if (number % 7 === 0) change.requestId = `request-${number}`;
    if (number % 11 === 0) change.resources = ["ipfs://bafy", `https://a.example/${number}`];
    const { status, json } = await signIn(Wallet.createRandom(), change);
    assert.equal(status, 201, `${number} ${JSON.stringify(json)}`);
  }
});

test("what npm siwe refuses, or is for somebody else, does not sign in", async () => {
  const wrong = [
    { domain: "evil.example" },
    { uri: "https://evil.example" },
    { chainId: 1 },
    { nonce: "0123456789abcdef" },
    { expirationTime: new Date(Date.now() - 1000).toISOString() },
    { notBefore: new Date(Date.now() + 60_000).toISOString() },
  ];
  for (const change of wrong) {
    const { status, json } = await signIn(wallet, change);
    assert.equal(status, 401, JSON.stringify(change));
    assert.equal(json.error.code, "sign_in_refused");
  }
  const message = await messageFor(wallet);
  const signature = await wallet.signMessage(message);
  const body = { message, signature };
  const stolen = { message, signature: await Wallet.createRandom().signMessage(message) };
  assert.equal((await ask("POST", "/api/v1/siwe/sessions", { body: stolen })).status, 401);
  assert.equal((await ask("POST", "/api/v1/siwe/sessions", { body })).status, 201);
  assert.equal((await ask("POST", "/api/v1/siwe/sessions", { body })).status, 401, "replayed");
});

test("a key made in a session pays for an answer of the official client, within its budget", async () => {
  const fields = { name: "e2e", budgets: [{ window: "1d", usd: "1" }], scopes: ["inference", "billing:read"] };
  const made = await ask("POST", "/api/v1/keys", {
    bearer: session,
    body: { ...fields, ...(await signedCap(session, 1_000_000)) },
  });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const client = new OpenAI({ apiKey: made.json.key, baseURL: `${gateway}/v1`, maxRetries: 0 });
  const model = (await client.models.list()).data[0].id;
  const answer = await client.chat.completions.create({
    model,
    max_tokens: 8,
    messages: [{ role: "user", content: "What is free software?" }],
  });
  assert.ok(answer.usage.completion_tokens > 0);
  const seen = await ask("GET", `/api/v1/keys/${made.json.id}`, { bearer: session });
  assert.ok(Number(seen.json.budgets[0].spent) > 0);
  const account = await ask("GET", "/api/v1/account", { bearer: made.json.key });
  assert.equal(account.json.address, wallet.address);
  assert.ok(Number(account.json.balance.deposited) > 0, JSON.stringify(account.json));
  const poor = await ask("PATCH", `/api/v1/keys/${made.json.id}`, {
    bearer: session,
    body: { budgets: [{ window: "30d", usd: "0" }] },
  });
  assert.equal(poor.status, 200);
  await assert.rejects(
    client.chat.completions.create({ model, messages: [{ role: "user", content: "again" }] }),
    (error) => error.status === 402 && error.code === "key_budget_exceeded" && error.error.resets_at > Date.now() / 1000,
  );
  assert.equal((await ask("DELETE", `/api/v1/keys/${made.json.id}`, { bearer: session })).status, 200);
  await assert.rejects(client.models.list(), OpenAI.AuthenticationError);
});

test("events are verified by standardwebhooks and by the official client", async () => {
  const arrived = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      arrived.push({ headers: request.headers, body });
      response.writeHead(arrived.length === 1 ? 500 : 204).end();
    });
  });
  const origin = new URL(required("VCITY_WEBHOOK_ORIGIN"));
  await new Promise((done) => server.listen(Number(origin.port), origin.hostname, done));
  const made = await ask("POST", "/api/v1/webhooks", { bearer: session, body: { url: `${origin.origin}/in` } });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  await ask("POST", `/api/v1/webhooks/${made.json.id}/test`, { bearer: session });
  for (let wait = 0; arrived.length < 2 && wait < 300; ++wait) await new Promise((done) => setTimeout(done, 50));
  server.close();
  server.closeAllConnections();
  assert.equal(arrived.length, 2, "a try that failed, and another one five seconds later");
  const [first, second] = arrived;
  assert.equal(first.headers["webhook-id"], second.headers["webhook-id"]);
  for (const { headers, body } of arrived) {
    assert.equal(new Webhook(made.json.secret).verify(body, headers).type, "webhook.test");
    const client = new OpenAI({ apiKey: "none", webhookSecret: made.json.secret });
    assert.equal((await client.webhooks.unwrap(body, headers)).type, "webhook.test");
    assert.throws(() => new Webhook(made.json.secret).verify(`${body} `, headers));
  }
  const refused = await ask("POST", "/api/v1/webhooks", {
    bearer: session,
    body: { url: "http://169.254.169.254/latest/meta-data" },
  });
  assert.equal(refused.json.error.code, "invalid_value");
});

test("a session that has ended opens nothing", async () => {
  const { json } = await signIn(Wallet.createRandom());
  assert.equal((await ask("DELETE", "/api/v1/siwe/sessions/current", { bearer: json.token })).status, 200);
  const asked = await ask("GET", "/api/v1/account", { bearer: json.token });
  assert.equal(asked.json.error.code, "invalid_session");
});
