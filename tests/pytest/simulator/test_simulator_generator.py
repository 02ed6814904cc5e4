"""Synthetic accounts: repeatable, of any size, and as dirty and ambiguous as promised."""

from __future__ import annotations

import datetime as dt
import io
import random
import re
import time
from collections import Counter, defaultdict

import orjson
import phonenumbers
import pytest

from simulator import writings
from simulator.control import write_truth
from simulator.generator import ANCHOR, ROLES, generate
from simulator.model import Account, Contact
from simulator.render import Renderer
from simulator.switches import Switches
from simulator.vocabulary import vocabulary


def picture(account: Account) -> list[object]:
    render = Renderer(account, Switches())
    fields = (*render.contact_table(is_list=False), *map(str, range(3101, 3117)))
    rows: list[object] = [render.contact(c, fields, is_list=False) for c in account.contacts]
    names = ("id", "dateTime", "description", "owner", "contact", "task", "isDeleted")
    rows += [render.comment(comment, names) for comment in account.comments]
    rows += [render.task(task, ("id", "counterparty", "4101", "4104")) for task in account.tasks]
    return rows


def text(row: object) -> str:
    """Rendered fields hold pre-serialised JSON, which compares by identity."""
    return orjson.dumps(row).decode()


@pytest.fixture(scope="module")
def account() -> Account:
    return generate(6000, 11)


def people(account: Account) -> list[Contact]:
    return [contact for contact in account.live_contacts() if not contact.is_company]


def test_the_same_seed_gives_the_same_account_and_another_seed_another() -> None:
    first, second, other = (generate(400, seed) for seed in (3, 3, 4))
    assert [text(row) for row in picture(first)] == [text(row) for row in picture(second)]
    assert [text(row) for row in picture(first)] != [text(row) for row in picture(other)]


@pytest.mark.parametrize("size", [50, 51, 137, 1000])
def test_sizes_are_exact(size: int) -> None:
    account = generate(size, 2)
    assert len(account.contacts) == size
    assert len({contact.id for contact in account.contacts}) == size


def test_generation_is_quick_and_grows_in_line() -> None:
    started = time.process_time()
    generate(2000, 1)
    small = time.process_time() - started
    assert small < 2
    started = time.process_time()
    generate(20_000, 1)
    assert time.process_time() - started < max(30 * small, 10)


def test_numbers_ascend_with_creation_and_nothing_lies_in_the_future(account: Account) -> None:
    created = [contact.created for contact in account.contacts]
    assert created == sorted(created)
    for contact in account.contacts:
        assert contact.created <= contact.updated <= ANCHOR
    assert all(comment.at <= ANCHOR for comment in account.comments)
    assert [comment.at for comment in account.comments] == sorted(c.at for c in account.comments)


def test_references_hold(account: Account) -> None:
    for contact in account.contacts:
        for company in contact.companies:
            assert company.is_company
            assert account.contact(company.id) is company
            assert not company.is_deleted
        if contact.merged_into:
            survivor = account.contact(contact.merged_into)
            assert contact.is_deleted
            assert survivor is not None
            assert survivor.entity == contact.entity
    for task in account.tasks:
        assert account.contact(task.counterparty.id) is task.counterparty
    for comment in account.comments:
        assert bool(comment.contact_id) != bool(comment.task_id)


def test_the_truth_keeps_people_and_companies_apart(account: Account) -> None:
    kinds = defaultdict(set)
    for contact in account.contacts:
        kinds[contact.entity].add(contact.is_company)
    assert all(len(found) == 1 for found in kinds.values())
    assert all((entity[0] == "c") is min(found) for entity, found in kinds.items())
    out = io.StringIO()
    write_truth(account, out)
    assert len(out.getvalue().splitlines()) == 6001


def test_a_quarter_of_the_people_have_two_to_four_records(account: Account) -> None:
    sizes = Counter(Counter(contact.entity for contact in people(account)).values())
    share = 1 - sizes[1] / sizes.total()
    assert 0.2 < share < 0.3
    assert set(sizes) == {1, 2, 3, 4}


def test_a_third_of_the_people_have_no_mail(account: Account) -> None:
    rows = people(account)
    share = sum(not contact.email for contact in rows) / len(rows)
    assert 0.25 < share < 0.4


def test_records_of_one_person_share_what_the_measured_field_shares(account: Account) -> None:
    records = defaultdict(list)
    for contact in people(account):
        digits = {re.sub(r"\D", "", text)[-7:] for text, _ in contact.phones}
        mails = {
            mail.strip("<> ").lower() for mail in (contact.email, *contact.more_emails) if mail
        }
        records[contact.entity].append(digits | mails)
    pairs = [
        bool(left & right)
        for found in records.values()
        for position, left in enumerate(found)
        for right in found[position + 1 :]
    ]
    assert 0.6 < sum(pairs) / len(pairs) < 0.85


def test_one_identifier_is_shared_by_different_people(account: Account) -> None:
    """Families, switchboards, role mailboxes, agencies, placeholders: the hubs."""
    holders = defaultdict(set)
    for contact in account.live_contacts():
        for phone, _ in contact.phones:
            digits = re.sub(r"\D", "", re.split(r"доб|вн|ext|x|#|,", phone)[0])
            if len(digits) >= 10:
                holders[digits[-9:]].add(contact.entity)
        if "@" in contact.email:
            holders[contact.email.strip("<> ").lower()].add(contact.entity)
    sizes = Counter(len(found) for found in holders.values())
    assert sizes[2] > 50
    assert max(sizes) >= 5
    assert any(name.startswith(tuple(f"{role}@" for role in ROLES)) for name in holders)


def test_scripts_layouts_and_short_forms_mix(account: Account) -> None:
    records = defaultdict(list)
    for contact in people(account):
        records[contact.entity].append(contact)
    mixed = sum(
        len({c.full_name.isascii() for c in found if c.full_name}) == 2
        for found in records.values()
    )
    assert mixed > 50
    assert any(not contact.lastname and " " in contact.name for contact in people(account))
    shorts = {
        short for names in vocabulary().given_ru.values() for _, all_ in names for short in all_
    }
    assert sum(contact.name in shorts for contact in people(account)) > 20


def test_people_come_from_many_countries(account: Account) -> None:
    countries = Counter(c.custom.get(3104) for c in people(account) if c.custom.get(3104))
    assert len(countries) > 25  # several writings of eighteen countries
    assert "Россия" in countries


def test_the_dirt_is_there(account: Account) -> None:
    rows = people(account)
    phones = [phone for contact in rows for phone, _ in contact.phones]
    mails = [mail for contact in rows for mail in (contact.email, *contact.more_emails) if mail]
    assert any("," in phone and phone.count("+") > 1 for phone in phones)
    assert any("\n" in phone for phone in phones)
    assert any(phone in writings.PLACEHOLDER_PHONES for phone in phones)
    assert any("доб" in phone for phone in phones)
    assert any("@" not in mail for mail in mails)
    assert any("@@" in mail or "," in mail for mail in mails)
    assert sum(not contact.phones and not contact.email for contact in rows) > 20
    assert any(contact.is_test for contact in rows)
    assert any(contact.custom.get(3107) == "спросить" for contact in rows)
    handles = [contact.telegram for contact in rows if contact.telegram]
    assert {handle[:1] == "@" for handle in handles} == {True, False}
    assert any("t.me/" in handle for handle in handles)


def test_companies_have_variants_branches_and_registration_numbers(account: Account) -> None:
    companies = [contact for contact in account.live_contacts() if contact.is_company]
    names = defaultdict(set)
    for contact in companies:
        names[contact.entity].add(contact.name)
    assert sum(len(found) > 1 for found in names.values()) > 20
    sites = defaultdict(set)
    for contact in companies:
        if contact.site:
            sites[re.sub(r"https?://|www\.|/", "", contact.site)].add(contact.entity)
    assert any(len(found) > 1 for found in sites.values()), "branches share a site"
    assert sum(3110 in contact.custom for contact in companies) > 100


def test_domains_are_reserved_ones(account: Account) -> None:
    for contact in account.contacts:
        for mail in (contact.email, *contact.more_emails):
            for domain in re.findall(r"@([\w.-]+\.\w+)", mail):
                assert domain.lower().endswith((".example", "example.com"))
        if contact.site:
            assert ".example" in contact.site


def test_shared_trips_stand_on_two_records_of_one_person(account: Account) -> None:
    trips = defaultdict(set)
    for trip in account.trips:
        trips[trip.customer.entity, trip.pickup].add(trip.customer.id)
    assert sum(len(found) > 1 for found in trips.values()) > 10
    assert any(trip.in_crm and not trip.in_planfix for trip in account.trips)


def test_a_dense_account_fills_eight_custom_fields_everywhere() -> None:
    assert all(len(contact.custom) >= 8 for contact in generate(200, 1, dense=True).contacts)


def test_more_notes_leave_the_rest_of_the_account_as_it_is() -> None:
    plain, talkative = generate(500, 3), generate(500, 3, notes_per_card=2.0)
    notes = [comment for comment in talkative.comments if comment.contact_id]
    assert len(notes) == 2 * len(talkative.contacts)
    assert max(Counter(comment.contact_id for comment in notes).values()) > 20
    for account in (plain, talkative):
        account.comments = []
    assert list(map(text, picture(talkative))) == list(map(text, picture(plain)))


def test_generated_numbers_are_valid() -> None:
    rng = random.Random(1)
    for code, plan in vocabulary().phones.items():
        kinds = ((plan.mobile, plan.mobile_length), (plan.fixed, plan.fixed_length))
        for prefixes, length in kinds:
            for prefix in prefixes:
                rest = length - len(prefix)
                number = f"+{plan.calling_code}{prefix}{rng.randrange(10**rest):0{rest}d}"
                assert phonenumbers.is_valid_number(phonenumbers.parse(number)), (code, number)


def test_the_thirteen_writings_can_be_read_back() -> None:
    plan = vocabulary().phones["RU"]
    national = "9161234567"
    texts = {style(plan.calling_code, national, "8") for style in writings.PHONE_STYLES}
    assert len(texts) == 13
    for text_ in texts:
        digits = re.sub(r"\D", "", text_)
        assert digits[-10:] == national


def test_names_are_transliterated_in_several_habits() -> None:
    found = {writings.to_latin("Юлия Щербакова", style) for style in range(4)}
    assert "Yuliya Shcherbakova" in found
    assert len(found) == 4
    assert writings.to_cyrillic("Anna-Maria") == "Анна-Мариа"


def test_the_anchor_moves_the_whole_history() -> None:
    later = int(dt.datetime(2027, 1, 1, tzinfo=dt.UTC).timestamp())
    moved = generate(100, 1, anchor=later)
    assert max(contact.created for contact in moved.contacts) > ANCHOR
