"""The Robot simulator inside a lab: Robot over HTTPS on the lab's network, the admin on a socket.

`python -m tests.pacemaker.robot_server WORLD ADDRESS CERTIFICATE KEY SOCKET`. The admin port is a
Unix socket, so that the test run, which is outside of the lab's network, reaches it.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

from aiohttp import web

from failoverip.simulator.robot.admin import admin_app
from failoverip.simulator.robot.server import running
from failoverip.simulator.robot.world import load_world

PORT = 443


async def serve(world: Path, address: str, certificate: Path, key: Path, socket: Path) -> None:
    """Serve until killed."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with running(load_world(world), listen=(address, PORT), tls=tls) as simulator:
        runner = web.AppRunner(admin_app(simulator.controls), access_log=None)
        await runner.setup()
        await web.UnixSite(runner, str(socket)).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(
        serve(
            Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5])
        )
    )
