"""Where Robot is: a base URL, checked before a password is ever sent there."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

# Names as DNS carries them, IPv4, or IPv6 (urlsplit has taken the brackets off).
_HOST = re.compile(r"(?!.*[^.]{64})[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_PATH = re.compile(r"[A-Za-z0-9._~/-]{0,200}")

# hetzner-api 1.
DEFAULT_BASE_URL = "https://robot-ws.your-server.de"


def check_base_url(text: str) -> str:
    """The base URL without a trailing slash; ValueError in one line that tells the fix.

    https only; http is for a simulator on a loopback address. The text is not repeated in the
    message: somebody may have written a password into it.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise ValueError("Robot URL: not a URL; use https://HOST[:PORT]") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("Robot URL: must look like https://HOST[:PORT]")
    if parts.username is not None or parts.password is not None:
        raise ValueError("Robot URL: holds a user name; put user name and password in the Secret")
    if parts.query or parts.fragment:
        raise ValueError("Robot URL: holds a query or a fragment; use https://HOST[:PORT]")
    if not _HOST.fullmatch(parts.hostname) or not _PATH.fullmatch(parts.path):
        raise ValueError("Robot URL: holds a character that no URL may hold; remove it")
    if port == 0:
        raise ValueError("Robot URL: port 0 cannot be reached; use https://HOST[:PORT]")
    if parts.scheme == "http" and not _is_loopback(parts):
        raise ValueError(
            "Robot URL: must be https, the password would travel in clear; "
            "http is allowed for a loopback address only"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
