"""What the lakehouse is: contracts, transforms and the run; no engine, no cloud, no clock."""
