"""E-mail addresses of one free-text cell: syntax, case, international domains, match key.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

from email_validator import EmailNotValidError, validate_email

_YANDEX = re.compile(
    r"(?:yandex\.(?:ru|com|by|kz|ua|uz|az|ee|lt|lv|md|tj|tm|fr|pl|co\.il|com\.tr|com\.ge|com\.am)"
    r"|ya\.ru|narod\.ru)"
)
_ICLOUD = frozenset({"icloud.com", "me.com", "mac.com"})
_PROTON = frozenset({"proton.me", "protonmail.com", "protonmail.ch", "pm.me"})
# mail.ru's domains are separate mailboxes, Microsoft's too: only their plus tags fold
_PLUS_TAGS = frozenset(
    {
        "mail.ru", "bk.ru", "list.ru", "inbox.ru", "internet.ru", "xmail.ru",
        "outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "hotmail.de",
        "fastmail.com", "fastmail.fm",
    }
)  # fmt: skip
# top-level domains in Cyrillic; any other Cyrillic ending is a slip of the keyboard (.кг for .ru)
_CYRILLIC_ENDINGS = frozenset(
    {
        "рф", "рус", "москва", "дети", "онлайн", "сайт", "орг", "ком", "католик",
        "бг", "бел", "ею", "қаз", "мкд", "мон", "срб", "укр",
    }
)  # fmt: skip
_SCRIPTS = (("CYRILLIC", "c"), ("LATIN", "l"), ("GREEK", "g"))

# what the validator would pass without a change: nine addresses in ten, at a tenth of its price
_PLAIN = re.compile(
    r"(?!-)[a-z0-9_%+\-]+(?:\.[a-z0-9_%+\-]+)*"
    r"@(?:(?![a-z0-9]{2}--)[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+"
    r"(?!(?:arpa|invalid|local|localhost|onion)$)[a-z]{2,24}"
)
_MAILTO = re.compile(r"mailto:\s*", re.IGNORECASE)
_AT_WORD = re.compile(r"\s*[\[({](?:at|собака|@)[\])}]\s*", re.IGNORECASE)
_DOT_WORD = re.compile(r"\s*[\[({](?:dot|точка)[\])}]\s*", re.IGNORECASE)
_AROUND_AT = re.compile(r"\s*@\s*")
_COMMA_ENDING = re.compile(
    r"(@[\w.\-]+),\s*(?:ru|com|net|org|рф|de|by|kz|ua|eu|info)\b", re.IGNORECASE
)
_SPACED_ENDING = re.compile(
    r"(@[\w\-]+)(?:\s+\.\s*|\.\s+)(?=(?:ru|com|net|org|рф|de|by|kz|ua|eu|info)\b)", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[\s,;|/<>()\[\]\"«»“”]+")
_EDGES = " \t.,:;'`*=-–—!?\\"


def _scripts(text: str) -> set[str]:
    found = set()
    for sign in text:
        if sign.isalpha():
            name = unicodedata.name(sign, "")
            found.add(next((code for word, code in _SCRIPTS if name.startswith(word)), "o"))
    return found


def _match_key(local: str, domain: str) -> str:
    """Folds the spellings of one mailbox that a provider delivers to the same person."""
    if domain in ("gmail.com", "googlemail.com"):
        return local.split("+")[0].replace(".", "") + "@gmail.com"
    if _YANDEX.fullmatch(domain):
        return local.split("+")[0].replace(".", "-") + "@yandex.ru"
    if domain in _ICLOUD:
        return local.split("+")[0] + "@icloud.com"
    if domain in _PROTON:
        return re.sub(r"[._\-]", "", local.split("+")[0]) + "@proton.me"
    if domain in _PLUS_TAGS:
        return local.split("+")[0] + "@" + domain
    return local + "@" + domain


def _invalid(reason: str, text: str) -> dict[str, Any]:
    return {
        "valid": False,
        "value": None,
        "match_key": None,
        "domain": None,
        "reason": reason,
        "text": text,
    }


def _valid(local: str, domain: str, text: str) -> dict[str, Any]:
    return {
        "valid": True,
        "value": f"{local}@{domain}",
        "match_key": _match_key(local, domain),
        "domain": domain,
        "reason": None,
        "text": text,
    }


def _read(text: str) -> dict[str, Any]:
    """Reads one candidate that holds an @."""
    if text.count("@") > 1:
        return _invalid("several_at_signs", text)
    local, _, domain = text.partition("@")
    if not local or not domain:
        return _invalid("incomplete", text)
    if not text.isascii():
        # а Cyrillic look-alike inside a Latin word sends the mail to nobody, or to a stranger
        if any(len(_scripts(label)) > 1 for label in [local, *domain.split(".")]):
            return _invalid("mixed_scripts", text)
        ending = domain.rsplit(".", 1)[-1]
        if "c" in _scripts(ending) and ending.lower() not in _CYRILLIC_ENDINGS:
            return _invalid("unknown_ending", text)
        if not local.isascii() and domain.isascii():
            return _invalid("letters_not_latin", text)
    if "." not in domain:
        return _invalid("no_ending", text)
    if len(local) > 64:
        return _invalid("syntax", text)
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        ending = domain.rsplit(".", 1)[-1].lower()
        special = ending in ("local", "localhost", "invalid", "onion", "arpa")
        return _invalid("not_deliverable" if special else "syntax", text)
    local, _, domain = checked.normalized.lower().partition("@")
    return _valid(local, domain, text)


def parse_email(raw: str | None) -> list[dict[str, Any]] | None:
    """Reads every e-mail address of a cell; nothing is asked of the network.

    Args:
        raw: the cell as it stands in the source, any text.

    Returns:
        One element per address in written order (at least one), None for None. `value` is what
        may be published: lower case, the domain as people read it. `match_key` folds provider
        aliases and is for comparing only.
    """
    if raw is None:
        return None
    lowered = raw.lower()
    if len(raw) <= 120 and _PLAIN.fullmatch(lowered):
        local, _, domain = lowered.partition("@")
        if len(local) <= 64:
            return [_valid(local, domain, raw)]
    text = html.unescape(raw) if "&" in raw else raw
    text = unicodedata.normalize("NFKC", text)
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    text = _MAILTO.sub(" ", text)
    text = _DOT_WORD.sub(".", _AT_WORD.sub("@", text))
    text = _SPACED_ENDING.sub(r"\1.", _AROUND_AT.sub("@", text))
    if not any(sign.isalnum() or sign == "@" for sign in text):
        return [_invalid("empty", text.strip())]
    slip = _COMMA_ENDING.search(text)
    if slip and "." not in slip.group(1):
        text = text.replace(slip.group(), slip.group().replace(",", "\x00"))
    elements: list[dict[str, Any]] = []
    seen: set[str] = set()
    values: set[str] = set()
    for part in _SEPARATORS.split(text):
        candidate = part.strip(_EDGES)
        if "@" not in candidate or candidate in seen:
            continue
        seen.add(candidate)
        if "\x00" in candidate:
            element = _invalid("comma_for_dot", candidate.replace("\x00", ","))
        else:
            element = _read(candidate.split("?")[0])
        if element["value"] is None or element["value"] not in values:
            elements.append(element)
        if element["value"]:
            values.add(element["value"])
    return elements or [_invalid("no_at_sign", text.strip())]
