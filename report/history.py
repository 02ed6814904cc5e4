"""Figures of earlier reports, kept beside the report so that runs can be compared."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from loaders.settings import DatabaseSettings


def folder(out: Path, database: DatabaseSettings) -> Path:
    """Returns the folder for one database's history, so that two accounts never mix."""
    address = f"{database.host}:{database.port}/{database.dbname}"
    return out / "runs" / hashlib.sha256(address.encode()).hexdigest()[:12]


def before(path: Path, run_id: str) -> dict[str, float] | None:
    """Returns the figures of the newest report that belongs to another run, if any."""
    notes = sorted(path.glob("*.json"), key=lambda note: note.stat().st_mtime, reverse=True)
    for note in notes:
        if note.stem != run_id:
            figures: dict[str, float] = json.loads(note.read_text(encoding="utf-8"))
            return figures
    return None


def keep(path: Path, run_id: str, figures: dict[str, float], page: str, language: str) -> None:
    """Keeps the figures and the page of a run."""
    path.mkdir(parents=True, exist_ok=True)
    (path / f"{run_id}.json").write_text(json.dumps(figures), encoding="utf-8")
    (path / f"{run_id}.{language}.html").write_text(page, encoding="utf-8")
