"""Contacts by windows of their creation date, for lists whose order changes from page to page.

Offsets mean nothing there. A window that comes back as less than one page is complete whatever
the order, and the creation date never changes: so the range is halved until every window fits on
a page. Neighbours share a minute, because nobody knows whether a window's end is part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from loaders.planfix import api
from loaders.planfix.paging import Row, Unfiltered, Walked
from loaders.planfix.zones import FILTER_FORMAT, MINUTE, floor_minute, parse_instant

if TYPE_CHECKING:
    from loaders.planfix.extract import Extract

EARLIEST = datetime(1990, 1, 1)
# a local time and UTC are never further apart
MOST_OFFSET = timedelta(hours=15)


def walk_by_creation(
    extract: Extract, stage: str, unit: str, kind: str, fields: str = ""
) -> Walked:
    """Reads all contacts of one kind in windows of local minutes.

    Raises:
        Unfiltered: when the creation filter is ignored.
    """
    from loaders.planfix.extract import describe_contact

    last = floor_minute(datetime.now(UTC)).replace(tzinfo=None) + MOST_OFFSET
    if (noted := extract.spool.get(f"created:{stage}:{unit}")) is not None:
        last = datetime.fromisoformat(noted)
    else:
        extract.spool.put(f"created:{stage}:{unit}", last.isoformat())
    result = Walked(moved=True)
    todo = [(EARLIEST, last)]
    while todo:
        start, end = todo.pop()
        window = (start.strftime(FILTER_FORMAT), end.strftime(FILTER_FORMAT))

        def check(rows: Sequence[Row], low: datetime = start, high: datetime = end) -> None:
            for moment in _created(rows):
                if not low - MOST_OFFSET <= moment <= high + MOST_OFFSET:
                    raise Unfiltered

        rows = extract.pager.get_page(
            stage,
            f"{unit}:created",
            "..".join(window),
            extract.contact_call(
                kind, [api.date_filter(api.FILTER_CREATED, window)], fields=fields
            ),
            0,
            describe_contact(kind),
            check=check,
        )
        result.pages += 1
        if len(rows) < extract.pager.page_size:
            result.listed += len(rows)
        elif end - start <= 2 * MINUTE:
            # more than a page within two minutes: cannot be told apart by time
            result.unstable = True
        else:
            middle = _middle(rows, start, end)
            todo += [(start, middle), (middle, end)]
    # windows share minutes: the index knows how many there really are
    result.listed = extract.spool.item_count(stage, kind)
    return result


def _created(rows: Sequence[Row]) -> list[datetime]:
    found = [parse_instant(row.get("createdDate")) for row in rows]
    return [moment.replace(tzinfo=None) for moment in found if moment]


def _middle(rows: Sequence[Row], start: datetime, end: datetime) -> datetime:
    """Returns a cut near the median of what the page shows, strictly inside the window."""
    moments = sorted(_created(rows))
    half = start + (end - start) / 2
    middle = floor_minute(moments[len(moments) // 2] if moments else half)
    if not start + MINUTE <= middle <= end - MINUTE:
        middle = floor_minute(half)
    return max(start + MINUTE, min(middle, end - MINUTE))
