"""Messenger handles: one canonical form per channel out of names, @names, numbers and links.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import phonenumbers
from phonenumbers import NumberParseException

_HOSTS = {
    "t.me": "telegram",
    "telegram.me": "telegram",
    "telegram.dog": "telegram",
    "telegram.org": "telegram",
    "web.telegram.org": "telegram",
    "wa.me": "whatsapp",
    "whatsapp.com": "whatsapp",
    "api.whatsapp.com": "whatsapp",
    "web.whatsapp.com": "whatsapp",
    "chat.whatsapp.com": "whatsapp",
    "viber.me": "viber",
    "viber.com": "viber",
    "chats.viber.com": "viber",
    "invite.viber.com": "viber",
    "skype.com": "skype",
    "join.skype.com": "skype",
    "web.skype.com": "skype",
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "fb.me": "facebook",
    "m.me": "facebook",
    "messenger.com": "facebook",
    "instagram.com": "instagram",
    "instagr.am": "instagram",
    "ig.me": "instagram",
    "vk.com": "vk",
    "vk.ru": "vk",
    "vk.me": "vk",
    "vkontakte.ru": "vk",
}
_SCHEMES = {"tg": "telegram", "whatsapp": "whatsapp", "viber": "viber", "skype": "skype"}
_CHANNELS = frozenset(_HOSTS.values())
_ALIASES = {
    "tg": "telegram", "wa": "whatsapp", "whats app": "whatsapp", "fb": "facebook",
    "ig": "instagram", "insta": "instagram", "vkontakte": "vk", "телеграм": "telegram",
    "ватсап": "whatsapp", "вайбер": "viber", "скайп": "skype", "вк": "vk", "вконтакте": "vk",
}  # fmt: skip
# first path words that are pages of the service, not people
_PAGES = {
    "telegram": {"joinchat", "c", "share", "addstickers", "proxy", "socks", "iv", "addlist"},
    "facebook": {"groups", "events", "sharer", "sharer.php", "watch", "photo", "photo.php",
                 "permalink.php", "story.php", "marketplace", "hashtag", "login", "share"},
    "instagram": {"p", "reel", "reels", "explore", "tv", "accounts", "direct"},
    "vk": {"feed", "wall", "im", "away.php", "share.php", "search", "groups", "friends", "video"},
}  # fmt: skip
_NAMES = {
    "telegram": re.compile(r"(?!.*__)[a-z][a-z0-9_]{2,30}[a-z0-9]"),
    "skype": re.compile(r"(?:live:[a-z0-9._:\-]{3,64}|[a-z][a-z0-9.,_\-]{2,31})"),
    "facebook": re.compile(r"(?=.*[a-z0-9])[a-z0-9.\-]{3,60}"),
    "instagram": re.compile(r"(?!.*\.\.)(?!\.)[a-z0-9._]{1,30}(?<!\.)"),
    "vk": re.compile(r"[a-z][a-z0-9_.]{1,31}"),
}
_LABEL = re.compile(
    r"^(?:telegram|телеграмм?|тг|tg|whats\s?app|ватсап+|вотсап+|wa|viber|вайбер|skype|скайп"
    r"|facebook|fb|instagram|insta|инстаграм+|инста|vk|вк|вконтакте)"
    # skype:name?chat and tg://… are links, "skype: name" is a label
    r"(?:\s*[-–—=]\s*|\s*:\s+|\s+(?=[@+])|:(?![/\s])(?!.*[?]))",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:[a-z]+:)?(?://)?([a-z0-9._\-]+\.[a-z]{2,})(?:[/?#].*)?", re.IGNORECASE)
_PHONE_LIKE = re.compile(r"\+?[0-9][0-9 ().\-]{5,22}")
_VIBER_ID = re.compile(r"[A-Za-z0-9+/]{20,32}={0,2}")
_EMAIL_LIKE = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SPLIT = re.compile(r"[\s,;|]+")


def _result(channel: str, value: str | None, reason: str | None = None) -> dict[str, Any]:
    return {"valid": value is not None, "channel": channel, "value": value, "reason": reason}


def _phone(text: str) -> str | None:
    """Returns the E.164 form of a number that says its country itself, else None."""
    digits = re.sub(r"[^0-9]", "", text)
    if digits.startswith("00"):
        digits = digits[2:]
    elif not text.strip().startswith("+") and len(digits) == 11 and digits[0] == "8":
        digits = "7" + digits[1:]
    if not 10 <= len(digits) <= 15 and not text.strip().startswith("+"):
        return None
    try:
        number = phonenumbers.parse("+" + digits, None)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _name(channel: str, text: str) -> dict[str, Any]:
    """Reads a bare name, id or number, without @ and link around it."""
    text = text.strip().strip("/")
    phone = _phone(text) if _PHONE_LIKE.fullmatch(text) else None
    if channel in ("whatsapp", "viber"):
        if phone:
            return _result(channel, phone)
        if channel == "viber" and _VIBER_ID.fullmatch(text) and not text.isdigit():
            return _result(channel, "id:" + text)
        if _PHONE_LIKE.fullmatch(text):
            return _result(channel, None, "number_without_country")
        return _result(channel, None, "not_a_phone")
    if channel in ("telegram", "facebook") and text.isdigit() and text[0] != "0":
        if channel == "telegram" and phone and len(text) >= 11:
            return _result(channel, phone)
        if 5 <= len(text) <= 20:
            return _result(channel, "id:" + text)
    if channel == "vk" and text.isdigit():
        return _result(channel, "id" + text)
    if channel in ("telegram", "skype") and phone:
        return _result(channel, phone)
    lowered = text.lower()
    if channel == "skype" and _EMAIL_LIKE.fullmatch(lowered):
        return _result(channel, lowered)
    if not _NAMES[channel].fullmatch(lowered):
        return _result(channel, None, "not_a_handle")
    return _result(channel, lowered)


def _app_link(channel: str, text: str) -> dict[str, Any]:
    """Reads tg://resolve?domain=…, whatsapp://send?phone=… and skype:name?chat."""
    rest = text.split(":", 1)[1].lstrip("/")
    if channel == "skype":
        return _name(channel, unquote(rest.split("?")[0]))
    query = {
        key.lower(): values[0].strip() for key, values in parse_qs(urlsplit(rest).query).items()
    }
    number = query.get("phone") or query.get("number") or query.get("contact")
    if number:
        return _name(channel, "+" + number.lstrip("+"))
    if query.get("domain"):
        return _name(channel, query["domain"])
    if query.get("id", "").isdigit():
        return _result(channel, "id:" + query["id"])
    return _result(channel, None, "not_a_profile")


def _web_link(text: str) -> dict[str, Any] | None:
    """Reads a link; None when it is none of a messenger."""
    parts = urlsplit(text if "://" in text else "https://" + text)
    query = {key.lower(): values[0].strip() for key, values in parse_qs(parts.query).items()}
    path = [unquote(word) for word in parts.path.split("/") if word]
    host = (parts.hostname or "").lower()
    while host not in _HOSTS and host.count(".") > 1 and not host.endswith(".t.me"):
        host = host.split(".", 1)[1]
    if host.endswith(".t.me"):
        return _name("telegram", host[: -len(".t.me")])
    channel = _HOSTS.get(host)
    if channel is None:
        return None
    first = path[0] if path else ""
    if channel in ("whatsapp", "viber"):
        number = query.get("phone") or query.get("number") or first
        if len(re.sub("[^0-9]", "", number)) < 7 or first in ("message", "channel", "qr"):
            return _result(channel, None, "not_a_profile")
        return _name(channel, "+" + number.lstrip("+"))
    if channel == "telegram":
        if first.lower() == "s" and len(path) > 1:
            first = path[1]
        first = first or parts.fragment
        # t.me/+79… is a phone, t.me/+AbC… an invitation into a group
        if first.startswith("+") and not first[1:].isdigit():
            first = ""
    if channel == "facebook":
        if first == "profile.php" and query.get("id", "").isdigit():
            return _result(channel, "id:" + query["id"])
        if first in ("people", "pages") and len(path) > 2 and path[2].isdigit():
            return _result(channel, "id:" + path[2])
        if first == "t" and len(path) > 1:
            first = path[1]
    if not first or channel == "skype" or first.lower() in _PAGES.get(channel, set()):
        return _result(channel, None, "not_a_profile")
    return _name(channel, first.lstrip("@"))


def _one(channel: str, text: str) -> dict[str, Any]:
    text = text.strip(" \t\"'<>()[]«»,;")
    scheme = text.split(":")[0].lower()
    if scheme in _SCHEMES and ":" in text:
        return _app_link(_SCHEMES[scheme], text)
    link = _LINK.fullmatch(text)
    host = link.group(1).lower().removeprefix("www.") if link else ""
    if link and ("/" in text or host in _HOSTS or host.endswith(".t.me")):
        return _web_link(text) or _result(channel, None, "other_site")
    return _name(channel, text if text.startswith("+") else text.lstrip("@"))


def messenger_handle(channel: str | None, raw: str | None) -> dict[str, Any] | None:
    """Reads one messenger handle.

    Args:
        channel: telegram, whatsapp, viber, skype, facebook, instagram or vk.
        raw: a name, @name, number or link as somebody typed it.

    Returns:
        `valid`, `channel` (the link's own, when the text is a link), `value` and `reason`; None
        when an argument is None. Numbers become E.164, numeric ids `id:<number>` (vk: its own
        `id<number>`), names lower case.
    """
    if channel is None or raw is None:
        return None
    known = channel.strip().lower()
    known = _ALIASES.get(known, known)
    if known not in _CHANNELS:
        return _result(known, None, "unknown_channel")
    text = html.unescape(raw) if "&" in raw else raw
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", text)
        text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cc"))
    text = text.strip()
    text = _LABEL.sub("", text).strip()
    if not any(sign.isalnum() for sign in text):
        return _result(known, None, "empty")
    try:
        whole = _one(known, text)
        if whole["valid"] or len(_SPLIT.split(text)) == 1:
            return whole
        found = [_one(known, part) for part in _SPLIT.split(text) if "@" in part or "/" in part]
    except ValueError:
        return _result(known, None, "not_a_handle")
    values = {(item["channel"], item["value"]) for item in found if item["valid"]}
    if len(values) > 1:
        return _result(known, None, "several_values")
    return next((item for item in found if item["valid"]), whole)
