{{ config(materialized='view') }}

-- depends_on: {{ ref('publish_batches') }}

with

gates as (
    select
        count(*) as gates,
        count(*) filter (where not passed) as failing,
        count(*) filter (where is_waived) as waived,
        string_agg(gate, ', ' order by gate) filter (where not passed) as failing_gates
    from {{ ref('migration_gates') }}
),

extracts as (
    select max(read_at) as read_at
    from (
        -- what the extract asked for begins to count when it began to ask
        select started_at as read_at from {{ ref('stg_planfix__extract_runs') }}
        where status = 'completed'
        union all
        select file_modified_at as read_at from {{ ref('stg_planfix_csv__files') }}
    ) as sources
),

last_run as (
    select
        run_id,
        status,
        started_at,
        finished_at
    from {{ state_relation('runs') }}
    where kind = 'publish'
    order by started_at desc
    limit 1
),

last_rollback as (
    select max(started_at) as started_at
    from {{ state_relation('runs') }}
    where kind = 'rollback'
),

open_batches as (
    select count(*) as batches
    from {{ ref('publish_plan_batches') }} as planned
    left outer join {{ state_relation('batches') }} as batches
        on
            planned.plan_id::text = batches.plan_id
            and planned.batch_number = batches.batch_number
    where batches.batch_id is null
),

conflicts as (
    select count(*) as conflicts
    from {{ ref('publish_plan') }}
    where action = 'conflict'
),

verdicts as (
    select distinct on (sample_key)
        sample_key,
        verdict
    from {{ state_relation('qa_verdicts') }}
    order by sample_key asc, verdict_id desc
),

qa as (
    select
        count(*) as drawn,
        count(*) filter (where verdicts.verdict = 'correct') as correct,
        count(*) filter (where verdicts.verdict = 'wrong') as wrong,
        count(*) filter (where verdicts.verdict = 'unsure') as unsure,
        count(*) filter (where verdicts.verdict is null) as waiting
    from {{ ref('qa_sample') }} as qa_sample
    left outer join verdicts on qa_sample.sample_key = verdicts.sample_key
),

frozen as (
    select
        max(started_at) as started_at,
        count(*) as freezes
    from (
        select started_at from {{ state_relation('freezes') }}
        order by freeze_id desc
        limit 1
    ) as last_freeze
),

changes as (
    select count(*) as changes
    from {{ ref('freeze_changes') }}
),

signed as (
    select
        max(signed_at) as signed_at,
        count(*) as sign_offs
    from {{ state_relation('sign_offs') }}
),

archived as (
    select
        max(created_at) as created_at,
        max(latest_fetched_at) as latest_fetched_at,
        count(*) as archives
    from {{ state_relation('archives') }}
),

purged as (
    select
        max(purged_at) as purged_at,
        count(*) as purges
    from {{ state_relation('purges') }}
),

steps as (
    select
        1 as step_number,
        'extract' as step,
        true as is_needed_to_sign,
        extracts.read_at is not null as is_done,
        coalesce(
            'newest source read '
            || to_char(extracts.read_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
            || ' UTC', 'nothing was extracted'
        ) as detail,
        'dlt pipeline run' as what_to_do
    from extracts

    union all

    select
        2 as step_number,
        'gates' as step,
        true as is_needed_to_sign,
        gates.failing = 0 as is_done,
        gates.gates - gates.failing || ' of ' || gates.gates || ' passed, '
        || gates.waived || ' of them by a waiver'
        || coalesce('; failing: ' || gates.failing_gates, '') as detail,
        'mend what quality.migration_gates names and run dbt build, or let the Owner '
        || 'grant a waiver' as what_to_do
    from gates

    union all

    select
        3 as step_number,
        'publish' as step,
        true as is_needed_to_sign,
        coalesce(last_run.status = 'done', false)
        and open_batches.batches = 0
        and last_run.started_at
        > coalesce(last_rollback.started_at, '-infinity') as is_done,
        case
            when last_run.run_id is null then 'nothing was published'
            when last_run.started_at < last_rollback.started_at
                then 'rolled back since'
            else
                'run ' || last_run.run_id || ' is ' || last_run.status || ', '
                || open_batches.batches || ' batches open'
        end as detail,
        'dbt build' as what_to_do
    from open_batches
    cross join last_rollback
    left outer join last_run on true

    union all

    select
        4 as step_number,
        'conflicts' as step,
        false as is_needed_to_sign,
        conflicts.conflicts = 0 as is_done,
        conflicts.conflicts || ' values changed in the CRM and in Planfix' as detail,
        'publish.publish_conflicts, dbt run-operation settle_conflict; the CRM''s '
        || 'values stay until then' as what_to_do
    from conflicts

    union all

    select
        5 as step_number,
        'qa_sample' as step,
        true as is_needed_to_sign,
        qa.drawn > 0 and qa.correct = qa.drawn as is_done,
        qa.correct || ' of ' || qa.drawn || ' correct, ' || qa.wrong || ' wrong, '
        || qa.unsure || ' unsure, ' || qa.waiting || ' waiting' as detail,
        'python -m desk, page QA sample' as what_to_do
    from qa

    union all

    select
        6 as step_number,
        'freeze' as step,
        true as is_needed_to_sign,
        frozen.freezes > 0 as is_done,
        coalesce(
            'Planfix is frozen since '
            || to_char(frozen.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
            || ' UTC',
            'no freeze is declared'
        ) as detail,
        'dbt run-operation declare_freeze' as what_to_do
    from frozen

    union all

    select
        7 as step_number,
        'final_delta' as step,
        true as is_needed_to_sign,
        coalesce(
            extracts.read_at >= frozen.started_at
            and last_run.started_at >= extracts.read_at,
            false
        ) as is_done,
        case
            when frozen.started_at is null then 'waits for the freeze'
            when coalesce(extracts.read_at < frozen.started_at, true)
                then 'nothing was extracted since the freeze began'
            when coalesce(last_run.started_at < extracts.read_at, true)
                then 'extracted, not published yet'
            else 'extracted and published after the freeze began'
        end as detail,
        'dlt pipeline run, then dbt build' as what_to_do
    from frozen
    cross join extracts
    left outer join last_run on true

    union all

    select
        8 as step_number,
        'freeze_check' as step,
        true as is_needed_to_sign,
        frozen.started_at is not null and changes.changes = 0 as is_done,
        changes.changes || ' changes in Planfix since the freeze began' as detail,
        'dbt run-operation freeze_check; publish them and declare a new freeze'
            as what_to_do
    from changes
    cross join frozen

    union all

    select
        9 as step_number,
        'sign_off' as step,
        false as is_needed_to_sign,
        signed.sign_offs > 0 as is_done,
        coalesce(
            'signed off '
            || to_char(signed.signed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
            || ' UTC',
            'not signed off'
        ) as detail,
        'the Owner: dbt run-operation sign_off, or the desk' as what_to_do
    from signed

    union all

    select
        10 as step_number,
        'archive' as step,
        false as is_needed_to_sign,
        archived.archives > 0
        and coalesce(
            archived.latest_fetched_at >= extracts.read_at, extracts.read_at is null
        )
            as is_done,
        case
            when archived.archives = 0 then 'no archive of the extract'
            when archived.latest_fetched_at < extracts.read_at
                then 'the archive is older than the newest extract'
            else
                'archived '
                || to_char(archived.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
                || ' UTC'
        end as detail,
        'python -m loaders.archive' as what_to_do
    from archived
    cross join extracts

    union all

    select
        11 as step_number,
        'purge' as step,
        false as is_needed_to_sign,
        purged.purges > 0 as is_done,
        coalesce(
            'personal data purged '
            || to_char(purged.purged_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
            || ' UTC',
            'personal data is still in raw, staging and quarantine'
        ) as detail,
        'dbt run-operation purge_raw' as what_to_do
    from purged
),

final as (
    select
        step_number,
        step,
        is_needed_to_sign,
        is_done,
        detail,
        case when not is_done then what_to_do end as what_to_do
    from steps
)

select * from final
