"""What the pages of the documentation site take from the code: settings, metrics, and links that hold on the site."""
