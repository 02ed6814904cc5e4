{#- The text of the DDL is noted on the schema, so that only a changed one runs (and locks). -#}
{% macro ensure_state_tables() %}
    {%- set ddl = state_tables_ddl('migration') -%}
    {%- set mark = 'state of the migration, layout ' ~ local_md5(ddl) -%}
    {%- set noted = run_query(
        "select obj_description(to_regnamespace('migration'), 'pg_namespace')"
    ).rows[0][0] -%}
    {%- if noted != mark -%}
        {%- do run_in_transaction(
            "select pg_advisory_xact_lock(hashtext('riderra_migration state'));\n"
            ~ ddl ~ "\ncomment on schema migration is '" ~ mark ~ "';"
        ) -%}
    {%- endif -%}
{% endmacro %}
