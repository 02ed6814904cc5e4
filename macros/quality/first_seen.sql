{#-
    Rows of the previous version of the model that calls it: key and the moment when the key was
    first seen. A table model is built beside the old table and takes its place at the end, so the
    old one is there to be read, also with --full-refresh.
-#}
{% macro first_seen(relation, key) %}
    {%- set found = namespace(previous=none) -%}
    {%- if execute -%}
        {%- set previous = load_relation(relation) -%}
        {%- if previous is not none -%}
            {%- set names = adapter.get_columns_in_relation(previous) | map(attribute='name') | list -%}
            {%- if key in names and 'first_seen_at' in names -%}
                {%- set found.previous = previous -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {%- if found.previous is not none -%}
        select
            {{ key }},
            first_seen_at
        from {{ found.previous }}
    {%- else -%}
        select
            null::text as {{ key }},
            null::timestamptz as first_seen_at
        where false
    {%- endif -%}
{% endmacro %}
