{% macro _mass_action_guard_sql() %}
{%- set limit = setting('mass_action_limit') | int -%}
-- Which clients a login changed lately: the memory of the mass-action guard, keys only.
create table if not exists {{ _access('client_changes') }} (
    login text not null,
    transaction_id xid8 not null,
    customer_id uuid not null,
    changed_at timestamptz not null,
    primary key (login, transaction_id, customer_id)
);

-- Guarded are those who may edit but are not the Owner. A missing role is not an error: a
-- dropped role must not stop the CRM from writing.
create or replace function {{ _access('is_guarded') }}()
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $is_guarded$
    select
        coalesce(bool_or(roles.rolname <> '{{ _role_name('owner') }}'), false)
        and not coalesce(bool_or(roles.rolname = '{{ _role_name('owner') }}'), false)
    from pg_catalog.pg_roles as roles
    where
        roles.rolname = any({{ _text_array(_roles_with('edit_profile', ['A'])) }})
        and pg_catalog.pg_has_role(current_user, roles.oid, 'usage')
$is_guarded$;

create or replace function {{ _access('guard_mass_action') }}()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $guard_mass_action$
declare
    changed record;
    changed_customer_id uuid;
    recently timestamptz := clock_timestamp()
        - make_interval(secs => {{ setting('mass_action_window_seconds') | int }});
begin
    if tg_op = 'DELETE' then
        changed := old;
    else
        changed := new;
    end if;
    if tg_table_name = 'customers' then
        changed_customer_id := changed.id;
    else
        changed_customer_id := changed.customer_id;
    end if;
    -- approved by the Owner for this login, these clients, a limited time
    if exists (
        select
        from {{ _access('change_requests') }} as requests
        where
            requests.status = 'approved'
            and requests.decided_role = '{{ _role_name('owner') }}'
            and requests.action = 'edit_profile'
            and requests.requested_by = session_user
            and requests.decided_at
            > now() - make_interval(hours => {{ setting('approval_valid_hours') | int }})
            and changed_customer_id = any(requests.customer_ids)
    ) then
        return null;
    end if;
    delete from {{ _access('client_changes') }}
    where
        login = session_user
        and changed_at < recently
        and transaction_id <> pg_current_xact_id();
    insert into {{ _access('client_changes') }} (
        login, transaction_id, customer_id, changed_at
    )
    values (session_user, pg_current_xact_id(), changed_customer_id, clock_timestamp())
    on conflict do nothing;
    if (
        select count(distinct customer_id)
        from {{ _access('client_changes') }}
        where
            login = session_user
            and (changed_at >= recently or transaction_id = pg_current_xact_id())
    ) > {{ limit }} then
        raise exception using
            errcode = 'insufficient_privilege',
            message = 'a change of more than {{ limit }} clients needs the Owner''s approval',
            hint = 'insert the list into {{ setting('access_schema') }}.change_requests '
                || '(action edit_profile) and try again once it is approved';
    end if;
    return null;
end
$guard_mass_action$;

revoke all on function {{ _access('guard_mass_action') }}() from public;

-- The migration itself is named in the condition: its batches pay one comparison a row.
{% for table in role_matrix().editable %}
do $guard_trigger$
begin
    if not exists (
        select
        from pg_catalog.pg_trigger
        where
            tgname = 'riderra_mass_action_guard'
            and tgrelid = '{{ _live(table) }}'::regclass
            and pg_catalog.strpos(
                pg_catalog.pg_get_triggerdef(oid), pg_catalog.quote_literal(current_user)
            ) > 0
    ) then
        execute pg_catalog.format(
            'create or replace trigger riderra_mass_action_guard '
            'after insert or update or delete on %s for each row when ('
            'current_user <> %L '
            'and pg_catalog.current_setting(''is_superuser'') = ''off'' '
            'and %s()) execute function %s()',
            '{{ _live(table) }}', current_user,
            '{{ _access('is_guarded') }}', '{{ _access('guard_mass_action') }}'
        );
    end if;
end
$guard_trigger$;
{% endfor %}
{% endmacro %}
