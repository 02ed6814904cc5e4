{#- Takes back what grant_roles gave; see _roles__macros.yml. -#}
{% macro revoke_roles() %}
    {%- if execute and target.name != 'dry_run' -%}
        {%- set facts = _role_facts() -%}
        {%- if facts.problem or facts.missing_roles or facts.missing_tables -%}
            {%- do exceptions.raise_compiler_error(
                'revoke_roles: ' ~ (facts.problem or 'grant_roles never ran here')
            ) -%}
        {%- endif -%}
        {%- set roles = _identifiers(_all_role_names()) -%}
        {%- set revocation -%}
            {%- for table in live_tables() %}
            revoke all on table {{ _live(table) }} from {{ roles }};
            drop trigger if exists riderra_mass_action_guard on {{ _live(table) }};
            {%- endfor %}
            revoke all on schema {{ adapter.quote(setting('riderra_schema')) }} from {{ roles }};
            revoke all on all tables in schema {{ adapter.quote(setting('access_schema')) }}
            from {{ roles }};
            revoke all on schema {{ adapter.quote(setting('access_schema')) }} from {{ roles }};
            {%- for channel in role_matrix().outreach_channels %}
            drop view if exists {{ _access('outreach_' ~ channel) }};
            {%- endfor %}
        {%- endset -%}
        {%- do run_in_transaction(
            revocation, 'roles: every grant taken back; the queue of change requests stays'
        ) -%}
    {%- endif -%}
{% endmacro %}
