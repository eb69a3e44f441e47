// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/govern";
import { getJson } from "../../lib/api";
import { chartNumber, type Listed } from "../../lib/chain";
import { Card, Empty, Failure, Skeleton, Stat } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { When } from "../../ui/values";

const Chart = lazy(() => import("../../ui/chart"));

interface Period {
  period: number;
  starts_at: number;
  ends_at: number;
  utilization: string;
  supply_share: string;
  next_supply_share: string;
  to_poc: string;
  to_pod: string;
  to_demand: string;
  withheld: string;
}

interface Answer extends Listed<Period> {
  utilization: string | null;
  supply_share: string | null;
  fee_ppm: number | null;
}

const percent = (share: string | null | undefined) => {
  const value = chartNumber(share);
  return value === null ? "–" : `${(value * 100).toFixed(1)} %`;
};
const amount = (text: string) => <span className="numbers">{text.replace(/(\.\d\d)\d+$/, "$1")}</span>;

export function Incentives() {
  const t = useTexts(words);
  const asked = useQuery({
    queryKey: ["explorer", "incentives"],
    queryFn: () => getJson<Answer>("/api/v1/incentives", { query: { limit: 200 }, token: null }),
    refetchInterval: 15_000,
  });
  const periods = useMemo(() => [...(asked.data?.data ?? [])].reverse(), [asked.data]);
  const lines = useMemo(
    () => [
      { label: "U_actual (%)", values: periods.map((one) => 100 * (chartNumber(one.utilization) ?? 0)) },
      { label: "P_supply (%)", values: periods.map((one) => 100 * (chartNumber(one.supply_share) ?? 0)), dashed: true },
    ],
    [periods],
  );
  const x = useMemo(() => periods.map((one) => one.ends_at), [periods]);
  if (asked.isPending) return <Skeleton lines={6} />;
  if (asked.error) return <Failure error={asked.error} retry={() => asked.refetch()} />;
  const fee = asked.data.fee_ppm;
  const columns: Column<Period>[] = [
    { key: "period", label: t.period, cell: (row) => <strong>#{row.period}</strong> },
    { key: "ended", label: t.ended, cell: (row) => <When at={row.ends_at} /> },
    { key: "u", label: "U_actual", end: true, cell: (row) => percent(row.utilization) },
    { key: "p", label: "P_supply", end: true, cell: (row) => percent(row.supply_share) },
    { key: "poc", label: t.toPoc, end: true, cell: (row) => amount(row.to_poc) },
    { key: "pod", label: t.toPod, end: true, cell: (row) => amount(row.to_pod) },
    { key: "demand", label: t.toDemand, end: true, cell: (row) => amount(row.to_demand) },
    { key: "withheld", label: t.withheld, end: true, cell: (row) => amount(row.withheld) },
  ];
  return (
    <>
      <div className="columns">
        <Card>
          <Stat name={t.utilization} value={percent(asked.data.utilization)} />
        </Card>
        <Card>
          <Stat name={t.supplyShare} value={percent(asked.data.supply_share)} />
        </Card>
        <Card>
          <Stat name={t.fee} value={fee === null ? "–" : `${(fee / 10_000).toFixed(2)} %`} />
        </Card>
      </div>
      <Card title={t.history}>
        <p className="soft">{t.incentivesLead}</p>
        {periods.length > 0 && (
          <Suspense fallback={<Skeleton lines={6} />}>
            <Chart label={t.history} x={x} lines={lines} time />
          </Suspense>
        )}
        {periods.length === 0 && <Empty title={t.noPeriods}>{t.noPeriodsWhy}</Empty>}
      </Card>
      {periods.length > 0 && (
        <Card title={t.budgets}>
          <Table caption={t.budgets} columns={columns} rows={asked.data.data} keyOf={(row) => String(row.period)} />
        </Card>
      )}
    </>
  );
}
