"""The admin port: the same handle as in-process, as JSON over HTTP. No login: bind to loopback."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from failoverip.simulator.robot.controls import Controls
from failoverip.simulator.robot.fields import Fields, WorldError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def admin_app(controls: Controls) -> web.Application:
    """The application behind the admin port; 400 with `error` for what cannot be used."""
    admin = _Admin(controls)
    app = web.Application(middlewares=[_one_line_errors])
    app.add_routes(
        [
            web.get("/journal", admin.get_journal),
            web.delete("/journal", admin.delete_journal),
            web.get("/switches", admin.get_switches),
            web.patch("/switches", admin.patch_switches),
            web.put("/routes/{ip}", admin.put_route),
            web.put("/users", admin.put_user),
            web.post("/faults", admin.post_fault),
            web.delete("/faults", admin.delete_faults),
            web.post("/advance", admin.post_advance),
            web.get("/state", admin.get_state),
        ]
    )
    return app


class _Admin:
    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    async def get_journal(self, _: web.Request) -> web.Response:
        entries = [entry.as_dict() for entry in self._controls.journal]
        return web.json_response({"requests": entries})

    async def delete_journal(self, _: web.Request) -> web.Response:
        self._controls.clear_journal()
        return web.json_response({"requests": []})

    async def get_switches(self, _: web.Request) -> web.Response:
        return web.json_response(self._controls.switches.as_dict())

    async def patch_switches(self, request: web.Request) -> web.Response:
        return web.json_response(self._controls.change_switches(await _document(request)).as_dict())

    async def put_route(self, request: web.Request) -> web.Response:
        fields = Fields(await _document(request), "route")
        target = fields.optional("active_server_ip", fields.text)
        fields.finish()
        self._controls.set_route(request.match_info["ip"], target)
        return web.json_response(self._controls.state()["routes"])

    async def put_user(self, request: web.Request) -> web.Response:
        self._controls.change_password(await _document(request))
        return web.json_response({})

    async def post_fault(self, request: web.Request) -> web.Response:
        fault = self._controls.add_fault(await _document(request))
        return web.json_response(fault.as_dict())

    async def delete_faults(self, _: web.Request) -> web.Response:
        self._controls.clear_faults()
        return web.json_response({"faults": []})

    async def post_advance(self, request: web.Request) -> web.Response:
        fields = Fields(await _document(request), "")
        seconds = fields.number("seconds")
        fields.finish()
        return web.json_response({"now": self._controls.advance(seconds)})

    async def get_state(self, _: web.Request) -> web.Response:
        return web.json_response(self._controls.state())


@web.middleware
async def _one_line_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except WorldError as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)


async def _document(request: web.Request) -> object:
    try:
        return json.loads(await request.text())
    except ValueError:
        raise WorldError("body: is not JSON") from None
