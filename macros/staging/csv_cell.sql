{#- Nearly always one column carries a field, and then its cell is one look-up; the joined form is
    for files with "Телефон" and "Рабочий телефон". -#}
{% macro csv_cell(field) -%}
    case
        when cardinality(file_fields.{{ field }}) <= 1
            then source.row ->> file_fields.{{ field }}[1]
        else (
            select string_agg(nullif(btrim(source.row ->> header), ''), '; ')
            from unnest(file_fields.{{ field }}) as headers (header)
        )
    end
{%- endmacro %}
