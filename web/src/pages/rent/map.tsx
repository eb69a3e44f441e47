// SPDX-License-Identifier: Apache-2.0
import type { Offer } from "@vcity/sdk";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/rent";
import { Button } from "../../ui/controls";
import { placeOf } from "./query";

// Land in a grid of 5 degrees, from 75 north to 55 south: for each row, where land begins and ends (in columns from
// 180 west). Coarse on purpose: it shows where, not how far.
const LAND: [number, number][][] = [
  [
    [10, 22],
    [25, 31],
    [49, 71],
  ],
  [
    [3, 23],
    [26, 31],
    [38, 72],
  ],
  [
    [3, 22],
    [37, 70],
  ],
  [
    [8, 24],
    [34, 36],
    [38, 67],
  ],
  [
    [10, 25],
    [35, 65],
  ],
  [
    [11, 23],
    [34, 63],
  ],
  [
    [11, 21],
    [34, 35],
    [39, 41],
    [43, 61],
    [63, 64],
  ],
  [
    [12, 20],
    [34, 41],
    [43, 60],
    [63, 63],
  ],
  [
    [13, 19],
    [34, 60],
  ],
  [
    [14, 16],
    [20, 20],
    [32, 47],
    [49, 53],
    [55, 60],
  ],
  [
    [15, 18],
    [32, 47],
    [50, 52],
    [55, 57],
    [60, 60],
  ],
  [
    [18, 22],
    [32, 46],
    [51, 51],
    [56, 57],
    [60, 61],
  ],
  [
    [20, 26],
    [33, 45],
    [56, 58],
    [60, 61],
  ],
  [
    [20, 28],
    [38, 44],
    [56, 64],
  ],
  [
    [20, 29],
    [38, 44],
    [57, 65],
  ],
  [
    [21, 28],
    [38, 45],
    [60, 65],
  ],
  [
    [22, 28],
    [39, 43],
    [45, 45],
    [59, 65],
  ],
  [
    [22, 27],
    [39, 42],
    [58, 66],
  ],
  [
    [22, 25],
    [40, 41],
    [59, 66],
  ],
  [
    [22, 24],
    [63, 66],
  ],
  [
    [21, 23],
    [64, 65],
    [70, 71],
  ],
  [
    [21, 22],
    [70, 70],
  ],
  [[21, 22]],
];
const dots = LAND.flatMap((row, line) =>
  row.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => ({ x: from + index, y: line }))),
);

interface Place {
  region: string;
  units: number;
  x: number;
  y: number;
}

function grouped(offers: Offer[]): { placed: Place[]; elsewhere: [string, number][] } {
  const counts: Record<string, number> = {};
  for (const offer of offers) {
    const region = offer.geolocation ?? "?";
    counts[region] = (counts[region] ?? 0) + 1;
  }
  const placed: Place[] = [];
  const elsewhere: [string, number][] = [];
  for (const [region, units] of Object.entries(counts).sort()) {
    const place = placeOf(region);
    if (place) placed.push({ region, units, x: (place.longitude + 180) / 5, y: (77.5 - place.latitude) / 5 });
    else elsewhere.push([region, units]);
  }
  return { placed, elsewhere };
}

/** Where the units are; a region that is pressed becomes the filter, pressed again it is none. */
export function RegionMap({
  offers,
  chosen,
  onChoose,
}: {
  offers: Offer[];
  chosen: string;
  onChoose: (region: string) => void;
}) {
  const t = useTexts(words);
  const { placed, elsewhere } = grouped(offers);
  const regions: [string, number][] = [...placed.map((one): [string, number] => [one.region, one.units]), ...elsewhere];
  return (
    <>
      <svg viewBox="0 0 74 24" role="img" aria-label={t.map} style={{ width: "100%" }}>
        {dots.map((dot) => (
          <circle
            key={`${dot.x}/${dot.y}`}
            cx={dot.x + 0.5}
            cy={dot.y + 0.5}
            r={0.32}
            fill="var(--line-strong)"
            opacity={0.45}
          />
        ))}
        {placed.map((one) => (
          <circle
            key={one.region}
            cx={one.x}
            cy={one.y}
            r={Math.min(2.4, 0.8 + Math.log2(1 + one.units) * 0.35)}
            fill="var(--accent)"
            stroke={one.region === chosen ? "var(--ink)" : "var(--surface)"}
            strokeWidth={0.25}
          />
        ))}
      </svg>
      <div className="row">
        {regions.map(([region, units]) => (
          <Button
            key={region}
            small
            aria-pressed={region === chosen}
            look={region === chosen ? "primary" : "plain"}
            onClick={() => onChoose(region === chosen ? "" : region)}
          >
            {region} <span className="numbers">{units}</span>
          </Button>
        ))}
      </div>
    </>
  );
}
