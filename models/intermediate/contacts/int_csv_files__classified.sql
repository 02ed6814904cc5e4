-- A file exported twice under one name is one segment at two times: membership counts
-- from its latest version only, or a record that left the segment would stay in it for
-- ever.

with

files as (

    select * from {{ ref('stg_planfix_csv__files') }}

),

patterns as (

    select
        lower({{ trimmed('file_pattern') }}) as file_pattern,
        {{ trimmed('segment') }} as segment,
        lower({{ trimmed('entity') }}) as entity,
        coalesce(is_master, false) as is_master
    from {{ ref('segment_files') }}

),

matched as (

    select distinct on (files.file_sha256)
        files.file_sha256,
        files.file_name,
        files.file_modified_at,
        patterns.file_pattern,
        patterns.segment,
        coalesce(patterns.entity, 'any') as entity,
        coalesce(patterns.is_master, false) as is_master
    from files
    left outer join patterns
        on lower(files.file_name) like patterns.file_pattern
    order by
        files.file_sha256 asc,
        length(patterns.file_pattern) desc nulls last,
        md5(patterns.file_pattern) asc

),

final as (

    select
        *,
        row_number() over (
            partition by lower(file_name)
            order by file_modified_at desc nulls last, file_sha256 asc
        ) = 1 as is_latest_version
    from matched

)

select * from final
