"""Phone numbers of one free-text cell, each to E.164 with extension, type, country and time zone.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult
from phonenumbers import timezone as phone_timezone

_TYPES = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
}
_REGION_ALIASES = {"UK": "GB", "EL": "GR"}
# Countries with one zone, from zone.tab. The number metadata itself names any zone of the same
# clock there: Bucharest for Tallinn, Paris for Algiers.
_ONE_ZONE_TEXT = """
AD Europe/Andorra AE Asia/Dubai AF Asia/Kabul AG America/Antigua AI America/Anguilla AL
Europe/Tirane AM Asia/Yerevan AO Africa/Luanda AS Pacific/Pago_Pago AT Europe/Vienna AW
America/Aruba AX Europe/Mariehamn AZ Asia/Baku BA Europe/Sarajevo BB America/Barbados BD
Asia/Dhaka BE Europe/Brussels BF Africa/Ouagadougou BG Europe/Sofia BH Asia/Bahrain BI
Africa/Bujumbura BJ Africa/Porto-Novo BL America/St_Barthelemy BM Atlantic/Bermuda BN
Asia/Brunei BO America/La_Paz BQ America/Kralendijk BS America/Nassau BT Asia/Thimphu BW
Africa/Gaborone BY Europe/Minsk BZ America/Belize CC Indian/Cocos CF Africa/Bangui CG
Africa/Brazzaville CH Europe/Zurich CI Africa/Abidjan CK Pacific/Rarotonga CM Africa/Douala
CO America/Bogota CR America/Costa_Rica CU America/Havana CV Atlantic/Cape_Verde CW
America/Curacao CX Indian/Christmas CZ Europe/Prague DJ Africa/Djibouti DK Europe/Copenhagen
DM America/Dominica DO America/Santo_Domingo DZ Africa/Algiers EE Europe/Tallinn EG
Africa/Cairo EH Africa/El_Aaiun ER Africa/Asmara ET Africa/Addis_Ababa FI Europe/Helsinki FJ
Pacific/Fiji FK Atlantic/Stanley FO Atlantic/Faroe FR Europe/Paris GA Africa/Libreville GB
Europe/London GD America/Grenada GE Asia/Tbilisi GF America/Cayenne GG Europe/Guernsey GH
Africa/Accra GI Europe/Gibraltar GM Africa/Banjul GN Africa/Conakry GP America/Guadeloupe GQ
Africa/Malabo GR Europe/Athens GS Atlantic/South_Georgia GT America/Guatemala GU
Pacific/Guam GW Africa/Bissau GY America/Guyana HK Asia/Hong_Kong HN America/Tegucigalpa HR
Europe/Zagreb HT America/Port-au-Prince HU Europe/Budapest IE Europe/Dublin IL
Asia/Jerusalem IM Europe/Isle_of_Man IN Asia/Kolkata IO Indian/Chagos IQ Asia/Baghdad IR
Asia/Tehran IS Atlantic/Reykjavik IT Europe/Rome JE Europe/Jersey JM America/Jamaica JO
Asia/Amman JP Asia/Tokyo KE Africa/Nairobi KG Asia/Bishkek KH Asia/Phnom_Penh KM
Indian/Comoro KN America/St_Kitts KP Asia/Pyongyang KR Asia/Seoul KW Asia/Kuwait KY
America/Cayman LA Asia/Vientiane LB Asia/Beirut LC America/St_Lucia LI Europe/Vaduz LK
Asia/Colombo LR Africa/Monrovia LS Africa/Maseru LT Europe/Vilnius LU Europe/Luxembourg LV
Europe/Riga LY Africa/Tripoli MA Africa/Casablanca MC Europe/Monaco MD Europe/Chisinau ME
Europe/Podgorica MF America/Marigot MG Indian/Antananarivo MK Europe/Skopje ML Africa/Bamako
MM Asia/Yangon MO Asia/Macau MP Pacific/Saipan MQ America/Martinique MR Africa/Nouakchott MS
America/Montserrat MT Europe/Malta MU Indian/Mauritius MV Indian/Maldives MW Africa/Blantyre
MZ Africa/Maputo NA Africa/Windhoek NC Pacific/Noumea NE Africa/Niamey NF Pacific/Norfolk NG
Africa/Lagos NI America/Managua NL Europe/Amsterdam NO Europe/Oslo NP Asia/Kathmandu NR
Pacific/Nauru NU Pacific/Niue OM Asia/Muscat PA America/Panama PE America/Lima PH
Asia/Manila PK Asia/Karachi PL Europe/Warsaw PM America/Miquelon PN Pacific/Pitcairn PR
America/Puerto_Rico PW Pacific/Palau PY America/Asuncion QA Asia/Qatar RE Indian/Reunion RO
Europe/Bucharest RS Europe/Belgrade RW Africa/Kigali SA Asia/Riyadh SB Pacific/Guadalcanal
SC Indian/Mahe SD Africa/Khartoum SE Europe/Stockholm SG Asia/Singapore SH
Atlantic/St_Helena SI Europe/Ljubljana SJ Arctic/Longyearbyen SK Europe/Bratislava SL
Africa/Freetown SM Europe/San_Marino SN Africa/Dakar SO Africa/Mogadishu SR
America/Paramaribo SS Africa/Juba ST Africa/Sao_Tome SV America/El_Salvador SX
America/Lower_Princes SY Asia/Damascus SZ Africa/Mbabane TC America/Grand_Turk TD
Africa/Ndjamena TF Indian/Kerguelen TG Africa/Lome TH Asia/Bangkok TJ Asia/Dushanbe TK
Pacific/Fakaofo TL Asia/Dili TM Asia/Ashgabat TN Africa/Tunis TO Pacific/Tongatapu TR
Europe/Istanbul TT America/Port_of_Spain TV Pacific/Funafuti TW Asia/Taipei TZ
Africa/Dar_es_Salaam UG Africa/Kampala UY America/Montevideo VA Europe/Vatican VC
America/St_Vincent VE America/Caracas VG America/Tortola VI America/St_Thomas VN
Asia/Ho_Chi_Minh VU Pacific/Efate WF Pacific/Wallis WS Pacific/Apia YE Asia/Aden YT
Indian/Mayotte ZA Africa/Johannesburg ZM Africa/Lusaka ZW Africa/Harare
"""
_ONE_ZONE = dict(zip(_ONE_ZONE_TEXT.split()[::2], _ONE_ZONE_TEXT.split()[1::2], strict=True))
# names that the number metadata still uses and the time zone database has renamed
_RENAMED_ZONES = {
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "Europe/Kiev": "Europe/Kyiv",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
}
_RUNS = ("0123456789" * 3, "9876543210" * 3)

_PLAIN = re.compile(r"\s*(\+?)\s*([0-9(][0-9 ().\-]{5,24})\s*")
_NO_PUNCTUATION = str.maketrans("", "", " ().-")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_ROUNDED = re.compile(r"([0-9])[.,]([0-9]+)[eE]\+?([0-9]{1,2})")
_DECIMAL = re.compile(r"(\+?[0-9]{7,15})[.,]0{1,2}")
_HARD = re.compile(
    r"[\n\r\t;|]+|\s(?:и|или|либо|or|and|und|&)\s|(?=\+\s*\(?\s*[0-9])", re.IGNORECASE
)
_EXTENSION = re.compile(
    r"[\s,;.(]*(?:"
    r"(?:добавочный|добав|доб|внутренний|внутр|вн|тоновый|тон|доп|extension|extn|ext|anexo|ramal|int)"
    r"[\s.:№#=]*|(?<=[0-9)\s])[xх#]\s*|(?<=[0-9])[pwPW](?=[0-9]))"
    r"\(?([0-9]{1,7})(?![0-9])\)?#?",
    re.IGNORECASE,
)
_MORE_EXTENSIONS = re.compile(r"\s*[,/]\s*([0-9]{1,5})(?=\s*(?:[,/)]|$))")
_LETTERS = re.compile(r"[^\W\d_]+[.:]?")
_SOFT = re.compile(r"\s*[,/\\]+\s*|\s{2,}")
_GROUP = re.compile(r"\+?[0-9]+")
_AREA = re.compile(r"[+0-9 -]*\([0-9 ]+\)([0-9 .\-]+)")
_VANITY = re.compile(r"\+?[0-9 ().\-]{3,}[A-Za-z][A-Za-z0-9 .\-]{2,}")

_country_zones: dict[int, str | None] = {}


def _tidy(raw: str) -> str:
    """Undoes what spreadsheets, browsers and keyboards do to digits."""
    text = html.unescape(raw) if "&" in raw else raw
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(
            str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
            for sign in text
            if unicodedata.category(sign) != "Cf"
        )
        text = _DASHES.sub("-", text)
    return text.strip(" \t\r\n'\"=`*_")


def _region(region: str | None) -> str | None:
    code = (region or "").strip().upper()
    code = _REGION_ALIASES.get(code, code)
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def _is_filler(digits: str) -> bool:
    """Tells whether the digits are a keyboard filler: 0000000, 1111111, 1234567."""
    return len(digits) >= 5 and (len(set(digits)) == 1 or any(digits in run for run in _RUNS))


def _zone(number: PhoneNumber, kind: int, country: str | None) -> str | None:
    """Returns the time zone of a number that can only be in one, else None."""
    if country in _ONE_ZONE:
        return _ONE_ZONE[country]
    if country == "PS" or country is None:
        return None
    code = number.country_code or 0
    is_geographical = phonenumbers.is_number_type_geographical(kind, code)
    if is_geographical:
        zones = phone_timezone.time_zones_for_geographical_number(number)
    elif code in _country_zones:
        return _country_zones[code]
    else:
        zones = phone_timezone.time_zones_for_number(number)
    zone = zones[0] if len(zones) == 1 and zones[0] != "Etc/Unknown" else None
    zone = _RENAMED_ZONES.get(zone, zone) if zone else None
    if not is_geographical:
        _country_zones[code] = zone
    return zone


def _found(number: PhoneNumber) -> dict[str, Any] | None:
    """Describes a number of the numbering plan; None when the plan does not have it."""
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return None
    nsn = phonenumbers.national_significant_number(number)
    if _is_filler(nsn) or nsn[-7:] in ("0000000", "1111111"):
        return {"reason": "placeholder"}
    country = phonenumbers.region_code_for_number(number)
    country = None if country == "001" else country
    return {
        "e164": f"+{number.country_code}{nsn}",
        "type": _TYPES.get(kind, "other"),
        "country_code": country,
        "timezone": _zone(number, kind, country),
        "reason": None,
    }


def _international(digits: str) -> dict[str, Any] | None:
    """Reads digits that begin with a country calling code."""
    for length in (1, 2, 3):
        code = int(digits[:length] or "0")
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            # the general parser costs more than all the rest; plain numbers do without it
            if digits[length : length + 1] not in ("", "0") and len(digits) <= 15:
                number = PhoneNumber(country_code=code, national_number=int(digits[length:]))
                found = _found(number)
                if found:
                    return found
            break
    return _parsed("+" + digits, None)


def _parsed(text: str, region: str | None) -> dict[str, Any] | None:
    try:
        return _found(phonenumbers.parse(text, region))
    except NumberParseException:
        return None


def _read(digits: str, plus: bool, region: str | None) -> dict[str, Any] | None:
    """Finds the reading of a digit string that is a real number, likeliest reading first."""
    length = len(digits)
    if length < 5 or length > 20:
        return None
    if plus:
        found = _international(digits)
        if not found and digits.startswith("00"):
            found = _international(digits[2:])
        # +8 916 … and +7 8 916 …: the trunk prefix typed after the plus
        if not found and length == 11 and digits[0] == "8":
            found = _international("7" + digits[1:])
        if not found and length == 12 and digits[:2] == "78":
            found = _international("7" + digits[2:])
        if not found and region:
            found = _parsed(digits, region)
        return found
    if digits.startswith("00") and length >= 9:
        return _international(digits[2:].lstrip("0"))
    if digits.startswith("810") and length >= 12:
        found = _international(digits[3:])
        if found:
            return found
    is_russian = length == 11 and digits[0] == "8"
    if length == 11 and digits[0] in "78" and region in ("RU", "KZ", None):
        found = _international("7" + digits[1:])
        if found:
            return found
    if length == 11 and digits.startswith("80") and region == "UA":
        found = _international("380" + digits[2:])
        if found:
            return found
    national = _parsed(digits, region) if region else None
    if national and (length <= 10 or digits[0] == "0" or national.get("type") == "mobile"):
        return national
    if length >= (10 if region else 11) and digits[0] != "0":
        found = _international(digits)
        if found:
            return found
    if is_russian and digits[1] in "3456789":
        found = _international("7" + digits[1:])
        if found:
            return found
    if length == 12 and digits[:2] == "87":
        found = _international(digits[1:])
        if found:
            return found
    return national


def _refusal(digits: str, plus: bool, region: str | None) -> str:
    """Says why a digit string is no phone number."""
    if not digits:
        return "not_a_number"
    if _is_filler(digits) or _is_filler(digits[1:]):
        return "placeholder"
    if len(digits) < 7:
        return "too_short"
    if len(digits) > 17:
        return "too_long"
    if not plus and digits[0] in "78" and len(digits) >= 9 and region in ("RU", "KZ"):
        digits, plus = "7" + digits[1:], True
    if not plus and region is None:
        return "unknown_region"
    try:
        number = phonenumbers.parse("+" + digits if plus else digits, region)
    except NumberParseException as error:
        codes = {
            NumberParseException.TOO_SHORT_NSN: "too_short",
            NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
            NumberParseException.TOO_LONG: "too_long",
        }
        return codes.get(error.error_type, "invalid_for_region")
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return "too_short"
    if verdict == ValidationResult.INVALID_LENGTH:
        usual = phonenumbers.example_number(
            phonenumbers.region_code_for_country_code(number.country_code or 0)
        )
        length = len(phonenumbers.national_significant_number(number))
        if usual and length != len(phonenumbers.national_significant_number(usual)):
            is_long = length > len(phonenumbers.national_significant_number(usual))
            return "too_long" if is_long else "too_short"
    return "too_long" if verdict == ValidationResult.TOO_LONG else "invalid_for_region"


def _trimmed(text: str) -> str:
    text = text.strip(" ,;/\\-.:")
    if text.count("(") != text.count(")"):
        text = text.strip(" ,;/\\-.:()")
    return text


def _element(found: dict[str, Any] | None, text: str, reason: str | None) -> dict[str, Any]:
    valid = bool(found) and not (found or {}).get("reason")
    values = found if found and valid else {}
    return {
        "valid": valid,
        "e164": values.get("e164"),
        "extension": "",
        "type": values.get("type"),
        "country_code": values.get("country_code"),
        "timezone": values.get("timezone"),
        "reason": None if valid else (found or {}).get("reason") or reason,
        "text": _trimmed(text),
    }


def _digits(text: str) -> tuple[str, bool]:
    groups = _GROUP.findall(text)
    return "".join(groups).replace("+", ""), bool(groups) and groups[0].startswith("+")


def _cover(text: str, region: str | None) -> list[dict[str, Any]]:
    """Splits text without separators into numbers that use up all of its digits."""
    groups = [(match.group(), match.start(), match.end()) for match in _GROUP.finditer(text)]
    if len(groups) < 2 or len(groups) > 40:
        return []
    best: list[list[dict[str, Any]] | None] = [None] * len(groups) + [[]]
    for start in range(len(groups) - 1, -1, -1):
        joined = ""
        for end in range(start, min(start + 9, len(groups))):
            joined += groups[end][0]
            rest = best[end + 1]
            if rest is None or len(joined) < 7 or len(joined) > 16:
                continue
            found = _read(joined.lstrip("+"), joined.startswith("+"), region)
            current = best[start]
            if found and (current is None or len(rest) + 1 < len(current)):
                part = text[groups[start][1] : groups[end][2]]
                best[start] = [_element(found, part, None), *rest]
    return best[0] or []


def _same_area(last: dict[str, Any], digits: str) -> dict[str, Any] | None:
    """Reads 765-43-21 after (495) 123-45-67 as a number of the same area."""
    match = _AREA.fullmatch(last["text"])
    if not match or len(_digits(match.group(1))[0]) != len(digits):
        return None
    return _parsed(last["e164"][: -len(digits)] + digits, None)


def _split(text: str, region: str | None) -> list[dict[str, Any]]:
    """Reads text without letters, where commas, slashes and gaps may or may not separate."""
    chunks: list[tuple[int, int]] = []
    position = 0
    for match in _SOFT.finditer(text):
        if _GROUP.search(text, position, match.start()):
            chunks.append((position, match.start()))
            position = match.end()
    if _GROUP.search(text, position):
        chunks.append((position, len(text)))
    elements: list[dict[str, Any]] = []
    index = 0
    while index < len(chunks):
        start, end = chunks[index]
        chunk = text[start:end]
        digits, plus = _digits(chunk)
        last = elements[-1] if elements and elements[-1]["valid"] else None
        gap = text[chunks[index - 1][1] : start] if index else ""
        found = _read(digits, plus, region)
        several = [] if found else _cover(chunk, region)
        if found or several:
            elements += [_element(found, chunk, None)] if found else several
            index += 1
            continue
        # +74951234567,123: the comma of a dialling string is a pause before the extension
        if (
            last
            and not last["extension"]
            and "," in gap
            and len(digits) <= 5
            and (chunk.strip(" )#").isdigit())
        ):
            last["extension"] = digits
            index += 1
            continue
        found = _same_area(last, digits) if last else None
        if found:
            elements.append(_element(found, chunk, None))
            index += 1
            continue
        # 030/1234567 and 8 916, 123-45-67: the separator stands inside one number
        joined, after = digits, index + 1
        while not found and after < len(chunks) and len(joined) < 12:
            joined += _digits(text[slice(*chunks[after])])[0]
            after += 1
            found = _read(joined, plus, region) if len(joined) >= 7 else None
        if found:
            elements.append(_element(found, text[start : chunks[after - 1][1]], None))
            index = after
            continue
        elements.append(_element(None, chunk, _refusal(digits, plus, region)))
        index += 1
    return elements


def _segment(text: str, region: str | None) -> list[dict[str, Any]]:
    """Reads one stretch between hard separators."""
    elements: list[dict[str, Any]] = []
    position = 0
    for match in _EXTENSION.finditer(text):
        before = text[position : match.start()]
        numbers = _words(before, region) if len(_digits(before)[0]) >= 5 else []
        if not numbers:
            continue
        elements += numbers
        position = match.end()
        last = elements[-1]
        if last["valid"]:
            last["extension"] = match.group(1)
            more = _MORE_EXTENSIONS.match(text, position)
            while more:
                elements.append({**last, "extension": more.group(1)})
                position = more.end()
                more = _MORE_EXTENSIONS.match(text, position)
    return elements + _words(text[position:], region)


def _words(text: str, region: str | None) -> list[dict[str, Any]]:
    elements: list[dict[str, Any]] = []
    for part in _LETTERS.split(text):
        if _GROUP.search(part):
            elements += _split(part, region)
    return elements


def parse_phone(raw: str | None, region: str | None) -> list[dict[str, Any]] | None:
    """Reads every phone number of a cell.

    Args:
        raw: the cell as it stands in the source, any text.
        region: ISO 3166 code of the country whose dialling habits apply to numbers without a
            country code; None when nothing is known.

    Returns:
        One element per number in written order (at least one), None for None. Digits that are no
        number are elements too, with `valid` false and a reason; short digits beside a valid
        number (a flat, an hour) are not.
    """
    if raw is None:
        return None
    code = _region(region)
    plain = _PLAIN.fullmatch(raw)
    if plain:
        digits = plain.group(2).translate(_NO_PUNCTUATION)
        if 7 <= len(digits) <= 15 and not _is_filler(digits) and "  " not in plain.group(2):
            found = _read(digits, bool(plain.group(1)), code)
            if found and found.get("e164"):
                return [_element(found, raw, None)]
    text = _tidy(raw)
    if not any(sign.isalnum() for sign in text):
        return [_element(None, text, "empty")]
    rounded = _ROUNDED.fullmatch(text)
    if rounded:
        exponent = int(rounded.group(3))
        # a spreadsheet that shows 7.91612E+10 has thrown the other digits away
        if len(rounded.group(2).rstrip("0")) < 9 or len(rounded.group(2)) > exponent:
            return [_element(None, text, "not_a_number")]
        text = (rounded.group(1) + rounded.group(2)).ljust(exponent + 1, "0")
    decimal = _DECIMAL.fullmatch(text)
    if decimal:
        text = decimal.group(1)
    elements: list[dict[str, Any]] = []
    for segment in _HARD.split(re.sub(r";\s*ext=", " ext ", text, flags=re.IGNORECASE)):
        elements += _segment(segment, code)
    if not any(element["valid"] for element in elements) and _VANITY.fullmatch(text):
        found = _parsed(text, code)
        if found:
            elements = [_element(found, text, None)]
    if any(element["valid"] for element in elements):
        elements = [
            element
            for element in elements
            if element["valid"] or len(_digits(element["text"])[0]) > 5
        ]
    unique: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for element in elements:
        key = element["e164"] or element["text"]
        unique.setdefault((key, element["extension"], element["reason"]), element)
    return list(unique.values()) or [_element(None, text, "not_a_number")]
