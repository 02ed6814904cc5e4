{#- How two names go together, as a number, for two rows of int_match_names__variants:
      4  equal in full after folding
      3  alike: a nickname with several full names, a typo, one of two surnames, two given names
         of the dictionary in the other order
      2  an initial stands for a part
      1  a part is missing on one side
     -1  they contradict: given name, surname, patronymic or sex
    A side without a name is no row of that table. -#}
{% macro name_grade(left_name, right_name) -%}
    case
        when {{ left_name }}.kind = 'company' then {{ _company_grade(left_name, right_name) }}
        else {{ _person_grade(left_name, right_name) }}
    end
{%- endmacro %}


{% macro _company_grade(left_name, right_name) -%}
    case
        when {{ left_name }}.full_name_key = {{ right_name }}.full_name_key then 4
        when {{ left_name }}.company_text = {{ right_name }}.company_text then 4
        when {{ is_typo(left_name ~ '.company_text', right_name ~ '.company_text') }} then 3
        else -1
    end
{%- endmacro %}


{% macro _person_grade(left_name, right_name) -%}
    case
        -- which of the two words is the name also decides the sex: the order comes first; Роман Иван
        -- and Иван Роман may be two, of words that no dictionary has nobody knows the order
        when {{ _is_other_order(left_name, right_name) }}
            then case
                when {{ left_name }}.is_given_known and {{ right_name }}.is_given_known then 3
                else 4
            end
        when {{ left_name }}.sex <> {{ right_name }}.sex then -1
        when {{ _patronymic_grade(left_name, right_name) }} < 0 then -1
        when
            {{ left_name }}.word_shape = 'word' or {{ right_name }}.word_shape = 'word'
            then {{ _word_grade(left_name, right_name) }}
        else coalesce(
            (
                select
                    case
                        when parts.given_grade = -1 or parts.surname_grade = -1 then -1
                        when parts.given_grade is null and parts.surname_grade is null
                            then -1
                        when parts.given_grade is null or parts.surname_grade is null
                            then 1
                        when parts.given_grade = 2 or parts.surname_grade = 2 then 2
                        else least(parts.given_grade, parts.surname_grade)
                    end
                from (
                    select
                        {{ _given_grade(left_name, right_name) }} as given_grade,
                        {{ _surname_grade(left_name, right_name) }} as surname_grade
                ) as parts
            ), -1
        )
    end
{%- endmacro %}


{#- 4 equal, 3 alike, 2 by initial, null when one side does not say, -1 different -#}
{% macro _given_grade(left_name, right_name) -%}
    case
        when {{ left_name }}.given_key = {{ right_name }}.given_key then 4
        when {{ left_name }}.given_names && {{ right_name }}.given_names then 3
        when {{ left_name }}.given_key is not null and {{ right_name }}.given_key is not null
            then case
                -- two names of the dictionary that merely look alike are two names
                when {{ left_name }}.is_given_known and {{ right_name }}.is_given_known
                    then -1
                when
                    {{ is_typo(left_name ~ '.given_skeleton', right_name ~ '.given_skeleton') }}
                    then 3
                else -1
            end
        when {{ left_name }}.given_initial is not null and {{ right_name }}.given_key is not null
            then {{ _initial_grade(left_name ~ '.given_initial', right_name) }}
        when {{ right_name }}.given_initial is not null and {{ left_name }}.given_key is not null
            then {{ _initial_grade(right_name ~ '.given_initial', left_name) }}
        when {{ left_name }}.given_initial is not null and {{ right_name }}.given_initial is not null
            then case
                when
                    {{ _fits_initial(left_name ~ '.given_initial', right_name ~ '.given_initial') }}
                    or {{ _fits_initial(right_name ~ '.given_initial', left_name ~ '.given_initial') }}
                    then 2
                else -1
            end
    end
{%- endmacro %}


{% macro _initial_grade(initial, name) -%}
    case
        when
            {{ _fits_initial(name ~ '.given_skeleton', initial) }}
            or exists (
                select 1 from unnest({{ name }}.given_names) as given_name
                where {{ _fits_initial('given_name', initial) }}
            )
            then 2
        else -1
    end
{%- endmacro %}


{% macro _surname_grade(left_name, right_name) -%}
    case
        when {{ left_name }}.surnames = {{ right_name }}.surnames then 4
        when
            {{ left_name }}.surnames is not null and {{ right_name }}.surnames is not null
            then case
                when
                    {{ left_name }}.surnames <@ {{ right_name }}.surnames
                    or {{ right_name }}.surnames <@ {{ left_name }}.surnames
                    or {{ is_typo(left_name ~ '.surname_text', right_name ~ '.surname_text') }}
                    or {{ is_typo(
                        left_name ~ '.surname_skeleton', right_name ~ '.surname_skeleton'
                    ) }}
                    then 3
                else -1
            end
        when
            {{ left_name }}.surname_initial is not null and {{ right_name }}.surname_text <> ''
            then case
                when
                    {{ _fits_initial(right_name ~ '.surname_text', left_name ~ '.surname_initial') }}
                    then 2
                else -1
            end
        when
            {{ right_name }}.surname_initial is not null and {{ left_name }}.surname_text <> ''
            then case
                when
                    {{ _fits_initial(left_name ~ '.surname_text', right_name ~ '.surname_initial') }}
                    then 2
                else -1
            end
    end
{%- endmacro %}


{#- 1 when nothing speaks against it -#}
{% macro _patronymic_grade(left_name, right_name) -%}
    case
        when {{ left_name }}.patronymic = {{ right_name }}.patronymic then 1
        when {{ left_name }}.patronymic is not null and {{ right_name }}.patronymic is not null
            then case
                when {{ is_typo(left_name ~ '.patronymic', right_name ~ '.patronymic') }} then 1
                else -1
            end
        when {{ left_name }}.patronymic is not null and {{ right_name }}.patronymic_initial is not null
            then case
                when {{ _fits_initial(left_name ~ '.patronymic', right_name ~ '.patronymic_initial') }}
                    then 1
                else -1
            end
        when {{ right_name }}.patronymic is not null and {{ left_name }}.patronymic_initial is not null
            then case
                when {{ _fits_initial(right_name ~ '.patronymic', left_name ~ '.patronymic_initial') }}
                    then 1
                else -1
            end
        when
            not {{ _fits_initial(left_name ~ '.patronymic_initial', right_name ~ '.patronymic_initial') }}
            and not {{ _fits_initial(right_name ~ '.patronymic_initial', left_name ~ '.patronymic_initial') }}
            then -1
        else 1
    end
{%- endmacro %}


{#- one word of which nobody knows whether it is a given name or a surname -#}
{% macro _word_grade(left_name, right_name) -%}
    case
        when {{ left_name }}.given_skeleton = {{ right_name }}.given_skeleton then 1
        when {{ left_name }}.surnames && {{ right_name }}.surnames then 1
        when {{ left_name }}.given_names && {{ right_name }}.given_names then 1
        when {{ is_typo(left_name ~ '.surname_text', right_name ~ '.surname_text') }} then 1
        when {{ is_typo(left_name ~ '.given_skeleton', right_name ~ '.given_skeleton') }} then 1
        else -1
    end
{%- endmacro %}


{% macro _is_other_order(left_name, right_name) -%}
    (
        {{ left_name }}.word_shape = 'full'
        and {{ right_name }}.word_shape = 'full'
        and {{ left_name }}.given_skeleton = {{ right_name }}.surname_skeleton
        and {{ right_name }}.given_skeleton = {{ left_name }}.surname_skeleton
        and {{ _patronymic_grade(left_name, right_name) }} > 0
    )
{%- endmacro %}


{#- J. and Y. are kept as `j`: the skeleton turns J and Y into i, and Jo, Ye and the like into e -#}
{% macro _fits_initial(word, initial) -%}
    (
        starts_with({{ word }}, {{ initial }})
        or ({{ initial }} = 'j' and left({{ word }}, 1) in ('i', 'e'))
    )
{%- endmacro %}
