"""Where over the noise levels to train."""
