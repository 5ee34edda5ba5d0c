"""On the path of a measured operator: writes down for how long its event loop stood still."""

from __future__ import annotations

import asyncio
import os
import time

TICK_SECONDS = 0.02
LEAST_SECONDS = 0.05


class _Probed(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        path = f"/tmp/failoverip-stalls-{os.getpid()}"  # noqa: S108  named by the process
        with open(path, "a"):  # noqa: PTH123  no import that the operator would not make
            pass

        def tick(due: float) -> None:
            late = time.monotonic() - due
            if late >= LEAST_SECONDS:
                with open(path, "a") as file:  # noqa: PTH123  as above
                    file.write(f"{late:.3f}\n")
            loop.call_later(TICK_SECONDS, tick, time.monotonic() + TICK_SECONDS)

        loop.call_soon(tick, time.monotonic())
        return loop


asyncio.set_event_loop_policy(_Probed())
