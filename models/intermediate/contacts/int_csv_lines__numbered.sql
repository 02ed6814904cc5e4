-- The lines are read three times below (records, segments, quarantine), so they are
-- kept.

with

records as (

    select * from {{ ref('stg_planfix_csv__records') }}

),

files as (

    select * from {{ ref('int_csv_files__classified') }}

),

final as (

    select
        records.*,
        files.file_name,
        files.file_modified_at,
        files.segment,
        files.entity,
        files.is_master,
        files.is_latest_version
    from records
    inner join files
        on records.file_sha256 = files.file_sha256

)

select * from final
