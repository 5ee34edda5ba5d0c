"""The one thing that `kubectl logs` asks of a kubelet: a container's log, over HTTPS."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.controlplane.rest import Json


class PodLogs:
    """Serves the files of `files`, by pod. The API server does not check who a kubelet is."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.files: dict[str, Path] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.files))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def endpoint(self) -> Json:
        """The part of a node's status that leads here."""
        port = self._server.server_address[1]
        return {
            "status": {
                "addresses": [{"type": "Hostname", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            }
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(files: dict[str, Path]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """/containerLogs/NAMESPACE/POD/CONTAINER?tailLines=N."""
            parts = urlsplit(self.path)
            _, asked, _namespace, pod, *_ = [*parts.path.split("/"), "", "", ""]
            if asked != "containerLogs" or pod not in files:
                self.send_error(404)
                return
            lines = files[pod].read_bytes().splitlines(keepends=True)
            tail = parse_qs(parts.query).get("tailLines")
            body = b"".join(lines[-int(tail[0]) :] if tail else lines)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
            """Say nothing."""

    return Handler
