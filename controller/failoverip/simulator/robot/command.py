"""`failoverip robot-simulator`: its flags, and the process around the server.

aiohttp is imported when it runs, so that the help needs no package.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from pathlib import Path

from failoverip.simulator.robot.fields import WorldError
from failoverip.simulator.robot.world import World, load_world

USAGE_ERROR = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `failoverip robot-simulator`."""
    parser.add_argument(
        "--listen",
        required=True,
        type=_host_and_port,
        metavar="HOST:PORT",
        help="where Robot's API is served; port 0 takes a free one",
    )
    parser.add_argument(
        "--world",
        required=True,
        type=Path,
        metavar="FILE.toml",
        help="users, servers, failover addresses and switches at the start",
    )
    parser.add_argument(
        "--admin",
        type=_host_and_port,
        metavar="HOST:PORT",
        help="where journal, switches, faults and the clock are served; has no login",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; 0 then, 2 with one line on stderr for bad input."""
    try:
        world = load_world(arguments.world)
        tls = _tls(arguments.tls_cert, arguments.tls_key)
        asyncio.run(_serve(world, arguments.listen, arguments.admin, tls))
    except WorldError as error:
        return _refuse(str(error))
    except ModuleNotFoundError as error:
        return _refuse(f"{error.name} is not installed: pip install 'failoverip[demo]'")
    except OSError as error:
        return _refuse(f"cannot listen on {error.filename}: {error.strerror}")
    return 0


async def _serve(
    world: World,
    listen: tuple[str, int],
    admin: tuple[str, int] | None,
    tls: ssl.SSLContext | None,
) -> None:
    from failoverip.simulator.robot.server import running

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(world, listen=listen, admin=admin, tls=tls) as simulator:
        print(f"robot-simulator: listening on {simulator.base_url}", flush=True)
        if simulator.admin_url is not None:
            print(f"robot-simulator: admin on {simulator.admin_url}", flush=True)
        await stop.wait()


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "--tls-cert" if certificate is None else "--tls-key"
        raise WorldError(f"{missing}: is missing; TLS needs --tls-cert and --tls-key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise WorldError(f"--tls-cert, --tls-key: cannot be used: {error.strerror}") from None
    return context


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT; write it like 127.0.0.1:8443")
    return host.strip("[]"), int(port)


def _refuse(reason: str) -> int:
    print(f"failoverip robot-simulator: {reason}", file=sys.stderr)
    return USAGE_ERROR
