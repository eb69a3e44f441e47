// SPDX-License-Identifier: Apache-2.0
/** Dollars as the ledger counts them: whole millionths. Never a floating-point number. */
export type Usd = bigint;

const MICRO = 1_000_000n;

/** "12.5" or "0.000001"; null when it is no amount, or finer than a millionth. */
export function parseUsd(text: string): Usd | null {
  const found = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text.trim());
  if (!found) return null;
  return BigInt(found[1] ?? "0") * MICRO + BigInt((found[2] ?? "").padEnd(6, "0"));
}

/** All six decimals, as the API writes them. */
export function usdText(amount: Usd): string {
  const sign = amount < 0n ? "-" : "";
  const size = amount < 0n ? -amount : amount;
  return `${sign}${size / MICRO}.${(size % MICRO).toString().padStart(6, "0")}`;
}

/** For people: two decimals, more where the amount is smaller than a cent, no trailing zeros beyond cents. */
export function usdShort(amount: Usd): string {
  const text = usdText(amount);
  const [whole = "0", fraction = ""] = text.split(".");
  const kept = fraction.replace(/0+$/, "").padEnd(2, "0");
  const isLarge = (amount < 0n ? -amount : amount) >= MICRO;
  return `$${whole}.${isLarge ? fraction.slice(0, 2) : kept}`.replace("$-", "-$");
}

/** An integer amount of a token with its decimals, exactly. */
export function tokenText(amount: bigint, decimals: number, shown = 4): string {
  const unit = 10n ** BigInt(decimals);
  const sign = amount < 0n ? "-" : "";
  const size = amount < 0n ? -amount : amount;
  const fraction = (size % unit).toString().padStart(decimals, "0").slice(0, shown).replace(/0+$/, "");
  const whole = (size / unit).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return `${sign}${whole}${fraction ? `.${fraction}` : ""}`;
}

export function parseToken(text: string, decimals: number): bigint | null {
  const found = /^(\d{1,30})(?:\.(\d+))?$/.exec(text.trim().replaceAll(",", ""));
  if (!found || (found[2] ?? "").length > decimals) return null;
  return BigInt(found[1] ?? "0") * 10n ** BigInt(decimals) + BigInt((found[2] ?? "").padEnd(decimals, "0") || "0");
}
