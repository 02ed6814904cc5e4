{% macro state_tables() %}
    {{- return([
        'runs',
        'batches',
        'published_rows',
        'row_changes',
        'rollback_leftovers',
        'customer_identity',
        'identity_events',
        'match_decisions',
        'value_decisions',
        'field_decisions',
        'conflict_decisions',
        'waivers',
        'qa_verdicts',
        'desk_actions',
        'freezes',
        'sign_offs',
        'archives',
        'purges',
    ]) -}}
{% endmacro %}
