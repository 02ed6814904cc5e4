{#-
    What every publisher reads, as comments: dbt orders the models by it, and no publisher starts
    before the tests of these models have passed.
-#}
{% macro publish_inputs() %}
-- {{ ref('publish_comparison') }}
-- {{ ref('publish_plan') }}
-- {{ ref('publish_plan_summary') }}
-- {{ ref('publish_plan_customers') }}
-- {{ ref('publish_plan_batches') }}
-- {{ ref('publish_plan_identities') }}
-- {{ ref('publish_plan_events') }}
-- {{ ref('migration_gates') }}
-- read by data tests that have to pass before the first live row
-- {{ ref('int_contact_points__rejected') }}
-- {{ ref('int_customers__provenance') }}
{%- for table in live_tables() %}
-- {{ ref(table) }}
-- {{ live_relation(table) }}
{%- endfor %}
-- {{ state_relation('published_rows') }}
-- {{ state_relation('row_changes') }}
-- {{ state_relation('customer_identity') }}
-- {{ state_relation('identity_events') }}
{% endmacro %}
