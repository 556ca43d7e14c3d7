"""The only writers of letters.

`intake` and `importing` take them in, `casework` handles them, `contacts` opens who wrote, `ratings` keeps
what citizens say of the answers.
"""
