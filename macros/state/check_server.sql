{% macro check_server() %}
    {%- set found = run_query(
        "select current_setting('server_version_num')::int / 10000 as version,"
        ~ " lower('ЁЖЯ') = 'ёжя' as folds_cyrillic,"
        ~ " has_database_privilege(current_database(), 'create') as may_create,"
        ~ " to_regnamespace('migration') is not null as has_state,"
        ~ " current_user::text as role_name, current_database()::text as database_name"
    ).rows[0] -%}
    {%- set problem = _server_problem(found) -%}
    {%- if problem -%}
        {%- do exceptions.raise_compiler_error(problem) -%}
    {%- endif -%}
{% endmacro %}


{% macro _server_problem(found) %}
    {%- if found['version'] < 15 -%}
        {{- return(
            'PostgreSQL ' ~ found['version'] ~ ' is too old: 15 or newer is needed.'
        ) -}}
    {%- elif not found['folds_cyrillic'] -%}
        {{- return(
            'database ' ~ found['database_name'] ~ ' has a locale that cannot lower-case '
            ~ "Cyrillic: create it with template template0 locale 'C.UTF-8'."
        ) -}}
    {%- elif not found['may_create'] and not found['has_state'] -%}
        {{- return(
            'role ' ~ found['role_name'] ~ ' may not create schemas in database '
            ~ found['database_name'] ~ ': grant create on database '
            ~ found['database_name'] ~ ' to ' ~ found['role_name'] ~ ';'
        ) -}}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}
