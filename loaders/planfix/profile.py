"""The capability profile: what is known about one account's API, and obeyed by the extract."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from loaders.planfix.zones import OwnerZone

HONOURED, IGNORED, REFUSED, UNKNOWN = "honoured", "ignored", "refused", "unknown"
GLOBAL, PER_CONTACT = "global", "per_contact"
HIDDEN, SHOWN = "hidden", "shown"


@dataclass
class CapabilityProfile:
    """Answers to the open questions about an account.

    Attributes:
        account: host of the account.
        checked_at: ISO time of the last preflight, empty when there was none.
        change_filter: contact filter 38: honoured, ignored, refused or unknown.
        task_filter: task filter 79, the same.
        number_filter: filter 4231 with an array, the same.
        zones: zones that fit the owner's measured offsets.
        comment_route: how card notes are read: global, per_contact or unknown.
        comment_order: whether `resultOrder` is obeyed.
        details_in_list: GET-only names that the list returns too.
        deleted_in_list: whether deleted contacts are hidden or shown.
        kind_filter: whether filters 4006 and 4007 are accepted.
        list_order: observed order of the contact list.
        page_cap: most rows seen on one page.
        field_limit: most names accepted in `fields`, 0 for no bound.
        concurrency: pages fetched at once.
        requests_per_second: pace that the server stood, None for the documented one.
        daily_quota: requests a day by the plan, 0 when unknown.
        facts: further findings for the reader.
        risks: what the operator should know before relying on the extract.
    """

    account: str = ""
    checked_at: str = ""
    change_filter: str = UNKNOWN
    task_filter: str = UNKNOWN
    number_filter: str = UNKNOWN
    zones: list[str] = field(default_factory=list)
    comment_route: str = UNKNOWN
    comment_order: bool = True
    details_in_list: list[str] = field(default_factory=list)
    deleted_in_list: str = UNKNOWN
    kind_filter: bool = True
    list_order: str = UNKNOWN
    page_cap: int = 0
    field_limit: int = 0
    concurrency: int = 1
    requests_per_second: float | None = None
    daily_quota: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    risks: list[str] = field(default_factory=list)

    @property
    def zone(self) -> OwnerZone:
        """Returns the owner's zone as far as it is known."""
        return OwnerZone(tuple(self.zones))

    def to_json(self) -> dict[str, Any]:
        """Returns the stored form."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Reads the stored form; names of older or newer versions are left out."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in names})
