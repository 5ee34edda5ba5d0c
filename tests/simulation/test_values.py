"""Documents of the simulated API are values: they are handed out as they are, and never change."""

from __future__ import annotations

import json
from typing import Any

from tests.reconciler.world import FIPS, GROUP, NAMESPACE, World, lease_path, play

from failoverip.simulator.kubernetes import Answer, Request

LISTED = ("/api/v1/nodes", FIPS, f"/api/v1/namespaces/{NAMESPACE}/secrets")
HEARTBEATS = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def test_nothing_changes_a_document_that_was_handed_out() -> None:
    kept: list[tuple[Any, str]] = []

    async def scenario(world: World) -> None:
        def keep() -> None:
            for path in (*LISTED, HEARTBEATS, lease_path(NAMESPACE)):
                answer = world.api.handle(Request("GET", path))
                if isinstance(answer, Answer):
                    kept.append((answer.body, json.dumps(answer.body)))

        world.store.observe(keep)
        await world.pair()
        await world.settled(addresses=GROUP)
        world.cordon("node-c")
        world.change(mode="DryRun")
        world.kubelets["node-a"].power_off()
        await world.until(lambda: world.condition("Ready").get("status") == "False", "not Ready")
        world.change(mode="Active")
        await world.until_ready("node-b")
        world.delete(f"{FIPS}/web")

    play(scenario)

    assert len(kept) > 100
    assert [text for document, text in kept if json.dumps(document) != text] == []
