{#-
    The reviewed file of who may do what in the live CRM (riderra-crm.md, section 4).

    Change a letter here, run `dbt run-operation grant_roles`, and the database follows; nothing
    else grants anything to these roles.

        A   allow
        R   read
        AP  allow with approval: the role may ask in <access schema>.change_requests, not write
        N   none
-#}
{% macro role_matrix() %}
{% set matrix %}
roles:
  owner:
    description: Owner and administrators
    view_profile: A
    edit_profile: A
    outreach: A
    approve: A
    audit_log: A
  dispatcher:
    description: Dispatchers
    view_profile: A
    edit_profile: AP
    outreach: N
    approve: N
    audit_log: R
  operator:
    description: Operators of the transfers (not the operator of this migration)
    view_profile: R
    edit_profile: N
    outreach: N
    approve: N
    audit_log: N
  sales:
    description: Sales and CRM managers
    view_profile: A
    edit_profile: A
    outreach: AP
    approve: A
    audit_log: N
  finance:
    description: Finance
    view_profile: R
    edit_profile: N
    outreach: N
    approve: N
    audit_log: R
  audit:
    description: Audit
    view_profile: R
    edit_profile: N
    outreach: N
    approve: N
    audit_log: A
  outreach:
    description: Mailing and messenger tools; consenting customers only, one view per channel
    view_profile: N
    edit_profile: N
    outreach: A
    approve: N
    audit_log: N

# edit_profile: A. Keys, merges, tenant, origin and creation times stay with the migration and
# the CRM's own code; a customer is archived, never deleted; links to Planfix are read-only.
editable:
  customers:
    insert: true
    delete: false
    columns:
      - kind
      - display_name
      - given_name
      - family_name
      - middle_name
      - company_name
      - company_id
      - position
      - website
      - address
      - city
      - country_code
      - language
      - timezone
      - birth_date
      - gender
      - owner_user_id
      - incomplete_profile
      - status
      - updated_at
  customer_contacts:
    insert: true
    delete: true
    columns: [channel, value, extension, label, country_code, is_primary, updated_at]
  customer_tags:
    insert: true
    delete: true
    columns: [tag, kind]
  customer_notes:
    insert: true
    delete: true
    columns: [body, is_truncated, author_user_id, author_name, noted_at, kind]
  customer_consents:
    insert: true
    delete: true
    columns: [channel, purpose, status, source, evidence, captured_at]

# outreach: A. One view per channel: active customers with a contact point of that channel and
# a granted marketing consent for that same channel.
outreach_channels:
  - phone
  - email
  - telegram
  - whatsapp
  - viber
  - skype
  - facebook
  - instagram
  - vk

# audit_log: R reads the views of level R, A reads all. Views on the state of the migration; keys,
# counts and names of columns, no values.
audit_views:
  audit_runs:
    level: R
    table: runs
    columns: [run_id, kind, target, operator, started_at, finished_at, status]
  audit_batches:
    level: R
    table: batches
    columns:
      - batch_id
      - run_id
      - batch_number
      - kind
      - undoes_batch_id
      - customers
      - rows_inserted
      - rows_updated
      - rows_retired
      - rows_left
      - attempts
      - operator
      - started_at
      - finished_at
  audit_sign_offs:
    level: R
    table: sign_offs
    columns: [sign_off_id, run_id, signed_by, signed_at, comment]
  audit_waivers:
    level: R
    table: waivers
    columns: [waiver_id, gate, limit_value, reason, granted_by, granted_at, valid_until]
  audit_published_rows:
    level: A
    table: published_rows
    columns: [table_name, row_id, customer_id, first_batch_id, batch_id]
  audit_row_changes:
    level: A
    table: row_changes
    columns:
      - change_id
      - batch_id
      - table_name
      - row_id
      - customer_id
      - action
      - column_groups
      - changed_columns
      - reason
      - source_record
  audit_identity_events:
    level: A
    table: identity_events
    columns:
      - event_id
      - occurred_at
      - run_id
      - event
      - customer_id
      - other_customer_id
      - planfix_id
  audit_match_decisions:
    level: A
    table: match_decisions
    columns:
      - decision_id
      - left_planfix_id
      - right_planfix_id
      - verdict
      - decided_by
      - decided_at

# Closed to every role above and to PUBLIC, whatever anybody granted before; so are the dry
# run's copies (dry_run_<schema>), the copy of the live tables among them.
closed_schemas:
  - planfix_raw
  - planfix_raw_staging
  - planfix_csv_raw
  - planfix_csv_raw_staging
  - python_functions
  - python_functions_staging
  - functions
  - seeds
  - staging
  - intermediate
  - ready
  - quality
  - publish
  - migration
{% endset %}
{{ return(fromyaml(matrix)) }}
{% endmacro %}
