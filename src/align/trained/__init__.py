"""What comes after training: a trained model that explains any photograph, and takes its masks and weights elsewhere."""
