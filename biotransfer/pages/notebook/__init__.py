"""What a notebook shows: of every noun its figure, and a report below a cell."""
