"""Logs on stderr: a constant message and key-values, as JSON lines or for people.

`get_logger(__name__).info("route confirmed", address=..., node=...)` says a fact. Whoever reads a
secret tells it to `register_secret` first; from then on no line holds it, wherever it stood: in a
message, an argument, a value, or a traceback.
"""

from __future__ import annotations

import base64
import json
import logging
import math
import re
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
# Secrets rotate; this many values in use or lately in use are remembered.
_REMEMBERED = 256
# An Authorization header holds a secret in a form of its own: user name and password together.
_AUTHORIZATION = re.compile(r"\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{16,}", re.IGNORECASE)
# What libraries say below these levels is noise, or holds answers' bodies: the Kubernetes client
# logs them at debug, Secrets included and before anybody could register them.
_FLOORS = {
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "kopf": logging.WARNING,
    "kubernetes": logging.WARNING,
    "urllib3": logging.WARNING,
}
# At level debug these may say more; each was looked at for what it prints.
_FLOORS_AT_DEBUG = {"aiohttp": logging.INFO, "httpx": logging.INFO, "kopf": logging.INFO}


class SecretFilter:
    """Knows the values that must not be printed and takes them out of texts. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def register_secret(self, value: str) -> None:
        """From now on neither `value` nor its usual encodings leave `redact`."""
        if not value:
            return
        with self._lock:
            self._secrets[value] = _spellings(value)
            self._secrets.move_to_end(value)
            while len(self._secrets) > _REMEMBERED:
                self._secrets.popitem(last=False)

    def redact(self, text: str) -> str:
        """The text with each registered value and each Authorization replaced by `[redacted]`."""
        text = _AUTHORIZATION.sub(rf"\1 {REDACTED}", text)
        with self._lock:
            spellings = [spelling for group in self._secrets.values() for spelling in group]
        # Longest first: a secret may be a part of another one.
        for spelling in sorted(spellings, key=len, reverse=True):
            text = text.replace(spelling, REDACTED)
        return text


def _spellings(value: str) -> tuple[str, ...]:
    """The value as URLs, form bodies, base64, JSON and reprs show it, the last two also nested."""
    data = value.encode("utf-8", "surrogatepass")
    once = _escaped(value) | {
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
    }
    return tuple(once.union(*(_escaped(spelling) for spelling in once)))


def _escaped(text: str) -> set[str]:
    """Without the quotes around it, which belong to what holds the text."""
    return {
        text,
        repr(text)[1:-1],
        repr(text.encode("utf-8", "surrogatepass"))[2:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    }


_FILTER = SecretFilter()


def register_secret(value: str) -> None:
    """No line of this process's log holds `value` from now on."""
    _FILTER.register_secret(value)


def redact(text: str) -> str:
    """The text without registered secrets, for what goes elsewhere than to the log."""
    return _FILTER.redact(text)


class Logger:
    """Says facts: a constant message, and values by key. `bind` gives one that repeats values."""

    def __init__(self, logger: logging.Logger, values: Mapping[str, object] | None = None) -> None:
        self._logger = logger
        self._values = dict(values or {})

    def bind(self, **values: object) -> Logger:
        """A logger whose lines carry these values too."""
        return Logger(self._logger, {**self._values, **values})

    def debug(self, message: str, **values: object) -> None:
        """A detail that helps to find a fault."""
        self._log(logging.DEBUG, message, values, None)

    def info(self, message: str, **values: object) -> None:
        """Something that happens in normal service."""
        self._log(logging.INFO, message, values, None)

    def warning(self, message: str, **values: object) -> None:
        """Something that may need a person."""
        self._log(logging.WARNING, message, values, None)

    def error(self, message: str, **values: object) -> None:
        """Something that needs a person."""
        self._log(logging.ERROR, message, values, None)

    def exception(self, message: str, exc: BaseException | None = None, **values: object) -> None:
        """An error with the traceback of `exc`, or else of the exception being handled."""
        self._log(logging.ERROR, message, values, exc or sys.exc_info()[1])

    def _log(
        self, level: int, message: str, values: Mapping[str, object], exc: BaseException | None
    ) -> None:
        if self._logger.isEnabledFor(level):
            extra = {"key_values": {**self._values, **values}}
            self._logger.log(level, message, exc_info=exc, extra=extra, stacklevel=3)


def get_logger(name: str) -> Logger:
    """The logger of a module; its name is `__name__`."""
    return Logger(logging.getLogger(name))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the values, `traceback` if any."""

    def __init__(self, secrets: SecretFilter) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._secrets.redact(record.getMessage()),
        }
        if error := _error_text(record):
            line["traceback"] = self._secrets.redact(error)
        for key, value in _key_values(record).items():
            line[key if key not in line else f"{key}_"] = _plain(value, self._secrets)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """For people: `12:03:04.123 INFO    route confirmed  address=... node=...`."""

    def __init__(self, secrets: SecretFilter) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; a traceback follows on lines of its own."""
        clock = _time(record).isoformat(timespec="milliseconds")[11:23]
        # Redacted before it is quoted: a repr would spell the secret in another way.
        values = " ".join(
            f"{key}={_quoted(str(_plain(value, self._secrets)))}"
            for key, value in _key_values(record).items()
        )
        message = record.getMessage().replace("\n", "\\n")
        line = f"{clock} {record.levelname:<7} {message}"
        if values:
            line += f"  {values}"
        if error := _error_text(record):
            line += f"\n{error.rstrip()}"
        return self._secrets.redact(line)


def _plain(value: object, secrets: SecretFilter) -> object:
    """JSON's own types as they are, everything else as its text; redacted all through."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        # A secret may be all digits.
        redacted = secrets.redact(str(value))
        return value if redacted == str(value) else redacted
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, secrets) for item in value]
    if isinstance(value, Mapping):
        return {secrets.redact(str(key)): _plain(item, secrets) for key, item in value.items()}
    return secrets.redact(str(value))


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _key_values(record: logging.LogRecord) -> Mapping[str, object]:
    values = getattr(record, "key_values", None)
    return values if isinstance(values, Mapping) else {}


def _quoted(text: str) -> str:
    return text if text and text.isprintable() and " " not in text else repr(text)


def _error_text(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    return "".join(traceback.format_exception(record.exc_info[1]))


class _Handler(logging.StreamHandler[TextIO]):
    """Keeps quiet about a record that cannot be formatted: the default would print its values."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        """One line that names the logger and the place, nothing of the content."""
        kind = sys.exc_info()[0]
        what = kind.__name__ if kind else "error"
        text = f"log record of {record.name} line {record.lineno} could not be written: {what}"
        try:
            self.stream.write(json.dumps({"level": "error", "message": text}) + "\n")
        except (OSError, ValueError):
            return


def configure_logging(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Send everything that is logged to `stream` (stderr), and nothing anywhere else.

    `level` is debug, info, warning or error; `log_format` json or text. Warnings and errors that
    end a thread become log lines too. Calling it again replaces what it did before.
    """
    handler = _Handler(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonFormatter(_FILTER) if log_format == "json" else TextFormatter(_FILTER))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for library, floor in _FLOORS.items():
        below = _FLOORS_AT_DEBUG.get(library, floor) if level == "debug" else floor
        logging.getLogger(library).setLevel(max(below, root.level))
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_failure


def _log_thread_failure(failure: threading.ExceptHookArgs) -> None:
    thread = failure.thread.name if failure.thread else "?"
    get_logger(__name__).exception("thread ended by an error", exc=failure.exc_value, thread=thread)
