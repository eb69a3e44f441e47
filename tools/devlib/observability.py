# SPDX-License-Identifier: Apache-2.0
"""Grafana dashboards and Prometheus rules: their form, and that they read only metrics that somebody exposes."""
import json
import re
import shutil
import subprocess

from .shell import ROOT

FOLDER = ROOT / "observability"
DASHBOARDS = ("gateway", "network", "node", "verifier")
METRIC = re.compile(r"\b(?:vcity_|vllm:|DCGM_FI_)[a-zA-Z0-9_]+")
RECORDED = re.compile(r"\bvcity:[a-z0-9_:]+")
# Exposed only where there is such a thing: a GPU, a monitor, a reorganisation, a step that runs, a duty that is due.
NOT_ON_EVERY_NETWORK = re.compile(r"^(DCGM_FI_|vcity_node_unit_|vcity_node_step_|vcity_verifier_capacity_)")


def names_in(text):
    """Names of the samples in a text of metrics (format 0.0.4), with histograms' buckets."""
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}


def expressions():
    """(where, expression) of everything that Prometheus would be asked."""
    for path in sorted((FOLDER / "grafana").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{path.name}: ${variable['name']}", variable["query"]
    for line in (FOLDER / "rules.yml").read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("expr:"):
            yield "rules.yml", line.split("expr:", 1)[1]


def form_problems():
    found = []
    boards = sorted(path.stem for path in (FOLDER / "grafana").glob("*.json"))
    if boards != sorted(DASHBOARDS):
        found.append(f"dashboards are {boards}, not {sorted(DASHBOARDS)}")
    uids = set()
    for name in boards:
        board = json.loads((FOLDER / "grafana" / f"{name}.json").read_text(encoding="utf-8"))
        ids = [panel["id"] for panel in board["panels"]]
        if len(set(ids)) != len(ids):
            found.append(f"{name}: panels share an id")
        if board["uid"] in uids:
            found.append(f"{name}: another dashboard has its uid")
        uids.add(board["uid"])
        for panel in board["panels"]:
            if panel["datasource"]["uid"] != "${datasource}" or not panel["targets"]:
                found.append(f"{name}: {panel['title']}: asks nothing, or a data source of its own")
    recorded = set(re.findall(r"record: (\S+)", (FOLDER / "rules.yml").read_text(encoding="utf-8")))
    for where, text in expressions():
        found += [f"{where}: {name} is not recorded" for name in RECORDED.findall(text) if name not in recorded]
    return found


def promtool_problems():
    if shutil.which("promtool") is None:
        return ["promtool is missing: tools/dev setup"]
    result = subprocess.run(["promtool", "check", "rules", FOLDER / "rules.yml"], capture_output=True, text=True)
    return [] if result.returncode == 0 else [result.stdout + result.stderr]


def problems(exposed):
    """Everything wrong with the files, given the names of all samples that the roles expose."""
    found = form_problems() + promtool_problems()
    for where, text in expressions():
        for name in METRIC.findall(text):
            if name not in exposed and not NOT_ON_EVERY_NETWORK.match(name):
                found.append(f"{where}: nobody exposes {name}")
    return found
