"""From public addresses to verified archives, and from archives to folders."""
