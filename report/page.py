"""The report page: one self-contained HTML file, without scripts and without network."""

from __future__ import annotations

import functools
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from babel import Locale
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from report import charts, messages
from report.facts import OUTCOMES, QUEUES, Facts
from report.reader import Row

COUNTRIES_SHOWN = 10
CHANNELS = {
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "viber": "Viber",
    "skype": "Skype",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "vk": "VK",
}
ACTIONS = (
    "insert",
    "adopt",
    "update",
    "no_change",
    "keep_crm_edit",
    "conflict",
    "retire",
)


@dataclass(frozen=True)
class Heading:
    """What stands above the figures.

    Attributes:
        database: where the figures come from, without a password.
        made_at: when the page was made.
        is_dry_run: true when it shows the dry run's copy.
        is_internal: true for the page that names people of the team and record numbers; the
            other one has counts only.
    """

    database: str
    made_at: datetime
    is_dry_run: bool = False
    is_internal: bool = False


def render(
    facts: Facts, heading: Heading, language: str, before: dict[str, float] | None = None
) -> str:
    """Renders the page.

    Args:
        facts: what to tell.
        heading: where and when.
        language: `en` or `ru`.
        before: figures of the run before, if there was one.

    Returns:
        The HTML text.
    """
    environment = Environment(
        loader=PackageLoader("report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = functools.partial(messages.text, language)
    number = functools.partial(messages.number, language)
    label = functools.partial(messages.label, language)
    environment.filters.update(number=number, code=_with_code)
    environment.globals.update(t=text, label=label)
    return environment.get_template("report.html").render(
        language=language,
        heading=heading,
        facts=facts,
        outcomes=OUTCOMES,
        verdict=_verdict(facts),
        tiles=_tiles(facts, language),
        funnel_chart=_funnel_chart(facts, language),
        channel_chart=_channel_chart(facts, language),
        countries=_countries(facts, language),
        country_chart=_country_chart(facts, language),
        reach=_most(
            facts.reach, ("phones", "phones_rejected", "emails", "emails_rejected"), language
        ),
        balance=_balance(facts),
        plan=_plan(facts),
        actions=[
            action for action in ACTIONS if any(row["action"] == action for row in facts.plan)
        ],
        written=_written(facts),
        batches=_batches(facts, language),
        changes=_changes(facts, before, language),
        steps=_steps(facts, language),
        percent=functools.partial(_percent, language),
        measure=functools.partial(_measure, language),
        name=functools.partial(_name, language),
        reason=functools.partial(_reason, language),
        rule=functools.partial(_rule, language),
        joined=functools.partial(_joined, language),
        channel=functools.partial(_channel, language),
        moment=_moment,
    )


def _verdict(facts: Facts) -> tuple[str, str]:
    """Returns the key of the page's first sentence and its colour."""
    waived = any(_is_waived(gate) for gate in _judged(facts))
    if facts.is_accepted is None:
        return "verdict_unknown", "unknown"
    if _failing(facts) or facts.unbalanced:
        return "verdict_failed", "bad"
    return ("verdict_waived", "waived") if waived else ("verdict_ready", "good")


def _tiles(facts: Facts, language: str) -> list[tuple[str, str, str]]:
    """Returns the figures that stand above all others: text, figure and colour."""
    text = functools.partial(messages.text, language)
    number = functools.partial(messages.number, language)
    steps = {row["step"]: row["records"] for row in facts.funnel}
    found = []
    if steps:
        found.append((text("tile_source"), number(steps["step_extracted"]), ""))
    if "step_live" in steps:
        found.append((text("tile_live"), number(steps["step_live"]), ""))
    if "step_in_scope" in steps:
        merged = sum(row["records"] for row in facts.balance if row["outcome"] == "merged")
        share = _percent(language, merged, steps["step_in_scope"])
        found.append((text("tile_merged"), share, ""))
    if steps.get("step_live"):
        share = _percent(language, steps["step_complete"], steps["step_live"])
        found.append((text("tile_reachable"), share, ""))
    if facts.queues:
        waiting = sum(row["open"] for row in facts.queues)
        found.append((text("tile_waiting"), number(waiting), "waived" if waiting else "good"))
    if facts.acceptance:
        judged = _judged(facts)
        passed = f"{len(judged) - len(_failing(facts))}/{len(judged)}"
        found.append((text("tile_gates"), passed, _verdict(facts)[1]))
    return found


def _balance(facts: Facts) -> list[tuple[str, int, list[Row]]]:
    """Returns each outcome with its total and, where there are several, its reasons."""
    groups: dict[str, list[Row]] = {}
    for row in facts.balance:
        groups.setdefault(row["outcome"], []).append(row)
    return [
        (outcome, sum(row["records"] for row in rows), rows) for outcome, rows in groups.items()
    ]


def _judged(facts: Facts) -> list[Row]:
    return [*facts.acceptance, *facts.gates]


def _failing(facts: Facts) -> list[Row]:
    return [gate for gate in _judged(facts) if not gate["is_met"] and not _is_waived(gate)]


def _is_waived(gate: Row) -> bool:
    return bool(gate.get("waived_by"))


def _funnel_chart(facts: Facts, language: str) -> Markup | None:
    if not facts.funnel:
        return None
    return charts.bars(
        "funnel",
        [messages.text(language, row["step"]) for row in facts.funnel],
        [(messages.text(language, "records"), [row["records"] for row in facts.funnel])],
        functools.partial(messages.number, language),
    )


def _channel_chart(facts: Facts, language: str) -> Markup | None:
    if not facts.channels:
        return None
    return charts.bars(
        "channels",
        [_channel(language, row["channel"]) for row in facts.channels],
        [
            (messages.text(language, key), [row[key] for row in facts.channels])
            for key in ("valid", "rejected")
        ],
        functools.partial(messages.number, language),
    )


def _countries(facts: Facts, language: str) -> list[Row]:
    """Returns the countries with most clients, the others summed up in the last row."""
    return _most(facts.countries, ("clients", "with_phone", "with_email", "incomplete"), language)


def _most(rows: list[Row], figures: tuple[str, ...], language: str) -> list[Row]:
    """Names the countries of the first rows and sums up the others."""
    shown = [{**row, "country": _country(language, row["country_code"])} for row in rows]
    rest = shown[COUNTRIES_SHOWN:]
    if len(rest) < 2:
        return shown
    total = {figure: sum(row[figure] for row in rest) for figure in figures}
    name = f"{messages.text(language, 'country_rest')} ({len(rest)})"
    return [*shown[:COUNTRIES_SHOWN], {**total, "country": name}]


def _country(language: str, code: str | None) -> str:
    if not code:
        return messages.text(language, "country_none")
    return str(Locale(language).territories.get(code, code))


def _channel(language: str, channel: str) -> str:
    key = f"channel_{channel}"
    if key in messages.TEXTS:
        return messages.text(language, key)
    return CHANNELS.get(channel, channel)


def _country_chart(facts: Facts, language: str) -> Markup | None:
    rows = _countries(facts, language)
    if not rows:
        return None
    reachable = [row["clients"] - row["incomplete"] for row in rows]
    return charts.bars(
        "countries",
        [row["country"] for row in rows],
        [
            (messages.text(language, "reachable"), reachable),
            (messages.text(language, "unreachable"), [row["incomplete"] for row in rows]),
        ],
        functools.partial(messages.number, language),
    )


def _plan(facts: Facts) -> dict[str, dict[str, int]]:
    tables: dict[str, dict[str, int]] = {}
    for row in facts.plan:
        tables.setdefault(row["table_name"], {})[row["action"]] = row["rows"]
    return tables


def _written(facts: Facts) -> dict[str, dict[str, int]]:
    """Returns the rows that the last run inserted, updated and retired per table."""
    tables: dict[str, dict[str, int]] = {}
    for row in facts.written:
        tables.setdefault(row["table_name"], {})[row["what"] or ""] = row["rows_written"]
    return tables


def _batches(facts: Facts, language: str) -> dict[str, Any] | None:
    if not facts.batches:
        return None
    number = functools.partial(messages.number, language)
    seconds = [row["seconds"] for row in facts.batches]
    return {
        "chart": charts.columns(
            "batches",
            messages.text(language, "seconds"),
            charts.bundled(seconds),
            functools.partial(messages.number, language, digits=2),
        ),
        "summary": messages.text(
            language,
            "batches_summary",
            batches=number(len(seconds)),
            rows=number(facts.rows_written),
            seconds=number(sum(seconds), 1),
            slowest=number(max(seconds), 2),
            typical=number(statistics.median(seconds), 2),
        ),
    }


def _changes(facts: Facts, before: dict[str, float] | None, language: str) -> list[Row] | None:
    """Returns the figures that can be compared, or None when this is the first run."""
    if before is None:
        return None
    return [
        {
            # a heading of the balance goes on with its reasons
            "figure": messages.text(language, key).removesuffix(":").removesuffix(", by"),
            "before": before[key],
            "now": value,
        }
        for key, value in facts.figures().items()
        if key in before
    ]


def _steps(facts: Facts, language: str) -> list[str]:
    """Returns what to do next, the most pressing first."""
    text = functools.partial(messages.text, language)
    number = functools.partial(messages.number, language)
    if not facts.balance:
        return [text("next_extract_first" if "extract" in facts.missing else "next_build")]
    steps = [
        text("next_extract", name=row["object"])
        for row in facts.audit
        if row["verdict"] in {"short", "missing_field"}
    ]
    failing = _failing(facts)
    steps += [text("next_gate", name=_name(language, gate)) for gate in failing]
    waiting = {row["queue"]: row["open"] for row in facts.queues}
    steps += [
        text(f"next_{queue}", count=number(waiting[queue]))
        for queue in ("review_queue", *(name for name in QUEUES if name != "review_queue"))
        if waiting.get(queue)
    ]
    conflicts = sum(row["rows"] for row in facts.plan if row["action"] == "conflict")
    if conflicts:
        steps.append(text("next_conflicts", count=number(conflicts)))
    unseen = sum(row["waiting"] for row in facts.qa)
    if unseen:
        steps.append(text("next_qa", count=number(unseen)))
    if facts.is_done("purge"):
        steps.append(text("next_nothing"))
    elif facts.is_done("sign_off"):
        steps.append(text("next_signed"))
    elif facts.acceptance and not failing and not facts.unbalanced and not unseen:
        steps.append(text("next_sign_off"))
    return steps


def _with_code(sentence: str) -> Markup:
    """Shows what stands between backticks as a command."""
    parts = [
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(sentence.split("`"))
    ]
    return Markup("").join(parts)


def _percent(language: str, part: float, whole: float) -> str:
    if not whole:
        return "–"
    return _share(language, part / whole)


def _name(language: str, gate: Row) -> str:
    """Returns what a gate is called: our text, else the sentence of its own seed."""
    key = f"gate_{gate['gate']}"
    return messages.text(language, key) if key in messages.TEXTS else str(gate["description"])


def _rule(language: str, row: Row) -> str:
    """Returns what a matching rule is called: our short name, else the seed's sentence."""
    known = messages.RUSSIAN if language == "ru" else messages.ENGLISH
    if row["rule"] not in known and row["description"]:
        return str(row["description"])
    return messages.label(language, "rule", str(row["rule"]))


def _joined(language: str, reason: str) -> str:
    """Returns the reason of an outcome; that of a merge is the rule behind it."""
    rule = reason.removeprefix("joined_by_")
    if rule == reason:
        return messages.label(language, "reason", reason)
    return messages.text(language, "joined_by", rule=messages.label(language, "rule", rule))


def _reason(language: str, row: Row) -> str:
    """Returns a reason in words: Russian ones are ours, English ones stand in the seed."""
    if language == "en" and row["sentence"]:
        return str(row["sentence"])
    return messages.label(language, "reason", str(row["reason_code"]))


def _measure(language: str, value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return _share(language, value)
    return messages.number(language, value, 0 if value == int(value) else 2)


def _share(language: str, value: float) -> str:
    """Returns a share as a percentage that is never rounded up to all or down to none."""
    percent = 100 * value
    digits = 0 if percent == int(percent) else 1 if 10 <= percent < 99.9 else 2
    while digits and round(percent, digits) in (0, 100) and digits < 6:
        digits += 1
    return messages.number(language, percent, digits) + "\u202f%"


def _moment(value: datetime | None) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if value else "–"
