# SPDX-License-Identifier: Apache-2.0
"""Single calls of models without an account, paid by x402: the official packages against a real network and chain."""
import os
import socket
import subprocess
import unittest

from harness import ROOT, NetworkTest


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


class SingleCalls(NetworkTest):
    PORT = free_port()
    EXTRA = ("--x402-facilitator", f"http://127.0.0.1:{PORT}")

    def test_callers_without_an_account_pay_call_by_call(self):
        model = self.model()
        # Until the seller has a key for it, such calls are refused as ever.
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        answer = self.request("POST", "/v1/chat/completions", body, headers={"Authorization": None})
        self.assertEqual((answer.status, answer.error()), (401, "missing_api_key"))
        self.make_key("2", name="x402")
        environment = {**os.environ, "VCITY_GATEWAY": self.net.facts["gateway"], "VCITY_MODEL": model,
                       "VCITY_FACILITATOR_PORT": str(self.PORT)}
        result = subprocess.run(["npm", "test", "--silent"], cwd=ROOT / "tests/e2e/x402", env=environment, text=True,
                                capture_output=True, timeout=240)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
