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
        extract: the last extract run.
        audit: expected and loaded rows per object of that extract.
        funnel: step and number of records or clients, from source to live.
        balance: records per outcome and reason.
        acceptance: criteria with value, limit and result.
        gates: gates with value, limit, result and waiver.
        channels: valid and rejected contact points per channel.
        countries: clients per country, and how many can be reached.
        rules: links per matching rule and strength.
        sizes: clients per number of source records.
        queues: size and age of everything that waits for people.
        reasons: the same per queue and reason code.
        plan: planned rows per live table and action.
        batches: the batches of the last run, in order.
        events: identity events of the last run.
        qa: verdicts on the QA sample per stratum.
        steps: steps of the cutover, done or not.
        is_sample: true for the bundled sample account.
        missing: parts that could not be read.
    """

    run: Row | None = None
    extract: Row | None = None
    audit: list[Row] = field(default_factory=list)
    funnel: list[Row] = field(default_factory=list)
    balance: list[Row] = field(default_factory=list)
    acceptance: list[Row] = field(default_factory=list)
    gates: list[Row] = field(default_factory=list)
    channels: list[Row] = field(default_factory=list)
    countries: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    sizes: list[Row] = field(default_factory=list)
    queues: list[Row] = field(default_factory=list)
    reasons: list[Row] = field(default_factory=list)
    plan: list[Row] = field(default_factory=list)
    batches: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    qa: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
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


def collect(reader: Reader) -> Facts:
    """Reads everything the report shows from one snapshot.

    Args:
        reader: the snapshot.

    Returns:
        The facts; parts whose relations are not there are empty and named in `missing`.
    """
    facts = Facts(missing=reader.missing)
    facts.run = reader.row("batches", _RUN)
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
        facts.batches = reader.rows("batches", _BATCHES, facts.run["run_id"])
        facts.events = reader.rows("events", _EVENTS, facts.run["run_id"])
    facts.qa = reader.rows("qa", _QA)
    facts.steps = reader.rows("cutover", _STEPS)
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


_RUN = """
    select
        run_id,
        target,
        operator,
        started_at,
        finished_at,
        status,
        extract(epoch from finished_at - started_at)::float as seconds
    from {layer}migration.runs
    where kind = 'publish'
    order by started_at desc
    limit 1
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
    select table_name, action, count(distinct row_key) as rows
    from {layer}publish.publish_plan
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
