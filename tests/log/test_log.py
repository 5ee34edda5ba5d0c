"""What a log line holds, and what it never holds."""

from __future__ import annotations

import base64
import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote_plus

import pytest

from failoverip.core.reasons import Reason
from failoverip.log import configure_logging, get_logger, redact, register_secret

# Each character that some encoding spells in another way.
CANARY = 'hünter2 "q"\'/\\+&=\n%'
LIBRARIES = ("httpx", "httpcore", "kopf", "aiohttp", "kubernetes", "asyncio", "urllib3")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)
    logging.captureWarnings(capture=False)
    threading.excepthook = hook


def stream(log_format: str = "json", level: str = "info") -> io.StringIO:
    text = io.StringIO()
    configure_logging(level, log_format, text)
    return text


def spellings(secret: str) -> set[str]:
    return {
        secret,
        quote_plus(secret),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


def test_a_line_is_one_json_object_with_message_and_values() -> None:
    out = stream()
    log = get_logger("failoverip.reconciler").bind(node="worker-1", epoch=7)
    log.info("move ended", reason=Reason.CONFIRMED, addresses=("203.0.113.10",), intent=None)
    line = json.loads(out.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "failoverip.reconciler",
        "message": "move ended",
        "node": "worker-1",
        "epoch": 7,
        "reason": "Confirmed",
        "addresses": ["203.0.113.10"],
        "intent": None,
    }


def test_a_value_cannot_take_the_place_of_the_lines_own_fields() -> None:
    out = stream()
    get_logger("x").info("said", level="fake", logger="fake", time="fake")
    line = json.loads(out.getvalue())
    assert (line["level"], line["logger"]) == ("info", "x")
    assert (line["level_"], line["logger_"], line["time_"]) == ("fake", "fake", "fake")


def test_text_for_people_is_one_line_even_when_values_hold_line_breaks() -> None:
    out = stream("text")
    get_logger("x").warning("route\nunknown", address="203.0.113.10", detail="a\nb")
    (line,) = out.getvalue().splitlines()
    assert line.endswith("WARNING route\\nunknown  address=203.0.113.10 detail='a\\nb'")


@dataclass(frozen=True)
class Nested:
    inner: object


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("spelling", sorted(spellings(CANARY)))
def test_a_registered_secret_is_in_no_line_wherever_it_stood(
    log_format: str, spelling: str
) -> None:
    register_secret(CANARY)
    out = stream(log_format, "debug")
    log, plain = get_logger("x"), logging.getLogger("y")
    log.info(f"said {spelling}")
    log.info("as a value", a=spelling, b=[spelling, {"c": (spelling,)}], d={spelling: 1})
    log.info("in a repr", nested=Nested(Nested({"password": spelling})))
    plain.info("as an argument %s %r", spelling, {"password": spelling})
    plain.info("as bytes %s", spelling.encode())
    try:
        try:
            raise ValueError(spelling)
        except ValueError as error:
            raise RuntimeError(f"because of {spelling}") from error
    except RuntimeError:
        log.exception("failed", attempt=1)
        plain.exception("failed too")
    printed = out.getvalue()
    assert printed.count("[redacted]") >= 8
    for form in spellings(CANARY):
        assert form not in printed
    if log_format == "json":
        for line in printed.splitlines():
            said = str(json.loads(line))
            assert not any(form in said for form in spellings(CANARY))


def test_a_secret_of_digits_is_taken_out_of_numbers() -> None:
    register_secret("8675309123")
    out = stream()
    get_logger("x").info("said", number=8675309123, share=0.5)
    assert json.loads(out.getvalue())["number"] == "[redacted]"
    assert json.loads(out.getvalue())["share"] == 0.5


def test_an_authorization_header_is_redacted_though_nobody_registered_it() -> None:
    header = base64.b64encode(b"#ws+name:never-registered").decode()
    assert header not in redact(f"headers: {{'Authorization': 'Basic {header}'}}")


def test_a_secret_that_holds_another_one_goes_whole() -> None:
    register_secret("canary-short")
    register_secret("canary-short-and-long")
    assert redact("canary-short-and-long") == "[redacted]"


def test_a_record_that_cannot_be_formatted_is_told_without_its_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = stream()
    logging.getLogger("x").info("%d", "unregistered-canary")
    assert "could not be written" in out.getvalue()
    assert "unregistered-canary" not in out.getvalue() + capsys.readouterr().err


def test_an_error_that_ends_a_thread_goes_to_the_log_redacted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    register_secret("thread-canary")
    out = stream()

    def fail() -> None:
        raise ValueError("thread-canary")

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    line = json.loads(out.getvalue())
    assert (line["message"], line["thread"]) == ("thread ended by an error", "worker")
    assert "thread-canary" not in out.getvalue() + capsys.readouterr().err


def test_a_warning_becomes_a_log_line() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        out = stream()
        warnings.warn("something is old", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert json.loads(out.getvalue())["logger"] == "py.warnings"


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_keep_quiet_below_warning(library: str) -> None:
    out = stream()
    logging.getLogger(library).info("chatter")
    assert out.getvalue() == ""
    logging.getLogger(library).warning("trouble")
    assert json.loads(out.getvalue())["message"] == "trouble"


@pytest.mark.parametrize(
    "library", ["kubernetes.aio.client.rest", "kubernetes.client.rest", "httpcore.http11"]
)
def test_at_debug_no_library_prints_bodies_that_may_be_secrets(library: str) -> None:
    out = stream(level="debug")
    logging.getLogger(library).debug("response body: %s", {"data": {"password": "cGFzcw=="}})
    assert out.getvalue() == ""


def test_at_error_libraries_warn_no_more_than_the_rest() -> None:
    out = stream(level="error")
    logging.getLogger("httpx").warning("trouble")
    get_logger("failoverip").warning("trouble")
    assert out.getvalue() == ""


def test_configuring_again_leaves_one_handler() -> None:
    stream()
    out = stream()
    get_logger("x").info("once")
    assert len(out.getvalue().splitlines()) == 1
