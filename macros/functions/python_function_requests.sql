{#- The argument lists of one Python function, from one or several relations.

    `sources` is a list of {'relation': …, '<argument>': '<SQL expression>', …, 'where': …}; an
    argument that is left out is null. Rows whose answer is null anyway are not asked for.

    Whoever computes the answers sorts the lists by their hashes and finds equal ones so. Where they
    seldom are equal, that is enough; where most are, or they are long, it pays to do it here first. -#}
{% macro python_function_requests(function_name, sources, is_distinct=false) %}
    {%- set found = namespace(node=none) -%}
    {%- if execute -%}
        {%- for node in graph.functions.values() if node.name == function_name -%}
            {%- set found.node = node -%}
        {%- endfor -%}
        {%- if found.node is none -%}
            {%- do exceptions.raise_compiler_error(
                "python_function_requests: no function is called '" ~ function_name ~ "'"
            ) -%}
        {%- endif -%}
        {{- _python_function_requests(found.node, sources, is_distinct) -}}
    {%- else -%}
        select 1
    {%- endif -%}
{% endmacro %}


{% macro _python_function_requests(function_node, sources, is_distinct) %}
with
{%- for source in sources %}

source_{{ loop.index }} as (
    select
        {%- for argument in function_node.arguments %}
        cast({{ source.get(argument.name, 'null') }} as {{ argument.data_type }}) as {{ argument.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ source.relation }}
    {%- if source.where %}
    where {{ source.where }}
    {%- endif %}
),
{%- endfor %}

final as (
    {%- for source in sources %}
    select * from source_{{ loop.index }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select {{ 'distinct ' if is_distinct }}*
from final
where
    {%- for name in function_node.config.meta.null_arguments %}
    {{ 'and ' if not loop.first }}{{ name }} is not null
    {%- endfor %}
{% endmacro %}
