"""Notify: tells people what happened to their cases, once, and keeps the proof that it went."""
