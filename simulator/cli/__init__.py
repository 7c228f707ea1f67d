"""The command line: a thin, talkative layer over the run, the lake and the generator."""
