"""Plain text of a note written in the Planfix editor.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import html
import re

from selectolax.lexbor import LexborHTMLParser

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--.*?--|!doctype[^<>]*)>", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# an address in angle brackets is text that somebody pasted out of a mail
_ADDRESS = re.compile(r"<(?=(?:mailto:)?[^<>\s/\"'=]+@[^<>\s]+>|https?://[^<>\s]+>)", re.IGNORECASE)
_ATTRIBUTES = r"""(?:"[^"]*"|'[^']*'|[^'"<>])*>"""
_PARAGRAPHS = re.compile(r"</?(?:p|h[1-6])\b" + _ATTRIBUTES, re.IGNORECASE)
_ITEMS = re.compile(r"<li\b" + _ATTRIBUTES, re.IGNORECASE)
_BLOCKS = re.compile(
    r"</?(?:br|address|article|aside|blockquote|dd|div|dl|dt|figure|footer|form|header|hr|li|main"
    r"|nav|ol|pre|section|table|tr|ul)\b" + _ATTRIBUTES,
    re.IGNORECASE,
)
_CELLS = re.compile(r"</t[dh]\b" + _ATTRIBUTES, re.IGNORECASE)
_ODD_SPACES = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SPACES = re.compile(" {2,}")
_ESCAPED_TWICE = re.compile(r"&(?:nbsp|amp|quot|lt|gt);")
_LINES = re.compile("[\r\u000b\u000c\u0085\u2028\u2029]")
_CONTROL = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_BREAK, _PARAGRAPH = "\ue000", "\ue001"
_GAP = re.compile(rf"[{_BREAK}{_PARAGRAPH}\n][ {_BREAK}{_PARAGRAPH}\n]*")


def _from_html(markup: str) -> str:
    markup = _ADDRESS.sub("&lt;", markup.replace(_BREAK, "").replace(_PARAGRAPH, ""))
    marked = _CELLS.sub(" ", _BLOCKS.sub(_BREAK, _ITEMS.sub(_BREAK + "- ", markup)))
    marked = _PARAGRAPHS.sub(_PARAGRAPH, marked)
    if _BREAK in marked or _PARAGRAPH in marked:
        # without a block the line breaks are the writer's own
        marked = marked.replace("\n", " ")
    if "<" not in marked:
        return html.unescape(marked)
    tree = LexborHTMLParser(marked)
    tree.strip_tags(["script", "style", "title", "noscript", "template"], recursive=True)
    root = tree.root
    if root is None:
        return ""
    for link in root.css("a[href]"):
        address = (link.attributes.get("href") or "").strip()
        # a bare word with an address behind it would lose the address
        if address.lower().startswith(("http://", "https://")) and address != link.text().strip():
            link.insert_after(f" ({address})")
    for image in root.css("img[alt]"):
        image.insert_after(f" {image.attributes.get('alt') or ''} ")
    return root.text(deep=True, separator="")


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
    text = _lines(html_text)
    if _TAG.search(text):
        text = _from_html(text)
    elif _ENTITY.search(text):
        text = html.unescape(text)
    # some cards were escaped twice on their way through an import
    text = _ESCAPED_TWICE.sub(lambda found: html.unescape(found.group()), text)
    text = _CONTROL.sub("", _lines(text))
    # patterns that begin with a set or a letter are found several times as fast as others
    text = _SPACES.sub(" ", _ODD_SPACES.sub(" ", text))
    for sign in (_BREAK, _PARAGRAPH, "\n"):
        text = text.replace(" " + sign, sign)
    return _GAP.sub(_gap, text).strip()


def _lines(text: str) -> str:
    return _LINES.sub("\n", text.replace("\r\n", "\n"))


def _gap(found: re.Match[str]) -> str:
    signs = found.group()
    empty = signs.count(_PARAGRAPH) > 1 or signs.count("\n") > 1 or signs.count(_BREAK) > 2
    return "\n\n" if empty else "\n"
