{#-
    A session's own function that runs a command which writes to the CRM: it tries again what a
    second try can mend, and turns every other error into one without row values. PostgreSQL's
    own would quote names and phones in its DETAIL, and dbt would print and log them.
-#}
{% macro guarded_call_ddl() %}
set client_min_messages = warning;
-- a dbt that was killed is noticed while a statement still runs, and its batch rolled back
set client_connection_check_interval = '2s';

create or replace function pg_temp.guarded_call(command text, what text) returns jsonb
language plpgsql as $guarded$
declare
    attempt int := 0;
    state text;
    told text;
    relation_name text;
    constraint_named text;
    column_named text;
    place text;
    result jsonb;
begin
    loop
        attempt := attempt + 1;
        begin
            execute command into result using attempt;
            return result;
        exception
            -- a unique violation here is a row that the CRM added this very moment
            when
                deadlock_detected
                or serialization_failure
                or lock_not_available
                or unique_violation
            then
                get stacked diagnostics
                    state = returned_sqlstate,
                    relation_name = table_name,
                    constraint_named = constraint_name;
                if attempt >= {{ setting('publish_attempts') | int }} then
                    raise exception '%', format(
                        '%s was not written: %s after %s attempts (SQLSTATE %s%s). '
                        'Nothing of it is in the CRM, earlier batches are. '
                        'Run the same again when the CRM is quieter.',
                        what,
                        case state
                            when '40P01' then 'deadlock with another session'
                            when '40001' then 'serialization failure'
                            when '55P03' then 'lock timeout'
                            else 'a unique constraint'
                        end,
                        attempt,
                        state,
                        coalesce(', ' || nullif(constraint_named, ''), '')
                    );
                end if;
                perform pg_sleep(0.1 * attempt * attempt);
            when others then
                get stacked diagnostics
                    state = returned_sqlstate,
                    told = message_text,
                    relation_name = table_name,
                    constraint_named = constraint_name,
                    column_named = column_name,
                    place = pg_exception_context;
                raise exception '%', format(
                    '%s was not written: %s%s (SQLSTATE %s). Nothing of it is in the '
                    'CRM, earlier batches are. Mend the cause and run the same again.',
                    what,
                    case
                        when state = '23503' then 'a foreign key'
                        when state = '23502' then 'a missing value'
                        when state = '23514' then 'a check'
                        when state like '23%' then 'a constraint'
                        when state = 'P0001' then 'a trigger of the CRM'
                        when state = '42501' then 'a missing right'
                        -- the server's own troubles name files and limits, never values
                        when left(state, 2) in ('53', '54', '57', '58') then told
                        else 'an error'
                    end,
                    concat(
                        ' in ' || nullif(relation_name, ''),
                        ', ' || nullif(constraint_named, ''),
                        ', column ' || nullif(column_named, ''),
                        ', function ' || (
                            select found.name[1]
                            from regexp_matches(place, 'PL/pgSQL function ([^\s(]+)', 'g')
                                as found (name)
                            where found.name[1] not like 'pg_temp%'
                            limit 1
                        )
                    ),
                    state
                );
        end;
    end loop;
end
$guarded$;
{% endmacro %}
