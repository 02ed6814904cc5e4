{#- Results are kept as long as the file and the libraries they came from stay the same;
    loaders/python_functions/versions.py computes the same value. -#}
{% macro python_function_version(function_node) %}
    {{- return(local_md5(
        function_node.raw_code ~ '|' ~ function_node.config.packages | join(',')
    )) -}}
{% endmacro %}
