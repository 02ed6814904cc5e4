"""How people write phones, names, e-mails and handles: the dirt of a real card file.

Every function draws from the random source it is given, so that the same seed writes the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from simulator.vocabulary import PhonePlan

NBSP = "\u00a0"

_TRANSLIT = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
    "и": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
# other habits: old passports, French-like endings, plain keyboards
_TRANSLIT_STYLES: tuple[dict[str, str], ...] = (
    _TRANSLIT,
    {**_TRANSLIT, "й": "i", "ю": "iu", "я": "ia"},
    {**_TRANSLIT, "х": "h", "ю": "ju", "я": "ja", "й": "j"},
    {**_TRANSLIT, "ё": "yo", "х": "h", "щ": "sch", "ц": "c"},
)
_FROM_LATIN = {
    "sch": "щ", "sh": "ш", "ch": "ч", "zh": "ж", "kh": "х", "ts": "ц", "yu": "ю", "ya": "я",
    "ye": "е", "ph": "ф", "th": "т", "ck": "к", "oo": "у", "ee": "и", "a": "а", "b": "б",
    "c": "к", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "j": "дж", "k": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т",
    "u": "у", "v": "в", "w": "в", "x": "кс", "y": "и", "z": "з",
}  # fmt: skip


def to_latin(text: str, style: int = 0) -> str:
    """Transliterates Cyrillic in one of four habits, keeping capitals."""
    table = _TRANSLIT_STYLES[style % len(_TRANSLIT_STYLES)]
    parts = []
    for char in text:
        lower = char.lower()
        found = table.get(lower)
        if found is None:
            parts.append(char)
        else:
            parts.append(found.capitalize() if char != lower else found)
    return "".join(parts)


def to_cyrillic(text: str) -> str:
    """Writes a Latin name in Cyrillic letters, as an operator would by ear."""
    result = []
    lower = text.lower()
    position = 0
    while position < len(lower):
        for length in (3, 2, 1):
            piece = lower[position : position + length]
            if piece in _FROM_LATIN:
                result.append(_FROM_LATIN[piece])
                position += length
                break
        else:
            result.append(lower[position])
            position += 1
    return "-".join(part.capitalize() for part in "".join(result).split("-"))


def typo(rng: random.Random, word: str) -> str:
    """Swaps, drops or doubles one letter inside a word of at least five letters."""
    if len(word) < 5:
        return word
    place = 1 + int(rng.random() * (len(word) - 3))
    kind = rng.random()
    if kind < 0.4:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind < 0.7:
        return word[:place] + word[place + 1 :]
    return word[:place] + word[place] + word[place:]


def _group(digits: str, separator: str) -> str:
    if len(digits) <= 7:
        return f"{digits[:-4]}{separator}{digits[-4:]}" if len(digits) > 4 else digits
    head, tail = digits[:-7], digits[-7:]
    return f"{head}{separator}{tail[:3]}{separator}{tail[3:5]}{separator}{tail[5:]}"


PhoneStyle = Callable[[str, str, str], str]

# trunk prefix 8 exists in Russia, Kazakhstan and (as 8 0) Belarus; elsewhere mostly 0
_TRUNK = {"7": "8", "375": "80", "1": "", "39": "", "34": "", "48": "", "420": ""}

#: the thirteen writings; arguments are calling code, national number, trunk prefix
PHONE_STYLES: tuple[PhoneStyle, ...] = (
    lambda code, number, trunk: f"+{code}{number}",
    lambda code, number, trunk: f"{code}{number}",
    lambda code, number, trunk: f"{trunk}{number}",
    lambda code, number, trunk: f"+{code} ({number[:3]}) {_group(number[3:], '-')}",
    lambda code, number, trunk: f"{trunk} ({number[:3]}) {_group(number[3:], '-')}".strip(),
    lambda code, number, trunk: f"+{code} {_group(number, ' ')}",
    lambda code, number, trunk: f"{trunk}-{_group(number, '-')}".lstrip("-"),
    lambda code, number, trunk: f"{trunk}{NBSP}{_group(number, NBSP)}".strip(),
    lambda code, number, trunk: f"+{code}.{_group(number, '.')}",
    lambda code, number, trunk: f"00{code}{number}",
    lambda code, number, trunk: f"+{code}({number[:3]}){number[3:]}",
    lambda code, number, trunk: f"тел. +{code} {_group(number, '-')} (моб.)",
    lambda code, number, trunk: number,
)
# writings without a country code are safe only where the card tells the country
_NEEDS_REGION = {2, 4, 6, 7, 12}
_SAFE_STYLES = tuple(i for i in range(len(PHONE_STYLES)) if i not in _NEEDS_REGION)


def write_phone(rng: random.Random, plan: PhonePlan, national: str, *, region_known: bool) -> str:
    """Writes a phone in one of the thirteen ways.

    Args:
        rng: random source.
        plan: numbering plan of the number's country.
        national: national number, digits only.
        region_known: whether the card lets a reader guess the country code.
    """
    code = plan.calling_code
    draw = rng.random()
    if region_known:
        style = 0 if draw < 0.25 else int(rng.random() * len(PHONE_STYLES))
    else:
        style = 0 if draw < 0.4 else _SAFE_STYLES[int(rng.random() * len(_SAFE_STYLES))]
    trunk = _TRUNK.get(code, "0")
    return PHONE_STYLES[style](code, national, trunk)


def mask_phone(number: str) -> str:
    """Formats a number the way a mask of the user interface does, else gives it back."""
    digits = number.removeprefix("+")
    if len(digits) == 11 and digits.isdigit():
        return f"+{digits[0]} ({digits[1:4]}) {digits[4:7]}-{digits[7:9]}-{digits[9:]}"
    return number


EXTENSIONS = (" доб. {0}", ", {0}", " ext {0}", " (доб {0})", " вн. {0}", " x{0}", "#{0}")


def write_extension(rng: random.Random, extension: str) -> str:
    """Writes an extension in one of the usual ways."""
    return EXTENSIONS[int(rng.random() * len(EXTENSIONS))].format(extension)


def write_telegram(rng: random.Random, name: str) -> str:
    """Writes a Telegram user name bare, with @, or as a link."""
    draw = rng.random()
    if draw < 0.4:
        return f"@{name}"
    if draw < 0.65:
        return name
    if draw < 0.9:
        return f"https://t.me/{name}"
    return f"t.me/{name.capitalize()} "


def write_email(rng: random.Random, address: str) -> str:
    """Writes an e-mail with the small dirt of typing: capitals, blanks, mailto, brackets."""
    draw = rng.random()
    if draw < 0.80:
        return address
    if draw < 0.90:
        return address[0].upper() + address[1:]
    if draw < 0.94:
        return address.upper()
    if draw < 0.97:
        return f" {address} "
    if draw < 0.985:
        return f"mailto:{address}"
    return f"<{address}>"


def break_email(rng: random.Random, address: str) -> str:
    """Makes an e-mail invalid in one of the ways found in card files."""
    local, _, domain = address.partition("@")
    broken = (
        f"{local}{domain}",
        f"{local}@@{domain}",
        f"{local}@{domain.replace('.', ',')}",
        f"{local}@",
        f"@{domain}",
        f"{local} {local}@{domain}",
        f"{local}@{domain.rpartition('.')[0]}",
        f"почта {local}",
        f"{local}@{domain}..",
    )
    return broken[int(rng.random() * len(broken))]


def break_phone(rng: random.Random, national: str) -> str:
    """Makes a phone invalid: too short, too long, letters, or not a phone at all."""
    broken = (
        national[:5],
        f"+7{national}{national[:6]}",
        f"+7{national[:-3]}",
        f"{national[:4]}O{national[5:]}",
        "позвонить секретарю",
        f"+999{national}",
        f"{national[:3]}-??-??",
        "нет",
    )
    return broken[int(rng.random() * len(broken))]


#: values typed to satisfy a mandatory field; many records share them
PLACEHOLDER_PHONES = (
    "+7 999 999-99-99",
    "+70000000000",
    "89999999999",
    "11111111111",
    "+7 (900) 000-00-00",
    "0",
    "+79123456789",
)
PLACEHOLDER_EMAILS = (
    "test@mail.example",
    "no@mail.example",
    "noemail@mail.example",
    "нет",
    "-",
    "1@mail.example",
    "none@example.com",
)
