// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import type { Offer } from "@vcity/sdk";
import { lazy, Suspense, useMemo, useRef } from "react";
import { useTexts } from "../../i18n";
import { words as ofExplorer } from "../../i18n/explorer";
import { words } from "../../i18n/operate";
import { ApiError, getJson } from "../../lib/api";
import type { Listed } from "../../lib/chain";
import { Badge, Card, Empty, Failure, Skeleton, Stat } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { Hash, Money, Vcai } from "../../ui/values";
import { type EventRecord, micro, type NodeRecord, roleText } from "../explorer/data";
import { priceMicro } from "../rent/query";
import { Gpus } from "./gpus";

const Chart = lazy(() => import("../../ui/chart"));
const POINTS_MAX = 500;

function busyShare(units: Offer[]): number {
  const shares = units.map((unit) =>
    unit.num_gpus > 0 ? 1 - unit.gpus_free / unit.num_gpus : 1 - unit.cpu_cores_free / Math.max(unit.cpu_cores, 0.001),
  );
  return shares.length > 0 ? (100 * shares.reduce((sum, share) => sum + share, 0)) / shares.length : 0;
}

function Units({ address }: { address: string }) {
  const t = useTexts(words);
  const seen = useRef<{ at: number; busy: number }[]>([]);
  const asked = useQuery({
    queryKey: ["units", address],
    queryFn: async () => {
      const query = { q: `node=${address}`, limit: 100 };
      const { data } = await getJson<{ data: Offer[] }>("/api/v1/offers", { query, token: null });
      const units = data.filter((unit) => unit.node.toLowerCase() === address);
      seen.current = [...seen.current, { at: Date.now() / 1000, busy: busyShare(units) }].slice(-POINTS_MAX);
      return { units, points: seen.current };
    },
    refetchInterval: 5_000,
    staleTime: 0,
  });
  const points = asked.data?.points ?? [];
  const x = useMemo(() => points.map((point) => point.at), [points]);
  const lines = useMemo(() => [{ label: t.occupancy, values: points.map((point) => point.busy) }], [points, t]);
  const units = asked.data?.units ?? [];
  const columns: Column<Offer>[] = [
    { key: "unit", label: t.unit, cell: (row) => <strong className="numbers">{row.unit}</strong> },
    {
      key: "what",
      label: t.what,
      cell: (row) => (row.num_gpus > 0 ? `${row.num_gpus} × ${row.gpu_name}` : `CPU × ${row.cpu_cores}`),
    },
    {
      key: "free",
      label: t.free,
      end: true,
      cell: (row) =>
        row.num_gpus > 0 ? `${row.gpus_free} / ${row.num_gpus}` : `${row.cpu_cores_free} / ${row.cpu_cores}`,
    },
    { key: "price", label: t.price, end: true, cell: (row) => <Money amount={priceMicro(row.dph)} /> },
  ];
  return (
    <Card
      title={t.units}
      actions={<Badge tone={units.length > 0 ? "good" : "warn"}>{units.length > 0 ? t.online : t.offline}</Badge>}
    >
      {asked.error && <Failure error={asked.error} retry={() => asked.refetch()} />}
      {units.length > 0 && (
        <>
          {units[0]?.reliability != null && (
            <Stat name={t.reputation} value={`${(units[0].reliability * 100).toFixed(1)} %`} />
          )}
          <Table caption={t.units} columns={columns} rows={units} keyOf={(row) => String(row.unit)} />
        </>
      )}
      {points.length > 1 && (
        <Suspense fallback={<Skeleton lines={5} />}>
          <Chart label={t.occupancy} x={x} lines={lines} time height={160} />
        </Suspense>
      )}
      <p className="small soft">{t.occupancyNote}</p>
    </Card>
  );
}

const AGAINST = new Set(["slashed", "receipt_voided"]);

function eventText(kind: string, t: { slashed: string }, steps: Record<string, unknown>): string {
  const step = steps[`step_${kind.replace("SlashingCourt.", "")}`];
  return kind === "slashed" ? t.slashed : typeof step === "string" ? step : kind;
}

function Audits({ address }: { address: string }) {
  const t = useTexts(words);
  const steps = useTexts(ofExplorer) as Record<string, unknown>;
  const asked = useQuery({
    queryKey: ["explorer", "events", address],
    queryFn: () => getJson<Listed<EventRecord>>("/api/v1/events", { query: { address, limit: 200 }, token: null }),
    refetchInterval: 15_000,
  });
  const rows = (asked.data?.data ?? []).filter(
    (event) =>
      (AGAINST.has(event.kind) || event.kind.startsWith("SlashingCourt.")) &&
      JSON.stringify(event).toLowerCase().includes(address),
  );
  const columns: Column<EventRecord>[] = [
    { key: "event", label: t.event, cell: (row) => eventText(row.kind, t, steps) },
    {
      key: "amount",
      label: t.amount,
      end: true,
      cell: (row) => (row.kind === "slashed" ? <Vcai amount={String(row.amount)} /> : "–"),
    },
    { key: "block", label: t.block, end: true, cell: (row) => <span className="numbers">{row.block}</span> },
    { key: "transaction", label: t.transaction, cell: (row) => <Hash text={row.transaction} /> },
  ];
  return (
    <Card title={t.audits}>
      {asked.error && <Failure error={asked.error} retry={() => asked.refetch()} />}
      <Table
        caption={t.audits}
        columns={columns}
        rows={rows}
        keyOf={(row) => `${row.block}/${row.log_index}`}
        empty={<p className="soft">{t.noAudits}</p>}
      />
    </Card>
  );
}

export function Node({ address }: { address: string }) {
  const t = useTexts(words);
  const asked = useQuery({
    queryKey: ["explorer", "node", address],
    queryFn: () => getJson<NodeRecord>(`/api/v1/nodes/${address}`, { token: null }),
    refetchInterval: 10_000,
  });
  if (asked.isPending) return <Skeleton lines={5} />;
  if (asked.error instanceof ApiError && asked.error.status === 404) {
    return <Empty title={t.unknown}>{t.unknownWhy}</Empty>;
  }
  if (asked.error) return <Failure error={asked.error} retry={() => asked.refetch()} />;
  const node = asked.data;
  return (
    <>
      <div className="columns narrow">
        <Card>
          <Stat name={t.role} value={roleText(node.role, t)} note={node.region} />
        </Card>
        <Card>
          <Stat name={t.stake} value={<Vcai amount={node.stake} />} />
        </Card>
        <Card>
          <Stat name={t.slashed} value={<Vcai amount={node.slashed ?? "0"} />} />
        </Card>
        <Card>
          <Stat name={t.claimed} value={<Money amount={micro(node.claimed)} />} />
        </Card>
      </div>
      <Units address={address} />
      <Audits address={address} />
      <Gpus />
    </>
  );
}
