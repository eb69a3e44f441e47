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
sse_streams_held                  streams of about one token a second, all open at the same time, that each came whole:
                                  every token, usage and exactly one [DONE]; --seconds is how long (default 20)
streams_memory_mib                resident memory of the gateway while it holds them
overload_served, overload_refused, overload_broken   three times as many streams at once as the gateway may run: those
                                  that came whole, those refused at once by 503 gateway_overloaded with Retry-After,
                                  and all others (must be 0)
overload_refusal_p99_ms           how long a refused one waited, the client's own work included
overload_requests_per_second, overload_share   answered with 200, also as a share of requests_per_second, while 2,000
                                  connections send without a pause to a gateway that may run 32 requests; the refused
                                  ones come again at once, without minding Retry-After, so this is the worst
overload_refused_per_second       of the same load
"""
import asyncio
import contextlib
import json
import os
import pathlib
import resource
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
STREAMS = 2_000
TOKENS_MAX = 480  # of one stream: the stub's model has a small context
ROOM = 500  # of the gateway that is overloaded with streams
OVERLOAD_TOKENS = 15
RUNNING = 32  # of the one that is overloaded with requests
FLOOD = 2_000  # connections
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


class BrokenStream(Exception):
    pass


class RefusedStream(Exception):
    def __init__(self, ms):
        super().__init__()
        self.ms = ms


COUNTED = (b'"content":"tok "', b"data: [DONE]", b'"cost_usd"')


async def count_events(reader):
    """Tokens, ends and bills of a stream, which is read as it comes and not kept, and its last event."""
    counts = [0] * len(COUNTED)
    last = b""
    async for line in reader:
        for index, mark in enumerate(COUNTED):
            counts[index] += mark in line
        last = line if line.startswith(b"data: ") else last
    return tuple(counts), last


async def hold_stream(port, key, body, chunks, opened):
    """One stream over a plain socket; the text of an answer is as long as it has tokens."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n")
    writer.write(head.encode() + body)
    await writer.drain()
    status = await reader.readline()
    try:
        if b" 503 " in status:
            answer = (await reader.read()).lower()
            if b'"code":"gateway_overloaded"' in answer and b"\r\nretry-after: " in answer:
                raise RefusedStream((time.monotonic() - started) * 1000)
        if b" 200 " not in status:
            raise BrokenStream(status + await reader.read(500))
        opened.append(time.monotonic())
        (tokens, done, usage), last = await count_events(reader)
        if (tokens, done, usage) != (chunks, 1, 1):
            raise BrokenStream(f"{tokens} tokens, {done} ends, {usage} bills; last event: {last[:300]!r}")
    finally:
        writer.close()


async def hold_streams(port, key, body, count, chunks):
    """How each ended (None: whole), when the first was asked for and when each one began."""
    opened = []
    started = time.monotonic()
    ended = await asyncio.gather(*[hold_stream(port, key, body, chunks, opened) for _ in range(count)],
                                 return_exceptions=True)
    for one in [one for one in ended if one is not None and not isinstance(one, RefusedStream)][:3]:
        print(f"stream: {one!r}", file=sys.stderr)
    return ended, started, opened


def resident_mib(pid):
    """The most that the process had."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024)


@contextlib.contextmanager
def running_gateway(stand, folder, name, tokens=None, running=None):
    """The gateway and its stub of a scheduler; its URL, port, pid, model and a key."""
    link, port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    gateway = [stand, "gateway", str(port), f"ws://127.0.0.1:{link}/link", str(folder / f"{name}.db"),
               *([str(running)] if running else [])]
    with process([stand, "scheduler", str(link), *map(str, tokens or [])]), \
            process(gateway, stdout=subprocess.PIPE, text=True) as child:
        facts = json.loads(child.stdout.readline())
        wait_for(base + "/ready")
        terms = {"cap": facts["cap"], "requests_per_minute": 1_000_000, "parallel_max": 10_000}
        key = json.loads(fetch(base + "/admin/keys", terms, facts["admin_token"]))["key"]
        yield {"url": base + "/v1/chat/completions", "port": port, "pid": child.pid, "model": facts["model"],
               "key": key}


def stream_body(model):
    return json.dumps({"model": model, **CHAT, "max_tokens": 500, "stream": True,
                       "stream_options": {"include_usage": True}}).encode()


def measure_streams(stand, folder, seconds):
    tokens = min(seconds, TOKENS_MAX)
    with running_gateway(stand, folder, "streams", (tokens, seconds * 1000 // tokens)) as gateway:
        ended, started, opened = asyncio.run(
            hold_streams(gateway["port"], gateway["key"], stream_body(gateway["model"]), STREAMS, tokens))
        memory = resident_mib(gateway["pid"])
    whole = sum(one is None for one in ended)
    # All were open together: the last one began before the first could have ended.
    together = len(opened) == STREAMS and max(opened) < started + seconds
    return {"sse_streams_held": whole if together else 0, "streams_memory_mib": memory}


def measure_stream_overload(stand, folder):
    with running_gateway(stand, folder, "overload", (OVERLOAD_TOKENS, 1000), ROOM) as gateway:
        body = stream_body(gateway["model"])
        ask = (gateway["port"], gateway["key"], body)
        ended, _, _ = asyncio.run(hold_streams(*ask, 3 * ROOM, OVERLOAD_TOKENS))
        after, _, _ = asyncio.run(hold_streams(*ask, 1, OVERLOAD_TOKENS))
    whole = sum(one is None for one in ended)
    waits = sorted(one.ms for one in ended if isinstance(one, RefusedStream))
    return {
        "overload_served": whole,
        "overload_refused": len(waits),
        "overload_broken": len(ended) - whole - len(waits) + (after != [None]),
        "overload_refusal_p99_ms": round(waits[int(len(waits) * 0.99)], 1) if waits else None,
    }


def measure_request_overload(stand, folder):
    with running_gateway(stand, folder, "flood", running=RUNNING) as gateway:
        body = json.dumps({"model": gateway["model"], **CHAT})
        flood = wrk(gateway["url"], FLOOD, LOADED_SECONDS, body, gateway["key"], may_refuse=True)
        fetch(gateway["url"], json.loads(body), gateway["key"])
    return {"overload_requests_per_second": round(flood["served"]),
            "overload_refused_per_second": round(flood["rate"] - flood["served"])}


def wrk(url, connections, seconds, body, key, may_refuse=False):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "post.lua"), url]
    output = subprocess.run(command, env={**os.environ, "BODY": body, "KEY": key}, capture_output=True, text=True,
                            check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("FIGURES"))
    requests, microseconds, broken, refused, p50, p99 = map(int, line.split()[1:])
    if broken or not requests or (refused and not may_refuse):
        raise SystemExit(f"{url}: {broken} of {requests} requests broke, {refused} were refused")
    seconds = microseconds / 1e6
    return {"rate": requests / seconds, "served": (requests - refused) / seconds, "p50": p50 / 1000, "p99": p99 / 1000}


def both_loads(url, body, key):
    wrk(url, 8, 1, body, key)
    return wrk(url, 1, ALONE_SECONDS, body, key), wrk(url, 32, LOADED_SECONDS, body, key)


def measure_gateway(stand, folder):
    with running_gateway(stand, folder, "gateway") as gateway:
        body = json.dumps({"model": gateway["model"], **CHAT})
        answer = fetch(gateway["url"], json.loads(body), gateway["key"]).decode()
        alone, loaded = both_loads(gateway["url"], body, gateway["key"])
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


def figures(stand, seconds):
    with tempfile.TemporaryDirectory(prefix="vcity-bench-") as name:
        folder = pathlib.Path(name)
        alone, loaded, body, answer = measure_gateway(stand, folder)
        nginx_alone, nginx_loaded = measure_nginx(folder, body, answer)
        more = {**measure_request_overload(stand, folder), **measure_stream_overload(stand, folder),
                **measure_streams(stand, folder, seconds)}
    more["overload_share"] = round(more["overload_requests_per_second"] / loaded["rate"], 3)
    return {
        "overhead_p50_ms": round(alone["p50"], 3),
        "overhead_p99_ms": round(alone["p99"], 3),
        "requests_per_second": round(loaded["rate"]),
        "nginx_ratio": round(loaded["rate"] / nginx_loaded["rate"], 3),
        "nginx_p50_ms": round(nginx_alone["p50"], 3),
        "nginx_p99_ms": round(nginx_alone["p99"], 3),
        "nginx_requests_per_second": round(nginx_loaded["rate"]),
        **more,
    }


def main():
    seconds = int(sys.argv[sys.argv.index("--seconds") + 1]) if "--seconds" in sys.argv else 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    result = figures(str(pathlib.Path(sys.argv[1]).resolve()), seconds)
    if "--json" in sys.argv[2:]:
        print(json.dumps(result))
        return
    print(f"{'':<28}{'gateway':>12}{'nginx':>12}")
    print(f"{'p50, one at a time (ms)':<28}{result['overhead_p50_ms']:>12}{result['nginx_p50_ms']:>12}")
    print(f"{'p99, one at a time (ms)':<28}{result['overhead_p99_ms']:>12}{result['nginx_p99_ms']:>12}")
    print(f"{'requests per second':<28}{result['requests_per_second']:>12}{result['nginx_requests_per_second']:>12}")
    print(f"{'streams held':<28}{result['sse_streams_held']:>12}")
    for name in ("streams_memory_mib", "overload_requests_per_second", "overload_share",
                 "overload_refused_per_second", "overload_served", "overload_refused",
                 "overload_broken", "overload_refusal_p99_ms"):
        print(f"{name:<28}{result[name]:>12}")
    print(f"{'of nginx':<28}{result['nginx_ratio']:>12.1%}")


if __name__ == "__main__":
    main()
