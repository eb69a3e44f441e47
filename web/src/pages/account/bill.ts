// SPDX-License-Identifier: Apache-2.0
// What an account was charged in a month, day by day.
import { getJson } from "../../lib/api";
import type { Hex } from "../../lib/chain";
import type { Usd } from "../../lib/money";

export interface BillLine {
  /** Unix seconds of the day's beginning, UTC. */
  day: number;
  /** A model, or a kind of work. */
  item: string;
  amount: Usd;
}

export interface Bill {
  number: string;
  account: string;
  gateway: { address: Hex; url: string | null };
  chainId: number;
  /** Unix seconds; `until` is no part of it. */
  from: number;
  until: number;
  issued: number;
  lines: BillLine[];
}

export interface CostsPage {
  data: {
    start_time: number;
    results: { amount: { micro_usd: number }; line_item: string | null }[];
  }[];
  next_page: string | null;
}

const MONTHS_SHOWN = 12;
const PAGES_MAX = 20;

/** "2026-11" and the months before it, newest first. */
export function monthsUntil(unixSeconds: number, count = MONTHS_SHOWN): string[] {
  const now = new Date(unixSeconds * 1_000);
  return Array.from({ length: count }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7),
  );
}

/** First second of a month and of the next one, UTC. */
export function spanOf(month: string): { from: number; until: number } {
  const [year = 1970, number = 1] = month.split("-").map(Number);
  return { from: Date.UTC(year, number - 1, 1) / 1_000, until: Date.UTC(year, number, 1) / 1_000 };
}

/** Days without a charge have no line. */
export function linesOf(pages: readonly CostsPage[]): BillLine[] {
  return pages.flatMap((page) =>
    page.data.flatMap((bucket) =>
      bucket.results
        .filter((result) => result.amount.micro_usd > 0)
        .map((result) => ({
          day: bucket.start_time,
          item: result.line_item ?? "-",
          amount: BigInt(result.amount.micro_usd),
        })),
    ),
  );
}

export const numberOf = (account: string, month: string) =>
  `VC-${month.replace("-", "")}-${account.replace(/^0x/, "").slice(0, 8).toLowerCase()}`;

export async function linesOfMonth(month: string): Promise<BillLine[]> {
  const { from, until } = spanOf(month);
  // The gateway counts a job's cost when it first sees that the job has ended; listing jobs makes it look.
  await getJson("/api/v1/jobs", { query: { limit: 100 } }).catch(() => null);
  const pages: CostsPage[] = [];
  let page: string | undefined;
  for (let asked = 0; asked < PAGES_MAX; ++asked) {
    const query = { start_time: from, end_time: until, limit: 31, group_by: "line_item", page };
    const answer = await getJson<CostsPage>("/v1/organization/costs", { query });
    pages.push(answer);
    if (!answer.next_page) break;
    page = answer.next_page;
  }
  return linesOf(pages);
}
