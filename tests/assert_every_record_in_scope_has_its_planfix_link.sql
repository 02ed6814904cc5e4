-- Fails for a card in scope without exactly one Planfix link, or with a link to a
-- customer that identity does not name.
-- Why: the link is how anybody finds the source of a customer after Planfix is gone.
-- Does not claim that the link is live yet; reconciliation after publishing does.
{{ config(meta={'asked_by': 'card'}) }}

select
    assigned.planfix_id,
    assigned.customer_id,
    count(links.id) as links
from {{ ref('int_customers__cards') }} as assigned
left outer join {{ ref('customer_external_links') }} as links
    on
        links.source_system = 'planfix'
        and assigned.planfix_id::text = links.external_id
        and assigned.customer_id = links.customer_id
group by assigned.planfix_id, assigned.customer_id
having count(links.id) <> 1
