// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { formatAgo, formatDate, texts, useLanguage, useTexts } from "../i18n";
import { parseUsd, type Usd, usdShort, usdText } from "../lib/money";
import { Button } from "./controls";

const words = texts({ copy: "Copy", copied: "Copied" }, { copy: "复制", copied: "已复制" });

export function Copy({ text, label }: { text: string; label?: string }) {
  const t = useTexts(words);
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1_500);
  };
  return (
    <Button small look="quiet" onClick={copy} aria-label={label ?? `${t.copy} ${text}`}>
      <span aria-live="polite">{done ? t.copied : t.copy}</span>
    </Button>
  );
}

/** An address or hash, shortened in the middle, whole for a screen reader's copy and in the tooltip. */
export function Hash({ text, copy = true }: { text: string; copy?: boolean }) {
  const short = text.length > 14 ? `${text.slice(0, 8)}…${text.slice(-6)}` : text;
  return (
    <span className="copy">
      <span className="mono" title={text}>
        {short}
      </span>
      {copy && <Copy text={text} />}
    </span>
  );
}

/** Dollars: what the API wrote, or millionths. The exact amount is in the tooltip. */
export function Money({ amount }: { amount: string | Usd }) {
  const exact = typeof amount === "bigint" ? amount : parseUsd(amount.replace(/^-/, ""));
  if (exact === null) return <span>{String(amount)}</span>;
  const signed = typeof amount === "string" && amount.startsWith("-") ? -exact : exact;
  return (
    <span className="numbers" title={`$${usdText(signed)}`}>
      {usdShort(signed)}
    </span>
  );
}

/** An amount as the explorer writes it ("500.240847784200385"), cut to four decimals; exact in the tooltip. */
export function Vcai({ amount }: { amount: string }) {
  const [whole = "0", fraction = ""] = amount.split(".");
  const kept = fraction.slice(0, 4).replace(/0+$/, "");
  return (
    <span className="numbers" title={`${amount} VCAI`}>
      {kept ? `${whole}.${kept}` : whole} VCAI
    </span>
  );
}

export function When({ at }: { at: number }) {
  const language = useLanguage();
  const ago = at - Date.now() / 1000;
  const isNear = Math.abs(ago) < 7 * 86_400;
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={formatDate(at, language)}>
      {isNear ? formatAgo(ago, language) : formatDate(at, language)}
    </time>
  );
}

/** A command to be copied into a terminal. */
export function Command({ text }: { text: string }) {
  return (
    <div className="code-block">
      <Copy text={text} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
