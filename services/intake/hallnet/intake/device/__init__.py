"""Devices that work where there is no network: browsers and programs of the agents and windows of this hall."""
