"""A hall that lost entries gets its own words back from those who heard them."""
