# SPDX-License-Identifier: Apache-2.0
"""kill -9 of any role at any moment of a request or a batch: the client gets the full answer or a clear error, nothing
is paid twice, nothing that was acknowledged is lost, and the network works again by itself."""
import unittest

from harness import NetworkTest, wait_for

ROLES = ("scheduler", "gateway", "verifier", "indexer", "node-1", "node-2", "node-3")


class KillNine(NetworkTest):
    def works_again(self):
        answer = self.chat(max_tokens=4)
        return answer if answer.status == 200 and answer.is_done() and not answer.error() else None

    def check_after_kill(self, role, answer):
        if answer.is_done():
            self.assertIsNone(answer.error(), answer.body)
            self.assertTrue(answer.text())
        else:
            self.assertTrue(answer.error(), f"{role}: neither an answer nor an error: {answer.body[-300:]}")
        works = wait_for(self.works_again, f"the network to recover from the death of the {role}")
        self.assertEqual(self.ended_job(works.id())["state"], "settled")
        if answer.id() and self.job(answer.id()):
            job = self.ended_job(answer.id())
            if answer.is_done() and job["state"] != "settled":
                # A node that dies before its audit takes the trace with it: it is not paid, and nobody is charged.
                self.assertTrue(role.startswith("node-"), f"{role}: a delivered job was lost: {job}")
                self.assertIn("not paid", job["error"]["message"])
                self.assertIsNone(job.get("batch"))
        self.assert_conserved()

    def test_killed_while_streaming(self):
        for role in ROLES:
            with self.subTest(role=role):
                killed = []

                def kill_once(text):
                    if not killed and '"content"' in text:
                        killed.append(self.kill(role))

                answer = self.chat("Tell me about Debian.", max_tokens=96, on_piece=kill_once)
                self.check_after_kill(role, answer)

    def test_killed_around_settlement(self):
        for role in ("scheduler", "verifier", "node-1", "node-2", "node-3"):
            with self.subTest(role=role):
                answer = self.chat(max_tokens=8)
                self.assertTrue(answer.is_done(), answer.body)
                self.kill(role)
                self.check_after_kill(role, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
