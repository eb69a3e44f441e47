// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import type { Offer } from "@vcity/sdk";
import { lazy, Suspense, useMemo, useState } from "react";
import { Link } from "wouter";
import { formatNumber, useLanguage, useTexts } from "../../i18n";
import { words } from "../../i18n/rent";
import { getJson } from "../../lib/api";
import { Button, Check, Select, TextField } from "../../ui/controls";
import { Badge, Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { Hash, Money } from "../../ui/values";
import { RegionMap } from "./map";
import { type Filters, noFilters, priceMicro, queryOf } from "./query";

const Chart = lazy(() => import("../../ui/chart"));

function FilterForm({
  filters,
  regions,
  onChange,
}: {
  filters: Filters;
  regions: string[];
  onChange: (change: Partial<Filters>) => void;
}) {
  const t = useTexts(words);
  const kinds = (["any", "gpu", "cpu"] as const).map((value) => ({ value, label: t[value] }));
  return (
    <div className="columns narrow">
      <Select
        label={t.kind}
        options={kinds}
        value={filters.kind}
        onChange={(event) => onChange({ kind: event.target.value as Filters["kind"] })}
      />
      <TextField
        label={t.model}
        placeholder={t.modelHint}
        value={filters.model}
        onChange={(event) => onChange({ model: event.target.value })}
      />
      <TextField
        label={t.priceMax}
        inputMode="decimal"
        value={filters.priceMax}
        onChange={(event) => onChange({ priceMax: event.target.value })}
      />
      <Select
        label={t.region}
        options={[{ value: "", label: t.everywhere }, ...regions.map((value) => ({ value, label: value }))]}
        value={filters.region}
        onChange={(event) => onChange({ region: event.target.value })}
      />
    </div>
  );
}

function OfferTable({ offers }: { offers: Offer[] }) {
  const t = useTexts(words);
  const language = useLanguage();
  const number = (value: number | null, digits = 1) => (value === null ? "–" : formatNumber(value, language, digits));
  const columns: Column<Offer>[] = [
    {
      key: "machine",
      label: t.machine,
      cell: (row) => (
        <span className="stack tight">
          <strong>{row.num_gpus > 0 ? `${row.num_gpus} × ${row.gpu_name?.replaceAll("_", " ")}` : "CPU"}</strong>
          <span className="small">
            <Hash text={row.node} copy={false} />
          </span>
        </span>
      ),
    },
    { key: "region", label: t.region, cell: (row) => row.geolocation ?? "–" },
    {
      key: "cores",
      label: t.cores,
      end: true,
      cell: (row) => `${number(row.cpu_cores_free)} / ${number(row.cpu_cores)}`,
    },
    { key: "ram", label: t.ram, end: true, cell: (row) => `${number(row.cpu_ram)} GiB` },
    { key: "disk", label: t.disk, end: true, cell: (row) => `${number(row.disk_space, 0)} GiB` },
    {
      key: "reliability",
      label: t.reliability,
      end: true,
      cell: (row) => (
        <span className="row" style={{ justifyContent: "flex-end" }}>
          {row.verified && <Badge tone="good">{t.verified}</Badge>}
          <span className="numbers">{row.reliability === null ? "–" : `${(row.reliability * 100).toFixed(0)} %`}</span>
        </span>
      ),
    },
    { key: "price", label: t.price, end: true, cell: (row) => <Money amount={priceMicro(row.dph)} /> },
    {
      key: "rent",
      label: "",
      end: true,
      cell: (row) =>
        row.rentable ? (
          <Link className="button small" href={`/rent/launch?gpus=${row.num_gpus}`}>
            {t.rent}
          </Link>
        ) : (
          <Badge>{t.taken}</Badge>
        ),
    },
  ];
  return (
    <Table
      caption={t.offers(String(offers.length))}
      columns={columns}
      rows={offers}
      keyOf={(row) => `${row.node}/${row.unit}`}
      empty={<Empty title={t.none}>{t.noneWhy}</Empty>}
    />
  );
}

interface History {
  interval_seconds: number;
  data: { class: string; points: [number, string | number, string | number, string | number, number, number][] }[];
}

function Prices() {
  const t = useTexts(words);
  const [interval, setInterval] = useState<"5m" | "1h">("5m");
  const [chosen, setChosen] = useState("");
  const asked = useQuery({
    queryKey: ["prices", interval],
    queryFn: () => getJson<History>("/api/v1/offers/history", { query: { interval }, token: null }),
    refetchInterval: 60_000,
  });
  const classes = asked.data?.data ?? [];
  const one = classes.find((each) => each.class === chosen) ?? classes[0];
  const x = useMemo(() => (one?.points ?? []).map((point) => point[0]), [one]);
  const lines = useMemo(() => {
    const values = (at: 1 | 2) => (one?.points ?? []).map((point) => Number(point[at]));
    return [
      { label: t.median, values: values(2) },
      { label: t.lowest, values: values(1), dashed: true },
    ];
  }, [one, t]);
  const spans = [
    { value: "5m", label: t.hour24 },
    { value: "1h", label: t.days90 },
  ];
  if (asked.error) return <p className="soft">{t.noHistory}</p>;
  return (
    <>
      <div className="row">
        {spans.map((span) => (
          <Button
            key={span.value}
            small
            aria-pressed={interval === span.value}
            look={interval === span.value ? "primary" : "plain"}
            onClick={() => setInterval(span.value as "5m" | "1h")}
          >
            {span.label}
          </Button>
        ))}
        {classes.length > 1 &&
          classes.map((each) => (
            <Button
              key={each.class}
              small
              aria-pressed={each === one}
              look={each === one ? "primary" : "quiet"}
              onClick={() => setChosen(each.class)}
            >
              {each.class.replaceAll("_", " ")}
            </Button>
          ))}
      </div>
      {asked.isPending && <Skeleton lines={5} />}
      {one && x.length > 0 ? (
        <Suspense fallback={<Skeleton lines={5} />}>
          <Chart label={`${t.prices}: ${one.class}`} x={x} lines={lines} time height={200} />
        </Suspense>
      ) : (
        !asked.isPending && <p className="soft">{t.noHistory}</p>
      )}
    </>
  );
}

const ORDERS = { cheapest: "dph", reliable: "reliability-", largest: "num_gpus-", memory: "cpu_ram-" } as const;

export function Find() {
  const t = useTexts(words);
  const [filters, setFilters] = useState(noFilters);
  const [own, setOwn] = useState<string | null>(null);
  const [order, setOrder] = useState<keyof typeof ORDERS>("cheapest");
  const q = own ?? queryOf(filters);
  const asked = useQuery({
    queryKey: ["offers", q, order],
    queryFn: () =>
      getJson<{ data: Offer[]; total?: number }>("/api/v1/offers", {
        query: { q, order: ORDERS[order], limit: 100 },
        token: null,
      }),
    refetchInterval: 10_000,
    placeholderData: (before) => before,
  });
  const everything = useQuery({
    queryKey: ["offers", "", "map"],
    queryFn: () => getJson<{ data: Offer[] }>("/api/v1/offers", { query: { limit: 500 }, token: null }),
    staleTime: 60_000,
  });
  const all = everything.data?.data ?? asked.data?.data ?? [];
  const regions = [...new Set(all.map((offer) => offer.geolocation ?? "").filter(Boolean))].sort();
  const change = (changed: Partial<Filters>) => {
    setOwn(null);
    setFilters({ ...filters, ...changed });
  };
  return (
    <>
      <Card>
        <FilterForm filters={filters} regions={regions} onChange={change} />
        <div className="columns">
          <TextField
            label={t.query}
            hint={t.queryHint}
            className="input mono"
            value={q}
            onChange={(event) => setOwn(event.target.value)}
            spellCheck={false}
          />
          <Select
            label={t.order}
            options={(Object.keys(ORDERS) as (keyof typeof ORDERS)[]).map((value) => ({ value, label: t[value] }))}
            value={order}
            onChange={(event) => setOrder(event.target.value as keyof typeof ORDERS)}
          />
        </div>
        <Check
          label={t.verifiedOnly}
          checked={filters.verified}
          onChange={(event) => change({ verified: event.target.checked })}
        />
      </Card>
      {asked.error && <Failure error={asked.error} retry={() => asked.refetch()} />}
      {asked.isPending && <Skeleton lines={6} />}
      {asked.data && !asked.error && (
        <>
          <h2>{t.offers(String(asked.data.total ?? asked.data.data.length))}</h2>
          <OfferTable offers={asked.data.data} />
        </>
      )}
      <div className="columns" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 420px), 1fr))" }}>
        <Card title={t.map}>
          <RegionMap offers={all} chosen={filters.region} onChoose={(region) => change({ region })} />
        </Card>
        <Card title={t.prices}>
          <Prices />
        </Card>
      </div>
    </>
  );
}
