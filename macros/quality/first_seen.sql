{#-
    Rows of the previous version of the model that calls it: key and the moment when the key was
    first seen. A table model is built beside the old table and takes its place at the end, so the
    old one is there to be read, also with --full-refresh. The text is noted as the model's own past,
    which is none of its inputs (inputs_fingerprint): the first rebuild is the first that has one.
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
    {%- set past -%}
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
    {%- endset -%}
    {%- if execute -%}
        {%- do graph.setdefault('own_past_' ~ invocation_id, {}).update({model.unique_id: past}) -%}
    {%- endif -%}
    {{- past -}}
{% endmacro %}
