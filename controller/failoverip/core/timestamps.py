"""POSIX seconds to RFC 3339 and back, as Kubernetes writes them.

A MicroTime needs exactly six digits: kube-apiserver refused a shorter fraction with 400 (design 9).
"""

from __future__ import annotations

from datetime import UTC, datetime


def micro_time(wall_seconds: float) -> str:
    """For Lease times: `2026-01-02T03:04:05.000000Z`."""
    return _utc(wall_seconds, "microseconds")


def whole_seconds(wall_seconds: float) -> str:
    """For conditions and records: `2026-01-02T03:04:05Z`."""
    return _utc(wall_seconds, "seconds")


def parse_time(text: str) -> float:
    """POSIX seconds of an RFC 3339 time; ValueError when it is none."""
    return datetime.fromisoformat(text).timestamp()


def _utc(wall_seconds: float, timespec: str) -> str:
    moment = datetime.fromtimestamp(wall_seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec=timespec)}Z"
