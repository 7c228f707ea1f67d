"""What the lakehouse is: contracts, transforms and the run, with no engine, no cloud and no clock."""
