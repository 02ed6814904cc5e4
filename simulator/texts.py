"""Notes and card descriptions as Planfix keeps them: HTML with all its habits."""

from __future__ import annotations

import random

from simulator.vocabulary import vocabulary

_TEMPLATES = (
    "<p>{0}</p>",
    "<div>{0}<br/>{1}</div>",
    "<p>{0}</p><p>&nbsp;</p><p>{1}</p>",
    "{0}",
    "<div>{0}&nbsp;&mdash; {1}</div>",
    "<table><tr><td>Вопрос</td><td>Ответ</td></tr><tr><td>{0}</td><td>{1}</td></tr></table>",
    "<p>{0} &amp; {1} &lt;срочно&gt; &quot;да&quot;</p>",
    "<ul><li>{0}</li><li>{1}</li></ul>",
    '<p><span style="color:#c00">{0}</span> 🚕\u200b {1}</p>',
    "<p>{0}\u0007\u000b {1}</p>",
    '<blockquote>{0}</blockquote><p>{1} <a href="https://site.example/o?a=1&amp;b=2">заказ</a></p>',
    "<style>p{{margin:0}}</style><script>var x = 1;</script><p>{0}</p>",
)


def note_html(seed: int) -> str:
    """Spells out the note that a seed stands for; one in 400 is near the 64 KB limit."""
    rng = random.Random(seed)
    notes = vocabulary().notes
    parts = []
    for _ in range(2):
        text = notes[int(rng.random() * len(notes))][1]
        parts.append(
            text.format(
                hour=8 + int(rng.random() * 12),
                n=1 + int(rng.random() * 5),
                day=1 + int(rng.random() * 28),
                m=1 + int(rng.random() * 9),
            )
        )
    html = _TEMPLATES[int(rng.random() * len(_TEMPLATES))].format(*parts)
    if rng.random() < 0.0025:
        html = html + "<p>" + "Переписка по поездке. " * 1500 + "</p>"
    return html


def spell(text: str | int) -> str:
    """Returns a text that is kept either as such or as the seed of one (0 = empty)."""
    if isinstance(text, str):
        return text
    return note_html(text) if text else ""
