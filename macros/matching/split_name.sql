{#- The words of a name in lower case, with their places: initials stay, hyphens and apostrophes bind.
    What has neither letter nor digit is no word: `where words.token ~ '[[:alnum:]]'`. -#}
{% macro split_name(name) -%}
    regexp_split_to_table(lower({{ name }}), '[^[:alnum:]''’-]+')
        with ordinality as words (token, word_position)
{%- endmacro %}
