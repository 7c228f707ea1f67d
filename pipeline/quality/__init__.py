"""Quality gates: engines measure, plain Python decides.

`measuring` holds what needs frames; every other module here also runs where no engine is installed.
"""
