-- Fails for a field group whose fields are chosen by different steps.
-- Why: the fields of a group come from one card, and int_customers__survivors reads the
-- steps of the group from any of its rows; a difference would be ignored in silence.
-- Does not claim that the steps are sensible.

select
    field_group,
    count(*) as fields
from {{ ref('survivorship_rules') }}
group by field_group
having count(distinct concat_ws(' ', step_1, step_2, step_3, step_4)) > 1
