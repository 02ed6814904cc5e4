"""Inline SVG charts: drawn by pygal, stripped of its scripts so that a page needs no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pygal
from markupsafe import Markup
from pygal.style import Style

# light enough for dark figures on them; told apart in grey print as well
COLORS = ("#86b8dc", "#e07a5f")
# narrow, so that the text is still 11 pixels high on a phone
_WIDTH = 430
_BAR = 30


def _style() -> Style:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="#16212b",
        foreground_strong="#16212b",
        foreground_subtle="#aeb7bd",
        guide_stroke_color="#dfe4e8",
        major_guide_stroke_color="#dfe4e8",
        guide_stroke_dasharray="none",
        major_guide_stroke_dasharray="none",
        opacity="1",
        opacity_hover="1",
        transition="0s",
        colors=COLORS,
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
        value_font_size=13,
        tooltip_font_size=13,
    )


def _without_scripts(root: Any) -> Any:
    for parent in list(root.iter()):
        for child in list(parent):
            # a comment's tag is no text
            if str(child.tag).endswith("script") or not isinstance(child.tag, str):
                parent.remove(child)
    return root


def _rendered(chart: Any, name: str) -> Markup:
    chart.uuid = f"chart-{name}"
    chart.add_xml_filter(_without_scripts)
    # pygal escapes the labels; the SVG is ours from end to end
    return Markup(chart.render(is_unicode=True))  # noqa: S704


def bars(
    name: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    formatter: Callable[[float], str],
) -> Markup:
    """Draws horizontal bars, stacked when there is more than one series.

    Args:
        name: unique name of the chart on its page.
        labels: one label per bar, from top to bottom.
        series: name and values of each series, as many values as labels.
        formatter: how a value is printed.

    Returns:
        An `svg` element.
    """
    kind = pygal.HorizontalStackedBar if len(series) > 1 else pygal.HorizontalBar
    chart = kind(
        style=_style(),
        js=[],
        disable_xml_declaration=True,
        width=_WIDTH,
        height=60 + _BAR * len(labels) + (20 * len(series) if len(series) > 1 else 0),
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        legend_at_bottom_columns=1,
        legend_box_size=12,
        print_values=len(series) == 1,
        print_zeroes=True,
        show_x_guides=False,
        show_y_guides=True,
        show_x_labels=len(series) > 1,
        rounded_bars=2,
        spacing=6,
        margin=6,
        margin_right=46,
        truncate_label=-1,
        truncate_legend=-1,
        value_formatter=formatter,
        x_labels_major_count=4,
        show_minor_x_labels=False,
        include_x_axis=True,
    )
    # pygal draws from the bottom up
    chart.x_labels = list(reversed(labels))
    for title, values in series:
        chart.add(title, list(reversed(values)))
    return _rendered(chart, name)


def columns(name: str, title: str, values: Sequence[float], formatter: Any) -> Markup:
    """Draws one thin column per value, such as the seconds of each batch.

    Args:
        name: unique name of the chart on its page.
        title: what the columns are.
        values: their heights, in order.
        formatter: how a value is printed.

    Returns:
        An `svg` element.
    """
    chart = pygal.Bar(
        style=_style(),
        js=[],
        disable_xml_declaration=True,
        width=_WIDTH,
        height=150,
        show_legend=False,
        show_x_labels=False,
        margin=6,
        spacing=4,
        value_formatter=formatter,
        y_labels_major_count=3,
        show_minor_y_labels=False,
        include_x_axis=True,
    )
    chart.add(title, list(values))
    return _rendered(chart, name)


def bundled(values: Sequence[float], most: int = 60) -> list[float]:
    """Averages neighbours until at most `most` columns are left to draw."""
    width = -(-len(values) // most) if values else 1
    groups = [values[start : start + width] for start in range(0, len(values), width)]
    return [sum(group) / len(group) for group in groups]
