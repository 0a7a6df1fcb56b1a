"""From an operator's words to faults in force."""
