{% macro _ensure_roles_sql() %}
-- one grant at a time per database; other databases of the cluster share the roles
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('riderra roles'));

do $ensure_roles$
declare
    wanted text;
begin
    foreach wanted in array {{ _text_array(_all_role_names()) }} loop
        if not exists (
            select from pg_catalog.pg_roles where rolname = wanted
        ) then
            begin
                execute pg_catalog.format('create role %I nologin', wanted);
            exception
                -- another database's run was faster
                when duplicate_object or unique_violation then null;
            end;
        end if;
    end loop;
end
$ensure_roles$;
{% endmacro %}
