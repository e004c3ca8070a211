"""What the harnesses share: the names of what is private, private copies of the package, mistakes in these."""
