"""What people decide holds for ever, and what contradicts itself is said."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.pytest.matching.harness import Card, Models, moved

# one process builds the models for all of these tests
pytestmark = pytest.mark.xdist_group("matching")

TWINS = (
    Card(1, ("Иван", "", "Рябоконев"), ("+79165318207",)),
    Card(2, ("Иван", "", "Рябоконев"), ("+79165318207",)),
)
NAMESAKES = (
    Card(3, ("Савва", "Ильич", "Перепёлкинд"), ("+79165318301",)),
    Card(4, ("Савва", "Ильич", "Перепёлкинд"), (), ("s.p@mail.ru",)),
    Card(5, ("Нина", "", "Перламутрова"), ("+79165318302",)),
)
# beside them enough other cards for the queue's share of one in a hundred
SYLLABLES = [first + last for first in "бвгдзклмнпрст" for last in "аеиоуяю"]


def crowd(size: int) -> tuple[Card, ...]:
    return tuple(
        Card(
            at,
            (f"Же{SYLLABLES[at % 90]}{SYLLABLES[at // 90]}", "", f"Щу{SYLLABLES[at % 89]}хин"),
            (f"+7926{1234500 + at}",),
        )
        for at in range(10, 10 + size)
    )


CROWD = crowd(301)


def build(models: Models, *cards: Card) -> None:
    models.put((*cards, *CROWD))
    models.rebuild()


def queue(models: Models) -> dict[str, tuple[object, ...]]:
    return {
        str(row[0]): row[1:]
        for row in models.rows(
            "select reason_code, planfix_ids, jsonb_array_length(asked_pairs), "
            "asked_pairs -> 0 ->> 'identifiers_hash' from quality.review_queue "
            "where planfix_ids && array[1, 2, 3, 4, 5, 6]::bigint[]"
        )
    }


def decide_all(models: Models, verdict: str, pairs: Iterable[tuple[int, int]]) -> None:
    for left, right in pairs:
        models.decide(left, right, verdict)


def test_different_splits_and_holds_when_the_cards_change(models: Models) -> None:
    build(models, *TWINS)
    assert models.are_one(1, 2)
    models.publish()
    models.decide(1, 2, "different")
    build(models, *TWINS)
    assert not models.are_one(1, 2)
    assert not queue(models), "never asked again"
    assert {row[3] for row in models.explain(1, 2)} >= {"decision", "decision_different"}
    # a delta that makes them look alike still more
    build(models, TWINS[0], moved(TWINS[1], emails=("i.r@mail.ru",)))
    assert not models.are_one(1, 2)


def test_different_is_asked_again_once_its_cards_changed_but_binds(models: Models) -> None:
    cards = (*TWINS, NAMESAKES[2])
    build(models, *cards)
    asked_hash = models.rows(
        "select md5(string_agg(distinct item, '|' order by item)) from ("
        "select (planfix_id || ' ' || key_kind || ' ' || key_value) collate \"C\" as item "
        "from intermediate.int_match_identifiers__collected where planfix_id in (1, 2)) as items"
    )[0][0]
    models.decide(1, 2, "different", str(asked_hash))
    build(models, *cards)
    assert not models.are_one(1, 2)
    assert not queue(models)
    changed = [moved(card, emails=("i.r@mail.ru",)) for card in TWINS]
    build(models, *changed, NAMESAKES[2])
    assert not models.are_one(1, 2)
    assert queue(models)["decision_outdated"][0] == [1, 2]
    models.decide(1, 2, "same")
    build(models, *changed, NAMESAKES[2])
    assert models.are_one(1, 2)


def test_same_joins_what_nothing_else_joins(models: Models) -> None:
    build(models, *NAMESAKES)
    case = queue(models)["full_name_and_patronymic"]
    assert case[0] == [3, 4]
    models.decide(3, 4, "same", str(case[2]))
    models.decide(3, 5, "same")
    build(models, *NAMESAKES)
    # even two names that contradict each other
    assert models.are_one(3, 4)
    assert models.are_one(3, 5)
    assert not queue(models)
    # a new phone does not undo it
    build(models, moved(NAMESAKES[0], phones=("+79165318999",)), *NAMESAKES[1:])
    assert models.are_one(3, 4)
    assert models.are_one(3, 5)


def test_unsure_keeps_apart_and_is_asked_again_when_the_cards_change(models: Models) -> None:
    build(models, *NAMESAKES)
    case = queue(models)["full_name_and_patronymic"]
    models.decide(3, 4, "unsure", str(case[2]))
    build(models, *NAMESAKES)
    assert not models.are_one(3, 4)
    assert not queue(models)
    build(models, moved(NAMESAKES[0], phones=("+79165318999",)), *NAMESAKES[1:])
    assert list(queue(models)) == ["full_name_and_patronymic"]


def test_the_last_word_counts(models: Models) -> None:
    decide_all(models, "different", [(1, 2)])
    decide_all(models, "same", [(2, 1)])
    build(models, *TWINS)
    assert models.are_one(1, 2)
    decide_all(models, "different", [(1, 2)])
    build(models, *TWINS)
    assert not models.are_one(1, 2)


def test_split_of_a_cluster_into_the_parts_that_people_name(models: Models) -> None:
    four = [Card(at, TWINS[0].name, TWINS[0].phones) for at in (1, 2, 3, 4)]
    build(models, *four)
    assert len(set(list(models.clusters().values())[:4])) == 1
    decide_all(models, "same", [(1, 2), (3, 4)])
    decide_all(models, "different", [(1, 3)])
    build(models, *four)
    found = models.clusters()
    assert (found[2], found[4]) == (1, 3)


def test_decisions_that_contradict_each_other_are_reported(models: Models) -> None:
    three = [Card(at, TWINS[0].name, TWINS[0].phones) for at in (1, 2, 3)]
    decide_all(models, "same", [(1, 2), (2, 3)])
    decide_all(models, "different", [(1, 3)])
    build(models, *three)
    assert not models.are_one(1, 3), "different binds"
    reported = models.rows(
        "select left_planfix_id, right_planfix_id, verdict "
        "from intermediate.int_match_decisions__conflicting order by 1, 2"
    )
    assert reported == [(1, 2, "same"), (1, 3, "different"), (2, 3, "same")]
    cases = queue(models)
    assert list(cases) == ["decisions_contradict"]
    assert cases["decisions_contradict"][0] == [1, 2, 3]
    # another word settles it
    decide_all(models, "different", [(2, 3)])
    build(models, *three)
    assert models.are_one(1, 2)
    assert not models.are_one(2, 3)
    assert not models.rows("select * from intermediate.int_match_decisions__conflicting")
    assert not queue(models)


def test_decision_across_kinds_joins_nothing(models: Models) -> None:
    company = Card(6, "Иван Рябоконев", TWINS[0].phones)
    models.decide(1, 6, "same")
    build(models, TWINS[0], company)
    assert not models.are_one(1, 6)
    assert "different_kinds" in {row[3] for row in models.explain(1, 6)}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_case_is_one_row(models: Models, seed: int) -> None:
    # four people with one surname and phone behind one card that says the surname only
    cards = [
        Card(1, ("Андрей", "", "Соловейчик"), ("+79165310001",)),
        Card(2, ("Борис", "", "Соловейчик"), ("+79165310001",)),
        Card(3, ("", "", "Соловейчик"), ("+79165310001",)),
    ]
    models.put((*cards, *CROWD), seed=seed)
    models.rebuild()
    assert len({models.clusters()[at] for at in (1, 2, 3)}) == 3
    cases = queue(models)
    assert list(cases) == ["contradiction"]
    assert cases["contradiction"][:2] == ([1, 2, 3], 2)
