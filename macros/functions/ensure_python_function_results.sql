{#- on-run-start: the tables that precomputed results live in, and a line that says which way the
    Python functions go. The tables exist either way, so that a server may change its mind. -#}
{% macro ensure_python_function_results() %}
    {%- if not execute -%}{{- return('') -}}{%- endif -%}
    {%- set results = {} -%}
    {%- for function_node in graph.functions.values() | selectattr('language', 'equalto', 'python') -%}
        {%- do results.update({function_node.name: function_node.returns.data_type}) -%}
    {%- endfor -%}
    {%- set present = run_query(
        "select table_name from information_schema.tables "
        ~ "where table_schema = 'python_functions'"
    ).columns[0].values() | list -%}
    {%- set statements = _python_function_results_ddl(results, present) -%}
    {%- if statements -%}
        {%- do run_in_transaction(statements | join(';\n')) -%}
    {%- endif -%}
    {%- set selected = [] -%}
    {%- for unique_id in selected_resources if unique_id.startswith('function.') -%}
        {%- do selected.append(unique_id) -%}
    {%- endfor -%}
    {%- if selected -%}
        {%- set way = python_functions_way() -%}
        {%- set obstacle = python_functions_obstacle() if way == 'precomputed' else '' -%}
        {%- do log(
            'python functions: ' ~ way
            ~ (', because ' ~ obstacle if obstacle and setting('python_functions') == 'auto')
            ~ (' (forced)' if setting('python_functions') != 'auto'),
            info=true
        ) -%}
    {%- endif -%}
    {{- return('') -}}
{% endmacro %}


{#- `results` maps a function to its return type. Unlogged: what a crash takes, the next
    `dlt pipeline python_functions run` computes again. -#}
{% macro _python_function_results_ddl(results, present) %}
    {%- set statements = [] -%}
    {%- if 'function_versions' not in present -%}
        {%- do statements.append('create schema if not exists python_functions') -%}
        {%- do statements.append(
            'create table if not exists python_functions.function_versions ('
            ~ 'function_name text primary key, version text not null, '
            ~ 'noted_at timestamptz not null default now())'
        ) -%}
    {%- endif -%}
    {%- for name, data_type in results.items() if name ~ '_results' not in present -%}
        {%- do statements.append(
            'create unlogged table if not exists python_functions.' ~ name ~ '_results ('
            ~ 'args_hash uuid primary key, result ' ~ data_type ~ ')'
        ) -%}
    {%- endfor -%}
    {{- return(statements) -}}
{% endmacro %}
