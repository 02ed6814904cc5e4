"""Every rule of matching on a pair of cards of its own, all in one build."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pytest

from loaders.settings import PROJECT_ROOT
from tests.pytest.matching.harness import AS_OF, Card, Models, Trip

# one process builds the models for all of these tests
pytestmark = pytest.mark.xdist_group("matching")

CARDS: list[Card] = []
TRIPS: list[Trip] = []
# rule, the pair, whether it is one client
TOGETHER: list[tuple[str, int, int]] = []
APART: list[tuple[str, int, int]] = []


def phone(at: int) -> str:
    return f"+7916{5318204 + at * 3137:07d}"


def cards(*more: Card) -> None:
    CARDS.extend(more)


# --- persons: one personal key ---------------------------------------------------------------

cards(
    Card(1, ("Иван", "", "Рябоконев"), (phone(1),)),
    Card(2, ("Riabokonev", "", "Ivan"), (phone(1),)),
    Card(3, ("Анна", "", "Светозарова"), (), ("a.s@mail.ru",)),
    Card(4, ("Светозарова", "Петровна", "Анна"), (), ("a.s@mail.ru",)),
    Card(5, ("Пётр", "", "Холмогорцев"), telegram="petr_h"),
    Card(6, ("Petr", "", "Kholmogortsev"), telegram="petr_h"),
    Card(7, ("Дмитрий", "", "Вересаевский"), (phone(7),)),
    Card(8, ("Дима", "", "Верасаевский"), (phone(7),)),
    Card(9, ("Ольга", "", "Темногорская"), (), ("o.t@mail.ru",)),
    Card(10, ("Ольга", "", "Темногроская"), (), ("o.t@mail.ru",)),
    Card(11, ("Сергей", "", "Златопольский"), telegram="szlat"),
    Card(12, ("Серёжа", "", "Златаполський"), telegram="szlat"),
    Card(13, ("Виктор", "", "Непейводин"), (phone(13),)),
    Card(14, ("В.", "", "Непейводин"), (phone(13),)),
    Card(15, ("Инна", "", "Краснощёкова"), (), ("i.k@mail.ru",)),
    Card(16, ("И.", "", "Краснощёкова"), (), ("i.k@mail.ru",)),
    Card(17, ("Роман", "", "Долгополов"), telegram="rdolg"),
    Card(18, ("Р.", "", "Долгополов"), telegram="rdolg"),
    Card(19, ("Глеб", "", "Тихоновский"), (phone(19),)),
    Card(20, ("Глеб", "", ""), (phone(19),)),
    Card(21, ("Зоя", "", "Бессмертная"), (), ("z.b@mail.ru",)),
    Card(22, ("", "", "Бессмертная"), (), ("z.b@mail.ru",)),
    Card(23, ("Лев", "", "Неустроев"), telegram="lneu"),
    Card(24, ("Лев", "", ""), telegram="lneu"),
    Card(25, ("Марк", "", "Самойлович"), (phone(25),)),
    Card(26, ("", "", ""), (phone(25),)),
    Card(27, ("Яна", "", "Беспалова"), (), ("y.b@mail.ru",)),
    Card(28, ("", "", ""), (), ("y.b@mail.ru",)),
    Card(29, ("Егор", "", "Чернобровкин"), telegram="echern"),
    Card(30, ("", "", ""), telegram="echern"),
)
TOGETHER += [
    ("phone_full_name", 1, 2),
    ("email_full_name", 3, 4),
    ("messenger_full_name", 5, 6),
    ("phone_similar_name", 7, 8),
    ("email_similar_name", 9, 10),
    ("messenger_similar_name", 11, 12),
    ("phone_initial", 13, 14),
    ("email_initial", 15, 16),
    ("messenger_initial", 17, 18),
    ("phone_partial_name", 19, 20),
    ("email_partial_name", 21, 22),
    ("messenger_partial_name", 23, 24),
    ("phone_no_name", 25, 26),
    ("email_no_name", 27, 28),
    ("messenger_no_name", 29, 30),
]

# --- the name veto ---------------------------------------------------------------------------

cards(
    Card(31, ("Марина", "", "Подберёзкина"), (phone(31),)),
    Card(32, ("Михаил", "", "Подберёзкин"), (phone(31),)),
    Card(33, ("Алёна", "", "Громыхайло"), (phone(33),)),
    Card(34, ("Алина", "", "Громыхайло"), (phone(33),)),
    Card(35, ("Иван", "Петрович", "Стрекалов"), (phone(35),)),
    Card(36, ("Иван", "Сергеевич", "Стрекалов"), (phone(35),)),
    Card(37, ("Нина", "", "Перламутрова"), (phone(37),)),
    Card(38, ("Нина", "", "Загоруйко"), (phone(37),)),
)
APART += [
    ("names_contradict", 31, 32),
    ("names_contradict", 33, 34),
    ("names_contradict", 35, 36),
    ("same_key_other_surname", 37, 38),
]

# --- shared and void keys --------------------------------------------------------------------

cards(
    *(
        Card(41 + at, (given, "", family), (phone(41),), ("info@agency.example",), "agency_desk")
        for at, (given, family) in enumerate(
            [
                ("Борис", "Крутиков"),
                ("Boris", "Krutikov"),
                ("Фаина", "Жемчужная"),
                ("Тимур", "Оганесов"),
                ("Павел", "Сизокрылов"),
            ]
        )
    ),
    Card(46, ("Клим", "", "Ясенев"), (), ("zakaz@ves.example",)),
    Card(47, ("Klim", "", "Yasenev"), (), ("zakaz@ves.example",)),
    Card(48, ("Софья", "", "Лунина"), (), ("zakaz@ves.example",)),
    *(
        Card(49 + at, (given, "", family), telegram="deskbot")
        for at, (given, family) in enumerate(
            [
                ("Артур", "Мелехов"),
                ("Artur", "Melekhov"),
                ("Вера", "Звонарёва"),
                ("Кира", "Половцева"),
            ]
        )
    ),
    Card(53, ("Юлия", "", "Ветрова"), ("+79999999999",)),
    Card(54, ("Юлия", "", "Ветрова"), ("+79999999999",)),
    Card(55, ("Эдуард", "", "Пуговкин"), (phone(55),), extension="101"),
    Card(56, ("Лидия", "", "Хворостова"), (phone(55),), extension="102"),
)
TOGETHER += [
    ("shared_phone_full_name", 41, 42),
    ("shared_email_full_name", 46, 47),
    ("shared_messenger_full_name", 49, 50),
]
APART += [
    ("shared_phone", 41, 43),
    ("shared_email", 46, 48),
    ("shared_messenger", 49, 51),
    ("shared_phone", 53, 54),
    ("shared_phone", 55, 56),
]

# --- no key in common: trip, employer --------------------------------------------------------

cards(
    Card(61, ("Макар", "", "Кукушкинд"), (phone(61),)),
    Card(62, ("Makar", "", "Kukushkind"), (), ("m.k@mail.ru",)),
    Card(63, ("Римма", "", "Цветикова"), (phone(63),), employer="ООО «Ромашка Плюс»"),
    Card(64, ("Римма", "", "Цветикова"), (), ("r.c@mail.ru",), employer="Romashka Plyus"),
    Card(65, ("Игнат", "", "Лежебоков"), (phone(65),), employer="АО Тюльпан Сервис"),
    Card(66, ("Игнат", "", "Лежебоков"), (), ("i.l@mail.ru",), employer="Тюльпан Сервис"),
    Card(67, ("Луиза", "", "Бронштейнова"), (phone(67),)),
    Card(68, ("Луиза", "", "Бронштейнова"), (), ("l.b@mail.ru",)),
    Card(69, ("Назар", "", "Колоколенко"), (phone(69),), ("n1@mail.ru",), employer="Заря"),
    Card(70, ("Назар", "", "Колоколенко"), (phone(70),), ("n2@mail.ru",), employer="Заря"),
    Card(71, ("Ефим", "", "Староверский"), (phone(71),)),
    Card(72, ("Ефим", "", "Староверский"), (), ("e.s@mail.ru",)),
    Card(73, ("Савва", "Ильич", "Перепёлкинд"), (phone(73),)),
    Card(74, ("Савва", "Ильич", "Перепёлкинд"), (), ("s.p@mail.ru",)),
    Card(75, ("Прохор", "", "Шаляпинд"), (phone(75),), ("p.s@mail.ru",)),
    Card(76, ("Прохор", "", "Шаляпинд"), (), ("p2@mail.ru",)),
    Card(77, ("Фрол", "", "Скобеев"), employer="Заря", birth_date=date(1970, 1, 1)),
    Card(78, ("Фрол", "", "Скобеев"), employer="Заря", birth_date=date(1990, 1, 1)),
    # so common here that chance brings two of them to one employer
    *(
        Card(at, ("Тарас", "", "Многолик"), (phone(at),), employer="Север" if at < 84 else "")
        for at in range(81, 86)
    ),
    # two words that no dictionary has, in either order
    Card(87, ("Orly", "", "Elkayam"), (phone(87),)),
    Card(88, ("Elkayam", "", "Orly"), (), ("e.o@mail.ru",)),
)
TRIPS += [
    Trip("t1", "Кукушкинд Макар", AS_OF - timedelta(days=5), 61),
    Trip("t2", "Кукушкинд Макар", AS_OF - timedelta(days=5), 62),
    Trip("t7", "Orly Elkayam", AS_OF - timedelta(days=6), 87),
    Trip("t8", "Elkayam Orly", AS_OF - timedelta(days=6), 88),
    Trip("t3", "Цветикова Римма", AS_OF - timedelta(days=9), 63),
    Trip("t4", "Бронштейнова Луиза", AS_OF - timedelta(days=5), 68, phone=phone(67)),
    # as good as forgotten
    Trip("t5", "Шаляпинд Прохор", AS_OF - timedelta(days=3000), 75),
    Trip("t6", "Шаляпинд Прохор", AS_OF - timedelta(days=3000), 76),
]
TOGETHER += [
    ("name_same_trip", 61, 62),
    ("name_same_trip", 87, 88),
    ("name_company_trip", 63, 64),
    ("name_company", 65, 66),
    ("trip_contact_full_name", 67, 68),
]
APART += [
    ("same_employer", 69, 70),
    ("birth_dates", 77, 78),
    ("same_employer", 81, 82),
    ("same_name_only", 83, 84),
    ("full_name_alone", 71, 72),
    ("full_name_and_patronymic", 73, 74),
    ("full_name_alone", 75, 76),
]

# --- companies -------------------------------------------------------------------------------

cards(
    Card(101, "ООО «Вектор Байкал»", registration_number="7701234567"),
    Card(102, "Vektor Baykal LLC", registration_number="77 012 345 67"),
    Card(103, "АО Гранит Медиа", website="https://www.granit-media.example/ru"),
    Card(104, "Гранит-Медиа", emails=("hello@granit-media.example",)),
    Card(105, "Парус Логистик", (phone(105),)),
    Card(106, "ИП Парус Логистик", (phone(105),)),
    Card(107, "Орбита Фарма", emails=("orbita@gmail.com",)),
    Card(108, "Orbita Farma", emails=("orbita@gmail.com",)),
    Card(109, "Компас Строй", telegram="kompas_stroy"),
    Card(110, "«Компас Строй» ООО", telegram="kompas_stroy"),
    Card(111, "Кристалл Энерго", registration_number="7809876543"),
    Card(112, "Кристалл Энергы", registration_number="7809876543"),
    Card(113, "Сириус Агро", website="sirius-agro.example"),
    Card(114, "Сириус Агра", website="sirius-agro.example"),
    Card(115, "Прогресс Транс", (phone(115),)),
    Card(116, "Прогресс Тронс", (phone(115),)),
    Card(117, "Импульс Торгсин", emails=("impuls@mail.ru",)),
    Card(118, "Импульс Торксин", emails=("impuls@mail.ru",)),
    Card(119, "Альянс Софтмаш", telegram="alians_soft"),
    Card(120, "Альянс Софтмаж", telegram="alians_soft"),
    # branches of one group, and namesakes with other registers
    Card(121, "Глобус Казань", website="globus-group.example"),
    Card(122, "Глобус Самара", website="globus-group.example"),
    Card(123, "Маяк Инвест", (phone(123),), registration_number="5001112223"),
    Card(124, "Маяк Инвест", (phone(123),), registration_number="5009998887"),
    Card(125, "Оазис Круиз"),
    Card(126, "ООО Оазис Круиз"),
    # never with a person
    Card(127, "Лидия Ермолова", (phone(127),)),
    Card(128, ("Лидия", "", "Ермолова"), (phone(127),)),
)
TOGETHER += [
    ("company_registration_number", 101, 102),
    ("company_domain", 103, 104),
    ("company_phone", 105, 106),
    ("company_email", 107, 108),
    ("company_messenger", 109, 110),
    ("company_registration_number_similar_name", 111, 112),
    ("company_domain_similar_name", 113, 114),
    ("company_phone_similar_name", 115, 116),
    ("company_email_similar_name", 117, 118),
    ("company_messenger_similar_name", 119, 120),
]
APART += [
    ("names_contradict", 121, 122),
    ("registration_numbers", 123, 124),
    ("company_name_alone", 125, 126),
    ("different_kinds", 127, 128),
]

# --- contradictions after closure ------------------------------------------------------------

cards(
    # two verified people, joined by a card that has half a name and a phone of each
    Card(131, ("Андрей", "", "Соловейчик"), (phone(131), phone(132)), ("a1@mail.ru",)),
    Card(132, ("Андрей", "", ""), (phone(132), phone(133))),
    Card(133, ("Андрей", "", "Воробейчик"), (phone(133), phone(134)), ("a2@mail.ru",)),
    # one name, one phone, two birth dates
    Card(134, ("Платон", "", "Кречетников"), (phone(135),), birth_date=date(1970, 1, 1)),
    Card(135, ("Платон", "", "Кречетников"), (phone(135),), birth_date=date(1999, 1, 1)),
)
APART += [("contradiction", 131, 133), ("birth_dates", 134, 135)]


@pytest.fixture(scope="module")
def built(built_models: Models) -> Models:
    built_models.forget()
    built_models.put(CARDS, TRIPS)
    built_models.rebuild()
    return built_models


@pytest.mark.parametrize(("rule", "left", "right"), TOGETHER)
def test_rule_joins_its_pair(built: Models, rule: str, left: int, right: int) -> None:
    assert built.are_one(left, right), built.explain(left, right)
    links = built.rows(
        "select rule_id, key_hash, name_comparison, strength, sentence "
        "from quality.match_explanations where outcome = 'accepted' "
        "and left_planfix_id = %s and right_planfix_id = %s",
        left,
        right,
    )
    assert rule in {link[0] for link in links}
    # the evidence is whole: hash, comparison of names, strength, a sentence
    assert all(all(value is not None for value in link[1:]) for link in links), links
    assert all(str(link[4]).endswith(".") for link in links)


@pytest.mark.parametrize(("reason", "left", "right"), APART)
def test_pair_stays_apart(built: Models, reason: str, left: int, right: int) -> None:
    assert not built.are_one(left, right), built.explain(left, right)
    said = built.explain(left, right)
    asked = built.rows(
        "select rule_id from intermediate.int_review_pairs__collected "
        "where (left_planfix_id, right_planfix_id) = (%s, %s)",
        left,
        right,
    )
    asked_of_case = built.rows(
        "select reason_code from intermediate.int_review_cases__ranked where %s in "
        "(left_planfix_id, right_planfix_id)",
        left,
    )
    reasons = {row[3] for row in said} | {row[0] for row in (*asked, *asked_of_case)}
    assert reason in reasons, said
    assert all(str(row[4]).endswith(".") for row in said)


def test_every_rule_has_an_example() -> None:
    with (PROJECT_ROOT / "seeds/rules/match_rules.csv").open(encoding="utf-8") as lines:
        rules = {row["rule_id"] for row in csv.DictReader(lines)}
    shown = {rule for rule, _, _ in TOGETHER} | {reason for reason, _, _ in APART}
    # words of people have tests of their own
    assert rules - shown == {"decision_same", "decisions_contradict", "decision_outdated"}


def test_hubs_are_listed_with_counts(built: Models) -> None:
    found = {
        str(row[0]): row[1:]
        for row in built.rows(
            "select key_value, relation, record_count, client_count from quality.match_hubs"
        )
    }
    assert found[phone(41)] == ("booker", 5, 4)
    assert found["zakaz@ves.example"] == ("workplace", 3, 2)
    assert found["+79999999999"] == ("placeholder", 2, 2)
    assert found[phone(55)] == ("workplace", 2, 2)
    assert found[phone(31)][0] == "family"
    assert found[phone(37)][0] == "handed_on"


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        (41, 43, "but 5 cards share it (given names): it links equal full names only."),
        (53, 54, "but it is a placeholder and links nothing."),
        (69, 70, "one full name and one employer, but each has phones and mails of its own."),
        (71, 72, "The full names are equal, but a name alone never links."),
        (77, 78, "one full name and one employer, but show different birth dates."),
        (81, 82, "one full name and one employer, but so many people do that it may be chance."),
        (83, 84, "a name alone never links (5 cards bear it)."),
        (1, 3, "The names on the two cards contradict each other."),
        (127, 128, "One card is a person, the other a company."),
        (1, 9999, "Card 9999 is not in the source."),
    ],
)
def test_why_two_cards_are_not_one_is_said(built: Models, left: int, right: int, why: str) -> None:
    for one, other in ((left, right), (right, left)):
        assert any(str(row[4]).endswith(why) for row in built.explain(one, other)), built.explain(
            one, other
        )


def test_a_chain_is_explained_step_by_step(built: Models) -> None:
    said = built.explain(131, 133)
    assert [row[1:3] for row in said[:2]] == [(131, 132), (132, 133)]
    assert "apart" in {row[0] for row in said}


def test_no_contradicting_pair_is_inside_a_cluster(built: Models) -> None:
    assert not built.rows(
        "select * from intermediate.int_match_contradictions__found as found "
        "inner join intermediate.int_match_records__prepared as one "
        "on found.left_record_number = one.record_number "
        "inner join intermediate.int_match_records__prepared as other "
        "on found.right_record_number = other.record_number "
        "inner join intermediate.int_clusters__final as one_cluster "
        "on one.planfix_id = one_cluster.planfix_id "
        "inner join intermediate.int_clusters__final as other_cluster "
        "on other.planfix_id = other_cluster.planfix_id "
        "where one_cluster.cluster_id = other_cluster.cluster_id"
    )
