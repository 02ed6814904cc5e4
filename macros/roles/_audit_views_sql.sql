{% macro _audit_views_sql() %}
-- Read with the rights of the migration's own user, since the state is closed to the roles.
{% for view, definition in role_matrix().audit_views.items() %}
create or replace view {{ _access(view) }}
with (security_barrier = true) as
select {{ _identifiers(definition.columns) }}
from {{ adapter.quote(state_schema()) }}.{{ adapter.quote(definition.table) }};
{% endfor %}
{% endmacro %}
