"""Where the connection's settings come from, and what is said when they are no good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.kube.conftest import CANARY
from tests.kube.scripted_server import Reply, ScriptedServer, scripted_server

from failoverip.kube import (
    ApiUnreachable,
    KubeClient,
    KubeconfigError,
    KubeconfigFile,
    ServiceAccount,
    Source,
    Unauthorized,
    find_source,
)

PATIENT = 60.0
CLUSTER: dict[str, Any] = {"name": "c", "cluster": {"server": "https://192.0.2.1:6443"}}
USER = {"name": "u", "user": {"token": CANARY}}
CONTEXT = {"name": "x", "context": {"cluster": "c", "user": "u"}}
GOOD: dict[str, Any] = {
    "clusters": [CLUSTER],
    "users": [USER],
    "contexts": [CONTEXT],
    "current-context": "x",
}


def with_server(server: str) -> dict[str, Any]:
    return GOOD | {"clusters": [{"name": "c", "cluster": {"server": server}}]}


def with_ca(suffix: str, value: str) -> dict[str, Any]:
    cluster = {"server": "https://a", f"certificate-authority{suffix}": value}
    return GOOD | {"clusters": [{"name": "c", "cluster": cluster}]}


async def test_the_current_context_says_server_and_token(tmp_path: Path) -> None:
    found = await KubeconfigFile(_write(tmp_path, GOOD)).load()
    assert (found.server, found.server_host) == ("https://192.0.2.1:6443", "192.0.2.1")
    assert found.authorization == f"Bearer {CANARY}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "holds no clusters and users"),
        (f"users:\n- token: {CANARY}\n  x: [", "not YAML at line"),
        (GOOD | {"current-context": "y"}, "names no usable cluster and user"),
        (GOOD | {"contexts": []}, "names no usable cluster and user"),
        (GOOD | {"clusters": []}, "names no usable cluster and user"),
        (GOOD | {"users": [{"user": {"token": CANARY}}]}, "names no usable cluster and user"),
        (GOOD | {"users": CANARY}, "names no usable cluster and user"),
        (with_server(""), "cluster.server is no URL"),
        (with_server("192.0.2.1:6443"), "cluster.server is no URL"),
        (with_server("http://192.0.2.1"), "cluster.server is http"),
        (with_ca("", "/no/ca"), "File does not exists: /no/ca"),
        (with_ca("-data", "a"), "names no usable cluster and user"),
        (with_ca("-data", "YWJj"), "certificates for https://a cannot be used"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, document: dict[str, Any] | str, message: str
) -> None:
    with pytest.raises(KubeconfigError) as raised:
        await KubeClient.open(KubeconfigFile(_write(tmp_path, document)))
    text = str(raised.value)
    assert message in text
    assert "\n" not in text
    assert CANARY not in text
    assert raised.value.__cause__ is None


async def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "absent")
    with pytest.raises(KubeconfigError, match=f"kubeconfig {path}: there is no such file"):
        await KubeconfigFile(path).load()


async def test_a_kubeconfig_that_is_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="cannot be read"):
        await KubeconfigFile(str(tmp_path)).load()


async def test_several_kubeconfigs_are_merged_and_absent_ones_skipped(tmp_path: Path) -> None:
    first = _write(tmp_path, GOOD | {"users": []}, "first")
    second = _write(tmp_path, {"users": [USER]}, "second")
    found = await KubeconfigFile(f"{first}:{tmp_path}/absent:{second}").load()
    assert found.token == CANARY


@pytest.mark.parametrize(
    ("flag", "environ", "expected"),
    [
        ("/a", {"KUBECONFIG": "/b", "KUBERNETES_SERVICE_HOST": "h"}, KubeconfigFile("/a")),
        (None, {"KUBECONFIG": "/b", "KUBERNETES_SERVICE_HOST": "h"}, KubeconfigFile("/b")),
        (
            None,
            {"KUBERNETES_SERVICE_HOST": "h"},
            ServiceAccount({"KUBERNETES_SERVICE_HOST": "h"}),
        ),
    ],
)
def test_the_flag_wins_over_the_environment_over_the_pod(
    flag: str | None, environ: dict[str, str], expected: Source
) -> None:
    assert find_source(flag, environ) == expected


def test_without_any_of_them_the_way_out_is_named() -> None:
    with pytest.raises(KubeconfigError, match="set --kubeconfig or KUBECONFIG"):
        find_source(None, {})


async def test_a_pod_uses_its_service_account(tmp_path: Path) -> None:
    account = _service_account(tmp_path, "2001:db8::1")
    found = await account.load()
    assert found.server == "https://[2001:db8::1]:6443"
    assert found.server_host == "2001:db8::1"
    assert found.authorization == f"Bearer {CANARY}"
    assert found.ca_path == account.ca_path


async def test_a_pod_without_token_says_which_file(tmp_path: Path) -> None:
    account = _service_account(tmp_path, "192.0.2.1")
    _remove(account.token_path)
    with pytest.raises(KubeconfigError, match=account.token_path):
        await account.load()


async def test_a_rotated_token_is_used_once_the_file_was_read_again(
    server: ScriptedServer, kubeconfig: Path
) -> None:
    async with await KubeClient.open(KubeconfigFile(str(kubeconfig)), reread_seconds=0) as client:
        await client.request("GET", "/x", timeout_seconds=PATIENT)
        _renew(kubeconfig)
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert [seen.headers["authorization"] for seen in server.seen] == [
        f"Bearer {CANARY}",
        "Bearer renewed",
    ]
    assert {seen.connection for seen in server.seen} == {1}


async def test_a_server_that_moved_is_followed(server: ScriptedServer, kubeconfig: Path) -> None:
    async with await KubeClient.open(KubeconfigFile(str(kubeconfig)), reread_seconds=0) as client:
        await client.request("GET", "/x", timeout_seconds=PATIENT)
        async with scripted_server() as other:
            _replace(kubeconfig, server.url, other.url)
            await client.request("GET", "/y", timeout_seconds=PATIENT)
            assert [seen.path for seen in other.seen] == ["/y"]
    assert [seen.path for seen in server.seen] == ["/x"]


async def test_plain_http_is_good_enough_for_loopback_by_name(tmp_path: Path) -> None:
    found = await KubeconfigFile(_write(tmp_path, with_server("http://localhost:8001/"))).load()
    assert found.server == "http://localhost:8001"


async def test_a_ca_file_that_breaks_later_is_no_answer(
    tmp_path: Path,
) -> None:
    account = _service_account(tmp_path, "127.0.0.1")
    client = KubeClient(account, await account.load())
    with pytest.raises(ApiUnreachable, match=r"cannot be used \(SSLError\); check"):
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    await client.close()


async def test_a_proxy_with_a_password_is_used_and_not_shown(tmp_path: Path) -> None:
    cluster = CLUSTER["cluster"] | {"proxy-url": f"http://user:{CANARY}@192.0.2.9:3128"}
    document = GOOD | {"clusters": [{"name": "c", "cluster": cluster}]}
    found = await KubeconfigFile(_write(tmp_path, document)).load()
    assert found.proxy_url == f"http://user:{CANARY}@192.0.2.9:3128"
    assert CANARY not in repr(found)


async def test_after_a_401_the_token_is_read_again_at_once(
    server: ScriptedServer, client: KubeClient, kubeconfig: Path
) -> None:
    server.behave = lambda _: Reply(401)
    _renew(kubeconfig)
    with pytest.raises(Unauthorized):
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    server.behave = lambda _: Reply(body={})
    await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert server.seen[1].headers["authorization"] == "Bearer renewed"


async def test_another_client_gets_the_token_of_now(client: KubeClient, kubeconfig: Path) -> None:
    _renew(kubeconfig)
    assert (await client.connection_info()).token == "renewed"


async def test_a_file_that_is_broken_for_a_moment_leaves_the_old_token_in_use(
    server: ScriptedServer, kubeconfig: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with await KubeClient.open(KubeconfigFile(str(kubeconfig)), reread_seconds=0) as client:
        _empty(kubeconfig)
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}"
    assert "the old connection settings stay in use" in caplog.text


def _write(tmp_path: Path, document: dict[str, Any] | str, name: str = "kubeconfig") -> str:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def _renew(kubeconfig: Path) -> None:
    _replace(kubeconfig, CANARY, "renewed")


def _replace(kubeconfig: Path, old: str, new: str) -> None:
    kubeconfig.write_text(kubeconfig.read_text().replace(old, new))


def _remove(path: str) -> None:
    Path(path).unlink()


def _empty(kubeconfig: Path) -> None:
    kubeconfig.write_text("")


def _service_account(tmp_path: Path, host: str) -> ServiceAccount:
    (tmp_path / "token").write_text(f"{CANARY}\n")
    (tmp_path / "ca.crt").write_text("not looked at before a connection is opened")
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "6443"}
    return ServiceAccount(environ, str(tmp_path / "token"), str(tmp_path / "ca.crt"))
