"""Identity under growth: ids never change their meaning, whatever comes and whoever decides."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pytest.matching.harness import Card, Models, moved

# one process builds the models for all of these tests
pytestmark = pytest.mark.xdist_group("matching")

NAME = ("Иван", "", "Рябоконев")


def identities(models: Models) -> dict[int, str]:
    return {
        int(str(row[0])): str(row[1])
        for row in models.rows("select planfix_id, customer_id from migration.customer_identity")
    }


def step(models: Models, *cards: Card, seed: int = 0) -> dict[int, str]:
    """Builds and publishes; returns the customer of each card of the build."""
    models.put(cards, seed=seed)
    models.rebuild()
    models.publish()
    known = identities(models)
    return {card.number: known[card.number] for card in cards}


def events(models: Models) -> list[tuple[object, ...]]:
    return models.rows("select event, planfix_id from migration.identity_events order by event_id")


def status(models: Models) -> dict[str, tuple[object, object]]:
    return {
        str(row[0]): (row[1], None if row[2] is None else str(row[2]))
        for row in models.rows(
            "select customer_id, status, merged_into_id from intermediate.int_identity__customers"
        )
    }


def test_a_delta_joins_two_published_customers(models: Models) -> None:
    one = Card(1, NAME, ("+79165318207",))
    other = Card(2, NAME, ("+79165318311",))
    before = step(models, one, other)
    assert before[1] != before[2]
    bridge = Card(3, NAME, ("+79165318207", "+79165318311"))
    after = step(models, one, other, bridge)
    # the older stays, the other says where it went
    assert set(after.values()) == {before[1]}
    assert status(models)[before[2]] == ("merged", before[1])
    assert ("merge", 2) in events(models)
    assert ("absorb", 3) in events(models)
    # and comes back when the bridge goes
    again = step(models, one, other)
    assert again[1] == before[1]
    assert again[2] not in {before[1]}
    assert status(models)[again[2]][0] == "active"


def test_a_delta_splits_a_published_customer(models: Models) -> None:
    cards = [Card(at, NAME, ("+79165318207",)) for at in (1, 2, 3)]
    before = step(models, *cards)
    assert len(set(before.values())) == 1
    gone = moved(cards[0], name=("Нина", "", "Перламутрова"), phones=("+79165318999",))
    after = step(models, gone, *cards[1:])
    # the larger part keeps the id, although the smaller has the oldest card
    assert after[2] == after[3] == before[1]
    assert after[1] != before[1]
    assert ("split", 1) in events(models)


def test_a_card_that_changes_its_phone_keeps_its_id(models: Models) -> None:
    one = Card(1, NAME, ("+79165318207",))
    before = step(models, one)
    after = step(models, moved(one, phones=("+79165318999",)))
    assert before == after
    assert [event for event, _ in events(models)] == ["create"]


def test_an_id_that_lost_its_cards_is_not_given_away(models: Models) -> None:
    one, two = Card(1, NAME, ("+79165318207",)), Card(2, NAME, ("+79165318207",))
    before = step(models, one, two)
    # all of its cards leave, a stranger comes under the number of none of them
    stranger = Card(3, ("Нина", "", "Перламутрова"), ("+79165318207",))
    after = step(models, stranger)
    assert after[3] != before[1]
    assert status(models)[before[1]] == ("retired", None)
    # and when they come back, they are who they were
    assert step(models, one, two, stranger)[1] == before[1]
    assert status(models)[before[1]] == ("active", None)


# --- random sequences of deltas and decisions ------------------------------------------------

WORLDS = 10
STEPS = 4
PEOPLE = (("Андрей", "Соловейк"), ("Борис", "Соловейк"), ("Марина", "Перламутк"))
ENDINGS = ("ин", "енко", "овский", "ян", "идзе", "ич", "ук", "ейко", "анц", "ура")

operations = st.one_of(
    st.tuples(
        st.just("add"), st.integers(0, 2), st.integers(0, 3), st.integers(0, 4), st.integers(0, 2)
    ),
    st.tuples(st.just("phone"), st.integers(0, 9), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("name"), st.integers(0, 9), st.integers(0, 2)),
    st.tuples(st.just("drop"), st.integers(0, 9)),
    st.tuples(st.just("back"), st.integers(0, 9)),
    st.tuples(
        st.just("decide"),
        st.integers(0, 9),
        st.integers(0, 9),
        st.sampled_from(["same", "different", "different", "unsure"]),
    ),
)
deltas = st.lists(operations, min_size=1, max_size=5)
histories = st.lists(
    st.lists(deltas, min_size=STEPS, max_size=STEPS), min_size=WORLDS, max_size=WORLDS
)


@dataclass
class World:
    """A few cards that have nothing to do with those of other worlds."""

    index: int
    cards: dict[int, Card] = field(default_factory=dict)
    gone: dict[int, Card] = field(default_factory=dict)
    decided: list[tuple[int, int, str]] = field(default_factory=list)

    def _phone(self, at: int) -> str:
        return f"+7926{1030507 + self.index * 7919 + at * 1013}"

    def _name(self, person: int, style: int) -> tuple[str, str, str]:
        first, family = PEOPLE[person][0], PEOPLE[person][1] + ENDINGS[self.index]
        return [(first, "", family), (first, "", ""), ("", "", family)][style]

    def _pick(self, at: int) -> int | None:
        numbers = sorted(self.cards)
        return numbers[at % len(numbers)] if numbers else None

    def apply(self, models: Models, operation: tuple[object, ...]) -> None:
        """Carries one operation out."""
        kind, *values = operation
        at = self._pick(int(str(values[0])))
        if kind == "add":
            number = self.index * 40 + len(self.cards) + len(self.gone) + 1
            person, first, second, style = (int(str(value)) for value in values)
            phones = dict.fromkeys([self._phone(first), self._phone(min(second, 3))])
            self.cards[number] = Card(number, self._name(person, style), tuple(phones))
        elif kind == "back" and self.gone:
            number = sorted(self.gone)[int(str(values[0])) % len(self.gone)]
            self.cards[number] = self.gone.pop(number)
        elif at is None:
            return
        elif kind == "drop":
            self.gone[at] = self.cards.pop(at)
        elif kind == "phone":
            kept = self.cards[at].phones if values[2] else ()
            phones = dict.fromkeys((*kept, self._phone(int(str(values[1])))))
            self.cards[at] = moved(self.cards[at], phones=tuple(phones))
        elif kind == "name":
            self.cards[at] = moved(self.cards[at], name=self._name(int(str(values[1])), 0))
        elif kind == "decide":
            other = self._pick(int(str(values[1])))
            if other is not None and other != at:
                models.decide(at, other, str(values[2]))
                self.decided.append((min(at, other), max(at, other), str(values[2])))


def check(models: Models, worlds: list[World], before: dict[int, str]) -> None:
    """Checks what must hold after every publication; `before` is the map before it."""
    known = identities(models)
    clusters = models.clusters()
    active = {str(row[0]) for row in models.rows(
        "select customer_id from intermediate.int_identity__customers where status = 'active'"
    )}  # fmt: skip

    # one id per cluster, one cluster per id
    by_cluster, by_customer = defaultdict(set), defaultdict(set)
    for number, cluster in clusters.items():
        by_cluster[cluster].add(known[number])
        by_customer[known[number]].add(cluster)
    assert all(len(found) == 1 for found in by_cluster.values())
    assert all(len(found) == 1 for found in by_customer.values())
    assert set(by_customer) == active

    # an id never changes its meaning: it shares a card with what it was, or is new
    members = defaultdict(set)
    for number in clusters:
        members[known[number]].add(number)
    ever = set(before.values())
    for customer, cards in members.items():
        was = {number for number, old in before.items() if old == customer}
        assert not was or was & cards, (customer, was, cards)
        # and a client whose cards did not change is who it was
    for cards in members.values():
        old = {before.get(number) for number in cards}
        if len(old) == 1 and None not in old:
            whole = {number for number, customer in before.items() if customer in old}
            if whole == cards:
                assert {known[number] for number in cards} == old
    # a new id was never used before
    for number, customer in known.items():
        if customer not in ever:
            assert before.get(number) != customer

    # nothing dangles: whoever had an id finds where it went
    states = status(models)
    for customer in ever | set(known.values()):
        state, target = states[customer]
        assert state in {"active", "merged", "retired"}
        assert (state == "merged") == (target is not None)
        if target is not None:
            assert states[target][0] == "active"

    # the events tell the whole story
    told: dict[int, str] = {}
    for number, customer in models.rows(
        "select planfix_id, customer_id from migration.identity_events "
        "where planfix_id is not null order by event_id"
    ):
        told[int(str(number))] = str(customer)
    assert told == known

    # the last word of people on each pair holds
    torn = {
        (row[0], row[1])
        for row in models.rows(
            "select left_planfix_id, right_planfix_id "
            "from intermediate.int_match_decisions__conflicting"
        )
    }
    for world in worlds:
        last = {(left, right): verdict for left, right, verdict in world.decided}
        for (left, right), verdict in last.items():
            if left not in clusters or right not in clusters:
                continue
            if verdict == "different":
                assert clusters[left] != clusters[right], (left, right)
            elif verdict == "same" and (left, right) not in torn:
                assert clusters[left] == clusters[right], (left, right)


@settings(
    max_examples=int(os.environ.get("RIDERRA_TEST_EXAMPLES", "3")),
    deadline=None,
    derandomize="RIDERRA_TEST_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.large_base_example, HealthCheck.data_too_large],
)  # fmt: skip
@given(history=histories)
def test_any_history_of_deltas_and_decisions(
    models: Models, history: list[list[list[tuple[object, ...]]]]
) -> None:
    models.forget()
    worlds = [World(index) for index in range(WORLDS)]
    for at in range(STEPS):
        for world, steps in zip(worlds, history, strict=True):
            for operation in steps[at]:
                world.apply(models, operation)
        before = identities(models)
        cards = [card for world in worlds for card in world.cards.values()]
        step(models, *cards)
        check(models, worlds, before)
    # a second build of the same cards, in another order, changes nothing
    clusters, known = models.clusters(), identities(models)
    models.put(cards, seed=7)
    models.rebuild()
    assert models.clusters() == clusters
    assert not models.rows("select * from intermediate.int_identity__events")
    assert identities(models) == known
