"""Clusters that hold two people are cut at the weakest link, and one question is asked of each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.pytest.matching.harness import AS_OF, Card, Models, Trip
from tests.pytest.matching.test_decisions import crowd

# one process builds the models for all of these tests
pytestmark = pytest.mark.xdist_group("matching")

# the queue takes one card in a hundred: enough for a case of five
CROWD = crowd(501)
NAME = ("Назар", "", "Колоколенко")


def phone(at: int) -> str:
    return f"+7916{5318204 + at * 3137:07d}"


def build(models: Models, *cards: Card, trips: tuple[Trip, ...] = ()) -> dict[int, int]:
    """Builds these cards among enough others for the queue's share; returns their clusters."""
    models.put((*cards, *CROWD), trips)
    models.rebuild()
    clusters = models.clusters()
    return {card.number: clusters[card.number] for card in cards}


def cases(models: Models) -> list[tuple[object, ...]]:
    """Reason and cards of each question about the cards of a test."""
    return models.rows(
        "select reason_code, planfix_ids from quality.review_queue "
        "where planfix_ids && array[1, 2, 3, 4, 5, 6]::bigint[] order by priority"
    )


def cut(models: Models) -> set[tuple[object, ...]]:
    """The rules and cards of the links that fell."""
    return set(
        models.rows(
            "select rule_id, left_planfix_id, right_planfix_id from quality.match_explanations "
            "where outcome = 'cut'"
        )
    )


def test_two_verified_people_are_not_joined_over_a_card_that_shows_nothing(
    models: Models,
) -> None:
    # each has phone and mail of her own; the colleague's card has neither
    first = Card(1, NAME, (phone(1),), ("n1@mail.ru",), employer="Заря")
    second = Card(2, NAME, (phone(2),), ("n2@mail.ru",), employer="Заря")
    assert set(build(models, first, second).values()) == {1, 2}

    empty = Card(3, NAME, employer="Заря")
    assert set(build(models, first, second, empty).values()) == {1, 2, 3}
    assert cut(models) == {("name_company", 1, 3), ("name_company", 2, 3)}
    assert cases(models) == [("contradiction", [1, 2, 3])]
    said = models.explain(1, 2)
    assert "channels" in {row[3] for row in said}
    assert any("phones and mails of its own" in str(row[4]) for row in said)


def test_two_verified_people_stay_two_however_many_cards_each_has(models: Models) -> None:
    found = build(
        models,
        Card(1, NAME, (phone(1),), employer="Заря"),
        Card(2, NAME, (phone(1),), ("n1@mail.ru",)),
        Card(3, NAME, (phone(3),), ("n3@mail.ru",), employer="Заря"),
        Card(4, NAME, (), ("n3@mail.ru",)),
    )
    # the employer is the weakest of what holds them together
    assert found == {1: 1, 2: 1, 3: 3, 4: 3}
    assert cut(models) == {("name_company", 1, 3)}
    assert cases(models) == [("contradiction", [1, 2, 3, 4])]


def test_one_person_with_two_phones_and_mails_stays_one(models: Models) -> None:
    # a card shows both phones: that is no employer's word but her own
    found = build(
        models,
        Card(1, NAME, (phone(1),), ("n1@mail.ru",)),
        Card(2, NAME, (phone(2),), ("n2@mail.ru",)),
        Card(3, NAME, (phone(1), phone(2))),
    )
    assert set(found.values()) == {1}
    # and so does one trip
    at = AS_OF - timedelta(days=5)
    found = build(
        models,
        Card(1, NAME, (phone(1),), ("n1@mail.ru",)),
        Card(2, NAME, (phone(2),), ("n2@mail.ru",)),
        trips=(Trip("t1", "Колоколенко Назар", at, 1), Trip("t2", "Колоколенко Назар", at, 2)),
    )
    assert set(found.values()) == {1}


def test_a_chain_is_cut_at_its_weakest_link(models: Models) -> None:
    # two people, two cards each, and between them a card with half a name
    found = build(
        models,
        Card(1, ("Андрей", "", "Соловейчик"), (phone(1), phone(2))),
        Card(2, ("Андрей", "", "Соловейчик"), (phone(2),)),
        Card(3, ("Андрей", "", ""), (phone(1),), telegram="andrey_s"),
        Card(4, ("Андрей", "", "Воробейчик"), (phone(4),), telegram="andrey_s"),
        Card(5, ("Андрей", "", "Воробейчик"), (phone(4),)),
    )
    # a phone says more than an account: the card stays where its phone is
    assert found == {1: 1, 2: 1, 3: 1, 4: 4, 5: 4}
    assert cut(models) == {("messenger_partial_name", 3, 4)}
    # five cards, six contradicting pairs, one question
    assert cases(models) == [("contradiction", [1, 2, 3, 4, 5])]
    said = models.explain(2, 5)
    assert [row[:3] for row in said[:4]] == [
        ("together", 2, 1),
        ("together", 1, 3),
        ("apart", 3, 4),
        ("together", 4, 5),
    ]


def test_four_people_in_one_knot_are_one_question(models: Models) -> None:
    # a surname alone, on the phones of four people who bear it
    found = build(
        models,
        *(
            Card(at, (given, "", "Соловейчик"), (phone(at),))
            for at, given in enumerate(["Андрей", "Борис", "Виктор", "Глеб"], start=1)
        ),
        Card(5, ("", "", "Соловейчик"), tuple(phone(at) for at in range(1, 5))),
    )
    assert set(found.values()) == {1, 2, 3, 4, 5}
    assert len(cut(models)) == 4
    assert cases(models) == [("contradiction", [1, 2, 3, 4, 5])]


def test_a_card_without_a_name_does_not_join_another_sex(models: Models) -> None:
    man = Card(1, ("Марк", "", "Самойлович"), (phone(1),))
    assert set(build(models, man, Card(2, ("", "", ""), (phone(1),), gender="male")).values()) == {
        1
    }
    found = build(models, man, Card(2, ("", "", ""), (phone(1),), gender="female"))
    assert set(found.values()) == {1, 2}
    assert "sexes" in {row[3] for row in models.explain(1, 2)}
    assert cases(models) == [("contradiction", [1, 2])]


def test_a_trips_company_tells_whose_trip_it_is(models: Models) -> None:
    # an order of the CRM knows no card: name and company do
    order = Trip(
        "t1",
        "Цветикова Римма",
        AS_OF - timedelta(days=9),
        phone=phone(9),
        company="ООО «Ромашка Плюс»",
    )
    employee = Card(1, ("Римма", "", "Цветикова"), (), ("r.c@mail.ru",), employer="Ромашка Плюс")
    caller = Card(2, ("Римма", "", "Цветикова"), (phone(9),))
    assert set(build(models, employee, caller).values()) == {1, 2}
    assert set(build(models, employee, caller, trips=(order,)).values()) == {1}
    assert models.rows(
        "select rule_id from quality.match_explanations "
        "where (left_planfix_id, right_planfix_id) = (1, 2) order by rule_id"
    ) == [("name_same_trip",), ("trip_contact_full_name",)]
    # not a namesake of another company
    stranger = Card(1, ("Римма", "", "Цветикова"), (), ("r.c@mail.ru",), employer="Тюльпан")
    assert set(build(models, stranger, caller, trips=(order,)).values()) == {1, 2}


def test_an_old_trip_does_not_support_anything(models: Models) -> None:
    cards = (
        Card(1, ("Макар", "", "Кукушкинд"), (phone(61),)),
        Card(2, ("Макар", "", "Кукушкинд"), (), ("m.k@mail.ru",)),
    )

    def found(days: int) -> set[int]:
        at = AS_OF - timedelta(days=days)
        trips = (Trip("t1", "Кукушкинд Макар", at, 1), Trip("t2", "Кукушкинд Макар", at, 2))
        return set(build(models, *cards, trips=trips).values())

    # trip_window_days is 540
    assert found(539) == {1}
    assert found(541) == {1, 2}
