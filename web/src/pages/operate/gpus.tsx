// SPDX-License-Identifier: Apache-2.0
import { lazy, Suspense, useMemo, useState } from "react";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/operate";
import { TextArea, TextField } from "../../ui/controls";
import { Card, Progress, Skeleton, Stat } from "../../ui/surfaces";
import { Command } from "../../ui/values";
import { GAUGES, type Gauge, type Readings, readCards } from "./reading";

const Chart = lazy(() => import("../../ui/chart"));
const UNITS: Record<Gauge, string> = { utilization: "%", memoryUsed: "MiB", temperature: "°C", power: "W" };
const FILE_BYTES_MAX = 8 * 1024 * 1024;

// ops.json has the address of the node's own port; a time in milliseconds may end a line of Prometheus' text.
const RECORD = [
  "ops=$(grep -o 'http[^\"]*' /var/lib/vcity/node/ops.json)",
  'while sleep 10; do curl -s "$ops/metrics" | sed -n "/^DCGM/s/\\$/ $(date +%s)000/p" >> gpus.prom; done',
].join("\n");

function History({ readings }: { readings: Readings }) {
  const t = useTexts(words);
  const lines = useMemo(
    () =>
      GAUGES.map((gauge) => readings.cards.map((card) => ({ label: card.name, values: card.past[gauge] }))).map(
        (all, index) => ({ gauge: GAUGES[index] as Gauge, all }),
      ),
    [readings],
  );
  if (readings.times.length < 2) return null;
  return (
    <Suspense fallback={<Skeleton lines={8} />}>
      <div className="columns wide">
        {lines.map(({ gauge, all }) => (
          <div key={gauge} className="stack tight">
            <strong className="small">
              {t[gauge]}, {UNITS[gauge]}
            </strong>
            <Chart label={t.over(t[gauge])} x={readings.times} lines={all} time height={160} />
          </div>
        ))}
      </div>
    </Suspense>
  );
}

export function Gpus() {
  const t = useTexts(words);
  const [text, setText] = useState("");
  const readings = useMemo(() => readCards(text), [text]);
  const of = (value: number | null, gauge: Gauge) => (value === null ? "–" : `${value} ${UNITS[gauge]}`);
  const choose = async (file: File | undefined) => setText(file ? await file.slice(-FILE_BYTES_MAX).text() : "");
  return (
    <Card title={t.gpus}>
      <p className="soft">{t.gpuLead}</p>
      <Command text={RECORD} />
      <TextField
        label={t.recordedFile}
        type="file"
        accept=".prom,.txt,text/plain"
        onChange={(event) => choose(event.target.files?.[0])}
      />
      <TextArea
        label={t.metricsField}
        rows={3}
        className="input mono"
        value={text}
        wrong={text && readings.cards.length === 0 ? t.noGpus : null}
        onChange={(event) => setText(event.target.value)}
      />
      {readings.cards.map(({ name, latest }) => (
        <div key={name} className="stack tight">
          <strong>{name}</strong>
          <Progress label={`${t.utilization} ${name}`} part={latest.utilization ?? 0} whole={100} />
          <div className="columns narrow">
            {GAUGES.map((gauge) => (
              <Stat key={gauge} name={t[gauge]} value={of(latest[gauge], gauge)} />
            ))}
          </div>
        </div>
      ))}
      <History readings={readings} />
    </Card>
  );
}
