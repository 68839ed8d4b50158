"""What the program can do. Each command is a function of its options that gives the exit code.

    train     a network learns MNIST, alone or in a team, and is saved
    measure   evaluate, ladder, confidence: how well networks read, and whether they know it
    read      predict: a network reads pictures, in the terminal
    bench     how fast all this is, beside others
    shared    what they share

`cli.py` says which options there are.
"""
