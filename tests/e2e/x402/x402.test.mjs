// SPDX-License-Identifier: Apache-2.0
// A caller without an account pays for single calls with the official x402 client; the facilitator is the official one
// too, and the chain is the network's own.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { x402Facilitator } from "@x402/core/facilitator";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { ExactEvmScheme as ExactEvmFacilitator } from "@x402/evm/exact/facilitator";
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { createTestClient, createWalletClient, defineChain, http, parseAbi, parseEther, publicActions } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

const GATEWAY = process.env.VCITY_GATEWAY;
const MODEL = process.env.VCITY_MODEL;
const PORT = Number(process.env.VCITY_FACILITATOR_PORT);
const CALL = `${GATEWAY}/v1/chat/completions`;
const TOKEN = parseAbi([
  "function mint(address to, uint256 amount)",
  "function balanceOf(address account) view returns (uint256)",
  "function authorizationState(address authorizer, bytes32 nonce) view returns (bool)",
]);

const network = await (await fetch(`${GATEWAY}/api/v1/network`)).json();
const chain = defineChain({
  id: network.chain_id,
  name: "devnet",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [network.rpc_url] } },
});
const CAIP = `eip155:${chain.id}`;
const asset = network.tokens.stable.address;
const machine = createTestClient({ chain, mode: "anvil", transport: http() }).extend(publicActions);
const payer = privateKeyToAccount(generatePrivateKey());
const relay = privateKeyToAccount(generatePrivateKey());
const wallet = createWalletClient({ account: relay, chain, transport: http() }).extend(publicActions);
const asked = [];
let fail = null; // the answer of the facilitator in place of its own

const facilitator = new x402Facilitator().register(
  CAIP,
  new ExactEvmFacilitator(
    toFacilitatorEvmSigner({
      address: relay.address,
      readContract: (args) => wallet.readContract(args),
      verifyTypedData: (args) => wallet.verifyTypedData(args),
      writeContract: (args) => wallet.writeContract(args),
      sendTransaction: (args) => wallet.sendTransaction(args),
      waitForTransactionReceipt: (args) => wallet.waitForTransactionReceipt(args),
      getCode: (args) => wallet.getCode(args),
    }),
  ),
);
const server = createServer(async (request, response) => {
  let text = "";
  for await (const piece of request) text += piece;
  const body = JSON.parse(text);
  asked.push(request.url);
  const forced = fail?.[request.url];
  const made =
    forced ??
    (request.url === "/verify"
      ? await facilitator.verify(body.paymentPayload, body.paymentRequirements)
      : await facilitator.settle(body.paymentPayload, body.paymentRequirements));
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(made));
});

const balance = (account) => machine.readContract({ address: asset, abi: TOKEN, functionName: "balanceOf", args: [account] });
const body = (fields = {}) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    model: MODEL,
    messages: [{ role: "user", content: "What is free software?" }],
    max_tokens: 16,
    ...fields,
  }),
});
const decode = (header) => JSON.parse(Buffer.from(header, "base64").toString());
const price = async () => decode((await fetch(CALL, body())).headers.get("payment-required")).accepts[0];
// The development stablecoin is none of the tokens that the client package knows: it pays in it only when told to.
const client = (asMuch = "1000000") =>
  wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: CAIP, client: new ExactEvmScheme(payer) }],
    spendControls: { allowedAssets: [{ network: CAIP, asset, maxAmountPerPayment: asMuch }] },
  });

before(async () => {
  await new Promise((done) => server.listen(PORT, "127.0.0.1", done));
  await machine.setBalance({ address: relay.address, value: parseEther("1") });
  const hash = await wallet.writeContract({ address: asset, abi: TOKEN, functionName: "mint", args: [payer.address, 1_000_000n] });
  await machine.waitForTransactionReceipt({ hash });
});
after(() => server.close());

test("a call without a key says what it costs", async () => {
  const answer = await fetch(CALL, body());
  assert.equal(answer.status, 402);
  assert.equal((await answer.json()).error.code, "payment_needed");
  assert.equal(answer.headers.get("x-should-retry"), "false");
  const required = decode(answer.headers.get("payment-required"));
  assert.equal(required.x402Version, 2);
  assert.equal(required.resource.url, CALL);
  const [terms] = required.accepts;
  assert.equal(terms.scheme, "exact");
  assert.equal(terms.network, CAIP);
  assert.equal(terms.asset.toLowerCase(), asset.toLowerCase());
  assert.ok(BigInt(terms.amount) > 0n);
});

test("the official client pays exactly that, once, and gets its answer", async () => {
  const terms = await price();
  const [mine, theirs] = [await balance(payer.address), await balance(terms.payTo)];
  const answer = await client()(CALL, body());
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.ok((await answer.json()).choices[0].message.content.length > 0);
  const paid = decodePaymentResponseHeader(answer.headers.get("payment-response"));
  assert.equal(paid.success, true);
  assert.equal(paid.network, CAIP);
  assert.equal(paid.payer.toLowerCase(), payer.address.toLowerCase());
  const receipt = await machine.getTransactionReceipt({ hash: paid.transaction });
  assert.equal(receipt.status, "success");
  assert.equal(mine - (await balance(payer.address)), BigInt(terms.amount));
  assert.equal((await balance(terms.payTo)) - theirs, BigInt(terms.amount));
  // What its owner allows it is read from the price as the gateway writes it.
  const less = (BigInt(terms.amount) - 1n).toString();
  await assert.rejects(client(less)(CALL, body()), /spendControls/);
  assert.equal(mine - (await balance(payer.address)), BigInt(terms.amount));
});

// A payment as the client signs it, to be sent more than once or changed.
async function signedHeader(change = (terms) => terms) {
  const answer = await fetch(CALL, body());
  const required = decode(answer.headers.get("payment-required"));
  const accepted = change({ ...required.accepts[0] });
  const { payload } = await new ExactEvmScheme(payer).createPaymentPayload(2, accepted);
  const document = { x402Version: 2, resource: required.resource, accepted: required.accepts[0], payload };
  return { document, header: Buffer.from(JSON.stringify(document)).toString("base64") };
}
const send = (header, fields) => {
  const request = body(fields);
  return fetch(CALL, { ...request, headers: { ...request.headers, "payment-signature": header } });
};
const codeOf = async (answer) => `${answer.status} ${(await answer.json()).error?.code}`;

test("a payment serves one call, also when it is sent many times at once", async () => {
  const { header } = await signedHeader();
  const before = await balance(payer.address);
  const answers = await Promise.all([1, 2, 3, 4].map(() => send(header)));
  const codes = answers.map((answer) => answer.status).sort();
  assert.deepEqual(codes, [200, 402, 402, 402]);
  assert.equal((await send(header)).status, 402);
  assert.equal(before - (await balance(payer.address)), BigInt((await price()).amount));
});

test("payments that are too small, for others, altered or malformed buy nothing", async () => {
  const before = await balance(payer.address);
  const less = await signedHeader((terms) => ({ ...terms, amount: (BigInt(terms.amount) - 1n).toString() }));
  assert.equal(await codeOf(await send(less.header)), "402 payment_refused");
  const other = await signedHeader((terms) => ({ ...terms, payTo: payer.address }));
  assert.equal(await codeOf(await send(other.header)), "402 payment_refused");
  const { document } = await signedHeader();
  document.payload.authorization.nonce = `0x${"11".repeat(32)}`;
  assert.equal(await codeOf(await send(Buffer.from(JSON.stringify(document)).toString("base64"))), "402 payment_refused");
  for (const header of ["x", Buffer.from("[]").toString("base64"), Buffer.from('{"x402Version":1}').toString("base64")]) {
    assert.equal(await codeOf(await send(header)), "400 invalid_value");
  }
  const { header } = await signedHeader();
  assert.equal(await codeOf(await send(header, { stream: true })), "400 unsupported_parameter");
  assert.equal(await codeOf(await send(header, { model: "none/such" })), "404 model_not_found");
  assert.equal(await balance(payer.address), before);
});

test("a call whose payment is not made is not delivered", async () => {
  const { header, document } = await signedHeader();
  const before = await balance(payer.address);
  fail = { "/settle": { success: false, errorReason: "no_gas", transaction: "", network: CAIP } };
  const refused = await send(header);
  assert.equal(refused.headers.get("payment-response"), null);
  const text = await refused.text();
  assert.match(text, /payment_refused/);
  assert.doesNotMatch(text, /choices/);
  fail = { "/verify": { isValid: false, invalidReason: "insufficient_funds" } };
  assert.equal(await codeOf(await send((await signedHeader()).header)), "402 payment_refused");
  fail = { "/verify": { nonsense: 1 } };
  assert.equal(await codeOf(await send((await signedHeader()).header)), "503 facilitator_unavailable");
  fail = null;
  assert.equal(await balance(payer.address), before);
  const nonce = document.payload.authorization.nonce;
  const used = await machine.readContract({ address: asset, abi: TOKEN, functionName: "authorizationState", args: [payer.address, nonce] });
  assert.equal(used, false);
  assert.ok(asked.includes("/settle"));
});
