"""Trees of halls for tests of how halls deal with each other."""

from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP, world

__all__ = ["CITY", "COUNTY", "HALLS", "OTHER_COUNTY", "PROVINCE", "TOWNSHIP", "world"]
