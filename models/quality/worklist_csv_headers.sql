{{ config(unlogged=false) }}

with

headers as (

    select
        file_sha256,
        header_key,
        header collate "C" as header,
        field
    from {{ ref('stg_planfix_csv__headers') }}

),

files as (

    select * from {{ ref('stg_planfix_csv__files') }}

),

reasons as (

    select * from {{ ref('reason_codes') }}
    where reason_code = 'unmapped_csv_header'

),

first_seen as (

    {{ first_seen(this, 'worklist_key') }}

),

unmapped as (

    select
        'csv_header:' || md5(headers.header_key) as worklist_key,
        min(headers.header) as header,
        count(distinct headers.file_sha256) as files,
        sum(files.row_count) as records
    from headers
    inner join files on headers.file_sha256 = files.file_sha256
    where headers.field is null
    group by headers.header_key

),

final as (

    select
        unmapped.worklist_key,
        unmapped.header,
        unmapped.files,
        unmapped.records::bigint as records,
        reasons.reason_code,
        reasons.sentence,
        reasons.owner,
        reasons.action,
        null::text as answer_field,
        null::text as answered_by,
        null::text as reviewed_by,
        coalesce(
            first_seen.first_seen_at,
            '{{ run_started_at.isoformat() }}'::timestamptz
        ) as first_seen_at
    from unmapped
    cross join reasons
    left outer join first_seen on unmapped.worklist_key = first_seen.worklist_key

)

select * from final
