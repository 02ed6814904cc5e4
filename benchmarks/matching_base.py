"""Labelled bases for the matching benchmark: the inputs of the matching models, with the truth.

One base is a travel desk's clients, as `int_contacts__normalized` and its neighbours would show
them: persons with one to four records, written in two scripts, in any order, with nicknames,
initials and typos; families on one phone, switchboards, role mailboxes, an assistant's phone on
colleagues' cards, recycled numbers, placeholders, a booking agency on thousands of cards. Same
size and seed, same base.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

MALE = (
    "Александр Сергей Дмитрий Андрей Алексей Максим Евгений Иван Михаил Николай Владимир Артём "
    "Денис Павел Роман Антон Илья Кирилл Игорь Олег Виктор Юрий Никита Константин Владислав "
    "Егор Виталий Вадим Станислав Анатолий Руслан Тимур Григорий Данила Степан Василий Борис "
    "Геннадий Валерий Георгий Пётр Глеб Матвей Фёдор Лев Тимофей Марат Ренат Ильдар Эдуард "
    "Вячеслав Ярослав Леонид Аркадий Семён Яков Захар Давид Арсений Богдан Герман Валентин"
).split()
FEMALE = (
    "Елена Ольга Наталья Анна Татьяна Ирина Екатерина Мария Светлана Юлия Анастасия Марина "
    "Людмила Галина Надежда Виктория Александра Евгения Оксана Дарья Ксения Валентина Лариса "
    "Вера Алина Полина Алёна Кристина Елизавета Лидия Маргарита Диана Тамара Валерия Яна Жанна "
    "Инна Вероника Софья Любовь Варвара Алла Раиса Карина Зоя Гульнара Эльвира Регина Лилия "
    "Ангелина Милана Снежана Нина Эвелина Василиса Ульяна Арина Таисия Майя Олеся"
).split()
NICKNAMES = {
    "Александр": "Саша", "Сергей": "Серёжа", "Дмитрий": "Дима", "Андрей": "Андрюша",
    "Алексей": "Лёша", "Евгений": "Женя", "Иван": "Ваня", "Михаил": "Миша",
    "Николай": "Коля", "Владимир": "Вова", "Павел": "Паша", "Роман": "Рома",
    "Константин": "Костя", "Владислав": "Влад", "Анатолий": "Толя", "Григорий": "Гриша",
    "Елена": "Лена", "Ольга": "Оля", "Наталья": "Наташа", "Анна": "Аня", "Татьяна": "Таня",
    "Ирина": "Ира", "Екатерина": "Катя", "Мария": "Маша", "Светлана": "Света",
    "Юлия": "Юля", "Анастасия": "Настя", "Людмила": "Люда", "Александра": "Саша",
    "Евгения": "Женя", "Дарья": "Даша", "Ксения": "Ксюша", "Валентина": "Валя",
    "Елизавета": "Лиза", "Маргарита": "Рита", "Виктория": "Вика", "Вячеслав": "Слава",
    "Ярослав": "Слава", "Станислав": "Стас", "Георгий": "Гоша", "Пётр": "Петя",
}  # fmt: skip
FOREIGN_MALE = (
    "John James Robert Thomas Peter Paul Mark Daniel David Stefan Hans Klaus Jürgen Marco "
    "Giovanni Luca Pierre Jean Antoine Carlos Juan José Mehmet Mustafa Ahmed Ali Omar Wei Hiroshi "
    "Arjun Rajesh Lars Björn Piotr Tomasz Jan Zoltán Nikos Ivo Dragan Kwame Thabo"
).split()
FOREIGN_FEMALE = (
    "Mary Susan Linda Karen Laura Sarah Emma Julia Anna Sophie Claire Camille Giulia Chiara "
    "Carmen Lucía Ayşe Fatma Leila Mei Yuki Priya Ingrid Astrid Agnieszka Katarzyna Eva Ioana "
    "Helena Petra Amara Zanele"
).split()
FOREIGN_SURNAMES = (
    "Smith Johnson Brown Miller Wilson Taylor Anderson Clark Walker Young Müller Schmidt Weber "
    "Fischer Wagner Becker Rossi Ferrari Esposito Bianchi Dubois Martin Bernard Moreau Garcia "
    "Fernández López Martínez Yılmaz Kaya Demir Hassan Khan Singh Patel Sharma Chen Wang Li Zhang "
    "Tanaka Suzuki Hansen Johansson Nowak Kowalski Novák Horváth Papadopoulos Jovanović Okafor"
).split()
STEMS = (
    "Иван Петр Сидор Смирн Кузнец Попов Васильев Соколов Михайлов Новик Фёдор Мороз Волк Алексе "
    "Лебед Семён Егор Павл Козл Степан Николае Орл Андре Макар Никит Захар Зайц Соловь Борис "
    "Яковл Григорь Роман Воробь Серге Кузьм Фрол Александр Дмитри Корол Гусь Киселе Ильин Максим "
    "Поляк Сорок Виноград Ковал Бел Медвед Антон Тарас Жук Баран Филипп Комар Давыд Беляе Гераси"
).split()
SYLLABLES = (
    "ба бо бу ва ве во га го гу да де до ду жи за зе зо ка ки ко ку ла ле ли ло лу ма ме ми мо му "
    "на не ни но па пе пи по ра ре ри ро ру са се си со су та те ти то ту фе ха хо ча че ша ше шу "
    "щу"
).split()
TAILS = ("н", "р", "л", "к", "д", "т", "м", "с", "ж", "ч", "ш", "х", "б", "г")
FREE_DOMAINS = ("mail.ru", "yandex.ru", "gmail.com", "bk.ru", "list.ru", "rambler.ru", "inbox.ru")
COMPANY_WORDS = (
    "Альфа Вектор Север Юг Восток Тревел Тур Мир Глобус Орбита Горизонт Компас Маяк Парус Волна "
    "Сириус Вега Арго Феникс Кристалл Гранит Прогресс Импульс Старт Лидер Партнёр Союз Альянс "
    "Инвест Строй Торг Сервис Логист Медиа Софт Фарма Агро Энерго Транс Авиа Круиз Сафари Оазис"
).split()
LEGAL_FORMS = ("ООО", "АО", "ЗАО", "ИП", "LLC", "Ltd", "ПАО")
CITIES = ("Москва", "Санкт-Петербург", "Казань", "Сочи", "Екатеринбург", "Новосибирск", "Самара")
LATIN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
    "и": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
LATIN_OTHER = {**LATIN, "й": "i", "х": "h", "ю": "iu", "я": "ia", "ё": "yo", "щ": "sch"}
FEMALE_ENDINGS = (("ская", "ский"), ("ова", "ов"), ("ева", "ев"), ("ина", "ин"))
AS_OF = datetime(2025, 6, 1, tzinfo=UTC)

Name = tuple[str, str, str]  # given, middle, family


def latin(text: str, table: dict[str, str]) -> str:
    """Writes a Cyrillic word in Latin letters, by one of the usual tables."""
    out = []
    for char in text:
        mapped = table.get(char.lower(), char)
        out.append(mapped.capitalize() if char.isupper() else mapped)
    return "".join(out)


@dataclass
class Person:
    """A person as she is, before anybody types her into a CRM."""

    entity_id: int
    name: Name
    is_female: bool
    is_russian: bool
    phones: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    company: int | None = None
    birth_date: date | None = None


@dataclass
class Company:
    """A company with its switchboard, domain and the people who work there."""

    entity_id: int
    words: str
    form: str
    domain: str
    phone: str
    city: str
    registration_number: str
    records: list[int] = field(default_factory=list)


@dataclass
class Base:
    """The rows of one labelled base, table by table, as tuples."""

    contacts: list[tuple[object, ...]] = field(default_factory=list)
    points: list[tuple[object, ...]] = field(default_factory=list)
    companies: list[tuple[object, ...]] = field(default_factory=list)
    trips: list[tuple[object, ...]] = field(default_factory=list)
    truth: list[tuple[int, int, str]] = field(default_factory=list)


class Generator:
    """Makes one base; all randomness comes from the seed."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.random = random.Random(f"{size}:{seed}")
        self.base = Base()
        self.entity = 0
        self.numbers: set[int] = set()
        self.surnames = [*STEMS, *self._rare_stems(max(200, size // 12))]
        # a few names are common, most are rare: the frequency of rank r falls as 1/r
        self.surname_weights = self._cumulative(len(self.surnames), 0.75)
        self.male_weights = self._cumulative(len(MALE), 0.9)
        self.female_weights = self._cumulative(len(FEMALE), 0.9)
        self.order: list[int] = []

    def _cumulative(self, count: int, power: float) -> list[float]:
        total = 0.0
        out = []
        for rank in range(1, count + 1):
            total += rank**-power
            out.append(total)
        return out

    def _rare_stems(self, count: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < count:
            stem = "".join(self.random.choices(SYLLABLES, k=self.random.choice((1, 2, 2, 3))))
            found[(stem + self.random.choice(TAILS)).capitalize()] = None
        return list(found)

    def _entity_id(self) -> int:
        self.entity += 1
        return self.entity

    def _phone(self) -> str:
        while True:
            number = self.random.choice((903, 905, 909, 912, 915, 916, 921, 926, 950, 985, 999))
            number = number * 10**7 + self.random.randrange(10**6, 10**7)
            if number not in self.numbers:
                self.numbers.add(number)
                return f"+7{number}"

    def _foreign_phone(self) -> str:
        code = self.random.choice(("49151", "33612", "3934", "90532", "44772", "1415"))
        return f"+{code}{self.random.randrange(10**6, 10**7)}"

    def _russian_name(self, *, is_female: bool, surname: str | None = None) -> Name:
        pool, weights = (FEMALE, self.female_weights) if is_female else (MALE, self.male_weights)
        given = self.random.choices(pool, cum_weights=weights)[0]
        if self.random.random() < 0.01:  # names no dictionary has
            given = "".join(self.random.choices(SYLLABLES, k=3)).capitalize()
        father = self.random.choices(MALE, cum_weights=self.male_weights)[0]
        irregular = {"Лев": "Льво", "Пётр": "Петро", "Павел": "Павло"}
        if father in irregular:
            middle = irregular[father] + ("вна" if is_female else "вич")
        elif father in {"Илья", "Никита", "Данила"}:
            middle = father[:-1] + ("инична" if is_female else "ич")
            middle = middle.replace("тинична", "тична")
        elif father.endswith(("й", "ь")):
            middle = father[:-1] + ("евна" if is_female else "евич")
        else:
            middle = father + ("овна" if is_female else "ович")
        if surname is None:
            stem = self.random.choices(self.surnames, cum_weights=self.surname_weights)[0]
            kind = self.random.random()
            surname = (
                stem + "ов" if kind < 0.55
                else stem + "ин" if kind < 0.75
                else stem + "ский" if kind < 0.85
                else stem + "енко" if kind < 0.95
                else stem + "ян"
            )  # fmt: skip
        if is_female and surname.endswith(("ов", "ев", "ин")):
            surname += "а"
        elif is_female and surname.endswith("ский"):
            surname = surname[:-2] + "ая"
        return given, middle, surname

    def _person(self, surname: str | None = None, *, is_russian: bool | None = None) -> Person:
        is_female = self.random.random() < 0.52
        if is_russian is None:
            is_russian = self.random.random() < 0.8
        if is_russian:
            name = self._russian_name(is_female=is_female, surname=surname)
        else:
            given = self.random.choice(FOREIGN_FEMALE if is_female else FOREIGN_MALE)
            family = surname or self.random.choice(FOREIGN_SURNAMES)
            if surname is None and self.random.random() < 0.6:
                family = latin(
                    "".join(self.random.choices(SYLLABLES, k=3)) + self.random.choice(TAILS), LATIN
                ).capitalize()
            name = (given, "", family)
        person = Person(self._entity_id(), name, is_female, is_russian)
        person.phones.append(self._phone() if is_russian else self._foreign_phone())
        if self.random.random() < 0.15:
            person.phones.append(self._phone())
        if self.random.random() < 0.67:
            person.emails.append(self._email(name, self.random.choice(FREE_DOMAINS)))
        if self.random.random() < 0.12:
            born = date(1950, 1, 1) + timedelta(days=self.random.randrange(55 * 365))
            person.birth_date = born
        return person

    def _email(self, name: Name, domain: str) -> str:
        given, family = (latin(part, LATIN).lower() for part in (name[0], name[2]))
        form = self.random.randrange(5)
        local = (
            f"{given}.{family}" if form == 0
            else f"{family}{self.random.randrange(60, 99)}" if form == 1
            else f"{given[0]}.{family}{self.random.randrange(1000)}" if form == 2
            else f"{given}{self.random.randrange(10000)}" if form == 3
            else f"{family}.{given}{self.random.randrange(100)}"
        )  # fmt: skip
        ascii_local = local.encode("ascii", "ignore").decode() or "x"
        return f"{ascii_local}.{self.entity % 9973}@{domain}"

    def _company(self) -> Company:
        words = " ".join(self.random.sample(COMPANY_WORDS, k=self.random.choice((1, 2, 2, 2))))
        if self.random.random() < 0.7:
            stem = "".join(self.random.choices(SYLLABLES, k=3)) + self.random.choice(TAILS)
            words = f"{words} {stem.capitalize()}"
        entity = self._entity_id()
        slug = latin(words, LATIN).lower().replace(" ", "-")
        return Company(
            entity,
            words,
            self.random.choice(LEGAL_FORMS),
            f"{slug}-{entity}.example",
            f"+7495{self.random.randrange(10**6, 10**7)}",
            self.random.choice(CITIES),
            str(self.random.randrange(10**9, 10**10)),
        )

    def _typo(self, word: str) -> str:
        if len(word) < 6:
            return word
        at = self.random.randrange(1, len(word) - 2)
        kind = self.random.randrange(3)
        if kind == 0:
            return word[:at] + word[at + 1 :]
        if kind == 1:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return word[:at] + self.random.choice("аеиорстн") + word[at + 1 :]

    def _written(self, person: Person, *, is_first: bool) -> Name:
        given, middle, family = person.name
        if person.is_russian and self.random.random() < 0.5:
            middle = ""
        chance = self.random.random
        if not is_first:
            if chance() < 0.12:
                given = NICKNAMES.get(given, given)
            if chance() < 0.05:
                family = self._typo(family)
            if chance() < 0.02:
                given = self._typo(given)
            if chance() < 0.05:
                given, middle = given[0] + ".", middle[:1] + "." if middle else ""
            elif chance() < 0.05:
                family = ""
            elif chance() < 0.02:
                given, middle = "", ""
            if person.is_russian and chance() < 0.2:
                table = self.random.choice((LATIN, LATIN_OTHER))
                given, middle, family = (latin(p, table) for p in (given, middle, family))
                middle = middle if chance() < 0.3 else ""
            if chance() < 0.08 and not given.endswith("."):
                given, family = family, given
        elif person.is_russian and chance() < 0.05:
            given, middle, family = (latin(p, LATIN) for p in (given, middle, family))
        return given, middle, family

    def _number(self) -> int:
        return len(self.order) + 1

    def _add_record(
        self,
        person: Person,
        name: Name,
        phones: list[tuple[str, str]],
        emails: list[str],
        company: Company | None,
    ) -> int:
        number = self._number()
        self.order.append(number)
        created = AS_OF - timedelta(minutes=self.random.randrange(5 * 365 * 1440))
        gender = None
        if self.random.random() < 0.3:
            gender = "female" if person.is_female else "male"
        birth = person.birth_date if self.random.random() < 0.7 else None
        self.base.contacts.append(
            (number, "contact", "person", *name, None, None, birth, gender, None, created)
        )
        for position, (phone, extension) in enumerate(dict.fromkeys(phones), start=1):
            self.base.points.append((number, "phone", phone, extension, phone, position))
        for position, email in enumerate(dict.fromkeys(emails), start=1):
            self.base.points.append((number, "email", email, "", email, position))
        if company is not None:
            if company.records and self.random.random() < 0.8:
                target = self.random.choice(company.records)
                self.base.companies.append((number, target, company.words, "api"))
            else:
                self.base.companies.append((number, None, company.words, "csv"))
        self.base.truth.append((number, person.entity_id, "person"))
        return number

    def _add_company_records(self, company: Company) -> None:
        for copy in range(self.random.choice((1, 1, 1, 1, 2, 2, 3))):
            words = company.words
            if copy and self.random.random() < 0.25:
                words = latin(words, LATIN)
            if copy and self.random.random() < 0.1:
                words = self._typo(words)
            quoted = self.random.random() < 0.5
            form = company.form if self.random.random() < 0.8 else ""
            written = f"{form} «{words}»" if quoted else f"{words} {form}".strip()
            number = self._number()
            self.order.append(number)
            created = AS_OF - timedelta(minutes=self.random.randrange(5 * 365 * 1440))
            website = f"https://www.{company.domain}/" if self.random.random() < 0.5 else None
            registered = company.registration_number if self.random.random() < 0.4 else None
            self.base.contacts.append(
                (number, "company", "company", "", "", "", written, website, None, None,
                 registered, created)
            )  # fmt: skip
            if self.random.random() < 0.6:
                self.base.points.append((number, "phone", company.phone, "", company.phone, 1))
            if self.random.random() < 0.5:
                email = f"info@{company.domain}"
                self.base.points.append((number, "email", email, "", email, 1))
            self.base.truth.append((number, company.entity_id, "company"))
            company.records.append(number)

    def make(self) -> Base:
        """Returns the base; call it once."""
        rnd = self.random
        companies = [self._company() for _ in range(max(3, self.size // 60))]
        for company in companies:
            self._add_company_records(company)
        company_weights = self._cumulative(len(companies), 0.6)
        placeholders = ["+79999999999", "+71234567890", "+70000000000"]
        bad_emails = ["test@test.ru", "no@mail.ru", "net@net.ru"]
        agency_phone = self._phone()
        assistants: dict[int, str] = {}
        recycled: list[str] = []
        target = self.size
        family: list[Person] = []
        family_phone = ""
        while len(self.order) < target:
            if not family and rnd.random() < 0.06:
                head = self._person()
                family_phone = head.phones[0]
                base_name = head.name[2]
                for ending, plain in FEMALE_ENDINGS:
                    if head.is_russian and head.is_female and base_name.endswith(ending):
                        base_name = base_name[: -len(ending)] + plain
                        break
                names = {head.name[0]}
                for _ in range(rnd.choice((1, 1, 2, 3))):
                    member = self._person(base_name, is_russian=head.is_russian)
                    # hardly any family gives one name twice; a father and his son may share it
                    if member.name[0] not in names or rnd.random() < 0.03:
                        names.add(member.name[0])
                        family.append(member)
                person, shared = head, family_phone
            elif family:
                person, shared = family.pop(), family_phone
            else:
                person, shared = self._person(), ""
            company = None
            if rnd.random() < 0.4:
                company = rnd.choices(companies, cum_weights=company_weights)[0]
                if rnd.random() < 0.5:
                    person.emails.append(self._email(person.name, company.domain))
            if recycled and rnd.random() < 0.01:
                person.phones[0] = recycled.pop()
            if rnd.random() < 0.012:
                recycled.append(person.phones[0])
            copies = 1 if rnd.random() < 0.75 else rnd.choices((2, 3, 4), (70, 22, 8))[0]
            self._add_person(
                person, copies, company, shared, assistants, placeholders, bad_emails, agency_phone
            )
        return self.base

    def _add_person(
        self,
        person: Person,
        copies: int,
        company: Company | None,
        shared: str,
        assistants: dict[int, str],
        placeholders: list[str],
        bad_emails: list[str],
        agency_phone: str,
    ) -> None:
        rnd = self.random
        numbers = []
        for copy in range(copies):
            phones: list[tuple[str, str]] = []
            emails: list[str] = []
            is_moved = copy > 0 and rnd.random() < 0.18  # nothing in common with the first card
            if is_moved:
                if rnd.random() < 0.7:
                    phones.append((self._phone(), ""))
                if rnd.random() < 0.3:
                    emails.append(self._email(person.name, rnd.choice(FREE_DOMAINS)))
            else:
                if rnd.random() < 0.85:
                    phones.append((rnd.choice(person.phones), ""))
                if person.emails and rnd.random() < 0.75:
                    emails.append(rnd.choice(person.emails))
                if shared and rnd.random() < 0.8:
                    phones.append((shared, ""))
                if not phones and not emails:
                    phones.append((person.phones[0], ""))
            if company and rnd.random() < 0.3:
                extension = str(rnd.randrange(100, 999)) if rnd.random() < 0.3 else ""
                phones.append((company.phone, extension))
            if company and rnd.random() < 0.12:
                emails.append(f"info@{company.domain}")
            if company and rnd.random() < 0.08:
                phones.append((assistants.setdefault(company.entity_id, self._phone()), ""))
            if rnd.random() < 0.01:
                phones.append((rnd.choice(placeholders), ""))
            if rnd.random() < 0.01:
                emails.append(rnd.choice(bad_emails))
            if rnd.random() < 0.015:
                phones.append((agency_phone, ""))
            name = self._written(person, is_first=copy == 0)
            employer = company if company and (copy == 0 or rnd.random() < 0.8) else None
            numbers.append(self._add_record(person, name, phones, emails, employer))
        if rnd.random() < 0.25:
            self._add_trips(person, numbers, company)

    def _add_trips(self, person: Person, numbers: list[int], company: Company | None) -> None:
        rnd = self.random
        full = " ".join(part for part in (person.name[2], person.name[0]) if part)
        for _ in range(rnd.choice((1, 1, 2, 3))):
            pickup = AS_OF - timedelta(minutes=5 * rnd.randrange(2 * 365 * 288))
            holders = [None, *numbers] if len(numbers) > 1 else [rnd.choice([None, *numbers])]
            places = rnd.sample(("SVO", "DME", "VKO", "AER", "LED", "IST", "DXB"), k=2)
            for number in rnd.sample(holders, k=min(len(holders), rnd.choice((1, 1, 2)))):
                self.base.trips.append(
                    (
                        f"trip:{len(self.base.trips) + 1}",
                        "crm_order" if number is None else "planfix_task",
                        number,
                        full,
                        person.phones[0] if rnd.random() < 0.6 else None,
                        person.emails[0] if person.emails and rnd.random() < 0.4 else None,
                        company.words if company and rnd.random() < 0.5 else None,
                        pickup,
                        *places,
                    )
                )


def make_base(size: int, seed: int) -> Base:
    """Makes a labelled base of about `size` records."""
    return Generator(size, seed).make()


def name_tokens(text: str) -> list[str]:
    """Splits a name into lower-case tokens as staging does."""
    out: list[str] = []
    word = ""
    for char in text.lower() + " ":
        if char.isalnum() or char in "'’-":
            word += char
        elif word:
            if any(letter.isalnum() for letter in word):
                out.append(word.strip("-'’"))
            word = ""
    return out


def token_rows(
    base: Base, skeleton: Callable[[str], str | None]
) -> Iterator[tuple[int, int, str, str | None, str]]:
    """Yields the rows of int_contact_names__tokens: number, position, token, skeleton, part."""
    cache: dict[str, str | None] = {}
    for row in base.contacts:
        number, kind = int(str(row[0])), row[2]
        parts = (
            [("company", str(row[6]))]
            if kind == "company"
            else [("given", str(row[3])), ("middle", str(row[4])), ("family", str(row[5]))]
        )
        position = 0
        for part, text in parts:
            for token in name_tokens(text):
                position += 1
                if token not in cache:
                    cache[token] = skeleton(token)
                yield number, position, token, cache[token], part
