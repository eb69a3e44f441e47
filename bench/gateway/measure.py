#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts both paths on loopback and measures them with wrk, one after the other.

gateway: wrk -> gateway (HTTP server, API key, rate limit, budget, quote, SQLite store) -> scheduler stub over the real
         WebSocket link, which signs a receipt as node and scheduler for every job; the gateway checks both signatures
         and both hashes before it answers.
nginx:   wrk -> nginx as reverse proxy -> nginx that returns the same body from memory.

overhead_p50_ms, overhead_p99_ms  what a client waits with one request at a time, in milliseconds: the whole round trip
                                  through the gateway, stub and its signatures included, so an upper bound
requests_per_second               gateway, 32 connections
nginx_ratio                       gateway / nginx requests per second, both at 32 connections
nginx_p50_ms, nginx_p99_ms, nginx_requests_per_second   the same for nginx
"""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ALONE_SECONDS = 5
LOADED_SECONDS = 8
START_SECONDS = 20
CHAT = {"messages": [{"role": "user", "content": "What is free software?"}], "max_tokens": 16}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(command, **options):
    child = subprocess.Popen(command, **options)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(timeout=10)


def fetch(url, body=None, bearer=None, header=None):
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {bearer}"} if bearer else {})}
    request = urllib.request.Request(url, data=json.dumps(body).encode() if body else None, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read() if header is None else answer.headers[header]


def wait_for(url):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return fetch(url)
        except (urllib.error.URLError, ConnectionError) as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"{url} does not answer: {error}")
            time.sleep(0.05)


def wrk(url, connections, seconds, body, key):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "post.lua"), url]
    output = subprocess.run(command, env={**os.environ, "BODY": body, "KEY": key}, capture_output=True, text=True,
                            check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("FIGURES"))
    requests, microseconds, failed, p50, p99 = map(int, line.split()[1:])
    if failed or not requests:
        raise SystemExit(f"{url}: {failed} of {requests} requests failed")
    return {"rate": requests / (microseconds / 1e6), "p50": p50 / 1000, "p99": p99 / 1000}


def both_loads(url, body, key):
    wrk(url, 8, 1, body, key)
    return wrk(url, 1, ALONE_SECONDS, body, key), wrk(url, 32, LOADED_SECONDS, body, key)


def measure_gateway(stand, folder):
    link, port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    gateway = [stand, "gateway", str(port), f"ws://127.0.0.1:{link}/link", str(folder / "gateway.db")]
    with process([stand, "scheduler", str(link)]), process(gateway, stdout=subprocess.PIPE, text=True) as running:
        facts = json.loads(running.stdout.readline())
        wait_for(base + "/ready")
        terms = {"cap": facts["cap"], "requests_per_minute": 1_000_000, "parallel_max": 10_000}
        key = json.loads(fetch(base + "/admin/keys", terms, facts["admin_token"]))["key"]
        body = json.dumps({"model": facts["model"], **CHAT})
        answer = fetch(base + "/v1/chat/completions", json.loads(body), key).decode()
        alone, loaded = both_loads(base + "/v1/chat/completions", body, key)
    return alone, loaded, body, answer


def nginx_config(folder, front, back, answer):
    quoted = answer.replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
    return f"""
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type application/json; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream stub {{ server 127.0.0.1:{back}; keepalive 64; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{back}; location / {{ add_header x-stub yes; return 200 '{quoted}'; }} }}
  server {{
    listen 127.0.0.1:{front};
    location / {{ proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def measure_nginx(folder, body, answer):
    front, back = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(nginx_config(folder, front, back, answer))
    with process(["nginx", "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL):
        wait_for(f"http://127.0.0.1:{front}/")
        if fetch(f"http://127.0.0.1:{front}/", header="x-stub") != "yes":
            raise SystemExit("nginx answers by itself instead of asking its upstream")
        return both_loads(f"http://127.0.0.1:{front}/v1/chat/completions", body, "none")


def figures(stand):
    with tempfile.TemporaryDirectory(prefix="vcity-bench-") as name:
        folder = pathlib.Path(name)
        alone, loaded, body, answer = measure_gateway(stand, folder)
        nginx_alone, nginx_loaded = measure_nginx(folder, body, answer)
    return {
        "overhead_p50_ms": round(alone["p50"], 3),
        "overhead_p99_ms": round(alone["p99"], 3),
        "requests_per_second": round(loaded["rate"]),
        "nginx_ratio": round(loaded["rate"] / nginx_loaded["rate"], 3),
        "nginx_p50_ms": round(nginx_alone["p50"], 3),
        "nginx_p99_ms": round(nginx_alone["p99"], 3),
        "nginx_requests_per_second": round(nginx_loaded["rate"]),
    }


def main():
    result = figures(str(pathlib.Path(sys.argv[1]).resolve()))
    if "--json" in sys.argv[2:]:
        print(json.dumps(result))
        return
    print(f"{'':<28}{'gateway':>12}{'nginx':>12}")
    print(f"{'p50, one at a time (ms)':<28}{result['overhead_p50_ms']:>12}{result['nginx_p50_ms']:>12}")
    print(f"{'p99, one at a time (ms)':<28}{result['overhead_p99_ms']:>12}{result['nginx_p99_ms']:>12}")
    print(f"{'requests per second':<28}{result['requests_per_second']:>12}{result['nginx_requests_per_second']:>12}")
    print(f"{'of nginx':<28}{result['nginx_ratio']:>12.1%}")


if __name__ == "__main__":
    main()
