{#- CTEs that read a table of name tokens and end in `parsed`: one row per key with the parts of a
    person's name, whatever the order in which they were written. Content goes before position,
    because the fields of a card are often filled the wrong way round: a word of the dictionary is
    the given name, a word that ends like a surname is none.

    `tokens` is a CTE with the columns named_key, token_position, token, name_part; `stated` one
    with named_key and stated_sex, where cards state a sex: only what it names is parsed.

    `offset null` is a fence: without it every use of a value below would be worked out anew. -#}
{% macro parsed_names(tokens, stated=none) %}
classified as (

    select * from {{ ref('int_match_tokens__classified') }}

),

given_names as (

    select * from {{ ref('int_match_given_names__folded') }}

),

words as not materialized (

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
        classified.is_certain_patronymic,
        classified.is_given_name,
        case when classified.is_given_name then 25 else 0 end
        + case {{ tokens }}.name_part
            when 'given' then 10
            when 'middle' then -15
            when 'family' then -10
            else case when {{ tokens }}.token_position = 1 then 1 else 0 end
        end
        - case
            when classified.is_surname_like and not classified.is_given_name then 25
            else 0
        end
        - case when classified.is_patronymic then 30 else 0 end as given_score
    from {{ tokens }}
    inner join classified
        on {{ tokens }}.token = classified.token
    where not classified.is_void

),

-- sorted once, or both lists below would be sorted anew for each name
words_in_order as (

    select
        named_key,
        token_position,
        given_score,
        skeleton,
        surname_stem,
        surname_sex,
        is_initial,
        is_given_name,
        is_patronymic
    from words
    order by named_key, given_score desc, token_position

),

gathered as (

    select
        named_key,
        array_agg(skeleton order by given_score desc, token_position)
            filter (where not is_initial) as skeletons,
        array_agg(surname_stem order by given_score desc, token_position)
            filter (where not is_initial) as stems,
        max(given_score) filter (where not is_initial) as given_score,
        max(surname_sex) filter (
            where not is_given_name and not is_patronymic
        ) as surname_sex
    from words_in_order
    group by named_key

),

initials as (

    select
        named_key,
        array_agg(skeleton order by token_position) as initials
    from words
    where is_initial
    group by named_key

),

patronymic_words as (

    select * from words
    where is_patronymic

),

-- Of two words that end like patronymics one is the surname (Роман Аркадьевич Абрамович): the
-- patronymic stands in its own field or right behind the given name.
doubtful_patronymics as (

    select named_key
    from patronymic_words
    group by named_key
    having count(*) > 1

),

given_positions as (

    select
        words.named_key,
        min(words.token_position) as given_position
    from words
    inner join doubtful_patronymics
        on words.named_key = doubtful_patronymics.named_key
    where words.is_given_name
    group by words.named_key

),

patronymics as (

    select distinct on (patronymic_words.named_key)
        patronymic_words.named_key,
        patronymic_words.skeleton as patronymic_skeleton,
        patronymic_words.surname_stem as patronymic_surname_stem,
        patronymic_words.patronymic_stem,
        patronymic_words.patronymic_sex,
        patronymic_words.name_part as patronymic_part,
        patronymic_words.is_certain_patronymic
    from patronymic_words
    left join given_positions
        on patronymic_words.named_key = given_positions.named_key
    order by
        patronymic_words.named_key asc,
        (patronymic_words.name_part = 'middle') desc,
        (patronymic_words.token_position = given_positions.given_position + 1) desc,
        patronymic_words.is_certain_patronymic desc,
        patronymic_words.token_position asc

),

-- «Иван Петрович» is a name and patronymic, unless Петрович stands in the field of the surname
with_patronymic as (

    select
        gathered.*,
        initials.initials,
        patronymics.patronymic_skeleton,
        patronymics.patronymic_surname_stem,
        patronymics.patronymic_stem,
        patronymics.patronymic_sex,
        coalesce(
            patronymics.patronymic_part = 'middle'
            or cardinality(gathered.skeletons) >= 3
            or (
                cardinality(gathered.skeletons) = 2
                and patronymics.is_certain_patronymic
                and (
                    patronymics.patronymic_sex = 'female'
                    or patronymics.patronymic_part <> 'family'
                )
            ),
            false
        ) as has_patronymic
    from gathered
    left join initials
        on gathered.named_key = initials.named_key
    left join patronymics
        on gathered.named_key = patronymics.named_key
    offset null

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
    offset null

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
        array_to_string(
            case word_shape when 'full' then skeletons[2:] else skeletons end, ''
        ) as surname_skeleton,
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
    offset null

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
            placed.surname_sex
            {%- if stated %},
            {{ stated }}.stated_sex
            {%- endif %}
        ) as sex
    from placed
    left join given_names
        on placed.given_skeleton = given_names.skeleton
    {%- if stated %}
    inner join {{ stated }}
        on placed.named_key = {{ stated }}.named_key
    {%- endif %}

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
    offset null

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
        case when surnames is not null then surname_skeleton end as surname_skeleton,
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
                array_to_string(surnames, ' '), '|', surname_skeleton, '|',
                surname_initial, '|', sex
            ))::uuid
        end as name_id
    from keyed

)
{% endmacro %}
