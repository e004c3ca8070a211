"""A fault at every step: between any two bytecodes of the pool, and in every callback."""
