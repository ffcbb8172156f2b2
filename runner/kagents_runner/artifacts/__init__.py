"""What agents make for others: collected when its maker has ended, checked before somebody takes it."""
