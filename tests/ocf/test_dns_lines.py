"""The one line of a hosts file or snippet that update-dns may change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failoverip_ocf.dns.lines import ForeignLineError, Style, kept_address, with_record
from failoverip_ocf.dns.records import Record

ME = Record("web.example.com", "192.0.2.1")
OTHER = Record("web.example.com", "192.0.2.2")
HOSTS = "127.0.0.1\tlocalhost\n192.0.2.1 node-1   # by hand\n"
foreign_text = st.text(st.sampled_from("ab1. #\t\r\n\x0c\udce9:/\"'"), max_size=80)


@pytest.mark.parametrize("style", Style)
def test_a_name_that_is_kept_is_found_again(style: Style) -> None:
    text = with_record("", style, ME)
    assert kept_address(text, style, ME.name, "A") == ME.address


@pytest.mark.parametrize("style", Style)
@given(text=foreign_text)
def test_every_foreign_byte_stays_where_it_is(style: Style, text: str) -> None:
    moved = with_record(with_record(text, style, ME), style, OTHER)
    assert moved.startswith(text)
    assert moved[len(text) :].lstrip("\n").count("\n") == 1
    assert kept_address(moved, style, ME.name, "A") == OTHER.address


def test_a_line_keeps_its_place_among_the_others() -> None:
    text = with_record(HOSTS, Style.HOSTS, ME) + "192.0.2.9 later\n"
    assert with_record(text, Style.HOSTS, OTHER) == text.replace("192.0.2.1\tweb", "192.0.2.2\tweb")


def test_two_names_and_both_families_share_a_file() -> None:
    text = HOSTS
    records = [ME, Record("db.example.com", "192.0.2.1"), Record(ME.name, "2001:db8::1")]
    for record in records:
        text = with_record(text, Style.HOSTS, record)
    text = with_record(text, Style.HOSTS, OTHER)
    kept = [kept_address(text, Style.HOSTS, r.name, r.kind) for r in records]
    assert kept == ["192.0.2.2", "192.0.2.1", "2001:db8::1"]


def test_a_second_line_of_ours_is_dropped() -> None:
    text = with_record("", Style.HOSTS, ME)
    assert with_record(text + text, Style.HOSTS, OTHER).count("\n") == 1


@pytest.mark.parametrize("line", ["192.0.2.7 web.example.com", "192.0.2.7 x WEB.example.com. # y"])
def test_a_name_that_a_foreign_line_keeps_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(ForeignLineError, match=r"line 3 already gives web.example.com an address"):
        with_record(HOSTS + line + "\n", Style.HOSTS, ME)


@pytest.mark.parametrize(
    "line", ["2001:db8::7 web.example.com", "# 192.0.2.7 web.example.com", "192.0.2.7 www"]
)
def test_a_line_about_something_else_is_no_obstacle(line: str) -> None:
    assert line in with_record(line + "\n", Style.HOSTS, ME)


def test_a_line_of_ours_that_was_edited_by_hand_keeps_nothing() -> None:
    text = with_record("", Style.HOSTS, ME).replace("192.0.2.1", "192.0.2.one")
    assert kept_address(text, Style.HOSTS, ME.name, "A") is None
