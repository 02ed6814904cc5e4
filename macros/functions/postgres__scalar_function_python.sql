{#- What dbt-postgres lacks: a Python function of functions/ as a database function. Both ways
    have one signature, so models cannot tell them apart. -#}
{% macro postgres__scalar_function_python(target_relation) %}
    {%- if python_functions_way() == 'in_database' -%}
        {{- return(_python_function_in_database(
            target_relation, model, model.compiled_code, formatted_scalar_function_args_sql()
        )) -}}
    {%- endif -%}
    {%- set version = python_function_version(model) -%}
    {%- set stored = run_query(
        "select version from python_functions.function_versions "
        ~ "where function_name = '" ~ model.name ~ "'"
    ) -%}
    {{- return(_python_function_precomputed(
        target_relation,
        model,
        formatted_scalar_function_args_sql(),
        stored | length > 0 and stored[0][0] != version
    )) -}}
{% endmacro %}


{#- PL/Python makes the text below the body of a function and puts a tab in front of every line;
    the file is compiled once per session and kept in SD. -#}
{% macro _python_function_in_database(relation, model, source, arguments) %}
    {%- if "'''" in source or '$python_function$' in source -%}
        {%- do exceptions.raise_compiler_error(
            model.original_file_path ~ ": write its strings without ''' and $python_function$"
        ) -%}
    {%- endif -%}
    {%- set names = model.arguments | map(attribute='name') | join(', ') -%}
    {%- set is_json = model.returns.data_type in ('json', 'jsonb') -%}
    {%- set sql -%}
create or replace function {{ relation.render() }}({{ arguments | trim }})
returns {{ model.returns.data_type }}
language plpython3u
immutable parallel safe cost 1000
as $python_function$
kept = SD.get("kept")
if kept is None:
    import json
    source = r'''{{ source }}
'''.replace("\n\t", "\n")
    module = {"__name__": "functions.{{ model.name }}"}
    exec(compile(source, "{{ model.original_file_path }}", "exec"), module)
    kept = SD["kept"] = (module["{{ model.config.get('entry_point') }}"], json.dumps)
answer = kept[0]({{ names }})
return {% if is_json -%}
None if answer is None else kept[1](answer, ensure_ascii=False)
{%- else -%}
answer
{%- endif %}
$python_function$
    {%- endset -%}
    {{- return(sql) -}}
{% endmacro %}


{#- A missing result is an error, never a null: a null would be a lost phone. The error names a
    hash, not the argument, because arguments are personal data. -#}
{% macro _python_function_precomputed(relation, model, arguments, is_stale) %}
    {%- set names = model.arguments | map(attribute='name') | join(', ') -%}
    {%- set hint = 'run: dlt pipeline python_functions run, then dbt build again' -%}
    {%- set sql -%}
create or replace function {{ relation.render() }}({{ arguments | trim }})
returns {{ model.returns.data_type }}
language plpgsql
stable parallel safe cost 500
as $python_function$
declare
    arguments_hash uuid;
    answer {{ model.returns.data_type }};
begin
    if {% for name in model.config.meta.null_arguments -%}
        {{ name }} is null{{ ' or ' if not loop.last }}
    {%- endfor %} then
        return null;
    end if;
{%- if is_stale %}
    raise exception using
        message = 'the results of {{ model.name }} are of an older functions/{{ model.name }}.py',
        hint = '{{ hint }}';
{%- else %}
    arguments_hash := md5(jsonb_build_array({{ names }})::text)::uuid;
    select results.result into answer
    from python_functions.{{ model.name }}_results as results
    where results.args_hash = arguments_hash;
    if not found then
        raise exception using
            message = '{{ model.name }} has no result for the arguments ' || arguments_hash
                || '; {{ hint }}',
            errcode = 'no_data_found';
    end if;
    return answer;
{%- endif %}
end
$python_function$
    {%- endset -%}
    {{- return(sql) -}}
{% endmacro %}
