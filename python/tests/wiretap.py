"""Stands between the program and the stand-in for the API, which keeps no credentials, and remembers which passed."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Tap:
    """Where it listens; `credentials` are the headers that passed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.credentials: set[str] = set()


@contextmanager
def wiretap(url: str) -> Iterator[Tap]:
    """Listens while the block runs."""
    behind = urlsplit(url).netloc

    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            for name in ("authorization", "x-api-key"):
                if name in self.headers:
                    tap.credentials.add(f"{name}: {self.headers[name]}")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            connection = http.client.HTTPConnection(behind)
            try:
                connection.request(self.command, self.path, body, dict(self.headers.items()))
                answer = connection.getresponse()
                whole = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("content-length", str(len(whole)))
                self.end_headers()
                self.wfile.write(whole)
            except ConnectionError:
                self.close_connection = True  # Whoever is gone needs no answer.
            finally:
                connection.close()

        do_GET = do_POST = do_HEAD = _pass  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    port = server.server_address[1]
    tap = Tap(f"http://127.0.0.1:{port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield tap
    finally:
        server.shutdown()
        server.server_close()
