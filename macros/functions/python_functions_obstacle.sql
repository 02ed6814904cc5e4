{#- Why this server cannot run our Python itself; empty when it can. Creates the language where
    the role may: looking is not enough, a listed extension can still lack its library. -#}
{% macro python_functions_obstacle() %}
    {%- set packages = [] -%}
    {%- for function_node in graph.functions.values() | selectattr('language', 'equalto', 'python') -%}
        {%- do packages.extend(function_node.config.packages) -%}
    {%- endfor -%}
    {%- do run_query(_python_functions_probe(packages | unique | sort)) -%}
    {%- set found = run_query("select current_setting('riderra.python_obstacle')") -%}
    {{- return(found[0][0] | trim) -}}
{% endmacro %}


{#- plpgsql around PL/Python: whatever fails inside becomes the answer, not the end of the run -#}
{% macro _python_functions_probe(packages) %}
do $obstacle$
declare
    obstacle text := '';
    is_superuser boolean := (
        select rolsuper from pg_catalog.pg_roles where rolname = current_user
    );
begin
    if not exists (select from pg_language where lanname = 'plpython3u') then
        if not exists (
            select from pg_available_extensions where name = 'plpython3u'
        ) then
            obstacle := 'the server does not offer plpython3u';
        elsif not is_superuser then
            obstacle := 'only a superuser can create plpython3u';
        else
            begin
                perform pg_advisory_xact_lock(hashtext('plpython3u'));
                create extension if not exists plpython3u;
            exception when others then
                obstacle := 'plpython3u cannot be created: ' || sqlerrm;
            end;
        end if;
    elsif not is_superuser and not exists (
        select from pg_language
        where
            lanname = 'plpython3u'
            and lanpltrusted
            and has_language_privilege('plpython3u', 'usage')
    ) then
        obstacle := 'only a superuser can create plpython3u functions';
    end if;
    if obstacle = '' then
        begin
            execute $probe$do language plpython3u $python$
from importlib import import_module, metadata
faults = []
for pinned in {{ packages | list }}:
    name, _, wanted = pinned.partition("==")
    try:
        import_module(name.replace("-", "_"))
        found = metadata.version(name)
    except Exception as error:
        faults.append(f"its Python lacks {name} {wanted} ({type(error).__name__})")
    else:
        if found != wanted:
            faults.append(f"its Python has {name} {found}, not {wanted}")
plpy.execute(
    "select set_config('riderra.python_obstacle', "
    + plpy.quote_literal("; ".join(faults)) + ", false)"
)
$python$ $probe$;
            obstacle := current_setting('riderra.python_obstacle');
        exception when others then
            obstacle := 'its PL/Python does not work: ' || sqlerrm;
        end;
    end if;
    perform set_config('riderra.python_obstacle', obstacle, false);
end
$obstacle$
{% endmacro %}
