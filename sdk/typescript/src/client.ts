// SPDX-License-Identifier: Apache-2.0
// The platform beside the model API: jobs, offers, links into pods, receipts, and what the explorer knows.
import type { Address, Hex } from "viem";
import { type Check, checkReceipt, readReceipt } from "./receipt.js";
import type { Deployment } from "./typed.js";

/** A refusal of the gateway; `code` is one of docs/api/errors.md. */
export class VcityError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param: string | null,
    readonly requestId: string | null,
  ) {
    super(message);
    this.name = "VcityError";
  }
}

export interface TokenInfo {
  address: Address;
  symbol: string;
  name: string;
  decimals: number;
}

export interface NetworkInfo {
  chain_id: number;
  rpc_url: string | null;
  deployed_at_block: number;
  contracts: Record<string, Address>;
  tokens: { stable: TokenInfo; vcai?: TokenInfo };
  gateway: { address: Address; url: string | null; software: string };
  scheduler: Address | null;
  /** ws:// or wss://: where whoever joins with a node may dial; empty when the gateway does not tell. */
  scheduler_links?: string[];
  has_explorer: boolean;
  api_version: string;
}

/** One unit that can be rented; fields of docs/api/jobs.md, null where nothing is known. Dollars are numbers or text. */
export interface Offer {
  num_gpus: number;
  gpus_free: number;
  gpu_name: string | null;
  gpu_ram: number | null;
  gpu_total_ram: number | null;
  interconnect: string | null;
  cpu_cores: number;
  cpu_cores_free: number;
  cpu_ram: number;
  disk_space: number;
  dph: string | number;
  dph_each: string | number;
  min_bid: string | number | null;
  kind: "stable" | "flexible";
  geolocation: string | null;
  reliability: number | null;
  verification: number;
  verified: boolean;
  stake: number | null;
  rentable: boolean;
  node: Address;
  unit: number;
}

export interface Order {
  name?: string;
  budget: string | number;
  deadline_minutes?: number;
  service_class?: "best_effort" | "standard" | "critical";
  where?: Record<string, unknown>;
  prefer?: Record<string, number>;
  quote_id?: string;
  steps: OrderStep[];
}

export interface OrderStep {
  name?: string;
  run?: string;
  command?: string[];
  image?: string;
  program?: string;
  count?: number;
  env?: Record<string, string>;
  inputs?: Record<string, unknown>;
  ports?: { name: string; port: number }[];
  service?: boolean;
  egress?: "none" | "public" | string[];
  resources?: Record<string, unknown>;
  seconds_max?: number;
  keeps_files?: boolean;
  retries?: number;
}

export type JobState = "active" | "succeeded" | "failed" | "cancelled";
export type StepState = "waiting" | "queued" | "leased" | "running" | "done" | "failed" | "cancelled";

export interface Step {
  id: string;
  name: string;
  group: string;
  index: number;
  state: StepState;
  attempt: number;
  node: Address | null;
  unit: number | null;
  hourly: string | null;
  charged: string;
  started: number | null;
  ended: number | null;
  exit_code: number | null;
  reason: string | null;
  termination: { reason: string; exit_code: number | null; at: number } | null;
}

export interface Job {
  id: string;
  object: "job";
  name: string;
  state: JobState;
  budget: string;
  charged: string;
  created: number;
  ended: number | null;
  error: { code?: string; message?: string } | string | null;
  progress: Record<string, number>;
  steps: Step[];
}

export interface Quote {
  object: "job.quote";
  quote_id: string;
  most: string;
  hourly: string;
  until: number;
  where: { group: string; node: string; unit: number; hourly: string; reason: string }[];
  text: string;
}

export interface JobOutput {
  object: "job.output";
  step: string;
  offset: number;
  next_offset: number;
  end: boolean;
  encoding: "utf-8" | "base64";
  data: string;
}

export interface Generation {
  id: string;
  job_id: string;
  model: string;
  status: string;
  state: string;
  quote: string;
  cost: string;
  node: string | null;
  receipt?: Record<string, unknown> | null;
  batch?: { index: number; transaction: string | null; proof: Hex[] } | null;
  verdict?: { outcome: string; verifier: string; reason: string } | null;
  [more: string]: unknown;
}

export interface Page<T> {
  data: T[];
  next_cursor?: string | null;
}

export interface Call {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface ClientOptions {
  /** Origin of the gateway, such as "https://gateway.example". */
  gateway: string;
  /** An API key ("sk-...") or the token of a wallet's session ("vs-..."); public endpoints need none. */
  token?: string;
  fetch?: typeof fetch;
}

const part = encodeURIComponent;

/** Thin and typed: one method, one request. Failures are VcityError. */
export class VcityClient {
  readonly #origin: string;
  readonly #token: string | undefined;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#origin = options.gateway.replace(/\/+$/, "");
    this.#token = options.token;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  async request<T>(path: string, call: Call = {}): Promise<T> {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined && value !== "") words.set(name, String(value));
    }
    const query = words.size > 0 ? `?${words}` : "";
    const headers: Record<string, string> = { ...call.headers };
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    const response = await this.#fetch(`${this.#origin}${path}${query}`, {
      method: call.method ?? "GET",
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal ? { signal: call.signal } : {}),
    });
    const body = (await response.json().catch(() => ({}))) as { error?: Record<string, unknown>; detail?: string };
    if (response.ok) return body as T;
    const text = (name: string) => (typeof body.error?.[name] === "string" ? (body.error[name] as string) : null);
    throw new VcityError(
      response.status,
      text("code") ?? `http_${response.status}`,
      text("message") ?? body.detail ?? `the gateway answered ${response.status}`,
      text("param"),
      response.headers.get("x-request-id"),
    );
  }

  network(): Promise<NetworkInfo> {
    return this.request("/api/v1/network");
  }

  /** q and order in the language of `vcity offers search`: "num_gpus>=1 dph<2", "dph". */
  offers(q = "", order = "dph", limit = 64): Promise<{ data: Offer[] }> {
    return this.request(this.#token ? "/v1/offers" : "/api/v1/offers", { query: { q, order, limit } });
  }

  quote(order: Order): Promise<Quote> {
    return this.request("/v1/jobs", { method: "POST", query: { dry_run: 1 }, body: order });
  }

  /** The same idempotencyKey is always the same job, so a repeated order costs nothing. */
  order(order: Order, idempotencyKey: string = crypto.randomUUID()): Promise<Job> {
    return this.request("/v1/jobs", { method: "POST", body: order, headers: { "Idempotency-Key": idempotencyKey } });
  }

  job(id: string): Promise<Job> {
    return this.request(`/v1/jobs/${part(id)}`);
  }

  jobs(limit = 20): Promise<{ data: Job[] }> {
    return this.request("/v1/jobs", { query: { limit } });
  }

  cancel(id: string): Promise<Job> {
    return this.request(`/v1/jobs/${part(id)}`, { method: "DELETE" });
  }

  /** step: "group/index". Ask again from next_offset until `end`. */
  output(id: string, step: string, offset = 0): Promise<JobOutput> {
    return this.request(`/v1/jobs/${part(id)}/logs`, { query: { step, offset } });
  }

  /** A link that needs no key and is as good as what it leads to: keep it as you keep a key. */
  link(id: string, path: string, seconds = 3_600): Promise<{ url: string }> {
    return this.request(`/v1/jobs/${part(id)}/links`, { method: "POST", body: { path, seconds } });
  }

  async generation(id: string): Promise<Generation> {
    return (await this.request<{ data: Generation }>("/v1/generation", { query: { id } })).data;
  }

  /**
   * Receipt of a model call, checked with nothing but `deployment`, and with the root that the chain has for its batch
   * when the caller gives it. Throws TypeError while there is no receipt.
   */
  async checkGeneration(id: string, deployment: Deployment, root?: Hex): Promise<Check[]> {
    const { receipt, batch } = await this.generation(id);
    if (!receipt) throw new TypeError("this generation has no receipt yet");
    const claimed = typeof receipt.hash === "string" ? { claimedHash: receipt.hash as Hex } : {};
    const placed = batch && root ? { batch: { proof: batch.proof, root } } : {};
    return checkReceipt({ signed: readReceipt(receipt), deployment, ...claimed, ...placed });
  }
}

/** What offline verification needs, from GET /api/v1/network; take it from a source that you trust. */
export function deploymentOf(network: NetworkInfo): Deployment {
  const { Settlement, Escrow } = network.contracts;
  if (!Settlement || !Escrow) throw new TypeError("the gateway names no settlement and escrow contracts");
  return { chainId: network.chain_id, settlement: Settlement, escrow: Escrow };
}
