{{ python_function_requests('name_skeleton', [
    {'relation': ref('int_name_tokens__collected'), 'token': 'token'},
    {'relation': ref('given_names'), 'token': 'lower(name)'},
    {'relation': ref('nicknames'), 'token': 'lower(name)'},
    {'relation': ref('nicknames'), 'token': 'lower(short_form)'},
], is_distinct=true) }}
