"""Latin match skeleton of one name: every usual spelling of a name ends in the same letters.

Юлия, Yulia, Julia and Iuliia become `iulia`; Щербаков, Shcherbakov and Scherbakov `sherbakov`. The
skeleton is for comparing, never for showing.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
    "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
    "є": "e", "і": "i", "ї": "i", "ґ": "g", "ў": "u", "ј": "i", "љ": "l", "њ": "n", "ћ": "ch",
    "ђ": "dzh", "џ": "dzh", "ә": "a", "ғ": "g", "қ": "k", "ҡ": "k", "ң": "n", "ө": "o", "ұ": "u",
    "ү": "u", "һ": "kh", "ҳ": "kh", "ҷ": "dzh", "җ": "dzh", "ӣ": "i", "ӯ": "u", "ҙ": "z",
    "ҫ": "s", "ӧ": "o", "ӱ": "u", "ѐ": "e", "ѝ": "i", "ѣ": "e", "ѳ": "f", "ѵ": "i",
}  # fmt: skip
# one typed letter of the other keyboard: read by its shape
_SHAPE_LATIN = str.maketrans("авсехкмнортуіј", "abcexkmhoptyij")
_SHAPE_CYRILLIC = str.maketrans("abcexkmhoptyi", "авсехкмнортуі")

_LATIN = {
    "æ": "ae", "ø": "o", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "t", "ı": "i",
    "ħ": "h", "ŋ": "n", "ə": "a", "ʻ": "", "ʼ": "", "ʹ": "", "ʺ": "",
}  # fmt: skip

# In this order. Each rule names the spellings that it brings together.
_RULES = [
    # щ, ч in German: Schtscherbakow, Tschaikowski, Schewtschuk
    (r"schtsch", "S"),
    (r"tsch|tch", "C"),
    # щ, ш: Shcherbakov, Scherbakov, Sherbakov, Schmidt, Szewczuk
    (r"shch|szcz|sch|shh?|sz", "S"),
    (r"cz(?=[a-z])", "C"),
    # Христина, Christina; Михаил, Michail
    (r"[kc]h(?=r)", "k"),
    (r"(?<=mi)ch(?=a)", "h"),
    (r"ch", "C"),
    # дж, J: John, Джон; Jamilya, Джамиля; below it meets й, because Julia is Юлия
    (r"d(?:zh|j)", "j"),
    (r"zh", "Z"),
    # х: Khabibulin, Habibulin
    (r"kh", "h"),
    (r"gh", "g"),
    (r"ph", "f"),
    (r"th", "t"),
    (r"(?<=o)h(?=n)", ""),
    # ц: Kuznetsov, Kuznetzov, Kuznetcov, Kuznecov
    (r"t[sz]|tc", "T"),
    (r"c(?=(?:ov|ova|ev|eva|yn|in|ina)$)", "T"),
    (r"ck", "k"),
    (r"qu", "kv"),
    (r"q", "k"),
    (r"x", "ks"),
    (r"c(?=[eiy])", "s"),
    (r"c", "k"),
    (r"w", "v"),
    # Ivanoff, Smirnoff
    (r"(?<=[oe])ff?$", "v"),
    # French: Serguei, Ousmanov
    (r"gu(?=[ei])", "g"),
    (r"ou", "u"),
    # one letter for й, ы, и, y, j
    (r"[jy]", "i"),
    (r"i+", "i"),
    # ё, е after a soft sound: Pyotr, Solovyov; Yevgeny, Nikolayevich, Grigoryev
    (r"io(?!$)", "e"),
    (r"ie", "e"),
    # Müller, Mueller; Jäger, Jaeger; Schröder, Schroeder; not Исаев, Isayev
    (r"(?<=[^aeiou])ue", "u"),
    (r"(?<=[ao])e(?=[^aeiouv][a-z])", ""),
    # Ludmila, Lyudmila; Lubov, Liubov
    (r"(?<=[^aeiou])iu", "u"),
    # Alexander, Александр; Peter, Пётр
    (r"(?<=[dt])er$", "r"),
]
_COMPILED = [(re.compile(pattern), replacement) for pattern, replacement in _RULES]
_SOUNDS = {"S": "sh", "C": "ch", "Z": "zh", "T": "ts"}
_DOUBLED = re.compile(r"(.)\1+")


def _unmix(token: str) -> str:
    """Reads look-alike letters of the minority script as the majority's."""
    cyrillic = sum("\u0400" <= sign <= "\u052f" for sign in token)
    latin = sum("a" <= sign <= "z" for sign in token)
    if not cyrillic or not latin:
        return token
    return token.translate(_SHAPE_LATIN if latin > cyrillic else _SHAPE_CYRILLIC)


def name_skeleton(token: str | None) -> str | None:
    """Folds one name to its match skeleton.

    Args:
        token: a single name in any script, hyphens and apostrophes included.

    Returns:
        Lower-case Latin letters and digits, empty when the token has none; None for None.
    """
    if token is None:
        return None
    # casefold, not lower: some letters are one sign in lower case and two in upper case
    folded = unicodedata.normalize("NFKC", token).casefold()
    text = _unmix(unicodedata.normalize("NFKC", folded))
    letters = []
    for sign in unicodedata.normalize("NFC", text):
        if sign in _CYRILLIC:
            letters.append(_CYRILLIC[sign])
        elif "a" <= sign <= "z" or "0" <= sign <= "9":
            letters.append(sign)
        elif sign in _LATIN:
            letters.append(_LATIN[sign])
        elif sign.isalnum():
            base = unicodedata.normalize("NFD", sign)[0]
            spelled = _CYRILLIC.get(base) or anyascii(base if base.isascii() else sign).lower()
            letters.append("".join(filter(str.isalnum, spelled)))
    text = "".join(letters)
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    text = "".join(_SOUNDS.get(sign, sign) for sign in _DOUBLED.sub(r"\1", text))
    return text
