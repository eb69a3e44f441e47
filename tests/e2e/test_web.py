# SPDX-License-Identifier: Apache-2.0
"""The web page in a real browser on a network of real processes: the journeys of web/tests. Arguments go on to
Playwright, e.g. `test_web.py jobs.spec.ts`; VCITY_SCREENSHOTS names a folder for pictures of every page."""
import json
import os
import subprocess
import sys
import unittest

from harness import ROOT, VCITY, NetworkTest, wait_for

WEB = ROOT / "web"
JOURNEYS = sys.argv[1:]


def is_built():
    """Whether the built page is newer than all it is made of; building would take it from networks that start now."""
    page = WEB / "dist/index.html"
    sources = (path for folder in (WEB / "src", WEB / "public", ROOT / "sdk/typescript/src")
               for path in folder.rglob("*") if path.is_file())
    return page.is_file() and all(path.stat().st_mtime <= page.stat().st_mtime for path in sources)


class Web(NetworkTest):
    EXTRA = ("--unit-memory-mib", "1024", "--web", str(WEB / "dist"))

    @classmethod
    def setUpClass(cls):
        if not is_built():
            subprocess.run(["npm", "--silent", "run", "build"], cwd=WEB, check=True, timeout=300)
        super().setUpClass()

    def available(self):
        """The client's dollars in the escrow that nobody has a claim to."""
        answer = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", "wallet", "balance"], text=True,
                                capture_output=True, check=True, timeout=60)
        return json.loads(answer.stdout)["escrow_available_usd"]

    def test_the_journeys(self):
        wait_for(lambda: self.request("GET", "/v1/models").json().get("data"), "a model", 120)
        wait_for(lambda: self.request("GET", "/v1/offers?q=rentable%3Dtrue").json().get("data"), "units", 120)
        # At the first use of a key its whole limit is set aside: not in the middle of a journey that watches the balance.
        before = self.available()
        self.assertEqual(self.chat(max_tokens=1).status, 200)
        wait_for(lambda: self.available() != before, "the key's limit is set aside", 60)
        environment = {**os.environ, "VCITY_WEB_URL": self.net.facts["gateway"], "VCITY_API_KEY": self.key,
                       "VCITY_RPC": self.net.facts["rpc"], "VCITY_KEYSTORE": str(self.folder / "keys/client.json"),
                       "VCITY_KEYSTORE_PASSWORD": str(self.folder / "keys/password"),
                       "VCITY_DEVNET": str(self.folder),
                       "VCITY_FUNDER": str(self.folder / "keys/deployer.json"),
                       "VCITY_WEB_RESULTS": str(self.folder / "results")}
        result = subprocess.run(["npx", "--no-install", "playwright", "test", *JOURNEYS], cwd=WEB, env=environment,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
        print(result.stdout[-8000:], flush=True)
        self.assertEqual(result.returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
