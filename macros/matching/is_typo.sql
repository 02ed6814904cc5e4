{#- Two spellings of one word: one slip in a word of five letters, two in a word of nine, or two
    neighbouring letters swapped. -#}
{% macro is_typo(left_word, right_word) -%}
    (
        least(length({{ left_word }}), length({{ right_word }}))
        >= {{ setting('typo_min_length') }}
        and levenshtein_less_equal(
            left({{ left_word }}, 100), left({{ right_word }}, 100), 2
        ) <= case
            when
                least(length({{ left_word }}), length({{ right_word }}))
                >= {{ setting('typo_two_slips_length') }}
                then 2
            when
                length({{ left_word }}) = length({{ right_word }})
                and exists (
                    select 1
                    from generate_series(1, length({{ left_word }}) - 1) as place
                    where
                        overlay(
                            {{ left_word }}
                            placing reverse(substr({{ left_word }}, place, 2))
                            from place
                        ) = {{ right_word }}
                )
                then 2
            else 1
        end
    )
{%- endmacro %}
