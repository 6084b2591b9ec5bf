"""How nodes are kept: what is read of an answer, what is made of it, and what drift is."""
