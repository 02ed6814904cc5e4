{% macro _approvals_sql() %}
create schema if not exists {{ adapter.quote(setting('access_schema')) }};

-- The queue behind every AP of the matrix. Rows are asked for, approved or rejected; nobody
-- but the table's owner can change what was asked, and nobody deletes.
create table if not exists {{ _access('change_requests') }} (
    request_id bigint generated always as identity primary key,
    requested_at timestamptz not null default pg_catalog.now(),
    requested_by text not null,
    requested_role text not null,
    action text not null
    constraint change_requests_action check (action in ('edit_profile', 'outreach')),
    channel text
    constraint change_requests_channel check ((action = 'outreach') = (channel is not null)),
    customer_ids uuid [] not null,
    client_count integer not null
    constraint change_requests_clients check (client_count > 0),
    changes jsonb not null default '{}',
    reason text not null
    constraint change_requests_reason check (pg_catalog.btrim(reason) <> ''),
    status text not null default 'pending'
    constraint change_requests_status check (status in ('pending', 'approved', 'rejected')),
    decided_at timestamptz,
    decided_by text,
    decided_role text,
    decision_note text,
    constraint change_requests_decision check (
        (status = 'pending') = (decided_at is null)
        and (status = 'pending') = (decided_by is null)
    )
);

comment on table {{ _access('change_requests') }} is
'One row per change that a role may ask for but not make; approved or rejected once.';

alter table {{ _access('change_requests') }} enable row level security;

-- role of the matrix that the current user acts in, the strongest first
create or replace function {{ _access('acting_role') }}()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $acting_role$
    select roles.rolname::text
    from pg_catalog.pg_roles as roles
    inner join
        unnest({{ _text_array(_all_role_names()) }}) with ordinality
        as wanted (rolname, position) on roles.rolname = wanted.rolname
    where pg_catalog.pg_has_role(current_user, roles.oid, 'usage')
    order by wanted.position
    limit 1
$acting_role$;

create or replace function {{ _access('stamp_change_request') }}()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $stamp_change_request$
declare
    acting text := {{ _access('acting_role') }}();
begin
    if acting is null then
        raise exception using
            errcode = 'insufficient_privilege',
            message = 'only the roles of the matrix ask for changes or decide on them';
    end if;
    if tg_op = 'INSERT' then
        if not acting = any(
            case new.action
                when 'edit_profile'
                    then {{ _text_array(_roles_with('edit_profile', ['A', 'AP'])) }}
                else {{ _text_array(_roles_with('outreach', ['A', 'AP'])) }}
            end
        ) then
            raise exception using
                errcode = 'insufficient_privilege',
                message = format('role %s may not ask for %s', acting, new.action);
        end if;
        new.requested_at := now();
        new.requested_by := session_user;
        new.requested_role := acting;
        new.client_count := (
            select count(distinct customer_id) from unnest(new.customer_ids) as customer_id
        );
        new.status := 'pending';
        new.decided_at := null;
        new.decided_by := null;
        new.decided_role := null;
        new.decision_note := null;
        return new;
    end if;
    if old.status <> 'pending' or new.status = 'pending' then
        raise exception using
            errcode = 'insufficient_privilege',
            message = 'a change request is decided once, as approved or rejected';
    end if;
    if acting <> '{{ _role_name('owner') }}' then
        if new.client_count > {{ setting('mass_action_limit') | int }} then
            raise exception using
                errcode = 'insufficient_privilege',
                message = format(
                    'a change of %s clients needs the Owner''s approval (more than %s)',
                    new.client_count, {{ setting('mass_action_limit') | int }}
                );
        end if;
        if new.requested_by = session_user then
            raise exception using
                errcode = 'insufficient_privilege',
                message = 'nobody but the Owner decides on his own request';
        end if;
    end if;
    new.decided_at := now();
    new.decided_by := session_user;
    new.decided_role := acting;
    return new;
end
$stamp_change_request$;

create or replace trigger stamp_change_request
before insert or update on {{ _access('change_requests') }}
for each row execute function {{ _access('stamp_change_request') }}();

drop policy if exists change_requests_read on {{ _access('change_requests') }};
create policy change_requests_read on {{ _access('change_requests') }}
for select using (
    requested_by = session_user
    or {{ _access('acting_role') }}() = any(
        {{ _text_array(
            (_roles_with('approve', ['A']) + _roles_with('audit_log', ['A'])) | unique | list
        ) }}
    )
);

drop policy if exists change_requests_ask on {{ _access('change_requests') }};
create policy change_requests_ask on {{ _access('change_requests') }}
for insert with check (requested_by = session_user);

drop policy if exists change_requests_decide on {{ _access('change_requests') }};
create policy change_requests_decide on {{ _access('change_requests') }}
for update using (
    {{ _access('acting_role') }}() = any({{ _text_array(_roles_with('approve', ['A'])) }})
);
{% endmacro %}
