"""The account that the simulator serves: records in memory, compact enough for a million.

Instants are whole epoch seconds, calendar dates are proleptic ordinals (0 = none). Texts that are
long and rarely read (notes, card descriptions) are kept as a seed and spelled out on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


class Contact:
    """A person or a company of the account, in Planfix one and the same entity.

    Attributes:
        id: contact number, shared by people and companies.
        entity: ground truth, `p<n>` or `c<n>`: records of one entity are duplicates.
        description: HTML text, or the seed of one (0 = empty).
        custom: values of custom fields by field id, absent when unset.
        people: for a company, its people.
    """

    __slots__ = (
        "added_by",
        "address",
        "birth_date",
        "communication_language",
        "companies",
        "created",
        "custom",
        "description",
        "email",
        "entity",
        "facebook",
        "file_count",
        "gender",
        "group_id",
        "hidden",
        "id",
        "instagram",
        "is_company",
        "is_deleted",
        "is_test",
        "language_code",
        "lastname",
        "merged_into",
        "midname",
        "more_emails",
        "name",
        "people",
        "phones",
        "position",
        "segments",
        "site",
        "skype",
        "supervisors",
        "tag_keys",
        "telegram",
        "telegram_id",
        "template_id",
        "timezone",
        "updated",
        "viber_id",
    )

    def __init__(self, *, is_company: bool, entity: str, created: int) -> None:
        self.id = 0
        self.entity = entity
        self.is_company = is_company
        self.created = created
        self.updated = created
        self.template_id = 2 if is_company else 1
        self.name = ""
        self.midname = ""
        self.lastname = ""
        self.gender = "NotDefined"
        self.description: str | int = 0
        self.address = ""
        self.site = ""
        self.email = ""
        self.more_emails: tuple[str, ...] = ()
        self.skype = ""
        self.telegram_id = ""
        self.telegram = ""
        self.facebook = ""
        self.instagram = ""
        self.viber_id = ""
        self.position = ""
        self.group_id = 0
        self.birth_date = 0
        self.supervisors: tuple[int, ...] = ()
        self.added_by = 1
        self.phones: tuple[tuple[str, int], ...] = ()
        self.companies: tuple[Contact, ...] = ()
        self.people: list[Contact] | None = None
        self.custom: dict[int, Any] = {}
        self.language_code = ""
        self.communication_language = ""
        self.timezone = ""
        self.is_deleted = False
        self.merged_into = 0
        self.is_test = False
        self.hidden = False
        self.file_count = 0
        self.tag_keys: tuple[int, ...] = ()
        self.segments: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name as references and the user interface show it."""
        if not self.lastname:
            return self.name
        return f"{self.name} {self.lastname}".strip()


class Comment:
    """A note on a card or in a task; technical entries of tasks are comments too."""

    __slots__ = (
        "at",
        "contact_id",
        "from_type",
        "id",
        "is_deleted",
        "is_technical",
        "is_unread",
        "owner",
        "task_id",
        "text",
    )

    def __init__(self, contact_id: int, task_id: int, at: int, owner: int, text: str | int) -> None:
        self.id = 0
        self.contact_id = contact_id
        self.task_id = task_id
        self.at = at
        self.owner = owner
        self.text = text
        self.from_type = "Planfix"
        self.is_deleted = False
        self.is_technical = False
        self.is_unread = False


class Trip:
    """One transfer, as a Planfix task, as an order of the CRM, or as both.

    Attributes:
        customer: record whose owner travels; the passenger's writing may differ from it.
        pickup: instant of the pickup.
        passenger: name as typed by whoever ordered.
    """

    __slots__ = (
        "created",
        "customer",
        "email",
        "from_place",
        "in_crm",
        "in_planfix",
        "passenger",
        "phone",
        "pickup",
        "to_place",
    )

    def __init__(self, customer: Contact, pickup: int, created: int) -> None:
        self.customer = customer
        self.pickup = pickup
        self.created = created
        self.from_place = ""
        self.to_place = ""
        self.passenger = ""
        self.phone = ""
        self.email = ""
        self.in_planfix = True
        self.in_crm = False


class Task:
    """A Planfix task; the trips are tasks of template 200."""

    __slots__ = (
        "assignee",
        "counterparty",
        "custom",
        "id",
        "is_deleted",
        "name",
        "status",
        "template_id",
        "trip",
        "updated",
    )

    def __init__(self, trip: Trip, assignee: int) -> None:
        self.id = 0
        self.trip = trip
        self.counterparty = trip.customer
        self.assignee = assignee
        self.template_id = 200
        self.status = 5
        self.updated = trip.created
        self.is_deleted = False
        self.name = ""
        self.custom: dict[int, Any] | None = None


class TagEntry:
    """An entry of a data tag ("analytics") hanging on a contact."""

    __slots__ = ("at", "contact_id", "data_tag_id", "key", "result", "task_id")

    def __init__(self, key: int, data_tag_id: int, contact_id: int, at: int, result: str) -> None:
        self.key = key
        self.data_tag_id = data_tag_id
        self.contact_id = contact_id
        self.task_id = 0
        self.at = at
        self.result = result


@dataclass
class CustomField:
    """Metadata of a custom field; `type` numbers are those of the REST API."""

    id: int
    name: str
    type: int
    object_type: int
    enum_values: list[str] = field(default_factory=list)
    directory_id: int = 0
    is_removed: bool = False


@dataclass
class User:
    """An employee of the account."""

    id: int
    name: str
    lastname: str
    email: str
    gender: str
    role: str
    status: str
    group_id: int
    position_id: int
    timezone: str
    is_deleted: bool = False
    phone: str = ""

    @property
    def full_name(self) -> str:
        """The name as references show it."""
        return f"{self.name} {self.lastname}".strip()


TYPE_NAMES = {
    0: "Line",
    1: "Number",
    2: "Text",
    3: "Date",
    5: "DateTime",
    7: "Checkbox",
    8: "List",
    9: "Directory entry",
    10: "Contact",
}


@dataclass
class Account:
    """Everything one synthetic account holds.

    Attributes:
        anchor: the instant the generated history ends at.
        version: grows with every change; caches are keyed by it.
    """

    size: int
    seed: int
    anchor: int
    name: str = "riderra-sample"
    contacts: list[Contact] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    tag_entries: list[TagEntry] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    user_groups: dict[int, str] = field(default_factory=dict)
    positions: dict[int, str] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    templates: dict[int, tuple[str, bool]] = field(default_factory=dict)
    custom_fields: dict[int, CustomField] = field(default_factory=dict)
    data_tags: dict[int, str] = field(default_factory=dict)
    directories: dict[int, tuple[str, list[str]]] = field(default_factory=dict)
    version: int = 0
    _by_id: dict[int, Contact] = field(default_factory=dict)
    _comments_of: dict[tuple[int, int], list[Comment]] | None = None
    _tasks_by_id: dict[int, Task] | None = None
    _tag_entries_by_key: dict[int, TagEntry] | None = None

    def index(self) -> None:
        """Builds the look-up by number after generation."""
        self._by_id = {contact.id: contact for contact in self.contacts}

    def contact(self, number: int) -> Contact | None:
        """Returns the record with this number, deleted ones included."""
        return self._by_id.get(number)

    def add_contact(self, contact: Contact) -> None:
        """Appends a record with the next free number."""
        contact.id = self.contacts[-1].id + 1 if self.contacts else 1
        self.contacts.append(contact)
        self._by_id[contact.id] = contact
        self.version += 1

    def task(self, number: int) -> Task | None:
        """Returns the task with this number, deleted ones included."""
        if self._tasks_by_id is None:
            self._tasks_by_id = {task.id: task for task in self.tasks}
        return self._tasks_by_id.get(number)

    def add_task(self, task: Task) -> None:
        """Appends a task that already has its number."""
        self.tasks.append(task)
        if self._tasks_by_id is not None:
            self._tasks_by_id[task.id] = task
        self.version += 1

    def comments_of(self, *, contact_id: int = 0, task_id: int = 0) -> list[Comment]:
        """Returns the comments of one card or one task in ascending id order."""
        if self._comments_of is None:
            found: dict[tuple[int, int], list[Comment]] = {}
            for comment in self.comments:
                found.setdefault((comment.contact_id, comment.task_id), []).append(comment)
            self._comments_of = found
        return self._comments_of.get((contact_id, task_id), [])

    def last_comment(self, task: Task) -> int:
        """Returns when a task was last commented, or created."""
        rows = self.comments_of(task_id=task.id)
        return max((row.at for row in rows), default=task.trip.created)

    def add_comment(self, comment: Comment) -> None:
        """Appends a comment with the next free id."""
        comment.id = self.comments[-1].id + 1 if self.comments else 1
        self.comments_of()  # the index must exist before it can be extended
        self.comments.append(comment)
        if self._comments_of is not None:
            key = (comment.contact_id, comment.task_id)
            self._comments_of.setdefault(key, []).append(comment)
        self.version += 1

    def user(self, number: int) -> User | None:
        """Returns the employee with this number."""
        return next((user for user in self.users if user.id == number), None)

    def tag_entry(self, key: int) -> TagEntry | None:
        """Returns the data tag entry with this key."""
        if self._tag_entries_by_key is None:
            self._tag_entries_by_key = {entry.key: entry for entry in self.tag_entries}
        return self._tag_entries_by_key.get(key)

    def live_contacts(self) -> Iterator[Contact]:
        """Yields the records that are not deleted, by ascending number."""
        return (contact for contact in self.contacts if not contact.is_deleted)
