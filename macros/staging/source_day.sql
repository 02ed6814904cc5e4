{#- make_date() on the first of the month cannot fail, and adding the days to it cannot either;
    31 February then lands in March, which the outer check notices. -#}
{% macro source_day(text) -%}
    case
        when {{ text }} ~ '^(0?[1-9]|[12][0-9]|3[01])[-./](0?[1-9]|1[0-2])[-./][12][0-9]{3}( |T|$)'
            then {{ _checked_day(text, 3, 2, 1) }}
        when {{ text }} ~ '^[12][0-9]{3}[-./](0[1-9]|1[0-2])[-./](0[1-9]|[12][0-9]|3[01])( |T|$)'
            then {{ _checked_day(text, 1, 2, 3) }}
    end
{%- endmacro %}


{% macro _checked_day(text, year, month, day) -%}
    {%- set parts = "translate(" ~ text ~ ", './ T', '----')" -%}
    {%- set first_day = (
        'make_date(split_part(' ~ parts ~ ", '-', " ~ year ~ ')::int, split_part(' ~ parts
        ~ ", '-', " ~ month ~ ')::int, 1)'
    ) -%}
    {%- set result = first_day ~ ' + (split_part(' ~ parts ~ ", '-', " ~ day ~ ')::int - 1)' -%}
    case
        when date_trunc('month', ({{ result }})::timestamp) = ({{ first_day }})::timestamp
            then {{ result }}
    end
{%- endmacro %}
