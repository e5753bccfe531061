"""Passports at work: what an account may do, what is wrong with one, how one is changed."""
