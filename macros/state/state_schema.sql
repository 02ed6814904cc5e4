{% macro state_schema() %}
    {{- return(_target_schema('migration', target)) -}}
{% endmacro %}


{% macro _target_schema(name, target) %}
    {{- return('dry_run_' ~ name if target.name == 'dry_run' else name) -}}
{% endmacro %}
