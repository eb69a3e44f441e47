// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTheme } from "../app/theme";
import { type Language, locale, texts, useLanguage, useTexts } from "../i18n";

const words = texts({ time: "Time", number: "Number" }, { time: "时间", number: "序号" });

export interface Line {
  label: string;
  values: readonly (number | null)[];
  dashed?: boolean;
}

const COLOURS = ["--chart-1", "--chart-2", "--chart-3", "--chart-4"];

const MINUTE = 60;
const DAY = 86_400;
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000];
const LABEL_PIXELS = 64;

/** Says a time as exactly as the distance of the marks needs. */
function timeFormat(language: Language, apart: number): Intl.DateTimeFormat {
  const options: Intl.DateTimeFormatOptions =
    apart >= 28 * DAY
      ? { month: "short", year: "numeric" }
      : apart >= DAY
        ? { day: "numeric", month: "short" }
        : { hour: "2-digit", minute: "2-digit", hour12: false, ...(apart < MINUTE ? { second: "2-digit" } : {}) };
  return new Intl.DateTimeFormat(locale(language), options);
}

/** Lines over x; drawn on a canvas, with a table of the newest values for whoever cannot see it. */
export default function Chart({
  label,
  x,
  lines,
  time = false,
  xLabel,
  height = 240,
}: {
  /** What a screen reader says. */
  label: string;
  /** Ascending; unix seconds when `time`. */
  x: readonly number[];
  lines: readonly Line[];
  time?: boolean;
  /** What x is called when it is no time. */
  xLabel?: string | undefined;
  height?: number;
}) {
  const ref = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const language = useLanguage();
  const t = useTexts(words);
  const xName = xLabel ?? (time ? t.time : t.number);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read anew when the theme changes
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--ink-faint"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
    };
    const series = lines.map((line, index) => ({
      label: line.label,
      stroke: colour(COLOURS[index % COLOURS.length] ?? "--chart-1"),
      width: 2,
      ...(line.dashed ? { dash: [6, 4] } : {}),
      points: { show: x.length < 20 },
      spanGaps: true,
    }));
    const at = timeFormat(language, 0);
    const below: uPlot.Axis = time
      ? {
          ...axis,
          space: LABEL_PIXELS,
          incrs: [1, 5, 15, 30, 60, 300, 900, 3_600, 21_600, DAY, 2 * DAY, 7 * DAY, 28 * DAY, 91 * DAY, 364 * DAY],
          values: (_, marks, __, ___, apart) => {
            const format = timeFormat(language, apart);
            return marks.map((mark) => format.format(mark * 1_000));
          },
        }
      : { ...axis, incrs: WHOLE_STEPS };
    const plot = new uPlot(
      {
        width: box.clientWidth,
        height,
        scales: { x: { time } },
        axes: [below, { ...axis, size: 64 }],
        series: [
          { label: xName, value: (_, x) => (x === null ? "–" : time ? at.format(x * 1_000) : String(x)) },
          ...series,
        ],
      },
      [[...x], ...lines.map((line) => [...line.values])] as uPlot.AlignedData,
      box,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }));
    watch.observe(box);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [x, lines, time, xName, height, theme, language]);
  const last = x.length - 1;
  const spoken = lines.map((line) => `${line.label}: ${line.values[last] ?? "–"}`).join(", ");
  return <div ref={ref} className="chart" role="img" aria-label={`${label}. ${spoken}`} />;
}
