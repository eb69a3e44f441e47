// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/operate";
import { getJson } from "../../lib/api";
import type { Listed } from "../../lib/chain";
import { TextArea } from "../../ui/controls";
import { Card, Empty, Failure, Skeleton, Stat, Tabs } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { Command, Hash, Money } from "../../ui/values";
import { type EventRecord, micro } from "../explorer/data";
import { type EarningsRow, readEarnings } from "./reading";

const Chart = lazy(() => import("../../ui/chart"));

function Payouts({ address }: { address: string }) {
  const t = useTexts(words);
  const asked = useQuery({
    queryKey: ["explorer", "claimed", address],
    queryFn: () =>
      getJson<Listed<EventRecord>>("/api/v1/events", { query: { kind: "claimed", limit: 1_000 }, token: null }),
    refetchInterval: 10_000,
  });
  const rows = (asked.data?.data ?? []).filter(
    (event) => event.kind === "claimed" && String(event.node).toLowerCase() === address,
  );
  const columns: Column<EventRecord>[] = [
    { key: "amount", label: t.amount, end: true, cell: (row) => <Money amount={micro(Number(row.amount))} /> },
    { key: "all", label: t.cumulative, end: true, cell: (row) => <Money amount={micro(Number(row.cumulative))} /> },
    { key: "block", label: t.block, end: true, cell: (row) => <span className="numbers">{row.block}</span> },
    { key: "transaction", label: t.transaction, cell: (row) => <Hash text={row.transaction} /> },
  ];
  if (asked.isPending) return <Skeleton lines={4} />;
  if (asked.error) return <Failure error={asked.error} retry={() => asked.refetch()} />;
  return (
    <Table
      caption={t.payouts}
      columns={columns}
      rows={rows}
      keyOf={(row) => `${row.block}/${row.log_index}`}
      empty={<Empty title={t.noPayouts}>{t.noPayoutsWhy}</Empty>}
    />
  );
}

const WAYS = ["day", "job", "gpu"] as const;

function DayChart({ rows }: { rows: EarningsRow[] }) {
  const t = useTexts(words);
  const days = useMemo(() => rows.filter((row) => Number.isFinite(Date.parse(row.name))), [rows]);
  const x = useMemo(() => days.map((row) => Date.parse(row.name) / 1000), [days]);
  const lines = useMemo(() => [{ label: t.net, values: days.map((row) => Number(row.net) / 1e6) }], [days, t]);
  if (days.length < 2) return null;
  return (
    <Suspense fallback={<Skeleton lines={5} />}>
      <Chart label={t.chart} x={x} lines={lines} time height={180} />
    </Suspense>
  );
}

export function Earnings({ address }: { address: string | null }) {
  const t = useTexts(words);
  const [by, setBy] = useState<(typeof WAYS)[number]>("day");
  const [text, setText] = useState("");
  const read = useMemo(() => readEarnings(text), [text]);
  const columns: Column<EarningsRow>[] = [
    { key: "name", label: t[`by_${read?.by ?? by}`], cell: (row) => <Hash text={row.name} copy={false} /> },
    { key: "results", label: t.results, end: true, cell: (row) => <span className="numbers">{row.results}</span> },
    { key: "hours", label: t.hours, end: true, cell: (row) => <span className="numbers">{row.hours}</span> },
    { key: "gross", label: t.gross, end: true, cell: (row) => <Money amount={row.gross} /> },
    { key: "fee", label: t.fee, end: true, cell: (row) => <Money amount={row.fee} /> },
    { key: "power", label: t.powerCost, end: true, cell: (row) => <Money amount={row.power} /> },
    { key: "net", label: t.net, end: true, cell: (row) => <Money amount={row.net} /> },
    { key: "hour", label: t.perHour, end: true, cell: (row) => <Money amount={row.perHour} /> },
  ];
  return (
    <>
      {address && (
        <Card title={t.payouts}>
          <Payouts address={address} />
        </Card>
      )}
      <Card title={t.earnings}>
        <Tabs
          label={t.earnings}
          tabs={WAYS.map((key) => ({ key, label: t[`by_${key}`] }))}
          chosen={by}
          onChoose={(key) => setBy(key as (typeof WAYS)[number])}
        />
        <p className="soft">{t.earningsLead}</p>
        <Command text={`vcity node earnings --by ${by} --csv`} />
        <TextArea
          label={t.csvField}
          rows={3}
          className="input mono"
          value={text}
          wrong={text.trim() && !read ? t.badCsv : null}
          onChange={(event) => setText(event.target.value)}
        />
        {read && (
          <>
            <Stat name={t.sum} value={<Money amount={read.rows.reduce((sum, row) => sum + row.net, 0n)} />} />
            {read.by === "day" && <DayChart rows={read.rows} />}
            <Table caption={t.earnings} columns={columns} rows={read.rows} keyOf={(row) => row.name} />
          </>
        )}
      </Card>
    </>
  );
}
