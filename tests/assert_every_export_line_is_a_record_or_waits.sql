-- Fails for an export file whose rows, as the loader counted them, are not all among
-- the lines here: each of them has a contact number (and then its record counts it), or
-- has none and waits in quarantine as missing_number, or is blank. Why: a line that
-- vanishes is a client that vanishes. Lines that could not be read as rows are the
-- loader's and are listed apart.

with

files as (

    select
        file_sha256,
        file_name,
        row_count
    from {{ ref('stg_planfix_csv__files') }}

),

lines as (

    select
        file_sha256,
        count(*) as line_count,
        count(*) filter (where planfix_id is not null) as numbered_count
    from {{ ref('int_csv_lines__numbered') }}
    group by file_sha256

),

recorded as (

    select sum(line_count) as line_count
    from {{ ref('int_contacts__csv_merged') }}

)

select
    files.file_name,
    files.row_count,
    coalesce(lines.line_count, 0) as line_count
from files
left outer join lines
    on files.file_sha256 = lines.file_sha256
where files.row_count is distinct from coalesce(lines.line_count, 0)

union all

select
    'all files: numbered lines against lines of records' as file_name,
    sum(lines.numbered_count) as row_count,
    coalesce(max(recorded.line_count), 0) as line_count
from lines
cross join recorded
having sum(lines.numbered_count) is distinct from max(recorded.line_count)
