{#- CTEs that read a table of name tokens and end in `parsed`: one row per key with the parts of a
    person's name, whatever the order in which they were written. Content goes before position,
    because the fields of a card are often filled the wrong way round: a word of the dictionary is
    the given name, a word that ends like a surname is none.

    `tokens` is a CTE with the columns named_key, token_position, token, name_part; `stated` one
    with named_key and stated_sex. -#}
{% macro parsed_names(tokens, stated) %}
classified as (

    select * from {{ ref('int_match_tokens__classified') }}

),

given_names as (

    select * from {{ ref('int_match_given_names__folded') }}

),

words as (

    select
        {{ tokens }}.named_key,
        {{ tokens }}.token_position,
        {{ tokens }}.name_part,
        classified.skeleton,
        classified.surname_stem,
        classified.surname_sex,
        classified.patronymic_stem,
        classified.patronymic_sex,
        classified.is_initial,
        classified.is_patronymic,
        classified.is_given_name,
        case when classified.is_given_name then 20 else 0 end
        + case {{ tokens }}.name_part
            when 'given' then 10
            when 'middle' then -15
            when 'family' then -10
            else case when {{ tokens }}.token_position = 1 then 1 else 0 end
        end
        - case
            when classified.is_surname_like and not classified.is_given_name then 20
            else 0
        end
        - case when classified.is_patronymic then 30 else 0 end as given_score
    from {{ tokens }}
    inner join classified
        on {{ tokens }}.token = classified.token
    where not classified.is_void

),

gathered as (

    select
        named_key,
        array_agg(skeleton order by given_score desc, token_position)
            filter (where not is_initial) as skeletons,
        array_agg(surname_stem order by given_score desc, token_position)
            filter (where not is_initial) as stems,
        array_agg(skeleton order by token_position)
            filter (where is_initial) as initials,
        max(given_score) filter (where not is_initial) as given_score,
        min(patronymic_stem) as patronymic_stem,
        min(skeleton) filter (where is_patronymic) as patronymic_skeleton,
        min(surname_stem) filter (where is_patronymic) as patronymic_surname_stem,
        min(patronymic_sex) as patronymic_sex,
        max(name_part) filter (where is_patronymic) as patronymic_part,
        max(surname_sex) filter (
            where not is_given_name and not is_patronymic
        ) as surname_sex
    from words
    group by named_key

),

-- «Иван Петрович» is a name and patronymic, unless Петрович stands in the field of the surname
with_patronymic as (

    select
        *,
        patronymic_stem is not null and (
            patronymic_part = 'middle'
            or patronymic_sex = 'female'
            or cardinality(skeletons) >= 3
            or (cardinality(skeletons) = 2 and patronymic_part <> 'family')
        ) as has_patronymic
    from gathered

),

without_patronymic as (

    select
        named_key,
        coalesce(initials, '{}') as initials,
        given_score,
        surname_sex,
        case when has_patronymic then patronymic_stem end as patronymic,
        case when has_patronymic then patronymic_sex end as patronymic_sex,
        coalesce(
            case
                when has_patronymic then array_remove(skeletons, patronymic_skeleton)
                else skeletons
            end, '{}'
        ) as skeletons,
        coalesce(
            case
                when has_patronymic then array_remove(stems, patronymic_surname_stem)
                else stems
            end, '{}'
        ) as stems
    from with_patronymic

),

shaped as (

    select
        named_key,
        initials,
        patronymic,
        patronymic_sex,
        surname_sex,
        skeletons,
        stems,
        case
            when cardinality(skeletons) >= 2 then 'full'
            when cardinality(skeletons) = 0 then 'none'
            when given_score >= 10 then 'given'
            when cardinality(initials) > 0 or given_score <= -10 then 'surname'
            else 'word'
        end as word_shape
    from without_patronymic

),

placed as (

    select
        named_key,
        patronymic,
        patronymic_sex,
        surname_sex,
        word_shape,
        case when word_shape in ('full', 'given', 'word') then skeletons[1] end
            as given_skeleton,
        case
            when word_shape = 'full' and cardinality(skeletons) = 2 then stems[2:]
            when word_shape = 'full'
                then array(
                    select stem from unnest(stems[2:]) as stem
                    order by stem collate "C"
                )
            when word_shape in ('surname', 'word') then stems
        end as surnames,
        case when word_shape = 'surname' then initials[1] end as given_initial,
        case
            when word_shape = 'given' and cardinality(initials) = 1 then initials[1]
        end as surname_initial,
        case
            when patronymic is not null then null
            when word_shape = 'surname' then initials[2]
            when word_shape = 'full' then initials[1]
        end as patronymic_initial
    from shaped

),

with_sex as (

    select
        placed.*,
        given_names.skeleton is not null as is_given_known,
        coalesce(given_names.given_names, array[placed.given_skeleton])
            as given_names,
        given_names.given_key as open_given_key,
        given_names.male_given_key,
        given_names.female_given_key,
        coalesce(
            placed.patronymic_sex,
            given_names.sex,
            placed.surname_sex,
            {{ stated }}.stated_sex
        ) as sex
    from placed
    left join given_names
        on placed.given_skeleton = given_names.skeleton
    left join {{ stated }}
        on placed.named_key = {{ stated }}.named_key

),

keyed as (

    select
        *,
        case
            when not is_given_known then given_skeleton
            when sex = 'male' then male_given_key
            when sex = 'female' then female_given_key
            else open_given_key
        end as given_key
    from with_sex

),

parsed as (

    select
        named_key,
        word_shape,
        given_skeleton,
        given_key,
        case when given_skeleton is not null then given_names end as given_names,
        given_initial,
        patronymic,
        patronymic_initial,
        surnames,
        array_to_string(surnames, '') as surname_text,
        surname_initial,
        sex,
        is_given_known,
        -- both orders give one key
        case
            when word_shape = 'full'
                then least(given_key collate "C", array_to_string(surnames, ''))
                    || ' '
                    || greatest(given_key collate "C", array_to_string(surnames, ''))
        end as full_name_key,
        case
            when word_shape <> 'none' then md5(concat(
                word_shape, '|', given_skeleton, '|', given_key, '|', given_initial, '|',
                patronymic, '|', patronymic_initial, '|',
                array_to_string(surnames, ' '), '|', surname_initial, '|', sex
            ))::uuid
        end as name_id
    from keyed

)
{% endmacro %}
