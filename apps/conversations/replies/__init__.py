"""One reply: what is searched for a question, what the passages can answer, how the answer is written and checked."""
