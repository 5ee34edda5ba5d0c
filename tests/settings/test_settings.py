"""What the operator can be told, and what it says about input that it cannot use."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from failoverip.robot.base_url import check_base_url as check_robot_base_url
from failoverip.settings import (
    ListenAddress,
    OperatorSettings,
    SettingsError,
    Surroundings,
    add_operator_arguments,
    check_base_url,
    operator_settings,
    settings_from,
)

CANARY = "hunter2-canary"


def no_file_is_missing(_: Path) -> str:
    return ""


POD = Surroundings(
    hostname="worker-1",
    service_account_namespace="",
    stderr_is_terminal=False,
    suffix="0badcafe",
    why_unreadable=no_file_is_missing,
)


def read(
    flags: dict[str, str | None] | None = None,
    environ: dict[str, str] | None = None,
    surroundings: Surroundings = POD,
) -> OperatorSettings:
    return settings_from(flags or {}, environ or {}, surroundings)


def refusal(flags: dict[str, str | None], environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        read(flags, environ)
    return str(caught.value)


def test_without_flags_and_variables_the_defaults_hold() -> None:
    assert read() == OperatorSettings(
        kubeconfig=None,
        namespace="failoverip-system",
        lease_name="failoverip-operator",
        lease_duration_seconds=15,
        renew_deadline_seconds=10,
        retry_period_seconds=2,
        robot_url="https://robot-ws.your-server.de",
        robot_ca_file=None,
        listen=ListenAddress("0.0.0.0", 8080),  # noqa: S104  the product's default
        log_level="info",
        log_format="json",
        time_scale=1.0,
        identity="worker-1_0badcafe",
    )


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_default() -> None:
    variables = {"FAILOVERIP_LEASE_NAME": "from-variable", "FAILOVERIP_LOG_LEVEL": "debug"}
    settings = read({"lease_name": "from-flag"}, variables)
    assert (settings.lease_name, settings.log_level) == ("from-flag", "debug")


def test_an_empty_variable_counts_as_unset() -> None:
    assert read(environ={"FAILOVERIP_LEASE_NAME": ""}).lease_name == "failoverip-operator"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"FAILOVERIP_NAMESPACE": "a", "POD_NAMESPACE": "b"}, "a"),
        ({"POD_NAMESPACE": "b"}, "b"),
        ({}, "of-the-account"),
    ],
)
def test_the_namespace_is_ours_then_the_pods_then_the_accounts(
    environ: dict[str, str], expected: str
) -> None:
    in_cluster = Surroundings("h", "of-the-account", False, "0", no_file_is_missing)
    assert read(environ=environ, surroundings=in_cluster).namespace == expected


def test_kubeconfig_is_honoured_as_the_field_knows_it() -> None:
    assert read(environ={"KUBECONFIG": "/k"}).kubeconfig == Path("/k")
    both = {"KUBECONFIG": "/k", "FAILOVERIP_KUBECONFIG": "/ours"}
    assert read(environ=both).kubeconfig == Path("/ours")


def test_on_a_terminal_logs_are_for_people() -> None:
    terminal = Surroundings("h", "", True, "0", no_file_is_missing)
    assert read(surroundings=terminal).log_format == "text"
    assert read({"log_format": "json"}, surroundings=terminal).log_format == "json"


def test_two_processes_of_one_pod_have_two_identities() -> None:
    parser = argparse.ArgumentParser()
    add_operator_arguments(parser)
    arguments = parser.parse_args(["--identity", "pod-1"])
    first, second = operator_settings(arguments), operator_settings(arguments)
    assert first.identity != second.identity
    assert re.fullmatch(r"pod-1_[0-9a-f]{8}", first.identity)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", ListenAddress("127.0.0.1", 0)),
        ("[::]:8080", ListenAddress("::", 8080)),
        ("[::1]:65535", ListenAddress("::1", 65535)),
    ],
)
def test_a_listen_address_reads_as_it_prints(text: str, address: ListenAddress) -> None:
    assert read({"listen": text}).listen == address
    assert str(address) == text


# Every setting, each with what cannot be used and words that its message must hold.
BAD = [
    ("kubeconfig", "", "is empty"),
    ("kubeconfig", "/a:/b", "several files"),
    ("namespace", "", "is empty"),
    ("namespace", "Upper", "no such name"),
    ("namespace", "a" * 64, "longer than 63"),
    ("namespace", "a.b", "no such name"),
    ("lease_name", "-a", "no such name"),
    ("lease_name", "a/b", "no such name"),
    ("lease_name", "a" * 200, "longer than 180"),
    ("lease_duration_seconds", "15s", "not a whole number"),
    ("lease_duration_seconds", "15.5", "not a whole number"),
    ("lease_duration_seconds", "-15", "not a whole number"),
    ("lease_duration_seconds", "5", "not between 6 and 3600"),
    ("lease_duration_seconds", "99999999999999999999", "not a whole number"),
    ("lease_duration_seconds", "٣٣", "not a whole number"),
    ("renew_deadline_seconds", "nan", "not a number"),
    ("renew_deadline_seconds", "inf", "not a number"),
    ("renew_deadline_seconds", "0", "not between 1 and 3600"),
    ("renew_deadline_seconds", "15", "--renew-deadline-seconds"),
    ("retry_period_seconds", "two", "not a number"),
    ("retry_period_seconds", "0.01", "not between 0.1 and 3600"),
    ("retry_period_seconds", "9", "1.2 times"),
    ("robot_url", "", "is empty"),
    ("robot_url", "robot-ws.your-server.de", "is not https"),
    ("robot_url", "ftp://robot.example", "is not https"),
    ("robot_url", "http://robot.example", "host is not loopback"),
    ("robot_url", "http://127.0.0.1.example.org", "host is not loopback"),
    ("robot_url", "https://", "is not https"),
    ("robot_url", "https://robot.example:99999", "no host and port"),
    ("robot_url", "https://robot.example:0", "port 0"),
    ("robot_url", "https://robot.example/?a=b", "is not https"),
    ("robot_url", "https://robot.example\n", "is not https"),
    ("robot_ca_file", "", "is empty"),
    ("listen", "8080", "not ADDRESS:PORT"),
    ("listen", ":8080", "not ADDRESS:PORT"),
    ("listen", "::1:8080", "not ADDRESS:PORT"),
    ("listen", "localhost:8080", "no literal IP address"),
    ("listen", "[127.0.0.1]:8080", "brackets around IPv4"),
    ("listen", "0.0.0.0:65536", "above 65535"),
    ("log_level", "verbose", "not among the choices"),
    ("log_level", "INFO", "not among the choices"),
    ("log_format", "xml", "not among the choices"),
    ("time_scale", "0", "not between 0.001 and 10"),
    ("time_scale", "1e3", "not a number"),
    ("identity", "a b", "no such name"),
    ("identity", "x" * 201, "longer than 200"),
]


@pytest.mark.parametrize(("name", "value", "words"), BAD)
def test_bad_input_ends_in_one_line_that_names_setting_value_and_fix(
    name: str, value: str, words: str
) -> None:
    message = refusal({name: value})
    assert words in message
    assert "--" + name.replace("_", "-") in message
    assert "; " in message, "the fix follows the fault"
    assert len(message.splitlines()) == 1
    assert len(message) < 250


def test_the_table_of_bad_input_covers_every_setting() -> None:
    assert {name for name, _, _ in BAD} == set(OperatorSettings.__slots__)


def test_bad_input_from_a_variable_names_the_variable() -> None:
    assert refusal({}, {"FAILOVERIP_LISTEN": "x"}).startswith("FAILOVERIP_LISTEN: 'x' ")
    assert refusal({}, {"POD_NAMESPACE": "A_B"}).startswith("POD_NAMESPACE: 'A_B' ")


def test_an_unknown_variable_is_refused_with_the_nearest_name_and_without_its_value() -> None:
    message = refusal({}, {"FAILOVERIP_LEASENAME": CANARY})
    assert message.startswith("FAILOVERIP_LEASENAME: ")
    assert "did you mean FAILOVERIP_LEASE_NAME?" in message
    assert CANARY not in message


def test_services_named_like_the_program_do_not_keep_it_from_starting() -> None:
    """Kubernetes sets these variables in each pod of the namespace (enableServiceLinks)."""
    read(
        environ={
            "FAILOVERIP_METRICS_SERVICE_HOST": "10.0.0.7",
            "FAILOVERIP_METRICS_SERVICE_PORT": "8080",
            "FAILOVERIP_METRICS_SERVICE_PORT_HTTP": "8080",
            "FAILOVERIP_METRICS_PORT": "tcp://10.0.0.7:8080",
            "FAILOVERIP_METRICS_PORT_8080_TCP": "tcp://10.0.0.7:8080",
            "FAILOVERIP_METRICS_PORT_8080_TCP_PROTO": "tcp",
            "FAILOVERIP_METRICS_PORT_8080_TCP_PORT": "8080",
            "FAILOVERIP_METRICS_PORT_8080_TCP_ADDR": "10.0.0.7",
            "FAILOVERIP_SERVICE_HOST": "10.0.0.8",
            "FAILOVERIP_PORT": "tcp://10.0.0.8:80",
        }
    )


def test_a_port_that_is_no_service_link_is_a_typo() -> None:
    assert "FAILOVERIP_LISTEN?" in refusal({}, {"FAILOVERIP_LISTEN_PORT": "8080"})


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{CANARY}@robot.example",
        f"http://user:{CANARY}@127.0.0.1",
        f"ftp://user:{CANARY}@robot.example",
        f"user:{CANARY}@robot.example",
        f"https://user:{CANARY}@[",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_shown(url: str) -> None:
    message = refusal({"robot_url": url})
    assert CANARY not in message
    assert "Secret" in message


@pytest.mark.parametrize(
    "url",
    [
        "https://robot-ws.your-server.de",
        "https://robot-ws.your-server.de/",
        "https://robot.example:8443/webservice",
        "https://[2001:db8::1]:8443",
        "http://localhost:8080",
        "http://127.0.0.1:8080/",
        "http://127.1.2.3",
        "http://[::1]:8080",
    ],
)
def test_https_anywhere_and_http_on_loopback_are_taken_here_and_by_the_robot_client(
    url: str,
) -> None:
    assert check_base_url(url) == url.rstrip("/") == check_robot_base_url(url)


@pytest.mark.parametrize("name", ["kubeconfig", "robot_ca_file"])
def test_an_unreadable_file_is_told_before_anything_starts(name: str, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_operator_arguments(parser)
    flag = "--" + name.replace("_", "-")
    for path, words in ((tmp_path / "absent", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(SettingsError, match=words) as caught:
            operator_settings(parser.parse_args([flag, str(path)]))
        assert str(caught.value).startswith(f"{flag}: ")
