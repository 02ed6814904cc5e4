with

source as (

    select * from {{ source('planfix_csv_raw', 'rejected_lines') }}
    where {{ finished_loads('planfix_csv_raw') }}

),

final as (

    select
        file_sha256,
        file_name,
        line_number::int as line_number,
        reason_code,
        message,
        raw_line,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
