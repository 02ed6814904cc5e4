"""JSON shapes of the API: which keys an object has, and how values are written.

Each object type has a table of field name to function. A function returns `ABSENT` where the API
leaves the key out. Only requested names and custom field ids are rendered; nothing requested gives
the id alone.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from simulator.model import (
    TYPE_NAMES,
    Account,
    Comment,
    Contact,
    CustomField,
    TagEntry,
    Task,
    User,
)
from simulator.setup import ROBOT_ID
from simulator.switches import Switches
from simulator.texts import spell
from simulator.writings import mask_phone

ABSENT: Final = object()
ACCOUNT_ZONE = ZoneInfo("Europe/Moscow")
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
XML_ID_OFFSET = 1_000_000


def time_point(epoch: int, *, with_seconds: bool) -> dict[str, str]:
    """Writes an instant as a TimePoint: `date` and `time` are the same UTC instant."""
    t = time.gmtime(epoch)
    clock = f"{t.tm_hour:02d}:{t.tm_min:02d}"
    day = f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}"
    point = {
        "date": f"{t.tm_mday:02d}-{t.tm_mon:02d}-{t.tm_year:04d}",
        "time": clock,
        "datetime": f"{day}T{clock}Z",
    }
    if with_seconds:
        point["dateTimeUtcSeconds"] = f"{day}T{clock}:{t.tm_sec:02d}+0000"
    return point


def calendar_day(ordinal: int) -> dict[str, str]:
    """Writes a calendar day as a TimePoint with time 00:00."""
    return time_point((ordinal - _EPOCH_ORDINAL) * 86_400, with_seconds=False)


def parse_fields(fields: Any) -> tuple[str, ...]:
    """Reads the `fields` parameter; blanks after commas are allowed."""
    if isinstance(fields, list):
        names = [str(name) for name in fields]
    elif isinstance(fields, str):
        names = fields.split(",")
    else:
        return ()
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


@dataclass
class Renderer:
    """Renders objects of one account under the current switches."""

    account: Account
    switches: Switches
    _fragments: dict[int, tuple[int, orjson.Fragment]] = field(default_factory=dict)
    _directory_ids: dict[int, dict[str, int]] = field(default_factory=dict)

    # pieces -----------------------------------------------------------------------------------

    def point(self, epoch: int) -> dict[str, str]:
        """Writes an instant, with seconds unless the account is an old one."""
        return time_point(epoch, with_seconds=self.switches.is_on("utc_seconds"))

    def user_reference(self, number: int) -> dict[str, Any]:
        """Writes an employee as lists of people do."""
        user = self.account.user(number)
        return {"id": f"user:{number}", "name": user.full_name if user else ""}

    def people(self, numbers: Sequence[int]) -> dict[str, Any]:
        """Writes a list of employees and groups."""
        return {"users": [self.user_reference(n) for n in numbers], "groups": []}

    def files(self, contact: Contact) -> list[dict[str, Any]]:
        """Writes the files of a card."""
        return [self.file(contact.id * 10 + n) for n in range(contact.file_count)]

    def file(self, number: int) -> dict[str, Any]:
        """Writes one file; sizes are kilobytes rounded up unless switched."""
        size = file_size(number)
        if self.switches.text("file_size_unit") == "kb":
            size = -(-size // 1024)
        return {"id": number, "size": size, "name": f"document-{number}.txt"}

    # custom fields ----------------------------------------------------------------------------

    def _field_fragment(self, found: CustomField) -> orjson.Fragment:
        key = self.account.version * 1000 + self.switches.version
        cached = self._fragments.get(found.id)
        if cached and cached[0] == key:
            return cached[1]
        shape: dict[str, Any] = {"id": found.id, "name": found.name, "type": found.type}
        if self.switches.is_on("string_value"):
            shape["typeName"] = TYPE_NAMES.get(found.type, "")
        shape["objectType"] = found.object_type
        if found.enum_values:
            shape["enumValues"] = found.enum_values
        fragment = orjson.Fragment(orjson.dumps(shape))
        self._fragments[found.id] = (key, fragment)
        return fragment

    def _directory_id(self, directory: int, value: str) -> int:
        ids = self._directory_ids.get(directory)
        if ids is None:
            names = self.account.directories[directory][1]
            ids = {name: position + 1 for position, name in enumerate(names)}
            self._directory_ids[directory] = ids
        return ids.get(value, 0)

    def custom_value(self, found: CustomField, value: Any) -> Any:
        """Renders one value with its field; returns ABSENT when the field's type cannot hold it."""
        shaped: Any
        text: str
        if value is None:
            shaped, text = None, ""
        elif found.type == 3:
            if not isinstance(value, int):
                return ABSENT
            shaped = calendar_day(value)
            text = shaped["date"]
        elif found.type == 5:
            if not isinstance(value, int):
                return ABSENT
            local = dt.datetime.fromtimestamp(value, ACCOUNT_ZONE)
            shaped = {"date": f"{local:%d-%m-%Y}", "time": f"{local:%H:%M}"}
            text = f"{local:%d-%m-%Y %H:%M}"
        elif found.type == 7:
            shaped = bool(value)
            text = "Да" if shaped else "Нет"
        elif found.type == 9:
            shaped = {"id": self._directory_id(found.directory_id, str(value)), "value": str(value)}
            text = str(value)
        elif found.type == 1:
            try:
                shaped = value if isinstance(value, int) else float(str(value))
            except ValueError:
                return ABSENT
            text = str(value)
        else:
            shaped = text = str(value)
        rendered = {"field": self._field_fragment(found), "value": shaped}
        if self.switches.is_on("string_value"):
            rendered["stringValue"] = text
        return rendered

    def custom_data(
        self, wanted: Sequence[int], values: Mapping[int, Any], object_type: int
    ) -> list[Any]:
        """Renders the requested custom fields that have a value."""
        shown = []
        with_null = self.switches.is_on("null_values")
        for number in wanted:
            found = self.account.custom_fields.get(number)
            if found is None or found.is_removed or found.object_type != object_type:
                continue
            if number not in values and not with_null:
                continue
            rendered = self.custom_value(found, values.get(number))
            if rendered is not ABSENT:
                shown.append(rendered)
        return shown

    def _object(
        self,
        item: Any,
        fields: tuple[str, ...],
        table: Mapping[str, Callable[[Renderer, Any], Any]],
        custom: Mapping[int, Any] | None,
        object_type: int,
    ) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        wanted: list[int] = []
        for name in fields:
            render = table.get(name)
            if render is not None:
                value = render(self, item)
                if value is not ABSENT:
                    shown[name] = value
            elif name.isdigit():
                wanted.append(int(name))
        if wanted and custom is not None:
            shown["customFieldData"] = self.custom_data(wanted, custom, object_type)
        return shown

    # objects ----------------------------------------------------------------------------------

    def contact(
        self, item: Contact, fields: tuple[str, ...], *, is_list: bool, prefixed: bool = False
    ) -> dict[str, Any]:
        """Renders a contact or company."""
        table = self.contact_table(is_list=is_list)
        shown = self._object(item, fields, table, item.custom, 1)
        if not fields or "id" in fields:
            shown["id"] = f"contact:{item.id}" if prefixed else item.id
        return shown

    def contact_table(self, *, is_list: bool) -> Mapping[str, Callable[[Renderer, Any], Any]]:
        """Returns the requestable names of a list or of a single contact."""
        if not is_list:
            return _CONTACT_GET
        if self.switches.is_on("data_tags_in_list"):
            return _CONTACT_GET if self.switches.is_on("added_by_in_list") else _CONTACT_TAGS
        return _CONTACT_ADDED if self.switches.is_on("added_by_in_list") else _CONTACT_LIST

    def company_people(self, item: Contact) -> list[dict[str, Any]]:
        """Renders the people of a company."""
        prefixed = self.switches.text("company_contacts_id") == "prefixed"
        return [
            {"id": f"contact:{p.id}" if prefixed else p.id, "name": p.full_name}
            for p in item.people or ()
            if not p.is_deleted
        ]

    def comment(self, item: Comment, fields: tuple[str, ...]) -> dict[str, Any]:
        """Renders a comment."""
        return self._object(item, fields or ("id",), _COMMENT, None, -1)

    def comment_text(self, item: Comment) -> str:
        """Spells a comment out."""
        text = spell(item.text)
        if item.id % 20 == 0 and self.switches.is_on("nul_characters"):
            text = f"{text[:3]}\0{text[3:]}"
        return text

    def task(self, item: Task, fields: tuple[str, ...]) -> dict[str, Any]:
        """Renders a task."""
        return self._object(item, fields or ("id",), _TASK, task_values(item), 0)

    def user(self, item: User, fields: tuple[str, ...], *, prefixed: bool) -> dict[str, Any]:
        """Renders an employee."""
        shown = self._object(item, fields or ("id",), _USER, {}, 6)
        if prefixed and "id" in shown:
            shown["id"] = f"user:{item.id}"
        return shown

    def tag_entry(self, item: TagEntry, fields: tuple[str, ...]) -> dict[str, Any]:
        """Renders an entry of a data tag."""
        return self._object(item, fields or ("key",), _TAG_ENTRY, tag_entry_values(item), 4)


def file_size(number: int) -> int:
    """Returns the bytes of a synthetic file."""
    return 55 + number % 40 * 517


def task_values(task: Task) -> Mapping[int, Any]:
    """Returns the custom field values of a trip task."""
    if task.custom is not None:
        return task.custom
    trip = task.trip
    values: dict[int, Any] = {
        4101: trip.pickup,
        4102: trip.from_place,
        4103: trip.to_place,
        4104: trip.passenger,
    }
    if trip.phone:
        values[4105] = trip.phone
    if trip.email:
        values[4106] = trip.email
    return values


def tag_entry_values(entry: TagEntry) -> Mapping[int, Any]:
    """Returns the field values of a data tag entry."""
    return {20: entry.at // 86_400 + _EPOCH_ORDINAL, 21: entry.result}


Table = dict[str, Callable[[Renderer, Any], Any]]


def _attribute(name: str) -> Callable[[Renderer, Any], Any]:
    return lambda r, c: getattr(c, name)


def _constant(value: Any) -> Callable[[Renderer, Any], Any]:
    return lambda r, c: value


def _group(r: Renderer, c: Contact) -> Any:
    if not c.group_id:
        return ABSENT
    return {"id": c.group_id, "name": r.account.groups.get(c.group_id, "")}


def _contact_tags(r: Renderer, c: Contact) -> Any:
    shown = []
    for key in c.tag_keys:
        entry = r.account.tag_entry(key)
        if entry is not None:
            name = r.account.data_tags[entry.data_tag_id]
            shown.append({"dataTag": {"id": entry.data_tag_id, "name": name}, "key": key})
    return shown


_CONTACT_LIST: Table = {
    "id": _attribute("id"),
    "template": lambda r, c: {"id": c.template_id},
    "name": _attribute("name"),
    "midname": _attribute("midname"),
    "lastname": _attribute("lastname"),
    "gender": _attribute("gender"),
    "description": lambda r, c: spell(c.description),
    "address": _attribute("address"),
    "site": _attribute("site"),
    "email": _attribute("email"),
    "additionalEmailAddresses": lambda r, c: list(c.more_emails),
    "skype": _attribute("skype"),
    "telegramId": _attribute("telegram_id"),
    "telegram": _attribute("telegram"),
    "facebook": _attribute("facebook"),
    "instagram": _attribute("instagram"),
    "viberId": _attribute("viber_id"),
    "position": _attribute("position"),
    "group": _group,
    "isCompany": _attribute("is_company"),
    "isDeleted": _attribute("is_deleted"),
    "birthDate": lambda r, c: calendar_day(c.birth_date) if c.birth_date else ABSENT,
    "createdDate": lambda r, c: r.point(c.created),
    "dateOfLastUpdate": lambda r, c: r.point(c.updated),
    "supervisors": lambda r, c: r.people(c.supervisors),
    "phones": lambda r, c: [
        {"number": text, "maskedNumber": mask_phone(text), "type": label}
        for text, label in c.phones
    ],
    "companies": lambda r, c: [{"id": x.id, "name": x.name} for x in c.companies],
    "contacts": lambda r, c: r.company_people(c),
    "files": lambda r, c: r.files(c),
    "sourceObjectId": _constant(""),
    "sourceDataVersion": _constant(""),
}
_CONTACT_ADDED: Table = {**_CONTACT_LIST, "addedBy": lambda r, c: r.user_reference(c.added_by)}
_CONTACT_TAGS: Table = {**_CONTACT_LIST, "dataTags": _contact_tags}
_CONTACT_GET: Table = {
    **_CONTACT_ADDED,
    "dataTags": _contact_tags,
    "avatarUrl": _constant(""),
    "languageCode": lambda r, c: c.language_code or ABSENT,
    "communicationLanguageCode": lambda r, c: c.communication_language or ABSENT,
    "timezone": lambda r, c: c.timezone or ABSENT,
}


def _comment_change(r: Renderer, c: Comment) -> Any:
    return {"newStatusId": 5, "oldStatusId": 1} if c.is_technical else ABSENT


def _comment_recipients(r: Renderer, c: Comment) -> Any:
    return {"users": [], "groups": []}


_COMMENT: Table = {
    "id": _attribute("id"),
    "sourceObjectId": _constant(""),
    "sourceDataVersion": _constant(""),
    "dateTime": lambda r, c: r.point(c.at),
    "type": lambda r, c: "None" if c.is_technical else "Comment",
    "fromType": _attribute("from_type"),
    "description": lambda r, c: r.comment_text(c),
    "additionalDescriptionData": _constant(""),
    "contact": lambda r, c: {"id": f"contact:{c.contact_id}"} if c.contact_id else ABSENT,
    "task": lambda r, c: {"id": c.task_id} if c.task_id else ABSENT,
    "owner": lambda r, c: r.user_reference(c.owner),
    "isDeleted": _attribute("is_deleted"),
    "isPinned": _constant(False),
    "isHidden": _constant(False),
    "isNotRead": _attribute("is_unread"),
    "recipients": _comment_recipients,
    "reminders": _constant([]),
    "dataTags": _constant([]),
    "files": _constant([]),
    "changeStatus": _comment_change,
}

_STATUSES = {3: ("Завершённая", False), 5: ("В работе", True)}


def _task_status(r: Renderer, t: Task) -> Any:
    name, is_active = _STATUSES.get(t.status, ("Новая", True))
    return {"id": t.status, "name": name, "color": "#fff", "isActive": is_active}


def _task_name(r: Renderer, t: Task) -> str:
    return t.name or f"Трансфер {t.trip.from_place[:3]} {t.id}"


_TASK: Table = {
    "id": _attribute("id"),
    "name": _task_name,
    "description": lambda r, t: f"<p>{t.trip.from_place} &rarr; {t.trip.to_place}</p>",
    "type": _constant("Task"),
    "priority": _constant("NotUrgent"),
    "status": _task_status,
    "processId": _constant(24),
    "template": lambda r, t: {"id": t.template_id},
    "object": _constant({"id": 3}),
    "counterparty": lambda r, t: {
        "id": f"contact:{t.counterparty.id}",
        "name": t.counterparty.full_name,
    },
    "assigner": lambda r, t: r.user_reference(t.assignee),
    "assignees": lambda r, t: r.people((t.assignee,)),
    "participants": lambda r, t: r.people(()),
    "auditors": lambda r, t: r.people(()),
    "dateTime": lambda r, t: r.point(t.trip.created),
    "dateOfLastUpdate": lambda r, t: r.point(t.updated),
    "dateOfLastComment": lambda r, t: r.point(r.account.last_comment(t)),
    "startDateTime": lambda r, t: r.point(t.trip.pickup),
    "endDateTime": lambda r, t: r.point(t.trip.pickup + 7200),
    "hasStartDate": _constant(True),
    "hasStartTime": _constant(True),
    "hasEndDate": _constant(True),
    "hasEndTime": _constant(True),
    "isDeleted": _attribute("is_deleted"),
    "isSummary": _constant(False),
    "overdue": _constant(False),
    "files": _constant([]),
    "sourceObjectId": _constant(""),
    "sourceDataVersion": _constant(""),
}

_USER: Table = {
    "id": _attribute("id"),
    "name": _attribute("name"),
    "midname": _constant(""),
    "lastname": _attribute("lastname"),
    "gender": _attribute("gender"),
    "isDeleted": _attribute("is_deleted"),
    "groups": lambda r, u: [{"id": u.group_id, "name": r.account.user_groups[u.group_id]}],
    "role": _attribute("role"),
    "login": lambda r, u: u.email.partition("@")[0],
    "email": _attribute("email"),
    "secondaryEmails": _constant([]),
    "telegramId": _constant(""),
    "telegram": _constant(""),
    "status": _attribute("status"),
    "phones": lambda r, u: [
        {"number": n, "maskedNumber": mask_phone(n), "type": 2} for n in (u.phone,) if n
    ],
    "customFieldData": _constant([]),
    "languageCode": _constant("Ru"),
    "timezone": lambda r, u: r.switches.text("owner_timezone") if u.id == ROBOT_ID else u.timezone,
    "position": lambda r, u: (
        {"id": u.position_id, "name": r.account.positions[u.position_id]}
        if u.position_id
        else ABSENT
    ),
}

_TAG_ENTRY: Table = {
    "dataTag": lambda r, e: {"id": e.data_tag_id, "name": r.account.data_tags[e.data_tag_id]},
    "key": _attribute("key"),
    "commentId": _constant(0),
    "contact": lambda r, e: {"id": e.contact_id} if e.contact_id else ABSENT,
    "task": lambda r, e: {"id": e.task_id} if e.task_id else ABSENT,
}
