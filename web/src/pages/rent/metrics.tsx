// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import type { Job } from "@vcity/sdk";
import { lazy, Suspense, useMemo, useRef } from "react";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/rent";
import { parseUsd } from "../../lib/money";
import { Progress, Skeleton, Stat } from "../../ui/surfaces";
import { Money } from "../../ui/values";
import { type Measured, measuredIn, output } from "./shell";

const Chart = lazy(() => import("../../ui/chart"));
const POINTS_MAX = 400;

/** step: null when nothing runs, so nothing can be measured. */
export function Metrics({ job, step, token }: { job: Job; step: string | null; token: string }) {
  const t = useTexts(words);
  const seen = useRef<{ at: number; is: Measured }[]>([]);
  const asked = useQuery({
    queryKey: ["measured", job.id, step],
    enabled: step !== null,
    queryFn: async () => {
      const is = measuredIn(await output(job.id, step as string, "cat /proc/loadavg /proc/meminfo", token));
      if (is) seen.current = [...seen.current, { at: Date.now() / 1000, is }].slice(-POINTS_MAX);
      return seen.current;
    },
    refetchInterval: 3_000,
    staleTime: 0,
  });
  const points = asked.data ?? seen.current;
  const last = points.at(-1)?.is;
  const x = useMemo(() => points.map((one) => one.at), [points]);
  const lines = useMemo(
    () => [
      { label: t.load, values: points.map((one) => one.is.load) },
      { label: `${t.memoryUsed} (GiB)`, values: points.map((one) => one.is.memoryUsed) },
    ],
    [points, t],
  );
  const [spent, budget] = [job.charged, job.budget].map((text) => Number(parseUsd(text) ?? 0n));
  return (
    <>
      <div className="columns">
        <Stat
          name={t.spent}
          value={
            <>
              <Money amount={job.charged} /> / <Money amount={job.budget} />
            </>
          }
        />
        <Stat name={t.attempt} value={String(job.steps[0]?.attempt ?? 1)} />
        {last && <Stat name={t.load} value={last.load.toFixed(2)} />}
        {last && (
          <Stat
            name={t.memoryUsed}
            value={`${last.memoryUsed.toFixed(1)} GiB`}
            note={t.memoryOf(last.memoryUsed.toFixed(1), last.memoryTotal.toFixed(1))}
          />
        )}
      </div>
      <Progress label={t.spent} part={spent ?? 0} whole={budget ?? 0} />
      {points.length > 1 && (
        <Suspense fallback={<Skeleton lines={6} />}>
          <Chart label={t.machineLoad} x={x} lines={lines} time height={220} />
        </Suspense>
      )}
      {step !== null && <p className="small soft">{t.measured}</p>}
    </>
  );
}
