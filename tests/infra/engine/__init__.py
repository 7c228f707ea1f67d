"""The program, deployed by the real engine into an emulated account."""
