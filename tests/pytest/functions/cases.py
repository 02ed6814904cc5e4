"""What the Python functions must make of cells seen in real exports, with invented content."""

from __future__ import annotations

from typing import Any

# (cell, region, [(e164 or reason, extension)])
PHONES: list[tuple[str, str | None, list[tuple[str, str]]]] = [
    # one Moscow mobile in many writings
    ("+7 916 123-45-67", None, [("+79161234567", "")]),
    ("+7(916)1234567", "RU", [("+79161234567", "")]),
    ("8 (916) 123-45-67", "RU", [("+79161234567", "")]),
    ("8-916-123-45-67", "RU", [("+79161234567", "")]),
    ("8.916.123.45.67", "RU", [("+79161234567", "")]),
    ("89161234567", "RU", [("+79161234567", "")]),
    ("79161234567", "RU", [("+79161234567", "")]),
    ("9161234567", "RU", [("+79161234567", "")]),
    ("7 916 123 45 67", None, [("+79161234567", "")]),
    ("007 916 123 45 67", "RU", [("+79161234567", "")]),
    ("+7 8 916 123-45-67", "RU", [("+79161234567", "")]),
    ("+89161234567", "RU", [("+79161234567", "")]),
    ("+ 9161234567", "RU", [("+79161234567", "")]),
    ("++7 916 123 45 67", "RU", [("+79161234567", "")]),
    ("tel:+79161234567", "RU", [("+79161234567", "")]),
    ("＋７ ９１６ １２３－４５－６７", None, [("+79161234567", "")]),
    ("+7\u00a0916\u00a0123\u201145\u201167", None, [("+79161234567", "")]),
    ("+7&nbsp;916&nbsp;123-45-67", None, [("+79161234567", "")]),
    ("\u202a+7 916 123-45-67\u202c", None, [("+79161234567", "")]),
    ("'+79161234567", "RU", [("+79161234567", "")]),
    ("79161234567.00", "RU", [("+79161234567", "")]),
    ("7.9161234567E+10", "RU", [("+79161234567", "")]),
    ("моб.: +7 916 123-45-67 (Вера)", "RU", [("+79161234567", "")]),
    ("звонить с 9 до 18 +7 916 123 45 67", "RU", [("+79161234567", "")]),
    ("+7 916 123-45-67, 12:00", "RU", [("+79161234567", "")]),
    # the Russian writing on the card of somebody who lives elsewhere
    ("89161234567", "DE", [("+79161234567", "")]),
    ("89161234567", None, [("+79161234567", "")]),
    ("79161234567", "DE", [("+79161234567", "")]),
    # full international numbers without their plus
    ("12025550143", "RU", [("+12025550143", "")]),
    ("380441234567", "RU", [("+380441234567", "")]),
    ("375291234567", "RU", [("+375291234567", "")]),
    ("442079460018", "RU", [("+442079460018", "")]),
    ("00 380 44 123 45 67", "RU", [("+380441234567", "")]),
    ("8-10-44-20-7946-0018", "RU", [("+442079460018", "")]),
    ("810 44 20 7946 0018", "RU", [("+442079460018", "")]),
    ("011 44 20 7946 0018", "US", [("+442079460018", "")]),
    ("+44 (0)20 7946 0018", None, [("+442079460018", "")]),
    # national writings of other countries
    ("(202) 555-0143", "US", [("+12025550143", "")]),
    ("020 7946 0018", "GB", [("+442079460018", "")]),
    ("020 7946 0018", "uk", [("+442079460018", "")]),
    ("050 123 45 67", "UA", [("+380501234567", "")]),
    ("8 050 123 45 67", "UA", [("+380501234567", "")]),
    ("8 029 123 45 67", "BY", [("+375291234567", "")]),
    ("8 777 123 45 67", "KZ", [("+77771234567", "")]),
    ("030/8234567", "DE", [("+49308234567", "")]),
    ("13812345678", "CN", [("+8613812345678", "")]),
    ("+39 06 1234 5678", None, [("+390612345678", "")]),
    ("1-800-FLOWERS", "US", [("+18003569377", "")]),
    # several in a cell
    ("+79161234567, +79037654322", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("89161234567;89037654322", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("8 916 123-45-67 / 8 903 765-43-22", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("8 916 123 45 67\n8 903 765 43 22", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("8 916 123-45-67 и 8 903 765-43-22", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("8 916 123-45-67 или 8 903 765-43-22", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("8 916 123 45 67 8 903 765 43 22", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("+79161234567+79037654322", "RU", [("+79161234567", ""), ("+79037654322", "")]),
    ("моб 89161234567 раб 84951234567", "RU", [("+79161234567", ""), ("+74951234567", "")]),
    ("8 (495) 123-45-67, 765-43-22", "RU", [("+74951234567", ""), ("+74957654322", "")]),
    ("+79161234567, +7 916 123 45 67", "RU", [("+79161234567", "")]),
    ("+79161234567, 123456", "RU", [("+79161234567", ""), ("placeholder", "")]),
    ("+79161234567, 8495123456", "RU", [("+79161234567", ""), ("too_short", "")]),
    # extensions
    ("8 495 123-45-67 доб. 12", "RU", [("+74951234567", "12")]),
    ("8 495 123-45-67 доб 12", "RU", [("+74951234567", "12")]),
    ("8 495 123-45-67 (доб. 123)", "RU", [("+74951234567", "123")]),
    ("8 495 123-45-67, доб.123", "RU", [("+74951234567", "123")]),
    ("8(495)123-45-67 внутр. 5", "RU", [("+74951234567", "5")]),
    ("+7 495 123-45-67 #12", None, [("+74951234567", "12")]),
    ("+7 495 123-45-67 x12", None, [("+74951234567", "12")]),
    ("+7 495 123-45-67 х 12", None, [("+74951234567", "12")]),
    ("+1 202 555 0188 ext 4", None, [("+12025550188", "4")]),
    ("+1 202 555 0188 extension 4", None, [("+12025550188", "4")]),
    ("+74951234567;ext=12", None, [("+74951234567", "12")]),
    ("+74951234567,123", None, [("+74951234567", "123")]),
    ("+74951234567,,123#", None, [("+74951234567", "123")]),
    ("+74951234567p123", None, [("+74951234567", "123")]),
    ("+7 495 123-45-67 доб. 12, 13", None, [("+74951234567", "12"), ("+74951234567", "13")]),
    (
        "8 495 123-45-67 доб. 12, 8 916 123 45 67",
        "RU",
        [("+74951234567", "12"), ("+79161234567", "")],
    ),
    # no numbers, and why
    ("", "RU", [("empty", "")]),
    ("  \u00a0 ", "RU", [("empty", "")]),
    ("-", "RU", [("empty", "")]),
    ("нет", "RU", [("not_a_number", "")]),
    ("нет телефона", "RU", [("not_a_number", "")]),
    ("vera@example.com", "RU", [("not_a_number", "")]),
    ("7.91612E+10", "RU", [("not_a_number", "")]),
    ("123", "RU", [("too_short", "")]),
    ("8 916 123 45 6", "RU", [("too_short", "")]),
    ("8 916 123 45 678", "RU", [("too_long", "")]),
    ("+7 916 123 45 678", None, [("too_long", "")]),
    ("12345678901234567890", "RU", [("placeholder", "")]),
    ("9161234567", None, [("unknown_region", "")]),
    ("8 200 123 45 67", "RU", [("invalid_for_region", "")]),
    ("+999 123 456 789", None, [("invalid_for_region", "")]),
    ("0000000", "RU", [("placeholder", "")]),
    ("1111111", "RU", [("placeholder", "")]),
    ("1234567", "RU", [("placeholder", "")]),
    ("123-45-67", "RU", [("placeholder", "")]),
    ("+7 000 000-00-00", "RU", [("placeholder", "")]),
    ("+7 (999) 999-99-99", "RU", [("placeholder", "")]),
    ("89999999999", "RU", [("placeholder", "")]),
    ("+7 916 000-00-00", "RU", [("placeholder", "")]),
    ("+7 916 111-11-11", "RU", [("placeholder", "")]),
]

# (cell, [(value or reason, match key or None)])
EMAILS: list[tuple[str, list[tuple[str, str | None]]]] = [
    ("Vera@Example.COM", [("vera@example.com", "vera@example.com")]),
    (" vera@example.com. ", [("vera@example.com", "vera@example.com")]),
    ("mailto:vera@example.com", [("vera@example.com", "vera@example.com")]),
    ("<a href='mailto:vera@example.com'>", [("vera@example.com", "vera@example.com")]),
    ("mailto:vera@example.com?subject=x", [("vera@example.com", "vera@example.com")]),
    ('"Вера" <vera@example.com>', [("vera@example.com", "vera@example.com")]),
    ("почта: vera@example.com (личная)", [("vera@example.com", "vera@example.com")]),
    ("\u200bvera@example.com\u00a0", [("vera@example.com", "vera@example.com")]),
    ("vera @ example.com", [("vera@example.com", "vera@example.com")]),
    ("vera@mail .ru", [("vera@mail.ru", "vera@mail.ru")]),
    ("vera[at]example[dot]com", [("vera@example.com", "vera@example.com")]),
    ("vera(собака)example.com", [("vera@example.com", "vera@example.com")]),
    ("ｖｅｒａ@example.com", [("vera@example.com", "vera@example.com")]),
    ("vera@sub.example.test", [("vera@sub.example.test", "vera@sub.example.test")]),
    # several
    ("a@example.com, b@example.com", [("a@example.com", "="), ("b@example.com", "=")]),
    ("a@example.com;b@example.com", [("a@example.com", "="), ("b@example.com", "=")]),
    ("a@example.com b@example.com", [("a@example.com", "="), ("b@example.com", "=")]),
    ("a@example.com/b@example.com", [("a@example.com", "="), ("b@example.com", "=")]),
    ("a@example.com\nb@example.com", [("a@example.com", "="), ("b@example.com", "=")]),
    ("a@example.com и b@example.com", [("a@example.com", "="), ("b@example.com", "=")]),
    ("a@example.com, A@EXAMPLE.com", [("a@example.com", "=")]),
    ("a@example.com, b@", [("a@example.com", "="), ("incomplete", None)]),
    # international domains: one form, whatever the writing
    ("vera@пример.рф", [("vera@пример.рф", "=")]),
    ("vera@xn--e1afmkfd.xn--p1ai", [("vera@пример.рф", "=")]),
    ("вера@пример.рф", [("вера@пример.рф", "=")]),
    ("vera@bücher.example", [("vera@bücher.example", "=")]),
    # aliases fold in the match key only
    ("V.era+travel@gmail.com", [("v.era+travel@gmail.com", "vera@gmail.com")]),
    ("vera@googlemail.com", [("vera@googlemail.com", "vera@gmail.com")]),
    ("ve.ra@ya.ru", [("ve.ra@ya.ru", "ve-ra@yandex.ru")]),
    ("ve-ra@yandex.com", [("ve-ra@yandex.com", "ve-ra@yandex.ru")]),
    ("vera+x@yandex.kz", [("vera+x@yandex.kz", "vera@yandex.ru")]),
    ("vera@bk.ru", [("vera@bk.ru", "vera@bk.ru")]),
    ("vera+x@mail.ru", [("vera+x@mail.ru", "vera@mail.ru")]),
    ("vera@me.com", [("vera@me.com", "vera@icloud.com")]),
    ("vera+x@example.com", [("vera+x@example.com", "vera+x@example.com")]),
    # no addresses, and why
    ("", [("empty", None)]),
    ("—", [("empty", None)]),
    ("нет", [("no_at_sign", None)]),
    ("vera.example.com", [("no_at_sign", None)]),
    ("vera@@example.com", [("several_at_signs", None)]),
    ("@example.com", [("incomplete", None)]),
    ("vera@ехample.com", [("mixed_scripts", None)]),
    ("vеra@example.com", [("mixed_scripts", None)]),
    ("вера@example.com", [("letters_not_latin", None)]),
    ("vera@mail.кг", [("unknown_ending", None)]),
    ("vera@example", [("no_ending", None)]),
    ("vera@mail,ru", [("comma_for_dot", None)]),
    ("vera@office.local", [("not_deliverable", None)]),
    ("ve..ra@example.com", [("syntax", None)]),
    ("vera@-example.com", [("syntax", None)]),
    ("v" * 65 + "@example.com", [("syntax", None)]),
]

# (channel, cell, channel of the answer, value or reason, valid)
HANDLES: list[tuple[str, str, str, str, bool]] = [
    ("telegram", "@Vera_Tutova", "telegram", "vera_tutova", True),
    ("telegram", "vera_tutova", "telegram", "vera_tutova", True),
    ("telegram", "https://t.me/Vera_Tutova?start=1", "telegram", "vera_tutova", True),
    ("telegram", "t.me/vera_tutova/", "telegram", "vera_tutova", True),
    ("telegram", "http://telegram.me/vera_tutova", "telegram", "vera_tutova", True),
    ("telegram", "vera_tutova.t.me", "telegram", "vera_tutova", True),
    ("telegram", "tg://resolve?domain=vera_tutova", "telegram", "vera_tutova", True),
    ("telegram", "https://web.telegram.org/k/#@vera_tutova", "telegram", "not_a_handle", False),
    ("telegram", "Телеграм: @vera_tutova", "telegram", "vera_tutova", True),
    ("telegram", "100200300", "telegram", "id:100200300", True),
    ("telegram", "tg://user?id=100200300", "telegram", "id:100200300", True),
    ("telegram", "+7 916 123-45-67", "telegram", "+79161234567", True),
    ("telegram", "https://t.me/+79161234567", "telegram", "+79161234567", True),
    ("telegram", "https://t.me/+AbCdEf012", "telegram", "not_a_profile", False),
    ("telegram", "https://t.me/joinchat/AbCdEf", "telegram", "not_a_profile", False),
    ("telegram", "Вера Тутова", "telegram", "not_a_handle", False),
    ("telegram", "@aa", "telegram", "not_a_handle", False),
    ("telegram", "@vera_one, @vera_two", "telegram", "several_values", False),
    ("telegram", "@vera_one, t.me/vera_one", "telegram", "vera_one", True),
    ("telegram", "-", "telegram", "empty", False),
    ("telegram", "https://vk.com/vera", "vk", "vera", True),
    ("telegram", "https://example.com/vera", "telegram", "other_site", False),
    ("Telegram", "@vera_one", "telegram", "vera_one", True),
    ("whatsapp", "https://wa.me/79161234567", "whatsapp", "+79161234567", True),
    (
        "whatsapp",
        "https://api.whatsapp.com/send?phone=79161234567",
        "whatsapp",
        "+79161234567",
        True,
    ),
    ("whatsapp", "whatsapp://send?phone=%2B79161234567", "whatsapp", "+79161234567", True),
    ("whatsapp", "8 (916) 123-45-67", "whatsapp", "+79161234567", True),
    ("whatsapp", "12025550143", "whatsapp", "+12025550143", True),
    ("whatsapp", "9161234567", "whatsapp", "number_without_country", False),
    ("whatsapp", "https://chat.whatsapp.com/AbCdEf", "whatsapp", "not_a_profile", False),
    ("whatsapp", "да", "whatsapp", "not_a_phone", False),
    ("viber", "viber://chat?number=%2B79161234567", "viber", "+79161234567", True),
    ("viber", "+7 916 123 45 67", "viber", "+79161234567", True),
    ("viber", "abCDefGHijKLmnOPqrSTuv==", "viber", "id:abCDefGHijKLmnOPqrSTuv==", True),
    ("skype", "Vera.Tutova", "skype", "vera.tutova", True),
    ("skype", "skype:vera.tutova?chat", "skype", "vera.tutova", True),
    ("skype", "live:.cid.0a1b2c3d", "skype", "live:.cid.0a1b2c3d", True),
    ("skype", "https://join.skype.com/invite/x", "skype", "not_a_profile", False),
    ("facebook", "https://www.facebook.com/Vera.Tutova?ref=1", "facebook", "vera.tutova", True),
    ("facebook", "fb.com/vera.tutova", "facebook", "vera.tutova", True),
    ("facebook", "https://m.facebook.com/profile.php?id=100001", "facebook", "id:100001", True),
    ("facebook", "https://www.facebook.com/people/V-T/100001/", "facebook", "id:100001", True),
    ("facebook", "https://www.facebook.com/groups/travel", "facebook", "not_a_profile", False),
    ("instagram", "https://instagram.com/Vera.T/?hl=ru", "instagram", "vera.t", True),
    ("instagram", "@vera.t", "instagram", "vera.t", True),
    ("instagram", "https://www.instagram.com/p/AbC/", "instagram", "not_a_profile", False),
    ("vk", "https://vk.com/id12345", "vk", "id12345", True),
    ("vk", "12345", "vk", "id12345", True),
    ("vk", "m.vk.com/Vera", "vk", "vera", True),
    ("icq", "12345", "icq", "unknown_channel", False),
]

# every line: writings of one name
NAMES: list[list[str]] = [
    line.split()
    for line in """
    Юлия ЮЛИЯ Yulia Julia Iuliia Yuliya Yuliia Iuliya Juliya Julija
    Щербаков Shcherbakov Scherbakov Sherbakov
    Хабибулин Khabibulin Habibulin Хабибуллин Khabibullin
    Евгений Evgeny Evgenii Yevgeniy Evgeniy Yevgeny Jevgenij
    Алексей Alexey Aleksei Alexei Aleksey Alexej
    Дмитрий Dmitry Dmitri Dmitriy Dmitrii Dmitrij
    Александр Alexander Aleksandr Alexandr Aleksander
    Пётр Петр Petr Pyotr Piotr Peter
    Семён Семен Semyon Semen
    Фёдор Федор Fyodor Fedor
    Артём Артем Artyom Artem
    Татьяна Tatiana Tatyana Tatjana Tat'yana
    Наталья Наталия Natalia Natalya Nataliya
    Илья Ilya Ilia Iliya
    Юрий Yuri Yury Yuriy Iurii Jurij
    Людмила Lyudmila Ludmila Liudmila
    Любовь Lyubov Liubov Lubov
    Ксения Ksenia Xenia Kseniya
    Соловьёв Соловьев Solovyov Soloviev Solovyev Solovev
    Кузнецов Kuznetsov Kuznecov Kuznetzov Kuznetcov
    Чайковский Tchaikovsky Chaykovskiy Chaikovskii Tschaikowski
    Шевчук Shevchuk Schewtschuk Szewczuk
    Григорьев Grigoryev Grigoriev Grigorev
    Николаевич Nikolaevich Nikolayevich
    Исаев Isaev Isayev
    Христина Christina Khristina Kristina
    Михаил Mikhail Mihail Michail
    Смирнов Smirnov Smirnoff
    Джамиля Jamilya Dzhamilya Djamilya
    Джон John
    Екатерина Ekaterina Yekaterina
    Мюллер Müller Mueller Muller
    José Jose
    Łukasz Lukasz
    Dvořák Dvorak
    Øystein Oystein
    Сергей Sergey Sergei Serguei
    Иванов Ivаnov Ивaнов
    Анна-Мария Anna-Maria Annamaria
    O'Connor O’Connor Oconnor
    """.strip().splitlines()
]

HTML: list[tuple[str, str]] = [
    ("<p>Prefers calls after 11:00&nbsp;am</p>", "Prefers calls after 11:00 am"),
    ("просто текст", "просто текст"),
    ("a < b & c > d", "a < b & c > d"),
    ("1 &lt; 2 &amp; 3", "1 < 2 & 3"),
    ("<p>a</p><p>b</p>", "a\n\nb"),
    ("a<br>b<br/>c", "a\nb\nc"),
    ("<div>a<div>b</div></div>", "a\nb"),
    ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
    ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
    ('см. <a href="https://example.com/x">сайт</a>', "см. сайт (https://example.com/x)"),
    ('<a href="https://example.com">https://example.com</a>', "https://example.com"),
    ("<script>alert(1)</script>x<style>p{}</style>", "x"),
    ("<b>Ве</b>ра", "Вера"),
    ("line 1\nline 2 <b>x</b>", "line 1\nline 2 x"),
    ("<p>a\nb</p>", "a b"),
    ("a\r\nb\u0007c\u200b", "a\nbc"),
    ("&amp;nbsp;x&amp;amp;", "x&"),
    ("<p>unclosed <b>tag", "unclosed tag"),
    ("<p>&nbsp;</p><p></p><p>x</p>", "x"),
    ("x\n\n\n\n\ny", "x\n\ny"),
    ("mail <vera@example.com> ok", "mail <vera@example.com> ok"),
    ("<p>&#1055;&#x440;&#x438;</p>", "При"),
    ("<p>\U0001f600</p>", "\U0001f600"),
    ("<!-- note -->x", "x"),
    ("", ""),
]

# argument lists of every function, for the test that both ways agree
ARGUMENTS: dict[str, list[tuple[Any, ...]]] = {
    "parse_phone": [(cell, region) for cell, region, _ in PHONES],
    "parse_email": [(cell,) for cell, _ in EMAILS],
    "messenger_handle": [(channel, cell) for channel, cell, *_ in HANDLES],
    "name_skeleton": [(name,) for names in NAMES for name in names] + [("李",), ("გიორგი",), ("",)],
    "html_to_text": [(text,) for text, _ in HTML],
    "uuid_v5": [(f"planfix:{number}",) for number in range(1, 50)],
}
