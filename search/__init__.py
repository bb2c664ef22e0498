"""The search: spaces, samplers and pruners, trial processes, the loop, the command line."""
