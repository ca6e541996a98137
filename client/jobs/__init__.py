"""Jobs and those who watch them: following, pausing, ending, whoever started them."""
