// SPDX-License-Identifier: Apache-2.0
import { type ReactNode, useState } from "react";
import { formatNumber, useLanguage, useTexts } from "../../i18n";
import { words } from "../../i18n/explorer";
import { Button, TextField } from "../../ui/controls";
import { Badge, Card, Empty, Failure, Note, Skeleton, Stat } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { Hash, Money, Vcai } from "../../ui/values";
import { CaseCard } from "./case";
import {
  type CaseRecord,
  type ChainBatch,
  type EventRecord,
  micro,
  type NodeRecord,
  percent,
  roleText,
  useList,
  useTotals,
} from "./data";

interface Asked {
  isPending: boolean;
  error: unknown;
  refetch: () => unknown;
}

/** What is shown while and when nothing can be. */
function Asking({ query, children }: { query: Asked; children: ReactNode }) {
  if (query.isPending) return <Skeleton lines={5} />;
  if (query.error) return <Failure error={query.error} retry={() => query.refetch()} />;
  return <>{children}</>;
}

export function Overview() {
  const t = useTexts(words);
  const language = useLanguage();
  const totals = useTotals();
  const sums = totals.data?.conservation;
  const count = (value: number | undefined) => formatNumber(value ?? 0, language);
  const rows = ["available", "locked", "pools", "paid", "fees", "withdrawn", "prepaid"] as const;
  return (
    <Asking query={totals}>
      <div className="columns narrow">
        <Card>
          <Stat name={t.receiptsSettled} value={count(totals.data?.receipts)} />
        </Card>
        <Card>
          <Stat name={t.charged} value={<Money amount={micro(totals.data?.charged)} />} />
        </Card>
        <Card>
          <Stat name={t.paid} value={<Money amount={micro(totals.data?.paid)} />} />
        </Card>
        <Card>
          <Stat name={t.nodesKnown} value={count(totals.data?.nodes)} />
        </Card>
        <Card>
          <Stat name={t.block} value={count(totals.data?.block)} />
        </Card>
      </div>
      {sums && (
        <Card title={t.conservation}>
          <p className="soft">{t.conservationLead}</p>
          <Note tone={sums.holds ? "good" : "bad"}>
            <strong>{sums.holds ? t.holds : t.broken}</strong>{" "}
            <span className="numbers">
              {t.cameIn} <Money amount={micro(sums.came_in)} /> = {t.accountedFor}{" "}
              <Money amount={micro(sums.accounted_for)} />
            </span>
          </Note>
          <div className="columns narrow">
            {rows.map((name) => (
              <Stat key={name} name={t[name]} value={<Money amount={micro(sums[name])} />} />
            ))}
          </div>
        </Card>
      )}
      <Batches limit={5} />
    </Asking>
  );
}

/** A list that is read page by page, newest first. */
function Pages({
  cursor,
  next,
  onChange,
}: {
  cursor: string;
  next: string | null | undefined;
  onChange: (to: string) => void;
}) {
  const t = useTexts(words);
  if (!next && !cursor) return null;
  return (
    <div className="row">
      <Button small disabled={!cursor} onClick={() => onChange("")}>
        {t.newest}
      </Button>
      <Button small disabled={!next} onClick={() => onChange(next ?? "")}>
        {t.older}
      </Button>
    </div>
  );
}

export function Batches({ limit = 25 }: { limit?: number }) {
  const t = useTexts(words);
  const language = useLanguage();
  const [cursor, setCursor] = useState("");
  const batches = useList<ChainBatch>("batches", { limit, cursor });
  const columns: Column<ChainBatch>[] = [
    { key: "index", label: t.index, cell: (row) => <strong className="numbers">#{row.index}</strong> },
    { key: "scheduler", label: t.scheduler, cell: (row) => <Hash text={row.scheduler} /> },
    { key: "count", label: t.receiptCount, end: true, cell: (row) => formatNumber(row.receipt_count, language) },
    { key: "charged", label: t.totalCharged, end: true, cell: (row) => <Money amount={micro(row.total_charged)} /> },
    { key: "fee", label: t.fee, end: true, cell: (row) => <Money amount={micro(row.fee)} /> },
    {
      key: "use",
      label: t.utilization,
      end: true,
      cell: (row) => percent(row.units_consumed, row.units_available) ?? "–",
    },
    { key: "transaction", label: t.transaction, cell: (row) => <Hash text={row.transaction} /> },
  ];
  return (
    <Asking query={batches}>
      <Table
        caption={t.batches}
        columns={columns}
        rows={batches.data?.data ?? []}
        keyOf={(row) => `${row.scheduler}/${row.index}`}
        empty={<Empty title={t.noBatches}>{t.noBatchesWhy}</Empty>}
      />
      {limit > 5 && <Pages cursor={cursor} next={batches.data?.next_cursor} onChange={setCursor} />}
    </Asking>
  );
}

export function Nodes() {
  const t = useTexts(words);
  const nodes = useList<NodeRecord>("nodes", { limit: 100 });
  const hardware = (row: NodeRecord) =>
    row.gpu_count ? `${row.gpu_count} × ${row.gpu_model}, ${Math.round((row.vram_mib ?? 0) / 1024)} GiB` : "CPU";
  const columns: Column<NodeRecord>[] = [
    { key: "node", label: t.node, cell: (row) => <Hash text={row.address} /> },
    { key: "role", label: t.role, cell: (row) => <Badge tone="accent">{roleText(row.role, t)}</Badge> },
    { key: "hardware", label: t.hardware, cell: (row) => (row.role === "compute" ? hardware(row) : "–") },
    { key: "region", label: t.region, cell: (row) => row.region || "–" },
    { key: "stake", label: t.stake, end: true, cell: (row) => <Vcai amount={row.stake} /> },
    {
      key: "slashed",
      label: t.slashed,
      end: true,
      cell: (row) => <Vcai amount={row.slashed ?? "0"} />,
    },
    { key: "claimed", label: t.claimed, end: true, cell: (row) => <Money amount={micro(row.claimed)} /> },
  ];
  return (
    <Asking query={nodes}>
      <Table
        caption={t.nodes}
        columns={columns}
        rows={nodes.data?.data ?? []}
        keyOf={(row) => row.address}
        empty={<Empty title={t.noNodes} />}
      />
    </Asking>
  );
}

const PLACE = new Set(["kind", "block", "block_hash", "transaction", "log_index"]);

function detailsOf(event: EventRecord): [string, string][] {
  const values = typeof event.values === "object" && event.values !== null ? event.values : {};
  return Object.entries({ ...event, ...values })
    .filter(([name]) => !PLACE.has(name) && name !== "values")
    .map(([name, value]) => [name, String(value)]);
}

function Details({ event }: { event: EventRecord }) {
  return (
    <span className="row small">
      {detailsOf(event).map(([name, value]) => (
        <span key={name}>
          <span className="soft">{name}</span>{" "}
          {value.startsWith("0x") ? (
            <Hash text={value} copy={false} />
          ) : (
            <span className="numbers">{value.slice(0, 80)}</span>
          )}
        </span>
      ))}
    </span>
  );
}

function EventTable({ rows, empty }: { rows: EventRecord[]; empty: string }) {
  const t = useTexts(words);
  const columns: Column<EventRecord>[] = [
    { key: "kind", label: t.kind, cell: (row) => <span className="mono">{row.kind}</span> },
    { key: "details", label: t.details, cell: (row) => <Details event={row} /> },
    { key: "block", label: t.block, end: true, cell: (row) => <span className="numbers">{row.block}</span> },
    { key: "transaction", label: t.transaction, cell: (row) => <Hash text={row.transaction} /> },
  ];
  return (
    <Table
      caption={t.events}
      columns={columns}
      rows={rows}
      keyOf={(row) => `${row.block}/${row.log_index}`}
      empty={<Empty title={empty} />}
    />
  );
}

export function Events() {
  const t = useTexts(words);
  const [filter, setFilter] = useState("");
  const [cursor, setCursor] = useState("");
  const word = filter.trim();
  const isAddress = /^0x[0-9a-fA-F]{40}$/.test(word);
  const isKind = /^[A-Za-z]+(\.[A-Za-z]+|_[a-z_]+)?$/.test(word);
  const query = isAddress ? { address: word.toLowerCase() } : isKind ? { kind: word } : {};
  const events = useList<EventRecord>("events", { limit: 50, cursor, ...query });
  return (
    <>
      <TextField
        label={t.filter}
        hint={t.filterHint}
        value={filter}
        onChange={(event) => {
          setFilter(event.target.value);
          setCursor("");
        }}
      />
      <Asking query={events}>
        <EventTable rows={events.data?.data ?? []} empty={t.noEvents} />
        <Pages cursor={cursor} next={events.data?.next_cursor} onChange={setCursor} />
      </Asking>
    </>
  );
}

export function Cases() {
  const t = useTexts(words);
  const cases = useList<CaseRecord>("cases", { limit: 50 });
  const slashes = useList<EventRecord>("events", { kind: "slashed", limit: 50 });
  const slashed = (slashes.data?.data ?? []).filter((event) => event.kind === "slashed");
  return (
    <>
      <Card title={t.slashes}>
        <Asking query={slashes}>
          {slashed.length > 0 ? (
            <EventTable rows={slashed} empty={t.noSlashes} />
          ) : (
            <p className="soft">{t.noSlashes}</p>
          )}
        </Asking>
      </Card>
      <Asking query={cases}>
        {(cases.data?.data ?? []).length === 0 && <Empty title={t.noCases}>{t.noCasesWhy}</Empty>}
        {(cases.data?.data ?? []).map((one) => (
          <CaseCard key={one.id} one={one} />
        ))}
      </Asking>
    </>
  );
}
