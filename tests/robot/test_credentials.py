from __future__ import annotations

import base64
import pprint

import pytest

from failoverip.robot import Credentials

CREDENTIALS = Credentials("#ws+canary-user", "canary-password")


@pytest.mark.parametrize("shown", [repr, str, pprint.pformat, "{}".format, lambda c: repr([c])])
def test_no_way_to_print_them_shows_them(shown: object) -> None:
    assert callable(shown)
    text = shown(CREDENTIALS)
    assert "canary" not in text
    assert CREDENTIALS.account in text


def test_the_account_is_stable_and_belongs_to_the_user_name_alone() -> None:
    assert Credentials("user", "one").account == Credentials("user", "two").account
    # The first 16 hexadecimal digits of sha256("user"): ledgers of older versions rely on it.
    assert Credentials("user", "one").account == "04f8996da763b7a9"


def test_basic_authentication_carries_utf8() -> None:
    header = Credentials("user", "pässword").authorization()
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "user:pässword"


@pytest.mark.parametrize(
    ("username", "password", "told"),
    [
        ("", "canary", "username: is empty"),
        ("user", "", "password: is empty"),
        ("us:er", "canary", "username: holds a colon"),
        ("user\n", "canary", "username: holds a line break"),
        ("user", "canary\n", "password: holds a line break"),
        ("user", "canary\ud800", "password: holds a line break or another control"),
        ("user", "canary" * 50, "password: is longer"),
    ],
)
def test_what_basic_authentication_cannot_carry_is_refused_without_showing_it(
    username: str, password: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        Credentials(username, password)
    assert "canary" not in str(caught.value)
