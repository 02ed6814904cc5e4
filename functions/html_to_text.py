"""Plain text of a note written in the Planfix editor.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import html
import re

from selectolax.lexbor import LexborHTMLParser

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--.*?--|!doctype[^<>]*)>", re.DOTALL)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = (
    *_HEADINGS, "address", "article", "aside", "blockquote", "div", "dl", "dt", "dd", "figure",
    "footer", "form", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "tr",
    "ul",
)  # fmt: skip
_BREAKING = re.compile(r"<(?:br|" + "|".join(_BLOCKS) + r"|li)\b", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LINES = re.compile(r"\r\n?|[\u000b\u000c\u0085\u2028\u2029]")
_CONTROL = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_BREAK, _PARAGRAPH = "\ue000", "\ue001"


def _from_html(markup: str) -> str:
    breaking = bool(_BREAKING.search(markup))
    tree = LexborHTMLParser(markup.replace(_BREAK, "").replace(_PARAGRAPH, ""))
    tree.strip_tags(["script", "style", "head", "title", "noscript", "template"], recursive=True)
    body = tree.body
    if body is None:
        return ""
    for link in body.css("a[href]"):
        address = (link.attributes.get("href") or "").strip()
        shown = link.text().strip()
        # a bare word with an address behind it would lose the address
        if address.lower().startswith(("http://", "https://")) and address != shown:
            link.insert_after(f" ({address})")
    for image in body.css("img[alt]"):
        image.insert_after(f" {image.attributes.get('alt') or ''} ")
    for node in body.css("br"):
        node.insert_after(_BREAK)
    for node in body.css("li"):
        node.insert_before(_BREAK)
        first = node.child
        (first.insert_before("- ") if first is not None else node.insert_after("- "))
        node.insert_after(_BREAK)
    for node in body.css("td, th"):
        node.insert_after(" ")
    for node in body.css(", ".join(_BLOCKS)):
        edge = _PARAGRAPH if node.tag in ("p", *_HEADINGS) else _BREAK
        node.insert_before(edge)
        node.insert_after(edge)
    text = body.text(deep=True, separator="")
    if breaking:
        text = text.replace("\n", " ")
    return text


def html_to_text(html_text: str | None) -> str | None:
    """Turns a note into plain text.

    Args:
        html_text: HTML of any quality, or plain text.

    Returns:
        The text: a line per block, list items with a dash, entities decoded, control and
        invisible characters removed, spaces tidied, at most one empty line in a row. None for
        None.
    """
    if html_text is None:
        return None
    text = _LINES.sub("\n", html_text)
    if _TAG.search(text):
        text = _from_html(text)
    elif _ENTITY.search(text):
        text = html.unescape(text)
    # some cards were escaped twice on their way through an import
    text = re.sub(r"&(nbsp|amp|quot|lt|gt);", lambda found: html.unescape(found.group()), text)
    text = _CONTROL.sub("", _LINES.sub("\n", text))
    text = _SPACES.sub(" ", text)
    text = re.sub(rf" *[{_BREAK}{_PARAGRAPH}\n][ {_BREAK}{_PARAGRAPH}\n]*", _gap, text)
    return text.strip()


def _gap(found: re.Match[str]) -> str:
    signs = found.group()
    empty = signs.count(_PARAGRAPH) > 1 or signs.count("\n") > 1 or signs.count(_BREAK) > 2
    return "\n\n" if empty else "\n"
