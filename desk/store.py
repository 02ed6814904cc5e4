"""What the desk reads and the decision rows it writes.

A decision is a new row, never a change: the newest one on a pair, value or sample counts. So an
undo is a row as well. Two people on one case: the second is told, and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from loaders import database, settings
from loaders.errors import DatabaseError, UserError
from loaders.python_functions import registry, results

Row = dict[str, Any]
PAGE = 500
ALL = 1_000_000


class StaleError(Exception):
    """Somebody else decided since this page was loaded."""


class UnknownError(Exception):
    """There is no such case, value or sample (any more)."""


@dataclass(frozen=True)
class Asked:
    """A decision on one pair of records.

    Attributes:
        left: smaller record number.
        right: larger record number.
        verdict: same, different or unsure.
    """

    left: int
    right: int
    verdict: str


class NotValidError(UserError):
    """A correction that the rules would reject again."""


class Store:
    """Reads cases and appends decisions, one short transaction per request."""

    def __init__(self, found: settings.DatabaseSettings) -> None:
        self._settings = found

    @contextmanager
    def _link(self) -> Iterator[psycopg.Connection[Row]]:
        with database.connect(self._settings) as link:
            link.row_factory = dict_row  # type: ignore[assignment]
            try:
                yield link  # type: ignore[misc]
            except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName):
                raise DatabaseError(
                    "the queues are not built yet, or by another version: run `dbt build`."
                ) from None

    # --- who did what ---------------------------------------------------------------------------

    def note(self, who: str, page: str, item: str, action: str, detail: str = "") -> None:
        """Appends what somebody did at the desk: keys and answers, never a client's data."""
        with self._link() as link:
            link.execute(
                "insert into migration.desk_actions (acted_by, page, item, action, detail) "
                "values (%s, %s, %s, %s, %s)",
                [who, page, item, action, detail or None],
            )

    # --- review cases ---------------------------------------------------------------------------

    def cases(
        self, status: str, reason: str, number: str, after: int, page: int = PAGE
    ) -> list[Row]:
        """Returns a stretch of the review queue, the most telling cases first.

        Args:
            status: `open`, `decided` or `all`.
            reason: reason code, empty for all.
            number: a record number that must be part of the case, empty for any.
            after: how many cases to skip.
            page: how many to return.
        """
        with self._link() as link:
            return link.execute(
                _CASES,
                {
                    "status": status,
                    "reason": reason,
                    "number": int(number) if number.isdigit() else None,
                    "after": after,
                    "page": page,
                },
            ).fetchall()

    def case(self, case_id: str) -> Row:
        """Returns a case with its records side by side.

        Raises:
            UnknownError: when the queue has no such case.
        """
        with self._link() as link:
            found = link.execute(_CASE, {"case_id": case_id}).fetchone()
            if found is None:
                raise UnknownError
            numbers = {"numbers": found["planfix_ids"]}
            found["records"] = link.execute(_RECORDS, numbers).fetchall()
            found["evidence"] = link.execute(_EVIDENCE, numbers).fetchall()
            return found

    def next_case(self, case_id: str, reason: str = "") -> str | None:
        """Returns the next open case after one, in the order of the queue, else the first.

        Args:
            case_id: the case that is done.
            reason: only cases of this reason, empty for all.
        """
        with self._link() as link:
            row = link.execute(_NEXT_CASE, {"case_id": case_id, "reason": reason}).fetchone()
            return str(row["case_id"]) if row else None

    def reasons(self, queue: str) -> list[Row]:
        """Returns reason codes and how many rows of a queue have them."""
        with self._link() as link:
            return link.execute(_REASONS[queue]).fetchall()

    def decide(self, case_id: str, pairs: Sequence[Asked], seen: str, reason: str, who: str) -> str:
        """Appends the decisions on a case.

        Args:
            case_id: the case.
            pairs: a verdict for each pair.
            seen: version of the case when its page was loaded.
            reason: why, may be empty.
            who: the reviewer.

        Returns:
            The version of the case now, with which it can be undone.

        Raises:
            StaleError: when a newer decision is there, or the case has other cards now.
            UnknownError: when the queue has no such case.
        """
        with self._link() as link:
            # one decision at a time on one case
            link.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"desk:{case_id}"]
            )
            found = link.execute(_CASE, {"case_id": case_id}).fetchone()
            if found is None:
                raise UnknownError
            if found["version"] != seen:
                raise StaleError
            newest = found["latest_decision_id"]
            hashes = {
                (asked["left_planfix_id"], asked["right_planfix_id"]): asked["identifiers_hash"]
                for asked in found["asked_pairs"]
            }
            for pair in pairs:
                row = link.execute(
                    "insert into migration.match_decisions (left_planfix_id, right_planfix_id, "
                    "verdict, reason, decided_by, identifiers_hash) "
                    "values (%s, %s, %s, %s, %s, %s) returning decision_id",
                    [
                        pair.left,
                        pair.right,
                        pair.verdict,
                        reason or None,
                        who,
                        # it ends the decision when the cards change
                        hashes.get((pair.left, pair.right)),
                    ],
                ).fetchone()
                newest = int(row["decision_id"]) if row else newest
            return f"{newest}-{found['version'].partition('-')[2]}"

    # --- quarantine -----------------------------------------------------------------------------

    def values(
        self, status: str, reason: str, field: str, after: int, page: int = PAGE
    ) -> list[Row]:
        """Returns a stretch of the quarantine, the newest decision beside each value."""
        with self._link() as link:
            return link.execute(
                _VALUES,
                {
                    "status": status,
                    "reason": reason,
                    "field": field,
                    "after": after,
                    "page": page,
                },
            ).fetchall()

    def decide_value(
        self, key: str, action: str, corrected: str | None, seen: int, who: str
    ) -> int:
        """Appends a decision on something in quarantine.

        Args:
            key: its contact point key, else its quarantine key.
            action: accept, correct, drop, or withdraw to take the last one back; only drop and
                withdraw for what is no contact point.
            corrected: the right value, for correct.
            seen: newest decision on it when the page was loaded.
            who: the reviewer.

        Returns:
            The decision's number.

        Raises:
            NotValidError: when the corrected value is no valid one either.
            StaleError: when a newer decision is there.
            UnknownError: when nothing of that key is in quarantine.
        """
        if action == "correct":
            self._prepare(key, corrected or "")
        with self._link() as link:
            link.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"desk:{key}"])
            found = link.execute(_VALUE, [key]).fetchone()
            if found is None or not (found["is_contact_point"] or action in {"drop", "withdraw"}):
                raise UnknownError
            if found["latest_decision_id"] != seen:
                raise StaleError
            row = link.execute(
                "insert into migration.value_decisions (contact_point_key, planfix_id, action, "
                "corrected_value, decided_by) values (%s, %s, %s, %s, %s) returning decision_id",
                [key, found["planfix_id"], action, corrected, who],
            ).fetchone()
            return int(row["decision_id"]) if row else seen

    def _prepare(self, key: str, corrected: str) -> None:
        """Checks a corrected value by the functions that the next build reads it with.

        A server without Python in the database reads their results from tables: those of this
        new text are added, else the next build would stop and ask for them.
        """
        with self._link() as link:
            found = link.execute(_REGION, [key]).fetchone()
            if found is None:
                raise UnknownError
            tables = link.execute(
                "select to_regclass('python_functions.parse_phone_results') is not null as found"
            ).fetchone()
        channel, region = found["channel"], found["region_code"]
        calls: list[tuple[str, tuple[str | None, ...]]] = []
        if channel == "email":
            calls.append(("parse_email", (corrected,)))
        if channel not in {"phone", "email"}:
            calls.append(("messenger_handle", (channel, corrected)))
        if channel in {"phone", "whatsapp", "viber"}:
            calls.append(("parse_phone", (corrected, region)))
        parts: list[Row] = []
        for name, arguments in calls:
            answer = registry.load(name)(*arguments) or []
            parts += answer if isinstance(answer, list) else [answer]
        if not any(part["valid"] for part in parts):
            why = next((str(part["reason"]) for part in parts if part["reason"]), "unknown")
            raise NotValidError(
                f"the corrected value is not valid either ({why.replace('_', ' ')}); "
                "nothing was written."
            )
        if tables and tables["found"]:
            for name, arguments in calls:
                # somebody else may have added the same text at this instant
                with suppress(errors.UniqueViolation):
                    results.add_results(self._settings, name, [arguments])

    # --- worklists ------------------------------------------------------------------------------

    def worklist(self, name: str) -> list[Row]:
        """Returns a worklist, the most used values first."""
        with self._link() as link:
            return link.execute(
                f"select * from quality.worklist_{name} order by records desc, worklist_key"
            ).fetchall()

    def users(self) -> list[Row]:
        """Returns the CRM's users, to choose from."""
        with self._link() as link:
            return link.execute(
                "select riderra_user_id as user_id, user_name, email from staging.stg_crm__users "
                "where is_active order by 2, 1"
            ).fetchall()

    # --- survivors ------------------------------------------------------------------------------

    def customer(self, customer_id: str) -> Row:
        """Returns a client with its records side by side and where each field came from.

        Raises:
            UnknownError: when there is no such client.
        """
        with self._link() as link:
            provenance = link.execute(
                "select field, planfix_id, rule from intermediate.int_customers__provenance "
                "where customer_id = %s order by field",
                [customer_id],
            ).fetchall()
            if not provenance:
                raise UnknownError
            numbers = link.execute(
                "select planfix_id from intermediate.int_identity__assigned "
                "where customer_id = %s order by planfix_id",
                [customer_id],
            ).fetchall()
            decisions = link.execute(
                "select distinct on (field) field, planfix_id, decided_by, decision_id "
                "from migration.field_decisions where customer_id = %s "
                "order by field, decision_id desc",
                [customer_id],
            ).fetchall()
            records = link.execute(
                _RECORDS, {"numbers": [row["planfix_id"] for row in numbers]}
            ).fetchall()
        return {
            "customer_id": customer_id,
            "provenance": {row["field"]: row for row in provenance},
            "decisions": {row["field"]: row for row in decisions},
            "records": records,
        }

    def pick(
        self, customer_id: str, field: str, planfix_id: int, seen: int, who: str
    ) -> tuple[int, int]:
        """Appends the choice of the record whose value of a field survives.

        Args:
            customer_id: the client.
            field: column of customers.
            planfix_id: the record.
            seen: newest choice for the field when the page was loaded, 0 for none.
            who: the reviewer.

        Returns:
            The record whose value survived before, with which it can be undone, and the number
            of the choice.

        Raises:
            StaleError: when a newer choice is there.
            UnknownError: when the record is not the client's or has no such field.
        """
        found = self.customer(customer_id)
        if field not in found["provenance"] or planfix_id not in {
            record["planfix_id"] for record in found["records"]
        }:
            raise UnknownError
        with self._link() as link:
            link.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"desk:{customer_id}:{field}"],
            )
            newest = link.execute(
                "select coalesce(max(decision_id), 0) as decision_id "
                "from migration.field_decisions where customer_id = %s and field = %s",
                [customer_id, field],
            ).fetchone()
            if newest is None or newest["decision_id"] != seen:
                raise StaleError
            row = link.execute(
                "insert into migration.field_decisions (customer_id, field, planfix_id, "
                "decided_by) values (%s, %s, %s, %s) returning decision_id",
                [customer_id, field, planfix_id, who],
            ).fetchone()
        before = found["decisions"].get(field) or found["provenance"][field]
        return int(before["planfix_id"]), int(row["decision_id"]) if row else seen

    # --- QA sample ------------------------------------------------------------------------------

    def samples(self) -> list[Row]:
        """Returns the QA sample without its contents."""
        with self._link() as link:
            return link.execute(_SAMPLES).fetchall()

    def sample(self, sample_key: str) -> Row:
        """Returns one sampled client, source beside target.

        Raises:
            UnknownError: when it is not in the sample (any more).
        """
        with self._link() as link:
            found = link.execute(_SAMPLE, [sample_key]).fetchone()
        if found is None:
            raise UnknownError
        return found

    def judge(self, sample_key: str, verdict: str, comment: str, seen: int, who: str) -> int:
        """Appends a verdict on a sampled client.

        Returns:
            The verdict's number.

        Raises:
            StaleError: when a newer verdict is there.
            UnknownError: when it is not in the sample (any more).
        """
        with self._link() as link:
            link.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"desk:{sample_key}"]
            )
            found = link.execute(_SAMPLE, [sample_key]).fetchone()
            if found is None:
                raise UnknownError
            if found["latest_verdict_id"] != seen:
                raise StaleError
            row = link.execute(
                "insert into migration.qa_verdicts (sample_key, customer_id, verdict, comment, "
                "given_by) values (%s, %s, %s, %s, %s) returning verdict_id",
                [sample_key, found["customer_id"], verdict, comment or None, who],
            ).fetchone()
            return int(row["verdict_id"]) if row else seen

    # --- overview -------------------------------------------------------------------------------

    def overview(self, *names: str) -> dict[str, Row]:
        """Returns how much there is to do, and how much of it is done.

        Args:
            names: the queues; all when none is given.
        """
        with self._link() as link:
            return {
                name: link.execute(_OVERVIEW[name]).fetchone() or {"total": 0, "done": 0}
                for name in names or _OVERVIEW
            }

    def gates(self) -> list[Row]:
        """Returns the gates with their sentences."""
        with self._link() as link:
            return link.execute(
                "select gate, area, sentence, is_met, is_waived, passed "
                "from quality.migration_gates order by passed, area, gate"
            ).fetchall()

    def steps(self) -> list[Row]:
        """Returns the steps of the cutover and what each waits for."""
        with self._link() as link:
            return link.execute(
                "select step, is_needed_to_sign, is_done, detail, what_to_do "
                "from publish.cutover_status order by step_number"
            ).fetchall()


# the newest decision on the pairs that the case asks about, as long as it is on these cards
_DECIDED = """
    select distinct on (cases.case_id)
        cases.case_id,
        decisions.decision_id,
        case
            when
                decisions.reason is distinct from 'undone'
                and decisions.identifiers_hash is not distinct from asked.identifiers_hash
                then decisions.verdict
        end as verdict,
        decisions.decided_by,
        decisions.decided_at
    from quality.review_queue as cases
    cross join lateral jsonb_to_recordset(cases.asked_pairs) as asked (
        left_planfix_id bigint, right_planfix_id bigint, identifiers_hash text
    )
    inner join migration.match_decisions as decisions
        on
            asked.left_planfix_id = decisions.left_planfix_id
            and asked.right_planfix_id = decisions.right_planfix_id
    order by cases.case_id, decisions.decision_id desc
"""

# the newest decision and what was asked: a page of other cards is stale as well
_VERSION = """
    coalesce(decided.decision_id, 0)
    || '-' || left(md5(cases.asked_pairs::text || cases.planfix_ids::text), 12)
"""

_CASES = f"""
    with decided as ({_DECIDED})

    select
        cases.case_id,
        cases.reason_code,
        cases.reason,
        cases.priority,
        cases.planfix_ids,
        cases.first_seen_at,
        (
            select string_agg(distinct record ->> 'name', ' · ')
            from jsonb_array_elements(cases.records) as items (record)
        ) as names,
        decided.verdict,
        decided.decided_by,
        decided.decided_at,
        coalesce(decided.decision_id, 0) as latest_decision_id,
        {_VERSION} as version,
        count(*) over () as total
    from quality.review_queue as cases
    left join decided on cases.case_id = decided.case_id
    where
        case %(status)s
            when 'open' then decided.verdict is null
            when 'decided' then decided.verdict is not null
            else true
        end
        and %(reason)s in ('', cases.reason_code)
        and (%(number)s::bigint is null or %(number)s::bigint = any(cases.planfix_ids))
    order by cases.priority, cases.case_id
    offset %(after)s
    limit %(page)s
"""

_CASE = f"""
    with decided as ({_DECIDED})

    select
        cases.*,
        decided.verdict,
        decided.decided_by,
        decided.decided_at,
        coalesce(decided.decision_id, 0) as latest_decision_id,
        {_VERSION} as version
    from quality.review_queue as cases
    left join decided on cases.case_id = decided.case_id
    where cases.case_id = %(case_id)s
"""

_NEXT_CASE = f"""
    with decided as ({_DECIDED})

    select cases.case_id
    from quality.review_queue as cases
    left join decided on cases.case_id = decided.case_id
    left join quality.review_queue as this on this.case_id = %(case_id)s
    where
        decided.verdict is null
        and cases.case_id <> %(case_id)s
        and %(reason)s in ('', cases.reason_code)
    order by
        (cases.priority, cases.case_id) < (this.priority, this.case_id),
        cases.priority,
        cases.case_id
    limit 1
"""

_REASONS = {
    "review": """
        select reason_code, min(reason) as sentence, count(*) as items
        from quality.review_queue
        group by reason_code
        order by count(*) desc, reason_code
    """,
    "quarantine": """
        select reason_code, min(field) as sentence, count(*) as items
        from quality.quarantine
        group by reason_code
        order by count(*) desc, reason_code
    """,
    "fields": """
        select field as reason_code, field as sentence, count(*) as items
        from quality.quarantine
        group by field
        order by count(*) desc, field
    """,
}

_EVIDENCE = """
    select left_planfix_id, right_planfix_id, direction, outcome, sentence
    from quality.match_explanations
    where left_planfix_id = any(%(numbers)s) and right_planfix_id = any(%(numbers)s)
    order by left_planfix_id, right_planfix_id, direction, strength desc nulls last
    limit 100
"""

_RECORDS = """
    select
        contacts.planfix_id,
        clusters.cluster_id,
        contacts.kind,
        contacts.display_name,
        contacts.given_name,
        contacts.middle_name,
        contacts.family_name,
        contacts.company_name,
        contacts.position,
        points.phones,
        points.emails,
        points.messengers,
        contacts.website,
        contacts.address,
        contacts.city,
        contacts.country_code,
        contacts.language,
        contacts.timezone,
        contacts.birth_date::text as birth_date,
        contacts.gender,
        contacts.registration_number,
        contacts.group_name,
        contacts.owner_name,
        tags.tags,
        trips.trips::text as trips,
        contacts.source_created_at::date::text as created,
        contacts.source_updated_at::date::text as updated,
        identities.customer_id::text as customer_id
    from intermediate.int_contacts__normalized as contacts
    left join intermediate.int_identity__assigned as identities
        on contacts.planfix_id = identities.planfix_id
    left join intermediate.int_clusters__final as clusters
        on contacts.planfix_id = clusters.planfix_id
    left join lateral (
        select
            string_agg(value || case when extension <> '' then ' ext. ' || extension else '' end,
                E'\n' order by value) filter (where channel = 'phone') as phones,
            string_agg(value, E'\n' order by value) filter (where channel = 'email') as emails,
            string_agg(channel || ': ' || value, E'\n' order by channel, value)
                filter (where channel not in ('phone', 'email')) as messengers
        from intermediate.int_contact_points__normalized as found
        where found.planfix_id = contacts.planfix_id
    ) as points on true
    left join lateral (
        select string_agg(distinct tag, E'\n' order by tag) as tags
        from intermediate.int_contact_tags__mapped as found
        where found.planfix_id = contacts.planfix_id
    ) as tags on true
    left join lateral (
        select nullif(count(*), 0) as trips
        from intermediate.int_trips__combined as found
        where found.counterparty_planfix_id = contacts.planfix_id
    ) as trips on true
    where contacts.planfix_id = any(%(numbers)s)
    order by clusters.cluster_id, contacts.planfix_id
"""

_VALUE_DECIDED = """
    select distinct on (contact_point_key)
        contact_point_key,
        decision_id,
        action,
        corrected_value,
        decided_by
    from migration.value_decisions
    order by contact_point_key, decision_id desc
"""

_VALUES = f"""
    with decided as ({_VALUE_DECIDED})

    select
        coalesce(items.contact_point_key, items.quarantine_key) as item_key,
        items.contact_point_key is not null as is_contact_point,
        items.planfix_id,
        items.field,
        items.raw_value,
        items.reason_code,
        items.sentence,
        items.action as advice,
        items.first_seen_at,
        nullif(decided.action, 'withdraw') as decision,
        decided.corrected_value,
        decided.decided_by,
        coalesce(decided.decision_id, 0) as latest_decision_id,
        count(*) over () as total
    from quality.quarantine as items
    left join decided
        on coalesce(items.contact_point_key, items.quarantine_key) = decided.contact_point_key
    where
        case %(status)s
            when 'open' then items.is_open and nullif(decided.action, 'withdraw') is null
            when 'decided' then nullif(decided.action, 'withdraw') is not null
            else true
        end
        and %(reason)s in ('', items.reason_code)
        and %(field)s in ('', items.field)
    order by items.field, items.reason_code, items.quarantine_key
    offset %(after)s
    limit %(page)s
"""

_VALUE = """
    select
        items.planfix_id,
        items.contact_point_key is not null as is_contact_point,
        coalesce((
            select max(decision_id)
            from migration.value_decisions as decisions
            where
                decisions.contact_point_key
                = coalesce(items.contact_point_key, items.quarantine_key)
        ), 0) as latest_decision_id
    from quality.quarantine as items
    where coalesce(items.contact_point_key, items.quarantine_key) = %s
    limit 1
"""

_REGION = """
    select
        items.field as channel,
        contacts.region_code
    from quality.quarantine as items
    left join intermediate.int_contacts__normalized as contacts
        on items.planfix_id = contacts.planfix_id
    where items.contact_point_key = %s
    limit 1
"""

_JUDGED = """
    select distinct on (sample_key)
        sample_key,
        verdict_id,
        case when comment is distinct from 'undone' then verdict end as verdict,
        comment,
        given_by
    from migration.qa_verdicts
    order by sample_key, verdict_id desc
"""

_SAMPLES = f"""
    with judged as ({_JUDGED})

    select
        sample.sample_key,
        sample.customer_id,
        sample.stratum,
        judged.verdict,
        case when judged.verdict is not null then judged.given_by end as given_by,
        count(*) over () as total
    from quality.qa_sample as sample
    left join judged on sample.sample_key = judged.sample_key
    order by sample.stratum, sample.place
"""

_SAMPLE = f"""
    with judged as ({_JUDGED})

    select
        sample.sample_key,
        sample.customer_id,
        sample.stratum,
        sample.source,
        sample.target,
        judged.verdict,
        judged.comment,
        judged.given_by,
        coalesce(judged.verdict_id, 0) as latest_verdict_id
    from quality.qa_sample as sample
    left join judged on sample.sample_key = judged.sample_key
    where sample.sample_key = %s
"""

_OVERVIEW = {
    "review": f"""
        with decided as ({_DECIDED})

        select count(*) as total, count(decided.verdict) as done
        from quality.review_queue as cases
        left join decided on cases.case_id = decided.case_id
    """,
    "quarantine": f"""
        with decided as ({_VALUE_DECIDED})

        select
            count(*) as total,
            count(*) filter (where nullif(decided.action, 'withdraw') is not null) as done
        from quality.quarantine as items
        left join decided
            on coalesce(items.contact_point_key, items.quarantine_key) = decided.contact_point_key
        where items.is_open
    """,
    "managers": "select count(*) as total, 0 as done from quality.worklist_managers",
    "tags": "select count(*) as total, 0 as done from quality.worklist_tags",
    "custom_fields": "select count(*) as total, 0 as done from quality.worklist_custom_fields",
    "csv_headers": "select count(*) as total, 0 as done from quality.worklist_csv_headers",
    "qa": f"""
        with judged as ({_JUDGED})

        select count(*) as total, count(judged.verdict) as done
        from quality.qa_sample as sample
        left join judged on sample.sample_key = judged.sample_key
    """,
}
