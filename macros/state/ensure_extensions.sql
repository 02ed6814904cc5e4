{#-
    fuzzystrmatch (edit distance, PostgreSQL's own contrib) is a trusted extension: whoever may
    create schemas in the database may create it, no superuser needed.
-#}
{% macro ensure_extensions() %}
    {%- set found = run_query(
        "select exists (select from pg_catalog.pg_extension where extname = 'fuzzystrmatch')"
        ~ ", exists (select from pg_catalog.pg_available_extensions"
        ~ " where name = 'fuzzystrmatch')"
        ~ ", has_database_privilege(current_database(), 'create')"
    ).rows[0] -%}
    {%- if not found[0] -%}
        {%- if not found[1] -%}
            {%- do exceptions.raise_compiler_error(
                'the server lacks the extension fuzzystrmatch: install PostgreSQL\'s contrib '
                ~ 'package on it (Debian: it is part of postgresql-<version>).'
            ) -%}
        {%- elif not found[2] -%}
            {%- do exceptions.raise_compiler_error(
                'role ' ~ target.user ~ ' may not create the extension fuzzystrmatch in database '
                ~ target.database ~ ': let its owner run create extension fuzzystrmatch;'
            ) -%}
        {%- endif -%}
        {%- do run_in_transaction(
            'create extension if not exists fuzzystrmatch schema public',
            'created the extension fuzzystrmatch'
        ) -%}
    {%- endif -%}
{% endmacro %}
