"""What can go wrong, said so that a person knows what to do and a program knows what it was."""

from hallnet.problems.problem import Kind, Problem, Reported, all_problems

__all__ = ["Kind", "Problem", "Reported", "all_problems"]
