"""The service that a login ends at: on this machine, behind the proxy that the program is told to use.

It speaks TLS under the names of the real service, with certificates of an authority that only the program under test is
told to trust. Nothing leaves 127.0.0.1.
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio

import madrigal

YEAR = 365 * 24 * 3600
NAMES = "subjectAltName=DNS:platform.claude.com,DNS:console.anthropic.com,DNS:api.anthropic.com"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


class SignIn:
    """What the program needs to find it, and what it was asked. `token` is what it gives; `None`: it refuses."""

    def __init__(self, folder: Path, port: int, token: str | None) -> None:
        self.token = token
        self.asked: list[tuple[str, Any]] = []
        self._page = folder / "page"
        browser = folder / "browser"
        browser.write_text(
            f"#!/bin/sh\nprintf %s \"$1\" > '{self._page}.new' && mv '{self._page}.new' '{self._page}'\n"
        )
        browser.chmod(0o755)
        self.env = {
            "HTTPS_PROXY": f"http://127.0.0.1:{port}",
            "NODE_EXTRA_CA_CERTS": str(folder / "authority.pem"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "BROWSER": str(browser),
        }

    def code(self, name: str) -> str | None:
        """The code that the page shows a person who signs in, and Enter; `None` while no page was opened."""
        if not self._page.exists():
            return None
        query = parse_qs(urlsplit(self._page.read_text()).query)
        return f"{name}#{query['state'][0]}\n"


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _certificates(folder: Path) -> ssl.SSLContext:
    authority, key = folder / "authority.pem", folder / "authority.key"
    own, own_key, request, names = (folder / name for name in ("own.pem", "own.key", "own.csr", "names"))
    _openssl("req", "-x509", *CURVE, "-subj", "/CN=test", "-keyout", key, "-out", authority)
    _openssl("req", *CURVE[:-2], "-subj", "/CN=test", "-keyout", own_key, "-out", request)
    names.write_text(NAMES)
    signed = ("-CA", authority, "-CAkey", key, "-CAcreateserial", "-days", "2", "-extfile", names)
    _openssl("x509", "-req", "-in", request, *signed, "-out", own)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, own_key)
    return context


class Person:
    """Sits at the terminal of a set-up: what the program shows, and what is typed when it does; `None` is not yet."""

    def __init__(self, *answers: tuple[str, Callable[[], str | None]]) -> None:
        self._answers = answers
        self._drawn = ""

    def watches(self, drawn: str) -> None:
        """What was drawn."""
        self._drawn += drawn

    def seen(self, since: int = 0) -> str:
        """The words of it. They stand apart by movements of the cursor."""
        return " ".join(re.sub(r"\x1b\[[0-9;?<>=]*[A-Za-z]", " ", self._drawn[since:]).split())

    async def sits_at(self, auth: madrigal.AuthManager) -> None:
        """Types, each when its words are there."""
        since = 0
        for words, answer in self._answers:
            while words not in self.seen(since) or (typed := answer()) is None:
                await anyio.sleep(0.02)
            since = len(self._drawn)
            auth.setup_input(typed)


@contextmanager
def sign_in(folder: Path, token: str | None) -> Iterator[SignIn]:
    """Serves while the block runs."""
    context = _certificates(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                self.connection = context.wrap_socket(self.connection, server_side=True)
            except (ssl.SSLError, ConnectionError):
                self.close_connection = True
                return
            # What comes through is for this same handler.
            self.rfile = self.connection.makefile("rb", -1)
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            service.asked.append((f"{self.headers['host']}{self.path}", json.loads(body)))
            if self.path != "/v1/oauth/token" or service.token is None:
                return self._say(400, {"error": "invalid_grant"})
            given = {"token_type": "Bearer", "scope": "user:inference", "expires_in": YEAR}
            return self._say(200, {**given, "access_token": service.token})

        def do_GET(self) -> None:
            service.asked.append((f"{self.headers['host']}{self.path}", None))
            self._say(404, {})

        def _say(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def log_message(self, *_: object) -> None:
            pass

    Handler.protocol_version = "HTTP/1.1"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = SignIn(folder, server.server_address[1], token)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
