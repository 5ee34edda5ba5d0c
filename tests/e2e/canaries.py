"""The credentials of the tests are canaries: they are looked for where they must not be.

After each test, in every spelling that a log, an error or an encoding may give them.

Looked at: logs, pages, command lines and environments of the replicas, and every object that the
operator can write. Not looked at: the Secrets themselves, the Robot simulator, which must know
them, and the memory of a process.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

# Every value that a test ever wrote into a Secret.
PLANTED: set[str] = set()
# Shorter ones would be found by chance.
LEAST_CHARACTERS = 8


def plant(*values: str | None) -> None:
    """From now on these are looked for."""
    PLANTED.update(value for value in values if value and len(value) >= LEAST_CHARACTERS)


def spellings(secret: str) -> set[str]:
    """As it is, in URLs, in JSON, in Python, in hexadecimal, and inside anything in base64."""
    data = secret.encode()
    found = {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        data.hex(),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        found |= {_inside(encode(b"x" * shift + data), shift) for shift in range(3)}
    return found


def _inside(encoded: bytes, shift: int) -> str:
    """The characters that do not depend on what stands before and behind the secret."""
    text = encoded.decode().rstrip("=")
    return text[(0, 2, 3)[shift] : -1]


def leaks(texts: Iterable[tuple[str, str]], secrets: Iterable[str] | None = None) -> list[str]:
    """Where a secret stands, with what is around it."""
    forms = {
        form: secret
        for secret in (PLANTED if secrets is None else secrets)
        for form in spellings(secret)
    }
    return [
        f"{where} holds {forms[form]!r} as {form!r}: {_around(text, form)!r}"
        for where, text in texts
        for form in forms
        if form in text
    ]


def _around(text: str, form: str) -> str:
    at = text.index(form)
    return text[max(0, at - 100) : at + len(form) + 60]


def process_texts(pid: int) -> Iterator[tuple[str, str]]:
    """What `ps` shows of a process; nothing of one that is gone."""
    for name in ("cmdline", "environ"):
        path = Path(f"/proc/{pid}/{name}")
        try:
            yield str(path), path.read_bytes().decode(errors="replace")
        except OSError:
            continue
