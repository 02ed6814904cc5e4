-- Each distinct word of a name is folded once, and not once per name.

{% set names = [
    'int_contact_names__split', 'int_company_names__split', 'int_trip_names__split',
] %}

with

-- distinct by itself, before the union: the words of each are few
tokens as (

    {% for name in names %}
        select distinct token
        from {{ ref(name) }}
        {% if not loop.last %}
            union
        {% endif %}
    {% endfor %}

),

final as (

    select
        token,
        {{ function('name_skeleton') }}(token) as skeleton
    from tokens

)

select * from final
