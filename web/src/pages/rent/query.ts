// SPDX-License-Identifier: Apache-2.0
// Filters of the form as a search in the language of `vcity offers search` (docs/api/jobs.md), and prices of the answer.
export interface Filters {
  kind: "any" | "gpu" | "cpu";
  model: string;
  priceMax: string;
  region: string;
  verified: boolean;
}

export const noFilters: Filters = { kind: "any", model: "", priceMax: "", region: "", verified: false };

const WORD = /^[A-Za-z0-9_.-]+$/;

/** Only what is set, and nothing that could be read as more than one condition. */
export function queryOf({ kind, model, priceMax, region, verified }: Filters): string {
  const parts: string[] = [];
  if (kind === "gpu") parts.push("num_gpus>=1");
  if (kind === "cpu") parts.push("num_gpus=0");
  const name = model.trim().replaceAll(" ", "_");
  if (WORD.test(name)) parts.push(`gpu_name=${name}`);
  if (/^\d{1,9}(\.\d{1,6})?$/.test(priceMax.trim())) parts.push(`dph<=${priceMax.trim()}`);
  if (WORD.test(region)) parts.push(`geolocation=${region}`);
  if (verified) parts.push("verified=true");
  return parts.join(" ");
}

// Rough places (longitude, latitude) of how regions are called; the longest beginning counts.
const PLACES: [string, number, number][] = [
  ["us-west", -120, 40],
  ["us-east", -77, 39],
  ["us-central", -95, 41],
  ["us", -98, 39],
  ["ca", -95, 52],
  ["sa", -55, -15],
  ["br", -48, -16],
  ["eu-north", 18, 60],
  ["eu-west", -2, 52],
  ["eu-central", 10, 50],
  ["eu", 10, 50],
  ["de", 10, 51],
  ["fr", 2, 47],
  ["gb", -1, 52],
  ["af", 20, 0],
  ["za", 25, -29],
  ["me", 48, 26],
  ["in", 78, 22],
  ["cn", 108, 34],
  ["jp", 138, 36],
  ["kr", 127, 37],
  ["sg", 104, 1],
  ["ap-south", 78, 20],
  ["ap-east", 114, 22],
  ["ap-northeast", 138, 36],
  ["ap", 110, 15],
  ["asia", 105, 30],
  ["au", 134, -25],
];

/** null: the name says nothing about where on Earth it is, such as "local". */
export function placeOf(region: string): { longitude: number; latitude: number } | null {
  const name = region.toLowerCase();
  const fits = PLACES.filter(
    ([start]) => name === start || name.startsWith(`${start}-`) || name.startsWith(`${start}_`),
  );
  const best = fits.sort((a, b) => b[0].length - a[0].length)[0];
  return best ? { longitude: best[1], latitude: best[2] } : null;
}

/** Micro-dollars of a price that the API wrote as a number or as text. */
export function priceMicro(price: number | string | null | undefined): bigint {
  const text = typeof price === "number" ? price.toFixed(6) : (price ?? "");
  const found = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text);
  return found ? BigInt(found[1] ?? "0") * 1_000_000n + BigInt((found[2] ?? "").padEnd(6, "0") || "0") : 0n;
}
