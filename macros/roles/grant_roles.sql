{#- Creates and grants the database roles of the matrix; see _roles__macros.yml. -#}
{% macro grant_roles() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'run-operation']
        and target.name != 'dry_run' and setting('manage_roles') | lower == 'true' -%}
        {%- set facts = _role_facts() -%}
        {%- if facts.missing_tables -%}
            {#- the build stopped before the live tables: nothing to grant yet -#}
            {%- if flags.WHICH == 'run-operation' -%}
                {%- do exceptions.raise_compiler_error(
                    'grant_roles: no ' ~ facts.missing_tables | join(', ') ~ ' in schema '
                    ~ setting('riderra_schema') ~ ' yet: run `dbt build` first'
                ) -%}
            {%- endif -%}
        {%- elif facts.problem -%}
            {%- do log('roles: left as they are: ' ~ facts.problem, info=true) -%}
        {%- else -%}
            {%- set grants -%}
                {{ _ensure_roles_sql() }}
                {{ _approvals_sql() }}
                {{ _mass_action_guard_sql() }}
                {{ _outreach_views_sql() }}
                {{ _audit_views_sql() }}
                {{ _grants_sql() }}
                {{ _closed_schemas_sql() }}
            {%- endset -%}
            {%- set is_news = flags.WHICH == 'run-operation' or facts.missing_roles -%}
            {%- do run_in_transaction(
                grants,
                'roles: ' ~ role_matrix().roles | length
                ~ ' roles granted as macros/roles/role_matrix.sql says' if is_news else none
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- What stands in the way of granting, and what is there to grant on. -#}
{% macro _role_facts() %}
    {%- set live_schema = setting('riderra_schema') -%}
    {%- set tables = run_query(
        "select relname::text, pg_catalog.pg_get_userbyid(relowner)::text, "
        "pg_catalog.pg_has_role(current_user, relowner, 'usage') "
        "from pg_catalog.pg_class where relkind in ('r', 'p') and relnamespace = "
        "(select oid from pg_catalog.pg_namespace where nspname = '" ~ live_schema ~ "') "
        "and exists (select from pg_catalog.pg_namespace where nspname = '"
        ~ state_schema() ~ "')"
    ) -%}
    {%- set found = tables.columns[0].values() | list -%}
    {%- set foreign = [] -%}
    {%- for row in tables if row[0] in live_tables() and not row[2] -%}
        {%- do foreign.append(row[0] ~ ' (owner ' ~ row[1] ~ ')') -%}
    {%- endfor -%}
    {%- set roles = run_query(
        "select rolname::text from pg_catalog.pg_roles where rolname in ('"
        ~ _all_role_names() | join("', '") ~ "')"
    ).columns[0].values() | list -%}
    {%- set missing_roles = _all_role_names() | reject('in', roles) | list -%}
    {%- set may_create = run_query(
        "select rolcreaterole or rolsuper from pg_catalog.pg_roles "
        "where rolname = current_user"
    ).columns[0].values()[0] -%}
    {%- set problem = '' -%}
    {%- if missing_roles and not may_create -%}
        {%- set problem = 'role ' ~ target.user ~ ' may not create roles. Either `alter role '
            ~ target.user ~ ' createrole`, or create them yourself as nologin roles ('
            ~ missing_roles | join(', ') ~ '), then `dbt run-operation grant_roles`' -%}
    {%- elif foreign -%}
        {%- set problem = 'role ' ~ target.user ~ ' does not own ' ~ foreign | join(', ')
            ~ '. Run `dbt run-operation grant_roles` as a member of the owner' -%}
    {%- endif -%}
    {{- return({
        'missing_tables': live_tables() | reject('in', found) | list,
        'missing_roles': missing_roles,
        'problem': problem,
    }) -}}
{% endmacro %}


{#- Database name of a role of the matrix, e.g. riderra_sales. -#}
{% macro _role_name(role) %}
    {{- return(setting('role_prefix') ~ '_' ~ role) -}}
{% endmacro %}


{#- Database names of the roles whose letter for an action is one of those given. -#}
{% macro _roles_with(action, letters) %}
    {%- set names = [] -%}
    {%- for role, rights in role_matrix().roles.items() if rights[action] in letters -%}
        {%- do names.append(_role_name(role)) -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}


{#- Database names of all roles of the matrix. -#}
{% macro _all_role_names() %}
    {{- return(_roles_with('audit_log', ['A', 'R', 'AP', 'N'])) -}}
{% endmacro %}


{#- A list of names as a quoted, comma-separated list of identifiers. -#}
{% macro _identifiers(names) %}
    {%- set quoted = [] -%}
    {%- for name in names -%}{%- do quoted.append(adapter.quote(name)) -%}{%- endfor -%}
    {{- return(quoted | join(', ')) -}}
{% endmacro %}


{#- A list of texts as a SQL array literal. -#}
{% macro _text_array(texts) %}
    {{- return("array['" ~ texts | join("', '") ~ "']::text[]") -}}
{% endmacro %}


{#- A relation of the access schema, quoted. -#}
{% macro _access(name) %}
    {{- return(adapter.quote(setting('access_schema')) ~ '.' ~ adapter.quote(name)) -}}
{% endmacro %}


{#- A live table, quoted. The dry run never comes here. -#}
{% macro _live(name) %}
    {{- return(adapter.quote(setting('riderra_schema')) ~ '.' ~ adapter.quote(name)) -}}
{% endmacro %}
