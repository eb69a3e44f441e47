// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLanguage, useTexts } from "../../i18n";
import { getJson } from "../../lib/api";
import { useNetwork } from "../../lib/chain";
import { download } from "../../lib/download";
import { Button, Select } from "../../ui/controls";
import { Card, Failure, Skeleton } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { Money } from "../../ui/values";
import { type BillLine, linesOfMonth, monthsUntil, numberOf, spanOf } from "./bill";
import { csv } from "./data";
import { words } from "./texts";

interface ChainEvent {
  kind: string;
  block: number;
  transaction: string;
  [field: string]: unknown;
}

const PAGES_MAX = 50;

/** Everything the chain says about this account, page by page. */
async function allEvents(address: string): Promise<ChainEvent[]> {
  const found: ChainEvent[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; ++page) {
    const answer = await getJson<{ data: ChainEvent[]; next_cursor: string | null }>("/api/v1/events", {
      query: { address, limit: 1000, cursor },
      token: null,
    });
    found.push(...answer.data);
    if (!answer.next_cursor) break;
    cursor = answer.next_cursor;
  }
  return found;
}

async function saveCsv(address: string): Promise<void> {
  const rows = (await allEvents(address)).map((event) => {
    const { kind, block, transaction, ...rest } = event;
    return [kind, String(block), transaction, JSON.stringify(rest)];
  });
  const text = csv([["kind", "block", "transaction", "details"], ...rows]);
  download(`vcity-${address.slice(0, 10)}.csv`, "text/csv", text);
}

async function wideFont(): Promise<ArrayBuffer> {
  const { default: url } = await import("./invoice-zh.ttf?url");
  const response = await fetch(url);
  if (!response.ok) throw new Error(`invoice-zh.ttf: ${response.status}`);
  return response.arrayBuffer();
}

const now = () => Math.floor(Date.now() / 1_000);

function Lines({ lines }: { lines: readonly BillLine[] }) {
  const t = useTexts(words);
  const columns: Column<BillLine>[] = [
    { key: "day", label: t.billDay, cell: (line) => new Date(line.day * 1_000).toISOString().slice(0, 10) },
    { key: "item", label: t.billItem, cell: (line) => <span className="mono breaks">{line.item}</span> },
    { key: "amount", label: t.billAmount, end: true, cell: (line) => <Money amount={line.amount} /> },
  ];
  return (
    <Table
      caption={t.bill}
      columns={columns}
      rows={lines}
      keyOf={(line) => `${line.day} ${line.item}`}
      empty={<p className="soft">{t.billNone}</p>}
    />
  );
}

export function Bills({ address }: { address: string }) {
  const t = useTexts(words);
  const language = useLanguage();
  const network = useNetwork();
  const months = monthsUntil(now());
  const [month, setMonth] = useState(months[0] ?? "");
  const [busy, setBusy] = useState<"pdf" | "csv" | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const lines = useQuery({ queryKey: ["bill", address, month], queryFn: () => linesOfMonth(month) });
  const save = async (what: "pdf" | "csv", make: () => Promise<void>) => {
    setBusy(what);
    setFailure(null);
    try {
      await make();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(null);
    }
  };
  const savePdf = async () => {
    if (!network.data || !lines.data) return;
    const { gateway, chain_id } = network.data;
    const number = numberOf(address, month);
    const bill = {
      number,
      account: address,
      gateway,
      chainId: chain_id,
      ...spanOf(month),
      issued: now(),
      lines: lines.data,
    };
    const [{ invoicePdf }, font] = await Promise.all([import("./invoice"), language === "zh" ? wideFont() : null]);
    download(`${number}.pdf`, "application/pdf", new Uint8Array(await invoicePdf(bill, language, font)));
  };
  return (
    <Card title={t.bill}>
      <p className="soft">{t.billText}</p>
      <Select
        label={t.month}
        options={months.map((one) => ({ value: one, label: one }))}
        value={month}
        onChange={(event) => setMonth(event.target.value)}
      />
      {lines.isPending && <Skeleton lines={2} />}
      {lines.error && <Failure error={lines.error} retry={() => lines.refetch()} />}
      {lines.data && <Lines lines={lines.data} />}
      <div className="row">
        <Button busy={busy === "pdf"} disabled={!lines.data || !network.data} onClick={() => save("pdf", savePdf)}>
          {t.downloadPdf}
        </Button>
        <Button busy={busy === "csv"} onClick={() => save("csv", () => saveCsv(address))}>
          {t.download}
        </Button>
      </div>
      {failure !== null && <Failure error={failure} />}
    </Card>
  );
}
