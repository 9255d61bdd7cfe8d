"""Tables: each file makes one, as tidy data for machines and as blocks of cells for people."""
