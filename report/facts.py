"""What the report tells, read from the database: counts, keys and rule names only."""

from __future__ import annotations

from dataclasses import dataclass, field

from report.reader import Reader, Row

OUTCOMES = ("published", "merged", "archived", "excluded")
CRITERIA = ("valid_contacts_moved", "planfix_link", "manual_review", "books_balance")
QUEUES = (
    "quarantine",
    "review_queue",
    "worklist_managers",
    "worklist_tags",
    "worklist_custom_fields",
    "worklist_csv_headers",
)


@dataclass
class Facts:
    """One run, as far as it can be read.

    Attributes:
        run: the last run that published, with its totals.
        runs: that one and those before it, the newest first.
        extract: the last extract run.
        audit: expected and loaded rows per object of that extract.
        funnel: step and number of records or clients, from source to live.
        balance: records per outcome and reason.
        acceptance: criteria with value, limit and result.
        gates: gates with value, limit, result and waiver.
        channels: valid and rejected contact points per channel.
        countries: clients per country, and how many can be reached.
        reach: valid and rejected phones and mail addresses per country.
        rules: links per matching rule and strength.
        sizes: clients per number of source records.
        queues: size and age of everything that waits for people.
        reasons: the same per queue and reason code.
        plan: planned rows per live table and action.
        written: rows the last run wrote per live table.
        batches: the batches of the last run, in order.
        events: identity events of the last run.
        qa: verdicts on the QA sample per stratum.
        steps: steps of the cutover, done or not.
        keys: what waits for people, by record number; for the internal page only.
        is_sample: true for the bundled sample account.
        missing: parts that could not be read.
    """

    run: Row | None = None
    runs: list[Row] = field(default_factory=list)
    extract: Row | None = None
    audit: list[Row] = field(default_factory=list)
    funnel: list[Row] = field(default_factory=list)
    balance: list[Row] = field(default_factory=list)
    acceptance: list[Row] = field(default_factory=list)
    gates: list[Row] = field(default_factory=list)
    channels: list[Row] = field(default_factory=list)
    countries: list[Row] = field(default_factory=list)
    reach: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    sizes: list[Row] = field(default_factory=list)
    queues: list[Row] = field(default_factory=list)
    reasons: list[Row] = field(default_factory=list)
    plan: list[Row] = field(default_factory=list)
    written: list[Row] = field(default_factory=list)
    batches: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    qa: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    keys: list[Row] = field(default_factory=list)
    is_sample: bool = False
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def unbalanced(self) -> int:
        """Number of source records without a known outcome."""
        return sum(row["records"] for row in self.balance if row["outcome"] not in OUTCOMES)

    @property
    def is_accepted(self) -> bool | None:
        """True when all criteria are met, None when there are none to judge by."""
        return all(row["is_met"] for row in self.acceptance) if self.acceptance else None

    def is_done(self, step: str) -> bool:
        """Tells whether a step of the cutover is done."""
        return any(row["is_done"] for row in self.steps if row["step"] == step)

    @property
    def rows_written(self) -> int:
        """Live rows that the last run inserted, updated or retired."""
        return sum(row["rows_written"] for row in self.batches)

    def figures(self) -> dict[str, float]:
        """Returns the numbers that are compared from run to run."""
        found: dict[str, float] = {row["step"]: row["records"] for row in self.funnel}
        for outcome in OUTCOMES:
            found[f"outcome_{outcome}"] = sum(
                row["records"] for row in self.balance if row["outcome"] == outcome
            )
        found.update({row["queue"]: row["open"] for row in self.queues})
        return found


def collect(reader: Reader, *, with_keys: bool = False) -> Facts:
    """Reads everything the report shows from one snapshot.

    Args:
        reader: the snapshot.
        with_keys: also read the numbers of the records that wait for people.

    Returns:
        The facts; parts whose relations are not there are empty and named in `missing`.
    """
    facts = Facts(missing=reader.missing)
    facts.runs = reader.rows("batches", _RUNS)
    facts.run = facts.runs[0] if facts.runs else None
    facts.extract = reader.row("extract", _EXTRACT)
    facts.audit = reader.rows("extract", _AUDIT)
    facts.balance = sorted(
        reader.rows("balance", _BALANCE),
        key=lambda row: (
            OUTCOMES.index(row["outcome"]) if row["outcome"] in OUTCOMES else len(OUTCOMES)
        ),
    )
    facts.funnel = _funnel(reader, facts.balance)
    facts.acceptance = sorted(reader.rows("acceptance", _ACCEPTANCE), key=_place)
    facts.gates = reader.rows("gates", _GATES)
    facts.channels = reader.rows("channels", _CHANNELS)
    facts.countries = reader.rows("countries", _COUNTRIES)
    facts.reach = reader.rows("channels", _REACH)
    facts.rules = reader.rows("duplicates", _RULES)
    facts.sizes = reader.rows("duplicates", _SIZES)
    facts.queues = [row for queue in QUEUES for row in _queue(reader, queue)]
    facts.reasons = [
        row
        for queue in ("quarantine", "review_queue")
        for row in reader.rows(queue, _REASONS[queue])
    ]
    facts.plan = reader.rows("plan", _PLAN)
    if facts.run:
        facts.written = reader.rows("batches", _WRITTEN, facts.run["run_id"])
        facts.batches = reader.rows("batches", _BATCHES, facts.run["run_id"])
        facts.events = reader.rows("events", _EVENTS, facts.run["run_id"])
    facts.qa = reader.rows("qa", _QA)
    facts.steps = reader.rows("cutover", _STEPS)
    if with_keys:
        facts.keys = [row for part, query in _KEYS.items() for row in reader.rows(part, query)]
    facts.is_sample = bool(reader.rows("extract", _SAMPLE))
    return facts


def _place(criterion: Row) -> tuple[bool, int]:
    """Orders the criteria as the Owner reads them, what fails first."""
    known = criterion["gate"] in CRITERIA
    place = CRITERIA.index(criterion["gate"]) if known else len(CRITERIA)
    return bool(criterion["is_met"]), place


def _funnel(reader: Reader, balance: list[Row]) -> list[Row]:
    if not balance:
        return []
    extracted = sum(row["records"] for row in balance)
    excluded = sum(row["records"] for row in balance if row["outcome"] == "excluded")
    steps = [
        {"step": "step_extracted", "records": extracted},
        {"step": "step_in_scope", "records": extracted - excluded},
    ]
    clients = reader.row("funnel", _CLIENTS)
    if clients:
        steps.append({"step": "step_customers", "records": clients["clients"]})
    live = reader.row("funnel", _LIVE)
    if live:
        steps.append({"step": "step_live", "records": live["active"]})
        steps.append({"step": "step_complete", "records": live["complete"]})
    return steps


def _queue(reader: Reader, queue: str) -> list[Row]:
    condition = "is_open" if queue == "quarantine" else "true"
    statement = _QUEUE.replace("{queue}", queue).replace("{condition}", condition)
    return reader.rows(queue, statement, queue)


_RUNS = """
    select
        runs.run_id,
        runs.operator,
        runs.started_at,
        runs.finished_at,
        runs.status,
        extract(epoch from runs.finished_at - runs.started_at)::float as seconds,
        coalesce(sum(batches.rows_inserted), 0)::bigint as inserted,
        coalesce(sum(batches.rows_updated), 0)::bigint as updated,
        coalesce(sum(batches.rows_retired), 0)::bigint as retired
    from {layer}migration.runs as runs
    left join {layer}migration.batches as batches on runs.run_id = batches.run_id
    where runs.kind = 'publish'
    group by
        runs.run_id, runs.operator, runs.started_at, runs.finished_at, runs.status
    order by runs.started_at desc
    limit 8
"""

_EXTRACT = """
    select run_id, mode, status, started_at, finished_at, requests_used, requests_floor
    from planfix_raw.extract_runs
    order by started_at desc
    limit 1
"""

_AUDIT = """
    select object, expected, loaded, difference, verdict
    from planfix_raw.extract_audit
    where run_id = (
        select run_id from planfix_raw.extract_runs order by started_at desc limit 1
    )
    order by object collate "C"
"""

_BALANCE = """
    select coalesce(outcome, 'none') as outcome, reason, count(*) as records
    from {layer}quality.reconciliation_records
    group by 1, 2
    order by 3 desc, 1, 2
"""

_CLIENTS = "select count(*) as clients from {layer}ready.customers where status = 'active'"

_LIVE = """
    select
        count(*) filter (where status = 'active') as active,
        count(*) filter (where status = 'active' and not incomplete_profile) as complete
    from {live}.customers
"""

_ACCEPTANCE = """
    select
        criterion as gate,
        description,
        value::float,
        comparison,
        limit_value::float,
        unit,
        passed as is_met,
        waived_by,
        waived_until
    from {layer}quality.acceptance
"""

_GATES = """
    select
        gate,
        criterion as description,
        value::float,
        comparison,
        limit_value::float,
        unit,
        is_met,
        waived_by,
        waived_until,
        waiver_reason
    from {layer}quality.migration_gates
    where area <> 'acceptance'
    order by is_met, gate
"""

_CHANNELS = """
    select
        coalesce(found.channel, live.channel) as channel,
        coalesce(found.valid, 0)::bigint as valid,
        coalesce(found.rejected, 0)::bigint as rejected,
        coalesce(live.clients, 0) as clients
    from (
        select
            channel,
            sum(points) filter (where verdict = 'valid') as valid,
            sum(points) filter (where verdict = 'rejected') as rejected
        from {layer}quality.contact_point_quality
        group by channel
    ) as found
    full outer join (
        select channel, count(distinct customer_id) as clients
        from {live}.customer_contacts
        group by channel
    ) as live on found.channel = live.channel
    order by coalesce(found.valid, 0) + coalesce(found.rejected, 0) desc, 1
"""

_REACH = """
    with counted as (
        select
            country_code,
            sum(points) as points,
            sum(points) filter (where channel = 'phone' and verdict = 'valid') as phones,
            sum(points) filter (where channel = 'phone' and verdict = 'rejected')
                as phones_rejected,
            sum(points) filter (where channel = 'email' and verdict = 'valid') as emails,
            sum(points) filter (where channel = 'email' and verdict = 'rejected')
                as emails_rejected
        from {layer}quality.contact_point_quality
        group by country_code
    )

    select
        country_code,
        coalesce(phones, 0)::bigint as phones,
        coalesce(phones_rejected, 0)::bigint as phones_rejected,
        coalesce(emails, 0)::bigint as emails,
        coalesce(emails_rejected, 0)::bigint as emails_rejected
    from counted
    order by points desc, country_code
"""

_COUNTRIES = """
    with reach as (
        select
            customers.country_code,
            bool_or(contacts.channel = 'phone') as has_phone,
            bool_or(contacts.channel = 'email') as has_email,
            bool_or(contacts.channel is not null) as has_any
        from {live}.customers as customers
        left join {live}.customer_contacts as contacts on customers.id = contacts.customer_id
        where customers.status = 'active'
        group by customers.id, customers.country_code
    )

    select
        country_code,
        count(*) as clients,
        count(*) filter (where has_phone) as with_phone,
        count(*) filter (where has_email) as with_email,
        count(*) filter (where not has_any) as incomplete
    from reach
    group by country_code
    order by count(*) desc, country_code
"""

_RULES = """
    select
        links.rule_id as rule,
        rules.description,
        rules.link_class as strength,
        count(*) as links
    from {layer}intermediate.int_match_links__scored as links
    left join {layer}seeds.match_rules as rules on links.rule_id = rules.rule_id
    group by 1, 2, 3
    order by 4 desc, 1
"""

_SIZES = """
    select least(cluster_size, 5) as size, count(distinct cluster_id) as clients
    from {layer}intermediate.int_clusters__final
    group by 1
    order by 1
"""

_QUEUE = """
    select
        %s::text as queue,
        count(*) as open,
        count(*) filter (where first_seen_at < now() - interval '7 days') as over_a_week,
        extract(day from now() - min(first_seen_at))::int as oldest_days
    from {layer}quality.{queue}
    where {condition}
"""

_REASONS = {
    "quarantine": """
        select 'quarantine' as queue, items.reason_code, reasons.sentence, count(*) as open
        from {layer}quality.quarantine as items
        left join {layer}seeds.reason_codes as reasons on items.reason_code = reasons.reason_code
        where items.is_open
        group by items.reason_code, reasons.sentence
        order by count(*) desc, items.reason_code
    """,
    "review_queue": """
        select 'review_queue' as queue, reason_code, min(reason) as sentence, count(*) as open
        from {layer}quality.review_queue
        group by reason_code
        order by count(*) desc, reason_code
    """,
}

_PLAN = """
    select table_name, action, sum(planned_rows)::bigint as rows
    from (
        select table_name, action, count(distinct row_key) as planned_rows
        from {layer}publish.publish_plan
        group by table_name, action
        union all
        -- rows that stay as they are have no row in the plan
        select table_name, action, planned_rows
        from {layer}publish.publish_plan_summary
        where action = 'no_change' and column_group is null and reason <> 'gone_on_both_sides'
    ) as plans
    group by 1, 2
    order by 1, 2
"""

_WRITTEN = """
    select
        regexp_replace(counts.name, '_(inserted|updated|retired)$', '') as table_name,
        substring(counts.name from '_(inserted|updated|retired)$') as what,
        sum(counts.rows_written::bigint)::bigint as rows_written
    from {layer}migration.batches as batches
    cross join lateral jsonb_each_text(batches.counts) as counts (name, rows_written)
    where batches.run_id = %s
    group by 1, 2
    order by 1, 2
"""

_BATCHES = """
    select
        batch_number,
        rows_inserted + rows_updated + rows_retired as rows_written,
        rows_inserted,
        rows_updated,
        rows_retired,
        extract(epoch from finished_at - started_at)::float as seconds
    from {layer}migration.batches
    where run_id = %s
    order by batch_number
"""

_EVENTS = """
    select event, count(*) as events
    from {layer}migration.identity_events
    where run_id = %s
    group by event
    order by count(*) desc, event
"""

_QA = """
    with judged as (
        select distinct on (sample_key) sample_key, verdict
        from {layer}migration.qa_verdicts
        order by sample_key, verdict_id desc
    )

    select
        sample.kind,
        sample.is_merged,
        sample.is_incomplete,
        count(*) as drawn,
        count(*) filter (where judged.verdict = 'correct') as correct,
        count(*) filter (where judged.verdict = 'wrong') as wrong,
        count(*) filter (where judged.verdict = 'unsure') as unsure,
        count(*) filter (where judged.verdict is null) as waiting
    from {layer}quality.qa_sample as sample
    left join judged on sample.sample_key = judged.sample_key
    group by 1, 2, 3
    order by 1, 2, 3
"""

# numbers of cards and clients, codes of reasons; never a value
_KEYS = {
    "review_queue": """
        select
            'review_queue' as queue,
            array_to_string(planfix_ids, ', ') as numbers,
            reason_code,
            first_seen_at
        from {layer}quality.review_queue
        order by priority, case_id
        limit 200
    """,
    "quarantine": """
        select
            'quarantine' as queue,
            planfix_id::text as numbers,
            reason_code,
            first_seen_at
        from {layer}quality.quarantine
        where is_open
        order by reason_code, planfix_id
        limit 500
    """,
}

_STEPS = """
    select step, is_done, detail
    from {layer}publish.cutover_status
    order by step_number
"""

# Planfix itself is never on this machine
_SAMPLE = """
    select account
    from planfix_raw.extract_runs
    where account ~ '^(127\\.0\\.0\\.1|localhost|\\[::1\\])(:|$)'
    limit 1
"""
