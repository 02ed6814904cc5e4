{{ python_function_requests('name_skeleton', [
    {'relation': ref('int_name_tokens__collected'), 'token': 'token'},
]) }}
