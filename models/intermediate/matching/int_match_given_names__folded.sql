-- Which given names a written form can stand for. «Саша» is Александр or Александра,
-- and only the surname's ending, the patronymic or the stated sex tells which; «Слава»
-- stays open.

with

given_names as (

    select * from {{ ref('given_names') }}

),

nicknames as (

    select * from {{ ref('nicknames') }}

),

own_names as (

    select
        {{ function('name_skeleton') }}(lower(name)) as skeleton,
        {{ function('name_skeleton') }}(lower(name)) as given_name,
        sex,
        origin in ('ru', 'east') as is_own_name
    from given_names

),

short_forms as (

    select
        {{ function('name_skeleton') }}(lower(short_form)) as skeleton,
        {{ function('name_skeleton') }}(lower(name)) as given_name,
        sex,
        false as is_own_name
    from nicknames

),

every_form as (

    select * from own_names

    union all

    select * from short_forms

),

folded as (

    select
        skeleton,
        bool_or(is_own_name) as is_own_name,
        array_agg(distinct given_name) as given_names,
        array_agg(distinct given_name) filter (
            where given_name <> skeleton
        ) as full_names,
        array_agg(distinct given_name) filter (
            where given_name <> skeleton and sex = 'male'
        ) as male_full_names,
        array_agg(distinct given_name) filter (
            where given_name <> skeleton and sex = 'female'
        ) as female_full_names,
        case when count(distinct sex) = 1 and count(*) = count(sex) then min(sex) end
            as sex
    from every_form
    where skeleton <> ''
    group by skeleton

),

-- a name in its own right is not folded further: Алёна and Елена meet in given_names
-- only
final as (

    select
        skeleton,
        is_own_name,
        given_names,
        sex,
        case
            when is_own_name or cardinality(full_names) > 1 then skeleton
            else coalesce(full_names[1], skeleton)
        end as given_key,
        case
            when is_own_name or cardinality(male_full_names) > 1 then skeleton
            else coalesce(male_full_names[1], skeleton)
        end as male_given_key,
        case
            when is_own_name or cardinality(female_full_names) > 1 then skeleton
            else coalesce(female_full_names[1], skeleton)
        end as female_given_key
    from folded

)

select * from final
