"""Extensions of the documentation: numbers from results pages, and reference pages from the code."""
