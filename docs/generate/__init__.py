"""What contracts, workflow and code know, written into the documents between markers."""
