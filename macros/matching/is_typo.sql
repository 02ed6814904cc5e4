{#- Two spellings of one word: one slip in a word of five letters, two in a word of nine, or two
    neighbouring letters swapped. -#}
{% macro is_typo(left_word, right_word) -%}
    {%- set one = _one_sign_per_sound(left_word) -%}
    {%- set other = _one_sign_per_sound(right_word) -%}
    (
        greatest(length({{ one }}), length({{ other }})) >= {{ setting('typo_min_length') }}
        and levenshtein_less_equal({{ one }}, {{ other }}, 2) <= case
            when
                greatest(length({{ one }}), length({{ other }}))
                >= {{ setting('typo_two_slips_length') }}
                then 2
            when
                length({{ one }}) = length({{ other }})
                and exists (
                    select 1
                    from generate_series(1, length({{ one }}) - 1) as place
                    where
                        left({{ one }}, place - 1)
                        || reverse(substr({{ one }}, place, 2))
                        || substr({{ one }}, place + 2) = {{ other }}
                )
                then 2
            else 1
        end
    )
{%- endmacro %}


{#- ш, ч, ж and ц are one letter and two in the skeleton: a slip in one of them is one slip -#}
{% macro _one_sign_per_sound(word) -%}
    left(replace(replace(replace(replace(
        {{ word }}, 'sh', '1'), 'ch', '2'), 'zh', '3'), 'ts', '4'), 100)
{%- endmacro %}
