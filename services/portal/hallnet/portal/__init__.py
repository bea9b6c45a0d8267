"""The portal: the people's face of a hall, for staff, agents and applicants. It keeps nothing itself."""
