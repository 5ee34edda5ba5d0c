"""The operator out of its image, as a kubelet and its runtime run the Deployment's container.

The container is a chroot in a mount namespace of its own: the image's files, read-only, with /proc,
a few devices and the ServiceAccount's files; the Deployment's user, arguments and environment; no
capability and no way to get one. It shares the network, where the control plane listens on
loopback. No seccomp filter: that is the node's, not the image's.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tests.controlplane.processes import Process
from tests.e2e.installation import Installation, Replica, operator_flags
from tests.image.building import Image
from tests.manifests.documents import objects

DEPLOYMENT = next(o for o in objects("Deployment") if o["metadata"]["namespace"])
POD: dict[str, Any] = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]

# $1 the root, $2 a folder with the ServiceAccount's files; the rest is run in there.
_ENTER = """
set -e
root=$1 account=$2; shift 2
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/secrets/kubernetes.io"
cp -a "$account" "$root/run/secrets/kubernetes.io/serviceaccount"
mount -o remount,bind,ro "$root/run"
mount -o remount,bind,ro "$root/dev"
mount -o remount,bind,ro "$root"
exec /usr/sbin/chroot "$root" "$@"
"""


def in_container(image: Image, root: Path, account: Path, argv: Sequence[str]) -> list[str]:
    """A command line that runs `argv` in the container, as the same process."""
    user, _, group = image.config["User"].partition(":")
    return [
        "/usr/bin/unshare",
        "--mount",
        "sh",
        "-c",
        _ENTER,
        "container",
        str(root),
        str(account),
        "setpriv",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--no-new-privs",
        # The end of the test run ends it, as it ends every other process of the rig.
        "--pdeathsig=KILL",
        *argv,
    ]


def environment(image: Image, home: Installation, name: str, server: SplitResult) -> dict[str, str]:
    """The image's, the Deployment's, and what a kubelet adds."""
    fields = {"metadata.name": name, "metadata.namespace": home.namespace}
    return {
        **dict(entry.split("=", 1) for entry in image.config["Env"]),
        **{e["name"]: fields[e["valueFrom"]["fieldRef"]["fieldPath"]] for e in CONTAINER["env"]},
        "KUBERNETES_SERVICE_HOST": server.hostname or "",
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }


class Account:
    """The Deployment's ServiceAccount: its files as a kubelet lays them out, and the API server."""

    def __init__(self, home: Installation) -> None:
        path = home.cluster.service_account_kubeconfig(home.namespace, POD["serviceAccountName"])
        kubeconfig = json.loads(path.read_text())
        cluster = kubeconfig["clusters"][0]["cluster"]
        self.server = urlsplit(cluster["server"])
        self.directory = path.with_suffix(".files")
        self.directory.mkdir()
        owner = POD["securityContext"]["runAsUser"]
        for name, content in {
            "token": kubeconfig["users"][0]["user"]["token"].encode(),
            "ca.crt": base64.b64decode(cluster["certificate-authority-data"]),
            "namespace": home.namespace.encode(),
        }.items():
            file = self.directory / name
            file.touch(mode=0o600)
            file.write_bytes(content)
            os.chown(file, owner, owner)


class ContainerReplica(Replica):
    """One replica out of the image, with the Deployment's arguments and those of the rig."""

    def __init__(self, home: Installation, name: str, image: Image, root: Path) -> None:
        account = Account(home)
        argv = [*image.config["Entrypoint"], *CONTAINER["args"], *operator_flags(home)]
        self.name = name
        self.shown = []
        self.process = Process(
            in_container(image, root, account.directory, argv),
            home.directory / f"{name}.log",
            environment(image, home, name, account.server),
        )
        self.process.start()
        home.replicas.append(self)
