"""The control protocol over HTTP, in a thread of the trainer. See docs/trainer-protocol.md."""

from __future__ import annotations

import hmac
import json
import math
import os
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kriptik_trainer import PROTOCOL, __version__
from kriptik_trainer.atomic import write_json
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Progress
from kriptik_trainer.spec import Control
from kriptik_trainer.timestamps import from_rfc3339

BODY_LIMIT = 64 * 1024
IDLE_SECONDS = 30
MAX_POINTS = 10_000
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
AUTHORIZATION = ("Authorization", "Kriptik-Authorization")
MAX_DEADLINE_SECONDS = 10 * 365 * 86_400


class Problem(Exception):
    """An answer of RFC 9457."""

    def __init__(self, status: int, code: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"title": title, "status": status, "detail": detail, "code": code}


def _invalid(detail: str) -> Problem:
    return Problem(400, "invalidRequest", "The request is not valid", detail)


class Api:
    """The protocol without HTTP: each method takes decoded input and returns (status, body)."""

    def __init__(self, progress: Progress, metrics: Metrics, abort: Callable[[], None]) -> None:
        self._progress = progress
        self._metrics = metrics
        self._abort = abort

    def status(self) -> tuple[int, Any]:
        """GET /v1/status"""
        return 200, self._progress.snapshot()

    def metrics(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        """GET /v1/metrics?since=N&limit=N"""
        values = {}
        for name, default, low in (("since", 0, 0), ("limit", 1000, 1)):
            text = query.get(name, [str(default)])[-1]
            if not text.isascii() or not text.isdigit() or int(text) < low:
                raise _invalid(f"{name} must be an integer of at least {low}, not {text!r}.")
            values[name] = int(text)
        return 200, self._metrics.since(values["since"], min(values["limit"], MAX_POINTS))

    def request_checkpoint(self, body: dict[str, Any]) -> tuple[int, Any]:
        """POST /v1/checkpoint {id, stop, reason}"""
        stop, reason = body.get("stop", False), body.get("reason") or "requested"
        if not isinstance(stop, bool):
            raise _invalid("stop must be true or false.")
        if not isinstance(reason, str) or len(reason) > 200:
            raise _invalid("reason must be a text of at most 200 characters.")
        request = self._progress.mailbox.submit(_id(body), stop, reason, "requested")
        return 202, {"id": request.id, "state": request.state}

    def checkpoint(self, id: str) -> tuple[int, Any]:
        """GET /v1/checkpoint/{id}"""
        request = self._progress.mailbox.get(id)
        if request is None:
            raise Problem(
                404, "unknownRequest", "No such request", f"No checkpoint {id!r} was asked for."
            )
        return 200, request.detail()

    def withdraw(self, id: str) -> tuple[int, Any]:
        """DELETE /v1/checkpoint/{id}"""
        found = self._progress.mailbox.withdraw(id)
        if found is None:
            return self.checkpoint(id)
        if not found:
            raise Problem(
                409,
                "requestBegun",
                "The request has begun",
                f"The checkpoint {id!r} is being written, or is answered already.",
            )
        return 200, {"id": id, "state": "cancelled"}

    def stop(self, body: dict[str, Any]) -> tuple[int, Any]:
        """POST /v1/stop {id, checkpoint}"""
        save = body.get("checkpoint", True)
        if not isinstance(save, bool):
            raise _invalid("checkpoint must be true or false.")
        id = _id(body)
        if save:
            request = self._progress.mailbox.submit(id, True, "stop", "requested")
            return 202, {"id": id, "state": request.state}
        self._abort()
        return 202, {"id": id, "state": "done"}

    def deadline(self, body: dict[str, Any]) -> tuple[int, Any]:
        """PUT /v1/deadline {deadline} or {seconds}"""
        given = [name for name in ("deadline", "seconds") if name in body]
        if len(given) != 1:
            raise _invalid("Give either deadline or seconds.")
        value = body[given[0]]
        wall: float | None = None
        within: float | None = None
        if given[0] == "seconds":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _invalid("seconds must be a number.")
            if not math.isfinite(value) or abs(value) > MAX_DEADLINE_SECONDS:
                raise _invalid("seconds must be within ten years.")
            within = value
        elif isinstance(value, str):
            try:
                wall = from_rfc3339(value)
            except (ValueError, OverflowError) as error:
                raise _invalid(f"deadline: {error}") from None
        elif value is not None:
            raise _invalid("deadline must be an RFC 3339 time or null.")
        return 200, {"deadline": self._progress.set_deadline(wall, within)}


def _id(body: dict[str, Any]) -> str:
    id = body.get("id")
    if not isinstance(id, str) or REQUEST_ID.fullmatch(id) is None:
        raise _invalid("id must be 1 to 128 letters, digits, dots, dashes or underscores.")
    return id


def _is_bearer(value: str, token: bytes) -> bool:
    scheme, _, given = value.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("utf-8", "replace"), token
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: ControlServer

    def version_string(self) -> str:
        return f"kriptik-trainer/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:
        """Polls every second would drown the training log."""

    def _answer(self, status: int, body: Any, kind: str = "application/json") -> None:
        content = json.dumps(body, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Kriptik-Protocol", str(PROTOCOL))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Bearer realm="kriptik-trainer"')
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _authorize(self) -> None:
        # A proxy on the way may keep Authorization for itself, so a header of our own counts as well.
        offered = [self.headers.get(name, "") for name in AUTHORIZATION]
        if not any(_is_bearer(value, self.server.token) for value in offered):
            raise Problem(
                401,
                "unauthorized",
                "Not authorized",
                f"Send the token as {' or '.join(AUTHORIZATION)}: Bearer TOKEN.",
            )

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length")
        if length is None or not length.isdigit():
            self.close_connection = True
            raise Problem(411, "lengthRequired", "Length required", "Send a Content-Length.")
        if int(length) > BODY_LIMIT:
            self.close_connection = True
            raise Problem(
                413, "bodyTooLarge", "Body too large", f"At most {BODY_LIMIT} bytes are accepted."
            )
        try:
            value = json.loads(self.rfile.read(int(length)) or b"{}")
        except (ValueError, RecursionError) as error:
            raise _invalid(f"The body is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise _invalid("The body must be a JSON object.")
        return value

    def _route(self, method: str) -> tuple[int, Any]:
        url = urlsplit(self.path)
        api, path = self.server.api, url.path
        if path == "/healthz" and method == "GET":
            return 200, {"ok": True}
        self._authorize()
        named = re.fullmatch(r"/v1/checkpoint/([^/]+)", path)
        routes: dict[str, dict[str, Callable[[], tuple[int, Any]]]] = {
            "/healthz": {"GET": lambda: (200, {"ok": True})},
            "/v1/status": {"GET": api.status},
            "/v1/metrics": {"GET": lambda: api.metrics(parse_qs(url.query, True))},
            "/v1/checkpoint": {"POST": lambda: api.request_checkpoint(self._body())},
            "/v1/stop": {"POST": lambda: api.stop(self._body())},
            "/v1/deadline": {"PUT": lambda: api.deadline(self._body())},
        }
        if named:
            routes[path] = {
                "GET": lambda: api.checkpoint(named[1]),
                "DELETE": lambda: api.withdraw(named[1]),
            }
        offered = routes.get(path)
        if offered is None:
            raise Problem(404, "notFound", "Not found", f"There is no {path}.")
        if method not in offered:
            raise Problem(
                405, "methodNotAllowed", "Method not allowed", f"Use {' or '.join(offered)}."
            )
        return offered[method]()

    def _serve(self, method: str) -> None:
        try:
            status, body = self._route(method)
            self._answer(status, body)
        except Problem as problem:
            # An unread body would be taken for the next request on this connection.
            self.close_connection = self.close_connection or method != "GET"
            self._answer(problem.status, problem.body, "application/problem+json")
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def do_PATCH(self) -> None:
        self._serve("PATCH")


class ControlServer(ThreadingHTTPServer):
    """Serves the Api on a thread of its own until the process ends."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, token: bytes, api: Api) -> None:
        self.token = token
        self.api = api
        super().__init__((host, port), _Handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is not worth a traceback."""


def read_token(path: Path) -> bytes:
    """The bearer token. Raises TrainerError `tokenUnreadable`."""
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TrainerError(
            "tokenUnreadable",
            f"the token file cannot be read: {error}",
            str(path),
            "Write the token to this file before the trainer starts.",
        ) from error
    if not token:
        raise TrainerError(
            "tokenUnreadable", "the token file is empty", str(path), "Write a random token to it."
        )
    return token.encode()


def serve(control: Control, api: Api) -> ControlServer:
    """Starts the server and tells port and pid in the port file. Raises TrainerError `portTaken`."""
    token = read_token(control.token_file)
    try:
        server = ControlServer(control.host, control.port, token, api)
    except OSError as error:
        raise TrainerError(
            "portTaken",
            f"cannot listen on {control.host}:{control.port}: {error.strerror or error}",
            "control.port",
            "Use port 0 to take a free one, or an address of this machine.",
        ) from error
    threading.Thread(target=server.serve_forever, name="control", daemon=True).start()
    if control.port_file is not None:
        write_json(control.port_file, {"port": server.port, "pid": os.getpid()})
    return server
