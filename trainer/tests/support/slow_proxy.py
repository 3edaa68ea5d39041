"""A way to a server that can be slowed down, blocked and cut."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit


class SlowProxy:
    """Passes bytes on; `rate` is bytes per second (0 for all at once), `blocked` passes nothing more."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.rate = 0
        self.passed = 0
        self.cut_after: int | None = None
        self._open = threading.Event()
        self._open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def block(self) -> None:
        """Connections stay open and nothing comes through them."""
        self._open.clear()

    def unblock(self) -> None:
        """Lets bytes through again."""
        self._open.set()

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()
        self._open.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(16_384):
                self._open.wait()
                self.passed += len(content)
                if self.cut_after is not None and self.passed > self.cut_after:
                    self.cut_after = None
                    break
                if self.rate:
                    time.sleep(len(content) / self.rate)
                sink.sendall(content)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()
