"""Names and addresses that update-dns takes."""

from __future__ import annotations

import pytest

from failoverip_ocf.dns.records import Record, parse_address, parse_name


@pytest.mark.parametrize(
    ("text", "name"),
    [("Web.Example.COM.", "web.example.com"), (" db ", "db"), ("_x.a-1.example", "_x.a-1.example")],
)
def test_a_name_has_one_spelling(text: str, name: str) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "-a", "a-", "a b", "a\nb", "ä", "a/b", "*.a", "x" * 64, "a." * 127 + "ab"],
)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        parse_name(text)


def test_an_address_has_one_spelling_and_a_kind() -> None:
    assert Record("a", parse_address(" 2001:DB8::0:1 ")).kind == "AAAA"
    assert parse_address("2001:DB8::0:1") == "2001:db8::1"
    assert Record("a", parse_address("192.0.2.1")).kind == "A"


@pytest.mark.parametrize("text", ["", "a", "192.0.2.0/24", "0.0.0.0", "224.0.0.1", "fe80::1%eth0"])  # noqa: S104
def test_what_is_no_address_of_a_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        parse_address(text)
