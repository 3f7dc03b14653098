"""Serving a finished page on this computer, and nothing else."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from typing_extensions import override

from musclehand.core.errors import InvalidValue

HOST = "127.0.0.1"
"""Address of pages, which only this computer reaches."""


class PageServer:
    """Serves one HTML page at the root, from construction until `stop`."""

    def __init__(self, page: str, *, port: int) -> None:
        """Starts to serve.

        Args:
            page: the document.
            port: 0 to 65535; 0 for any free port.

        Raises:
            InvalidValue: the port is taken, or not legal.
        """
        check_port(port)
        content = page.encode()

        class Handler(BaseHTTPRequestHandler):
            """Answers with the page, or that there is nothing."""

            def do_GET(self) -> None:
                """Answers a request."""
                at_root = self.path.split("?")[0] == "/"
                self.send_response(200 if at_root else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(content) if at_root else 0))
                self.end_headers()
                if at_root:
                    # A browser may go away before it has all.
                    with suppress(ConnectionError):
                        self.wfile.write(content)

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, port), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def check_port(port: int) -> None:
    """Refuses a port that is taken.

    Args:
        port: 0 for any free one.

    Raises:
        InvalidValue: the port is taken, or not legal.
    """
    if not 0 <= port < 65536:
        raise InvalidValue("port", port, "a number from 0 to 65535, 0 for any free one")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InvalidValue(
                "port", port, f"a free one ({error.strerror}); choose another with --port"
            ) from error
