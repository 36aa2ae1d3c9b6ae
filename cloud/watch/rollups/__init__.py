"""What an hour of readings comes to: each a pure function of the points of one asset and hour."""
