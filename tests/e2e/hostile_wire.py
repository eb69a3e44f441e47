# SPDX-License-Identifier: Apache-2.0
"""Requests as bytes, for what no HTTP library would send."""
import socket


def exchange(host, port, data, timeout=10):
    """Sends the bytes, closes the sending side, and returns all that comes back."""
    answer = b""
    with socket.create_connection((host, port), timeout=timeout) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionError, TimeoutError):
            pass
    return answer


def statuses(answer):
    """The status of every response in the bytes that came back."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


def request(target="/v1/models", method="GET", fields=(), body=b"", host="gateway"):
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1"), b"Host: " + host.encode()]
    lines += [field if isinstance(field, bytes) else field.encode("latin-1") for field in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


SECOND = b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\nX-Smuggled: yes\r\n\r\n"


def framings(authorization):
    """(name, bytes): a request whose length two servers may read differently, with another one inside."""
    def post(*fields, body):
        return request("/v1/chat/completions", "POST",
                       (authorization, "Content-Type: application/json", *fields), body)

    chunk = b"0\r\n\r\n" + SECOND
    return [
        ("length and chunks", post("Content-Length: 5", "Transfer-Encoding: chunked", body=chunk)),
        ("two lengths", post("Content-Length: 2", f"Content-Length: {len(SECOND) + 2}", body=b"{}" + SECOND)),
        ("a list of lengths", post("Content-Length: 2, 2", body=b"{}" + SECOND)),
        ("a signed length", post("Content-Length: +2", body=b"{}" + SECOND)),
        ("a negative length", post("Content-Length: -2", body=b"{}" + SECOND)),
        ("a length in hexadecimal", post("Content-Length: 0x2", body=b"{}" + SECOND)),
        ("a length beyond 64 bits", post("Content-Length: 18446744073709551618", body=b"{}" + SECOND)),
        ("an unknown coding", post("Transfer-Encoding: xchunked", body=chunk)),
        ("chunks twice", post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=chunk)),
        ("chunks not last", post("Transfer-Encoding: chunked, gzip", body=chunk)),
        ("a space before the colon", post("Transfer-Encoding : chunked", body=chunk)),
        ("a tab in the value", post("Transfer-Encoding:\tchunked\x0b", body=chunk)),
        ("a folded field", post("Transfer-Encoding:", " chunked", body=chunk)),
        ("a chunk size beyond 64 bits", post("Transfer-Encoding: chunked", body=b"10000000000000002\r\n{}\r\n" + chunk)),
        ("a chunk size with a sign", post("Transfer-Encoding: chunked", body=b"+2\r\n{}\r\n" + chunk)),
        ("a chunk that ends early", post("Transfer-Encoding: chunked", body=b"2\r\n{}xx" + chunk)),
        ("chunk lines without CR", post("Transfer-Encoding: chunked", body=b"2\n{}\n0\n\n" + SECOND)),
    ]


def odd_heads(authorization):
    """(name, bytes): heads that are not HTTP, or far too much of it."""
    many = [f"X-{number}: y" for number in range(5_000)]
    return [
        ("no version", b"GET /v1/models\r\n\r\n"),
        ("an old version", b"GET /v1/models HTTP/0.9\r\n\r\n"),
        ("a future version", b"GET /v1/models HTTP/9.9\r\nHost: x\r\n\r\n"),
        ("no method", b" /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("an endless method", b"A" * 100_000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("an endless target", request("/" + "a" * 200_000)),
        ("an endless field", request(fields=("X-Long: " + "a" * 200_000,))),
        ("five thousand fields", request(fields=many)),
        ("a field without a colon", request(fields=("nothing",))),
        ("a field without a name", request(fields=(": x",))),
        ("NUL in a value", request(fields=("X-A: a\x00b",))),
        ("CR in a value", request(fields=(b"X-A: a\rb",))),
        ("NUL in the target", request("/v1/\x00models")),
        ("a control character in the target", request("/v1/\x01models")),
        ("two keys", request(fields=(authorization, "Authorization: Bearer sk-vcity-" + "0" * 40))),
        ("bytes that are no text", bytes(range(256)) * 8),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64),
        ("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 64),
    ]
