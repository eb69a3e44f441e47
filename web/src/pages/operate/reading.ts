// SPDX-License-Identifier: Apache-2.0
// What an operator pastes: `vcity node earnings --csv` and the text of a node's /metrics. Nothing of it is trusted.
import type { NetworkInfo } from "@vcity/sdk";
import { parseUsd } from "../../lib/money";

export interface EarningsRow {
  name: string;
  results: string;
  hours: string;
  gross: bigint;
  fee: bigint;
  power: bigint;
  net: bigint;
  perHour: bigint;
}

const HEAD = /^(day|job|gpu),results,waiting,hours,gross_usd,fee_usd,power_usd,net_usd,usd_an_hour$/;
const ROWS_MAX = 20_000;

function signed(text: string | undefined): bigint | null {
  const size = parseUsd((text ?? "").replace(/^-/, ""));
  return size === null ? null : text?.startsWith("-") ? -size : size;
}

/** null: the text is something else. */
export function readEarnings(text: string): { by: "day" | "job" | "gpu"; rows: EarningsRow[] } | null {
  const [head = "", ...lines] = text.trim().split(/\r?\n/).slice(0, ROWS_MAX);
  const by = HEAD.exec(head.trim())?.[1] as "day" | "job" | "gpu" | undefined;
  if (!by) return null;
  const rows: EarningsRow[] = [];
  for (const line of lines) {
    const [name, results, , hours, ...money] = line.trim().split(",");
    const [gross, fee, power, net, perHour] = money.map(signed);
    if (gross == null || fee == null || power == null || net == null || perHour == null) return null;
    rows.push({ name: name ?? "", results: results ?? "", hours: hours ?? "", gross, fee, power, net, perHour });
  }
  return { by, rows };
}

export const GAUGES = ["utilization", "memoryUsed", "temperature", "power"] as const;
export type Gauge = (typeof GAUGES)[number];

/** What a card's gauges say: per cent, MiB, degrees Celsius, watts; null where the text does not tell. */
export interface Card {
  name: string;
  latest: Record<Gauge, number | null>;
  /** In step with Readings.times. */
  past: Record<Gauge, (number | null)[]>;
}

export interface Readings {
  /** Unix seconds, ascending; empty when the lines carry no time. */
  times: number[];
  cards: Card[];
}

const NAMES: Record<string, Gauge> = {
  DCGM_FI_DEV_GPU_UTIL: "utilization",
  DCGM_FI_DEV_FB_USED: "memoryUsed",
  DCGM_FI_DEV_GPU_TEMP: "temperature",
  DCGM_FI_DEV_POWER_USAGE: "power",
};
const SAMPLE = /^(DCGM_FI_DEV_[A-Z_]+)\{([^}]*)\}\s+(\S+)(?:\s+(\d{9,14}))?\s*$/;

interface Sample {
  card: string;
  name: string;
  gauge: Gauge;
  value: number | null;
  /** Unix milliseconds, as Prometheus' text has them. */
  at: number | null;
}

function sampleOf(line: string): Sample | null {
  const [, metric = "", labels = "", value, at] = SAMPLE.exec(line) ?? [];
  const gauge = NAMES[metric];
  if (!gauge) return null;
  const label = (key: string) => new RegExp(`(?:^|,)${key}="([^"]*)"`).exec(labels)?.[1];
  const card = label("gpu") ?? label("UUID") ?? "0";
  const model = label("modelName");
  const read = Number(value);
  return {
    card,
    name: model ? `${card}: ${model}` : card,
    gauge,
    value: Number.isFinite(read) ? read : null,
    at: at ? Number(at) : null,
  };
}

const each = <T>(make: () => T) =>
  Object.fromEntries(GAUGES.map((gauge) => [gauge, make()])) as unknown as Record<Gauge, T>;

/** The cards of a Prometheus text; many readings one after another when its lines end in their time. */
export function readCards(text: string): Readings {
  const samples = text
    .split("\n", ROWS_MAX)
    .map(sampleOf)
    .filter((sample) => sample !== null);
  const times = [...new Set(samples.map((sample) => sample.at))].filter((at) => at !== null).sort((a, b) => a - b);
  const places = new Map(times.map((at, index) => [at, index]));
  const cards = new Map<string, Card>();
  for (const { card, name, gauge, value, at } of samples) {
    const known = cards.get(card) ?? {
      name,
      latest: each<number | null>(() => null),
      past: each<(number | null)[]>(() => times.map(() => null)),
    };
    cards.set(card, known);
    known.latest[gauge] = value;
    const place = at === null ? undefined : places.get(at);
    if (place !== undefined) known.past[gauge][place] = value;
  }
  return { times: times.map((at) => at / 1_000), cards: [...cards.values()] };
}

/** The two files that a node needs to join; null when the gateway does not tell where nodes may dial. */
export function networkFiles(info: NetworkInfo): { network: string; deployment: string } | null {
  const { Stable, NodeRegistry, Escrow, Settlement, Treasury, AccessManager } = info.contracts;
  const links = info.scheduler_links ?? [];
  if (!info.rpc_url || links.length === 0 || !NodeRegistry || !Escrow || !Settlement) return null;
  const text = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    network: text({
      rpc: info.rpc_url,
      scheduler: info.scheduler ?? undefined,
      scheduler_links: links,
      gateway: info.gateway.url ?? undefined,
      deployment: "deployment.json",
    }),
    deployment: text({
      chainId: info.chain_id,
      stable: Stable ?? info.tokens.stable.address,
      registry: NodeRegistry,
      escrow: Escrow,
      settlement: Settlement,
      treasury: Treasury,
      accessManager: AccessManager,
      block: info.deployed_at_block,
      contracts: info.contracts,
    }),
  };
}

export interface JoinTerms {
  kind: "flexible" | "stable";
  region: string;
  unitPrice: string;
  watts: string;
  powerPrice: string;
  modelsOnly: boolean;
}

const NUMBER = /^\d{1,6}(\.\d{1,6})?$/;

/** null: something of it cannot stand in a command. */
export function joinCommand(terms: JoinTerms): string | null {
  const words = ["vcity node join --network network.json"];
  if (terms.region) {
    if (!/^[a-z0-9-]{1,32}$/.test(terms.region)) return null;
    words.push(`--region ${terms.region}`);
  }
  words.push(`--kind ${terms.kind}`);
  if (terms.modelsOnly) words.push("--models-only");
  const numbers: [string, string][] = [
    ["--unit-price", terms.modelsOnly ? "" : terms.unitPrice],
    ["--power-watts", terms.watts],
    ["--power-price", terms.powerPrice],
  ];
  for (const [name, value] of numbers) {
    if (!value.trim()) continue;
    if (!NUMBER.test(value.trim())) return null;
    words.push(`${name} ${value.trim()}`);
  }
  return words.join(" ");
}
