"""Reads typed fields out of parsed TOML or JSON; every complaint names the key path and the fix."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")


class WorldError(ValueError):
    """A world, switch or fault that cannot be used, in one line: `servers[1].ipv4: ...`."""


class Fields:
    """One table: take each known key, then `finish`, which refuses what is left over."""

    def __init__(self, table: object, path: str) -> None:
        if not isinstance(table, Mapping):
            raise WorldError(f"{path or 'document'}: must be a table of keys and values")
        self._table: Mapping[str, Any] = table
        self._path = path
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """The path of one key, as messages write it."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self._table.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Text that is not empty."""
        value = self._take(key, default)
        if not isinstance(value, str) or not value:
            raise WorldError(f'{self.at(key)}: must be text, like "abc"')
        return value

    def integer(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """A whole number of at least `least`."""
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise WorldError(f"{self.at(key)}: must be a whole number, {least} or more")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A number that is not negative, such as seconds."""
        value = self._take(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e9:
            raise WorldError(f"{self.at(key)}: must be a number, 0 or more")
        return float(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise WorldError(f"{self.at(key)}: must be true or false")
        return value

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        """One of the words given."""
        words = list(choices)
        value = self._take(key, default)
        if value not in words:
            raise WorldError(
                f"{self.at(key)}: {value!r} is not one of {', '.join(words)}"
                + _nearest(str(value), words)
            )
        return str(value)

    def address(self, key: str, version: int) -> str:
        """An IP address of the version, in its canonical spelling."""
        return parse_address(self.text(key), version, self.at(key))

    def array(self, key: str, default: list[Any] | None = None) -> list[Any]:
        """A list of anything."""
        value = self._take(key, default)
        if not isinstance(value, list):
            raise WorldError(f"{self.at(key)}: must be a list")
        return value

    def table(self, key: str) -> object:
        """A table, still to be read."""
        return self._take(key, None)

    def optional(self, key: str, read: Callable[[str], Value]) -> Value | None:
        """What `read` makes of the key, None when it is absent or null."""
        if self.has(key):
            return read(key)
        self._known.append(key)
        return None

    def finish(self) -> None:
        """Refuses the first key that nobody took: a typo must not be read as a default."""
        for key in self._table:
            if key not in self._known:
                raise WorldError(f"{self.at(key)}: unknown key{_nearest(key, self._known)}")

    def _take(self, key: str, default: object) -> object:
        self._known.append(key)
        value = self._table.get(key, default)
        if value is None:
            # The nearest word among the keys given tells a typo from a forgotten key.
            near = difflib.get_close_matches(key, self._table, n=1, cutoff=0.7)
            wrote = f" (you wrote {near[0]!r})" if near else ""
            raise WorldError(f"{self.at(key)}: is missing{wrote}")
        return value


def parse_address(text: str, version: int, path: str) -> str:
    """An address of the version in its canonical spelling; WorldError names `path`."""
    example = "192.0.2.11" if version == 4 else "2001:db8:a:1::"
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or address.version != version:
        raise WorldError(
            f"{path}: {text!r} is not an IPv{version} address; write it like {example}"
        )
    return str(address)


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(words), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
