"""The calls of the Planfix REST API that the extract makes, as data.

Names in `fields` are checked by nobody: an unknown one is ignored in silence, so each name stands
here once, as the official document spells it, and the audit looks for it in what came back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

PAGE_SIZE = 100

# always present in a reply when the server knows them: "" or [] when unset
CONTACT_PLAIN = (
    "id",
    "name",
    "midname",
    "lastname",
    "gender",
    "description",
    "address",
    "site",
    "email",
    "additionalEmailAddresses",
    "skype",
    "telegramId",
    "telegram",
    "facebook",
    "instagram",
    "viberId",
    "position",
    "isCompany",
    "isDeleted",
    "createdDate",
    "dateOfLastUpdate",
    "phones",
    "companies",
    "contacts",
    "files",
    "sourceObjectId",
    "sourceDataVersion",
)
# without these a contact is of no use to the migration
CONTACT_VITAL = frozenset(
    {"id", "name", "isCompany", "email", "phones", "createdDate", "dateOfLastUpdate"}
)
# objects: the key is absent when unset
CONTACT_OBJECTS = ("template", "group", "birthDate", "supervisors")
# documented for GET only; a list that knows them saves one request per contact
CONTACT_DETAILS = (
    "dataTags",
    "addedBy",
    "languageCode",
    "communicationLanguageCode",
    "timezone",
)
CONTACT_FIELDS = (*CONTACT_PLAIN, *CONTACT_OBJECTS, *CONTACT_DETAILS)
SWEEP_FIELDS = ("id", "isCompany", "isDeleted", "dateOfLastUpdate", "createdDate")

COMMENT_FIELDS = (
    "id",
    "dateTime",
    "type",
    "fromType",
    "description",
    "additionalDescriptionData",
    "owner",
    "contact",
    "task",
    "project",
    "isDeleted",
    "isPinned",
    "isHidden",
    "recipients",
    "dataTags",
    "files",
    "sourceObjectId",
    "sourceDataVersion",
)
USER_FIELDS = (
    "id",
    "name",
    "midname",
    "lastname",
    "gender",
    "isDeleted",
    "groups",
    "role",
    "login",
    "email",
    "secondaryEmails",
    "telegramId",
    "telegram",
    "status",
    "phones",
    "languageCode",
    "timezone",
    "position",
)
TASK_FIELDS = (
    "id",
    "name",
    "description",
    "type",
    "priority",
    "status",
    "processId",
    "template",
    "object",
    "project",
    "parent",
    "counterparty",
    "assigner",
    "assignees",
    "participants",
    "auditors",
    "dateTime",
    "dateOfLastUpdate",
    "dateOfLastComment",
    "startDateTime",
    "endDateTime",
    "hasStartDate",
    "hasEndDate",
    "hasStartTime",
    "hasEndTime",
    "actualCompletionDate",
    "isDeleted",
    "sourceObjectId",
    "sourceDataVersion",
)
CUSTOM_FIELD_FIELDS = (
    "id",
    "name",
    "names",
    "type",
    "objectType",
    "groupId",
    "directoryId",
    "directoryFields",
    "enumValues",
)
DATA_TAG_ENTRY_FIELDS = ("dataTag", "key", "commentId", "task", "contact")
DIRECTORY_ENTRY_FIELDS = ("directory", "key", "parentKey", "name", "archived", "isGroup")

FILTER_CREATED = 12
FILTER_CHANGED = 38
FILTER_IS_COMPANY = 4006
FILTER_IS_PERSON = 4007
FILTER_NUMBER = 4231
FILTER_HAS_VALUE = 4152
FILTER_COMMENT_DATE = 3000
FILTER_TASK_TEMPLATE = 51
FILTER_TASK_NUMBER = 57
FILTER_TASK_CHANGED_OR_COMMENTED = 79

OBJECT_TASK, OBJECT_CONTACT = 0, 1


def joined(names: Iterable[object]) -> str:
    """Writes a `fields` value: commas without blanks."""
    return ",".join(str(name) for name in names)


def reference_id(value: Any) -> int | None:
    """Returns the number in 4127, "4127", "contact:4127" or {"id": …}; None when there is none."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        number = value.rpartition(":")[2].strip()
        return int(number) if number.isascii() and number.isdigit() else None
    return None


def reference_kind(value: Any) -> str | None:
    """Returns `contact`, `user` or `group` of a prefixed id, None when it has no prefix."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, str) and ":" in value:
        return value.partition(":")[0]
    return None


@dataclass(frozen=True)
class ListCall:
    """One paged list.

    Attributes:
        path: below the base URL.
        keys: possible names of the payload.
        body: JSON body (or query parameters of a GET) without offset and page size.
        method: POST, or GET for the few lists that are.
        row_id: key of a row inside this list, None when the row has none.
        timeout: seconds, None for the default.
        tries: most tries after passing faults, None for the default.
    """

    path: str
    keys: tuple[str, ...]
    body: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"
    row_id: Callable[[dict[str, Any]], Any] = lambda row: reference_id(row)
    timeout: float | None = None
    tries: int | None = None


def is_company_filter(is_company: bool) -> dict[str, Any]:
    """Returns the filter that says person or company in so many words."""
    kind = FILTER_IS_COMPANY if is_company else FILTER_IS_PERSON
    return {"type": kind, "operator": "equal", "value": True}


def contact_list(
    *,
    is_company: bool,
    fields: str,
    filters: Iterable[dict[str, Any]] = (),
    filter_id: str = "",
    kind_filter: bool = True,
) -> ListCall:
    """Contacts of one kind: the parameter and the filter both say which."""
    kinds = [is_company_filter(is_company)] if kind_filter else []
    body: dict[str, Any] = {
        "isCompany": is_company,
        "filters": [*kinds, *filters],
        "fields": fields,
    }
    if filter_id:
        body["filterId"] = filter_id
    return ListCall("contact/list", ("contacts",), body)


def date_filter(kind: int, window: tuple[str, str]) -> dict[str, Any]:
    """A date filter with minute precision; the texts are local to the token's owner."""
    return {
        "type": kind,
        "operator": "equal",
        "value": {
            "dateType": "otherRange_withTime",
            "dateFrom": window[0],
            "dateTo": window[1],
        },
    }


def number_filter(ids: int | list[int]) -> dict[str, Any]:
    """Contacts by number; an array is an OR."""
    return {"type": FILTER_NUMBER, "operator": "equal", "value": ids}


def task_number_filter(ids: int | list[int]) -> dict[str, Any]:
    """Tasks by number; an array is an OR."""
    return {"type": FILTER_TASK_NUMBER, "operator": "equal", "value": ids}


def comment_body(*, newest_first: bool) -> dict[str, Any]:
    """The common part of the comment lists: order and type are never left to the default."""
    return {
        "fields": joined(COMMENT_FIELDS),
        "typeList": "Comments",
        "resultOrder": [{"field": "id", "direction": "Desc" if newest_first else "Asc"}],
    }


def contact_comments(contact_id: int, timeout: float | None = None) -> ListCall:
    """Comments on one contact's card, newest first."""
    return ListCall(
        f"contact/{contact_id}/comments/list",
        ("comments",),
        comment_body(newest_first=True),
        timeout=timeout,
    )


def task_comments(task_id: int, timeout: float | None = None) -> ListCall:
    """Comments of one task, newest first."""
    return ListCall(
        f"task/{task_id}/comments/list",
        ("comments",),
        comment_body(newest_first=True),
        timeout=timeout,
    )


def all_comments(window: tuple[str, str]) -> ListCall:
    """Comments of the whole account in a window: slow, hence the long timeout."""
    return ListCall(
        "comment/list",
        ("comments",),
        {
            **comment_body(newest_first=False),
            "filters": [date_filter(FILTER_COMMENT_DATE, window)],
        },
        timeout=180.0,
    )
