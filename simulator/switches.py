"""Behaviour switches: what is unknown about Planfix, or varies, can be had both ways.

Names, values and defaults follow what is known about the API; `python -m simulator serve --help`
and `docs/simulator.md` list them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class SwitchError(ValueError):
    """An unknown switch, or a value it does not take."""


@dataclass(frozen=True)
class Switch:
    """One switch.

    Attributes:
        default: value of a fresh simulator; its type is the type of the switch.
        choices: allowed values; empty for free numbers and texts.
    """

    name: str
    default: str | int | float
    description: str
    choices: tuple[str, ...] = ()

    def parse(self, value: Any) -> str | int | float:
        """Reads a value given as text or JSON.

        Raises:
            SwitchError: it does not fit.
        """
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if self.choices:
            if str(value) not in self.choices:
                raise SwitchError(f"{self.name} takes {', '.join(self.choices)}")
            return str(value)
        if isinstance(self.default, str):
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            if self.name == "owner_timezone":
                try:
                    ZoneInfo(text)
                except (ZoneInfoNotFoundError, ValueError) as error:
                    raise SwitchError(f"{self.name} takes an IANA time zone") from error
            return text
        try:
            return type(self.default)(value)
        except (TypeError, ValueError) as error:
            raise SwitchError(f"{self.name} takes a number") from error


YES_NO = ("yes", "no")

SWITCHES: tuple[Switch, ...] = (
    # lists and records
    Switch(
        "list_order",
        "id_asc",
        "order of contact and task lists; updated_desc moves rows when they are edited",
        ("id_asc", "id_desc", "updated_desc", "shuffled"),
    ),
    Switch(
        "is_company_omitted",
        "both",
        "what a contact list without isCompany shows",
        ("both", "persons"),
    ),
    Switch("page_size_over", "clamp", "reaction to pageSize above 100", ("clamp", "refuse")),
    Switch("deleted_in_list", "hidden", "deleted contacts in lists", ("hidden", "shown")),
    Switch(
        "deleted_get",
        "404",
        "GET of a deleted or merged contact: code 2000, the object, or code 6",
        ("404", "object", "400"),
    ),
    Switch(
        "filter_38",
        "honoured",
        "contact filter on the date of last change: obeyed, silently ignored, or 400 code 41",
        ("honoured", "ignored", "refused"),
    ),
    Switch(
        "filter_has_value",
        "honoured",
        "contact filter 4152 (a custom field has a value): obeyed, silently ignored, 400 code 41, "
        "or a fail in a 200",
        ("honoured", "ignored", "refused", "fail_200"),
    ),
    Switch(
        "range_end",
        "inclusive",
        "end of otherRange_withTime: the whole end minute, its first second only, or before it",
        ("inclusive", "instant", "exclusive"),
    ),
    Switch(
        "xml_date_types",
        "ignored",
        "XML-API spellings such as anotherperiod: filter silently ignored, or understood",
        ("ignored", "accepted"),
    ),
    Switch("added_by_in_list", "yes", "addedBy may be asked for in contact lists", YES_NO),
    Switch("data_tags_in_list", "no", "dataTags may be asked for in contact lists", YES_NO),
    Switch(
        "company_contacts_id",
        "prefixed",
        "how company.contacts[].id is written",
        ("prefixed", "int"),
    ),
    Switch("utc_seconds", "yes", "TimePoints carry dateTimeUtcSeconds (no: old account)", YES_NO),
    Switch("string_value", "yes", "custom field values carry stringValue and typeName", YES_NO),
    Switch(
        "null_values",
        "no",
        "unset custom fields of the record's template come as value null instead of not at all",
        YES_NO,
    ),
    Switch("file_size_unit", "kb", "unit of files[].size", ("kb", "bytes")),
    Switch(
        "directory_key",
        "directories",
        "answer key of /directory/list",
        ("directories", "directory"),
    ),
    Switch("positions_key", "positions", "answer key of /user/positions", ("positions", "posts")),
    Switch("missing_task", "500", "status of GET of a task that does not exist", ("400", "500")),
    Switch("nul_characters", "no", "one note in twenty holds a NUL character", YES_NO),
    # time
    Switch("owner_timezone", "Europe/Moscow", "IANA zone of the employee who owns the token"),
    # comments
    Switch(
        "comment_touches_contact",
        "no",
        "a new comment moves the contact's dateOfLastUpdate",
        YES_NO,
    ),
    Switch("silent_touches_contact", "yes", "a silent write moves dateOfLastUpdate", YES_NO),
    Switch("comment_order", "desc", "order of comments when none is asked for", ("desc", "asc")),
    Switch("comment_types", "All", "typeList when none is given", ("All", "Comments")),
    Switch(
        "comment_list",
        "yes",
        "/comment/list exists (no: an account older than version 1.6)",
        YES_NO,
    ),
    Switch(
        "comment_list_unfiltered",
        "refused",
        "/comment/list without filters: 400 code 0, or everything",
        ("refused", "allowed"),
    ),
    Switch(
        "comment_list_contact_notes",
        "yes",
        "/comment/list includes the notes on contact cards",
        YES_NO,
    ),
    Switch(
        "comment_list_slowness",
        0.01,
        "share of the observed latency of /comment/list to keep (1 = 7 s a page for a week, "
        "45 s for all time; 0 = none)",
    ),
    # rights
    Switch("missing_scopes", "", "scopes the token lacks, by comma; answered 405 code 5"),
    Switch("hidden_share", 0.0, "share of contacts the token's owner may not see, without error"),
    # limits
    Switch("rate_limit", 0.0, "requests a second that are enforced; 0 = none"),
    Switch(
        "over_rate",
        "delay",
        "reaction above rate_limit",
        ("delay", "http_429", "fail_200", "http_403"),
    ),
    Switch("quota_limit", 20_000, "requests a day, told by X-RateLimit-Remaining"),
    Switch("quota_enforced", "yes", "refuse requests above quota_limit", YES_NO),
    Switch(
        "quota_reply",
        "fail_200",
        "reply above quota_limit; rotate takes each in turn",
        ("fail_200", "http_403", "http_429", "rotate"),
    ),
    Switch("quota_reset_seconds", 57_283, "seconds until the daily reset, told as timeToReset"),
    Switch(
        "quota_reset_unit",
        "seconds",
        "unit of the top-level timeToReset in the 403 reply",
        ("seconds", "milliseconds"),
    ),
    Switch(
        "rate_headers", "remaining", "X-RateLimit-* headers sent", ("remaining", "both", "none")
    ),
    # disturbances
    Switch("latency_ms", 0.0, "delay of every reply, in milliseconds"),
    Switch(
        "faults",
        "",
        "random faults as kind:share by comma, e.g. error_500:0.02,reset:0.01 (kinds below)",
    ),
    Switch("fault_path", "", "regular expression; random faults hit matching paths only"),
    Switch("fault_repeats", 2, "the same request is hit by random faults at most so often"),
    Switch("timeout_seconds", 30.0, "how long a timeout fault holds the connection"),
)

BY_NAME = {switch.name: switch for switch in SWITCHES}


class Switches:
    """Current values; read as attributes of the switch's name."""

    def __init__(self) -> None:
        self._values: dict[str, str | int | float] = {s.name: s.default for s in SWITCHES}
        self.version = 0

    def set(self, name: str, value: Any) -> None:
        """Sets one switch.

        Raises:
            SwitchError: unknown name or value.
        """
        switch = BY_NAME.get(name)
        if switch is None:
            raise SwitchError(f"there is no switch {name}")
        self._values[name] = switch.parse(value)
        self.version += 1

    def text(self, name: str) -> str:
        """Returns a textual switch."""
        return str(self._values[name])

    def is_on(self, name: str) -> bool:
        """Tells whether a yes/no switch says yes."""
        return self._values[name] == "yes"

    def number(self, name: str) -> float:
        """Returns a numeric switch."""
        return float(self._values[name])

    def as_dict(self) -> dict[str, str | int | float]:
        """Returns all values by name."""
        return dict(self._values)


def describe() -> str:
    """Returns the table of switches for `--help`."""
    lines = []
    for switch in SWITCHES:
        values = "|".join(switch.choices) or type(switch.default).__name__
        default = switch.default if switch.default != "" else "(empty)"
        lines.append(f"  {switch.name} = {values}  [{default}]\n      {switch.description}")
    return "\n".join(lines)
