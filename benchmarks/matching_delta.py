"""Ids under growth: a base is published, then 2 % of its cards come new and 1 % were edited.

The delta is right when its clusters are those of a full build, hardly a published card changes its
id, every change is an event, and no id that was ever published dangles.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import matching_inputs, matching_models
from benchmarks.matching_base import Base

NEW_SHARE = 0.02
EDITED_SHARE = 0.01
# what was edited: two of three edits are about a phone or a mail
EDITS = ("phone", "phone", "one more phone", "email", "surname", "employer")
SURNAMES = ("Новобрачных", "Перезамужева", "Другаяфамилия")

# what is wrong after a delta that was not published yet
OUTCOME = """
with
known as (
    select
        known.planfix_id,
        known.customer_id,
        coalesce(assigned.change, 'gone') as change,
        assigned.customer_id is distinct from known.customer_id as is_changed
    from migration.customer_identity as known
    left join intermediate.int_identity__assigned as assigned
        on known.planfix_id = assigned.planfix_id
),
-- the other part of the new cluster has a card of the same person
true_merges as (
    select distinct known.planfix_id
    from known
    inner join bench.truth as truth on known.planfix_id = truth.planfix_id
    inner join intermediate.int_clusters__final as clusters
        on known.planfix_id = clusters.planfix_id
    inner join intermediate.int_clusters__final as others
        on clusters.cluster_id = others.cluster_id
    inner join known as other on others.planfix_id = other.planfix_id
    inner join bench.truth as other_truth on other.planfix_id = other_truth.planfix_id
    where
        known.is_changed
        and known.change = 'merge'
        and known.customer_id <> other.customer_id
        and truth.entity_id = other_truth.entity_id
),
silent as (
    select known.planfix_id
    from known
    left join intermediate.int_identity__events as events
        on known.planfix_id = events.planfix_id and known.customer_id = events.other_customer_id
    where known.is_changed and events.event is null
),
dangling as (
    select distinct known.customer_id
    from known
    left join intermediate.int_identity__customers as customers
        on known.customer_id = customers.customer_id
    left join intermediate.int_identity__customers as successors
        on customers.merged_into_id = successors.customer_id
    where
        customers.status is null
        or (customers.status = 'merged' and successors.status is distinct from 'active')
)
select
    count(*),
    count(*) filter (where is_changed),
    count(*) filter (where is_changed and change = 'merge'),
    count(*) filter (where is_changed and change = 'split'),
    count(*) filter (where is_changed and change not in ('merge', 'split')),
    (select count(*) from true_merges),
    (select count(*) from silent),
    (select count(*) from dangling)
from known
"""

CLUSTERS = """
select count(*) || ' ' || md5(string_agg(planfix_id || ' ' || cluster_id, '|' order by planfix_id))
from intermediate.int_clusters__final
"""


@dataclass(frozen=True)
class Outcome:
    """What a delta did to published ids.

    Attributes:
        cards: published cards.
        changed: of these, cards whose id is another one now.
        merged: of the changed, cards of a customer that is part of another one now.
        split: of the changed, cards that left for a new customer.
        moved: of the changed, all others.
        true_merges: of the merged, cards that met another card of the same person.
        silent: changed cards without an event.
        dangling: published ids of which nobody can say where they are.
        is_full_build: whether clusters are those of a full build.
    """

    cards: int
    changed: int
    merged: int
    split: int
    moved: int
    true_merges: int
    silent: int
    dangling: int
    is_full_build: bool

    @property
    def share(self) -> float:
        """The share of published cards with another id."""
        return self.changed / self.cards


def delta(base: Base, seed: int) -> tuple[Base, Base]:
    """Returns the base before a delta (without the new cards) and after it (with the edits)."""
    rnd = random.Random(f"delta:{seed}")
    numbers = [int(str(row[0])) for row in base.contacts]
    drawn = rnd.sample(numbers, k=round(len(numbers) * (NEW_SHARE + EDITED_SHARE)))
    new = set(drawn[: round(len(numbers) * NEW_SHARE)])
    edits = {number: rnd.choice(EDITS) for number in drawn if number not in new}
    before, after = Base(truth=base.truth), Base(truth=base.truth, trips=base.trips)
    for row in base.contacts:
        number = int(str(row[0]))
        if number not in new:
            before.contacts.append(row)
        if edits.get(number) == "surname" and row[2] == "person":
            row = (*row[:5], rnd.choice(SURNAMES), *row[6:])
        after.contacts.append(row)
    for row in base.points:
        number = int(str(row[0]))
        if number not in new:
            before.points.append(row)
        if edits.get(number) == row[1]:
            row = (number, *_other(rnd, str(row[1])), row[5])
        after.points.append(row)
    for number in sorted(key for key, edit in edits.items() if edit == "one more phone"):
        after.points.append((number, *_other(rnd, "phone"), 9))
    for row in base.companies:
        number, employer = int(str(row[0])), row[1]
        if number not in new:
            before.companies.append((number, None if employer in new else employer, *row[2:]))
        if edits.get(number) != "employer":
            after.companies.append(row)
    before.trips = [row for row in base.trips if row[2] not in new]
    return before, after


def _other(rnd: random.Random, channel: str) -> tuple[str, str, str, str]:
    """Returns channel, value, extension and key of a phone or mail that nobody has."""
    digits = rnd.randrange(10**6, 10**7)
    value = f"+7977{digits}" if channel == "phone" else f"box{digits}@mail.ru"
    return channel, value, "", value


def clusters(link: psycopg.Connection) -> str:
    """Returns the clusters of a database as one value."""
    row = link.execute(CLUSTERS).fetchone()
    assert row is not None
    return str(row[0])


def run(server_url: str, name: str, base: Base, seed: int, folder: Path) -> Outcome:
    """Publishes the base as it was, brings the delta and returns what it did.

    Args:
        server_url: a server that may create databases.
        name: database to create and drop.
        base: the base.
        seed: draws the delta.
        folder: for dbt's artefacts.
    """
    folder.mkdir(parents=True)
    before, after = delta(base, seed)
    try:
        url = matching_models.new_database(server_url, name)
        for inputs in (before, after):
            with psycopg.connect(url, autocommit=True) as link:
                matching_inputs.load(link, inputs)
            matching_models.build(url, folder, with_identity=True)
            with psycopg.connect(url, autocommit=True) as link:
                if inputs is before:
                    matching_models.publish(link)
                row = link.execute(OUTCOME).fetchone()
                found = clusters(link)
        url = matching_models.new_database(server_url, name)
        with psycopg.connect(url, autocommit=True) as link:
            matching_inputs.load(link, after)
        matching_models.build(url, folder)
        with psycopg.connect(url, autocommit=True) as link:
            expected = clusters(link)
    finally:
        matching_models.drop_database(server_url, name)
    assert row is not None
    return Outcome(*(*row, found == expected))
