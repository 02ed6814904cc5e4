{#-
    A key's name is the name of an index, and an index name is unique in its schema: the table
    that a rebuild puts beside the old one could not have the same keys. So the old table gives
    its names up first, in the same transaction: when the build fails, it has them back.
-#}
{% macro release_constraint_names(relation) %}
do $body$
declare
    key_name text;
begin
    for key_name in
        select conname
        from pg_constraint
        where
            conrelid = to_regclass('{{ relation.include(database=false) }}')
            and contype in ('p', 'u')
    loop
        execute format(
            'alter table {{ relation.include(database=false) }} drop constraint %I',
            key_name
        );
    end loop;
end
$body$
{% endmacro %}
