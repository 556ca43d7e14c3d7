"""The only writers of letters.

`intake` and `importing` take them in; `suggesting` keeps what the classifier thinks and `sorting` what a
person decides; `routing` brings them to units and people, `deadlines` keeps their clock, `answering` writes,
signs off and sends, `leaving` lets them go without an answer. `contacts` opens who wrote; `ratings` keeps
what citizens say of the answers. What every act does first and last is in `acting`; who may do what is in
`feedback.states`.
"""
