-- What each word can be, asked once per distinct word and not once per record.

with

contact_tokens as (

    select
        token,
        skeleton
    from {{ ref('int_contact_names__tokens') }}

),

trip_tokens as (

    select
        token,
        skeleton
    from {{ ref('int_trip_names__tokens') }}

),

tokens as (

    select distinct
        token,
        skeleton
    from contact_tokens
    where skeleton <> ''

    union

    select distinct
        token,
        skeleton
    from trip_tokens
    where skeleton <> ''

),

void_names as (

    select distinct lower(value) as token
    from {{ ref('void_values') }}
    where value_kind = 'name'

),

given_names as (

    select * from {{ ref('int_match_given_names__folded') }}

),

-- Endings are compared, not searched for: a pattern costs ten times as much, and is
-- asked only of what may be a patronymic
endings as (

    select
        token,
        skeleton,
        right(skeleton, 2) as two_letters,
        right(skeleton, 3) as three_letters,
        right(skeleton, 3) = 'ich' or right(skeleton, 2) = 'na' as may_be_patronymic
    from tokens

),

-- Ильич, Кузьмич and the like have no -ов-: they are listed, or every Babich would be
-- one
shaped as (

    select
        token,
        skeleton,
        length(replace(token, '.', '')) = 1 as is_initial,
        btrim(skeleton, '0123456789') = '' as is_number,
        may_be_patronymic
        and (
            skeleton ~ '(..(ov|ev)(ich|na)|inichna|ivna)$'
            or skeleton ~ '^(il|kuzm|luk|fom|nikit|sav|sil|fok)ich(na)?$'
        ) as is_certain_patronymic,
        -- with a slip in its ending: Никитвич, Сергевна
        may_be_patronymic
        and skeleton ~ '...(vich|vna|ichna)$' as is_patronymic_like,
        length(skeleton) >= 5
        and (
            two_letters in ('ov', 'ev', 'in', 'uk', 'ih')
            or three_letters in (
                'ova', 'eva', 'ina', 'ski', 'ska', 'ian', 'dze', 'ikh', 'ykh'
            )
            or right(skeleton, 4) = 'enko'
            or right(skeleton, 5) = 'skaia'
            or right(skeleton, 6) = 'shvili'
        ) as is_surname_like,
        {{ surname_stem('skeleton') }} as surname_stem,
        case
            when length(skeleton) < 5 then null
            when three_letters in ('ova', 'eva') or right(skeleton, 5) = 'skaia'
                then 'female'
            when two_letters in ('ov', 'ev') or three_letters = 'ski' then 'male'
        end as surname_sex
    from endings

),

final as (

    select
        shaped.token,
        case
            when shaped.is_initial and shaped.token in ('j', 'y') then 'j'
            else shaped.skeleton
        end as skeleton,
        shaped.surname_stem,
        shaped.surname_sex,
        case
            when shaped.is_certain_patronymic or shaped.is_patronymic_like
                then regexp_replace(
                    shaped.skeleton,
                    '([oe]?v(ich|na)|inichna|ichna|ich|ivna)$',
                    ''
                )
        end as patronymic_stem,
        case
            when not (shaped.is_certain_patronymic or shaped.is_patronymic_like)
                then null
            when shaped.skeleton like '%na' then 'female'
            else 'male'
        end as patronymic_sex,
        void_names.token is not null or shaped.is_number as is_void,
        shaped.is_initial,
        shaped.is_certain_patronymic or shaped.is_patronymic_like as is_patronymic,
        shaped.is_certain_patronymic,
        shaped.is_surname_like,
        given_names.skeleton is not null as is_given_name
    from shaped
    left outer join void_names
        on shaped.token = void_names.token
    left outer join given_names
        on shaped.skeleton = given_names.skeleton

)

select * from final
