{% macro live_relation(name) %}
    {#- a source, so that lineage shows it and unit tests can put rows in its place -#}
    {{- return(source('riderra', 'live_' ~ name)) -}}
{% endmacro %}
