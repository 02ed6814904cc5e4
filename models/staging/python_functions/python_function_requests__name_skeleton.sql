{{ python_function_requests('name_skeleton', [
    {'relation': ref('int_contact_names__split'), 'token': 'token'},
    {'relation': ref('int_company_names__split'), 'token': 'token'},
    {'relation': ref('int_trip_names__split'), 'token': 'token'},
    {'relation': ref('given_names'), 'token': 'lower(name)'},
    {'relation': ref('nicknames'), 'token': 'lower(name)'},
    {'relation': ref('nicknames'), 'token': 'lower(short_form)'},
], is_distinct=true) }}
