"""HTTP around the API: loopback only, one thread per connection, keep-alive."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from urllib.parse import parse_qsl, urlsplit

import orjson

from simulator.api import Api, Clock, Reply, failure, file_content
from simulator.control import Control, LogEntry, answer
from simulator.disturbances import Disturbances, spoil
from simulator.model import Account
from simulator.switches import Switches

DEFAULT_TOKEN = "simulator-token"  # noqa: S105
CONTROL_PREFIX = "/__simulator__/"
BASE_PATH = "/rest"
JSON_TYPE = "application/json; charset=utf-8"
SAMPLE_HEADER = "X-Riderra-Sample"


class Simulator(ThreadingMixIn, TCPServer):
    """The listening server and everything behind it."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self,
        account: Account,
        *,
        port: int = 0,
        token: str = DEFAULT_TOKEN,
        is_sample: bool = False,
        switches: Switches | None = None,
    ) -> None:
        self.token = token
        self.stopping = threading.Event()
        found = switches or Switches()
        clock = Clock()
        api = Api(account, found, clock)
        disturbances = Disturbances(found, clock, account.seed)
        self.control = Control(account, found, clock, api, disturbances, is_sample)
        self.counter_lock = threading.Lock()
        self.at_once = 0
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    @property
    def base_url(self) -> str:
        """The address to give to the extractor."""
        return f"http://127.0.0.1:{self.port}{BASE_PATH}/"

    def start(self) -> threading.Thread:
        """Serves in a background thread (for tests)."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Ends serving and closes the socket."""
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are not worth a traceback."""
        import sys
        import traceback

        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError | ValueError):
            traceback.print_exc()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 120
    server: Simulator

    def log_message(self, format: str, *args: object) -> None:
        """Stays silent: the control endpoint has the log."""

    def do_GET(self) -> None:
        """Answers a GET."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Answers a POST."""
        self._serve("POST")

    def do_PUT(self) -> None:
        """Answers a verb Planfix does not offer here."""
        self._serve("PUT")

    do_DELETE = do_PUT
    do_PATCH = do_PUT

    # ------------------------------------------------------------------------------------------

    def _serve(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path.startswith(CONTROL_PREFIX):
            self._serve_control(method, parts.path.removeprefix(CONTROL_PREFIX), query, body)
            return
        if not parts.path.startswith(f"{BASE_PATH}/"):
            self._send(Reply(404, b"<html><body>404</body></html>", {"Content-Type": "text/html"}))
            return
        server = self.server
        with server.counter_lock:
            server.at_once += 1
            server.control.most_at_once = max(server.control.most_at_once, server.at_once)
        try:
            self._serve_rest(method, parts.path.removeprefix(BASE_PATH), query, body)
        finally:
            with server.counter_lock:
                server.at_once -= 1

    def _serve_rest(self, method: str, path: str, query: dict[str, str], body: bytes) -> None:
        control = self.server.control
        started = time.perf_counter()
        fault = ""
        for step in control.disturbances.due_steps(path):
            for name, args in step.actions:
                control.act(name, args)
            fault = step.fault or fault
        if not self._is_authorised(query):
            reply = Reply(401, failure(1, "Access denied, unknown token"))
            self._record(method, path, reply.status, "", started, body)
            self._send(reply, control.disturbances.headers())
            return
        verdict = control.disturbances.judge(path, body, fault)
        fault = verdict.fault
        if verdict.refusal is not None:
            reply = verdict.refusal
        elif fault in {"reset", "timeout"}:
            self._record(method, path, 0, fault, started, body)
            self._drop(fault)
            return
        else:
            reply = control.api.handle(method, path, query, body)
        self._wait(verdict.wait_seconds + reply.cost_seconds)
        reply = spoil(fault, reply)
        headers = control.disturbances.headers()
        if control.is_sample:
            headers[SAMPLE_HEADER] = "1"
        self._record(method, path, reply.status, fault, started, body)
        if fault == "cut":
            self._send(reply, headers, is_cut=True)
        else:
            self._send(reply, headers)

    def _serve_control(self, method: str, name: str, query: dict[str, str], body: bytes) -> None:
        if name.startswith("content/") and name.removeprefix("content/").isdigit():
            content = file_content(int(name.removeprefix("content/")))
            self._send(Reply(200, content, {"Content-Type": "application/octet-stream"}))
            return
        try:
            parsed = orjson.loads(body) if body.strip() else {}
        except orjson.JSONDecodeError as error:
            self._send(Reply(400, {"error": str(error)}))
            return
        self._send(answer(self.server.control, method, name.strip("/"), query, parsed))

    def _is_authorised(self, query: dict[str, str]) -> bool:
        given = self.headers.get("Authorization", "")
        if given == f"Bearer {self.server.token}":
            return True
        return self.command == "GET" and query.get("access_token") == self.server.token

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.server.stopping.wait(seconds)

    def _record(
        self, method: str, path: str, status: int, fault: str, started: float, body: bytes
    ) -> None:
        control = self.server.control
        with self.server.counter_lock:
            control.requests += 1
            control.by_path[f"{method} {_generic(path)}"] += 1
            control.by_status[status] += 1
            control.log.append(
                LogEntry(
                    number=control.requests,
                    method=method,
                    path=path,
                    status=status,
                    fault=fault,
                    milliseconds=round((time.perf_counter() - started) * 1000, 3),
                    body=body[:2000].decode(errors="replace"),
                )
            )

    def _drop(self, fault: str) -> None:
        self.close_connection = True
        if fault == "timeout":
            self._wait(self.server.control.switches.number("timeout_seconds"))
            return
        # a zero linger makes close() send RST
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _send(
        self, reply: Reply, headers: dict[str, str] | None = None, *, is_cut: bool = False
    ) -> None:
        body = reply.body()
        shown = {"Content-Type": JSON_TYPE, **(headers or {}), **reply.headers}
        if is_cut:
            self.close_connection = True
        shown["Connection"] = "close" if self.close_connection else "keep-alive"
        phrase = HTTPStatus(reply.status).phrase
        now = self.date_time_string(self.server.control.clock.now())
        lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {now}"]
        lines += [f"{name}: {value}" for name, value in shown.items()]
        lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if is_cut:
            body = body[: len(body) // 2]
        with contextlib.suppress(ConnectionError):
            self.connection.sendall(head + body)


def _generic(path: str) -> str:
    """Replaces numbers in a path, so that requests can be counted by kind."""
    parts = []
    for part in path.split("/"):
        number = part.rpartition(":")[2] if ":" in part else part.rpartition("%3A")[2]
        parts.append("{id}" if number.isdigit() else part)
    return "/".join(parts)
