-- Fails for a customer whose company_id names a row that is no active company, or
-- itself.
-- Why: the CRM shows the employer as a link; a link to an archived or merged row
-- misleads, and one to a person is nonsense.
-- Does not claim that everybody with an employer has a company_id: a name alone gives
-- none.

select
    customers.id,
    customers.company_id,
    employers.kind,
    employers.status
from {{ ref('customers') }} as customers
left outer join {{ ref('customers') }} as employers
    on customers.company_id = employers.id
where
    customers.company_id is not null
    and (
        employers.id is null
        or employers.id = customers.id
        or employers.status <> 'active'
        or employers.kind <> 'company'
    )
