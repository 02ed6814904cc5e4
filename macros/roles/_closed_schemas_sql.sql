{% macro _closed_schemas_sql() %}
{%- set schemas = [] -%}
{%- for schema in role_matrix().closed_schemas -%}
    {%- do schemas.extend([schema, 'dry_run_' ~ schema]) -%}
{%- endfor -%}
{%- do schemas.append('dry_run_' ~ setting('riderra_schema')) -%}
-- Only where something was granted: a build that changes nothing writes nothing here.
do $closed_schemas$
declare
    granted record;
begin
    for granted in
        select distinct namespaces.nspname
        from pg_catalog.pg_namespace as namespaces
        left join pg_catalog.pg_class as relations
            on namespaces.oid = relations.relnamespace
        cross join lateral (
            select acl.grantee from pg_catalog.aclexplode(namespaces.nspacl) as acl
            union all
            select acl.grantee from pg_catalog.aclexplode(relations.relacl) as acl
        ) as grantees
        where
            namespaces.nspname = any({{ _text_array(schemas) }})
            and (
                grantees.grantee = 0
                or grantees.grantee in (
                    select roles.oid
                    from pg_catalog.pg_roles as roles
                    where roles.rolname = any({{ _text_array(_all_role_names()) }})
                )
            )
    loop
        execute pg_catalog.format(
            'revoke all on schema %I from public, {{ _identifiers(_all_role_names()) }}',
            granted.nspname
        );
        execute pg_catalog.format(
            'revoke all on all tables in schema %I '
            'from public, {{ _identifiers(_all_role_names()) }}',
            granted.nspname
        );
    end loop;
end
$closed_schemas$;
{% endmacro %}
