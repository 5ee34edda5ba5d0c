"""The agent update-dns, action by action."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.controlplane.waiting import eventually
from tests.ocf.knot import Knot, knot_server
from tests.ocf.namespaces import need_namespaces
from tests.ocf.naming import AGENT, ME, NAME, OTHER, NamingNode, run_agent
from tests.support.machine import need_programs

from failoverip_ocf import codes
from failoverip_ocf.dns.tsig import Key
from failoverip_ocf.name_parameters import NameParameters
from failoverip_ocf.update_dns import main

KEY = Key("nodes", "hmac-sha256", b"canary-of-a-key" * 3)
FILES = ("hosts_file", "dnsmasq_file", "unbound_file")


@pytest.fixture
def node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> NamingNode:
    """A node whose name is in a hosts file of its own."""
    parameters = {"name": NAME, "ipme": ME, "ipother": OTHER, "hosts_file": str(tmp_path / "hosts")}
    (tmp_path / "hosts").write_text("127.0.0.1\tlocalhost\n")
    return NamingNode(tmp_path, parameters, capsys)


def leads_to(node: NamingNode) -> str:
    lines = (node.home / "hosts").read_text().splitlines()
    (line,) = [line for line in lines if NAME in line]
    return line.split()[0]


# -- a place on this node


def test_the_name_leads_here_while_the_resource_runs_here_and_else_to_the_other(
    node: NamingNode,
) -> None:
    assert [node.act("start"), node.monitor(), leads_to(node)] == [0, 0, ME]
    assert [node.act("stop"), node.monitor(), leads_to(node)] == [0, codes.NOT_RUNNING, OTHER]
    assert (node.home / "hosts").read_text().startswith("127.0.0.1\tlocalhost\n")


def test_every_action_can_be_repeated(node: NamingNode) -> None:
    assert [node.act("start"), node.act("start"), leads_to(node)] == [0, 0, ME]
    assert [node.act("stop"), node.act("stop"), leads_to(node)] == [0, 0, OTHER]


def test_a_line_that_was_changed_by_somebody_is_a_loss_that_a_restart_mends(
    node: NamingNode,
) -> None:
    node.act("start")
    hosts = node.home / "hosts"
    hosts.write_text(hosts.read_text().replace(ME, "198.51.100.77"))
    assert node.monitor() == codes.NOT_RUNNING
    assert node.reason == f"{hosts} gives {NAME} 198.51.100.77"
    assert [node.act("stop"), node.act("start"), node.monitor()] == [0, 0, 0]


def test_a_file_that_cannot_be_read_is_no_loss(node: NamingNode) -> None:
    node.act("start")
    (node.home / "hosts").unlink()
    (node.home / "hosts").mkdir()
    assert node.monitor() == codes.DEGRADED
    assert node.reason.startswith(f"cannot tell where {NAME} leads")
    assert node.probe() == codes.SUCCESS
    node.environ["OCF_RA_VERSION_MINOR"] = "0"
    assert node.monitor() == codes.SUCCESS


def test_after_a_power_loss_the_probe_says_not_running_and_lets_the_name_lead_to_the_other(
    node: NamingNode,
) -> None:
    node.act("start")
    node.lose_power()
    assert leads_to(node) == ME
    assert node.probe() == codes.NOT_RUNNING
    assert leads_to(node) == OTHER


def test_a_node_that_never_ran_the_resource_knows_the_name_from_its_first_probe(
    node: NamingNode,
) -> None:
    assert node.probe() == codes.NOT_RUNNING
    assert leads_to(node) == OTHER


def test_a_recurring_monitor_writes_nothing(node: NamingNode) -> None:
    before = (node.home / "hosts").read_text()
    assert node.monitor() == codes.NOT_RUNNING
    assert (node.home / "hosts").read_text() == before


def test_a_foreign_line_for_the_name_stops_the_start_and_stays(node: NamingNode) -> None:
    (node.home / "hosts").write_text(f"192.0.2.7 {NAME}\n")
    assert node.act("start") == codes.ERR_GENERIC
    assert node.reason == f"{node.home}/hosts: line 1 already gives {NAME} an address: remove it"
    assert (node.home / "hosts").read_text() == f"192.0.2.7 {NAME}\n"
    assert node.act("stop") == codes.SUCCESS


def test_two_resources_share_a_file(node: NamingNode, capsys: pytest.CaptureFixture[str]) -> None:
    parameters = {**node.parameters, "name": "second.example.com"}
    second = NamingNode(node.home, parameters, capsys)
    assert [node.act("start"), second.act("start")] == [0, 0]
    assert [node.act("stop"), node.monitor(), second.monitor()] == [0, codes.NOT_RUNNING, 0]


@pytest.mark.parametrize("place", FILES)
def test_each_kind_of_file_is_kept(node: NamingNode, place: str) -> None:
    del node.parameters["hosts_file"]
    node.parameters[place] = str(node.home / "kept")
    assert [node.act("start"), node.monitor(), node.act("stop"), node.probe()] == [0, 0, 0, 7]
    assert OTHER in (node.home / "kept").read_text()


def test_a_pair_given_the_other_way_round_is_told_by_the_interfaces(node: NamingNode) -> None:
    node.parameters |= {"ipme": OTHER, "ipother": "127.0.0.1"}
    node.act("start")
    assert leads_to(node) == "127.0.0.1"


def test_without_its_own_address_a_node_takes_that_from_which_it_reaches_the_other(
    node: NamingNode,
) -> None:
    node.parameters |= {"ipme": "", "ipother": "127.0.0.1"}
    assert (node.act("start"), node.reason) == (
        codes.ERR_INSTALLED,
        "ipme: is missing, and ipother is this node: set both",
    )
    assert [node.probe(), node.act("stop")] == [codes.NOT_RUNNING, codes.SUCCESS]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((OTHER, 9))
        except OSError:
            pytest.skip("this machine has no default route")
        mine = way.getsockname()[0]
    node.parameters["ipother"] = OTHER
    assert [node.act("start"), leads_to(node)] == [0, mine]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_stop_succeeds_where_nothing_can_be_written(node: NamingNode) -> None:
    node.act("start")
    node.parameters["hosts_file"] = "/proc/version"
    assert node.act("stop") == codes.SUCCESS
    assert node.reason.startswith(f"{NAME} may still lead here: /proc/version: ")


def test_a_stop_that_cannot_forget_the_start_gives_the_name_back_all_the_same(
    node: NamingNode,
) -> None:
    node.act("start")
    (mark,) = (node.home / "run" / "failoverip").glob("dns-*.started")
    mark.unlink()
    mark.mkdir()
    assert (node.act("stop"), leads_to(node)) == (codes.SUCCESS, OTHER)
    assert str(mark) in node.reason


@pytest.mark.parametrize("other", ["198.51.100.2", "2001:db8::2"])
def test_a_route_that_is_lost_is_no_loss_of_the_name(
    pytestconfig: pytest.Config, node: NamingNode, other: str
) -> None:
    """Without ipme the route gives this node's own address, in both families."""
    need_namespaces(pytestconfig)
    node.parameters |= {"ipme": "", "ipother": other}
    recurring = f"OCF_RESKEY_CRM_meta_interval=30000 {AGENT} monitor"
    lines = [
        "set -e",
        "ip link add net0 type veth peer name net1; ip link set net0 up; ip link set net1 up",
        "ip addr add 198.51.100.1/24 dev net0; ip addr add 2001:db8::1/64 dev net0 nodad",
        f"{AGENT} start",
        f"ip link set net0 down; {recurring} || echo $?",
    ]
    told = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", "\n".join(lines)],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **node.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout.strip()) == (0, str(codes.DEGRADED)), told.stderr
    assert "there is no route to ipother" in told.stderr


def test_a_start_that_cannot_leave_its_mark_fails_and_says_so(node: NamingNode) -> None:
    (node.home / "run").write_text("no directory")
    assert node.act("start") == codes.ERR_GENERIC
    assert str(node.home / "run") in node.reason
    assert node.act("stop") == codes.SUCCESS


# -- the command


def test_the_command_runs_at_a_start_and_after_a_change_and_through_no_shell(
    node: NamingNode,
) -> None:
    told = node.home / "told"
    program = node.home / "reload me"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>"$(dirname "$0")/told"\n')
    program.chmod(0o755)
    node.parameters["reload"] = f"'{program}' '$HOME; x' two"
    assert [node.act("start"), node.act("stop"), node.act("stop")] == [0, 0, 0]
    assert told.read_text() == "$HOME; x\ntwo\n" * 2


def test_a_shell_that_is_named_is_run(node: NamingNode) -> None:
    node.parameters["reload"] = f"sh -c 'echo one && echo two >{node.home}/told'"
    assert node.act("start") == 0
    assert (node.home / "told").read_text() == "two\n"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("sh -c 'echo no such service >&2; exit 5'", "reload: sh: exit code 5: no such service"),
        ("/no/such/program", "reload: /no/such/program: No such file or directory"),
    ],
)
def test_a_command_that_fails_fails_the_start_and_not_the_stop(
    node: NamingNode, command: str, why: str
) -> None:
    node.parameters["reload"] = command
    assert (node.act("start"), node.reason) == (codes.ERR_GENERIC, why)
    assert (node.act("stop"), node.reason) == (codes.SUCCESS, why)


def test_a_command_that_hangs_is_ended_with_its_children_within_the_time_limit(
    node: NamingNode,
) -> None:
    node.timeout_seconds = 2
    node.parameters["reload"] = f"sh -c 'sleep 1234 & echo $! >{node.home}/child; wait'"
    began = time.monotonic()
    assert node.act("start") == codes.ERR_GENERIC
    assert node.reason == "reload: sh: did not end in time"
    assert time.monotonic() - began < 60
    child = int((node.home / "child").read_text())
    eventually(lambda: not is_running(child), "the command's child has ended")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# -- a zone


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    need_programs(pytestconfig, ["knotd", "knotc"], "knot")
    with knot_server(tmp_path_factory.mktemp("knot"), [KEY]) as knot:
        yield knot


@pytest.fixture
def zoned(node: NamingNode, server: Knot) -> NamingNode:
    """The same node with the name in a zone."""
    del node.parameters["hosts_file"]
    key = node.home / "dns.key"
    key.write_text(key_text(KEY))
    key.chmod(0o600)
    node.parameters |= {"dns_server": f"127.0.0.1:{server.port}", "dns_key_file": str(key)}
    return node


def key_text(key: Key) -> str:
    import base64

    secret = base64.b64encode(key.secret).decode()
    return f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{secret}"; }};\n'


def test_a_zone_says_where_the_resource_runs(zoned: NamingNode, server: Knot) -> None:
    assert [zoned.act("start"), zoned.monitor()] == [0, 0]
    assert server.records(NAME, "A") == [ME]
    assert [zoned.act("stop"), zoned.monitor()] == [0, codes.NOT_RUNNING]
    assert server.records(NAME, "A") == [OTHER]


def test_a_late_stop_leaves_what_the_successor_wrote(zoned: NamingNode, server: Knot) -> None:
    zoned.act("start")
    third = NamingNode(
        zoned.home / "third", {**zoned.parameters, "ipme": "198.51.100.3"}, zoned.capsys
    )
    third.act("start")
    assert zoned.act("stop") == 0
    assert server.records(NAME, "A") == ["198.51.100.3"]


def test_a_probe_after_a_power_loss_leaves_the_zone_alone(zoned: NamingNode, server: Knot) -> None:
    zoned.act("start")
    zoned.lose_power()
    assert zoned.probe() == codes.NOT_RUNNING
    assert server.records(NAME, "A") == [ME]


def test_a_server_that_is_down_moves_nothing_and_holds_no_stop_up(zoned: NamingNode) -> None:
    zoned.act("start")
    zoned.parameters["dns_server"] = f"127.0.0.1:{closed_port()}"
    zoned.timeout_seconds = 5
    # The marker is that of the server before: the parameters have not changed for Pacemaker.
    marker = NameParameters(zoned.environment()).marker
    (zoned.home / "run" / "failoverip" / f"{marker}.started").touch()
    assert [zoned.monitor(), zoned.probe(), zoned.act("stop")] == [0, 0, 0]
    assert zoned.reason.startswith(f"{NAME} may still lead here: DNS server 127.0.0.1 port")
    assert zoned.monitor() == codes.NOT_RUNNING


def test_a_start_waits_for_the_server_within_its_time_limit(
    zoned: NamingNode, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The server comes up while the start tries."""
    port = closed_port()
    zoned.parameters["dns_server"] = f"127.0.0.1:{port}"
    zoned.timeout_seconds = 120
    agent = subprocess.Popen(
        [str(Path(__file__).parents[2] / "ocf-compat" / "update-dns"), "start"],
        env=zoned.environment(),
    )
    try:
        with knot_server(tmp_path_factory.mktemp("late"), [KEY], port) as late:
            assert agent.wait(120) == 0
            assert late.records(NAME, "A") == [ME]
    finally:
        agent.kill()
        agent.wait()


def test_a_start_gives_up_at_four_fifths_of_its_time_limit_and_says_why(zoned: NamingNode) -> None:
    zoned.parameters["dns_server"] = f"127.0.0.1:{closed_port()}"
    zoned.timeout_seconds = 2
    assert zoned.act("start") == codes.ERR_GENERIC
    assert "Connection refused" in zoned.reason


@pytest.mark.parametrize(
    ("mode", "text", "code", "why"),
    [
        (0o644, None, codes.ERR_PERM, "others can read {key}; type: chmod 600 {key}"),
        (0o600, "nonsense", codes.ERR_ARGS, "{key}: must hold one key"),
        (None, None, codes.ERR_INSTALLED, "{key} is missing; make one with tsig-keygen"),
    ],
)
def test_a_key_file_that_cannot_be_used_keeps_the_start_from_this_node_only(
    zoned: NamingNode, mode: int | None, text: str | None, code: int, why: str
) -> None:
    key = Path(zoned.parameters["dns_key_file"])
    if text is not None:
        key.write_text(text)
    if mode is None:
        key.unlink()
    else:
        key.chmod(mode)
    zoned.environ["OCF_CHECK_LEVEL"] = "10"
    for action in ("start", "validate-all"):
        assert zoned.act(action) == code
        assert why.format(key=key) in zoned.reason
    assert [zoned.act("stop"), zoned.probe()] == [0, codes.NOT_RUNNING]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


# -- bad input


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": ""}, "name: is missing"),
        ({"name": "a b"}, "name: 'a b' is not a host name"),
        ({"ipme": "a"}, "ipme: 'a' is not an IP address"),
        ({"ipother": "x"}, "ipother: 'x' is not an IP address"),
        ({"ipother": ME}, "ipme and ipother: are the same"),
        ({"ipother": "2001:db8::1"}, "ipme and ipother: one is IPv4, the other IPv6"),
        ({"hosts_file": ""}, "give exactly one of hosts_file, dnsmasq_file, unbound_file"),
        ({"dnsmasq_file": "/x"}, "hosts_file; dnsmasq_file given"),
        ({"hosts_file": "hosts"}, "hosts_file: 'hosts' must begin with /"),
        ({"hosts_file": "", "dns_server": "ns.example.com"}, "dns_server: 'ns.example.com' is not"),
        ({"hosts_file": "", "dns_server": "192.0.2.1:0"}, "dns_server: '192.0.2.1:0' is not"),
        ({"dns_zone": "example.net"}, f"dns_zone: {NAME} is not in example.net"),
        ({"dns_ttl": "-1"}, "dns_ttl: '-1' is not a number of seconds up to a day"),
        ({"dns_key_file": "key"}, "dns_key_file: 'key' must begin with /"),
        ({"reload": "sh -c 'x"}, "reload: a quotation mark is not closed"),
    ],
)
def test_what_is_wrong_on_every_node_is_said_by_validate_and_start_and_never_by_a_probe_or_stop(
    node: NamingNode, changes: dict[str, str], why: str
) -> None:
    node.act("start")
    node.parameters |= changes
    assert node.act("validate-all") == codes.ERR_CONFIGURED
    assert why in node.reason
    assert node.act("start") == codes.ERR_CONFIGURED
    assert node.probe() in {codes.SUCCESS, codes.NOT_RUNNING}
    assert node.monitor() in {codes.SUCCESS, codes.DEGRADED, codes.NOT_RUNNING}
    assert node.act("stop") == codes.SUCCESS


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
    ],
)
def test_a_server_is_an_address_with_or_without_a_port(
    node: NamingNode, text: str, server: tuple[str, int]
) -> None:
    del node.parameters["hosts_file"]
    node.parameters["dns_server"] = text
    told = NameParameters(node.environment())
    assert (told.problems, told.host, told.port, told.zone) == ([], *server, "example.com")


@pytest.mark.parametrize("arguments", [[], ["promote"], ["reload"]])
def test_an_unknown_action_is_not_implemented(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments, {}) == codes.ERR_UNIMPLEMENTED
    assert "there are start, stop, monitor, validate-all, meta-data" in capsys.readouterr().err


# -- the program


def test_the_program_tells_its_codes_and_reasons_to_pacemaker(node: NamingNode) -> None:
    started = run_agent("start", node.environment())
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    refused = run_agent("start", node.environment() | {"OCF_RESKEY_ipother": ""})
    assert (refused.returncode, refused.stderr) == (6, "ocf-exit-reason:ipother: is missing\n")


def test_without_its_package_a_name_that_is_kept_here_is_no_loss(
    node: NamingNode, tmp_path: Path
) -> None:
    """As in the middle of an upgrade: a traceback would end with 1, and restart the resource."""
    (tmp_path / "provider" / "failoverip_ocf").mkdir(parents=True)
    (tmp_path / "provider" / "failoverip_ocf" / "__init__.py").write_text("raise KeyError\n")
    alone = shutil.copy(AGENT, tmp_path / "provider")

    def code(action: str, interval_seconds: float = 0.0) -> int:
        ended = subprocess.run(
            [alone, action],
            env=node.environment(interval_seconds),
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in ended.stderr
        return ended.returncode

    assert [code("monitor"), code("monitor", 30)] == [codes.NOT_RUNNING] * 2
    assert code("start") == codes.ERR_INSTALLED
    node.act("start")
    # A probe's 5 does no harm to an instance elsewhere; its 0, 1 and 190 would.
    assert [code("monitor", 30), code("monitor")] == [codes.DEGRADED, codes.ERR_INSTALLED]
    assert [code("stop"), leads_to(node)] == [codes.SUCCESS, ME]


def test_the_meta_data_needs_neither_environment_nor_rights_and_fits_the_schema(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    need_programs(pytestconfig, ["xmllint", "ocf-tester"], "libxml2-utils resource-agents")
    told = run_agent("meta-data", {})
    assert told.returncode == 0
    (tmp_path / "meta.xml").write_text(told.stdout)
    schema = "/usr/share/resource-agents/ra-api-1.dtd"
    checked = subprocess.run(
        ["xmllint", "--noout", "--nonet", "--path", Path(schema).parent, "--valid",
         tmp_path / "meta.xml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (checked.returncode, checked.stderr) == (0, "")


def test_ocf_tester_finds_nothing(pytestconfig: pytest.Config, node: NamingNode) -> None:
    need_programs(pytestconfig, ["xmllint", "ocf-tester"], "libxml2-utils resource-agents")
    options = [word for pair in node.parameters.items() for word in ("-o", "=".join(pair))]
    agent = Path(__file__).parents[2] / "ocf-compat" / "update-dns"
    tester = shutil.which("ocf-tester", path="/usr/sbin:/usr/bin") or "ocf-tester"
    tested = subprocess.run(
        [tester, "-n", "dns", *options, str(agent)], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "passed all tests" in tested.stdout


def test_it_never_imports_what_talks_to_robot() -> None:
    """So that no error of Hetzner's API can run it."""
    agent = Path(__file__).parents[2] / "ocf-compat" / "update-dns"
    code = (
        f"import sys, runpy; sys.argv = ['update-dns', 'none']\n"
        f"try: runpy.run_path({str(agent)!r}, run_name='__main__')\n"
        f"except SystemExit: pass\n"
        f"import failoverip_ocf.dns.zone_place\n"
        f"print(*(name for name in sys.modules if name.startswith(('failoverip.', 'http'))))"
    )
    told = subprocess.run(
        [sys.executable, "-IS", "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == ""
