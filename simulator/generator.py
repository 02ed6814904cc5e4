"""Makes a synthetic account of any size from a seed, with ground truth.

A quarter of the people have two to four records; records of one person share a phone, a mail, a
company, a trip, only the name, or nothing. Around them stands what makes matching hard: families on
one phone, switchboards with extensions, role mailboxes, an assistant's mobile on colleagues' cards,
agencies' mobiles on travellers' cards, recycled numbers, placeholders, homonyms, company branches.

`Contact.entity` is the truth: `p<n>` for a person, `c<n>` for a company.
"""

from __future__ import annotations

import datetime as dt
import gc
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from simulator import writings
from simulator.model import Account, Comment, Contact, TagEntry, Task, Trip
from simulator.setup import OTHER_GROUPS, ROBOT_ID, prepare_account
from simulator.vocabulary import City, Vocabulary, vocabulary

T = TypeVar("T")

ANCHOR = int(dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp())
DAY = 86_400
HISTORY_DAYS = 2_200
TRIP_DAYS = 700
SHARED_TRIP_DAYS = 300

COMPANY_SHARE = 0.20
SINGLE_SHARE = 0.75
EXTRA_RECORDS = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)

# people come from Russia mostly, the rest from everywhere
COUNTRY_SHARES = {
    "RU": 60, "KZ": 2, "BY": 3, "GE": 2, "AM": 2, "GB": 4, "US": 4, "DE": 3, "FR": 2, "IT": 3,
    "ES": 2, "TR": 3, "IL": 2, "AE": 3, "IN": 2, "CN": 1, "PL": 1, "CZ": 1,
}  # fmt: skip
COUNTRIES = tuple(code for code, share in COUNTRY_SHARES.items() for _ in range(share))
CYRILLIC_COUNTRIES = frozenset({"RU", "BY"})

FREE_MAIL = (
    "mail.example",
    "pochta.example",
    "inbox.example",
    "webmail.example",
    "freemail.example",
)
ROLES = ("info", "office", "sales", "zakaz", "buh", "booking", "reception", "travel")

FIRM_KINDS = (
    (0.45, "client"), (0.6, "agent"), (0.78, "supplier"), (0.92, "lead"), (1.0, "supplier_lead"),
)  # fmt: skip
SITE_WRITINGS = ((0.4, "https://{}"), (0.7, "http://www.{}/"), (0.85, "www.{}"), (1.0, "{}"))
CONSENTS = ((0.66, "Да"), (0.93, "Нет"), (0.985, "да, но не часто"), (1.0, "спросить"))

# what a further record of a person shares with an earlier one
SHARE_PHONE, SHARE_MAIL, SHARE_BOTH, SHARE_CONTEXT, SHARE_NAME, SHARE_NOTHING = range(6)
SHARE_LIMITS = (0.46, 0.61, 0.81, 0.915, 0.955)


@dataclass
class Firm:
    """A company as it is in the world, whatever the cards say."""

    entity: str
    core: str
    latin_core: str
    country: str
    city: City
    form: str
    kind: str
    domain: str
    switchboard: str
    registration: str
    assistant_phone: str = ""
    records: list[Contact] = field(default_factory=list)
    staff: int = 0


@dataclass
class Human:
    """A person as they are in the world."""

    entity: str
    sex: str
    given: str
    middle: str
    family: str
    short: str
    is_cyrillic: bool
    country: str
    city: City
    phones: list[tuple[str, str]]  # (country, national number)
    mails: list[str]
    firm: Firm | None
    position: tuple[str, str]
    telegram: str
    birth: int
    home_group: int = 0
    shows_phone: bool = False  # on the first record
    shows_mail: bool = False


class Generator:
    """Builds one account; use `generate`."""

    def __init__(
        self, size: int, seed: int, *, anchor: int, dense: bool, notes_per_card: float
    ) -> None:
        self.size = size
        self.anchor = anchor
        self.dense = dense
        self.notes_per_card = notes_per_card
        self.rng = random.Random(f"riderra:{size}:{seed}")
        self.words: Vocabulary = vocabulary()
        self.account = Account(size=size, seed=seed, anchor=anchor)
        prepare_account(self.account)
        self.firms: list[Firm] = []
        self.used_numbers: set[int] = set()
        self.used_cores: set[str] = set()
        self.used_handles: set[str] = set()
        self.records: list[Contact] = []
        self.merges: list[tuple[Contact, Contact]] = []
        self.humans = 0
        self.agency: tuple[str, str, str, str] | None = None
        self.agency_left = 0
        self.family: tuple[Human, int] | None = None
        self.recent_phones: list[tuple[str, str]] = []
        self.managers = [user.id for user in self.account.users if user.role == "User"]
        self.manager_phones = [
            user.phone for user in self.account.users if user.phone and user.role == "User"
        ]

    # drawing ----------------------------------------------------------------------------------

    def pick(self, items: list[T] | tuple[T, ...]) -> T:
        """Draws one item."""
        return items[int(self.rng.random() * len(items))]

    def skewed(self, items: list[T]) -> T:
        """Draws one item, the first ones more often."""
        return items[int(self.rng.random() ** 1.6 * len(items))]

    def chance(self, share: float) -> bool:
        """Draws true with this probability."""
        return self.rng.random() < share

    def banded(self, bands: Sequence[tuple[float, T]]) -> T:
        """Draws one of several values; each stands beside the upper end of its share."""
        draw = self.rng.random()
        return next(value for limit, value in bands if draw < limit)

    def number(self, country: str, *, fixed: bool = False) -> str:
        """Draws a national number nobody has yet."""
        plan = self.words.phones[country]
        prefixes = plan.fixed if fixed else plan.mobile
        length = plan.fixed_length if fixed else plan.mobile_length
        for _ in range(50):
            prefix = self.pick(prefixes)
            rest = length - len(prefix)
            national = f"{prefix}{int(self.rng.random() * 10**rest):0{rest}d}"
            key = int(f"{plan.calling_code}{national}")
            if key not in self.used_numbers:
                self.used_numbers.add(key)
                return national
        return self.number("RU") if country != "RU" else national

    def moment(self) -> int:
        """Draws the creation instant of a record, more of them late than early."""
        share = self.rng.random() ** 0.8
        return self.anchor - DAY - int((1 - share) * HISTORY_DAYS * DAY)

    # companies --------------------------------------------------------------------------------

    def _core(self, *, is_cyrillic: bool) -> str:
        script = "cyrillic" if is_cyrillic else "latin"
        first = self.pick(self.words.company_words[script, 1])
        second = self.pick(self.words.company_words[script, 2])
        core = f"{first} {second}"
        # one company in a hundred bears the name of another one on purpose
        if core in self.used_cores and not self.chance(0.01):
            core = f"{self._coined(is_cyrillic=is_cyrillic)} {second}"
            while core in self.used_cores:
                core = f"{self._coined(is_cyrillic=is_cyrillic)} {second}"
        self.used_cores.add(core)
        return core

    def _coined(self, *, is_cyrillic: bool) -> str:
        consonants = "бвгдзклмнпрстфш" if is_cyrillic else "bdfgklmnprstvz"
        vowels = "аеиоу" if is_cyrillic else "aeiou"
        word = "".join(
            self.pick(tuple(consonants)) + self.pick(tuple(vowels))
            for _ in range(2 + int(self.rng.random() * 3))
        )
        return word.capitalize()

    def _registration(self, country: str) -> str:
        if country != "RU":
            return f"{int(self.rng.random() * 1e9):09d}"
        digits = [int(self.rng.random() * 10) for _ in range(9)]
        digits[0] = 1 + digits[0] % 9
        weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
        check = sum(a * b for a, b in zip(digits, weights, strict=True)) % 11 % 10
        return "".join(map(str, digits)) + str(check)

    def _firm(self, *, parent: Firm | None = None) -> Firm:
        country = parent.country if parent else self.pick(COUNTRIES)
        city = self.pick(self.words.cities[country])
        is_cyrillic = country in CYRILLIC_COUNTRIES or (country == "KZ" and self.chance(0.5))
        if parent:
            suffix = city.name_ru if is_cyrillic else city.name_en
            if suffix in parent.core:
                suffix = f"{suffix} {2 + int(self.rng.random() * 8)}"
            core = f"{parent.core} {suffix}"
        else:
            core = self._core(is_cyrillic=is_cyrillic)
        latin = writings.to_latin(core) if is_cyrillic else core
        slug = "".join(c for c in latin.lower().replace(" ", "-") if c.isalnum() or c == "-")
        firm = Firm(
            entity=f"c{len(self.firms) + 1}",
            core=core,
            latin_core=latin,
            country=country,
            city=city,
            form=self.pick(self.words.legal_forms[country]),
            kind=self.banded(FIRM_KINDS),
            domain=parent.domain if parent else f"{slug}.example",
            switchboard=(
                parent.switchboard
                if parent and self.chance(0.5)
                else self.number(country, fixed=True)
            ),
            registration=self._registration(country),
        )
        self.firms.append(firm)
        return firm

    def _company_name(self, firm: Firm, *, is_variant: bool) -> str:
        core, form = firm.core, firm.form
        draw = self.rng.random()
        is_cyrillic = core != firm.latin_core
        if not is_variant:
            if draw < 0.35:
                return f"{form} «{core}»" if is_cyrillic else f"{core} {form}"
            if draw < 0.6:
                return f'{form} "{core}"' if is_cyrillic else core
            return core
        if is_cyrillic and draw < 0.25:
            return f"{firm.latin_core} LLC" if self.chance(0.5) else firm.latin_core
        if not is_cyrillic and draw < 0.12:
            return " ".join(writings.to_cyrillic(part) for part in core.split(" "))
        if draw < 0.4:
            return f"{core.upper()}, {form}"
        if draw < 0.55:
            return f"{form} {core}" if is_cyrillic else f"{core}, {form}"
        if draw < 0.7:
            return f" {core.replace(' ', '-')}"
        if draw < 0.8:
            return f"{core} ({form})"
        if draw < 0.87:
            return writings.typo(self.rng, core)
        return core

    def _company_record(self, firm: Firm, *, is_variant: bool, created: int) -> Contact:
        words, rng = self.words, self.rng
        card = Contact(is_company=True, entity=firm.entity, created=created)
        card.name = self._company_name(firm, is_variant=is_variant)
        plan = words.phones[firm.country]
        shares = rng.random() if is_variant else 0.0
        phones: list[tuple[str, int]] = []
        if shares < 0.75:
            if self.chance(0.8):
                text = writings.write_phone(rng, plan, firm.switchboard, region_known=True)
                phones.append((text, 2))
            if self.chance(0.65):
                card.email = writings.write_email(rng, f"{self.pick(ROLES)}@{firm.domain}")
            if self.chance(0.6):
                card.site = self.banded(SITE_WRITINGS).format(firm.domain)
        if is_variant and shares >= 0.75 and self.chance(0.5):
            text = writings.write_phone(
                rng, plan, self.number(firm.country, fixed=True), region_known=True
            )
            phones.append((text, 2))
        card.phones = tuple(phones)
        if self.chance(0.45 if not is_variant else 0.35):
            registration = firm.registration
            card.custom[3110] = registration if self.chance(0.8) else f"ИНН {registration}"
        kind_group = {"client": 12, "agent": 13, "supplier": 14, "lead": 15, "supplier_lead": 16}
        if self.chance(0.85):
            card.group_id = kind_group[firm.kind]
        segment = {
            "client": "clients_companies",
            "agent": "potential_agents",
            "supplier": "suppliers_companies",
            "lead": "potential_companies",
            "supplier_lead": "potential_suppliers",
        }
        card.segments = (segment[firm.kind],)
        self._place(card, firm.country, firm.city)
        if self.chance(0.5):
            self._street(card, firm.city, firm.country)
        self._common(card)
        firm.records.append(card)
        self.records.append(card)
        return card

    # people -----------------------------------------------------------------------------------

    def _human(self, relative: Human | None = None) -> Human:
        words, rng = self.words, self.rng
        self.humans += 1
        country = relative.country if relative else self.pick(COUNTRIES)
        city = relative.city if relative else self.pick(words.cities[country])
        sex = "female" if self.chance(0.52) else "male"
        is_cyrillic = country in CYRILLIC_COUNTRIES
        if not is_cyrillic and self.chance(0.08):
            is_cyrillic = True  # Russians live everywhere
        if relative:
            is_cyrillic = relative.is_cyrillic
        middle = ""
        if is_cyrillic:
            given, shorts = self.skewed(words.given_ru[sex])
            while relative and given == relative.given:
                given, shorts = self.skewed(words.given_ru[sex])
            if relative:
                family = next(
                    (
                        pair[0 if sex == "male" else 1]
                        for pair in words.surnames_ru
                        if relative.family in pair
                    ),
                    relative.family,
                )
            else:
                family = self.pick(words.surnames_ru)[0 if sex == "male" else 1]
            if self.chance(0.7):
                middle = self.skewed(words.patronymics_ru)[0 if sex == "male" else 1]
        else:
            name_country = "US" if country not in words.surnames_latin else country
            given = self.pick(words.given_latin[name_country, sex])
            while relative and given == relative.given:
                given = self.pick(words.given_latin[name_country, sex])
            family = relative.family if relative else self.pick(words.surnames_latin[name_country])
            shorts = words.short_latin.get(given, ())
        firm: Firm | None = None
        if relative is None and self.firms and self.chance(0.45):
            firm = self.firms[int(rng.random() ** 1.25 * len(self.firms))]
            firm.staff += 1
            if firm.country != country and self.chance(0.7):
                firm = None
        phone_country = country if self.chance(0.9) else "RU"
        phones = [(phone_country, self.number(phone_country))]
        if self.chance(0.22):
            phones.append((country, self.number(country)))
        handle = self._handle(given, family)
        mails = [f"{handle}@{self.pick(FREE_MAIL)}"]
        if firm:
            mails.insert(0, f"{handle}@{firm.domain}")
        telegram = re.sub(r"[^a-z0-9]", "_", handle) if self.chance(0.25) else ""
        telegram = f"{telegram}_tg" if 0 < len(telegram) < 5 else telegram
        return Human(
            entity=f"p{self.humans}",
            sex=sex,
            given=given,
            middle=middle,
            family=family,
            short=self.pick(shorts) if shorts else "",
            is_cyrillic=is_cyrillic,
            country=country,
            city=city,
            phones=phones,
            mails=mails,
            firm=firm,
            position=self.pick(words.positions),
            telegram=telegram,
            birth=(
                dt.date(1945, 1, 1).toordinal() + int(rng.random() * 22_000)
                if self.chance(0.3)
                else 0
            ),
        )

    def _handle(self, given: str, family: str) -> str:
        latin_given = writings.to_latin(given)
        latin_family = writings.to_latin(family)
        draw = self.rng.random()
        if draw < 0.35:
            base = f"{latin_given}.{latin_family}"
        elif draw < 0.65:
            base = f"{latin_given[:1]}.{latin_family}"
        elif draw < 0.85:
            base = f"{latin_family}{int(self.rng.random() * 100)}"
        else:
            base = f"{latin_given}{int(self.rng.random() * 10000)}"
        base = base.lower().encode("ascii", "ignore").decode().replace(" ", "").replace("'", "")
        base = base.strip(".-") or "client"
        name = base
        while name in self.used_handles:
            name = f"{base}{int(self.rng.random() * 1_000_000)}"
        self.used_handles.add(name)
        return name

    def _write_name(self, card: Contact, human: Human, *, noise: float) -> None:
        """Writes the name into the card; `noise` scales how far it may stray."""
        rng = self.rng
        given, middle, family = human.given, human.middle, human.family
        if middle and self.chance(0.35):
            middle = ""
        # script: cards typed abroad, or copied out of a passport or a booking
        if human.is_cyrillic:
            if self.chance(0.30 * min(noise, 1.0) + 0.08):
                style = int(rng.random() * 4)
                given = writings.to_latin(given, style)
                family = writings.to_latin(family, style)
                middle = writings.to_latin(middle, style) if self.chance(0.3) else ""
            elif self.chance(0.3):
                given, family = given.replace("ё", "е"), family.replace("ё", "е")
                middle = middle.replace("ё", "е")
        elif self.chance(0.04 * noise):
            given, family = writings.to_cyrillic(given), writings.to_cyrillic(family)
        draw = rng.random()
        if draw < 0.07 * noise and human.short:
            short = human.short
            given = writings.to_latin(short) if given.isascii() and not short.isascii() else short
            middle = ""
        elif draw < 0.10 * noise:
            family = writings.typo(rng, family)
        elif draw < 0.12 * noise:
            given = writings.typo(rng, given)
        elif draw < 0.15 * noise:
            given = f"{given[:1]}."
            middle = f"{middle[:1]}." if middle else ""
        elif draw < 0.18 * noise:
            family, middle = "", ""
        elif draw < 0.19 * noise and human.sex == "female" and human.is_cyrillic:
            family = self.pick(self.words.surnames_ru)[1]  # married since
        # layout of the three cells
        draw = rng.random()
        if draw < 0.60:
            card.name, card.midname, card.lastname = given, middle, family
        elif draw < 0.72:
            card.name, card.midname, card.lastname = (
                family or given,
                middle,
                given if family else "",
            )
        elif draw < 0.84:
            card.name = " ".join(part for part in (family, given, middle) if part)
        elif draw < 0.92:
            card.name = " ".join(part for part in (given, middle, family) if part)
        elif draw < 0.95:
            card.name, card.midname, card.lastname = given.upper(), middle.upper(), family.upper()
        elif draw < 0.97:
            card.name, card.lastname = given.lower(), family.lower()
        elif draw < 0.985:
            card.name, card.lastname = f" {given}  ", f"{family}{writings.NBSP}"
        else:
            title = ("Mr " if human.sex == "male" else "Mrs ") if given.isascii() else "г-н "
            if not given.isascii() and human.sex == "female":
                title = "г-жа "
            card.name, card.lastname = f"{title}{given}", family

    def _person_record(
        self,
        human: Human,
        *,
        created: int,
        first: Contact | None,
        share: int,
    ) -> Contact:
        rng, words = self.rng, self.words
        card = Contact(is_company=False, entity=human.entity, created=created)
        is_first = first is None
        exact_name = share in (SHARE_CONTEXT, SHARE_NAME)
        noise = 0.35 if is_first else 0.0 if exact_name else 2.5 if share == SHARE_NOTHING else 1.0
        self._write_name(card, human, noise=noise)
        if self.chance(0.4):
            card.gender = "Female" if human.sex == "female" else "Male"
        has_place = self.chance(0.7)
        if has_place:
            region = human.country
        else:
            # what a reader would assume: the employer's country, else the account's
            region = "RU" if human.firm is None or human.firm.country == "RU" else ""
        phones: list[tuple[str, str, int]] = []
        mails: list[str] = []
        if is_first or share in (SHARE_PHONE, SHARE_BOTH):
            if not is_first or self.chance(0.93):
                phones.append((*human.phones[0], 1))
                human.shows_phone = human.shows_phone or is_first
            if len(human.phones) > 1 and self.chance(0.75 if is_first else 0.3):
                phones.append((*human.phones[1], 3))
        has_other_phone = share in (SHARE_CONTEXT, SHARE_NAME, SHARE_NOTHING, SHARE_MAIL)
        if not is_first and has_other_phone and self.chance(0.75):
            phones.append((human.country, self.number(human.country), 1))
        if is_first:
            if self.chance(0.66):
                mails.append(human.mails[0])
                human.shows_mail = True
                if len(human.mails) > 1 and self.chance(0.25):
                    mails.append(human.mails[1])
        elif share in (SHARE_MAIL, SHARE_BOTH):
            mails.append(human.mails[0])
        elif self.chance(0.5):
            mails.append(f"{self._handle(human.given, human.family)}@{self.pick(FREE_MAIL)}")
        texts: list[tuple[str, int]] = []
        for country, national, label in phones:
            plan = words.phones[country]
            text = writings.write_phone(rng, plan, national, region_known=country == region)
            texts.append((text, label))
        self._surroundings(card, human, texts, mails, region=region, is_first=is_first)
        # dirt
        if self.chance(0.018):
            texts.append((writings.break_phone(rng, self.number("RU")), 1))
        if self.chance(0.003):
            texts.append((self.pick(writings.PLACEHOLDER_PHONES), 1))
        if self.chance(0.012) and mails:
            mails[-1] = writings.break_email(rng, mails[-1])
        if self.chance(0.0035):
            mails.append(self.pick(writings.PLACEHOLDER_EMAILS))
        if len(texts) > 1 and self.chance(0.25):
            joined = self.pick((", ", "; ", " / ", "\n", " или "))
            texts = [(joined.join(text for text, _ in texts), texts[0][1])]
        card.phones = tuple(texts)
        if mails:
            if len(mails) > 1 and self.chance(0.2):
                mails = [self.pick((", ", "; ", " ")).join(mails)]
            card.email = writings.write_email(rng, mails[0])
            card.more_emails = tuple(mails[1:])
        # context
        context_trip = share == SHARE_CONTEXT and (not human.firm or self.chance(0.35))
        works_here = human.firm and (
            (is_first and self.chance(0.85))
            or (share == SHARE_CONTEXT and not context_trip)
            or (share not in (SHARE_CONTEXT, SHARE_NAME, SHARE_NOTHING) and self.chance(0.5))
        )
        if human.firm and works_here and human.firm.records:
            company = self.pick(human.firm.records)
            card.companies = (company,)
            if self.chance(0.02) and len(self.firms) > 3:
                other = self.pick(self.firms)
                if other.records and other is not human.firm:
                    card.companies = (company, other.records[0])
            if self.chance(0.7):
                card.position = human.position[0 if human.is_cyrillic else 1]
        is_known = is_first or share in (SHARE_PHONE, SHARE_MAIL, SHARE_BOTH)
        if human.telegram and is_known and self.chance(0.7 if is_first else 0.3):
            card.telegram = writings.write_telegram(rng, human.telegram)
            if self.chance(0.3):
                card.telegram_id = str(100_000_000 + hash_number(human.telegram))
        if is_first and self.chance(0.04):
            card.skype = (
                self.pick(("live:.cid.", "", "skype:"))
                + f"{human.telegram or 'u'}{rng.randrange(10**6)}"
            )
        if is_first and self.chance(0.03):
            card.facebook = f"https://www.facebook.com/{human.entity}.{rng.randrange(10**4)}"
        if is_first and self.chance(0.04):
            handle = f"{human.entity}_{rng.randrange(10**4)}"
            card.instagram = self.pick((f"@{handle}", handle, f"https://instagram.com/{handle}/"))
        if phones and self.chance(0.05):
            plan = words.phones[phones[0][0]]
            card.viber_id = f"+{plan.calling_code}{phones[0][1]}"
        if phones and self.chance(0.12):
            plan = words.phones[phones[0][0]]
            digits = f"{plan.calling_code}{phones[0][1]}"
            card.custom[3106] = self.pick(
                (f"+{digits}", f"https://wa.me/{digits}", f"wa.me/{digits}", digits)
            )
        if human.birth and self.chance(0.8 if is_first else 0.3):
            card.birth_date = human.birth
        self._groups(card, human)
        if has_place:
            self._place(card, human.country, human.city)
        if self.chance(0.15):
            self._street(card, human.city, human.country)
        self._person_fields(card, human)
        self._common(card)
        if context_trip and first is not None:
            self._shared_trip(first, card, human, phones, mails)
        self.records.append(card)
        return card

    def _surroundings(
        self,
        card: Contact,
        human: Human,
        texts: list[tuple[str, int]],
        mails: list[str],
        *,
        region: str,
        is_first: bool,
    ) -> None:
        """Adds the phones and mails that are not the person's own."""
        rng, firm = self.rng, human.firm
        if firm:
            plan = self.words.phones[firm.country]
            if self.chance(0.22):
                text = writings.write_phone(
                    rng, plan, firm.switchboard, region_known=firm.country == region
                )
                if self.chance(0.6):
                    text += writings.write_extension(rng, str(100 + rng.randrange(900)))
                texts.append((text, 2))
            if self.chance(0.08):
                mails.append(f"{self.pick(ROLES)}@{firm.domain}")
            if firm.assistant_phone and self.chance(0.35):
                texts.append(
                    (
                        writings.write_phone(
                            rng, plan, firm.assistant_phone, region_known=firm.country == region
                        ),
                        2,
                    )
                )
            elif not firm.assistant_phone and is_first and self.chance(0.08):
                country, national = human.phones[0]
                if country == firm.country:
                    firm.assistant_phone = national
        elif is_first and self.agency_left > 0 and self.chance(0.35):
            self.agency_left -= 1
            if self.agency:
                country, national, mail, _ = self.agency
                plan = self.words.phones[country]
                texts.append(
                    (writings.write_phone(rng, plan, national, region_known=country == region), 4)
                )
                if self.chance(0.5):
                    mails.append(mail)
        elif is_first and self.agency_left <= 0 and self.chance(0.01) and self.firms:
            agent = self.pick(self.firms)
            self.agency = (
                agent.country,
                self.number(agent.country),
                f"booking@{agent.domain}",
                agent.entity,
            )
            self.agency_left = 3 + rng.randrange(12)
        if is_first and self.chance(0.006) and self.recent_phones:
            country, national = self.pick(self.recent_phones)  # the operator gave it out again
            plan = self.words.phones[country]
            texts.append(
                (writings.write_phone(rng, plan, national, region_known=country == region), 1)
            )
        if self.chance(0.001):
            texts.append((self.pick(self.manager_phones), 2))
        if is_first and self.chance(0.02):
            self.recent_phones.append(human.phones[0])
            del self.recent_phones[:-50]

    def _groups(self, card: Contact, human: Human) -> None:
        firm = human.firm
        if firm:
            segment = {
                "client": "clients_contacts",
                "agent": "potential_agents",
                "supplier": "suppliers_contacts",
                "lead": "potential_contacts",
                "supplier_lead": "potential_suppliers",
            }[firm.kind]
            group = {"client": 12, "agent": 13, "supplier": 14, "lead": 15, "supplier_lead": 16}[
                firm.kind
            ]
        else:
            is_client = human.home_group == 12
            segment = "clients_contacts" if is_client else "potential_contacts"
            group = human.home_group
        if self.chance(0.8):
            card.segments = (segment,)
        if self.chance(0.03):
            card.segments = (*card.segments, "clients_contacts")
        draw = self.rng.random()
        if draw < 0.72:
            card.group_id = group
        elif draw < 0.80:
            card.group_id = self.pick(OTHER_GROUPS)

    def _person_fields(self, card: Contact, human: Human) -> None:
        custom = card.custom
        country = self.words.countries[human.country]
        if self.chance(0.4):
            language = "Русский" if human.is_cyrillic else country.language_ru
            custom[3101] = language if self.chance(0.93) else country.language_en
        if self.chance(0.05):
            custom[3103] = True
        if self.chance(0.3):
            custom[3107] = self.banded(CONSENTS)
        draw = self.rng.random()
        if draw < 0.22:
            custom[3108] = draw < 0.16
        if self.chance(0.025):
            custom[3114] = True
        if self.chance(0.08):
            custom[3115] = human.city.timezone if self.chance(0.8) else "МСК+2"
        if self.chance(0.06):
            custom[3116] = self.pick(("синий", "красный", "зелёный", "blue"))
        if self.chance(0.10):
            custom[3112] = self.pick(
                ("постоянный клиент", "корпоратив", "после выставки", "сложный клиент")
            )
        if self.chance(0.12):
            card.language_code = "Ru" if human.is_cyrillic else "En"
            card.communication_language = "ru" if human.is_cyrillic else "en"
            card.timezone = human.city.timezone

    def _place(self, card: Contact, code: str, city: City) -> None:
        country = self.words.countries[code]
        # national writings of a foreign phone can be read only where the card tells the country
        if code != "RU" or self.chance(0.75):
            writing = country.name_ru
            if self.chance(0.15):
                writing = self.pick((*country.writings, country.name_en))
            card.custom[3104] = writing
        if self.chance(0.6):
            writing = self.banded(((0.8, "{0}"), (0.95, "{1}"), (1.0, "г. {0}")))
            card.custom[3105] = writing.format(city.name_ru, city.name_en)

    def _street(self, card: Contact, city: City, code: str) -> None:
        ru, en = self.pick(self.words.streets)
        house = 1 + self.rng.randrange(150)
        if code in CYRILLIC_COUNTRIES:
            card.address = f"{city.name_ru}, ул. {ru}, д. {house}"
        else:
            card.address = f"{house} {en} Street, {city.name_en}"

    def _common(self, card: Contact) -> None:
        """Fills what every record has: who, when, notes on the card, legacy numbers."""
        rng = self.rng
        card.added_by = self.pick(self.managers)
        if self.chance(0.7):
            card.supervisors = (self.pick(self.managers),)
            if self.chance(0.05):
                card.supervisors = (*card.supervisors, self.pick(self.managers))
        age = self.anchor - card.created
        if self.chance(0.75):
            card.updated = card.created + int(age * rng.random() ** 0.6)
        if self.chance(0.22):
            card.description = 1 + rng.randrange(2**31)
        if self.chance(0.12):
            card.custom[3109] = f"00-{rng.randrange(10**8):08d}"
        if self.chance(0.10):
            card.custom[3113] = 1000 + rng.randrange(90_000)
        if self.chance(0.15):
            card.custom[3102] = card.created // DAY + dt.date(1970, 1, 1).toordinal()
        if self.chance(0.06):
            card.custom[3111] = self.pick(("см. переписку", "звонить утром", "не актуально"))
        if self.chance(0.03):
            card.file_count = 1 + rng.randrange(2)
        if self.dense:
            self._fill_densely(card)

    def _fill_densely(self, card: Contact) -> None:
        filler = {
            3101: "Русский",
            3105: "Москва",
            3107: "Да",
            3108: True,
            3109: f"00-{self.rng.randrange(10**8):08d}",
            3111: "см. переписку",
            3113: 1000 + self.rng.randrange(90_000),
            3116: "синий",
        }
        for number, value in filler.items():
            card.custom.setdefault(number, value)

    # trips ------------------------------------------------------------------------------------

    def _trip(self, card: Contact, human: Human, pickup: int) -> Trip:
        rng = self.rng
        ordered = min(pickup - (1 + rng.randrange(20)) * DAY, self.anchor - DAY)
        trip = Trip(card, pickup, max(card.created, ordered))
        city = (
            human.city if self.chance(0.6) else self.pick(self.words.cities[self.pick(COUNTRIES)])
        )
        airport = self.pick(city.airports)
        street = self.pick(self.words.streets)
        place = (
            f"{city.name_ru}, ул. {street[0]}, {1 + rng.randrange(99)}"
            if human.is_cyrillic
            else f"{1 + rng.randrange(99)} {street[1]} Street, {city.name_en}"
        )
        trip.from_place, trip.to_place = (airport, place) if self.chance(0.5) else (place, airport)
        given, family = human.given, human.family
        if human.is_cyrillic and self.chance(0.5):
            given, family = writings.to_latin(given), writings.to_latin(family)
        trip.passenger = (
            f"{given} {family}" if self.chance(0.6) else f"{family.upper()} {given.upper()}"
        )
        country, national = human.phones[0]
        if self.chance(0.7):
            trip.phone = f"+{self.words.phones[country].calling_code}{national}"
        if self.chance(0.4):
            trip.email = human.mails[0]
        draw = rng.random()
        trip.in_planfix = draw < 0.7
        trip.in_crm = draw > 0.5
        return trip

    def _trips(self, card: Contact, human: Human) -> None:
        count = 1 if self.chance(0.28) else 0
        if count and self.chance(0.3):
            count += 1 + self.rng.randrange(2)
        for _ in range(count):
            pickup = self._pickup(max(card.created, self.anchor - TRIP_DAYS * DAY))
            self.account.trips.append(self._trip(card, human, pickup))

    def _pickup(self, since: int) -> int:
        """Draws a pickup between an instant and two weeks ahead, on a quarter of an hour."""
        moment = since + DAY + int(self.rng.random() * (self.anchor + 13 * DAY - since))
        return moment - moment % 900

    def _shared_trip(
        self,
        first: Contact,
        second: Contact,
        human: Human,
        phones: list[tuple[str, str, int]],
        mails: list[str],
    ) -> None:
        """The same trip noted on two records: the sign that they are one person.

        The second note is another task, or an order of the CRM with the second record's channels.
        """
        both = max(first.created, second.created, self.anchor - SHARED_TRIP_DAYS * DAY)
        pickup = self._pickup(both)
        trip = self._trip(first, human, pickup)
        trip.in_planfix = True
        twin = Trip(second, pickup, max(second.created, trip.created))
        twin.from_place, twin.to_place = trip.from_place, trip.to_place
        twin.passenger = trip.passenger
        if phones:
            country, national, _ = phones[0]
            twin.phone = f"+{self.words.phones[country].calling_code}{national}"
        if mails and self.chance(0.5):
            twin.email = mails[0]
        if (twin.phone or twin.email) and self.chance(0.4):
            twin.in_planfix, twin.in_crm = False, True
        self.account.trips.extend((trip, twin))

    # the whole --------------------------------------------------------------------------------

    def run(self) -> Account:
        """Generates everything."""
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            self._companies(int(self.size * COMPANY_SHARE))
            self._oddities(max(2, self.size // 160))
            self._people()
            self._delete_and_merge()
            self._finish()
        finally:
            if was_enabled:
                gc.enable()
        return self.account

    def _companies(self, target: int) -> None:
        while len(self.records) < target:
            firm = self._firm()
            self._company_records(firm, target)
            if self.chance(0.04):
                for _ in range(1 + self.rng.randrange(3)):
                    self._company_records(self._firm(parent=firm), target)

    def _company_records(self, firm: Firm, target: int) -> None:
        variants = self.banded(((0.86, 0), (0.97, 1), (1.0, 2)))
        for position in range(1 + variants):
            if len(self.records) < target:
                self._company_record(firm, is_variant=position > 0, created=self.moment())

    def _oddities(self, count: int) -> None:
        """Test records and cards without a name."""
        tests = ("Тест", "Тест Тестов", "ТЕСТ НЕ УДАЛЯТЬ", "Test Test", "Тестовый контакт")
        for position in range(count):
            self.humans += 1
            card = Contact(is_company=False, entity=f"p{self.humans}", created=self.moment())
            if position % 2 == 0:
                card.is_test = True
                card.name = self.pick(tests)
                if self.chance(0.5):
                    card.group_id = 19
                if self.chance(0.5):
                    card.email = "test@riderra.example"
                card.phones = (("+7 999 000-00-00", 1),)
            else:
                card.name = self.pick((".", "Без имени", "Новый контакт", "Клиент", "-"))
                if self.chance(0.8):
                    national = self.number("RU")
                    card.phones = ((f"+7{national}", 1),)
            self._common(card)
            self.records.append(card)

    def _people(self) -> None:
        last: Human | None = None
        while len(self.records) < self.size:
            relative = last if last is not None and self.chance(0.035) else None
            human = self._human(relative)
            human.home_group = 12 if self.chance(0.6) else 15
            if relative is not None:
                human.phones[0] = relative.phones[0]
                if self.chance(0.4):
                    human.mails = [relative.mails[-1]]
            last = human
            self._records_of(human)

    def _records_of(self, human: Human) -> None:
        first = self._person_record(human, created=self.moment(), first=None, share=SHARE_PHONE)
        self._trips(first, human)
        if self.chance(SINGLE_SHARE):
            return
        for _ in range(self.pick(EXTRA_RECORDS)):
            if len(self.records) >= self.size:
                return
            draw = self.rng.random()
            share = sum(draw >= limit for limit in SHARE_LIMITS)
            if share == SHARE_MAIL and not human.shows_mail:
                share = SHARE_PHONE
            elif share == SHARE_PHONE and not human.shows_phone:
                share = SHARE_MAIL
            card = self._person_record(human, created=self.moment(), first=first, share=share)
            if share not in (SHARE_CONTEXT, SHARE_NAME, SHARE_NOTHING):
                self._trips(card, human)

    def _delete_and_merge(self) -> None:
        rng = self.rng
        by_entity: dict[str, Contact] = {}
        employers = {id(company) for card in self.records for company in card.companies}
        for card in self.records:
            survivor = by_entity.setdefault(card.entity, card)
            if id(card) in employers:
                continue
            draw = rng.random()
            if survivor is not card and not survivor.is_deleted and draw < 0.03:
                self._merge(survivor, card)
            elif draw > 0.99:
                card.is_deleted = True

    def _merge(self, survivor: Contact, loser: Contact) -> None:
        loser.is_deleted = True
        loser.companies, companies = (), loser.companies
        known = {text for text, _ in survivor.phones}
        survivor.phones += tuple(phone for phone in loser.phones if phone[0] not in known)
        if loser.email and loser.email != survivor.email:
            if survivor.email:
                survivor.more_emails = (*survivor.more_emails, loser.email)
            else:
                survivor.email = loser.email
        if not survivor.companies:
            survivor.companies = companies
        self.merges.append((survivor, loser))

    def _finish(self) -> None:
        account, rng = self.account, self.rng
        self.records.sort(key=lambda card: card.created)
        number = 1000
        for card in self.records:
            number += 1 + int(rng.random() * 1.3)
            card.id = number
            for company in card.companies:
                if company.people is None:
                    company.people = []
                company.people.append(card)
        account.contacts = self.records
        for survivor, loser in self.merges:
            loser.merged_into = survivor.id
            survivor.updated = max(survivor.updated, min(loser.updated + 3600, account.anchor))
        account.index()
        self._tasks()
        self._comments()
        self._tag_entries()

    def _tasks(self) -> None:
        account, rng = self.account, self.rng
        for trip in account.trips:
            if trip.customer.merged_into:
                survivor = account.contact(trip.customer.merged_into)
                if survivor is not None:
                    trip.customer = survivor
        planned = [trip for trip in account.trips if trip.in_planfix]
        planned.sort(key=lambda trip: trip.created)
        number = 70_000
        for trip in planned:
            task = Task(trip, self.pick(self.managers))
            number += 1 + int(rng.random() * 3)
            task.id = number
            task.updated = trip.created + int(
                max(0, self.anchor - trip.created) * 0.2 * rng.random()
            )
            task.status = 3 if trip.pickup < self.anchor else 5
            if rng.random() < 0.01:
                task.is_deleted = True
            account.tasks.append(task)

    def _comments(self) -> None:
        account, rng = self.account, self.rng
        found: list[Comment] = []
        sources = ("Planfix", "Email", "Telegram", "WhatsApp", "Mobile")
        for card in account.contacts:
            if rng.random() < 0.68:
                continue
            count = 1 + int(rng.random() ** 3 * 9)
            for _ in range(count):
                at = card.created + int((self.anchor - card.created) * rng.random())
                comment = Comment(
                    card.id, 0, at, self.pick(self.managers), 1 + rng.randrange(2**31)
                )
                comment.from_type = self.pick(sources)
                comment.is_deleted = rng.random() < 0.01
                found.append(comment)
        more = self._more_notes(len(found))
        added = set(map(id, more))
        found += more
        for task in account.tasks:
            created = task.trip.created
            technical = Comment(0, task.id, created + 60, task.assignee, "")
            technical.is_technical = True
            found.append(technical)
            if rng.random() < 0.5:
                at = created + int(max(0, self.anchor - created) * rng.random())
                comment = Comment(0, task.id, at, task.assignee, 1 + rng.randrange(2**31))
                comment.from_type = self.pick(sources)
                found.append(comment)
        found.sort(key=lambda comment: comment.at)
        number = 880_000
        for comment in found:
            # what is added draws nothing that others would have drawn
            number += 1 if id(comment) in added else 1 + int(rng.random() * 2)
            comment.id = number
        account.comments = found

    def _more_notes(self, count: int) -> list[Comment]:
        """Makes the notes that lack to the wanted mean: most go to few cards, as people write them.

        A random stream of their own leaves everything else of the account as it is without them.
        """
        account = self.account
        rng = random.Random(f"riderra notes:{self.size}:{account.seed}")
        made = []
        for _ in range(round(len(account.contacts) * self.notes_per_card) - count):
            card = account.contacts[int(len(account.contacts) * rng.random() ** 2)]
            at = card.created + int((self.anchor - card.created) * rng.random())
            author = self.managers[int(len(self.managers) * rng.random())]
            comment = Comment(card.id, 0, at, author, 1 + rng.randrange(2**31))
            comment.from_type = "Planfix"
            made.append(comment)
        return made

    def _tag_entries(self) -> None:
        account, rng = self.account, self.rng
        key = 5500
        results = ("Дозвонились", "Не берёт трубку", "Перезвонить", "Отказ")
        for card in account.contacts:
            if rng.random() < 0.93:
                continue
            key += 1
            tag = 6 if rng.random() < 0.7 else self.pick((7, 8, 9))
            at = card.created + int((self.anchor - card.created) * rng.random())
            account.tag_entries.append(TagEntry(key, tag, card.id, at, self.pick(results)))
            card.tag_keys = (key,)


def hash_number(text: str) -> int:
    """Gives the same number below 900 million for the same text, in every process."""
    value = 0
    for char in text:
        value = (value * 131 + ord(char)) % 900_000_000
    return value


def generate(
    size: int,
    seed: int,
    *,
    anchor: int = ANCHOR,
    dense: bool = False,
    notes_per_card: float = 0.0,
) -> Account:
    """Makes an account.

    Args:
        size: number of contacts and companies, deleted ones included.
        seed: the same seed and size give the same account.
        anchor: epoch seconds at which the history ends.
        dense: fill at least eight custom fields of every record (for benchmarks).
        notes_per_card: notes on cards for each card on average, at least (for benchmarks); an
            account has some 0.9 by itself.
    """
    return Generator(size, seed, anchor=anchor, dense=dense, notes_per_card=notes_per_card).run()


__all__ = ["ANCHOR", "ROBOT_ID", "generate"]
