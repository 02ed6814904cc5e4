"""The fixed part of every synthetic account: employees, groups, custom fields, directories."""

from __future__ import annotations

from simulator.model import Account, CustomField, User
from simulator.vocabulary import vocabulary

ROBOT_ID = 90
TASK_TEMPLATE_ID = 200
OTHER_GROUPS = (17, 18, 20, 21)

# number, first name, surname, gender, status; the last but one has left, the last one is deleted
_MANAGERS = (
    (2, "Глеб", "Примеров", "Male", "Active"),
    (3, "Инна", "Образцова", "Female", "Active"),
    (4, "Олег", "Шаблонов", "Male", "Active"),
    (5, "Вера", "Макетова", "Female", "Active"),
    (6, "Денис", "Черновиков", "Male", "Active"),
    (7, "Alice", "Samplewood", "Female", "Active"),
    (8, "Роман", "Эталонов", "Male", "Active"),
    (9, "Юлия", "Пробникова", "Female", "ActiveWithoutAccess"),
    (10, "Пётр", "Бывалов", "Male", "Inactive"),
    (11, "Жанна", "Ушедшая", "Female", "Inactive"),
)
MANAGER_EMAILS = {
    2: "gleb@riderra.example",
    3: "inna@riderra.example",
    4: "oleg@riderra.example",
    5: "v.maketova@old.riderra.example",  # another address in the CRM: mapped by seed
    6: "denis@riderra.example",
    7: "alice@riderra.example",
    8: "roman@riderra.example",
    9: "yulia@riderra.example",
    10: "petr@riderra.example",
    11: "zhanna@riderra.example",
}


def prepare_account(account: Account) -> None:
    """Fills the account with everything that does not depend on size and seed."""
    words = vocabulary()
    account.user_groups = {1: "Администрация", 2: "Отдел продаж", 3: "Диспетчеры"}
    account.positions = {1: "Директор", 7: "Менеджер", 8: "Диспетчер"}
    account.users = [
        User(
            id=1,
            name="Марк",
            lastname="Владельцев",
            email="owner@riderra.example",
            gender="Male",
            role="Admin",
            status="Active",
            group_id=1,
            position_id=1,
            timezone="Europe/Moscow",
            phone="+74951112233",
        )
    ]
    for number, name, lastname, gender, status in _MANAGERS:
        account.users.append(
            User(
                id=number,
                name=name,
                lastname=lastname,
                email=MANAGER_EMAILS[number],
                gender=gender,
                role="User",
                status=status,
                group_id=2 if number % 2 else 3,
                position_id=7 if number % 2 else 8,
                timezone="Europe/Moscow" if number != 7 else "Europe/London",
                is_deleted=number == 11,
                phone=f"+7495111{2200 + number}",
            )
        )
    account.users.append(
        User(
            id=ROBOT_ID,
            name="Робот миграции",
            lastname="",
            email="robot@riderra.example",
            gender="NotDefined",
            role="Robot",
            status="Active",
            group_id=1,
            position_id=0,
            timezone="Europe/Moscow",
        )
    )
    account.groups = {
        12: "Клиенты",
        13: "Агенты",
        14: "Поставщики",
        15: "Потенциальные клиенты",
        16: "Потенциальные поставщики",
        17: "🔵 VIP клиенты",
        18: "Партнёры",
        19: "Тест",
        20: "Рассылка 2023",
        21: "Архив&nbsp;2019",
    }
    account.templates = {1: ("Контакт", False), 2: ("Компания", True), 3: ("Путешественник", False)}
    countries = [country.name_ru for country in words.countries.values()]
    extra = sorted({w for country in words.countries.values() for w in country.writings})
    extra += [c.name_en for c in words.countries.values() if c.name_en not in extra]
    account.directories = {
        31: ("Страны", countries + [name for name in extra if name not in countries]),
        32: ("Источники", ["Сайт", "Выставка", "Рекомендация"]),
    }
    languages = sorted({country.language_ru for country in words.countries.values()})
    contact_fields = [
        CustomField(3101, "Язык", 8, 1, languages),
        CustomField(3102, "Дата договора", 3, 1),
        CustomField(3103, "VIP", 7, 1),
        CustomField(3104, "Страна", 9, 1, directory_id=31),
        CustomField(3105, "Город", 0, 1),
        CustomField(3106, "WhatsApp", 0, 1),
        CustomField(3107, "Согласие на рассылку", 8, 1, ["Да", "Нет"]),
        CustomField(3108, "Согласие WhatsApp", 7, 1),
        CustomField(3109, "Код 1С", 0, 1),
        CustomField(3110, "ИНН", 0, 1),
        CustomField(3111, "Комментарий", 0, 1),
        CustomField(3112, "Комментарий", 0, 1),
        CustomField(3113, "Старый ID", 1, 1),
        CustomField(3114, "Не звонить", 7, 1),
        CustomField(3115, "Часовой пояс", 0, 1),
        CustomField(3116, "Любимый цвет", 0, 1),
    ]
    task_fields = [
        CustomField(4101, "Дата подачи", 5, 0),
        CustomField(4102, "Откуда", 0, 0),
        CustomField(4103, "Куда", 0, 0),
        CustomField(4104, "Пассажир", 0, 0),
        CustomField(4105, "Телефон пассажира", 0, 0),
        CustomField(4106, "Email пассажира", 0, 0),
    ]
    tag_fields = [CustomField(20, "Когда", 3, 4), CustomField(21, "Итог", 0, 4)]
    account.custom_fields = {f.id: f for f in contact_fields + task_fields + tag_fields}
    account.data_tags = {6: "Звонок", 7: "Рекламация", 8: "Выставка", 9: "Бонусная программа"}


#: saved filters of the account: key, id, name, what they hold; one export file each
SEGMENTS = (
    ("clients_companies", "4301", "Клиенты компании"),
    ("clients_contacts", "4302", "Клиенты контакты"),
    ("potential_agents", "4303", "Потенциальные клиенты агенты"),
    ("potential_companies", "4304", "Потенциальные клиенты компании"),
    ("potential_contacts", "4305", "Потенциальные клиенты контакты"),
    ("potential_suppliers", "4306", "Потенциальные поставщики"),
    ("suppliers_companies", "4307", "Поставщики компании"),
    ("suppliers_contacts", "4308", "Поставщики контакты"),
)
CHANGED_FILTER = ("4309", "Изменённые за 14 дней")
