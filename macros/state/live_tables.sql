{% macro live_tables() %}
    {#- order of creation: what others point at comes first -#}
    {{- return([
        'customers',
        'customer_contacts',
        'customer_tags',
        'customer_notes',
        'customer_consents',
        'customer_external_links',
    ]) -}}
{% endmacro %}
