"""Runs the steps of this folder."""

from hallnet.exchange.tables import metadata
from hallnet.store.migrating import run_environment

run_environment(metadata)
