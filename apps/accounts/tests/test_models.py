def test_people_have_lower_case_addresses(ada):
    assert ada.email == "ada@example.org"
