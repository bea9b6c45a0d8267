"""Where halls are: addresses, the register of divisions, and the way through the tree."""

from hallnet.places.address import Address, Level, Village
from hallnet.places.divisions import Divisions, divisions
from hallnet.places.routing import Way, way_to

__all__ = ["Address", "Divisions", "Level", "Village", "Way", "divisions", "way_to"]
