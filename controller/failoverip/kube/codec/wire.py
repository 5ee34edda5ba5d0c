"""Reading JSON that somebody else wrote: each access names the path of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from failoverip.core.timestamps import parse_time, whole_seconds

Json = dict[str, Any]
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_SHOWN_LENGTH = 64


class UnreadableError(ValueError):
    """A field is not what it should be: one line with the field's path, what it holds, the fix."""


class Field:
    """A value of a JSON document; `step` is its name or its index in `parent`."""

    __slots__ = ("_parent", "_step", "value")

    def __init__(self, value: object, step: str | int, parent: Field | None = None) -> None:
        self.value = value
        self._step = step
        self._parent = parent

    def __getitem__(self, key: str) -> Field:
        """The member `key`; absent is a Field of None."""
        return Field(self.mapping().get(key), key, self)

    @property
    def path(self) -> str:
        """Such as `spec.addresses[0]`; put together only when something is wrong."""
        above = "" if self._parent is None else self._parent.path
        if isinstance(self._step, int):
            return f"{above}[{self._step}]"
        return f"{above}.{self._step}" if above else self._step

    def unreadable(self, wanted: str) -> UnreadableError:
        """The error that says what stands here and what should."""
        shown = repr(self.value)
        if len(shown) > _SHOWN_LENGTH:
            shown = shown[:_SHOWN_LENGTH] + "..."
        return UnreadableError(f"{self.path}: {shown} is not {wanted}")

    @property
    def is_absent(self) -> bool:
        """Whether the field is absent or null, which Kubernetes treats alike."""
        return self.value is None

    def mapping(self) -> Json:
        """An object; absent is empty."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.unreadable("an object")
        return self.value

    def items(self) -> list[Field]:
        """The elements of a list; absent is empty."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.unreadable("a list")
        return [Field(value, index, self) for index, value in enumerate(self.value)]

    def text(self, default: str | None = None) -> str:
        """A text; `default` stands for absent, without one the field is required."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str) or (default is None and not self.value):
            raise self.unreadable("a text")
        return self.value

    def integer(self, default: int | None = None) -> int:
        """A whole number; `default` stands for absent, without one the field is required."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.unreadable("a whole number")
        return self.value

    def boolean(self) -> bool:
        """True or False; absent is False."""
        if self.value is not None and not isinstance(self.value, bool):
            raise self.unreadable("true or false")
        return bool(self.value)

    def time(self) -> float:
        """POSIX seconds of a required RFC 3339 time."""
        return self.parsed(parse_time, "an RFC 3339 time")

    def parsed(self, parse: Callable[[str], T], wanted: str) -> T:
        """A required text through `parse`, whose ValueError means that it is not `wanted`."""
        text = self.text()
        try:
            return parse(text)
        except ValueError:
            raise self.unreadable(wanted) from None

    def member(self, kind: type[E], default: E | None = None) -> E:
        """A member of an enumeration by its value."""
        if self.value is None and default is not None:
            return default
        text = self.text()
        try:
            return kind(text)
        except ValueError:
            # Listed only now: a status has a hundred members, and reading them is most of a list.
            raise self.unreadable("one of " + ", ".join(kind)) from None

    def optional(self, read: Callable[[Field], T]) -> T | None:
        """`read` of this field, None when it is absent."""
        return None if self.is_absent else read(self)


def label_pairs(field: Field) -> tuple[tuple[str, str], ...]:
    """An object of texts as sorted pairs: labels, annotations, a selector."""
    return tuple(sorted((key, field[key].text("")) for key in field.mapping()))


def time_text(wall_seconds: float | None) -> str | None:
    """The RFC 3339 text of a time in a status, None when there is none."""
    return None if wall_seconds is None else whole_seconds(wall_seconds)


def compact(**members: Any) -> Json:
    """An object without what is None or an empty text; the keyword `from_` becomes `from`."""
    return {
        key.removesuffix("_"): value
        for key, value in members.items()
        if value is not None and value != ""
    }
