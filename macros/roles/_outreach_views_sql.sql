{% macro _outreach_views_sql() %}
-- security_barrier: a function in the caller's condition never sees a row the view withholds.
{% for channel in role_matrix().outreach_channels %}
create or replace view {{ _access('outreach_' ~ channel) }}
with (security_barrier = true) as
select
    customers.id as customer_id,
    customers.kind,
    customers.display_name,
    customers.given_name,
    customers.family_name,
    customers.company_name,
    customers.city,
    customers.country_code,
    customers.language,
    customers.timezone,
    contacts.value,
    contacts.extension,
    contacts.is_primary,
    consents.captured_at as consented_at
from {{ _live('customers') }} as customers
inner join {{ _live('customer_contacts') }} as contacts
    on
        customers.id = contacts.customer_id
        and contacts.channel = '{{ channel }}'
inner join {{ _live('customer_consents') }} as consents
    on
        customers.id = consents.customer_id
        and consents.channel = '{{ channel }}'
        and consents.purpose = 'marketing'
        and consents.status = 'granted'
where customers.status = 'active';
{% endfor %}
{% endmacro %}
