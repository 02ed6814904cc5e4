{#-
    dbt's own seed materialization, but a seed whose file, configuration and rows in the database are
    what they were when it was loaded is left as it is. dbt takes a tenth of a second to read
    and type a file of a thousand lines. Files above a megabyte, whose content dbt does not hash,
    are always loaded.
-#}
{% materialization seed, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set inputs = none -%}
    {%- if model.checksum.name == 'sha256' and setting('reuse_tables') | lower == 'true' -%}
        {%- set inputs = local_md5(
            model.checksum.checksum ~ tojson(model.config, sort_keys=true)
        ) -%}
    {%- endif -%}
    {%- set name = this.include(database=false) -%}
    {%- if inputs and not should_full_refresh() and _seed_stands(name, inputs) -%}
        {{ store_raw_result('main', message='REUSED', code='REUSED', rows_affected=-1) }}
        {#- what `dbt seed --show` prints -#}
        {{ store_result(
            'agate_table', response='OK', agate_table=run_query('select * from ' ~ name ~ ' limit 10')
        ) }}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}
    {%- set made = dbt.materialization_seed_default() -%}
    {%- if inputs -%}
        {%- set content = run_query(table_content_sql(name)).rows[0][0] -%}
        {%- do run_in_transaction(
            "comment on table " ~ target_relation ~ " is 'inputs=" ~ inputs ~ " content=" ~ content ~ "'"
        ) -%}
    {%- endif -%}
    {{ return(made) }}
{% endmaterialization %}


{% macro _seed_stands(name, inputs) %}
    {%- set note = run_query(
        "select obj_description(to_regclass('" ~ name ~ "'), 'pg_class')"
    ).rows[0][0] or '' -%}
    {{- return(
        note.startswith('inputs=' ~ inputs ~ ' ')
        and note.endswith(' content=' ~ run_query(table_content_sql(name)).rows[0][0])
    ) -}}
{% endmacro %}
