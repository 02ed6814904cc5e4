"""Which exports are known: by content, and, where a name decides a segment, by name too."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
import re
import unicodedata
from pathlib import Path

from loaders import settings


def segment_patterns() -> list[tuple[re.Pattern[str], str]]:
    """Reads segment_files.csv of MAPPING_DIR: LIKE patterns, most telling first."""
    folder = Path(os.environ.get("MAPPING_DIR") or "seeds/mapping")
    path = settings.PROJECT_ROOT / folder / "segment_files.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = [
            ((row.get("file_pattern") or "").strip().lower(), (row.get("segment") or "").strip())
            for row in csv.DictReader(lines)
        ]
    signs = {"%": ".*", "_": "."}
    return [
        (
            re.compile("".join(signs.get(sign, re.escape(sign)) for sign in pattern), re.DOTALL),
            segment,
        )
        for pattern, segment in sorted(rows, key=lambda row: -len(row[0]))
        if pattern
    ]


class SeenFiles:
    """Decides whether a file brings anything new.

    The same content under a name of another segment is a fact of its own (a client stands in
    both), and so is an export that went back to an earlier state; both are loaded once more under
    a key of their own.
    """

    def __init__(self, patterns: list[tuple[re.Pattern[str], str]]) -> None:
        """Starts with nothing seen."""
        self._patterns = patterns
        self._names: dict[str, list[str]] = {}
        self._newest: dict[str, tuple[dt.datetime, str]] = {}

    def _segment(self, name: str) -> str:
        lowered = name.lower()
        return next((text for found, text in self._patterns if found.fullmatch(lowered)), "")

    def add(self, key: str, name: str, modified_at: dt.datetime) -> None:
        """Notes a loaded file."""
        sha256 = key.partition("-")[0]
        self._names.setdefault(sha256, []).append(name)
        newest = self._newest.get(name.lower())
        if newest is None or modified_at >= newest[0]:
            self._newest[name.lower()] = (modified_at, sha256)

    def decide(self, sha256: str, name: str, modified_at: dt.datetime) -> tuple[str, str]:
        """Returns the key to load a file under, empty when it is known, and a remark."""
        names = self._names.get(sha256)
        if names is None:
            return sha256, ""
        again = hashlib.md5(f"{name}|{modified_at.isoformat()}".encode(), usedforsecurity=False)
        key = f"{sha256}-{again.hexdigest()[:8]}"
        if name in names:
            newest = self._newest[name.lower()]
            if newest[1] != sha256 and modified_at > newest[0]:
                return key, "back to an earlier content, loaded again"
            return "", "loaded before, skipped"
        segment = self._segment(name)
        if segment and segment not in {self._segment(known) for known in names}:
            return key, f"same content as {names[0]}, loaded for its segment"
        return "", f"loaded before as {names[0]}, skipped"


def file_name(path: Path) -> str:
    """Returns a file's name in composed form: a Mac writes й as two characters."""
    return unicodedata.normalize("NFC", path.name)
