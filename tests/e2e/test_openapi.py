#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the gateway and the roles say about themselves, held against a running network: the OpenAPI document, the metrics
that dashboards and rules read, and the trace of one request through every role."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

from harness import ROOT, NetworkTest, wait_for

sys.path.insert(0, str(ROOT / "tools"))
from devlib import observability  # noqa: E402

ROLES = 7  # scheduler, verifier, three nodes, gateway, keeper; then the indexer
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Faces(NetworkTest):
    @classmethod
    def setUpClass(cls):
        os.environ["VCITY_LOG_LEVEL"] = "debug"
        cls.addClassCleanup(os.environ.pop, "VCITY_LOG_LEVEL")
        super().setUpClass()

    def test_answers_fit_the_openapi_document(self):
        self.model()
        facts = {"key": self.key, "admin": pathlib.Path(self.net.facts["admin_token_file"]).read_text().strip()}
        environment = {**os.environ, "VCITY_GATEWAY": self.net.facts["gateway"], "VCITY_FACTS": json.dumps(facts)}
        result = subprocess.run(["npm", "test", "--silent"], cwd=ROOT / "tests/e2e/openapi", env=environment, text=True,
                                capture_output=True, timeout=180)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        print(result.stdout.strip())

    def test_dashboards_and_rules_read_only_metrics_that_the_roles_expose(self):
        self.assertIsNone(self.chat().error())
        exposed = set()
        for role in range(ROLES + 1):
            ops = f"http://127.0.0.1:{self.net.facts['port_base'] + 1100 + role}"
            exposed |= observability.names_in(self.request("GET", "/metrics", base=ops).body)
        self.assertGreater(len(exposed), 40)
        self.assertEqual(observability.problems(exposed), [])

    def test_a_trace_leads_from_the_client_to_the_node(self):
        parent = f"00-{TRACE}-00f067aa0ba902b7-01"
        body = {"model": self.model(), "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
        answer = self.request("POST", "/v1/chat/completions", body, headers={"traceparent": parent})
        self.assertEqual(answer.status, 200, answer.body)

        def roles():
            logs = (self.folder / "logs").glob("*.log")
            return {log.stem.split("-")[0] for log in logs if TRACE in log.read_text(errors="replace")}

        wait_for(lambda: roles() >= {"gateway", "scheduler", "node"}, "the trace in the logs of three roles")


if __name__ == "__main__":
    unittest.main(verbosity=2)
