"""Reading an answer: words, key points, qualities, levels, delivery."""
