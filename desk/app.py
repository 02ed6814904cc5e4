"""The desk's pages. Each POST appends decision rows or writes one answer, then goes to a page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations, pairwise
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import yaml
from flask import (
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from desk import answers, cards, workbook
from desk.access import Doors, guard, reviewer
from desk.store import ALL, PAGE, Asked, NotValidError, Row, StaleError, Store, UnknownError
from loaders import settings
from loaders.errors import DatabaseError, UserError

STALE = "Somebody decided this meanwhile. Nothing was written; here is the state of now."
GONE = "it is no longer in the queue"
UNDO_STEPS = 20
SHOWN_LINES = 20
# what a reviewer compares, in this order; keys of a record and their titles
FIELDS = (
    ("planfix_id", "Number"),
    ("kind", "Kind"),
    ("display_name", "Name"),
    ("given_name", "Given name"),
    ("middle_name", "Patronymic"),
    ("family_name", "Family name"),
    ("company_name", "Company"),
    ("position", "Position"),
    ("phones", "Phones"),
    ("emails", "E-mail"),
    ("messengers", "Messengers"),
    ("birth_date", "Born"),
    ("gender", "Gender"),
    ("city", "City"),
    ("country_code", "Country"),
    ("address", "Address"),
    ("website", "Site"),
    ("language", "Language"),
    ("timezone", "Time zone"),
    ("registration_number", "Registration no."),
    ("group_name", "Group"),
    ("owner_name", "Manager"),
    ("tags", "Tags"),
    ("trips", "Trips"),
    ("created", "Created"),
    ("updated", "Updated"),
)
LISTS = {"phones", "emails", "messengers", "tags"}
WORKBOOKS = {"review": workbook.REVIEW, "quarantine": workbook.QUARANTINE}
SignOff = Callable[[str, str], tuple[bool, str]]


def side_by_side(records: list[Row]) -> list[Row]:
    """Returns one row per field that any record has, marked where the records differ."""
    table = []
    for key, title in FIELDS:
        values = [record[key] for record in records]
        if all(value in (None, "") for value in values):
            continue
        said = {str(value).casefold() for value in values if value not in (None, "")}
        differs = key not in {"planfix_id", "created", "updated", "trips"} and len(said) > 1
        table.append(
            {
                "key": key,
                "title": title,
                "values": values,
                "differs": differs,
                "pieces": cards.marked(values, key in LISTS) if differs else None,
            }
        )
    return table


def asked(found: Row, verdict: str) -> list[Asked]:
    """Returns one verdict for every pair that a case asks about."""
    return [
        Asked(pair["left_planfix_id"], pair["right_planfix_id"], verdict)
        for pair in found["asked_pairs"]
    ]


def judged_pairs(groups: dict[int, str], questions: list[Asked]) -> list[Asked]:
    """Returns the verdicts that put records into persons: same within one, different across.

    Args:
        groups: person of each record.
        questions: the pairs that the case asks about; each gets a verdict of its own, since it
            is asked again otherwise.

    Returns:
        Within a person a chain is enough; across persons every pair is said, so that a link
        somewhere else cannot bring them together.
    """
    verdicts = {}
    members: dict[str, list[int]] = {}
    for number in sorted(groups):
        members.setdefault(groups[number], []).append(number)
    for numbers in members.values():
        verdicts.update(dict.fromkeys(pairwise(numbers), "same"))
    for one, other in combinations(members.values(), 2):
        for left in one:
            for right in other:
                verdicts[min(left, right), max(left, right)] = "different"
    for pair in questions:
        is_same = groups[pair.left] == groups[pair.right]
        verdicts[pair.left, pair.right] = "same" if is_same else "different"
    return [Asked(left, right, verdict) for (left, right), verdict in sorted(verdicts.items())]


def sign_off_by_dbt(who: str, comment: str) -> tuple[bool, str]:
    """Signs off as the command line does; returns whether it worked, and what was said."""
    arguments = yaml.safe_dump({"signed_by": who, "comment": comment}, allow_unicode=True)
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dbt"), "--quiet", "run-operation", "sign_off"]
        + ["--args", arguments],
        cwd=settings.PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout.strip()[-4000:]


def create_app(
    store: Store,
    doors: Doors,
    hosts: set[str],
    owners: frozenset[str] = frozenset(),
    sign_off: SignOff = sign_off_by_dbt,
) -> Flask:
    """Builds the application.

    Args:
        store: the database.
        doors: the one-time links.
        hosts: names with port under which it may be addressed.
        owners: reviewers who may sign off.
        sign_off: carries a sign-off out.
    """
    app = Flask(__name__)

    def entered(name: str) -> None:
        # whoever comes before the first build is told so by the first page
        with suppress(DatabaseError):
            store.note(name, "enter", "desk", "enter")

    guard(app, doors, hosts, entered)
    app.jinja_env.filters["tuple_of"] = tuple
    app.jinja_env.filters["version"] = answers.version

    # of this process, not in the cookie: a cookie holds 4 kB
    done_by: dict[str, list[dict[str, Any]]] = {}
    told: dict[str, str] = {}

    def remember(**action: Any) -> None:
        steps = done_by.setdefault(reviewer(), [])
        steps.append(action)
        del steps[:-UNDO_STEPS]

    def note(page: str, item: str, action: str, detail: str = "") -> None:
        store.note(reviewer(), page, item, action, detail)

    def stale(page: str, item: str, action: str, target: BaseResponse) -> BaseResponse:
        note(page, item, action, "stale: nothing was written")
        flash(STALE, "bad")
        return target

    def place() -> dict[str, Any]:
        """Returns the filter of a list, as it stands in the address or the form."""
        names = ("status", "reason", "field", "number")
        given = {name: request.values.get(name, "") for name in names}
        return {**given, "status": given["status"] or "open"}

    def skipped() -> int:
        text = request.args.get("after", "0")
        return int(text) if text.isdigit() and len(text) < 9 else 0

    @app.errorhandler(UnknownError)
    def unknown(_error: UnknownError) -> tuple[str, int]:
        message = "This is no longer in the queue: it was settled, or the data was built anew."
        return render_template("error.html", message=message), 404

    @app.errorhandler(UserError)
    def refused(error: UserError) -> tuple[str, int]:
        return render_template("error.html", message=str(error)), 409

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> tuple[str, int]:
        return (
            render_template("error.html", message=error.description or error.name),
            error.code or 500,
        )

    @app.get("/")
    def home() -> str:
        found = store.overview()
        for name in answers.WORKLISTS:
            given = answers.answered(name)
            found[name]["done"] = sum(
                answers.key_of(name, row) in given for row in store.worklist(name)
            )
        return render_template("home.html", overview=found, gates=store.gates())

    # --- review ---

    @app.get("/review")
    def review() -> str:
        chosen = place()
        after = skipped()
        cases = store.cases(chosen["status"], chosen["reason"], chosen["number"], after)
        return render_template(
            "review.html",
            cases=cases,
            chosen=chosen,
            after=after,
            page=PAGE,
            reasons=store.reasons("review"),
            progress_of=store.overview("review")["review"],
        )

    @app.get("/review/<path:case_id>")
    def case(case_id: str) -> str:
        found = store.case(case_id)
        return render_template(
            "case.html",
            case=found,
            table=side_by_side(found["records"]),
            letters=ascii_uppercase,
            persons=_persons(found["records"]),
            chosen=place(),
            progress_of=store.overview("review")["review"],
        )

    @app.post("/review/<path:case_id>")
    def decide(case_id: str) -> BaseResponse:
        found = store.case(case_id)
        verdict = request.form.get("verdict", "")
        reason = place()["reason"] or None
        if verdict in {"same", "different", "unsure"}:
            pairs = asked(found, verdict)
        elif verdict == "split":
            persons = {
                record["planfix_id"]: request.form.get(f"group_{record['planfix_id']}", "")
                for record in found["records"]
            }
            pairs = judged_pairs(persons, asked(found, ""))
        else:
            abort(400, "No such decision.")
        try:
            newest = store.decide(
                case_id, pairs, _version(), request.form.get("why", "").strip()[:500], reviewer()
            )
        except StaleError:
            target = redirect(url_for("case", case_id=case_id, reason=reason))
            return stale("review", case_id, verdict, target)
        note("review", case_id, verdict)
        remember(
            kind="review",
            key=case_id,
            seen=newest,
            pairs=[(pair.left, pair.right) for pair in pairs],
        )
        flash(f"{case_id}: {verdict}.", "good")
        following = store.next_case(case_id, reason or "")
        if following is None:
            return redirect(url_for("review", reason=reason))
        return redirect(url_for("case", case_id=following, reason=reason))

    # --- quarantine ---

    @app.get("/quarantine")
    def quarantine() -> str:
        chosen = place()
        after = skipped()
        values = store.values(chosen["status"], chosen["reason"], chosen["field"], after)
        return render_template(
            "quarantine.html",
            values=values,
            chosen=chosen,
            after=after,
            page=PAGE,
            reasons=store.reasons("quarantine"),
            fields=store.reasons("fields"),
            progress_of=store.overview("quarantine")["quarantine"],
            mapped=answers.VALUES,
            answered={name: answers.answered(name) for name in set(answers.VALUES.values())},
            question=answers.QUESTIONS,
        )

    @app.post("/quarantine")
    def decide_value() -> BaseResponse:
        action = request.form.get("action", "")
        corrected = request.form.get("corrected", "").strip()
        key = request.form.get("key", "")
        back = redirect(url_for("quarantine", **place()))
        if action not in {"accept", "correct", "drop", "withdraw"}:
            abort(400, "No such decision.")
        if action == "correct" and not corrected:
            flash("Write the right value first.", "bad")
            return back
        try:
            newest = store.decide_value(
                key, action, corrected if action == "correct" else None, _seen(), reviewer()
            )
        except StaleError:
            return stale("quarantine", key, action, back)
        except NotValidError as error:
            note("quarantine", key, action, "not valid: nothing was written")
            flash(f"{key}: {error}", "bad")
            return back
        note("quarantine", key, action)
        remember(kind="value", key=key, seen=newest)
        flash(f"{key}: {action}.", "good")
        return back

    # --- worklists ---

    @app.get("/worklist/<name>")
    def worklist(name: str) -> str:
        if name not in answers.WORKLISTS:
            abort(404)
        question = answers.QUESTIONS[name]
        return render_template(
            "worklist.html",
            name=name,
            rows=store.worklist(name),
            answered=answers.answered(name),
            question=question,
            users=store.users() if name == "managers" else [],
            folder=answers.folder(),
        )

    @app.post("/worklist/<name>")
    def answer(name: str) -> BaseResponse:
        if name not in answers.QUESTIONS:
            abort(404)
        values = {
            column.removeprefix("value_"): text.strip()
            for column, text in request.form.items()
            if column.startswith("value_")
        }
        question = answers.QUESTIONS[name]
        if any(not values.get(column) for column in question.key):
            abort(400, "The value to map is missing.")
        key = tuple(values[column] for column in question.key)
        item = " / ".join(key)
        seen = request.form.get("seen", "")
        before = answers.answered(name).get(key)
        target = redirect(
            url_for("worklist", name=name)
            if name in answers.WORKLISTS
            else url_for("quarantine", **place())
        )
        try:
            if request.form.get("action") == "withdraw":
                answers.withdraw(name, key, seen)
                after = answers.version(None)
                note(name, item, "withdraw", question.file)
                flash("Taken back.", "good")
            else:
                after = answers.answer(name, values, seen)
                given = {
                    column: text for column, text in values.items() if column not in question.key
                }
                note(name, item, "answer", f"{question.file}: {given}")
                flash(f"Written to {question.file}; the next dbt build reads it.", "good")
        except answers.ChangedError:
            return stale(name, item, request.form.get("action") or "answer", target)
        remember(kind="answer", name=name, key=key, before=before, seen=after)
        return target

    # --- survivors ---

    @app.get("/customer/<uuid:customer_id>")
    def customer(customer_id: Any) -> str:
        found = store.customer(str(customer_id))
        return render_template(
            "customer.html", customer=found, table=side_by_side(found["records"])
        )

    @app.post("/customer/<uuid:customer_id>")
    def pick(customer_id: Any) -> BaseResponse:
        number = request.form.get("planfix_id", "")
        if not number.isdigit():
            abort(400, "Choose a record.")
        field = request.form.get("field", "")
        try:
            before, newest = store.pick(str(customer_id), field, int(number), _seen(), reviewer())
        except StaleError:
            target = redirect(url_for("customer", customer_id=customer_id))
            return stale("customer", f"{customer_id} {field}", "pick", target)
        note("customer", f"{customer_id} {field}", "pick", f"card {number}")
        remember(kind="field", key=str(customer_id), field=field, before=before, seen=newest)
        flash("Chosen; the next dbt build takes this value.", "good")
        return redirect(url_for("customer", customer_id=customer_id))

    # --- QA sample ---

    @app.get("/qa")
    def qa() -> str:
        return render_template("qa.html", samples=store.samples())

    @app.get("/qa/<sample_key>")
    def sample(sample_key: str) -> str:
        found = store.sample(sample_key)
        return render_template(
            "sample.html",
            sample=found,
            sides=cards.sides(found["source"], found["target"]),
            progress_of=store.overview("qa")["qa"],
        )

    @app.post("/qa/<sample_key>")
    def judge(sample_key: str) -> BaseResponse:
        verdict = request.form.get("verdict", "")
        if verdict not in {"correct", "wrong", "unsure"}:
            abort(400, "No such verdict.")
        comment = request.form.get("comment", "").strip()[:500]
        try:
            newest = store.judge(sample_key, verdict, comment, _seen(), reviewer())
        except StaleError:
            target = redirect(url_for("sample", sample_key=sample_key))
            return stale("qa", sample_key, verdict, target)
        note("qa", sample_key, verdict)
        remember(kind="qa", key=sample_key, seen=newest)
        waiting = [row["sample_key"] for row in store.samples() if row["verdict"] is None]
        if waiting:
            return redirect(url_for("sample", sample_key=waiting[0]))
        return redirect(url_for("qa"))

    # --- undo, workbook, sign-off ---

    @app.post("/undo")
    def undo() -> BaseResponse:
        steps = done_by.get(reviewer(), [])
        if not steps:
            flash("Nothing to take back.", "bad")
            return redirect(url_for("home"))
        last = steps.pop()
        kind, key = last["kind"], last["key"]
        shown = " / ".join(key) if isinstance(key, tuple) else key
        target = url_for("quarantine")
        try:
            if kind == "review":
                target = url_for("case", case_id=key)
                pairs = [Asked(left, right, "unsure") for left, right in last["pairs"]]
                store.decide(key, pairs, last["seen"], "undone", reviewer())
            elif kind == "value":
                store.decide_value(key, "withdraw", None, last["seen"], reviewer())
            elif kind == "qa":
                target = url_for("sample", sample_key=key)
                store.judge(key, "unsure", "undone", last["seen"], reviewer())
            elif kind == "field":
                target = url_for("customer", customer_id=key)
                store.pick(key, last["field"], last["before"], last["seen"], reviewer())
            else:
                if last["name"] in answers.WORKLISTS:
                    target = url_for("worklist", name=last["name"])
                if last["before"] is None:
                    answers.withdraw(last["name"], key, last["seen"])
                else:
                    answers.answer(last["name"], last["before"], last["seen"])
        except (StaleError, answers.ChangedError):
            return stale(kind, shown, "undo", redirect(target))
        note(kind, shown, "undo")
        flash(f"{shown}: taken back.", "good")
        return redirect(target)

    @app.get("/<name>.xlsx")
    def export(name: str) -> Response:
        if name not in WORKBOOKS:
            abort(404)
        rows = (
            store.cases("open", "", "", 0, ALL)
            if name == "review"
            else [row for row in store.values("open", "", "", 0, ALL) if row["is_contact_point"]]
        )
        note(name, f"{len(rows)} rows", "export")
        return Response(
            workbook.written(WORKBOOKS[name], rows),
            mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            headers={"Content-Disposition": f"attachment; filename={name}.xlsx"},
        )

    def take_over(name: str, row: dict[str, str], known: dict[str, Row]) -> str | None:
        """Takes the decision of one line over; returns why not, if it cannot."""
        kind = WORKBOOKS[name]
        try:
            if name == "review":
                found = store.case(row["case"])
                if kind.was_changed(row, found):
                    return "cells of the question were changed"
                pairs = asked(found, row["decision"])
                store.decide(row["case"], pairs, row["version"], row["reason"][:500], reviewer())
                note(name, row["case"], row["decision"], "by workbook")
                return None
            current = known.get(row["key"])
            if current is None:
                return GONE
            if kind.was_changed(row, current):
                return "cells of the value were changed"
            # a spreadsheet keeps the apostrophe that was typed to keep a plus sign
            corrected = row["corrected"].removeprefix("'") if row["decision"] == "correct" else None
            if row["decision"] == "correct" and not corrected:
                return "the corrected value is missing"
            store.decide_value(
                row["key"], row["decision"], corrected, int(row["version"]), reviewer()
            )
            note(name, row["key"], row["decision"], "by workbook")
        except StaleError:
            return "it was decided or changed meanwhile"
        except UnknownError:
            return GONE
        except NotValidError:
            return "the corrected value is not valid either"
        return None

    @app.post("/<name>.xlsx")
    def import_(name: str) -> BaseResponse:
        if name not in WORKBOOKS:
            abort(404)
        sent = request.files.get("file")
        if sent is None:
            abort(400, "Choose a file.")
        rows = workbook.read(WORKBOOKS[name], sent.read())
        known = {}
        if name == "quarantine":
            known = {row["item_key"]: row for row in store.values("all", "", "", 0, ALL)}
        refused = [(row["line"], why) for row in rows if (why := take_over(name, row, known))]
        note(name, f"{len(rows)} rows", "import", f"{len(refused)} left alone")
        left = "".join(f"; line {line}: {why}" for line, why in refused[:SHOWN_LINES])
        more = f"; and {len(refused) - SHOWN_LINES} more" if len(refused) > SHOWN_LINES else ""
        flash(
            f"{len(rows) - len(refused)} decisions taken over; {len(refused)} left alone"
            f"{left}{more}.",
            "bad" if refused else "good",
        )
        return redirect(url_for(name))

    @app.get("/sign-off")
    def signing() -> str:
        return render_template(
            "sign_off.html",
            gates=store.gates(),
            steps=store.steps(),
            may_sign=reviewer() in owners,
            said=told.pop(reviewer(), None),
        )

    @app.post("/sign-off")
    def sign() -> BaseResponse:
        if reviewer() not in owners:
            abort(403, "Only the Owner signs off.")
        worked, said = sign_off(reviewer(), request.form.get("comment", "").strip()[:500])
        note("sign_off", "migration", "sign_off", "signed off" if worked else "refused")
        flash("Signed off." if worked else "Refused.", "good" if worked else "bad")
        told[reviewer()] = said
        return redirect(url_for("signing"))

    return app


def _persons(records: list[Row]) -> dict[int, str]:
    """Returns the person each record belongs to so far: one letter per cluster."""
    letters: dict[Any, str] = {}
    for record in records:
        letters.setdefault(record["cluster_id"], ascii_uppercase[len(letters) % 26])
    return {record["planfix_id"]: letters[record["cluster_id"]] for record in records}


def _version() -> str:
    """Returns the version of the case that the page was made from."""
    text = request.form.get("seen", "")
    if not text or len(text) > 40:
        abort(400, "The form is incomplete: reload the page.")
    return text


def _seen() -> int:
    """Returns the version of the row that the page was made from."""
    text = request.form.get("seen", "")
    if not text.isdigit():
        abort(400, "The form is incomplete: reload the page.")
    return int(text)
