"""What works on this machine, and how to mend the rest: `examination` runs all, each other module looks at a part."""
