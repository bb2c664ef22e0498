"""How good is the search? Recorded runs of real trainers, and studies simulated over them."""
