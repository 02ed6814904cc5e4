-- Customers that we wrote and that somebody removed from the CRM: nothing may point at
-- them any more. Few, if any: the comparison would look for them once per table.
with

published_rows as (

    select * from {{ state_relation('published_rows') }}

),

live_customers as (

    select * from {{ live_relation('customers') }}

),

final as (

    select published_rows.row_id as customer_id
    from published_rows
    left outer join live_customers
        on published_rows.row_id = live_customers.id
    where
        published_rows.table_name = 'customers'
        and live_customers.id is null

)

select * from final
