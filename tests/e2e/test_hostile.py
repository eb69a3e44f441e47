# SPDX-License-Identifier: Apache-2.0
"""Hostile input at the gateway's door. Every attempt is refused as the documents say, and afterwards the gateway serves
as before: after each group a paid request is answered, and its memory is where it was."""
import concurrent.futures
import json
import pathlib
import socket
import time
import unittest
import urllib.parse

from harness import NetworkTest
from hostile_wire import exchange, framings, odd_heads, request, statuses

MEMORY_MIB_MAX = 400
SCRIPT = "<script>alert(1)</script>"


class Hostile(NetworkTest):
    EXTRA = ("--nodes", "1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        url = urllib.parse.urlparse(cls.net.facts["gateway"])
        cls.host, cls.port = url.hostname, url.port
        cls.authorization = f"Authorization: Bearer {cls.key}"

    def tearDown(self):
        answer = self.request("POST", "/v1/chat/completions", {
            "model": self.model(), "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2})
        self.assertEqual(answer.status, 200, "the gateway serves as before")
        pid = self.net.refreshed()["pids"]["gateway"]
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) // 1024
        self.assertLess(resident, MEMORY_MIB_MAX)

    def refused(self, answer, status, code, what):
        self.assertEqual((answer.status, answer.json()["error"]["code"] if answer.status >= 400 else None),
                         (status, code), f"{what}: {answer.body[:300]}")

    def post(self, body, path="/v1/chat/completions", **fields):
        return self.request("POST", path, body, **fields)

    # --- the wire

    def test_no_framing_hides_a_second_request(self):
        for name, data in framings(self.authorization):
            with self.subTest(name):
                answer = exchange(self.host, self.port, data)
                seen = statuses(answer)
                self.assertLessEqual(len(seen), 1, f"{name}: a second answer\n{answer[-600:]}")
                self.assertTrue(all(400 <= status < 600 for status in seen), f"{name}: {seen}")

    def test_heads_that_are_no_http_are_refused(self):
        for name, data in odd_heads(self.authorization):
            with self.subTest(name):
                seen = statuses(exchange(self.host, self.port, data))
                self.assertTrue(all(400 <= status < 600 for status in seen) and len(seen) <= 1, f"{name}: {seen}")

    def test_slow_and_silent_clients_do_not_keep_others_out(self):
        open_connections = [socket.create_connection((self.host, self.port), timeout=10) for _ in range(300)]
        try:
            for number, connection in enumerate(open_connections):
                connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Le"[:number % 60])
            started = time.monotonic()
            self.assertEqual(self.request("GET", "/v1/models").status, 200)
            self.assertLess(time.monotonic() - started, 5)
        finally:
            for connection in open_connections:
                connection.close()

    # --- bodies

    def test_json_that_is_a_bomb_or_no_json(self):
        deep = b'{"model":"m","messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
        cases = [
            ("nested 200,000 deep", deep, 400, "invalid_json"),
            ("nested objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "invalid_json"),
            ("cut off", b'{"model":"m","messages":[', 400, "invalid_json"),
            ("two values", b"{}{}", 400, "invalid_json"),
            ("a name twice", b'{"model":"a","model":"b","messages":[]}', 400, "invalid_json"),
            ("no UTF-8", b'{"model":"\xff\xfe","messages":[]}', 400, "invalid_utf8"),
            ("half a surrogate", b'{"model":"\\ud800","messages":[]}', 400, "invalid_json"),
            ("a number that is none", b'{"model":"m","messages":[],"temperature":NaN}', 400, "invalid_json"),
            ("a comment", b'{"model":"m"/*x*/,"messages":[]}', 400, "invalid_json"),
            ("an array", b"[]", 400, "invalid_type"),
            ("nothing", b"", 400, "invalid_json"),
        ]
        for name, body, status, code in cases:
            with self.subTest(name):
                self.refused(self.post(body), status, code, name)

    def test_numbers_beyond_their_bounds(self):
        for field, value in (("max_tokens", b"-1"), ("max_tokens", b"1e400"), ("max_tokens", b"18446744073709551617"),
                             ("max_tokens", b"9" * 10_000), ("temperature", b"1e308"), ("n", b"1000000"),
                             ("top_p", b"-0.5"), ("seed", b"1e30"), ("top_logprobs", b"4294967297")):
            with self.subTest(f"{field} {value[:12]}"):
                body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"' + field.encode() + b'":' + value + b"}"
                answer = self.post(body)
                self.assertEqual(answer.status, 400, answer.body[:300])

    def test_bodies_that_are_too_large_or_of_another_kind(self):
        self.refused(self.post(b" " * (8 << 20)), 413, "request_too_large", "eight megabytes")
        head = request("/v1/chat/completions", "POST", (self.authorization, "Content-Type: application/json",
                                                        "Content-Length: 1099511627776"))
        self.assertEqual(statuses(exchange(self.host, self.port, head)), [413])
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            with self.subTest(kind):
                self.refused(self.post(b"{}", headers={"Content-Type": kind}), 415, "unsupported_media_type", kind)

    def test_schemas_and_texts_that_explode(self):
        nested = {"type": "string"}
        for _ in range(300):
            nested = {"type": "object", "properties": {"a": nested}, "required": ["a"]}
        cyclic = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}
        wide = {"type": "object", "properties": {f"p{n}": {"enum": [f"{m}" for m in range(100)]} for n in range(400)}}
        for schema in (nested, cyclic, wide, {"$ref": "http://169.254.169.254/"}, {"$ref": "#/" + "a/" * 10_000}):
            answer = self.post({"model": self.model(), "messages": [{"role": "user", "content": "x"}], "max_tokens": 2,
                                "response_format": {"type": "json_schema",
                                                    "json_schema": {"name": "x", "schema": schema}}})
            self.assertIn(answer.status, (200, 400, 413), answer.body[:300])
        self.refused(self.post({"model": self.model(), "messages": [{"role": "user", "content": "x" * 500_000}]}),
                     400, "context_length_exceeded", "a long prompt")

    # --- paths, addresses, pages

    def test_no_path_leaves_its_folder(self):
        for path in ("/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2f..%2fetc/passwd",
                     "/assets/%2e%2e%5c%2e%2e%5cetc%5cpasswd", "//etc/passwd", "/assets/....//....//etc/passwd",
                     "/index.html%00.png", "/v1/files/..%2f..%2f..%2fetc%2fpasswd/content", "/d/../v1/models",
                     "/d/%2e%2e/etc/passwd", "/api/v1/nodes/..%2f..%2fmetrics", "/api/v1/events?kind=../../x"):
            with self.subTest(path):
                answer = exchange(self.host, self.port,
                                  request(path, fields=(self.authorization, "Connection: close")))
                self.assertNotIn(b"root:", answer)
                self.assertNotIn(b"vcity_gateway_", answer, "the metrics are on another port")
                self.assertTrue(statuses(answer), answer[:100])

    def test_webhooks_are_not_sent_inside(self):
        admin = self.make_key("1", scopes=["admin"])
        for url in ("http://127.0.0.1:22/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0/",
                    "https://2130706433/", "https://0x7f.1/", "https://10.0.0.1/", "https://192.168.1.1/",
                    "https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/", "file:///etc/passwd",
                    "gopher://127.0.0.1/", "https://user:pass@example.com/", "https://example.com:22/", "javascript:alert(1)",
                    "https://exa mple.com/", "https://example.com/\r\nX: y", "//example.com/", ""):
            with self.subTest(url):
                answer = self.post({"url": url}, path="/api/v1/webhooks", headers={"Authorization": "Bearer " + admin})
                self.assertEqual(answer.status, 400, f"{url}: {answer.body[:200]}")
                self.assertEqual(answer.json()["error"]["param"], "url")

    def test_text_of_a_user_is_never_a_page(self):
        for method, path, body in (("GET", f"/v1/models/{SCRIPT}", None), ("GET", f"/v1/jobs/{SCRIPT}", None),
                                   ("GET", f"/api/v1/offers?q={urllib.parse.quote(SCRIPT)}", None),
                                   ("POST", "/v1/chat/completions", {"model": SCRIPT, "messages": []}),
                                   ("GET", f"/{urllib.parse.quote(SCRIPT)}", None)):
            with self.subTest(path):
                data = json.dumps(body).encode() if body else b""
                fields = [self.authorization, "Connection: close", "Accept: text/html", "Content-Type: application/json"]
                fields += [f"Content-Length: {len(data)}"] if data else []
                answer = exchange(self.host, self.port, request(path, method, fields, data))
                head, _, text = answer.partition(b"\r\n\r\n")
                head = head.lower()
                if b"text/html" in head:
                    self.assertNotIn(b"alert(1)", text)
                    self.assertIn(b"content-security-policy:", head)
                    self.assertNotIn(b"unsafe-inline' script", head)
                self.assertIn(b"x-content-type-options: nosniff", head, f"{path}: {head[:300]}")

    def test_another_origin_reads_nothing_and_no_cookie_is_set(self):
        evil = "Origin: https://evil.example"
        for fields in ((evil, self.authorization), (evil, "Access-Control-Request-Method: POST")):
            method = "OPTIONS" if "Access" in fields[1] else "GET"
            answer = exchange(self.host, self.port, request("/api/v1/account", method, (*fields, "Connection: close")))
            head = answer.partition(b"\r\n\r\n")[0].lower()
            self.assertNotIn(b"set-cookie", head)
            self.assertNotIn(b"access-control-allow-credentials", head)
        without_key = exchange(self.host, self.port, request("/api/v1/account", fields=(evil, "Cookie: session=x",
                                                                                        "Connection: close")))
        self.assertEqual(statuses(without_key), [401])

    # --- keys

    def test_keys_that_are_guessed_cost_time(self):
        def guess(number):
            return self.request("GET", "/v1/models", headers={"Authorization": f"Bearer sk-vcity-{number:040d}"}).status

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            seen = set(pool.map(guess, range(200)))
        self.assertLessEqual(seen, {401, 429})
        for value in ("Bearer", "Bearer ", "Basic " + "a" * 100, "Bearer sk-" + "a" * 10_000, "bearer\t" + self.key,
                      "Bearer " + self.key + ", Bearer x", "Bearer ' OR 1=1 --", "Bearer \xff\xfe"):
            with self.subTest(value[:20]):
                answer = exchange(self.host, self.port,
                                  request(fields=("Authorization: " + value, "Connection: close")))
                self.assertTrue(all(400 <= status < 500 for status in statuses(answer)), answer[:120])


if __name__ == "__main__":
    unittest.main()
