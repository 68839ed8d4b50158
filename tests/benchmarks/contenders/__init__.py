"""Who is measured: a file for each library, in it a function for each task.

Such a function makes all that the task needs and returns the contender (see `stopwatch.py`).
What a person would write in each library is what is measured; nobody is given a trick that
another could have used as well. `describe` says what library it was.
"""
