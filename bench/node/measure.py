# SPDX-License-Identifier: Apache-2.0
"""Figures of a compute node, on a development network of one node.

create_to_output_overhead_ms  the agent's own time between a lease and the first output: median with the agent less
                              median of the sandbox alone, for the same command
agent_idle_cpu_percent        processor time of the idle agent, of one core, while its model's worker waits beside it
agent_rss_mib                 resident memory of that agent
light_jobs_concurrent         steps of one job that were seen running at the same moment on the node's two cores; each
                              printed a line of its own and ended well
"""
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from devlib.devnet import Devnet  # noqa: E402
from devlib.shell import Failed  # noqa: E402

LIGHT_JOBS = 100
# So long after the order all of them end at the same moment, however late each began.
LIGHT_SECONDS = 150
IDLE_SECONDS = 20
PATIENCE_SECONDS = 400


class Customer:
    def __init__(self, net):
        self.url = urllib.parse.urlparse(net.facts["gateway"])
        self.key = pathlib.Path(net.facts["api_key_file"]).read_text().strip()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        try:
            fields = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=fields)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 300:
            raise Failed(f"{method} {path}: {response.status} {answer}")
        return answer


def until(condition, what, pause=0.2):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise Failed(f"not within {PATIENCE_SECONDS} s: {what}")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise Failed("no VmRSS")


def measure_idle(pid):
    time.sleep(5)
    before, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (cpu_seconds(pid) - before) / (time.monotonic() - begin), rss_mib(pid)


def measure_light_jobs(customer):
    """The most steps that were running at one look, the seconds until then, and until all had printed and ended well."""
    begin, full = time.monotonic(), 0
    end = int(time.time()) + LIGHT_SECONDS
    job = customer.ask("POST", "/v1/jobs", {"budget": "5", "steps": [
        {"run": f'echo light "$VCITY_INDEX"; left=$(({end} - $(date +%s))); [ $left -le 0 ] || exec sleep $left',
         "count": LIGHT_JOBS, "seconds_max": 240,
         "resources": {"cpus": 0.02, "memory_gb": 0.03125, "disk_gb": 0.005}}]})["id"]
    most = 0

    def look():
        nonlocal most, full
        status = customer.ask("GET", "/v1/jobs/" + job)
        states = [step["state"] for step in status["steps"]]
        if states.count("running") > most:
            most, full = states.count("running"), time.monotonic() - begin
        return status if status["state"] in ("succeeded", "failed", "cancelled") else None

    status = until(look, "all light jobs to end", 1)
    if status["state"] != "succeeded":
        raise Failed(f"the light jobs came to {status['state']}: {status.get('error')}")
    for index in range(LIGHT_JOBS):
        output = customer.ask("GET", f"/v1/jobs/{job}/logs?step=main/{index}")["data"]
        if output != f"light {index}\n":
            raise Failed(f"light job {index} printed {output!r}")
    return most, full, time.monotonic() - begin


def main():
    build = pathlib.Path(sys.argv[1])
    own = json.loads(subprocess.run([build / "bench/node/node_bench"], check=True, capture_output=True).stdout)
    with tempfile.TemporaryDirectory(prefix="vcity-bench-node-") as folder:
        extra = ("--worker", build / "apps/worker/vcity-worker", "--nodes", "1", "--unit-cores", "2",
                 "--unit-memory-mib", "4096")
        with Devnet(build / "apps/vcity/vcity", pathlib.Path(folder), tuple(map(str, extra)), ready_seconds=180) as net:
            customer = Customer(net)
            until(lambda: customer.ask("GET", "/v1/offers?q=rentable%3Dtrue").get("data"), "the node's unit")
            pid = net.refreshed()["pids"]["node-1"]
            idle, rss = measure_idle(pid)
            most, full, seconds = measure_light_jobs(customer)
            busy_rss = rss_mib(pid)
    figures = {
        "create_to_output_overhead_ms": round((own["node_us"] - own["sandbox_us"]) / 1000, 2),
        "agent_idle_cpu_percent": round(idle, 2),
        "agent_rss_mib": round(rss, 1),
        "light_jobs_concurrent": most,
    }
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    rows = [("create to first output, sandbox alone", f"{own['sandbox_us'] / 1000:.1f} ms (p95 "
             f"{own['sandbox_p95_us'] / 1000:.1f})"),
            ("create to first output, with the agent", f"{own['node_us'] / 1000:.1f} ms (p95 "
             f"{own['node_p95_us'] / 1000:.1f})"),
            ("the agent's own time (goal: at most 100 ms)", f"{figures['create_to_output_overhead_ms']} ms"),
            ("idle agent, of one core (goal: below 1 %)", f"{figures['agent_idle_cpu_percent']} %"),
            ("idle agent's memory (goal: below 64 MiB)", f"{figures['agent_rss_mib']} MiB"),
            ("its memory after the light jobs", f"{busy_rss:.1f} MiB"),
            ("light jobs at once (goal: 100)", f"{most} after {full:.0f} s, all done after {seconds:.0f} s")]
    for name, value in rows:
        print(f"{name:48} {value}")


if __name__ == "__main__":
    main()
