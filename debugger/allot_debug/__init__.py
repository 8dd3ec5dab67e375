"""allot's memory as a debugger sees it: read from members, without a call in the program."""
