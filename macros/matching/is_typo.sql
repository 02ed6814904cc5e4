{#- Two spellings of one word: one slip in a word of five letters, two in a word of nine, or two
    neighbouring letters swapped. The words are folded once, behind a fence, and not at every
    mention. -#}
{% macro is_typo(left_word, right_word) -%}
    (
        select
            greatest(length(words.one), length(words.other)) >= {{ setting('typo_min_length') }}
            and case levenshtein_less_equal(words.one, words.other, 2)
                when 0 then true
                when 1 then true
                when 2
                    then
                        greatest(length(words.one), length(words.other))
                        >= {{ setting('typo_two_slips_length') }}
                        or (
                            length(words.one) = length(words.other)
                            and exists (
                                select 1
                                from generate_series(1, length(words.one) - 1) as place
                                where
                                    left(words.one, place - 1)
                                    || reverse(substr(words.one, place, 2))
                                    || substr(words.one, place + 2) = words.other
                            )
                        )
                else false
            end
        from (
            select
                {{ _one_sign_per_sound(left_word) }} as one,
                {{ _one_sign_per_sound(right_word) }} as other
            -- the linter knows no select of nothing with an offset
            from (values (1)) as once
            offset null
        ) as words
    )
{%- endmacro %}


{#- ш, ч, ж and ц are one letter and two in the skeleton: a slip in one of them is one slip -#}
{% macro _one_sign_per_sound(word) -%}
    left(replace(replace(replace(replace(
        {{ word }}, 'sh', '1'), 'ch', '2'), 'zh', '3'), 'ts', '4'), 100)
{%- endmacro %}
