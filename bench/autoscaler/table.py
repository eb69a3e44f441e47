#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs autoscaler_bench over the traces and prints its figures.

missed_last.<trace>.<lead>.<headroom>, missed_forecast.<...>
        share of demand above the capacity held for it, last value times (1 + headroom) against the forecast plus a
        multiple of its error that costs the same capacity; second half of each trace
missed_ratio_mean, missed_ratio_worst
        missed_forecast / missed_last over all cases in which anything was missed
wape_last.<trace>.<lead>, wape_forecast.<trace>.<lead>
        sum of absolute errors over sum of demand

ServeGen: requests per second in steps of ten minutes, leads of 10, 30 and 60 minutes. Azure: requests in steps of ten
seconds, leads of one and two minutes.
"""
import csv
import gzip
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

HEADROOMS = (0.1, 0.2, 0.4)


def servegen(folder):
    with open(folder / "total_rate_per_600s.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in rows[0]:
        if name != "t_seconds":
            yield f"servegen_{name}", [float(row[name]) for row in rows if row[name]], 144, {"10min": 1, "30min": 3, "60min": 6}


def azure(folder):
    for name in ("code", "conv"):
        counts, first = [], None
        with gzip.open(folder / f"AzureLLMInferenceTrace_{name}.csv.gz", "rt", newline="") as file:
            for row in csv.DictReader(file):
                at = datetime.fromisoformat(row["TIMESTAMP"][:26])
                first = first or at
                step = int((at - first).total_seconds() // 10)
                counts.extend([0] * (step + 1 - len(counts)))
                counts[step] += 1
        yield f"azure_{name}", counts, 0, {"1min": 6, "2min": 12}


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    figures, lines, ratios = {}, [], []
    for name, series, day, leads in [*servegen(folder), *azure(folder)]:
        text = "\n".join(str(value) for value in series).encode()
        for lead, steps in leads.items():
            for headroom in HEADROOMS:
                words = [program, str(steps), str(day), str(headroom)]
                result = subprocess.run(words, input=text, stdout=subprocess.PIPE, check=True, timeout=60)
                last, ours, wape_last, wape, _ = (float(word) for word in result.stdout.split())
                case = f"{name}.{lead}.{round(headroom * 100)}"
                figures[f"missed_last.{case}"], figures[f"missed_forecast.{case}"] = last, ours
                figures[f"wape_last.{name}.{lead}"], figures[f"wape_forecast.{name}.{lead}"] = wape_last, wape
                if last > 0:
                    ratios.append(ours / last)
                ratio = f"{ours / last:.2f}" if last > 0 else "-"
                lines.append(f"{name:<22}{lead:>6}{headroom:>7.0%}{wape_last:>9.1%}{wape:>9.1%}{last:>9.2%}{ours:>9.2%}{ratio:>7}")
    figures["missed_ratio_mean"] = round(sum(ratios) / len(ratios), 4)
    figures["missed_ratio_worst"] = round(max(ratios), 4)
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    print(f"{'':<22}{'':>6}{'':>7}{'forecast error':>18}{'missed demand':>18}")
    print(f"{'trace':<22}{'lead':>6}{'room':>7}{'last':>9}{'ours':>9}{'last':>9}{'ours':>9}{'ratio':>7}")
    print("\n".join(lines))
    print(f"\nmissed demand at equal GPU-hours: {figures['missed_ratio_mean']:.2f} of last-value scaling's on average, "
          f"at worst {figures['missed_ratio_worst']:.2f}")


main()
