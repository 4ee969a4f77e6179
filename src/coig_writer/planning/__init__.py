"""What a training run needs: memory, speed and hours, before it starts."""
