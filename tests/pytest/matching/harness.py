"""The matching models without the time that dbt takes to start.

dbt builds them once on empty inputs; after that a rebuild runs the SQL that dbt compiled, in the
order of its graph, on whatever cards the test has put in.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks import matching_inputs, matching_models
from benchmarks.matching_base import Base
from functions.uuid_v5 import uuid_v5
from loaders import settings
from tests.pytest.warm import WarmCommands

AS_OF = datetime(2025, 6, 1, tzinfo=UTC)
MOST_CARDS = 600
FOLDERS = ("intermediate/matching/", "intermediate/identity/", "review/")


@dataclass(frozen=True)
class Card:
    """One card of the source; `name` is given, middle and family name, or a company's name."""

    number: int
    name: tuple[str, str, str] | str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    telegram: str = ""
    extension: str = ""
    employer: str = ""
    birth_date: date | None = None
    gender: str | None = None
    website: str | None = None
    registration_number: str | None = None

    @property
    def kind(self) -> str:
        """Person or company."""
        return "company" if isinstance(self.name, str) else "person"


@dataclass(frozen=True)
class Trip:
    """One trip; `counterparty` is the card it was booked for."""

    key: str
    passenger: str
    pickup_at: datetime = AS_OF
    counterparty: int | None = None
    phone: str | None = None
    email: str | None = None
    company: str | None = None


def as_base(cards: Iterable[Card], trips: Iterable[Trip] = ()) -> Base:
    """Returns the inputs of the models for these cards."""
    base = Base()
    for card in cards:
        name = card.name if isinstance(card.name, tuple) else ("", "", "")
        company = card.name if isinstance(card.name, str) else None
        base.contacts.append(
            (
                card.number, "company" if company else "contact", card.kind, *name, company,
                card.website, card.birth_date, card.gender, card.registration_number, AS_OF,
            )
        )  # fmt: skip
        for at, phone in enumerate(card.phones, start=1):
            base.points.append((card.number, "phone", phone, card.extension, phone, at))
        for at, email in enumerate(card.emails, start=1):
            base.points.append((card.number, "email", email, "", email, at))
        if card.telegram:
            base.points.append((card.number, "telegram", card.telegram, "", card.telegram, 1))
        if card.employer:
            base.companies.append((card.number, None, card.employer, "api"))
        base.truth.append((card.number, card.number, card.kind))
    for trip in trips:
        base.trips.append(
            (
                trip.key, "planfix_task", trip.counterparty, trip.passenger, trip.phone,
                trip.email, trip.company, trip.pickup_at, "SVO", "DME",
            )
        )  # fmt: skip
    return base


def build_with_dbt(url: str, folder: Path, threads: int = 2) -> None:
    """Builds the models with dbt on the inputs that are there."""
    commands = WarmCommands(
        settings.parse_database_url(url), folder, {"RIDERRA_CREATE_LIVE_TABLES": "true"}
    )
    arguments = matching_models.build_arguments(threads=threads, with_identity=True)
    commands.dbt(*arguments, check=True)


@dataclass
class Models:
    """The built models of one database."""

    url: str
    link: psycopg.Connection
    nodes: list[tuple[str, str, str]] = field(default_factory=list)
    skeleton: matching_inputs.Skeletons = field(default_factory=matching_inputs.Skeletons)

    @classmethod
    def build(cls, url: str, folder: Path) -> Models:
        """Builds the models with dbt on empty inputs."""
        build_with_dbt(url, folder)
        manifest = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
        wanted = {
            key: node
            for key, node in manifest["nodes"].items()
            if node["resource_type"] == "model"
            and node["original_file_path"].removeprefix("models/").startswith(FOLDERS)
        }
        ordered: list[str] = []

        def visit(key: str) -> None:
            for parent in wanted[key]["depends_on"]["nodes"]:
                if parent in wanted and parent not in ordered:
                    visit(parent)
            if key not in ordered:
                ordered.append(key)

        for key in sorted(wanted):
            visit(key)
        nodes = [
            (wanted[key]["schema"], wanted[key]["name"], wanted[key]["compiled_code"])
            for key in ordered
            if wanted[key]["config"]["materialized"] != "view"  # shows what its tables hold
        ]
        found = cls(url, psycopg.connect(url, autocommit=True), nodes)
        matching_inputs.add_results(
            found.link,
            "uuid_v5",
            ((f"planfix:{at}", uuid_v5(f"planfix:{at}")) for at in range(1, MOST_CARDS + 1)),
        )
        return found

    def put(self, cards: Sequence[Card], trips: Sequence[Trip] = (), seed: int = 0) -> None:
        """Loads cards; another seed loads the same rows in another order."""
        base = as_base(cards, trips)
        if seed:
            shuffle = random.Random(seed).shuffle
            for rows in (base.contacts, base.points, base.companies, base.trips):
                shuffle(rows)
        matching_inputs.load(self.link, base, self.skeleton)

    def rebuild(self) -> None:
        """Runs every model again."""
        with self.link.transaction():
            self.link.execute("set local enable_nestloop = off")
            for schema, name, statement in self.nodes:
                target = sql.Identifier(schema, name)
                self.link.execute(sql.SQL("truncate {}").format(target))
                self.link.execute(
                    sql.SQL("insert into {} ").format(target) + sql.SQL(statement)  # type: ignore[arg-type]
                )
                self.link.execute(sql.SQL("analyze {}").format(target))

    def publish(self) -> None:
        """Writes the identities of this build down."""
        matching_models.publish(self.link)

    def forget(self) -> None:
        """Empties the state: no identity, no event, no decision."""
        with self.link.transaction():
            # these tables only grow, as long as their triggers are on
            self.link.execute("set local session_replication_role = replica")
            self.link.execute(
                "truncate migration.identity_events, migration.customer_identity, "
                "migration.match_decisions"
            )

    def decide(self, left: int, right: int, verdict: str, asked_hash: str | None = None) -> None:
        """Writes a decision down as the desk does."""
        self.link.execute(
            "insert into migration.match_decisions (left_planfix_id, right_planfix_id, verdict, "
            "decided_by, identifiers_hash) values (%s, %s, %s, 'tester', %s)",
            [left, right, verdict, asked_hash],
        )

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Returns the rows of a query."""
        return self.link.execute(query, values).fetchall()  # type: ignore[arg-type]

    def clusters(self) -> dict[int, int]:
        """Returns each card's cluster."""
        return dict(
            self.rows("select planfix_id, cluster_id from intermediate.int_clusters__final")  # type: ignore[arg-type]
        )

    def are_one(self, left: int, right: int) -> bool:
        """Tells whether two cards are in one cluster."""
        found = self.clusters()
        return found[left] == found[right]

    def explain(self, left: int, right: int) -> list[tuple[object, ...]]:
        """Returns verdict, left, right, rule and sentence of each step."""
        return self.rows(
            "select verdict, left_planfix_id, right_planfix_id, rule_id, sentence "
            "from quality.explain_pair(%s, %s) order by step",
            left,
            right,
        )


def moved(card: Card, **changes: object) -> Card:
    """Returns the card after an edit."""
    return replace(card, **changes)  # type: ignore[arg-type]
