{% macro _grants_sql() %}
{%- set matrix = role_matrix() -%}
{%- set access_schema = adapter.quote(setting('access_schema')) -%}
{%- set live_schema = adapter.quote(setting('riderra_schema')) -%}
-- Take everything back first, so that a letter that became weaker weakens the grant; one
-- transaction, so that nobody notices.
revoke all on schema {{ live_schema }}, {{ access_schema }}
from {{ _identifiers(_all_role_names()) }};
revoke all on schema {{ access_schema }} from public;
revoke all on all tables in schema {{ access_schema }}
from public, {{ _identifiers(_all_role_names()) }};
{%- for table in live_tables() %}
revoke all on table {{ _live(table) }} from {{ _identifiers(_all_role_names()) }};
{%- endfor %}

-- view_profile: A, R
{%- set readers = _identifiers(_roles_with('view_profile', ['A', 'R'])) %}
grant usage on schema {{ live_schema }} to {{ readers }};
{%- for table in live_tables() %}
grant select on table {{ _live(table) }} to {{ readers }};
{%- endfor %}

-- edit_profile: A
{%- set editors = _identifiers(_roles_with('edit_profile', ['A'])) %}
{%- for table, editable in matrix.editable.items() %}
grant update ({{ _identifiers(editable.columns) }}) on table {{ _live(table) }}
to {{ editors }};
{%- if editable.insert %}
grant insert on table {{ _live(table) }} to {{ editors }};
{%- endif %}
{%- if editable.delete %}
grant delete on table {{ _live(table) }} to {{ editors }};
{%- endif %}
{%- endfor %}

-- edit_profile, outreach: A, AP; asking is always allowed to who may act
{%- set askers = _identifiers((
    _roles_with('edit_profile', ['A', 'AP']) + _roles_with('outreach', ['AP'])
) | unique | list) %}
grant usage on schema {{ access_schema }}
to {{ _identifiers(_all_role_names()) }};
grant select on table {{ _access('change_requests') }} to {{ _identifiers((
    _roles_with('edit_profile', ['A', 'AP']) + _roles_with('outreach', ['AP'])
    + _roles_with('approve', ['A']) + _roles_with('audit_log', ['A'])
) | unique | list) }};
grant insert (action, channel, customer_ids, changes, reason)
on table {{ _access('change_requests') }} to {{ askers }};

-- approve: A
grant update (status, decision_note)
on table {{ _access('change_requests') }}
to {{ _identifiers(_roles_with('approve', ['A'])) }};

-- outreach: A
{%- for channel in matrix.outreach_channels %}
grant select on table {{ _access('outreach_' ~ channel) }}
to {{ _identifiers(_roles_with('outreach', ['A'])) }};
{%- endfor %}

-- audit_log: R the runs and batches, A also row by row
{%- for view, definition in matrix.audit_views.items() %}
grant select on table {{ _access(view) }} to {{ _identifiers(
    _roles_with('audit_log', ['A', 'R'] if definition.level == 'R' else ['A'])
) }};
{%- endfor %}
{% endmacro %}
