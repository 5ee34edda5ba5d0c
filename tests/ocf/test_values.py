"""Parameters, the cache's text, servers, corosync.conf, metrics: texts to values and back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failoverip_ocf.cache import Cache, CachedServer, CorruptError, decode, encode
from failoverip_ocf.cluster import count_nodes, run
from failoverip_ocf.decide import MINE, OTHER, UNKNOWN, Verdict
from failoverip_ocf.logins import read_login
from failoverip_ocf.parameters import Parameters, canonical
from failoverip_ocf.secret_files import SecretFileError
from failoverip_ocf.servers import NoServerError, own_targets
from failoverip_ocf.textfile import page

ONE = CachedServer(321, "192.0.2.11", "2001:db8:a:1::")
TWO = CachedServer(322, "192.0.2.12", "2001:db8:a:2::")
SIX = CachedServer(323, "", "2001:db8:a:3::")
SERVERS = (ONE, TWO, SIX)


class TestParameters:
    @pytest.mark.parametrize(
        ("meta", "probe"),
        [
            ({}, True),
            ({"OCF_RESKEY_CRM_meta_interval": ""}, True),
            ({"OCF_RESKEY_CRM_meta_interval": "0"}, True),
            ({"OCF_RESKEY_CRM_meta_interval": "10000"}, False),
        ],
    )
    def test_know_a_probe(self, meta: dict[str, str], probe: bool) -> None:
        assert Parameters(meta).is_probe is probe

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("203.0.113.10", "203.0.113.10"),
            (" 203.0.113.10 ", "203.0.113.10"),
            ("2001:DB8:fff1:0::0", "2001:db8:fff1::"),
        ],
    )
    def test_write_an_address_in_one_way(self, text: str, shown: str) -> None:
        assert Parameters({"OCF_RESKEY_ip": text}).ip == shown

    @pytest.mark.parametrize(
        "text",
        ["", "x", "203.0.113", "203.0.113.300", "203.0.113.010", "203.0.113.10/32", "fe80::1%eth0",
         "٢٠٣.0.113.10", "203.0.113.10 203.0.113.11", "../../etc"],
    )  # fmt: skip
    def test_refuse_what_is_no_address(self, text: str) -> None:
        parameters = Parameters({"OCF_RESKEY_ip": text})
        assert parameters.ip == ""
        assert parameters.problems

    @given(st.ip_addresses())
    def test_agree_with_the_standard_library(self, address: object) -> None:
        assert canonical(str(address)) == str(address)

    @given(st.dictionaries(st.sampled_from(
        ["ip", "script", "server", "interface", "reuse_seconds", "robot_url", "CRM_meta_timeout",
         "CRM_meta_interval", "textfile_directory"]), st.text()))  # fmt: skip
    def test_never_raise(self, texts: dict[str, str]) -> None:
        Parameters({f"OCF_RESKEY_{key}": text for key, text in texts.items()})

    def test_follow_the_rule_for_the_node_of_an_attribute(self) -> None:
        meta = "OCF_RESKEY_CRM_meta_"
        assert Parameters({}).attribute_node == ""
        assert Parameters({meta + "on_node": "n1"}).attribute_node == "n1"
        bundle = {meta + "on_node": "bundle-0", meta + "physical_host": "n2"}
        assert Parameters(bundle).attribute_node == "bundle-0"
        bundle[meta + "container_attribute_target"] = "host"
        assert Parameters(bundle).attribute_node == "n2"


class TestCache:
    @staticmethod
    def full() -> Cache:
        cache = Cache()
        cache.took(
            1.5, 2.25, [("203.0.113.10", 32, "192.0.2.11", None), ("2001:db8::", None, "-", False)]
        )
        cache.missed(3.0, 4.0, "no answer\nin time")
        cache.servers, cache.servers_at = SERVERS, 1.0
        cache.own = {"": ("192.0.2.11", ""), "321": ("192.0.2.11", "2001:db8:a:1::")}
        cache.reads_left, cache.writes_left, cache.pace_seconds = 12, 6, 183.0
        return cache

    def test_comes_back_as_it_was(self) -> None:
        text = encode(self.full())
        back = decode(text)
        assert encode(back) == text
        assert (back.asked_at, back.answered_at) == (1.5, 2.25)
        assert (back.failures, back.failure) == (1, "no answer in time")
        assert back.routes["2001:db8::"].ready is False
        assert back.own[""] == ("192.0.2.11", "")
        assert encode(decode(encode(Cache()))) == encode(Cache())

    def test_is_corrupt_when_it_ends_early(self) -> None:
        text = encode(self.full())
        for length in range(len(text)):
            with pytest.raises(CorruptError):
                decode(text[:length])

    @given(st.text())
    def test_is_corrupt_whatever_else_stands_there(self, text: str) -> None:
        with pytest.raises(CorruptError):
            decode(f"failoverip 1\nroute {text}\nend\n")


class TestOwnTargets:
    @pytest.mark.parametrize(
        ("parameter", "local", "targets"),
        [
            ("321", (), ("192.0.2.11", "2001:db8:a:1::")),
            ("192.0.2.12", (), ("192.0.2.12", "2001:db8:a:2::")),
            ("2001:db8:a:2::", (), ("192.0.2.12", "2001:db8:a:2::")),
            ("", ("127.0.0.1", "192.0.2.11"), ("192.0.2.11", "2001:db8:a:1::")),
            ("", ("::1", "2001:db8:a:3::2"), ("", "2001:db8:a:3::")),
            # The parameter wins over what the machine has.
            ("322", ("192.0.2.11",), ("192.0.2.12", "2001:db8:a:2::")),
        ],
    )
    def test_are_those_of_one_server(
        self, parameter: str, local: tuple[str, ...], targets: tuple[str, str]
    ) -> None:
        assert own_targets(SERVERS, parameter, local) == targets

    @pytest.mark.parametrize(
        ("parameter", "local", "said"),
        [
            ("999", ("192.0.2.11",), "Robot lists no server 999"),
            ("", ("198.51.100.1",), "set server to its number"),
            ("", (), "set server to its number"),
            ("", ("192.0.2.11", "192.0.2.12"), "several servers (321, 322)"),
        ],
    )
    def test_are_none_when_it_is_not_clear(
        self, parameter: str, local: tuple[str, ...], said: str
    ) -> None:
        with pytest.raises(NoServerError, match="server") as raised:
            own_targets(SERVERS, parameter, local)
        assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("", None),
        ("totem {\n}\n", None),
        ("nodelist {\n  node {\n ring0_addr: a\n }\n\tnode { # two\n }\n# node {\nnode{\n}\n}", 3),
    ],
)
def test_the_size_of_the_cluster_is_what_corosync_lists(text: str, nodes: int | None) -> None:
    assert count_nodes(text) == nodes


class TestLogin:
    @pytest.mark.parametrize(
        "text",
        [
            "username=#ws+x\npassword=a=b c\n",
            "# a comment\n username = #ws+x \nPASSWORD= a=b c\n",
            "login=#ws+x\npassword=a=b c\nfailover-ip=203.0.113.10\nlocal-ip=192.0.2.11\n",
            "user=#ws+x\r\npass=a=b c\r\n",
        ],
    )
    def test_is_read_in_the_forms_of_today_and_of_2014(self, tmp_path: Path, text: str) -> None:
        login = read_login(str(secret(tmp_path, text)))
        assert (login.username, login.password) == ("#ws+x", "a=b c")
        assert "a=b c" not in repr(login)

    def test_has_another_version_when_it_is_written_again(self, tmp_path: Path) -> None:
        path = secret(tmp_path, "username=a\npassword=b\n")
        before = read_login(str(path)).version
        assert read_login(str(path)).version == before
        os.utime(path, ns=(1, 1))
        assert read_login(str(path)).version != before

    @pytest.mark.parametrize(
        "text", ["", "username=a\n", "password=b\n", "username=\npassword=b\n"]
    )
    def test_that_is_not_whole_is_none(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(SecretFileError, match="holds no line"):
            read_login(str(secret(tmp_path, text)))

    def test_in_a_directory_or_a_pipe_is_none(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", 0o600)
        for path in (tmp_path, tmp_path / "pipe"):
            with pytest.raises(SecretFileError, match="is no file"):
                read_login(str(path))


class TestMetrics:
    def test_tell_mine_age_and_what_is_left(self) -> None:
        cache = TestCache.full()
        text = page("203.0.113.10", cache, Verdict(MINE, "", age=12.4), True)
        assert 'failoverip_ocf_mine{address="203.0.113.10"} 1' in text
        assert 'failoverip_ocf_known{address="203.0.113.10"} 1' in text
        assert 'failoverip_ocf_answer_age_seconds{address="203.0.113.10"} 12' in text
        assert 'failoverip_ocf_requests_left{address="203.0.113.10",kind="reads"} 12' in text
        assert 'failoverip_ocf_requests_left{address="203.0.113.10",kind="switches"} 6' in text

    def test_leave_out_what_nobody_knows(self) -> None:
        text = page("203.0.113.10", Cache(), Verdict(UNKNOWN, ""), False)
        assert text.count("\nfailoverip_ocf_") == 1
        assert 'failoverip_ocf_known{address="203.0.113.10"} 0' in text
        assert "failoverip_ocf_mine" not in text
        other = page("203.0.113.10", Cache(), Verdict(OTHER, "", age=1), True)
        assert 'failoverip_ocf_mine{address="203.0.113.10"} 0' in other


class TestRun:
    def test_gives_the_exit_code(self) -> None:
        assert run("/bin/sh", ["sh", "-c", "exit 7"], 60) == 7

    def test_of_no_program_gives_none(self) -> None:
        assert run("/nowhere", ["nowhere"], 60) is None

    def test_that_takes_too_long_is_ended(self) -> None:
        assert run("/bin/sleep", ["sleep", "1000"], 0.1) is None


def secret(folder: Path, text: str) -> Path:
    path = folder / "credentials"
    path.write_bytes(text.encode())
    path.chmod(0o600)
    return path
