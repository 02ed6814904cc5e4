"""Texts of the report in English and Russian; both have the same keys (a test checks it)."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("en", "ru")

TEXTS: Final[dict[str, dict[str, str]]] = {
    "title": {
        "en": "Planfix to Riderra: state of the migration",
        "ru": "Planfix → Riderra: состояние переноса",
    },
    "subtitle": {
        "en": "Counts only: this page holds no client data and may be passed on.",
        "ru": "Только числа: на странице нет данных клиентов, её можно пересылать.",
    },
    "internal": {
        "en": "Internal: this page names record numbers and people of the team. Do not pass it on.",
        "ru": "Для своих: здесь номера записей и имена сотрудников. Не пересылать.",
    },
    "footer": {
        "en": "Made by `python -m report`. What each figure means: quality models in `dbt docs`.",
        "ru": "Страницу делает `python -m report --lang ru`. Откуда числа: модели quality в "
        "`dbt docs`.",
    },
    "contents": {"en": "Contents", "ru": "Содержание"},
    "tile_source": {"en": "records in Planfix", "ru": "записей в Planfix"},
    "tile_live": {"en": "active clients in the CRM", "ru": "активных клиентов в CRM"},
    "tile_merged": {"en": "of the records were duplicates", "ru": "записей оказались дублями"},
    "tile_reachable": {"en": "of the clients can be reached", "ru": "клиентов имеют канал связи"},
    "tile_waiting": {"en": "items wait for people", "ru": "решений ждут людей"},
    "tile_gates": {"en": "gates passed", "ru": "проверок пройдено"},
    "g_decide": {"en": "What to decide", "ru": "Что решать"},
    "g_moved": {"en": "What moved", "ru": "Что перенесено"},
    "g_waiting": {"en": "What waits for people", "ru": "Что ждёт людей"},
    "g_quality": {"en": "Quality and duplicates", "ru": "Качество и дубли"},
    "g_checks": {"en": "Checks", "ru": "Проверки"},
    "keys": {"en": "Record numbers", "ru": "Номера записей"},
    "keys_text": {
        "en": "What waits for people, by the number of the card in Planfix; no values.",
        "ru": "Что ждёт людей — по номерам карточек в Planfix, без самих значений.",
    },
    "numbers": {"en": "Cards", "ru": "Карточки"},
    "since": {"en": "Since", "ru": "С какого дня"},
    "until": {"en": "waived until {until}", "ru": "допущено до {until}"},
    "runs": {"en": "Last runs", "ru": "Последние запуски"},
    "run_done": {"en": "done", "ru": "завершён"},
    "run_running": {"en": "running or killed", "ru": "идёт или прерван"},
    "run_stopped": {"en": "stopped", "ru": "остановлен"},
    "run_failed": {"en": "failed", "ru": "с ошибкой"},
    "written": {"en": "Written by the last run", "ru": "Записано последним запуском"},
    "inserted": {"en": "inserted", "ru": "новых"},
    "updated": {"en": "updated", "ru": "изменено"},
    "retired": {"en": "retired", "ru": "снято"},
    "over_a_week": {"en": "Over a week", "ru": "Старше недели"},
    "channel_phone": {"en": "Phone", "ru": "Телефон"},
    "channel_email": {"en": "E-mail", "ru": "E-mail"},
    "reach": {"en": "Phones and e-mail by country", "ru": "Телефоны и e-mail по странам"},
    "reach_text": {
        "en": "Valid ones, and the share that was rejected. A number counts in its own country, "
        "everything else where its card belongs.",
        "ru": "Верные и доля брака. Номер относится к своей стране, остальное — к стране карточки.",
    },
    "phones": {"en": "Phones", "ru": "Телефоны"},
    "emails": {"en": "E-mail", "ru": "E-mail"},
    "table_customers": {"en": "Clients", "ru": "Клиенты"},
    "table_customer_contacts": {"en": "Contact channels", "ru": "Каналы связи"},
    "table_customer_tags": {"en": "Tags", "ru": "Метки"},
    "table_customer_notes": {"en": "Notes", "ru": "Заметки"},
    "table_customer_consents": {"en": "Consents", "ru": "Согласия"},
    "table_customer_external_links": {"en": "Source links", "ru": "Связи с источником"},
    "countries_text": {
        "en": "Active clients in the CRM, and the channels by which they can be reached.",
        "ru": "Активные клиенты в CRM и то, каким каналом с ними можно связаться.",
    },
    "made": {"en": "Page made", "ru": "Страница создана"},
    "database": {"en": "Database", "ru": "База данных"},
    "dry_run": {
        "en": "Dry run: a copy of the live tables, nothing was written to the CRM.",
        "ru": "Пробный прогон на копии таблиц: в CRM ничего не записано.",
    },
    "sample": {
        "en": "Sample data: an invented account, made by the bundled simulator.",
        "ru": "Учебные данные: вымышленный аккаунт из встроенного симулятора.",
    },
    "run": {"en": "Run", "ru": "Запуск"},
    "operator": {"en": "Operator", "ru": "Оператор"},
    "status": {"en": "Status", "ru": "Состояние"},
    "started": {"en": "Started", "ru": "Начало"},
    "duration": {"en": "Duration", "ru": "Длительность"},
    "verdict_ready": {
        "en": "All acceptance criteria are met.",
        "ru": "Все критерии приёмки выполнены.",
    },
    "verdict_waived": {
        "en": "Gates pass, some of them by a waiver of the Owner.",
        "ru": "Проверки пройдены, часть из них по решению владельца.",
    },
    "verdict_failed": {
        "en": "Not ready: something below failed.",
        "ru": "Не готово: часть проверок ниже не пройдена.",
    },
    "verdict_unknown": {
        "en": "No acceptance figures yet: run `dbt build`.",
        "ru": "Данных о приёмке ещё нет: запустите `dbt build`.",
    },
    "missing_parts": {"en": "Parts that are missing", "ru": "Чего здесь не хватает"},
    "missing_text": {
        "en": "These parts could not be read; the next full `dbt build` makes them.",
        "ru": "Эти части прочитать не удалось; их создаст следующий полный `dbt build`.",
    },
    "not_built": {"en": "Not built yet.", "ru": "Ещё не построено."},
    "none": {"en": "None.", "ru": "Нет."},
    "part": {"en": "Part", "ru": "Часть"},
    "reason": {"en": "Reason", "ru": "Причина"},
    "total": {"en": "Total", "ru": "Всего"},
    "share": {"en": "Share", "ru": "Доля"},
    # gates, by their names in seeds/rules/gates.csv
    "gate_valid_contacts_moved": {
        "en": "Valid contacts that are in the target",
        "ru": "Верных контактов перенесено",
    },
    "gate_planfix_link": {
        "en": "Clients with a link to Planfix",
        "ru": "Клиентов со ссылкой на Planfix",
    },
    "gate_manual_review": {
        "en": "Records that wait for a person",
        "ru": "Записей ждёт ручного разбора",
    },
    "gate_books_balance": {
        "en": "Source records without an outcome",
        "ru": "Записей источника без исхода",
    },
    "gate_layers_balance": {
        "en": "Balance checks between layers that fail",
        "ru": "Несошедшихся сверок между слоями",
    },
    "gate_source_not_empty": {"en": "Source records read", "ru": "Прочитано записей источника"},
    "gate_extract_finished": {
        "en": "Extracts that did not finish",
        "ru": "Незавершённых выгрузок",
    },
    "gate_extract_complete": {
        "en": "Objects not extracted completely",
        "ru": "Не полностью выгруженных объектов",
    },
    "gate_contact_points_moved": {
        "en": "Valid phones and addresses that are in the target",
        "ru": "Верных телефонов и адресов перенесено",
    },
    "gate_consents_never_widen": {
        "en": "Clients with a wider consent than a card of theirs allows",
        "ru": "Клиентов с согласием шире, чем в их карточках",
    },
    "gate_live_rows_overwritten": {
        "en": "Live rows to be overwritten",
        "ru": "Строк CRM будет перезаписано",
    },
    "gate_live_rows_retired": {"en": "Live rows to be retired", "ru": "Строк CRM будет снято"},
    "gate_live_customers_archived": {
        "en": "Live clients to be archived",
        "ru": "Клиентов CRM уйдёт в архив",
    },
    "gate_live_customers_merged": {
        "en": "Live clients to be merged",
        "ru": "Клиентов CRM будет объединено",
    },
    # sections
    "funnel": {"en": "From extracted to published", "ru": "От выгрузки до CRM"},
    "funnel_text": {
        "en": "How many source records came in, and how many clients they became.",
        "ru": "Сколько записей пришло из источника и скольким клиентам они соответствуют.",
    },
    "step": {"en": "Step", "ru": "Шаг"},
    "records": {"en": "Records", "ru": "Записей"},
    "step_extracted": {"en": "Source records", "ru": "Записей в источнике"},
    "step_in_scope": {"en": "In scope", "ru": "Подлежат переносу"},
    "step_customers": {"en": "Clients after merging", "ru": "Клиентов после объединения"},
    "step_live": {"en": "Active clients in the CRM", "ru": "Активных клиентов в CRM"},
    "step_complete": {"en": "…with a valid channel", "ru": "…с рабочим каналом связи"},
    "balance": {"en": "The books, record by record", "ru": "Баланс по записям"},
    "balance_text": {
        "en": "Every source record has exactly one outcome, with a reason.",
        "ru": "У каждой записи источника ровно один исход, с причиной.",
    },
    "outcome": {"en": "Outcome", "ru": "Исход"},
    "outcome_published": {"en": "Published", "ru": "Перенесена"},
    "outcome_merged": {"en": "Merged with another, by", "ru": "Объединена с другой:"},
    "outcome_archived": {"en": "Archived", "ru": "В архиве"},
    "outcome_excluded": {"en": "Excluded", "ru": "Исключена"},
    "outcome_unaccounted": {"en": "No outcome", "ru": "Без исхода"},
    "joined_by": {"en": "{rule}", "ru": "{rule}"},
    "balance_ok": {
        "en": "The books balance: source = published + merged + archived + excluded.",
        "ru": "Баланс сходится: источник = перенесено + объединено + архив + исключено.",
    },
    "balance_bad": {
        "en": "The books do not balance: {count} records have no outcome.",
        "ru": "Баланс не сходится: записей без исхода — {count}.",
    },
    "acceptance": {"en": "Acceptance", "ru": "Приёмка"},
    "criterion": {"en": "Criterion", "ru": "Критерий"},
    "value": {"en": "Value", "ru": "Значение"},
    "limit": {"en": "Limit", "ru": "Граница"},
    "result": {"en": "Result", "ru": "Итог"},
    "passed": {"en": "pass", "ru": "да"},
    "failed": {"en": "FAIL", "ru": "НЕТ"},
    "waived": {"en": "waived", "ru": "допущено"},
    "gates": {"en": "Gates", "ru": "Проверки перед записью"},
    "gates_text": {
        "en": "A failing gate stops the run before the first live row changes.",
        "ru": "Непройденная проверка останавливает запуск до первой записи в CRM.",
    },
    "gate": {"en": "Gate", "ru": "Проверка"},
    "channels": {"en": "Quality per channel", "ru": "Качество по каналам"},
    "channels_text": {
        "en": "Contact points found in the source: valid ones go to the CRM, the rest to "
        "quarantine with a reason.",
        "ru": "Контакты из источника: верные идут в CRM, остальные — в карантин с причиной.",
    },
    "channel": {"en": "Channel", "ru": "Канал"},
    "valid": {"en": "valid", "ru": "верные"},
    "rejected": {"en": "rejected", "ru": "брак"},
    "clients": {"en": "Clients", "ru": "Клиентов"},
    "countries": {"en": "Quality per country", "ru": "Качество по странам"},
    "country": {"en": "Country", "ru": "Страна"},
    "country_none": {"en": "unknown", "ru": "не указана"},
    "country_rest": {"en": "other", "ru": "прочие"},
    "with_phone": {"en": "phone", "ru": "телефон"},
    "with_email": {"en": "e-mail", "ru": "e-mail"},
    "incomplete": {"en": "no channel", "ru": "ничего"},
    "reachable": {"en": "can be reached", "ru": "есть канал связи"},
    "unreachable": {"en": "no channel", "ru": "нет канала связи"},
    "duplicates": {"en": "Duplicates by rule", "ru": "Дубли по правилам"},
    "duplicates_text": {
        "en": "Links found between records, by the rule that found them. Shared numbers and "
        "mailboxes never merge people by themselves.",
        "ru": "Связи между записями по правилам, которые их нашли. Общие номера и ящики сами по "
        "себе людей не объединяют.",
    },
    "rule": {"en": "Rule", "ru": "Правило"},
    "strength": {"en": "Strength", "ru": "Сила"},
    "links": {"en": "Links", "ru": "Связей"},
    "sizes": {"en": "Records per client", "ru": "Записей на клиента"},
    "queues": {"en": "Queues and their age", "ru": "Очереди и их возраст"},
    "queues_text": {
        "en": "What nobody has decided yet: how much, and since when.",
        "ru": "Что ещё никто не решил: сколько и как давно.",
    },
    "queue": {"en": "Queue", "ru": "Очередь"},
    "open": {"en": "Open", "ru": "Открыто"},
    "oldest": {"en": "Oldest, days", "ru": "Дней старейшему"},
    "quarantine": {"en": "Quarantine", "ru": "Карантин"},
    "review_queue": {"en": "Review queue", "ru": "Очередь на разбор"},
    "worklist_managers": {"en": "Managers without a Riderra user", "ru": "Менеджеры без учётки"},
    "worklist_tags": {"en": "Tags without a mapping", "ru": "Метки без соответствия"},
    "worklist_custom_fields": {"en": "Custom fields unmapped", "ru": "Поля без соответствия"},
    "worklist_csv_headers": {"en": "File columns unmapped", "ru": "Столбцы без соответствия"},
    "by_reason": {"en": "by reason", "ru": "по причинам"},
    "plan": {"en": "Plan and result", "ru": "План и итог"},
    "plan_text": {
        "en": "What the last build decided for each live row.",
        "ru": "Что последний запуск решил по каждой строке CRM.",
    },
    "table": {"en": "Table", "ru": "Таблица"},
    "action_insert": {"en": "insert", "ru": "новые"},
    "action_adopt": {"en": "adopt", "ru": "принять"},
    "action_update": {"en": "update", "ru": "изменить"},
    "action_no_change": {"en": "no change", "ru": "без изменений"},
    "action_keep_crm_edit": {"en": "keep CRM's edit", "ru": "правка CRM"},
    "action_conflict": {"en": "conflict", "ru": "конфликт"},
    "action_retire": {"en": "retire", "ru": "снять"},
    "batches": {"en": "Batches of the last run", "ru": "Порции последнего запуска"},
    "batches_text": {
        "en": "One transaction each: a batch is whole or absent.",
        "ru": "Каждая — одна транзакция: порция записана целиком или не записана вовсе.",
    },
    "batch": {"en": "Batch", "ru": "Порция"},
    "rows": {"en": "Rows", "ru": "Строк"},
    "seconds": {"en": "Seconds", "ru": "Секунд"},
    "batches_summary": {
        "en": "{batches} batches, {rows} rows in {seconds} s of writing; slowest {slowest} s, "
        "typical {typical} s.",
        "ru": "Порций: {batches}, строк: {rows}, запись заняла {seconds} с; самая долгая "
        "{slowest} с, обычно {typical} с.",
    },
    "no_batches": {
        "en": "Nothing differed: no live row was rewritten.",
        "ru": "Различий нет: ни одна строка CRM не перезаписана.",
    },
    "changes": {"en": "Since the run before", "ru": "С прошлого запуска"},
    "changes_text": {
        "en": "Figures of this run beside those of the run before.",
        "ru": "Числа этого запуска рядом с числами прошлого.",
    },
    "figure": {"en": "Figure", "ru": "Показатель"},
    "before": {"en": "Before", "ru": "Было"},
    "now": {"en": "Now", "ru": "Стало"},
    "difference": {"en": "Difference", "ru": "Разница"},
    "first_run": {
        "en": "This is the first run: nothing to compare with.",
        "ru": "Это первый запуск: сравнивать не с чем.",
    },
    "events": {"en": "Identity events of the last run", "ru": "События последнего запуска"},
    "event": {"en": "Event", "ru": "Событие"},
    "count": {"en": "Count", "ru": "Число"},
    "event_create": {"en": "client created", "ru": "клиент создан"},
    "event_absorb": {"en": "record joined a client", "ru": "запись присоединена"},
    "event_merge": {"en": "two clients became one", "ru": "два клиента стали одним"},
    "event_split": {"en": "client split", "ru": "клиент разделён"},
    "event_retire": {"en": "client retired", "ru": "клиент снят"},
    "event_move": {"en": "record moved", "ru": "запись перемещена"},
    "extract": {"en": "Extract", "ru": "Выгрузка"},
    "extract_text": {
        "en": "What was expected from the source, and what was loaded.",
        "ru": "Сколько ждали от источника и сколько загружено.",
    },
    "object": {"en": "Object", "ru": "Объект"},
    "expected": {"en": "Expected", "ru": "Ждали"},
    "loaded": {"en": "Loaded", "ru": "Загружено"},
    "verdict": {"en": "Verdict", "ru": "Вывод"},
    "requests": {
        "en": "{used} requests used; the floor for this account is {floor}.",
        "ru": "Запросов: {used}; наименьшее возможное число — {floor}.",
    },
    "verdict_ok": {"en": "ok", "ru": "верно"},
    "verdict_short": {"en": "SHORT", "ru": "НЕХВАТКА"},
    "verdict_surplus": {"en": "surplus", "ru": "больше"},
    "verdict_missing_field": {"en": "FIELD MISSING", "ru": "НЕТ ПОЛЯ"},
    "qa": {"en": "QA sample", "ru": "Выборочная проверка"},
    "qa_text": {
        "en": "Clients drawn for a look by eye, and the verdicts given so far.",
        "ru": "Клиенты, отобранные для проверки глазами, и вынесенные оценки.",
    },
    "stratum": {"en": "Stratum", "ru": "Группа"},
    "drawn": {"en": "Drawn", "ru": "Всего"},
    "kind_person": {"en": "person", "ru": "человек"},
    "kind_company": {"en": "company", "ru": "компания"},
    "merged_yes": {"en": "merged", "ru": "объединён"},
    "merged_no": {"en": "single", "ru": "одна карточка"},
    "correct": {"en": "correct", "ru": "верно"},
    "wrong": {"en": "wrong", "ru": "ошибка"},
    "unsure": {"en": "unsure", "ru": "неясно"},
    "waiting": {"en": "waiting", "ru": "ждёт"},
    "next_steps": {"en": "Next steps", "ru": "Что дальше"},
    "next_extract_first": {
        "en": "Nothing is extracted yet: run `dlt pipeline run`, then `dbt build`.",
        "ru": "Ещё ничего не выгружено: запустите `dlt pipeline run`, затем `dbt build`.",
    },
    "next_build": {"en": "Run `dbt build`.", "ru": "Запустите `dbt build`."},
    "next_gate": {
        "en": "“{name}” fails. Mend what `quality.migration_gates` points to, or let the Owner "
        "waive it, then run `dbt build` again.",
        "ru": "«{name}» — не пройдено. Исправьте то, на что указывает `quality.migration_gates`, "
        "или получите решение владельца, затем снова `dbt build`.",
    },
    "next_extract": {
        "en": "The extract of {name} is incomplete: run `dlt pipeline run` again, then "
        "`dbt build`.",
        "ru": "Выгрузка {name} неполная: повторите `dlt pipeline run`, затем `dbt build`.",
    },
    "next_review_queue": {
        "en": "Settle the {count} cases of the review queue.",
        "ru": "Разберите случаи в очереди: {count}.",
    },
    "next_quarantine": {
        "en": "Look through the {count} values in quarantine: correct, accept or drop them.",
        "ru": "Просмотрите значения в карантине ({count}): исправить, принять или отбросить.",
    },
    "next_worklist_managers": {
        "en": "Map {count} Planfix managers in `manager_mapping.csv`.",
        "ru": "Укажите пользователей Riderra для менеджеров Planfix ({count}) в "
        "`manager_mapping.csv`.",
    },
    "next_worklist_tags": {
        "en": "Map {count} tags in `tag_mapping.csv`.",
        "ru": "Укажите соответствие меток ({count}) в `tag_mapping.csv`.",
    },
    "next_worklist_custom_fields": {
        "en": "Map {count} custom fields in `custom_field_mapping.csv`, or mark them `ignore`.",
        "ru": "Укажите назначение полей ({count}) в `custom_field_mapping.csv` или пометьте "
        "`ignore`.",
    },
    "next_worklist_csv_headers": {
        "en": "Map {count} file columns in `csv_headers.csv`.",
        "ru": "Укажите назначение столбцов ({count}) в `csv_headers.csv`.",
    },
    "next_conflicts": {
        "en": "Settle {count} conflicts with edits made in the CRM.",
        "ru": "Разберите конфликты с правками в CRM: {count}.",
    },
    "next_qa": {
        "en": "Give a verdict on {count} clients of the QA sample.",
        "ru": "Оцените клиентов выборочной проверки: {count}.",
    },
    "next_sign_off": {
        "en": "Everything passes: the Owner can sign off (`docs/runbook.md`).",
        "ru": "Всё пройдено: владелец может подписать приёмку (`docs/runbook.ru.md`).",
    },
    "next_signed": {
        "en": "Signed off. What remains is the archive and the purge (`docs/runbook.md`).",
        "ru": "Приёмка подписана. Остались архив и очистка (`docs/runbook.ru.md`).",
    },
    "next_nothing": {
        "en": "Signed off, archived and purged: nothing is left to do.",
        "ru": "Приёмка подписана, архив записан, данные очищены: больше делать нечего.",
    },
    "cutover": {"en": "The way to the switch", "ru": "Путь к переключению"},
    "step_extract": {"en": "Extract", "ru": "Выгрузка"},
    "step_gates": {"en": "Gates", "ru": "Проверки"},
    "step_publish": {"en": "Publish", "ru": "Запись в CRM"},
    "step_conflicts": {"en": "Conflicts settled", "ru": "Конфликты разобраны"},
    "step_qa_sample": {"en": "QA sample", "ru": "Выборочная проверка"},
    "step_freeze": {"en": "Freeze", "ru": "Заморозка Planfix"},
    "step_final_delta": {"en": "Final delta", "ru": "Последние изменения"},
    "step_freeze_check": {"en": "Nothing changed since", "ru": "После заморозки изменений нет"},
    "step_sign_off": {"en": "Sign-off", "ru": "Подпись владельца"},
    "step_archive": {"en": "Archive", "ru": "Архив"},
    "step_purge": {"en": "Purge", "ru": "Очистка"},
    "by": {"en": "by {name}, until {until}: {reason}", "ru": "{name}, до {until}: {reason}"},
}

# Short English names where the code does not read well.
ENGLISH: Final[dict[str, str]] = {
    "own_customer": "as a client of its own",
    "decision_same": "decision of a person",
    "phone_full_name": "phone and full name",
    "email_full_name": "e-mail and full name",
    "messenger_full_name": "messenger and full name",
    "shared_phone_full_name": "shared phone and full name",
    "shared_email_full_name": "shared e-mail and full name",
    "shared_messenger_full_name": "shared messenger and full name",
    "trip_contact_full_name": "contact of a trip and full name",
    "phone_similar_name": "phone and similar name",
    "email_similar_name": "e-mail and similar name",
    "messenger_similar_name": "messenger and similar name",
    "name_same_trip": "full name and the same trip",
    "name_company_trip": "full name, employer and trips",
    "name_company": "full name and employer",
    "phone_initial": "phone and initial",
    "email_initial": "e-mail and initial",
    "messenger_initial": "messenger and initial",
    "phone_partial_name": "phone and part of the name",
    "email_partial_name": "e-mail and part of the name",
    "messenger_partial_name": "messenger and part of the name",
    "phone_no_name": "phone, no name",
    "email_no_name": "e-mail, no name",
    "messenger_no_name": "messenger, no name",
    "company_registration_number": "registration number of a company",
    "company_domain": "domain of a company",
    "company_phone": "phone of a company",
    "company_email": "e-mail of a company",
    "company_messenger": "messenger of a company",
    "company_registration_number_similar_name": "registration number and similar name",
    "company_domain_similar_name": "domain and similar name",
    "company_phone_similar_name": "company phone and similar name",
    "company_email_similar_name": "company e-mail and similar name",
    "company_messenger_similar_name": "company messenger and similar name",
    "deleted_in_planfix": "deleted in Planfix",
}

# Reason codes and rules have their English sentence in the database's own seeds; these are the
# Russian ones. A code without an entry is shown as it is.
RUSSIAN: Final[dict[str, str]] = {
    "too_short": "в телефоне мало цифр",
    "too_long": "в телефоне слишком много цифр",
    "not_a_number": "текст вместо телефона",
    "unknown_region": "код страны не существует",
    "invalid_for_region": "такого номера в стране нет",
    "placeholder": "заглушка вместо телефона",
    "unknown": "значение нельзя использовать",
    "no_at_sign": "в адресе нет знака @",
    "several_at_signs": "в адресе несколько знаков @",
    "incomplete": "адрес оборван",
    "mixed_scripts": "в адресе смешаны латиница и кириллица",
    "unknown_ending": "домена с таким окончанием нет",
    "letters_not_latin": "в адресе недопустимые буквы",
    "no_ending": "у домена нет окончания",
    "comma_for_dot": "запятая вместо точки",
    "not_deliverable": "по этому домену никого нет",
    "syntax": "текст вместо адреса",
    "unknown_channel": "такого мессенджера в CRM нет",
    "not_a_handle": "текст вместо имени в мессенджере",
    "not_a_profile": "ссылка ведёт не на профиль",
    "not_a_phone": "этому мессенджеру нужен телефон",
    "number_without_country": "у номера нет кода страны",
    "other_site": "ссылка на другой сайт",
    "several_values": "в ячейке несколько имён",
    "broken_date": "текст вместо даты",
    "implausible_date": "не может быть датой рождения",
    "unknown_country": "страны нет в соответствиях",
    "unknown_language": "языка нет в соответствиях",
    "unknown_timezone": "такого часового пояса нет",
    "unknown_consent_value": "значения согласия нет в соответствиях",
    "dropped_by_decision": "отброшено человеком",
    "corrected_by_decision": "исправлено человеком",
    "missing_number": "строка файла без номера записи",
    "claimed_by_another_customer": "чужой номер уже у другого клиента",
    "deleted_in_planfix": "удалена в Planfix",
    "test_record": "тестовая запись",
    "own_customer": "свой клиент",
    "archive_rule": "правило архива",
    "lost_before_matching": "потеряна до поиска дублей",
    "no_ready_row": "нет готовой строки",
    # strength and questions of matching
    "strong": "сильная",
    "weak": "слабая",
    "decisions_contradict": "решения людей противоречат друг другу",
    "decision_outdated": "карточки изменились после решения",
    "contradiction": "противоречие внутри одного клиента",
    "same_key_other_surname": "общий телефон или адрес, разные фамилии",
    "full_name_and_patronymic": "редкое имя с тем же отчеством, больше ничего",
    "full_name_alone": "только одинаковое имя",
    "company_name_alone": "только одинаковое название",
    # rules of matching
    "decision_same": "решение человека",
    "phone_full_name": "телефон и полное имя",
    "email_full_name": "адрес и полное имя",
    "messenger_full_name": "мессенджер и полное имя",
    "shared_phone_full_name": "общий телефон и полное имя",
    "shared_email_full_name": "общий адрес и полное имя",
    "shared_messenger_full_name": "общий мессенджер и полное имя",
    "trip_contact_full_name": "контакт из поездки и полное имя",
    "phone_similar_name": "телефон и похожее имя",
    "email_similar_name": "адрес и похожее имя",
    "messenger_similar_name": "мессенджер и похожее имя",
    "name_same_trip": "имя и та же поездка",
    "name_company_trip": "имя, компания и поездки",
    "name_company": "имя и компания",
    "phone_initial": "телефон и инициал",
    "email_initial": "адрес и инициал",
    "messenger_initial": "мессенджер и инициал",
    "phone_partial_name": "телефон и часть имени",
    "email_partial_name": "адрес и часть имени",
    "messenger_partial_name": "мессенджер и часть имени",
    "phone_no_name": "телефон, имени нет",
    "email_no_name": "адрес, имени нет",
    "messenger_no_name": "мессенджер, имени нет",
    "company_registration_number": "регистрационный номер компании",
    "company_domain": "домен компании",
    "company_phone": "телефон компании",
    "company_email": "адрес компании",
    "company_messenger": "мессенджер компании",
    "company_registration_number_similar_name": "регистрационный номер и похожее название",
    "company_domain_similar_name": "домен и похожее название",
    "company_phone_similar_name": "телефон и похожее название",
    "company_email_similar_name": "адрес и похожее название",
    "company_messenger_similar_name": "мессенджер и похожее название",
}


def text(language: str, key: str, **values: object) -> str:
    """Returns a text in a language; a key without an entry comes back as it is."""
    entry = TEXTS.get(key)
    return entry[language].format(**values) if entry else key


def label(language: str, prefix: str, code: str) -> str:
    """Returns the text for a code such as an outcome, or the code itself, readable."""
    key = f"{prefix}_{code}"
    if key in TEXTS:
        return TEXTS[key][language]
    named = RUSSIAN if language == "ru" else ENGLISH
    return named.get(code) or code.replace("_", " ")


def number(language: str, value: float | int | None, digits: int = 0) -> str:
    """Returns a number with the thousands grouped as the language does."""
    if value is None:
        return "–"
    grouped = f"{value:,.{digits}f}"
    if language == "ru":
        return grouped.replace(",", "\u00a0").replace(".", ",")
    return grouped
