# SPDX-License-Identifier: Apache-2.0
"""The C++ client library: installed into an empty folder, the example built against it, and run on a real network."""
import os
import subprocess
import unittest

from harness import ROOT, NetworkTest


class CppClient(NetworkTest):
    def build_example(self):
        work = self.folder / "client"
        subprocess.run(["cmake", "-D", f"BUILD={os.environ['VCITY_BUILD']}", "-D", "COMPONENT=client",
                        "-D", f"SOURCE={ROOT / 'sdk/cpp/example'}", "-D", f"WORK={work}",
                        "-D", f"COMPILER={os.environ['VCITY_COMPILER']}", "-D", "GENERATOR=Ninja",
                        "-D", "BUILD_ONLY=1", "-P", ROOT / "tests/install/install_and_run.cmake"],
                       check=True, timeout=120)
        headers = [path.relative_to(work).as_posix() for path in (work / "installed/include").rglob("*.hpp")]
        self.assertEqual(headers, ["installed/include/vcity-client/vcity/client.hpp"])
        return work / "build/ask"

    def ask(self, program, key, gateway=None):
        environment = {**os.environ, "VCITY_GATEWAY": gateway or self.net.facts["gateway"], "VCITY_KEY": key}
        return subprocess.run([program, "What is free software?"], env=environment, text=True, capture_output=True,
                              timeout=120)

    def test_a_program_outside_the_repository_asks_orders_and_checks_its_receipt(self):
        program = self.build_example()
        self.model()
        result = self.ask(program, self.key)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for check in ("hash", "within_quote", "node_signature", "scheduler_signature", "text"):
            self.assertIn(f"good {check}: ", result.stdout)
        self.assertRegex(result.stdout, r"job job-[0-9a-f]+: succeeded for [0-9.]+ dollars: 42\n")
        refused = self.ask(program, "sk-vcity-wrong")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("invalid_api_key, status 401", refused.stderr)
        lost = self.ask(program, self.key, gateway="http://127.0.0.1:1")
        self.assertIn("unreachable, status 0", lost.stderr)


if __name__ == "__main__":
    unittest.main()
