from __future__ import annotations

import pytest

from failoverip.robot import DEFAULT_BASE_URL, check_base_url


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (DEFAULT_BASE_URL, DEFAULT_BASE_URL),
        ("https://robot.example.com/", "https://robot.example.com"),
        (" https://robot.example.com:8443/api/ ", "https://robot.example.com:8443/api"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
    ],
)
def test_https_anywhere_and_http_on_loopback_are_taken(text: str, base: str) -> None:
    assert check_base_url(text) == base


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must look like"),
        ("robot.example.com", "must look like"),
        ("ftp://robot.example.com", "must look like"),
        ("https://", "must look like"),
        ("http://robot.example.com", "must be https"),
        ("http://192.0.2.1", "must be https"),
        ("http://127.0.0.1.example.com", "must be https"),
        ("http://localhost.example.com", "must be https"),
        ("https://user:canary@robot.example.com", "user name"),
        ("https://robot.example.com?x=1", "query"),
        ("https://robot.example.com#x", "query"),
        ("https://robot.example.com:port", "not a URL"),
        ("https://robot.example.com:99999", "not a URL"),
        ("https://robot.example.com:0", "port 0"),
        ("https://[::1", "not a URL"),
        ("https://robot example.com", "character"),
        ("https://robot.exämple.com", "character"),
        ("https://" + "a" * 64 + ".com", "character"),
        ("https://robot.example.com/a b", "character"),
    ],
)
def test_anything_else_gets_one_line_that_tells_the_fix(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        check_base_url(text)
    message = str(caught.value)
    assert message.startswith("Robot URL: ")
    assert len(message.splitlines()) == 1
    assert "canary" not in message
