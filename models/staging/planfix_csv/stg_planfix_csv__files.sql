with

source as (

    select * from {{ source('planfix_csv_raw', 'export_files') }}
    where {{ finished_loads('planfix_csv_raw') }}

),

final as (

    select
        -- ids
        file_sha256,

        -- text
        file_name,
        format as file_format,
        encoding as file_encoding,
        delimiter as file_delimiter,
        {{ json_array('header') }} as header,

        -- numbers
        file_bytes,
        row_count,
        rejected_count,

        -- times
        coalesce(file_modified_at, loaded_at) as file_modified_at,
        loaded_at,

        -- load
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
