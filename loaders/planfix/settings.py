"""Settings of the Planfix extract, from the environment or `.env`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loaders.errors import SettingsError

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
NOTES_MODES = ("last", "all", "none")
OPTIONAL_OBJECTS = ("data_tags", "directories", "tasks", "notes")


@dataclass(frozen=True)
class PlanfixSettings:
    """How to reach the account and what the extract may spend on it.

    Attributes:
        base_url: ends with `/rest/`.
        token: bearer token; never printed.
        timezone: IANA zone of the token's owner, empty to measure it.
        requests_per_second: pace, `None` for the profile's or the documented one.
        quota_share: part of the account's limits that the extract may use.
        daily_quota: requests a day by the plan, 0 when unknown.
        max_wait: seconds a limit reply is waited out; a longer wait ends the run.
        timeout: seconds to wait for an ordinary reply.
        concurrency: pages fetched at once, 0 for the profile's.
        notes: `last`, `all` or `none`.
        notes_per_contact: how many of the last notes per contact are wanted.
        notes_rotation: unchanged cards a delta reads for new notes where nothing tells which
            have some: 0 for all, `None` for a quarter of the daily quota.
        task_comments: also the comments of tasks whose counterparty is a contact.
        contact_details: one GET per contact for the names that lists do not return.
        changed_filter_id: saved Planfix filter on the change date (fallback for filter 38).
        task_templates: only tasks of these templates; empty for all.
        skip: objects left out on purpose.
        sweep_days: a delta may skip the id sweep this long when counts agree.
    """

    base_url: str
    token: str = field(repr=False)
    timezone: str = ""
    requests_per_second: float | None = None
    quota_share: float = 0.8
    daily_quota: int = 0
    max_wait: float = 300.0
    timeout: float = 60.0
    concurrency: int = 0
    notes: str = "last"
    notes_per_contact: int = 50
    notes_rotation: int | None = None
    task_comments: bool = False
    contact_details: bool = False
    changed_filter_id: str = ""
    task_templates: tuple[int, ...] = ()
    skip: frozenset[str] = frozenset()
    sweep_days: float = 7.0

    @property
    def account(self) -> str:
        """Returns the host (with port) that names the account in logs and tables."""
        parts = urlsplit(self.base_url)
        return parts.netloc.rpartition("@")[2]

    @property
    def is_loopback(self) -> bool:
        """Tells whether the server runs on this machine: then it is a double, not Planfix."""
        return (urlsplit(self.base_url).hostname or "") in LOOPBACK


def is_configured(environment: Mapping[str, str] | None = None) -> bool:
    """Tells whether an account is named (the token may still be missing)."""
    values = os.environ if environment is None else environment
    return bool(values.get("PLANFIX_BASE_URL") or values.get("PLANFIX_ACCOUNT"))


def _number(values: Mapping[str, str], name: str, default: float, least: float) -> float:
    text = values.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        raise SettingsError(f"{name} is not a number: {text!r}.") from None
    if number < least:
        raise SettingsError(f"{name} must be at least {least:g}, not {text}.")
    return number


def _flag(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "").strip().lower()
    if text in {"", "0", "false", "no", "off"}:
        return False
    if text in {"1", "true", "yes", "on"}:
        return True
    raise SettingsError(f"{name} must be yes or no, not {text!r}.")


def _base_url(values: Mapping[str, str]) -> str:
    url = values.get("PLANFIX_BASE_URL", "").strip()
    account = values.get("PLANFIX_ACCOUNT", "").strip()
    if not url and not account:
        raise SettingsError(
            "PLANFIX_BASE_URL is not set: give the account's address, e.g. "
            "https://example.planfix.com/rest/, or its name as PLANFIX_ACCOUNT."
        )
    if not url:
        if "://" in account or "/" in account:
            raise SettingsError(
                "PLANFIX_ACCOUNT is not an account name: write example, or "
                "example.planfix.ru; a full address goes into PLANFIX_BASE_URL."
            )
        host = account if "." in account else f"{account}.planfix.com"
        url = f"https://{host}/rest/"
    parts = urlsplit(url)
    try:
        hostname = parts.hostname
        _ = parts.port
    except ValueError:
        hostname = None
    if parts.scheme not in {"http", "https"} or not hostname:
        raise SettingsError(
            "PLANFIX_BASE_URL is not an address: write it as https://example.planfix.com/rest/."
        )
    if parts.username or parts.query or parts.fragment:
        raise SettingsError(
            "PLANFIX_BASE_URL must be the bare address: the token goes into PLANFIX_TOKEN."
        )
    if parts.scheme == "http" and hostname not in LOOPBACK:
        raise SettingsError(
            "PLANFIX_BASE_URL must start with https://: Planfix ignores plain HTTP, and the token "
            "would travel in the open."
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path or '/rest'}/"


def read(environment: Mapping[str, str] | None = None) -> PlanfixSettings:
    """Reads the settings.

    Raises:
        SettingsError: when one is missing or malformed, named in one line.
    """
    values = os.environ if environment is None else environment
    base_url = _base_url(values)
    token = values.get("PLANFIX_TOKEN", "").strip()
    if not token:
        raise SettingsError(
            "PLANFIX_TOKEN is not set: create one in Planfix, Account management, API access, "
            "REST API, best for a robot (it sees everything)."
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError("PLANFIX_TOKEN holds a character that no token has: copy it again.")
    zone = values.get("PLANFIX_TIMEZONE", "").strip()
    if zone:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(
                f"PLANFIX_TIMEZONE is not an IANA time zone such as Europe/Moscow: {zone!r}."
            ) from None
    notes = values.get("PLANFIX_NOTES", "").strip().lower() or "last"
    if notes not in NOTES_MODES:
        raise SettingsError(f"PLANFIX_NOTES must be one of {', '.join(NOTES_MODES)}.")
    skip = frozenset(re.findall(r"[a-z_]+", values.get("PLANFIX_SKIP", "").lower()))
    if unknown := skip - set(OPTIONAL_OBJECTS):
        raise SettingsError(
            f"PLANFIX_SKIP names {', '.join(sorted(unknown))}; only "
            f"{', '.join(OPTIONAL_OBJECTS)} can be left out."
        )
    templates = values.get("PLANFIX_TASK_TEMPLATES", "").replace(",", " ").split()
    if not all(each.isdigit() for each in templates):
        raise SettingsError("PLANFIX_TASK_TEMPLATES must be template numbers with commas.")
    pace = values.get("PLANFIX_REQUESTS_PER_SECOND", "").strip()
    share = _number(values, "PLANFIX_QUOTA_SHARE", 0.8, 0.01)
    if share > 1:
        raise SettingsError("PLANFIX_QUOTA_SHARE is a part of the limit: between 0.01 and 1.")
    return PlanfixSettings(
        base_url=base_url,
        token=token,
        timezone=zone,
        requests_per_second=(
            _number(values, "PLANFIX_REQUESTS_PER_SECOND", 1.0, 0.0) if pace else None
        ),
        quota_share=share,
        daily_quota=int(_number(values, "PLANFIX_DAILY_QUOTA", 0, 0)),
        max_wait=_number(values, "PLANFIX_MAX_WAIT", 300, 0),
        timeout=_number(values, "PLANFIX_TIMEOUT", 60, 1),
        concurrency=int(_number(values, "PLANFIX_CONCURRENCY", 0, 0)),
        notes=notes,
        notes_per_contact=int(_number(values, "PLANFIX_NOTES_PER_CONTACT", 50, 1)),
        notes_rotation=(
            int(_number(values, "PLANFIX_NOTES_ROTATION", 0, 0))
            if values.get("PLANFIX_NOTES_ROTATION", "").strip()
            else None
        ),
        task_comments=_flag(values, "PLANFIX_TASK_COMMENTS"),
        contact_details=_flag(values, "PLANFIX_CONTACT_DETAILS"),
        changed_filter_id=values.get("PLANFIX_CHANGED_FILTER_ID", "").strip(),
        task_templates=tuple(int(each) for each in templates),
        skip=skip,
        sweep_days=_number(values, "PLANFIX_SWEEP_DAYS", 7, 0),
    )
