{#-
    dbt's own view materialization, but a view that still has the query it had is left as it is: made
    anew it would take whoever reads it meanwhile, and their own views above it, by surprise for
    nothing. A view goes with the tables it reads, so one that stands reads those of now.
-#}
{% materialization view, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set inputs = local_md5(sql ~ tojson(model.config, sort_keys=true)) -%}
    {%- set noted = run_query(
        "select obj_description(oid, 'pg_class') from pg_class where relkind = 'v' and oid = to_regclass('"
        ~ this.include(database=false) ~ "')"
    ) -%}
    {%- if noted | length > 0 and noted.rows[0][0] == 'inputs=' ~ inputs
        and not should_full_refresh() and setting('reuse_tables') | lower == 'true' -%}
        {{ store_raw_result('main', message='REUSED', code='REUSED', rows_affected=-1) }}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}
    {%- set made = dbt.materialization_view_default() -%}
    {%- do run_in_transaction(
        "comment on view " ~ target_relation ~ " is 'inputs=" ~ inputs ~ "'"
    ) -%}
    {{ return(made) }}
{% endmaterialization %}
