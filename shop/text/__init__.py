"""What shoppers type: its language, its plain form, and the values in it.

One module a kind of value (`prices`, `dates`, `sizes` …), each with a function of that name that
takes a text as it was typed and returns frozen dataclasses with spans in it. They never raise,
whatever is typed. The words for codes stand in `data/words/`; `request.understand` reads all of it
at once.
"""
