#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One gateway and one verifier before two schedulers with a node each: a client is served by the scheduler that its
spending cap names, with that scheduler's nodes, receipts, audits and money."""
import pathlib
import unittest
import urllib.parse

from harness import NetworkTest, wait_for


class TwoSchedulers(NetworkTest):
    EXTRA = ("--schedulers", "2", "--nodes", "2")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.schedulers = cls.net.facts["schedulers"]
        cls.keys = [pathlib.Path(each["api_key_file"]).read_text().strip() for each in cls.schedulers]
        cls.addresses = [each["address"].lower() for each in cls.schedulers]

    def at(self, number, method, path, body=None):
        return self.request(method, path, body, headers={"Authorization": f"Bearer {self.keys[number]}"})

    def offers(self, number, **parameters):
        return self.at(number, "GET", "/v1/offers?" + urllib.parse.urlencode(parameters)).json().get("data", [])

    def call(self, number):
        """A chat at one scheduler, and what the gateway knows of it once it has been audited and settled."""
        models = wait_for(lambda: self.at(number, "GET", "/v1/models").json().get("data"), "a model on offer")
        answer = self.at(number, "POST", "/v1/chat/completions",
                         {"model": models[0]["id"], "max_tokens": 16, "seed": 7,
                          "messages": [{"role": "user", "content": "What is free software?"}]})
        self.assertEqual(answer.status, 200, answer.body)

        def settled():
            found = self.at(number, "GET", "/v1/generation?id=" + answer.json()["id"])
            record = found.json()["data"] if found.status == 200 else {}
            return record if record.get("state") == "settled" else None

        return wait_for(settled, f"a call at scheduler {number} to be settled", 90)

    def test_calls_go_to_the_scheduler_of_the_cap_and_are_audited_there(self):
        calls = [self.call(0), self.call(1)]
        self.assertEqual([call["receipt"]["scheduler"].lower() for call in calls], self.addresses)
        self.assertNotEqual(calls[0]["receipt"]["node"], calls[1]["receipt"]["node"])
        self.assertEqual([call["verdict"]["outcome"] for call in calls], ["accepted", "accepted"],
                         "the one verifier audits for both")

    def test_jobs_run_at_the_scheduler_of_the_cap_and_are_found_there(self):
        wait_for(lambda: self.offers(0) and self.offers(1), "a unit at each scheduler")
        order = {"budget": "0.2", "name": "where", "steps": [
            {"name": "main", "run": "echo here", "seconds_max": 20, "resources": {"cpus": 0.5, "memory_gb": 0.125}}]}
        nodes = set()
        for number in (0, 1):
            accepted = self.at(number, "POST", "/v1/jobs", order)
            self.assertEqual(accepted.status, 201, accepted.body)
            path = "/v1/jobs/" + accepted.json()["id"]

            def ended(asking):
                job = self.at(asking, "GET", path).json()
                return job if job.get("state") not in (None, "active") else None

            # Both keys are of one client, so either may ask.
            for asking in (0, 1):
                job = wait_for(lambda: ended(asking), f"{path} to end")
                self.assertEqual(job["state"], "succeeded", job)
            nodes.add(job["steps"][0]["node"])
        self.assertEqual(len(nodes), 2, nodes)

    def test_offers_are_those_of_the_cap_and_all_for_the_public(self):
        wait_for(lambda: self.offers(0) and self.offers(1), "a unit at each scheduler")
        for number in (0, 1):
            self.assertEqual({offer["scheduler"] for offer in self.offers(number)}, {self.addresses[number]})
        public = self.request("GET", "/api/v1/offers").json()["data"]
        self.assertEqual({offer["scheduler"] for offer in public}, set(self.addresses))
        network = self.request("GET", "/api/v1/network").json()
        self.assertEqual(network["schedulers"], self.addresses)


if __name__ == "__main__":
    unittest.main()
