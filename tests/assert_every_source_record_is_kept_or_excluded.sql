-- Fails for a contact number that the API or an export has and int_contacts__normalized
-- lacks, or the other way round. Why: everything behind it counts from that table, so a
-- record lost here would be missing from the books without anybody noticing. Does not
-- claim that the record was published; reconciliation does.

with

source_keys as (

    -- the raw table itself, as in reconciliation_records: a record that staging lost
    -- would be missed by staging, which also would be unpacked for its key alone
    select id as planfix_id
    from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

    union

    select planfix_id
    from {{ ref('stg_planfix_csv__records') }}
    where planfix_id is not null

),

records as (

    select planfix_id
    from {{ ref('int_contacts__normalized') }}

)

select
    source_keys.planfix_id as source_planfix_id,
    records.planfix_id as record_planfix_id
from source_keys
full outer join records
    on source_keys.planfix_id = records.planfix_id
where
    source_keys.planfix_id is null
    or records.planfix_id is null
