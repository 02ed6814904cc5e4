{#- Two writings of one name compare equal whatever the order of the words. -#}
{% macro name_words(name) -%}
    (
        select array_agg(word order by word collate "C")
        from regexp_split_to_table(lower({{ name }}), '[^[:alnum:]]+') as word
        where word != ''
    )
{%- endmacro %}
