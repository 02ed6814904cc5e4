{#- A join that gives each row of a query the answer of a Python function, as
    python_function_answers('parse_email', ['cells.raw_value'], 'parsed (parts)') behind `from cells`.

    Rows and errors are those of `cross join lateral` to the function itself, which is what it becomes
    where the database runs Python. Precomputed answers are joined as a table: hashed once, on all
    cores, they take half of what one look-up per row takes. Where an answer is missing, or all of them
    are of an older file, the function is called, which says so. -#}
{% macro python_function_answers(function_name, arguments, alias) %}
    {%- set called = function(function_name) ~ '(' ~ arguments | join(', ') ~ ')' -%}
    {%- set function_node = _function_with_answers(function_name) -%}
    {%- if function_node -%}
        {{- _joined_answers(function_node, called, arguments, alias) -}}
    {%- else -%}
        cross join lateral {{ called }} as {{ alias }}
    {%- endif -%}
{% endmacro %}


{#- The node of a function that reads precomputed answers, if they are those of its present file. -#}
{% macro _function_with_answers(function_name) %}
    {#- a database on which nothing ran yet has neither functions nor answers -#}
    {%- if not execute or run_query(
        "select to_regclass('python_functions.function_versions') is null"
    ).rows[0][0] -%}
        {{- return(none) -}}
    {%- endif -%}
    {#- the graph of a unit test has no functions -#}
    {%- for node in graph.get('functions', {}).values() if node.name == function_name -%}
        {%- set found = run_query(
            "select noted.version from python_functions.function_versions as noted "
            ~ "inner join pg_proc on pg_proc.proname = noted.function_name "
            ~ "inner join pg_language on pg_language.oid = pg_proc.prolang "
            ~ "where noted.function_name = '" ~ node.name ~ "' and noted.version = '"
            ~ python_function_version(node) ~ "' and pg_language.lanname = 'plpgsql' "
            ~ "and pg_proc.pronamespace = to_regnamespace('" ~ node.schema ~ "')"
        ) -%}
        {{- return(node if found | length > 0 else none) -}}
    {%- endfor -%}
    {{- return(none) -}}
{% endmacro %}


{#- Rows whose answer is null anyway have no key, so that nothing is hashed or looked for. -#}
{% macro _joined_answers(function_node, called, arguments, alias) %}
    {%- set name, column = alias.rstrip(')').split(' (') -%}
    {%- set is_asked = [] -%}
    {%- for argument in function_node.arguments
        if argument.name in function_node.config.meta.null_arguments -%}
        {%- do is_asked.append('(' ~ arguments[loop.index0] ~ ') is not null') -%}
    {%- endfor -%}
    left outer join python_functions.{{ function_node.name }}_results as {{ name }}_results
        on
            case
                when {{ is_asked | join(' and ') }}
                    then md5(jsonb_build_array({{ arguments | join(', ') }})::text)::uuid
            end = {{ name }}_results.args_hash
    cross join lateral (
        select
            case
                when {{ name }}_results.args_hash is not null then {{ name }}_results.result
                when {{ is_asked | join(' and ') }} then {{ called }}
            end as {{ column }}
    ) as {{ name }}
{%- endmacro %}
