"""What words and measures say by themselves: sentences, stems, phrases, delivery."""
