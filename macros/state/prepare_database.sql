{#- on-run-start: everything that models read besides models, before the first of them runs -#}
{% macro prepare_database() %}
    {%- if execute -%}
        {%- do check_server() -%}
        {%- do ensure_extensions() -%}
        {%- if target.name == 'dry_run' -%}
            {%- do refresh_dry_run_copies() -%}
        {%- else -%}
            {%- do ensure_live_tables() -%}
            {%- do ensure_state_tables() -%}
        {%- endif -%}
        {%- do convert_group_hashes() -%}
        {%- do convert_row_keys() -%}
    {%- endif -%}
{% endmacro %}
